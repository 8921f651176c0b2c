import importlib.util
from importlib import resources
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import trapezoid

matplotlib.use("Agg")

FOLDER = Path(__file__).parents[2] / "examples"
FILES = sorted(FOLDER.glob("*/plot_*.py"))
STYLE = matplotlib.rc_params_from_file(
    resources.files("natfit.display") / "natfit.mplstyle", use_default_template=False
)
PNG = b"\x89PNG\r\n\x1a\n"


def load(name):
    (file,) = FOLDER.glob(f"*/{name}.py")
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def own_style():
    """A script sets matplotlib's style for its process, here for its test."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.use("Agg")
        yield
        plt.close("all")


def the_natural_policy_gradient_is_ahead_in_every_pair(result):
    plain, natural = result["returns"]["PG"], result["returns"]["NPG"]
    assert plain.shape == natural.shape == (10, 101)
    assert_allclose(plain[:, 0], natural[:, 0])
    for update in (50, 100):
        assert np.all(natural[:, update] > plain[:, update])
    assert natural[:, 50].min() > -400 and natural[:, 100].min() > -10
    assert plain[:, 100].max() < -5_000
    assert_allclose(result["literal"][1, True], -578)


def agents_learn(result):
    assert np.all(result["last"] > 1.5 * result["first"])
    for agent, evaluation in zip(result["agents"], result["evaluations"], strict=True):
        assert agent.n_env_steps_ <= agent.max_env_steps
        assert agent.status_ == "max_env_steps"
        assert len(evaluation.returns) == 20


def gains_end_at_the_riccati_one(result):
    assert result["paths"].shape == (len(result["errors"]), 31, 2)
    assert result["errors"].max() < 0.02
    ends = np.broadcast_to(result["optimum"], (len(result["errors"]), 2))
    assert_allclose(result["paths"][:, -1], ends, rtol=0.02)


def starts_that_were_not_trained_on_are_scored(result):
    search = result["search"]
    assert result["scores"].shape == (3, 2)
    best = search.best_params_
    i, j = result["radii"].index(best["step__epsilon"]), result["discounts"].index(best["discount"])
    assert result["scores"][i, j] == search.best_score_ == result["scores"].max()


def mixtures_of_petals_are_scikit_learns(result):
    from sklearn.mixture import GaussianMixture

    y = result["lengths"][:, None]
    assert result["best"] == 2
    for k, fit in result["fits"].items():
        other = GaussianMixture(k, tol=1e-9, max_iter=5000, reg_covar=1e-9, random_state=0).fit(y)
        assert fit["model"].status_ == "converged"
        assert fit["log_likelihood"] >= 150 * other.score(y) - 1e-3
    # Setosa has a component of its own.
    assert result["table"].tolist() == [[50, 0], [0, 50], [0, 50]]


def a_mixture_is_found_tested_and_predicts(result):
    from scipy import stats

    assert list(result["fits"]) == ["two lognormals", "gamma"]
    best, gamma = result["fits"].values()
    assert best.status_ == gamma.status_ == "converged"
    assert best.n_obs_ == len(result["train"]) == 331 and len(result["test"]) == 111
    # The level is a quantile of the mixture by scipy's survival functions.
    level = result["level"]["delta"].value
    params = {k: np.ravel(v) for k, v in best.params_.items()}
    parts = [stats.lognorm(params[f"shape_{k}"][0], scale=params[f"scale_{k}"][0]) for k in (0, 1)]
    assert_allclose(params["weights"] @ [part.sf(level) for part in parts], 0.1, rtol=1e-6)
    for found in result["level"].values():
        assert_allclose([found.low, found.high], [255, 278], atol=1.5)
    # The tests reject the simple family and not the mixture.
    accepted, rejected = result["outcomes"]["two lognormals"], result["outcomes"]["gamma"]
    assert [o.pvalue > 0.05 for o in accepted] == [True]
    assert [o.pvalue <= 0.01 for o in rejected] == [True, True]
    assert result["coverage"][0.95] > 0.9 > result["coverage"][0.8] > result["coverage"][0.5]
    gain, error = result["gains"]["five-fold cross-validation"]
    assert gain > 2 * error
    gain, error = result["gains"]["the rows kept apart"]
    assert abs(gain) < 2 * error


def the_delta_method_is_above_the_profile(result):
    for fit in result["fits"].values():
        assert fit["profile"].low < fit["delta"].low < fit["profile"].value
        assert fit["profile"].high < fit["delta"].high


def levels_rise_as_in_the_book(result):
    """Coles (2001), section 6.3: log-likelihoods, and the coefficients of year and index."""
    fits = result["fits"]
    logliks = [fits[name].loglik_ for name in ("constant", "year", "year + soi")]
    assert_allclose(logliks, [43.6, 49.9, 53.9], atol=0.05)
    chosen = result["chosen"]
    assert_allclose(chosen.coef_["loc"], [0.00211, 0.0545], rtol=2e-3)
    assert_allclose(chosen.standard_errors_["loc"], [0.00052, 0.0196], rtol=5e-3)
    levels = result["levels"]
    slope = chosen.coef_["loc"][0]
    assert_allclose(np.diff(levels.value) / np.diff(result["years"]), slope)
    assert np.all(levels.high - levels.value > levels.value - levels.low)
    assert result["tests"]["year"].pvalue < 1e-3


def aid_delays_the_next_arrest_as_in_lifelines(result):
    """lifelines' WeibullAFTFitter: log-likelihood, prio, fin, log of the shape."""
    model = result["model"]
    assert model.loglik_ == pytest.approx(-679.91656394, abs=1e-6)
    assert model.coefficients_["scale[prio]"] == pytest.approx(-0.0658169, abs=1e-6)
    assert np.log(model.coefficients_["shape"]) == pytest.approx(0.33910824, abs=1e-6)
    ratio = result["ratio"]
    assert 1.0 < ratio.low < ratio.value == pytest.approx(np.exp(0.2722), rel=1e-3)
    curves, men = result["curves"], result["men"]
    assert_allclose(curves.value, model.predict_dist(men).sf(result["weeks"][:, None]))
    assert np.all((0 < curves.low) & (curves.low < curves.value) & (curves.value < curves.high))
    assert np.all(curves.high < 1) and np.all(curves.value[:, 0] > curves.value[:, 1])


