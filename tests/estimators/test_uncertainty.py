"""Standard errors and intervals of fits against lifelines, closed forms and each other."""

import pickle

import numpy as np
import pytest
from fits_of_intervals import REJECTED
from joblib import parallel_config
from scipy import stats
from sklearn.callback import ProgressBar, ScoringMonitor

import natfit
from natfit.estimators import _replicates
from natfit.inference.delta import Estimated
from natfit.optimize import Status
from tests.fits import fitted

Z = stats.norm.ppf(0.975)
RNG = np.random.default_rng(0)
WAITS = RNG.exponential(3.0, 40)
LIVES = 3.0 * RNG.weibull(1.8, 60)


# ------------------------------------------------------------------------- other programs

# lifelines issue 1068: 5 failures (weights 1, 1, 1, 2) among 1588 units in 62 rows.
TIMES = [20, 37, 46, 63, *range(5, 11), *range(13, 17), *range(18, 25), 26, 27, 28, 30, 31, 32, 35]
TIMES += [37, 38, 40, 41, 42, 45, 47, 49, *range(60, 84), 87, 88]
UNITS = [1, 1, 1, 2, 1, 2, 3, 1, 3, 1, 2, 1, 1, 2, 1, 2, 1, 2, 1, 2, 2, 1, 1, 2, 1, 2, 1, 2, 1, 1]
UNITS += [1, 1, 3, 1, 1, 1, 1, 73, 75, 54, 31, 77, 81, 69, 80, 98, 86, 48, 88, 113, 112, 145, 240]
UNITS += [35, 1, 1, 11, 5, 4, 1, 3, 3]


@pytest.fixture(scope="module")
def reliability():
    rows = natfit.Censored.right(TIMES, [1] * 4 + [0] * 58)
    return natfit.fit("weibull", rows, sample_weight=UNITS, tol=1e-9)


def test_lifelines_issue_1068(reliability):
    # lifelines 0.30.3, WeibullFitter by Nelder-Mead: lambda_, rho_, their standard errors.
    assert (len(TIMES), sum(UNITS)) == (62, 1588)
    assert reliability.params_["scale"][0] == pytest.approx(1351.694046, rel=1e-5)
    assert reliability.params_["shape"][0] == pytest.approx(1.942711, rel=1e-6)
    assert reliability.standard_errors_["scale"][0] == pytest.approx(1782.022880, rel=1e-4)
    assert reliability.standard_errors_["shape"][0] == pytest.approx(0.854848, rel=1e-5)


def test_parameters_on_the_scale_of_lifelines(reliability):
    # lifelines 0.30.3 adds and subtracts standard errors, also below zero.
    found = reliability.estimate("scale", scale="identity").interval[0]
    assert found == pytest.approx([-2141.006618, 4844.394711], rel=1e-4)
    found = reliability.estimate("shape", scale="identity").interval[0]
    assert found == pytest.approx([0.267239, 3.618183], rel=1e-4)
    assert np.all(reliability.conf_int()["scale"] > 0)


