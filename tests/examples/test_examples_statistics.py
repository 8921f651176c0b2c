"""The examples of distributions, lifetimes, regressions, inference and the method, against others.

Oracles: scipy's densities and optimisers, closed forms, refits, and values of R with its version.
"""

import importlib.util
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats
from scipy.special import expit

matplotlib.use("Agg")

FOLDER = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


@cache
def load(name):
    (file,) = FOLDER.glob(f"*/{name}.py")
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def computed(name, **options):
    return load(name).compute(**options)


def native(model):
    return {name: float(np.ravel(value)[0]) for name, value in model.params_.items()}


# ------------------------------------------------------------------- shifted lifetimes


@pytest.mark.parametrize("name", ["fatigue", "glass_fibres"])
def test_weibull_with_a_threshold_is_scipys_maximum(name):
    found = computed("plot_shifted_lifetimes", n_grid=3)[name]
    y, model = found["rows"], found["fits"]["Weibull with a threshold"]
    p = native(model)
    ours = stats.weibull_min(p["shape"], p["loc"], p["scale"]).logpdf(y).sum()
    assert model.loglik_ == pytest.approx(ours, abs=1e-9)

    def loss(x):
        return -stats.weibull_min(np.exp(x[0]), x[1], np.exp(x[2])).logpdf(y).sum()

    start = [np.log(p["shape"]) + 0.3, p["loc"] - 0.1 * np.ptp(y), np.log(p["scale"]) + 0.1]
    best = optimize.minimize(
        loss, start, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-10, "xatol": 1e-9}
    )
    assert -best.fun == pytest.approx(model.loglik_, abs=1e-6)


def test_the_threshold_of_strengths_is_that_of_the_article_and_has_no_lower_end():
    """Smith and Naylor (1987): threshold -1.6, shape 11.9, scale 3.216 for the fibres of 1.5 cm."""
    found = computed("plot_shifted_lifetimes", n_grid=3)["glass_fibres"]
    p = native(found["fits"]["Weibull with a threshold"])
    assert_allclose([p["loc"], p["shape"], p["scale"]], [-1.6, 11.9, 3.216], rtol=7e-3)
    loc, scale = stats.gumbel_l.fit(found["rows"])
    gumbel = stats.gumbel_l(loc, scale).logpdf(found["rows"]).sum()
    weibull = found["fits"]["Weibull with a threshold"].loglik_
    assert found["limit"] == pytest.approx(2.0 * (weibull - gumbel), abs=1e-4)
    assert found["limit"] < found["critical"] == pytest.approx(3.841459, abs=1e-6)
    # The far end of the profile comes near the limit from below.
    assert 0.8 * found["limit"] < found["deviance"][-1] < found["limit"]


def test_the_threshold_of_fatigue_lives_has_an_interval_from_its_profile():
    found = computed("plot_shifted_lifetimes", n_grid=3)["fatigue"]
    y, threshold = found["rows"], found["threshold"]
    assert 0.0 < threshold.low[0] < threshold.value[0] < threshold.high[0] < y.min()
    best = found["fits"]["Weibull with a threshold"].loglik_
    for end in (threshold.low[0], threshold.high[0]):
        shape, _, scale = stats.weibull_min.fit(y, floc=end)
        fallen = best - stats.weibull_min(shape, end, scale).logpdf(y).sum()
        assert 2.0 * fallen == pytest.approx(found["critical"], abs=1e-3)


# -------------------------------------------------------------------- truncated counts


def test_rabbits_never_caught_by_formulas():
    result = computed("plot_truncated_counts")["rabbits"]
    y = result["rows"]
    assert (len(y), y.sum()) == (76, 142)
    # Geometric: P(Y = 0) = 76 / 142. Poisson: rate / (1 - exp(-rate)) is the mean.
    assert result["size"]["geometric"][0] == pytest.approx(76 / (1 - 76 / 142), rel=1e-7)
    rate = optimize.brentq(lambda r: r / -np.expm1(-r) - 142 / 76, 0.1, 5.0, xtol=1e-13)
    assert result["size"]["poisson"][0] == pytest.approx(76 / -np.expm1(-rate), rel=1e-7)
    # The ends of the profile interval: the log-likelihood has fallen by 3.84 / 2.
    for name, log_prob in {
        "geometric": lambda caught: (y - 1) * np.log(caught) + np.log1p(-caught),
        "poisson": lambda caught: stats.poisson(-np.log1p(-caught)).logpmf(y) - np.log(caught),
    }.items():
        value, *ends = result["size"][name]
        best = log_prob(76 / value).sum()
        for end in ends:
            assert 2.0 * (best - log_prob(76 / end).sum()) == pytest.approx(3.841459, rel=1e-5)
    assert result["size"]["geometric"][1] > 135 > result["size"]["poisson"][2]


