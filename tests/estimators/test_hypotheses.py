"""Tests of hypotheses against closed forms, statsmodels, scipy and simulations."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import digamma, gammaln, polygamma

import natfit
from natfit.bijectors import Real
from natfit.distributions import Mixture, ZeroInflated
from natfit.inference import Outcome
from tests.fits import fitted, gamma_poisson, native

RNG = np.random.default_rng(0)
WAITS = RNG.exponential(1.3, 60)
HEAVY = RNG.standard_t(5.0, 200)
COUNTS = gamma_poisson(RNG, 2.0, 4.0, 150)
MAXIMA = np.loadtxt(Path(__file__).parents[2] / "examples" / "data" / "port_pirie.csv", skiprows=1)


def half(statistic, df=1):
    """The upper tail of 1/2 chi-square(df - 1) + 1/2 chi-square(df)."""
    low = stats.chi2.sf(statistic, df - 1) if df > 1 else 0.0
    return 0.5 * low + 0.5 * stats.chi2.sf(statistic, df)


def close(found, statistic, df, pvalue=None, abs=1e-6):
    assert isinstance(found, Outcome)
    assert found.statistic == pytest.approx(statistic, rel=1e-5, abs=abs)
    assert found.df == df
    want = stats.chi2.sf(statistic, df) if pvalue is None else pvalue
    assert found.pvalue == pytest.approx(want, rel=1e-4, abs=1e-9)


# --------------------------------------------------------------------------- closed forms


def test_rate_of_an_exponential():
    model, n, r = natfit.fit("exponential", WAITS), len(WAITS), 1.0 / WAITS.mean()
    null = {"rate": 1.0}
    close(model.likelihood_ratio_test(null, WAITS), 2 * n * (np.log(r) - 1 + 1 / r), 1)
    close(model.wald_test(null), n * np.log(r) ** 2, 1)
    close(model.score_test(WAITS, null), n * (1 / r - 1) ** 2, 1)
    assert model.wald_test(null).null == "rate = 1"
    assert "chi-square with 1 degree of freedom" in str(model.wald_test(null))


def test_probability_of_a_success():
    y, n, p = np.arange(40) < 13, 40, 13 / 40
    model = natfit.fit("bernoulli", y.astype(float))
    null = {"prob": 0.5}
    lr = 2 * n * (p * np.log(p / 0.5) + (1 - p) * np.log((1 - p) / 0.5))
    close(model.likelihood_ratio_test(null, y.astype(float)), lr, 1)
    close(model.score_test(y.astype(float), null), n * (p - 0.5) ** 2 / 0.25, 1)
    # Pearson's chi-square is the score test.
    assert model.score_test(y.astype(float), null).pvalue == pytest.approx(
        stats.chisquare([13, 27]).pvalue
    )
    close(model.wald_test(null), n * p * (1 - p) * np.log(p / (1 - p)) ** 2, 1)


def test_mean_of_a_normal():
    y = RNG.normal(0.3, 2.0, 50)
    model, t = natfit.fit("normal", y), np.sqrt(50) * y.mean() / y.std()
    close(model.likelihood_ratio_test({"loc": 0.0}, y), 50 * np.log1p(t**2 / 50), 1)
    close(model.wald_test({"loc": 0.0}), t**2, 1)
    close(model.score_test(y, {"loc": 0.0}), t**2 / (1 + t**2 / 50), 1)
    both = {"loc": 0.0, "scale": 2.0}
    lr = 2 * (stats.norm.logpdf(y, y.mean(), y.std()) - stats.norm.logpdf(y, 0.0, 2.0)).sum()
    close(model.likelihood_ratio_test(both, y), lr, 2)
    close(model.wald_test(both), t**2 + 2 * 50 * np.log(y.std() / 2.0) ** 2, 2)
    z = y / 2.0
    close(model.score_test(y, both), z.sum() ** 2 / 50 + (z**2 - 1).sum() ** 2 / 100, 2)


def test_the_three_tests_are_in_order():
    # For the mean of a normal Wald >= LR >= score (Breusch 1979).
    model = natfit.fit("normal", HEAVY)
    null = {"loc": 0.1}
    w, lr = model.wald_test(null), model.likelihood_ratio_test(null, HEAVY)
    assert w.statistic >= lr.statistic >= model.score_test(HEAVY, null).statistic


def test_shape_of_a_gamma_by_hand():
    y = RNG.gamma(1.5, 2.0, 80)
    model = natfit.fit("gamma", y)
    n, m = len(y), y.mean()
    # Under shape = 1 the scale is the mean; the efficient information of log shape is psi'(1) - 1.
    score = np.sum(np.log(y / m) - digamma(1.0))
    want = score**2 / (n * (polygamma(1, 1.0) - 1.0))
    close(model.score_test(y, {"shape": 1.0}), want, 1)
    k, s = native(model).values()
    log = (k - 1) * np.log(y) - y / s - gammaln(k) - k * np.log(s)
    lr = 2 * (log.sum() - stats.expon.logpdf(y, scale=m).sum())
    close(model.likelihood_ratio_test({"shape": 1.0}, y), lr, 1, abs=1e-5)
    close(model.likelihood_ratio_test(natfit.fit("exponential", y)), lr, 1, abs=1e-5)


def test_sea_levels():
    gev, gumbel = natfit.fit("gev", MAXIMA), natfit.fit("gumbel", MAXIMA)
    found = gev.likelihood_ratio_test(gumbel)
    # Coles (2001, section 3.4.1): log-likelihoods 4.34 and 4.22, no evidence against Gumbel's.
    assert found.statistic == pytest.approx(0.2428, abs=1e-4)
    assert found.pvalue == pytest.approx(stats.chi2.sf(found.statistic, 1))
    assert found.null == "Gumbel inside Gev" and "mixture" not in str(found)
    close(gev.likelihood_ratio_test({"shape": 0.0}, MAXIMA), found.statistic, 1, abs=1e-5)


# ------------------------------------------------------------------- no refit, known values


def test_the_score_of_fixed_values_needs_no_fit(monkeypatch):
    y = RNG.gamma(1.5, 2.0, 80)
    held = natfit.fit("gamma", y, fixed={"shape": 1.0})
    want = natfit.fit("gamma", y).score_test(y, {"shape": 1.0})
    monkeypatch.setattr(natfit.NaturalMLE, "fit", None)
    found = held.score_test(y)
    close(found, want.statistic, 1)
    assert not any("fitted" in note for note in found.notes)
    assert any("fitted" in note for note in want.notes)


def test_observed_information():
    held = natfit.fit("gamma", WAITS, fixed={"shape": 1.0})
    n, m = len(WAITS), WAITS.mean()
    # Observed in (log k, log s) at k = 1: by hand, with u = sum(log(y / m)).
    u = np.log(WAITS / m).sum()
    score = u - n * digamma(1.0)
    a = n * polygamma(1, 1.0) + n * digamma(1.0) - u
    want = score**2 / (a - n)
    close(held.score_test(WAITS, information="observed"), want, 1)


def test_with_other_known_values():
    y = RNG.standard_t(5.0, 150)
    held = natfit.fit("student_t", y, fixed={"df": 5.0})
    found = held.likelihood_ratio_test({"scale": 1.0}, y)
    free = natfit.fit("student_t", y, fixed={"df": 5.0, "scale": 1.0})
    close(found, 2 * (held.loglik_ - free.loglik_), 1, abs=1e-5)
    close(held.likelihood_ratio_test(free), found.statistic, 1, abs=1e-5)
    # Known degrees of freedom are no nuisance of the score either.
    u = 6.0 * (y - native(free)["loc"]) / (5.0 + (y - native(free)["loc"]) ** 2)
    score = np.sum(u * (y - native(free)["loc"]) - 1.0)
    want = score**2 / (150 * 2.0 * 5.0 / 8.0)
    close(held.score_test(y, {"scale": 1.0}), want, 1, abs=1e-4)


def test_columns_add():
    X = np.column_stack([WAITS, RNG.exponential(2.0, 60)])
    model = natfit.fit("exponential", X)
    null = {"rate": [1.0, 0.5]}
    ones = [natfit.fit("exponential", X[:, j]) for j in range(2)]
    for name, args in (("likelihood_ratio_test", (null, X)), ("wald_test", (null,))):
        own = [
            getattr(m, name)({"rate": r}, *([X[:, j]] if len(args) > 1 else []))
            for j, (m, r) in enumerate(zip(ones, (1.0, 0.5), strict=True))
        ]
        close(getattr(model, name)(*args), sum(o.statistic for o in own), 2, abs=1e-5)
    found = model.score_test(X, null)
    assert found.df == 2 and found.null == "column 0: rate = 1; column 1: rate = 0.5"


def test_weights_are_repetitions():
    weight = RNG.integers(1, 4, 60)
    model = natfit.fit("gamma", WAITS, sample_weight=weight)
    rows = np.repeat(WAITS, weight)
    plain = natfit.fit("gamma", rows)
    null = {"shape": 1.0}
    close(
        model.likelihood_ratio_test(null, WAITS, weight),
        plain.likelihood_ratio_test(null, rows).statistic,
        1,
        abs=1e-5,
    )
    close(
        model.score_test(WAITS, null, weight), plain.score_test(rows, null).statistic, 1, abs=1e-5
    )


def test_vectors():
    X = RNG.normal(size=(60, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]])
    for model in (natfit.fit("multivariate_normal", X), natfit.NaturalGaussianMLE().fit(X)):
        found = model.likelihood_ratio_test({"loc": [0.0, 0.0]}, X)
        second = X.T @ X / 60
        want = 60 * (np.linalg.slogdet(second)[1] - np.linalg.slogdet(np.cov(X.T, bias=True))[1])
        close(found, want, 2, abs=1e-5)
        # Hotelling's T^2 with the divisor n is Wald's statistic.
        t2 = 60 * X.mean(0) @ np.linalg.solve(np.cov(X.T, bias=True), X.mean(0))
        close(model.wald_test({"loc": [0.0, 0.0]}), t2, 2, abs=1e-5)


# ------------------------------------------------------------------------------ statsmodels


def test_negative_binomial_against_statsmodels():
    import statsmodels.api as sm

    ones = np.ones((len(COUNTS), 1))
    nb = sm.NegativeBinomial(COUNTS, ones).fit(disp=0)
    poisson = sm.Poisson(COUNTS, ones).fit(disp=0)
    model = natfit.fit("negative_binomial", COUNTS)
    found = model.likelihood_ratio_test(natfit.fit("poisson", COUNTS))
    want = 2 * (nb.llf - poisson.llf)
    close(found, want, 1, half(want), abs=1e-5)
    assert "Self & Liang" in str(found) and "n at the end of its range" in str(found)
    close(model.likelihood_ratio_test({"n": np.inf}, COUNTS), want, 1, half(want), abs=1e-5)
    # Dean's score test of overdispersion (1992, JASA 87:451) has the closed form.
    m = COUNTS.mean()
    score = np.sum((COUNTS - m) ** 2 - COUNTS) ** 2 / (2 * len(COUNTS) * m**2)
    close(model.score_test(COUNTS, {"n": np.inf}), score, 1, half(score), abs=1e-4)


def test_poisson_score_test_against_statsmodels():
    import statsmodels.api as sm

    ones = np.ones((len(COUNTS), 1))
    fit = sm.GLM(COUNTS, ones, family=sm.families.Poisson()).fit()
    exog = np.column_stack([ones, np.r_[np.ones(75), np.zeros(75)]])
    # Two groups as two columns with one mean each, under the mean of both.
    statistic, _, _ = fit.model.score_test(fit.params, exog_extra=exog[:, 1:])
    y = np.column_stack([COUNTS[:75], COUNTS[75:]])
    found = natfit.fit("poisson", y).score_test(y, {"rate": COUNTS.mean()})
    assert found.statistic == pytest.approx(float(np.squeeze(statistic)), rel=1e-6)


# --------------------------------------------------------------------- ends of the ranges


def test_extra_zeros():
    y = RNG.poisson(2.0, 200) * (RNG.random(200) > 0.1)
    y = y.astype(float)
    model, poisson = natfit.fit("zero_inflated", y), natfit.fit("poisson", y)
    found = model.likelihood_ratio_test(poisson)
    z, m = native(model).values()
    log = np.where(
        y == 0, np.log(z + (1 - z) * np.exp(-m)), np.log1p(-z) + stats.poisson.logpmf(y, m)
    )
    want = 2 * (log.sum() - stats.poisson.logpmf(y, y.mean()).sum())
    close(found, want, 1, half(want), abs=1e-5)
    close(model.likelihood_ratio_test({"zero_prob": 0.0}, y), want, 1, half(want), abs=1e-5)
    # van den Broek (1995, Biometrics 51:738).
    n, p0, n0 = len(y), np.exp(-y.mean()), np.sum(y == 0)
    s = (n0 - n * p0) ** 2 / (n * p0 * (1 - p0) - n * y.mean() * p0**2)
    close(model.score_test(y, {"zero_prob": 0.0}), s, 1, half(s))
    assert "at the end of its range" in str(found)


def test_fewer_zeros_than_expected():
    # The score points out of the range: the estimate is at the end, and both statistics are zero.
    y = RNG.poisson(2.0, 200).astype(float)
    y[y == 0] = 1.0
    model = fitted("zero_inflated", y)
    for found in (
        model.likelihood_ratio_test({"zero_prob": 0.0}, y),
        model.score_test(y, {"zero_prob": 0.0}),
    ):
        assert found.statistic == 0.0 and found.pvalue == 1.0


def test_infinite_degrees_of_freedom():
    model = natfit.fit("student_t", HEAVY)
    want = 2 * (
        stats.t.logpdf(HEAVY, *(native(model)[k] for k in ("df", "loc", "scale"))).sum()
        - stats.norm.logpdf(HEAVY, HEAVY.mean(), HEAVY.std()).sum()
    )
    close(model.likelihood_ratio_test({"df": np.inf}, HEAVY), want, 1, half(want), abs=1e-4)
    close(model.likelihood_ratio_test(natfit.fit("normal", HEAVY)), want, 1, half(want), abs=1e-4)
    # The score is that of the kurtosis: n (b2 - 3)^2 / 24 (Jarque & Bera 1980).
    b2 = stats.kurtosis(HEAVY, fisher=False)
    score = 200 * (b2 - 3) ** 2 / 24
    close(model.score_test(HEAVY, {"df": np.inf}), score, 1, half(score), abs=1e-4)


def test_two_ends_at_once():
    y = COUNTS * (RNG.random(150) > 0.1)
    model = fitted(ZeroInflated("negative_binomial"), y)
    null = {"zero_prob": 0.0, "n": np.inf}
    found = model.likelihood_ratio_test(null, y)
    assert (
        found.df == 2 and found.reference.startswith("chi-bar-square") and "(0)" in found.reference
    )
    poisson = natfit.fit("poisson", y)
    want = 2 * (model.loglik_ - poisson.loglik_)
    assert found.statistic == pytest.approx(want, abs=1e-4)
    # The correlation of both estimates at the Poisson distribution, by its closed information.
    m = y.mean()
    p0 = np.exp(-m)
    zero = np.arange(200) == 0
    k = np.arange(200)
    pmf = stats.poisson.pmf(k, m)
    scores = np.stack([zero / p0 - 1.0, 0.5 * ((k - m) ** 2 - k), k / m - 1.0])
    information = np.einsum("ik,jk,k->ij", scores, scores, pmf)
    v = np.linalg.inv(information)[:2, :2]
    a = np.arcsin(v[0, 1] / np.sqrt(v[0, 0] * v[1, 1])) / (2 * np.pi)
    p = (0.25 + a) * stats.chi2.sf(want, 2) + 0.5 * stats.chi2.sf(want, 1)
    assert found.pvalue == pytest.approx(p, rel=1e-4)
    with pytest.raises(ValueError, match="more than one parameter"):
        model.likelihood_ratio_test(poisson)


def test_a_bound_of_the_user():
    y = RNG.gamma(1.0, 1.0, 100)
    model = fitted("gamma", y, bounds={"shape": (1.0, None)})
    found = model.likelihood_ratio_test({"shape": 1.0}, y)
    free = natfit.fit("gamma", y)
    inside = native(free)["shape"] > 1.0
    lr = free.likelihood_ratio_test({"shape": 1.0}, y).statistic if inside else 0.0
    close(found, lr, 1, half(lr) if inside else 1.0, abs=1e-5)


# ------------------------------------------------------------- distributions of statistics


def test_likelihood_ratio_and_score_differ_by_the_root_of_n():
    # Under the hypothesis the difference is O(1 / sqrt(N)): sixteen times the rows, a quarter.
    rng, size = np.random.default_rng(1), []
    for n in (40, 640):
        gaps = []
        for y in rng.exponential(1.0, (80, n)):
            model = natfit.fit("exponential", y)
            lr = model.likelihood_ratio_test({"rate": 1.0}, y).statistic
            gaps.append(abs(lr - model.score_test(y, {"rate": 1.0}).statistic))
        size.append(np.sqrt(np.mean(np.square(gaps))))
    assert 2.4 < size[0] / size[1] < 6.5


# --------------------------------------------------------------------------------- refusals


def test_mixtures_with_fewer_components():
    y = np.concatenate([RNG.normal(-3, 1, 60), RNG.normal(3, 1, 60)])
    model = natfit.fit(Mixture("normal", n_components=2), y)
    with pytest.raises(ValueError, match="not identified"):
        model.likelihood_ratio_test(natfit.fit("normal", y))
    found = model.likelihood_ratio_test({"weights": [0.5, 0.5]}, y)
    assert found.df == 1 and found.statistic == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    ("null", "words"),
    [
        ({}, "at least one parameter"),
        ({"sigma": 1.0}, "must name some of the parameters"),
        ({"scale": -1.0}, "must be Positive"),
        ({"scale": np.nan}, "must not be NaN"),
        ({"scale": 0.0}, "inside the range of scale, got its end 0"),
        ({"scale": [1.0, 2.0, 3.0]}, "must have shape"),
    ],
)
def test_values_that_cannot_be_tested(null, words):
    model = natfit.fit("normal", WAITS)
    for test in (
        lambda: model.likelihood_ratio_test(null, WAITS),
        lambda: model.wald_test(null),
        lambda: model.score_test(WAITS, null),
    ):
        with pytest.raises(ValueError, match=words):
            test()


def test_what_is_no_hypothesis():
    model = natfit.fit("normal", WAITS)
    for bad in (3.0, "loc", [("loc", 0.0)]):
        with pytest.raises(TypeError, match="null must be a dict"):
            model.wald_test(bad)
    with pytest.raises(TypeError, match="number"):
        model.wald_test({"loc": "zero"})
    with pytest.raises(ValueError, match="needs the data"):
        model.likelihood_ratio_test({"loc": 0.0})
    with pytest.raises(ValueError, match=r"fixed=\{...\}.*null=\{...\}"):
        model.score_test(WAITS)
    with pytest.raises(ValueError, match="information must be one of"):
        model.score_test(WAITS, {"loc": 0.0}, information="fisher")
    with pytest.raises(TypeError, match="did you mean 'null'"):
        model.score_test(WAITS, nul={"loc": 0.0})
    held = natfit.fit("normal", WAITS, fixed={"loc": 1.0})
    with pytest.raises(ValueError, match="'loc', which is fixed"):
        held.wald_test({"loc": 0.0})


def test_other_data():
    model = natfit.fit("normal", WAITS)
    for other in (WAITS[1:], WAITS + 1.0):
        with pytest.raises(ValueError, match="X must be the data of the fit"):
            model.likelihood_ratio_test({"loc": 0.0}, other)
        with pytest.raises(ValueError, match="X must be the data of the fit"):
            model.score_test(other, {"loc": 0.0})
    with pytest.raises(ValueError, match="fitted to the same data, which had 60"):
        natfit.fit("gamma", WAITS).likelihood_ratio_test(natfit.fit("exponential", WAITS[1:]))


def test_fits_that_cannot_be_compared():
    gamma, exponential = natfit.fit("gamma", WAITS), natfit.fit("exponential", WAITS)
    with pytest.raises(ValueError, match="fewer parameters than the fit, got 1 more"):
        exponential.likelihood_ratio_test(gamma)
    with pytest.raises(ValueError, match="at least as likely"):
        natfit.fit("normal", WAITS).likelihood_ratio_test(exponential)
    y = np.exp(RNG.normal(size=100))
    found = natfit.fit("lognormal", y).likelihood_ratio_test(natfit.fit("exponential", y))
    assert any("natfit does not know" in note for note in found.notes)
    with pytest.raises(ValueError, match="must fix 'shape' at 2"):
        natfit.fit("gamma", WAITS, fixed={"shape": 2.0}).likelihood_ratio_test(
            _of_nothing_free(WAITS)
        )
    prior = natfit.fit("normal", WAITS, prior={"loc": stats.norm(0, 1)})
    with pytest.raises(ValueError, match="with a prior"):
        prior.likelihood_ratio_test({"loc": 0.0}, WAITS)
    assert any("posterior" in note for note in prior.wald_test({"loc": 0.0}).notes)


def _of_nothing_free(y):
    """A fit with fewer parameters than any, of the same family and with another known value."""
    model = natfit.fit("gamma", y, fixed={"shape": 1.0})
    model._information = [type(i)(i.matrix, i.kind, known=(0, 1)) for i in model._information]
    return model


def test_fits_without_a_maximum():
    with pytest.raises(ValueError, match="is not fitted yet"):
        natfit.NaturalMLE("normal").wald_test({"loc": 0.0})
    model = fitted("gamma", WAITS, max_iter=1, start_params={"shape": 30.0, "scale": 0.01})
    for test in (
        lambda: model.wald_test({"shape": 1.0}),
        lambda: model.likelihood_ratio_test({"shape": 1.0}, WAITS),
        lambda: model.score_test(WAITS, {"shape": 1.0}),
    ):
        with pytest.raises(ValueError, match=r"'max_iter'.*identifiability\(\)"):
            test()


def test_parameters_that_the_data_do_not_determine():
    def log_prob(y, a, b):
        return -0.5 * (y - a - b) ** 2 - 0.9189385332046727

    both = {"a": Real(), "b": Real()}
    family = natfit.distributions.from_log_prob(log_prob, params=both, support="real")
    y = RNG.normal(1.0, 1.0, 30)
    held = natfit.fit(family, y, fixed={"a": 0.5})
    for kind in ("expected", "observed"):
        with pytest.raises(ValueError, match=r"information of a, b .*identifiability\(\)"):
            held.score_test(y, information=kind)
    with pytest.raises(ValueError, match=r"'singular'.*identifiability\(\)"):
        fitted(family, y).wald_test({"a": 0.0})


def test_ends_of_a_support():
    model = fitted("pareto", WAITS + 1.0)
    with pytest.raises(ValueError, match="an end of the support"):
        model.likelihood_ratio_test({"scale": 0.5}, WAITS + 1.0)
    found = model.likelihood_ratio_test({"shape": 1.0}, WAITS + 1.0)
    assert any("scale rests at a limit" in note for note in found.notes)


def test_no_standard_error():
    y = stats.norm.ppf((np.arange(60) + 0.5) / 60)
    model = fitted("student_t", y)
    with pytest.raises(ValueError, match=r"df has none.*identifiability\(\)"):
        model.wald_test({"df": 5.0})
    with pytest.raises(ValueError, match="likelihood_ratio_test or score_test"):
        model.wald_test({"df": np.inf})


def test_types_of_covariance():
    model = natfit.fit("exponential", WAITS)
    robust = model.wald_test({"rate": 1.0}, cov_type="robust", X=WAITS)
    # The sandwich of log rate: the variance of y over its squared mean.
    want = np.log(WAITS.mean()) ** 2 * len(WAITS) * WAITS.mean() ** 2 / WAITS.var()
    close(robust, want, 1)
    assert "robust covariance" in robust.notes[0]


def test_both_orders_of_the_rows_and_the_values():
    y = np.random.default_rng(3).gamma(2.0, size=40)
    model, null = natfit.fit("gamma", y), {"shape": 1.0}
    assert model.score_test(null, y).statistic == model.score_test(y, null).statistic
    want = model.likelihood_ratio_test(null, y)
    assert model.likelihood_ratio_test(y, null).statistic == want.statistic
    assert "fitted again with these values" in " ".join(want.notes)
    with pytest.raises(ValueError, match="got no X"):
        model.score_test(null)
    with pytest.raises(TypeError, match=r"laplace\(X, prior="):
        model.laplace({"shape": stats.gamma(2)})


def test_families_beside_each_other():
    y = np.random.default_rng(3).gamma(2.0, size=40)
    model, other = natfit.fit("gamma", y), natfit.fit("lognormal", y)
    with pytest.raises(
        ValueError, match="Lognormal beside Gamma .* not nested; use natfit.compare"
    ):
        model.likelihood_ratio_test(other)
    with pytest.raises(ValueError, match="'robust' is HC0"):
        model.cov_params("HC0", X=y)