def spread_and_not_zeros_is_what_poisson_lacks(result):
    """The log-likelihoods of Poisson and NB2 are statsmodels'."""
    import statsmodels.api as sm

    table = result["table"]
    other = sm.Poisson(result["y"], sm.add_constant(result["X"])).fit(disp=False)
    assert table["Poisson"].loglik_ == pytest.approx(other.llf, rel=1e-9)
    assert table["NB2"].loglik_ == pytest.approx(-43383.6620765, abs=1e-5)
    assert table["NB2, extra zeros"].status_ == "boundary"
    assert table.best_ is table["NB2, spread on x"]
    observed, expected = result["observed"], result["expected"]
    gaps = {n: np.abs(np.sqrt(e) - np.sqrt(observed)) for n, e in expected.items()}
    assert gaps["Poisson, zeros on x"][0] < gaps["NB2"][0] < gaps["Poisson"][0]
    assert gaps["NB2"].max() < 0.5 * gaps["Poisson, zeros on x"].max()


def a_spread_on_income_is_calibrated(result):
    """The likelihood-ratio statistic is that of scipy's normal densities at the estimates."""
    from scipy import stats

    table, (X, y) = result["table"], result["test"]
    both = result["train"][1].to_numpy(), y.to_numpy()
    assert [len(part) for part in both] == [118, 117]
    logliks = []
    for name in ("constant spread", "spread on income"):
        at = table[name].predict_params(X)
        logliks.append(stats.norm(at["loc"], at["scale"]).logpdf(y).sum())
        assert_allclose(logliks[-1], table[name].score_samples(X, y).sum())
    assert logliks[1] > logliks[0]
    assert result["test_of_spread"].pvalue < 1e-10
    for scores in result["scores"].values():
        assert scores["spread on income"].mean() > scores["constant spread"].mean()
    # Within three binomial standard errors of one half, or not.
    poor = result["groups"]["poorer half"]
    three = 3 * 0.5 / poor.sum() ** 0.5
    gaps = {}
    for name, model in result["fits"].items():
        low, high = model.predict_interval(X[poor], 0.5).T
        gaps[name] = abs(np.mean((low <= y[poor]) & (y[poor] <= high)) - 0.5)
    assert gaps["spread on income"] < three < gaps["constant spread"]