def test_only_poisson_is_refuted_and_p_values_enclose_that_of_grouped_cells():
    result = computed("plot_truncated_counts")
    rabbits = result["rabbits"]
    assert {n for n, (_, high) in rabbits["p"].items() if high < 0.05} == {"poisson"}
    # Cells 1, 2, 3 and more than three, as five rows are expected to be in each.
    rate = float(rabbits["table"]["poisson"].params_["rate"][0])
    law = stats.poisson(rate)
    expected = 76 * np.r_[law.pmf([1, 2, 3]), law.sf(3)] / law.sf(0)
    statistic = np.sum((np.array([43, 16, 8, 9]) - expected) ** 2 / expected)
    want = stats.chi2.sf(statistic, 2), stats.chi2.sf(statistic, 3)
    assert_allclose(rabbits["p"]["poisson"], want, rtol=1e-6)


def test_zeros_of_the_lamb_are_those_of_scipys_fits():
    moves = computed("plot_truncated_counts")["moves"]
    y, table = moves["rows"], moves["table"]
    prob = 1.0 / (1.0 + y.mean())
    assert table["geometric"].loglik_ == pytest.approx(
        stats.geom(prob, loc=-1).logpmf(y).sum(), abs=1e-7
    )

    def loss(x):
        share = expit(x[0])
        pmf = (1.0 - share) * stats.poisson(np.exp(x[1])).pmf(y) + share * (y == 0)
        return -np.log(pmf).sum()

    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"fatol": 1e-11})
    assert table["poisson, extra zeros"].loglik_ == pytest.approx(-best.fun, abs=1e-6)
    assert {n for n, (_, high) in moves["p"].items() if high < 0.05} == {"poisson"}


# ---------------------------------------------------------------------------- mixtures


def test_sound_mixtures_reach_scikit_learns_likelihood():
    from sklearn.mixture import GaussianMixture

    module, result = load("plot_how_many_components"), computed("plot_how_many_components")
    y, table = result["rows"][:, None], result["table"]
    for k in (2, 3, 4):
        peer = GaussianMixture(k, tol=1e-10, max_iter=5000, n_init=10, random_state=0).fit(y)
        assert table[str(k)].status_ == "converged"
        assert table[str(k)].loglik_ >= len(y) * peer.score(y) - 1e-3
    assert table.best_ is table["3"]
    assert table.table[-1]["name"] == "5" and "collapsed" in str(table)
    assert module.rows_of(table["5"], y[:, 0]).min() == pytest.approx(2.0, abs=0.1)


def test_collapsed_components_serve_two_galaxies_at_the_limit_of_their_width():
    module, result = load("plot_how_many_components"), computed("plot_how_many_components")
    y, (wide, narrow) = result["rows"], result["collapsed"].values()
    for model in (wide, narrow):
        assert model.status_ == "boundary" and "collapsed" in model.message_
        p = {name: np.ravel(value) for name, value in model.params_.items()}
        parts = [stats.norm(p[f"loc_{k}"], p[f"scale_{k}"]).pdf(y) for k in range(4)]
        assert np.log(p["weights"] @ parts).sum() == pytest.approx(model.loglik_, abs=1e-8)
        assert module.rows_of(model, y)[1] == pytest.approx(2.0, abs=0.5)
        assert_allclose(p["loc_1"], 22.7465, atol=1e-3)
    assert native(wide)["scale_1"] == pytest.approx(10.0 * native(narrow)["scale_1"], rel=1e-6)
    assert narrow.loglik_ > result["table"]["4"].loglik_ > wide.loglik_


