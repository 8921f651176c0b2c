"""Distributions of scipy.stats by differences: checks, fits against scipy's own, what is refused."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import testing
from natfit.distributions import Censored, Shifted, Support, from_scipy
from natfit.distributions.custom.from_scipy import ScipyDistribution

#: Options of a simplex search.
FINE = {"maxfev": 3000, "xatol": 1e-9, "fatol": 1e-10}

#: Every check of the package's own families; differences are accurate enough for all of them.
CHECKED = {
    "nakagami": from_scipy(stats.nakagami, scale=True),
    "burr12": from_scipy(stats.burr12),
    "rice": from_scipy(stats.rice),
    "betabinom": from_scipy(stats.betabinom, n=10),
    "logser": from_scipy(stats.logser),
    "skewnorm": from_scipy(stats.skewnorm, loc=True, scale=True),
    "powerlaw": from_scipy(stats.powerlaw),
}


@pytest.mark.parametrize("name", CHECKED)
def test_property_checks(name):
    skipped = testing.check_distribution(CHECKED[name])
    assert "score_is_gradient" not in skipped
    assert "score_covariance_is_fisher" not in skipped
    assert "observed_mean_is_score_covariance" not in skipped


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize(
    ("dist", "true"),
    [(stats.nakagami, (1.7,)), (stats.burr12, (2.0, 3.0)), (stats.rice, (1.5,))],
    ids=lambda v: getattr(v, "name", ""),
)
def test_fits_against_scipys(dist, true, unit):
    y = dist.rvs(*true, scale=unit, size=300, random_state=3)
    model = natfit.fit(from_scipy(dist, scale=True), y)
    assert model.status_ == "converged"
    assert model.n_iter_ <= 25
    parameters = dist.fit(y / unit, floc=0)
    theirs = dist.logpdf(y / unit, *parameters).sum() - len(y) * np.log(unit)
    assert len(y) * model.score(y[:, None]) >= theirs - 1e-6


def test_location_and_scale():
    y = stats.genlogistic.rvs(2.0, 1e3, 0.5, size=400, random_state=4)
    model = natfit.fit(from_scipy(stats.genlogistic, loc=True, scale=True), y)
    assert model.status_ == "converged"
    theirs = stats.genlogistic.logpdf(y, *stats.genlogistic.fit(y)).sum()
    assert len(y) * model.score(y[:, None]) >= theirs - 1e-6


def test_a_support_that_moves():
    """Gamma with a location: all rows stay inside, whatever the start saw."""
    family = from_scipy(stats.gamma, loc=True, scale=True)
    assert family.support == Support()
    assert family.support_at(family.eta(a=2.0, loc=1.5, scale=3.0)[None])[0] == 1.5
    assert not family.information.exists
    y = 50.0 + stats.gamma.rvs(4.0, size=2_000, random_state=5)
    model = natfit.fit(family, y, metric="observed")
    assert model.status_ == "converged"
    assert 0.0 < y.min() - model.params_["loc"][0] < 5.0
    theirs = stats.gamma.logpdf(y, *stats.gamma.fit(y)).sum()
    assert len(y) * model.score(y[:, None]) >= theirs - 1e-3


def test_discrete():
    y = stats.betabinom.rvs(10, 2.0, 3.0, size=500, random_state=6).astype(float)
    model = natfit.fit(from_scipy(stats.betabinom, n=10), y)
    assert model.status_ == "converged"
    best = stats.betabinom.logpmf(y, 10, *(model.params_[k][0] for k in "ab")).sum()
    assert 500 * model.score(y[:, None]) == pytest.approx(best)
    assert best > stats.betabinom.logpmf(y, 10, 2.0, 3.0).sum()
    assert from_scipy(stats.skellam).support is None
    with pytest.raises(ValueError, match="too heavy a tail"):
        from_scipy(stats.zipf).fisher(np.array([[-2.0]]))


def quiet(family, y):
    """A fit that may end at a limit, of which a warning tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit(family, y)


@pytest.mark.parametrize(
    "counts", [(30, 60, 10), (10, 60, 50), (40, 30, 30), (0, 30, 20), (0, 9, 0), (0, 0, 9)]
)
def test_a_vector_of_probabilities(counts):
    """Of two trials the estimate has a closed form: the roots of the generating function."""
    y, share = np.repeat([0.0, 1.0, 2.0], counts), np.array(counts) / sum(counts)
    model = quiet(from_scipy(stats.poisson_binom, n=2), y)
    # p_1 + p_2 is the mean; p_1 p_2 the share of twos, or where no numbers have it, their square.
    total, product = share[1] + 2.0 * share[2], share[2]
    apart = np.sqrt(max(total**2 - 4.0 * product, 0.0))
    best = 0.5 * np.array([total - apart, total + apart])
    np.testing.assert_allclose(model.params_["p"][0], best, atol=1e-5)
    assert model.status_ in (
        ("boundary",) if best.max() > 1.0 - 1e-9 else ("converged", "rounding_floor")
    )
    found = stats.poisson_binom.logpmf(y, model.params_["p"][0]).sum()
    assert found >= stats.poisson_binom.logpmf(y, np.clip(best, 1e-12, 1.0)).sum() - 1e-6


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_probabilities_of_rows_that_are_alike(value):
    model = quiet(from_scipy(stats.bernoulli), np.full(8, value))
    assert model.status_ == "boundary"
    assert model.params_["p"][0] == pytest.approx(value, abs=1e-11)