def the_network_is_surer_where_it_is_right(result):
    """In every split: half of the iterations, and a lower loss than the peer's at its best."""
    ours, theirs = result["curves"].values()
    assert len(ours) == len(theirs) == 3 and result["n_rows"] == (1347, 450)
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == (12, 3) and np.all(np.diff(one[:, 1]) > 0)
        assert one[-1, 2] < other[:, 2].min()
        assert one[-1, 0] < 0.5 * other[-1, 0]
    for wrong in result["errors"].values():
        assert np.all(wrong < 0.05)


def the_best_model_predicts_other_patients(result):
    """The grid is in the order of the axes, and the log score is that of a fit by hand."""
    search, scores = result["search"], result["scores"]
    assert scores["log_score"].shape == scores["crps"].shape == (3, 5, 2)
    best = search.best_params_
    i = result["families"].index(best["model__distribution"])
    j = result["alphas"].index(best["model__alpha"])
    k = [None, "all"].index(best["model__features_for"])
    assert scores["log_score"][i, j, k] == search.best_score_ == scores["log_score"].max()
    # Inside the grid of penalties, whose ends are worse.
    assert 0 < j < 4 and k == 1
    fresh = result["fresh"]
    for name in ("log_score", "crps"):
        assert fresh["the best"][name] > fresh["normal, as least squares"][name]


def kl_stalls_as_the_spread_falls_and_w2_does_not(result):
    kl, trust, given = result["moved"].values()
    # In proportion to sigma, which is a tenth and a hundredth.
    assert_allclose(kl[1:] / kl[0], [0.1, 0.01], rtol=0.25)
    assert_allclose(given, 0.8, rtol=0.1)
    # Ratios of probabilities know nothing of places that are many sigma away.
    assert trust[0] > 0.5 * given[0] and trust[1] > 0.5 * given[1]
    assert trust[2] < 0.2 * given[2]
    assert np.all(trust > 4.0 * kl)


#: What the long examples say, of the run that prints it.
def depth_slows_plain_gradients_alone(result):
    """The loss falls by (1 - 0.1)^2 where steps are small, as they are near the optimum."""
    natural, plain = result["natural"], result["plain"]
    factor = natural[:, :, 1:] / natural[:, :, :-1]
    assert_allclose(factor, 0.81, atol=0.2)
    assert_allclose(natural[:, :, -1] ** (1.0 / factor.shape[2]), 0.81, atol=0.01)
    assert_allclose(factor[:, :, 25:], 0.81, atol=2e-3)
    left = np.median(plain[:, :, -1], axis=1)
    assert left[-1] > 3.0 * left[0] > 9.0 * natural[:, :, -1].max()


CLAIMS = {
    "plot_blind_reward": kl_stalls_as_the_spread_falls_and_w2_does_not,
    "plot_deep_linear": depth_slows_plain_gradients_alone,
    "plot_cartpole_trpo": agents_learn,
    "plot_grid_search": the_best_model_predicts_other_patients,
    "plot_heteroscedastic": a_spread_on_income_is_calibrated,
    "plot_inference_tour": a_mixture_is_found_tested_and_predicts,
    "plot_counts": spread_and_not_zeros_is_what_poisson_lacks,
    "plot_digits_mlp": the_network_is_surer_where_it_is_right,
    "plot_extremes_trend": levels_rise_as_in_the_book,
    "plot_fig4_policy": the_natural_policy_gradient_is_ahead_in_every_pair,
    "plot_lqr": gains_end_at_the_riccati_one,
    "plot_mixture": mixtures_of_petals_are_scikit_learns,
    "plot_policy_grid_search": starts_that_were_not_trained_on_are_scored,
    "plot_survival_aft": aid_delays_the_next_arrest_as_in_lifelines,
    "plot_weibull_b10": the_delta_method_is_above_the_profile,
}