def test_a_spike_on_one_row_gains_without_limit_and_a_prior_ends_it():
    result = computed("plot_how_many_components")
    widths, totals = result["spike"]
    slope = np.diff(totals[:30]) / np.diff(np.log(widths[:30]))
    assert_allclose(slope, -1.0, atol=1e-4)
    held = result["held"]
    assert held.status_ == "converged"
    assert min(held.params_[f"scale_{k}"][0] for k in range(5)) > 0.3
    assert held.bic() > result["table"]["3"].bic()


# ---------------------------------------------------------------------- quantile bands


def test_least_squares_bands_are_numpys():
    module, result = load("plot_quantile_bands"), computed("plot_quantile_bands", n_folds=2)
    time, y = result["time"], result["y"]
    splines = module.features().fit(time[:, None])
    X, at = (splines.transform(x[:, None])[:, :9] for x in (time, result["grid"]))
    A = np.column_stack([np.ones(len(X)), X])
    coef, rest, *_ = np.linalg.lstsq(A, y)
    sigma = np.sqrt(np.mean((y - A @ coef) ** 2))
    center = np.column_stack([np.ones(len(at)), at]) @ coef
    want = center[:, None] + sigma * stats.norm.ppf(module.LEVELS)
    assert_allclose(result["fits"]["least squares"]["bands"], want, atol=1e-4)


def test_bands_with_a_scale_are_scipys_optimum():
    module, result = load("plot_quantile_bands"), computed("plot_quantile_bands", n_folds=2)
    y, model = result["y"], result["fits"]["scale by splines"]["model"]
    X = module.features().fit_transform(result["time"][:, None])
    A, B = (np.column_stack([np.ones(len(y)), part]) for part in (X[:, :9], X[:, 9:]))

    def loss(x):
        z = (y - A @ x[:10]) * np.exp(-B @ x[10:])
        grad = np.r_[-A.T @ (z * np.exp(-B @ x[10:])), B.T @ (1.0 - z**2)]
        return np.sum(B @ x[10:] + 0.5 * z**2), grad

    start = np.r_[np.linalg.lstsq(A, y)[0], np.log(y.std()), np.zeros(3)]
    best = optimize.minimize(loss, start, jac=True, method="BFGS", options={"maxiter": 5000})
    want = -best.fun - 0.5 * len(y) * np.log(2.0 * np.pi)
    assert model.loglik_ == pytest.approx(want, abs=1e-4)


def test_bands_that_follow_the_data_are_narrow_early_and_lose_less():
    result = computed("plot_quantile_bands")
    time, y = result["time"], result["y"]
    early, fits = time < 14.0, result["fits"]
    widths = {n: np.mean(np.diff(f["ends"])[early]) for n, f in fits.items()}
    assert widths["scale by splines"] < 0.3 * widths["least squares"]
    assert fits["scale by splines"]["pinball"] < fits["least squares"]["pinball"]
    for fit in fits.values():
        low, high = fit["ends"].T
        # Within three binomial standard errors of 90 %.
        assert abs(np.mean((low <= y) & (y <= high)) - 0.9) < 3 * np.sqrt(0.09 / len(y))


# -------------------------------------------------------------------------- separation


def test_firths_estimates_are_those_of_brglm2():
    """R 4.2.2, brglm2 0.9: glm(HG ~ NV + PI + EH, binomial, method = "brglmFit")."""
    result = computed("plot_separation_firth", n_grid=3)
    assert result["plain"].status_ == "unbounded" and "x0" in result["plain"].message_
    assert result["table"].tolist() == [[49, 17], [0, 13]]
    firth = result["firth"]
    assert_allclose(firth.coef_[0], [2.929273259, -0.034751749, -2.604163824], rtol=2e-6)
    assert_allclose(firth.standard_errors_[0], [1.550763691, 0.039578146, 0.776017621], rtol=1e-5)
    assert_allclose([firth.intercept_[0]], [3.774559398], rtol=2e-6)


