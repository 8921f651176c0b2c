"""Densities of a user's own on ridges to infinity and at saddles, against limits in closed form."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import gammaln
from scipy import optimize, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Positive, Real, from_log_prob

RNG = np.random.default_rng(0)
FLAT, HEAVY = RNG.uniform(0.0, 1.0, 60), RNG.pareto(1.5, 60)
PEAKED, EXTREME, SKEWED = RNG.uniform(0.2, 1.2, 60), RNG.gumbel(size=60), RNG.exponential(size=60)
TWO = np.concatenate([RNG.normal(-2.0, 0.5, 40), RNG.normal(2.0, 0.5, 40)])
FOLDED = np.abs(RNG.normal(2.0, 0.6, 80))
COUNTS = RNG.binomial(5, 0.5, 60).astype(float)


def lomax(y, a, s):
    return anp.log(a) - anp.log(s) - (a + 1.0) * anp.log1p(y / s)


def gompertz(y, b, c):
    return anp.log(b) + anp.log(c) + b * y - c * anp.expm1(b * y)


def burr(y, c, d, scale):
    z = (y / scale) ** c
    return anp.log(c * d / scale) + (c - 1.0) * anp.log(y / scale) - (d + 1.0) * anp.log1p(z)


def logistic(y, c, loc, scale):
    z = (y - loc) / scale
    return anp.log(c / scale) - z - (c + 1.0) * anp.logaddexp(0.0, -z)


def student(y, loc, scale, df):
    z = ((y - loc) / scale) ** 2
    front = gammaln((df + 1.0) / 2.0) - gammaln(df / 2.0) - 0.5 * anp.log(df * np.pi)
    return front - anp.log(scale) - (df + 1.0) / 2.0 * anp.log1p(z / df)


def negative_binomial(y, r, m):
    front = gammaln(y + r) - gammaln(r) - gammaln(y + 1.0)
    return front + r * anp.log(r / (r + m)) + y * anp.log(m / (r + m))


def two_normals(y, m, s):
    both = anp.logaddexp(-0.5 * ((y - m) / s) ** 2, -0.5 * ((y + m) / s) ** 2)
    return both - anp.log(2.0 * s) - 0.5 * np.log(2.0 * np.pi)


def apart(y, m, loc, s):
    return two_normals(y - loc, m, s)


def apart_in_all(y, r, loc, sd):
    # sd is that of all rows: at r = 0 even the curvature in r vanishes, whatever sd is.
    q = anp.sqrt(1.0 + r**2)
    return two_normals(y - loc, sd * r / q, sd / q)


def folded(y, m, s):
    return two_normals(y, m, s) + np.log(2.0)


SUPPORTS = dict.fromkeys((lomax, gompertz, burr, folded), "non_negative")
SUPPORTS[negative_binomial] = "counts"


def fitted(log_prob, y, **params):
    """The fit, which may end at a limit, and its log-likelihood."""
    family = from_log_prob(log_prob, params, support=SUPPORTS.get(log_prob, "real"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit(family, y)
    return model, len(y) * model.score(y[:, None])


def best(dist, y, **known):
    """The log-likelihood of scipy's fit of the limit."""
    return dist.logpdf(y, *dist.fit(y, **known)).sum()


P, R = Positive(), Real()
RIDGES = {
    "lomax": (lomax, FLAT, {"a": P, "s": P}, best(stats.expon, FLAT, floc=0)),
    "gompertz": (gompertz, HEAVY, {"b": P, "c": P}, best(stats.expon, HEAVY, floc=0)),
    "burr": (burr, PEAKED, {"c": P, "d": P, "scale": P}, best(stats.weibull_min, PEAKED, floc=0)),
    "gumbel": (logistic, EXTREME, {"c": P, "loc": R, "scale": P}, best(stats.gumbel_r, EXTREME)),
    "skewed": (logistic, SKEWED, {"c": P, "loc": R, "scale": P}, best(stats.gumbel_r, SKEWED)),
}

#: Here the user's formula loses its digits on the way, and the search ends in its rounding.
NOISY = {
    "student": (student, FLAT, {"loc": R, "scale": P, "df": P}),
    "counts": (negative_binomial, COUNTS, {"r": P, "m": P}),
}


@pytest.mark.parametrize("name", RIDGES)
def test_a_ridge_to_infinity_is_no_optimum(name):
    log_prob, y, params, limit = RIDGES[name]
    model, value = fitted(log_prob, y, **params)
    assert model.status_ in ("boundary", "singular")
    assert value == pytest.approx(limit, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOISY)
def test_a_formula_that_loses_its_digits_claims_no_optimum(name):
    log_prob, y, params = NOISY[name]
    assert fitted(log_prob, y, **params)[0].status_ != "converged"


@pytest.mark.parametrize(
    ("log_prob", "y", "params", "start"),
    [
        (two_normals, TWO, {"m": R, "s": P}, [2.0, -0.7]),
        (folded, FOLDED, {"m": R, "s": P}, [2.0, -0.5]),
        (apart, TWO + 3.0, {"m": R, "loc": R, "s": P}, [2.0, 3.0, -0.7]),
        (apart_in_all, TWO + 3.0, {"r": R, "loc": R, "sd": P}, [4.0, 3.0, 0.7]),
    ],
    ids=["two normals", "folded", "two normals apart", "two normals of one variance"],
)
def test_a_saddle_by_symmetry_is_left(log_prob, y, params, start):
    model, value = fitted(log_prob, y, **params)

    def lower(u):
        return -np.sum(log_prob(y, *u[:-1], np.exp(u[-1])))

    assert model.status_ == "converged"
    assert value >= -optimize.minimize(lower, start, method="Nelder-Mead").fun - 1e-6