def test_claims_are_of_scripts_that_exist():
    assert set(CLAIMS) <= {file.stem for file in FILES}
    assert len({file.stem for file in FILES}) == len(FILES) >= 24
    assert not list(FOLDER.glob("*.py")), "scripts belong into the folder of their job"


@pytest.mark.parametrize(
    "folder", [FOLDER, *sorted({file.parent for file in FILES})], ids=lambda f: f.name
)
def test_folders_have_a_title_and_a_sentence(folder):
    title, line, empty, *rest = (
        (folder / "GALLERY_HEADER.rst").read_text(encoding="utf-8").splitlines()
    )
    assert len(line) == len(title) and line.strip(line[0]) == "" == empty
    assert " ".join(rest).endswith(".")


def unlabelled(figure):
    """Axes without a title or a label, unless the axis is shared or its ticks are words."""

    def missing(ax, name):
        shared = getattr(ax, f"get_shared_{name}_axes")().get_siblings(ax)
        ticks = [tick for one in shared for tick in getattr(one, f"{name}axis").get_ticklabels()]
        words = any(tick.get_text()[:1].isalpha() for tick in ticks)
        return not words and not any(getattr(one, f"get_{name}label")() for one in shared)

    return [
        (ax, what)
        for ax in figure.axes
        if ax.get_label() != "<colorbar>"
        for what, lacks in (
            ("title", not any(ax.get_title(loc) for loc in ("left", "center", "right"))),
            ("x", missing(ax, "x")),
            ("y", missing(ax, "y")),
        )
        if lacks
    ]


def test_axes_without_labels_are_found():
    figure, (one, other) = plt.subplots(1, 2, sharey=True)
    one.set(title="a", xlabel="b", ylabel="c")
    assert unlabelled(figure) == [(other, "title"), (other, "x")]
    other.set(title="a", xlabel="b")
    one.set_ylabel("")
    assert [what for _, what in unlabelled(figure)] == ["y", "y"]
    one.set_yticks([0, 1], ["age", "income"])
    assert unlabelled(figure) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_main_prints_the_path_of_its_figure_and_its_claims_hold(name, tmp_path, capsys):
    module, results, figures = load(name), [], []
    compute, draw = module.compute, module.draw
    module.compute = lambda *args, **options: (
        results.append(compute(*args, **options)) or results[-1]
    )
    module.draw = lambda result: figures.append(draw(result)) or figures[-1]
    path = tmp_path / "new" / "figure.png"
    module.main(["--output", str(path)])
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"figure: {path}"
    assert path.read_bytes().startswith(PNG)
    (result,), (figure,) = results, figures
    # The gallery shows what is open after main.
    assert [plt.figure(number) for number in plt.get_fignums()] == [figure]
    assert unlabelled(figure) == []
    assert figure.get_figwidth() <= 11.0, "letters are too small at the width of the gallery"
    assert {k: plt.rcParams[k] for k in STYLE} == STYLE
    if name in CLAIMS:
        CLAIMS[name](result)


def test_fig1_equal_distances_have_unequal_divergences():
    result = load("plot_fig1_distance").compute(n_neighbours=4)
    assert_allclose(result["euclidean"], 1.2)
    assert result["kl"].min() > 0
    assert result["kl"].max() > 20 * result["kl"].min()
    # The closed form at (0, 0.3) from (0, 1.5).
    assert_allclose(result["kl"][3], 0.5 * (25 - 1) - np.log(5))
    mass = trapezoid(result["densities"], result["y"], axis=1)
    assert_allclose(mass[[0, 3]], 1.0, atol=2e-3)


def test_fig2_the_natural_gradient_arrives_and_gradient_descent_does_not():
    # 200 rows at five times the rate: the same step on the mean as 1000 rows at 1e-4.
    result = load("plot_fig2_mle_paths").compute(n_rows=200, rate=5e-4)
    plain, natural = result["paths"]["gradient descent"], result["paths"]["natural gradient"]
    assert plain.shape == natural.shape == (201, 2)
    assert_allclose(plain[0], [0, 1])
    assert plain[1, 1] > 15
    assert plain[-1, 0] < 3
    assert natural[:, 1].max() < 10
    assert_allclose(natural[-1], result["optimum"], rtol=1e-5)