def test_profile_ends_are_those_of_the_penalised_likelihood():
    result = computed("plot_separation_firth", n_grid=3)
    A = np.column_stack([np.ones(79), result["X"]])
    A[:, 2:] /= A[:, 2:].std(axis=0)
    y = result["y"]

    def penalised(beta):
        p = expit(A @ beta)
        information = A.T @ (A * (p * (1.0 - p))[:, None])
        return stats.bernoulli(p).logpmf(y).sum() + 0.5 * np.linalg.slogdet(information)[1]

    def held(value):
        best = optimize.minimize(
            lambda b: -penalised([b[0], value, b[1], b[2]]), [3.0, -0.3, -1.7], method="BFGS"
        )
        return -best.fun

    best = max(held(value) for value in np.linspace(2.92, 2.94, 3))
    for end in np.ravel(result["profile"]["prob[x0]"]):
        assert 2.0 * (best - held(end)) == pytest.approx(3.841459, abs=2e-3)
    assert 2.0 * (best - held(0.0)) == pytest.approx(result["test"].statistic, abs=2e-3)
    low, high = np.ravel(result["wald"]["prob[x0]"])
    assert low < 0.0 < result["profile"]["prob[x0]"][0] and high < 6.0


def test_without_a_penalty_the_likelihood_rises_for_ever():
    result = computed("plot_separation_firth", n_grid=9)
    gains = np.diff(result["loglik"])
    assert np.all(gains > 0.0) and np.all(np.diff(gains) < 0.0)


# ------------------------------------------------------------------------- own density


def test_lindley_is_by_hand_and_as_published():
    """Ghitany, Atieh and Nadarajah (2008): 0.187 with the standard error 0.013."""
    result = computed("plot_own_density")
    y, model = result["rows"], result["model"]
    rate, error = native(model)["rate"], model.standard_errors_["rate"][0]
    assert_allclose([rate, error], result["by_hand"], rtol=1e-5)
    assert_allclose([rate, error], [0.187, 0.013], atol=5e-4)
    best = optimize.minimize_scalar(
        lambda r: -load("plot_own_density").lindley(y, r).sum(), bounds=(0.01, 1), method="bounded"
    )
    assert model.loglik_ == pytest.approx(-best.fun, abs=1e-7)


def test_what_follows_from_lindley_has_closed_forms():
    result = computed("plot_own_density")
    rate, error = result["by_hand"]

    def longer(t, r):
        return np.exp(-r * t) * (1.0 + r * t / (1.0 + r))

    assert result["longer"].value == pytest.approx(longer(20.0, rate), rel=1e-5)
    step = 1e-5
    slope = (longer(20.0, rate + step) - longer(20.0, rate - step)) / (2.0 * step)
    assert result["longer"].standard_error == pytest.approx(abs(slope) * error, rel=1e-4)
    level = optimize.brentq(lambda t: longer(t, rate) - 0.1, 1.0, 99.0)
    assert result["level"].value == pytest.approx(level, rel=1e-5)
    # The level is a function of the rate: the delta method on the scale of the logarithm.
    above, below = (
        optimize.brentq(lambda t, r=r: longer(t, r) - 0.1, 1.0, 99.0, xtol=1e-13)
        for r in (rate + step, rate - step)
    )
    spread = abs(above - below) / (2.0 * step) * error
    assert result["level"].standard_error == pytest.approx(spread, rel=1e-4)
    ends = level * np.exp(np.array([-1.0, 1.0]) * stats.norm.ppf(0.975) * spread / level)
    assert_allclose([result["level"].low, result["level"].high], ends, rtol=1e-4)


# --------------------------------------------------------------------------- influence


def test_influence_is_that_of_refits_and_students_t_is_scipys():
    result = computed("plot_influence", n_resamples=19)
    y, (normal, robust) = result["rows"], result["fits"].values()
    assert_allclose(
        normal["influence"].params["loc"][:, 0], [np.delete(y, i).mean() - y.mean() for i in range(66)],
        atol=2e-3, rtol=0.02,
    )  # fmt: skip
    df, loc, scale = stats.t.fit(y)
    p = native(robust["model"])
    assert robust["model"].loglik_ >= stats.t(df, loc, scale).logpdf(y).sum() - 1e-9
    assert_allclose([p["df"], p["loc"], p["scale"]], [df, loc, scale], rtol=1e-3)
    for row in (1, 40):
        _, without, _ = stats.t.fit(np.delete(y, row), df, loc=loc, scale=scale)
        change = robust["influence"].params["loc"][row, 0]
        assert change == pytest.approx(without - loc, abs=0.02)


