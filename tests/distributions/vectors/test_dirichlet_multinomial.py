"""The Dirichlet-multinomial: scipy, the multinomial limit, large totals."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE
from natfit.distributions import DirichletMultinomial
from natfit.rows import Memory
from tests.cases import Case


def dirichlet_multinomial_mle(y):
    """Nelder and Mead's simplex on scipy's log-probability, started over at its end."""
    total = y.sum(axis=1).astype(int)

    def loss(t):
        return -stats.dirichlet_multinomial.logpmf(y.astype(int), np.exp(t), total).mean()

    best = np.zeros(y.shape[1])
    options = {"xatol": 1e-11, "fatol": 1e-15, "maxiter": 5_000, "maxfev": 5_000}
    for _ in range(3):
        best = optimize.minimize(loss, best, method="Nelder-Mead", options=options).x
    a = np.exp(best)
    return [*a / a.sum(), a.sum()]


def compound(i):
    """One row of counts, whose shares are drawn first."""
    shares = np.random.default_rng(i).dirichlet([2.0, 1.0, 3.0])
    return np.random.default_rng(i).multinomial(5 + i % 9, shares)


CASE = Case(
    data=np.array([compound(i) for i in range(200)]) * 1.0,
    optimum=dirichlet_multinomial_mle,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def quiet(name, y):
    """A fit that may end at a bound, with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalMLE(name).fit(y)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_dirichlet_multinomial_against_scipy(seed):
    draw = rng(seed)
    totals = draw.integers(1, 40, 150)
    shares = draw.dirichlet([0.5, 2.0, 1.5], 150)
    y = np.array([draw.multinomial(m, p) for m, p in zip(totals, shares, strict=True)]) * 1.0
    model = NaturalMLE("dirichlet_multinomial").fit(y)
    assert model.status_ == "converged"
    want = dirichlet_multinomial_mle(y)
    got = [*model.params_["probs"], model.params_["concentration"]]
    np.testing.assert_allclose(got, want, rtol=1e-5)
    scipy = stats.dirichlet_multinomial.logpmf(
        y.astype(int), np.multiply(want[:3], want[3]), totals
    )
    np.testing.assert_allclose(model.score_samples(y), scipy, atol=1e-4)


@pytest.mark.parametrize("seed", range(10))
def test_never_above_the_multinomial(seed):
    draw = rng(seed)
    p = draw.dirichlet(np.ones(3))
    y = draw.multinomial(draw.integers(0, 30, 100), p).astype(float)
    model, nested = (quiet(name, y) for name in ("dirichlet_multinomial", "multinomial"))
    assert model.status_ in ("converged", "boundary")
    assert len(y) * model.score(y) >= len(y) * nested.score(y) - 1e-6
    if model.params_["concentration"] > 1e9:
        assert "multinomial" in model.message_
    np.testing.assert_allclose(nested.params_["probs"], y.sum(axis=0) / y.sum(), rtol=1e-6)


@pytest.mark.parametrize("concentration", [1e-3, 5.0, 1e3, 1e5, 1e8, 1e10])
def test_log_prob_to_the_multinomial_limit(concentration):
    """Against mpmath: log Gamma at 1e10 has five decimals in doubles."""
    y, probs = np.array([3.0, 0.0, 40.0]), np.array([0.2, 0.3, 0.5])
    with mpmath.workdps(50):
        total, size = mpmath.mpf(concentration), int(y.sum())
        a = [total * mpmath.mpf(p) for p in probs]
        want = mpmath.loggamma(size + 1) + mpmath.loggamma(total) - mpmath.loggamma(total + size)
        for part, count in zip(a, map(int, y), strict=True):
            want += mpmath.loggamma(part + count) - mpmath.loggamma(part)
            want -= mpmath.loggamma(count + 1)
    family = DirichletMultinomial(3, 43)
    eta = family.eta(probs=probs, concentration=concentration)[None]
    assert family.log_prob(y[None], eta)[0] == pytest.approx(float(want), abs=1e-9)
    value, score, observed = family.sum_terms(y[None], None, eta)
    assert value == pytest.approx(float(want), abs=1e-9)
    size = np.abs(score).max()
    np.testing.assert_allclose(family.score(y[None], eta)[0], score, atol=1e-6 * size)
    np.testing.assert_allclose(
        family.observed(y[None], eta)[0], observed, atol=1e-6 * np.abs(observed).max()
    )


def test_large_totals_are_not_tabulated():
    draw = rng(3)
    y = np.array([draw.multinomial(200_000, p) for p in draw.dirichlet([2.0, 3.0], 60)]) * 1.0
    assert DirichletMultinomial(2).sufficient(Memory(y)) is None
    model = NaturalMLE("dirichlet_multinomial").fit(y)
    assert model.status_ in ("converged", "rounding_floor")
    want = stats.beta.fit(y[:, 0] / 200_000, floc=0, fscale=1)[:2]
    got = model.params_["concentration"] * model.params_["probs"]
    np.testing.assert_allclose(got, want, rtol=2e-3)


def test_totals_that_are_too_many_to_enumerate():
    y = np.floor(np.random.default_rng(0).random((50, 2)) * 1e9)
    model = NaturalMLE("dirichlet_multinomial").fit(y)
    assert model.status_ == "converged"
    with pytest.raises(ValueError, match="totals of up to .* are too many; use metric='observed'"):
        NaturalMLE("dirichlet_multinomial", metric="exact").fit(y)