def test_fig3_natural_gradients_are_more_alike():
    result = load("plot_fig3_fields").compute(n_rows=100, grid_resolution=4)
    assert result["natural_ratio"] < result["gradient_ratio"] / 10


def test_the_gradient_in_mu_and_sigma_is_the_wasserstein_gradient_and_no_other():
    result = load("plot_metrics").compute(n_rows=100, max_iter=30, n_arrows=3)
    fields, paths = result["fields"], result["paths"]
    plain = "Euclidean, in (mu, sigma)"
    assert_allclose(fields["Wasserstein"], fields[plain], rtol=1e-6)
    for one, other in zip(paths["Wasserstein"], paths[plain], strict=True):
        assert_allclose(one, other, rtol=1e-9)
    # The inverse metrics: sigma^2 diag(1, 1/2), and sqrt(pi) sigma diag(1, 2).
    sigma = result["at"][:, 1:]
    assert_allclose(fields["Fisher"], fields[plain] * sigma**2 * [1.0, 0.5], rtol=1e-4)
    want = fields[plain] * np.sqrt(np.pi) * sigma * [1.0, 2.0]
    assert_allclose(fields["CRPS"], want, rtol=1e-4)


def test_wine_estimates_are_the_closed_form_ones():
    from sklearn.datasets import load_wine

    result = load("plot_wine_gaussian").compute(n_features=3)
    wine = load_wine()
    X = wine.data[:, :3]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    assert list(result["feature_names"]) == wine.feature_names[:3]
    for k, fit in enumerate(result["classes"].values()):
        rows = Z[wine.target == k]
        assert fit["status"] == "converged"
        assert_allclose(fit["mean"], rows.mean(axis=0), atol=1e-6)
        assert_allclose(fit["covariance"], np.cov(rows.T, bias=True), atol=1e-6)
        assert_allclose(fit["mean_error"], rows.std(axis=0) / np.sqrt(len(rows)), rtol=1e-5)
        assert fit["history"].n_rows == fit["n_iter"] + 1


def test_extremes_are_those_of_the_book():
    """Coles (2001), section 3.4.1."""
    result = load("plot_extremes").compute(periods=(10, 100))
    gev = result["gev"]
    estimates = [float(v[0]) for v in gev.params_.values()]
    assert_allclose(estimates, [3.8747, 0.19804, -0.05011], atol=5e-5)
    errors = [float(v[0]) for v in gev.standard_errors_.values()]
    assert_allclose(errors, [0.028, 0.020, 0.098], atol=5e-4)
    assert_allclose([gev.loglik_, result["gumbel"].loglik_], [4.33906, 4.22], atol=5e-3)
    want = [[10, 4.30, 4.19, 4.41], [100, 4.69, 4.38, 5.00]]
    assert_allclose(result["returns"][:, :4], want, atol=6e-3)
    assert_allclose(result["returns"][1, 4:], [4.50, 5.27], atol=1.1e-2)


def test_return_levels_of_the_display_are_the_examples():
    from natfit.display import DensityDisplay

    module = load("plot_extremes")
    result = module.compute()
    display = DensityDisplay.from_estimator(result["gev"], result["levels"], kind="return_level")
    periods, levels = display.curve
    again = module.compute(periods=tuple(periods[::10]))["returns"]
    assert_allclose(again[:, 1], levels[::10], rtol=1e-9)
    assert_allclose(again[:, 2], display.band[0][::10], rtol=1e-6)


def test_drift_is_seen_when_it_comes_and_the_estimate_is_that_of_all_rows():
    result = load("plot_partial_fit_drift").compute(n_batches=30, change=20)
    p = result["drift"]["p_value"]
    # 29 tests of 30 batches: the first 19 without drift, then far from the state.
    assert len(p) == 29 and np.sum(p[:19] < 0.01) <= 2
    assert np.median(p[19:]) < 0.02 and np.median(p[:19]) > 0.1
    assert result["gap"] < 1e-6
    last = {name: values[-1] for name, values in result["estimates"].items()}
    assert abs(last["forgetting=0.9"] - 6.9) < abs(last["all rows"] - 6.9)