def test_outliers_pull_the_normal_and_not_students_t():
    result = computed("plot_influence", n_resamples=19)
    y, (normal, robust) = result["rows"], result["fits"].values()
    assert y.min() == -44.0 and normal["test"].pvalue <= 0.05 < robust["test"].pvalue
    far, near = np.argmin(y), np.argsort(np.abs(y - 33.0))[0]
    pulls = np.abs(robust["influence"].params["loc"][:, 0])
    assert pulls[far] < pulls[near]
    moved = {
        name: abs(native(fit["model"])["loc"] - native(fit["without"])["loc"])
        for name, fit in result["fits"].items()
    }
    assert moved["student_t"] < 0.3 * moved["normal"]


# --------------------------------------------------------------------- identifiability


def test_shares_never_arrested_are_scipys_optimum():
    result = computed("plot_identifiability", n_grid=3)
    rows = result["rows"]
    seen, t = np.isfinite(rows.upper), rows.lower

    def held(share):
        def loss(x):
            law = stats.weibull_min(np.exp(x[0]), scale=np.exp(x[1]))
            events = np.log1p(-share) + law.logpdf(t[seen])
            return -events.sum() - np.log(share + (1.0 - share) * law.sf(t[~seen])).sum()

        return -optimize.minimize(loss, [0.3, 4.5], method="Nelder-Mead").fun

    for share, model in result["held"].items():
        assert model.loglik_ == pytest.approx(held(share), abs=1e-4)
    best = result["model"].loglik_
    assert best >= max(held(share) for share in np.linspace(0.0, 0.2, 5)) - 1e-6
    assert 2.0 * (best - held(float(result["share"].high[0]))) == pytest.approx(3.841459, abs=2e-3)
    assert float(result["share"].low[0]) == 0.0 and result["share"].notes


def test_the_verdict_names_what_is_flat():
    result = computed("plot_identifiability", n_grid=3)
    assert "hardly determine" in str(result["verdict"]) and "cured_prob" in str(result["verdict"])
    assert result["model"].standard_errors_["cured_prob"][0] > 1.0
    year = [held.frozen_.sf(52.0) for held in result["held"].values()]
    later = [held.frozen_.sf(260.0) for held in result["held"].values()]
    assert np.ptp(year[:3]) < 0.01 < 0.5 < np.ptp(later[:3])


# --------------------------------------------------------------------------- Kronecker


def test_exact_directions_are_alike_and_kronecker_factors_spare_products():
    curves = computed("plot_kronecker", hidden=4, share=0.5)["curves"]
    exact, cg = curves["Cholesky"]["loss"], curves["conjugate gradients"]
    assert_allclose(exact, cg["loss"][: len(exact)], rtol=1e-6)
    spared = curves["CG with Kronecker factors"]
    assert spared["products"] < 0.4 * cg["products"]
    starts = [curve["loss"][0] for curve in curves.values()]
    assert_allclose(starts, starts[0], rtol=1e-12)
    for name in ("Kronecker factors", "CG with Kronecker factors", "conjugate gradients"):
        assert curves[name]["loss"][4] < curves["gradient descent"]["loss"][4]


def test_the_loss_of_a_curve_is_scikit_learns():
    from sklearn.datasets import load_digits
    from sklearn.metrics import log_loss

    import natfit

    X, y = load_digits(return_X_y=True)
    result = computed("plot_kronecker", hidden=4, share=0.5)
    assert result["n_weights"] == 65 * 4 + 5 * 10
    with pytest.warns(UserWarning, match="max_iter"):
        model = natfit.NaturalClassifier(
            predictor=natfit.models.MLP((4,)), max_iter=4, random_state=0, solver="cg"
        ).fit(X / 16.0, y)
    want = log_loss(y, model.predict_proba(X / 16.0))
    assert result["curves"]["conjugate gradients"]["loss"][4] == pytest.approx(want, rel=1e-9)


# ------------------------------------------------------------------------------- files


SCRIPTS = [
    "plot_shifted_lifetimes",
    "plot_truncated_counts",
    "plot_how_many_components",
    "plot_quantile_bands",
    "plot_separation_firth",
    "plot_own_density",
    "plot_influence",
    "plot_identifiability",
]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_missing_file_is_named(name, monkeypatch, tmp_path):
    module = load(name)
    old = module.DATA
    file = tmp_path / "elsewhere" / old.name if old.suffix else tmp_path / "elsewhere"
    monkeypatch.setattr(module, "DATA", file)
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        module.compute()
