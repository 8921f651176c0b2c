"""Scores of predictions against Monte Carlo, quadrature by scipy and published closed forms."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import natfit
from natfit import Censored, NaturalRegressor
from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.inference import scoring_rules
from natfit.testing.data import points, some_rows
from tests.suites import families

RNG = np.random.default_rng(21)
X = RNG.normal(size=(300, 3))
Y = 2.0 + X @ [1.0, 0.0, -0.5] + 0.7 * RNG.normal(size=300)

#: Members of families, with a formula and without one.
MEMBERS = {
    "normal": {"loc": 1.0, "scale": 2.0},
    "logistic": {"loc": -1.0, "scale": 0.5},
    "laplace": {"loc": 0.3, "scale": 1.5},
    "student_t": {"loc": 1.0, "scale": 2.0, "df": 3.5},
    "gumbel": {"loc": 1.0, "scale": 2.0},
    "gev": {"loc": 1.0, "scale": 2.0, "shape": 0.1},
    "exponential": {"rate": 0.4},
    "gamma": {"shape": 0.6, "scale": 2.0},
    "weibull": {"shape": 1.7, "scale": 3.0},
    "lognormal": {"shape": 0.8, "scale": 2.0},
    "inverse_gaussian": {"mean": 2.0, "shape": 3.0},
    "beta": {"a": 2.0, "b": 0.7},
    "skew_normal": {"mean": 0.0, "sd": 1.0, "shape": 3.0},
    "gamma_mean": {"mean": 2.0, "shape": 3.0},
    "beta_mean": {"mean": 0.3, "precision": 3.0},
    "poisson": {"rate": 3.7},
    "negative_binomial": {"mean": 4.0, "n": 1.3},
    "geometric": {"prob": 0.3},
}


@pytest.mark.parametrize("name", MEMBERS)
def test_crps_against_the_integral_of_the_squared_difference(name):
    family = resolve(name, Distribution)
    eta = family.eta(**MEMBERS[name])
    frozen = Frozen(family, eta[None])
    y = np.round(frozen.ppf([0.001, 0.2, 0.5, 0.9, 0.9999]), 1)
    y = np.append(y, [frozen.ppf(0.999) + 30.0 * frozen.std(), frozen.ppf(0.5)])
    if family.support.integer:
        y = np.floor(y)
        k = np.arange(0.0, 2000.0)
        want = [np.sum(np.where(k < v, frozen.cdf(k), frozen.sf(k)) ** 2) for v in y]
    else:
        low, high = frozen.support()
        low, high = max(low, frozen.ppf(1e-15)), min(high, frozen.isf(1e-15))
        cuts = frozen.ppf([0.1, 0.5, 0.9, 0.999])

        def parts(square, a, b):
            ends = [a, *[c for c in cuts if a < c < b], b] if b > a else []
            pairs = zip(ends[:-1], ends[1:], strict=True)
            return sum(integrate.quad(square, *e, epsabs=1e-12, limit=200)[0] for e in pairs)

        want = [
            parts(lambda x: frozen.cdf(x) ** 2, low, v)
            + parts(lambda x: frozen.sf(x) ** 2, v, max(high, v))
            for v in y
        ]
    found = scoring_rules.crps(family, y, np.tile(eta, (len(y), 1)))
    np.testing.assert_allclose(found, want, rtol=2e-6)
    # The formula and the general rule, at accuracies that scipy's quadrature does not have.
    general = scoring_rules._summed if family.support.integer else scoring_rules._integrated
    np.testing.assert_allclose(general(family, y, np.tile(eta, (len(y), 1))), found, rtol=1e-8)


@pytest.mark.parametrize("name", ["normal", "gamma", "poisson", "inverse_gaussian"])
def test_crps_against_monte_carlo(name):
    family = resolve(name, Distribution)
    eta = family.eta(**MEMBERS[name])[None]
    rng, n = np.random.default_rng(5), 200_000
    a, b = family.sample(eta, rng, n), family.sample(eta, rng, n)
    y = np.array([1.0, 6.0])
    found = scoring_rules.crps(family, y, np.tile(eta, (2, 1)))
    for value, score in zip(y, found, strict=True):
        draws = np.abs(a - value) - 0.5 * np.abs(a - b)
        assert abs(draws.mean() - score) < 5.0 * draws.std() / np.sqrt(n)


def test_crps_of_the_normal_is_that_of_gneiting_and_raftery():
    """Their equation (5): sigma (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    z = np.array([-3.0, 0.0, 0.4])
    family = resolve("normal", Distribution)
    want = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(scoring_rules.crps(family, z, np.zeros((3, 2))), want, rtol=1e-12)


@pytest.mark.parametrize("rate", [0.01, 40.0, 3e3, 1e6])
def test_sums_over_many_counts_agree_with_the_formula_of_the_poisson(rate):
    family = resolve("poisson", Distribution)
    y = np.floor([0.0, 0.5 * rate, rate, rate + 3.0 * rate**0.5, 9.0 * rate + 200.0])
    eta = np.tile(family.eta(rate=rate), (len(y), 1))
    want = scoring_rules.crps(family, y, eta)
    np.testing.assert_allclose(scoring_rules._summed(family, y, eta), want, rtol=1e-8)


def test_crps_of_the_poisson_at_rates_beyond_scipys_bessel_functions():
    """The normal's: sigma (2 phi(0) - 1 / sqrt(pi)); log p has lost eleven digits there."""
    family = resolve("poisson", Distribution)
    found = scoring_rules.crps(family, np.array([1e10]), family.eta(rate=1e10)[None])
    assert found == pytest.approx(1e5 * (np.sqrt(2.0) - 1.0) / np.sqrt(np.pi), rel=1e-4)


@pytest.mark.parametrize("mean, n", [(3.0, 0.2), (30.0, 0.2), (300.0, 5.0)])
def test_crps_of_spread_out_counts_against_sums_by_scipy(mean, n):
    family, k = resolve("negative_binomial", Distribution), np.arange(0.0, 60.0 * mean / n + 1e3)
    peer = stats.nbinom(n, n / (n + mean))
    y = np.array([0.0, mean, 10.0 * mean])
    want = [np.sum(np.where(k < v, peer.cdf(k), peer.sf(k)) ** 2) for v in y]
    found = scoring_rules.crps(family, y, np.tile(family.eta(mean=mean, n=n), (3, 1)))
    np.testing.assert_allclose(found, want, rtol=1e-8)


COUNTS = {
    name: family
    for name, family in families().items()
    if family.event_shape == () and family.has_cdf and family.known_support.integer
}


@pytest.mark.parametrize("name", COUNTS)
def test_sums_over_counts_ask_for_few_tails(name, monkeypatch):
    """A tail may itself be a sum; as many as there are counts took 80 ms a row."""
    family, asked = COUNTS[name], []
    eta = np.tile(points(family)[0], (20, 1))
    y = np.resize(some_rows(family, eta[0], 20), 20)
    for tail in ("log_cdf", "log_sf"):
        own = getattr(family, tail)

        def counted(at, eta, own=own):
            asked.append(len(at))
            return own(at, eta)

        monkeypatch.setattr(family, tail, counted)
    assert np.all(scoring_rules._summed(family, y, eta) >= 0.0)
    # 200 of a tail that falls as slowly as Zipf's.
    assert sum(asked) <= 200 * len(y)


def test_infinite_and_missing_crps():
    family = resolve("student_t", Distribution)
    eta = np.tile(family.eta(loc=0.0, scale=1.0, df=0.9), (2, 1))
    assert np.all(scoring_rules.crps(family, np.zeros(2), eta) == np.inf)


@pytest.fixture(scope="module")
def model():
    return NaturalRegressor("normal", features_for="all").fit(X, Y)


def test_scorers_are_means_of_the_rows(model):
    params = model.predict_params(X)
    dist = stats.norm(params["loc"], params["scale"])
    weight = np.arange(300) % 3
    low, high = dist.interval(0.8)
    want = {
        "log_score": dist.logpdf(Y),
        "interval": -(high - low + 10.0 * (np.maximum(low - Y, 0) + np.maximum(Y - high, 0))),
        "pinball": -np.where(Y > dist.ppf(0.3), 0.3, -0.7) * (Y - dist.ppf(0.3)),
    }
    options = {"interval": {"coverage": 0.8}, "pinball": {"q": 0.3}}
    for rule, rows in want.items():
        scorer = natfit.make_scorer(rule, **options.get(rule, {}))
        assert scorer(model, X, Y) == pytest.approx(rows.mean(), rel=1e-9)
        assert scorer(model, X, Y, sample_weight=weight) == pytest.approx(
            np.average(rows, weights=weight), rel=1e-9
        )


@pytest.mark.parametrize("rule", ["log_score", "crps", "interval", "pinball"])
def test_scorers_in_a_grid_search_and_a_pipeline(rule):
    scorer = natfit.make_scorer(rule)
    pipe = make_pipeline(StandardScaler(), NaturalRegressor("normal"))
    grid = {"naturalregressor__alpha": [0.0, 100.0]}
    search = GridSearchCV(pipe, grid, scoring=scorer, cv=3).fit(X, Y)
    # Shrinking all of the signal away cannot predict better.
    assert search.best_params_["naturalregressor__alpha"] == 0.0
    assert clone(scorer).get_params() == scorer.get_params()


def test_offsets_are_routed_to_fits_and_scores():
    exposure = np.random.default_rng(1).uniform(0.5, 4.0, 300)
    y = np.random.default_rng(2).poisson(exposure * np.exp(0.3 * X[:, 0])).astype(float)
    with config_context(enable_metadata_routing=True):
        scorer = natfit.make_scorer("log_score").set_score_request(exposure=True)
        estimator = NaturalRegressor("poisson").set_fit_request(exposure=True)
        found = cross_val_score(
            estimator, X, y, scoring=scorer, cv=3, params={"exposure": exposure}
        )
    folds = np.array_split(np.arange(300), 3)
    for score, test in zip(found, folds, strict=True):
        train = np.setdiff1d(np.arange(300), test)
        fit = NaturalRegressor("poisson").fit(X[train], y[train], exposure=exposure[train])
        rate = fit.predict(X[test], exposure=exposure[test])
        assert score == pytest.approx(stats.poisson.logpmf(y[test], rate).mean(), rel=1e-9)


def test_what_scorers_refuse(model):
    with pytest.raises(ValueError, match="rule"):
        natfit.make_scorer("brier")
    with pytest.raises(ValueError, match="known exactly"):
        natfit.make_scorer("crps")(model, X, Censored.right(Y, np.zeros(300)))
    with pytest.raises(ValueError, match="q must be"):
        natfit.make_scorer("pinball", q=2.0)(model, X, Y)