def test_a_stream_takes_little_memory_and_finds_the_same():
    result = load("plot_stream").compute(sizes=(400_000, 1_600_000), size=20_000)
    assert result["arrays"][1] > 3.0 * result["arrays"][0]
    # How many pieces wait for their use varies; the budget of the example is 16.8 MB for them.
    assert max(result["stream"]) < 32.0 < 0.5 * result["arrays"][1]
    assert result["gap"] < 1e-3
    truth = [0.4, -0.2, 0.3]
    assert np.all(np.abs(result["estimates"] - truth) < 4.0 * result["errors"])


def test_censored_survival_is_what_scipy_finds():
    from scipy import stats

    result = load("plot_censored_survival").compute(families=("exponential", "weibull"))
    rows, fits = result["rows"], result["fits"]
    seen = rows.upper < np.inf
    assert (len(rows), result["n_deaths"]) == (69, 45)
    rate = fits["exponential"]["model"].params_["rate"][0]
    assert_allclose(rate, seen.sum() / rows.lower.sum(), rtol=1e-6)
    data = stats.CensoredData.right_censored(rows.lower, ~seen)
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    params = fits["weibull"]["model"].params_
    assert_allclose([params["shape"][0], params["scale"][0]], [shape, scale], rtol=1e-3)
    total = stats.weibull_min(shape, scale=scale)
    total = total.logpdf(rows.lower[seen]).sum() + total.logsf(rows.lower[~seen]).sum()
    assert total - 1e-9 <= fits["weibull"]["log_likelihood"] <= total + 1e-3
    # Forgetting the living halves the median.
    assert result["deaths_only"]["median"] < 0.5 * fits["weibull"]["median"]


def test_the_b10_life_is_that_of_weibulltools():
    """Its snapshot of ml_estimation(shock): mu, sigma, their covariance, logL."""
    from scipy import optimize, stats

    result = load("plot_weibull_b10").compute()
    fit = result["fits"]["weibull"]
    shape, scale = (float(v[0]) for v in fit["model"].params_.values())
    assert_allclose([np.log(scale), 1 / shape], [10.2298631, 0.3164092], atol=2e-6)
    assert fit["log_likelihood"] == pytest.approx(-123.9954, abs=1e-4)
    lognormal = result["fits"]["lognormal"]
    values = {k: float(v[0]) for k, v in lognormal["model"].params_.items()}
    assert_allclose([np.log(values["scale"]), values["shape"]], [10.1447710, 0.5300683], atol=3e-6)
    # log B10 = mu + sigma log(-log 0.9), whose error is the delta method's.
    u = np.log(-np.log(0.9))
    assert fit["delta"].value == pytest.approx(np.exp(10.2298631 + u * 0.3164092), rel=1e-5)
    variance = 0.012075836 + 2 * u * 0.003990396 + u**2 * 0.005353183
    assert fit["delta"].standard_error / fit["delta"].value == pytest.approx(
        variance**0.5, rel=1e-3
    )
    # At the ends of the profile interval the maximised likelihood has fallen by 3.84 / 2.
    rows = result["rows"]
    seen = rows.upper < np.inf

    def loss(k, b10):
        family = stats.weibull_min(k, scale=b10 / np.exp(u / k))
        return -family.logpdf(rows.lower[seen]).sum() - family.logsf(rows.lower[~seen]).sum()

    for end in (fit["profile"].low, fit["profile"].high):
        found = optimize.minimize_scalar(loss, args=(end,), bounds=(0.5, 9), method="bounded")
        fall = found.fun + fit["log_likelihood"]
        assert 2 * fall == pytest.approx(3.841459, rel=1e-4)


def test_fig4_begins_at_the_expected_return():
    """Of (10, 14): -10 (mu^2 + sigma^2) - 285 mu^2 - 45 sigma^2."""
    many = load("plot_fig4_policy").compute(n_agents=1, n_updates=0, batch_size=40_000)
    assert_allclose(many["returns"]["PG"][0, 0], -40_280, rtol=0.02)