def test_survival_at_720_hours(reliability):
    found = reliability.estimate("sf", 720.0, scale="identity")
    # lifelines 0.30.3 forms it on the scale of S itself, and leaves (0, 1).
    assert found.value == pytest.approx(0.74515939, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((-0.1283313, 1.6186500), abs=1e-4)
    # The same standard error 0.4456671 on the scale of log(-log S), by hand.
    u, half = np.log(-np.log(0.74515939)), Z * 0.4456671 / (0.74515939 * -np.log(0.74515939))
    found = reliability.estimate("sf", 720.0, scale="cloglog")
    want = np.exp(-np.exp([u + half, u - half]))
    assert (found.low, found.high) == pytest.approx(tuple(want), rel=1e-4)
    found = reliability.estimate("sf", 720.0)
    assert 0.0 < found.low < found.value < found.high < 1.0
    assert found.scale == "logit"


# lifelines 0.30.3: covariance matrices of (scale, shape), or of (mu, sigma) of the lognormal.
FREIREICH = natfit.Censored.right(
    [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
    [1] * 9 + [0] * 12,
)
#: The six devices, and the four intervals, of the examples of scipy.stats.CensoredData.
DEVICES = stats.CensoredData(uncensored=[13, 22, 17, 15], right=[20, 18])
INTERVALS = stats.CensoredData.interval_censored(low=[10, 0.5, 2, 12.5], high=[11, 1.0, 3, 13.5])
LEFT = stats.CensoredData.left_censored(
    [1.0, 1.5, 2, 2.5, 3, 3, 4, 4.5, 6, 7], [True, False, True, *[False] * 7]
)
LIFELINES = {
    "freireich, weibull": ("weibull", FREIREICH, (85.19922877, -1.51105459, 0.14203614)),
    "freireich, lognormal": ("lognormal", FREIREICH, (0.08187155, 0.03572299, 0.06279604)),
    "freireich, log-logistic": ("log_logistic", FREIREICH, (46.74452829, -1.21333554, 0.21247277)),
    "right, weibull": ("weibull", DEVICES, (3.26733576, -0.24951881, 5.08080461)),
    "right, lognormal": ("lognormal", DEVICES, (0.01066165, 0.00217716, 0.00735003)),
    "interval, weibull": ("weibull", INTERVALS, (10.91303733, 0.48626686, 0.21948972)),
    "interval, lognormal": ("lognormal", INTERVALS, (0.34321425, -0.00392686, 0.17543140)),
    "left, weibull": ("weibull", LEFT, (0.54309500, 0.11980755, 0.22792658)),
    "left, log-logistic": ("log_logistic", LEFT, (0.43294725, 0.05446747, 0.51395809)),
}


@pytest.mark.parametrize("case", LIFELINES)
def test_censored_rows_against_lifelines(case):
    family, rows, want = LIFELINES[case]
    model = natfit.fit(family, rows, tol=1e-9)
    found = model.cov_params()
    # natfit's order is (shape, scale); the lognormal's scale is exp(mu).
    slope = 1.0 / model.params_["scale"][0] if family == "lognormal" else 1.0
    own = (found[1, 1] * slope**2, found[0, 1] * slope, found[0, 0])
    # lifelines differentiates to about six digits.
    assert own == pytest.approx(want, rel=2e-5)


def test_censored_exponential_in_closed_form():
    model = natfit.fit("exponential", FREIREICH)
    # 9 events in 359 weeks: the standard error of a rate is rate / sqrt(events).
    assert model.params_["rate"][0] == pytest.approx(9 / 359, rel=1e-6)
    assert model.standard_errors_["rate"][0] == pytest.approx(3 / 359, rel=1e-6)
    low, high = model.conf_int()["rate"][0]
    assert (low, high) == pytest.approx(tuple(9 / 359 * np.exp([-Z / 3, Z / 3])), rel=1e-6)


def test_normal_regression_on_a_constant_against_statsmodels():
    import statsmodels.api as sm

    theirs = sm.OLS(LIVES, np.ones((60, 1))).fit()
    model = natfit.fit("normal", LIVES)
    # statsmodels divides by n - 1.
    want = theirs.bse[0] * np.sqrt(59 / 60)
    assert model.estimate("mean").standard_error == pytest.approx(want, rel=1e-6)


# --------------------------------------------------------------------------- closed forms


def test_quantile_of_the_exponential():
    model = natfit.fit("exponential", WAITS)
    found = model.estimate("ppf", 0.1)
    want = -np.log(0.9) * WAITS.mean()
    assert found.value == pytest.approx(want, rel=1e-5)
    assert found.standard_error == pytest.approx(want / np.sqrt(40), rel=1e-5)
    ends = want * np.exp([-Z / np.sqrt(40), Z / np.sqrt(40)])
    assert (found.low, found.high) == pytest.approx(tuple(ends), rel=1e-5)
    np.testing.assert_array_equal(model.conf_int(of=("ppf", 0.1)), found.interval)


def test_quantile_of_the_weibull():
    model = natfit.fit("weibull", LIVES)
    shape, scale = model.params_["shape"][0], model.params_["scale"][0]
    log_term = np.log(-np.log(0.9))
    value = scale * np.exp(log_term / shape)
    slope = np.array([-value * log_term / shape**2, value / scale])
    error = np.sqrt(slope @ model.cov_params() @ slope)
    for found in (model.estimate("ppf", 0.1), model.estimate(lambda d: d.ppf(0.1))):
        assert (found.value, found.standard_error) == pytest.approx((value, error), rel=1e-6)


def test_estimate_of_a_parameter_is_its_row():
    model = natfit.fit("gamma", WAITS)
    for name in ("shape", "scale"):
        found = model.estimate(name)
        np.testing.assert_allclose(found.standard_error, model.standard_errors_[name], rtol=1e-9)
        np.testing.assert_allclose(found.interval, model.conf_int()[name], rtol=1e-9)


@pytest.mark.parametrize("x", [0.01, 3.0, 60.0])
def test_shares_stay_shares(x):
    model = natfit.fit("gamma", WAITS)
    for name in ("cdf", "sf"):
        found = model.estimate(name, x, level=0.999)
        assert 0.0 < found.low < found.value < found.high < 1.0


def test_levels_are_those_of_the_normal_distribution():
    model = natfit.fit("normal", LIVES)
    error = LIVES.std() / np.sqrt(60)
    for level in (0.5, 0.9, 0.99):
        low, high = model.conf_int(level)["loc"][0]
        assert (high - low) / 2 == pytest.approx(stats.norm.ppf(0.5 + level / 2) * error, rel=1e-6)


def test_robust_intervals():
    model = natfit.fit("exponential", LIVES)
    found = model.estimate("mean", cov_type="robust", X=LIVES)
    assert found.standard_error == pytest.approx(LIVES.std() / np.sqrt(60), rel=1e-5)
    assert found.cov_type == "robust"
    wide, narrow = model.conf_int()["rate"], model.conf_int(cov_type="robust", X=LIVES)["rate"]
    assert np.ptp(narrow) < np.ptp(wide)


# ----------------------------------------------------------------- shapes, options, wrappers


def test_columns():
    X = np.column_stack([LIVES, LIVES**2])
    model = natfit.fit("weibull", X)
    assert model.conf_int()["shape"].shape == (2, 2)
    found = model.estimate("ppf", [0.1, 0.5, 0.9])
    assert found.interval.shape == (3, 2, 2)
    for j in (0, 1):
        own = natfit.fit("weibull", X[:, j])
        np.testing.assert_allclose(model.conf_int()["shape"][j], own.conf_int()["shape"][0])
        alone = own.estimate("ppf", [0.1, 0.5, 0.9])
        np.testing.assert_allclose(found.standard_error[:, j], alone.standard_error, rtol=1e-6)
    # Columns are independent: the variance of a difference is the sum of the variances.
    difference = model.estimate(lambda d: d.params["shape"][0] - d.params["shape"][1])
    want = np.sqrt(np.square(model.standard_errors_["shape"]).sum())
    assert difference.standard_error == pytest.approx(want, rel=1e-9)


def test_fixed_parameters():
    model = natfit.fit("weibull", LIVES, fixed={"shape": 2.0})
    found = model.conf_int()
    np.testing.assert_array_equal(found["shape"], [[2.0, 2.0]])
    # With a known shape, scale^shape is the mean of exponential variables.
    half = Z / np.sqrt(60) / 2.0
    want = np.sqrt(np.square(LIVES).mean()) * np.exp([-half, half])
    np.testing.assert_allclose(found["scale"][0], want, rtol=1e-6)
    found = model.estimate("ppf", 0.1)
    share = found.value / model.params_["scale"][0]
    want = share * model.standard_errors_["scale"][0]
    assert found.standard_error == pytest.approx(want, rel=1e-6)
    again = model.conf_int(method="bootstrap", X=LIVES, n_resamples=50, kind="percentile")
    np.testing.assert_allclose(again["shape"], [[2.0, 2.0]], rtol=1e-12)


def test_truncation():
    x = LIVES[LIVES > 1.0]
    model = natfit.fit("exponential", x, truncation=(1.0, None))
    # Without memory: x - 1 is exponential.
    rate = 1.0 / (x - 1.0).mean()
    want = rate * np.exp([-Z / np.sqrt(len(x)), Z / np.sqrt(len(x))])
    np.testing.assert_allclose(model.conf_int()["rate"][0], want, rtol=1e-6)
    found = model.estimate("ppf", 0.5)
    assert found.value == pytest.approx(1.0 + np.log(2.0) / rate, rel=1e-6)
    assert found.standard_error == pytest.approx(np.log(2.0) / rate / np.sqrt(len(x)), rel=1e-5)
    assert found.low > 1.0


def test_shifted():
    x = 5.0 + np.random.default_rng(1).gamma(3.0, 1.0, 400)
    model = natfit.fit(natfit.distributions.Shifted("gamma"), x)
    found = model.conf_int()
    assert found["loc"][0, 0] < 5.0 < found["loc"][0, 1]
    found = model.estimate("ppf", 0.1)
    assert found.low < 5.0 + stats.gamma(3.0).ppf(0.1) < found.high
    assert found.scale == "identity"


def test_mixture():
    rng = np.random.default_rng(2)
    x = np.where(rng.random(600) < 0.3, rng.normal(-3.0, 1.0, 600), rng.normal(2.0, 1.0, 600))
    model = natfit.fit(natfit.distributions.Mixture(["normal", "normal"]), x)
    weights = model.conf_int()["weights"].reshape(2, 2)
    assert np.all(weights > 0) and np.all(weights < 1)
    # The logits of two shares are each other's negatives.
    np.testing.assert_allclose(weights[0], 1.0 - weights[1, ::-1], rtol=1e-9)
    found = model.estimate("cdf", 0.0)
    assert found.standard_error == pytest.approx(
        model.estimate(lambda d: d.cdf(0.0)).standard_error, rel=1e-5
    )
    means = model.conf_int(method="bootstrap", X=x, n_resamples=40, kind="percentile")
    # A warm start keeps the order of the components.
    assert np.all(means["loc_0"][..., 1] < means["loc_1"][..., 0]) or np.all(
        means["loc_1"][..., 1] < means["loc_0"][..., 0]
    )


def test_ends_of_the_support():
    x = np.random.default_rng(3).uniform(2.0, 5.0, 50)
    found = fitted("uniform", x).conf_int()
    # The support certainly reaches beyond the rows, and nothing says how far.
    np.testing.assert_array_equal(found["low"], [[-np.inf, x.min()]])
    np.testing.assert_array_equal(found["high"], [[x.max(), np.inf]])


def test_what_is_not_determined_is_named():
    x = np.random.default_rng(4).uniform(2.0, 5.0, 50)
    found = fitted("uniform", x).estimate("mean")
    assert found.standard_error == np.inf
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert "depends on low, high" in str(found)
    assert "identifiability()" in str(found)


def test_the_line_says_what_it_is():
    found = natfit.fit("exponential", WAITS).estimate("ppf", 0.1)
    assert isinstance(found, Estimated)
    assert str(found) == repr(found)
    for words in ("ppf(0.1) = ", "standard error", "95 % interval [", "on the log scale"):
        assert words in str(found)
    assert pickle.loads(pickle.dumps(found)).value == found.value


def test_notes_say_how_the_fit_ended():
    model = fitted("weibull", LIVES, max_iter=1)
    assert model.status_ == "max_iter"
    assert "the fit ended as 'max_iter'" in str(model.estimate("mean"))


# ------------------------------------------------------------------------------- bootstrap


def test_bootstrap_of_a_mean_against_scipy():
    model = natfit.fit("exponential", WAITS)
    found = model.conf_int(method="bootstrap", of="mean", X=WAITS, n_resamples=600)
    theirs = stats.bootstrap(
        (WAITS,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    # Ends of 600 replicates vary by a tenth of the interval's standard error.
    error = WAITS.std() / np.sqrt(40)
    assert found == pytest.approx(np.array([theirs.low, theirs.high]), abs=0.3 * error)


def test_standard_error_of_the_bootstrap():
    model = natfit.fit("exponential", WAITS)
    found = model.estimate("mean", method="bootstrap", X=WAITS, n_resamples=400)
    assert found.standard_error == pytest.approx(WAITS.std() / np.sqrt(40), rel=0.15)
    found = model.estimate(
        "mean", method="bootstrap", X=WAITS, n_resamples=400, resample="parametric"
    )
    assert found.standard_error == pytest.approx(WAITS.mean() / np.sqrt(40), rel=0.15)
    assert str(found).endswith("(bootstrap)")


def test_seeds_and_processes():
    model = natfit.fit("gamma", WAITS)

    def ends(**options):
        return model.conf_int(method="bootstrap", X=WAITS, n_resamples=60, **options)["shape"]

    first = ends()
    np.testing.assert_array_equal(ends(random_state=0), first)
    with parallel_config("threading"):
        np.testing.assert_array_equal(ends(n_jobs=2), first)
    assert not np.array_equal(ends(random_state=1), first)
    seeded = natfit.fit("gamma", WAITS, random_state=1)
    own = seeded.conf_int(method="bootstrap", X=WAITS, n_resamples=60)["shape"]
    np.testing.assert_allclose(own, ends(random_state=1), rtol=1e-6)


@pytest.mark.slow
def test_processes_share_the_replicates():
    model = natfit.fit("gamma", WAITS)
    options = {"method": "bootstrap", "X": WAITS, "n_resamples": 60}
    found = model.conf_int(n_jobs=2, **options)["shape"]
    np.testing.assert_array_equal(found, model.conf_int(**options)["shape"])


def test_weights_are_repetitions_in_the_bootstrap():
    weight = np.random.default_rng(9).integers(1, 4, 40)
    many = np.repeat(WAITS, weight)
    widths = []
    for x, w in ((WAITS, weight), (many, None)):
        model = natfit.fit("exponential", x, sample_weight=w)
        options = {"X": x, "sample_weight": w, "n_resamples": 300}
        widths.append(model.estimate("mean", method="bootstrap", **options).standard_error)
    assert widths[0] == pytest.approx(many.std() / np.sqrt(len(many)), rel=0.15)
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_censored_rows_are_resampled_but_not_drawn():
    model = natfit.fit("weibull", FREIREICH)
    found = model.conf_int(method="bootstrap", X=FREIREICH, n_resamples=100)
    assert np.all(np.isfinite(found["scale"]))
    with pytest.raises(ValueError, match="not defined for censored rows"):
        model.conf_int(method="bootstrap", X=FREIREICH, n_resamples=100, resample="parametric")


def test_columns_share_their_rows():
    X = np.column_stack([LIVES, LIVES])
    model = natfit.fit("exponential", X)
    found = model.estimate(
        lambda d: d.params["rate"][0] - d.params["rate"][1] + 1.0,
        method="bootstrap",
        X=X,
        n_resamples=50,
        kind="percentile",
    )
    # Rows are resampled whole, so that equal columns stay equal.
    assert (found.low, found.high) == pytest.approx((1.0, 1.0), abs=1e-9)


def test_quantiles_of_counts_have_a_percentile_interval():
    x = np.random.default_rng(6).poisson(4.0, 80)
    model = natfit.fit("poisson", x)
    with pytest.raises(ValueError, match="method='bootstrap', kind='percentile', X=X"):
        model.estimate("ppf", 0.9)
    with pytest.raises(ValueError, match="kind='percentile'"):
        model.conf_int(method="bootstrap", of=("ppf", 0.9), X=x, n_resamples=40)
    low, high = model.conf_int(
        method="bootstrap", of=("ppf", 0.9), X=x, n_resamples=200, kind="percentile"
    )
    assert low <= stats.poisson(x.mean()).ppf(0.9) <= high


def test_fits_that_fail_are_counted(monkeypatch):
    model = natfit.fit("gamma", WAITS)
    plain = _replicates._batch

    def some(*args):
        found = plain(*args)
        return [why if i % 5 == 0 else found[i] for i in range(len(found))]

    why = "singular: the rows are one value"
    monkeypatch.setattr(_replicates, "_batch", some)
    with pytest.warns(RuntimeWarning, match="10 of 50 fits to resampled rows did not converge"):
        model.conf_int(method="bootstrap", X=WAITS, n_resamples=50)
    monkeypatch.setattr(_replicates, "_batch", lambda *args: [why] * len(args[-1]))
    with pytest.raises(ValueError, match="but 50 of 50 did not, the first because: singular"):
        model.conf_int(method="bootstrap", X=WAITS, n_resamples=50)


def test_two_rows_of_which_most_sets_are_one_value():
    x = np.array([1.0, 2.0, 2.0])
    model = natfit.fit("normal", x)
    with pytest.warns(RuntimeWarning, match=r"of 200 fits to resampled rows did not converge"):
        model.conf_int(method="bootstrap", X=x, n_resamples=200, kind="percentile")


class Seen:
    """A callback that keeps the names of the tasks that it sees."""

    def __init__(self):
        self.begun, self.ended, self.torn_down = [], [], 0

    def setup(self, estimator, context):
        """Begin."""

    def teardown(self, estimator, context):
        """End."""
        self.torn_down += 1

    def on_fit_task_begin(self, estimator, context, **data):
        """Keep the name of a task."""
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context, **data):
        """Keep the name of a task."""
        self.ended.append(context.task_name)
        return False


def test_progress_through_callbacks():
    seen = Seen()
    model = natfit.fit("gamma", WAITS)
    model.set_callbacks(seen)
    model.conf_int(method="bootstrap", X=WAITS, n_resamples=60)
    assert seen.begun == ["bootstrap", *["replicate"] * 60]
    assert seen.ended == [*["replicate"] * 60, "bootstrap"]
    assert seen.torn_down == 1
    assert not [k for k in vars(model) if k.startswith("_callback_fit_ctx")]


def test_monitors_of_scores_see_no_replicates():
    model = natfit.fit("gamma", WAITS)
    monitor = ScoringMonitor(scoring=lambda estimator, X, y: {"score": estimator.score(X)})
    model.set_callbacks(monitor)
    model.conf_int(method="bootstrap", X=WAITS, n_resamples=40)


def test_the_progress_bar_of_scikit_learn():
    pytest.importorskip("rich")
    model = natfit.fit("gamma", WAITS)
    model.set_callbacks(ProgressBar())
    model.conf_int(method="bootstrap", X=WAITS, n_resamples=40)


def test_bootstrap_at_a_limit():
    x = np.random.default_rng(0).binomial(20, 0.3, 60).astype(float)
    model = fitted("negative_binomial", x)
    assert model.status_ == "boundary"
    found = model.conf_int(method="bootstrap", X=x, n_resamples=60)
    assert found["mean"][0, 0] < x.mean() < found["mean"][0, 1]
    assert not np.isnan(found["n"]).any()


# ------------------------------------------------------------------------------- bad input


def test_methods_of_one_variable():
    X = np.random.default_rng(0).normal(size=(30, 2))
    model = natfit.NaturalGaussianMLE().fit(X)
    with pytest.raises(ValueError, match="univariate families only, got MultivariateNormal"):
        model.estimate("mean")
    found = model.estimate(lambda d: d.params["loc"][0] + d.params["loc"][1])
    want = np.sqrt(X.sum(axis=1).var() / 30)
    assert found.standard_error == pytest.approx(want, rel=1e-6)


@pytest.mark.parametrize("case", REJECTED)
def test_bad_input(case):
    method, args, options, error, words = REJECTED[case]
    model = natfit.fit("gamma", WAITS)
    options = {
        k: WAITS if isinstance(v, str) and v == "the data" else v for k, v in options.items()
    }
    with pytest.raises(error, match=words):
        getattr(model, method)(*args, **options)


def test_estimators_that_are_not_fitted():
    model = natfit.NaturalMLE("gamma")
    for call in (model.conf_int, model.cov_params, lambda: model.estimate("mean")):
        with pytest.raises(ValueError, match="not fitted"):
            call()


def test_fits_without_an_optimum():
    # Equal rows: the shape of the gamma distribution grows without limit.
    model = natfit.fit("gamma", WAITS)
    model.statuses_ = [Status.UNBOUNDED]
    for call in (model.conf_int, lambda: model.estimate("mean")):
        with pytest.raises(ValueError, match=r"ended as 'unbounded'.*identifiability\(\)"):
            call()


def test_rows_that_are_not_those_of_the_fit():
    model = natfit.fit("gamma", WAITS)
    other = {"X": WAITS[:5]}
    calls = (model.conf_int, model.cov_params, lambda **given: model.estimate("mean", **given))
    for call in calls:
        with pytest.raises(ValueError, match="X must be the data of the fit"):
            call(**other)
        with pytest.raises(ValueError, match="X must be the data of the fit"):
            call(X=WAITS, sample_weight=np.arange(40.0))
        with pytest.raises(ValueError, match="sample_weight belongs to X"):
            call(sample_weight=np.ones(40))
    assert model.estimate("mean", X=WAITS).low == model.estimate("mean").low


def test_names_for_whole_numbers_are_those_of_densities():
    model = natfit.fit("poisson", [1, 2, 2, 5])
    for mass, density in (("pmf", "pdf"), ("logpmf", "logpdf")):
        got, want = model.estimate(mass, 2), model.estimate(density, 2)
        assert (got.low, got.high) == (want.low, want.high)
        assert got.standard_error == want.standard_error


def test_a_mean_that_is_infinite_near_the_estimate_has_no_end_of_a_profile():
    """The search must end, and say why: some accepted parameters have no finite mean."""
    x = stats.genextreme(-0.6).rvs(25, random_state=np.random.default_rng(1))
    model = natfit.fit("gev", x)
    with pytest.raises(ValueError, match="is infinite at parameters that the data do not exclude"):
        model.estimate("mean", method="profile", X=x)