def test_a_long_vector_of_probabilities():
    true = [0.05, 0.2, 0.5, 0.6, 0.9]
    y = stats.poisson_binom.rvs(true, size=150, random_state=3)
    model = quiet(from_scipy(stats.poisson_binom, n=5), y)
    assert np.all(np.diff(model.params_["p"][0]) >= 0.0)

    values, counts = np.unique(y, return_counts=True)

    def lower(logits):
        return -counts @ stats.poisson_binom.logpmf(values, special.expit(logits))

    rng = np.random.default_rng(0)
    starts = special.logit(true) + rng.normal(0.0, [[0.0], [0.5], [1.0]], (3, 5))
    best = min(optimize.minimize(lower, u, method="L-BFGS-B").fun for u in starts)
    assert -len(y) * model.score(y[:, None]) <= best + 1e-4
    frozen = model.distribution_.counterpart(model._eta[0])
    assert frozen.logpmf(y).sum() == pytest.approx(len(y) * model.score(y[:, None]))


def test_tails():
    family = CHECKED["nakagami"]
    eta, y = np.array([[0.3, 0.1]]), np.array([0.01, 1.0, 9.0])
    frozen = family.counterpart(eta[0])
    np.testing.assert_allclose(family._log_cdf(y, *family.native(eta)), frozen.logcdf(y))
    np.testing.assert_allclose(family._log_sf(y, *family.native(eta)), frozen.logsf(y))


@pytest.mark.parametrize("family", CHECKED.values(), ids=list(CHECKED))
def test_copies(family):
    assert pickle.loads(pickle.dumps(family)) == family
    assert clone(family) == family


class MyDistribution(stats.rv_continuous):
    """Half-normal, by its density alone."""

    def _pdf(self, x):
        return np.sqrt(2.0 / np.pi) * np.exp(-0.5 * x * x)


def test_a_distribution_of_ones_own():
    family = from_scipy(MyDistribution(a=0.0, name="mine"), scale=True)
    y = np.abs(np.random.default_rng(7).normal(0.0, 3.0, 300))
    model = natfit.fit(family, y)
    assert model.params_["scale"][0] == pytest.approx(np.sqrt(np.mean(y * y)), rel=1e-6)
    pickle.loads(pickle.dumps(family)).log_prob(y, np.zeros((1, 1)))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: from_scipy("gamma"), TypeError, "scipy.stats.nakagami"),
        (lambda: from_scipy(stats.gamma(2.0)), TypeError, "not frozen"),
        (lambda: from_scipy(stats.betabinom), ValueError, "n must be fixed"),
        (lambda: from_scipy(stats.betabinom, m=3), ValueError, "must be a shape"),
        (lambda: from_scipy(stats.gamma, floc=0), ValueError, "fixed={'loc': value}"),
        (lambda: from_scipy(stats.nbinom), ValueError, "own family 'negative_binomial'"),
        (lambda: from_scipy(stats.betabinom, n=-3), ValueError, r"must be in \[0"),
        (lambda: from_scipy(stats.poisson_binom), ValueError, "n must be a whole number"),
        (lambda: from_scipy(stats.poisson_binom, n=2.5), ValueError, "a vector of n probab"),
        (lambda: from_scipy(stats.poisson_binom, p=[0.1, 1.2]), ValueError, "p must be in"),
        (lambda: from_scipy(stats.norm), ValueError, "must have a parameter"),
        (lambda: from_scipy(stats.poisson, loc=True), ValueError, "whole numbers"),
        (lambda: from_scipy(stats.gamma, scale="yes"), (TypeError, ValueError), "scale"),
    ],
)
def test_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_rows_that_cannot_be():
    with pytest.raises(ValueError, match="Negative values"):
        natfit.fit(CHECKED["nakagami"], [1.0, -2.0, 3.0])
    with pytest.raises(ValueError, match="must not be constant"):
        natfit.fit(CHECKED["skewnorm"], [1.0, 1.0, 1.0])


def test_shifted_and_censored_rows():
    dist, rows = stats.weibull_min, stats.weibull_min.rvs(2.5, size=60, random_state=3) + 5.0
    family = Shifted(from_scipy(dist, scale=True))
    plain = natfit.fit(from_scipy(dist, loc=True, scale=True), rows)
    shifted = natfit.fit(family, rows)
    for name, value in plain.params_.items():
        np.testing.assert_allclose(shifted.params_[name], value, rtol=1e-5)
    for name, error in plain.standard_errors_.items():
        np.testing.assert_allclose(shifted.standard_errors_[name], error, rtol=1e-4)
    end = np.quantile(rows, 0.7)
    failed = rows < end
    model = natfit.fit(family, Censored.right(np.minimum(rows, end), failed))
    assert model.status_ == "converged"

    def lower(values):
        c, loc, scale = values
        return -dist.logpdf(rows[failed], c, loc, scale).sum() - (
            (~failed).sum() * dist.logsf(end, c, loc, scale)
        )

    found = [float(model.params_[name][0]) for name in ("c", "loc", "scale")]
    best = optimize.minimize(lower, [2.5, 5.0, 1.0], method="Nelder-Mead", options=FINE)
    assert lower(found) < best.fun + 1e-7


class Noisy(stats.rv_continuous):
    """A log-density that is 50 nats everywhere, as what is left of terms that cancel."""

    def _logpdf(self, x):
        return np.full(np.shape(x), 50.0)


def test_what_is_left_of_a_formula_without_digits_is_no_density():
    y = np.linspace(0.1, 3.0, 40)
    noisy = ScipyDistribution(Noisy("noisy"), scale=True)
    eta = noisy.eta(scale=1.0)[None]
    assert np.isneginf(noisy.log_prob(y, eta)).all()
    assert np.isneginf(noisy.log_rows(y, eta)).all()
