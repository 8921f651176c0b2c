"""The metric of the CRPS against closed forms, quadrature and the score itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from natfit import NaturalMLE, NaturalRegressor
from natfit.distributions import (
    Bernoulli,
    Categorical,
    Cauchy,
    Gamma,
    Gumbel,
    Laplace,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    VonMises,
    Weibull,
    ZeroAdjusted,
    Zipf,
)
from natfit.inference.scoring_rules import crps
from natfit.metrics import CRPSMetric
from natfit.metrics._between import squared_gaps
from natfit.metrics.crps import _metric, _of_density, _squared_gaps
from natfit.testing._core import gradient
from tests.metrics.test_wasserstein import Posed, at, jacobian

RNG = np.random.default_rng


def matrix(family, eta):
    found = _metric(family, eta, 0)[0]
    return (found.dense(len(eta)) if hasattr(found, "dense") else found)[0]


def test_the_normal_distributions_is_ngboosts():
    """diag(1, 1/2) / (sqrt(pi) sigma) in (mu, sigma), as quadrature says."""
    family = Normal()
    eta, scale = at(family, loc=1.0, scale=2.5), 2.5
    back = np.linalg.inv(jacobian(family, eta[0]))
    want = np.diag([1.0, 0.5]) / (np.sqrt(np.pi) * scale)
    assert_allclose(back.T @ matrix(family, eta) @ back, want, rtol=1e-12)
    assert_allclose(back.T @ _of_density(family, eta[0]) @ back, want, rtol=1e-8, atol=1e-12)


def slopes(family, eta, y):
    """dF / d eta at y (n,) by differences, (n, K)."""
    return gradient(lambda e: np.exp(family.log_cdf(y, e[None])), eta[0])


@pytest.mark.parametrize(
    ("family", "params"),
    [
        (Normal(), {"loc": 1.0, "scale": 2.0}),
        (Gamma(), {"shape": 1.7, "scale": 2.0}),
        (Gumbel(), {"loc": 0.0, "scale": 1.5}),
        (Cauchy(), {"loc": 0.0, "scale": 1.0}),
        (Weibull(), {"shape": 1.2, "scale": 2.0}),
    ],
    ids=repr,
)
def test_it_is_the_integral_of_the_squares(family, params):
    eta = at(family, **params)
    low = 0.0 if family.support.low == 0.0 else -np.inf

    def integrand(y):
        slope = slopes(family, eta, np.array([y]))[0]
        return 2.0 * np.outer(slope, slope)

    want = integrate.quad_vec(integrand, low, np.inf, epsrel=1e-9)[0]
    assert_allclose(matrix(family, eta), want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("family", "params"),
    [
        (Poisson(), {"rate": 3.0}),
        (NegativeBinomial(), {"mean": 3.0, "dispersion": 0.5}),
        (Bernoulli(), {"p": 0.3}),
    ],
    ids=repr,
)
def test_whole_numbers_are_summed(family, params):
    eta = at(family, **dict(zip(family.params, params.values(), strict=True)))
    y = np.arange(0.0, min(family.support.top, 400.0) + 1.0)
    slope = slopes(family, eta, y)
    assert_allclose(matrix(family, eta), 2.0 * slope.T @ slope, rtol=1e-6)
    other = eta + 0.2
    gap = np.exp(family.log_cdf(y, eta)) - np.exp(family.log_cdf(y, other))
    assert_allclose(_squared_gaps(family, eta, other), np.square(gap).sum(), rtol=1e-9)


LAWS = {
    "normal": (Normal(), {"loc": 1.0, "scale": 2.0}),
    "gamma": (Gamma(), {"shape": 1.7, "scale": 2.0}),
    "laplace": (Laplace(), {"loc": 1.0, "scale": 2.0}),
    "cauchy": (Cauchy(), {"loc": 1.0, "scale": 2.0}),
    "student_t": (StudentT(), {"loc": 1.0, "scale": 2.0, "df": 4.0}),
}


@pytest.mark.parametrize("name", LAWS)
def test_the_divergence_is_the_integral_of_the_squared_difference(name):
    family, params = LAWS[name]
    eta = at(family, **params)
    other = eta + 0.3 * RNG(1).standard_normal(eta.shape)
    one, two = (family.counterpart(e[0]) for e in (eta, other))
    low = -np.inf if family.support.low < 0 else 0.0
    pieces = [low, 0.0, 1.0, 5.0, np.inf] if low < 0 else [0.0, 1.0, 5.0, np.inf]
    want = sum(
        integrate.quad(lambda y: (one.cdf(y) - two.cdf(y)) ** 2, a, b, epsrel=1e-10)[0]
        for a, b in zip(pieces[:-1], pieces[1:], strict=True)
    )
    assert_allclose(_squared_gaps(family, eta, other), want, rtol=1e-5)
    assert_allclose(squared_gaps(family, eta, other), want, rtol=1e-5)


@pytest.mark.parametrize("name", LAWS)
def test_the_divergence_is_half_the_square_of_the_metric_near_by(name):
    family, params = LAWS[name]
    eta = at(family, **params)
    d = 2e-3 * RNG(2).standard_normal(family.n_params)
    both = 0.5 * sum(_squared_gaps(family, eta, eta + s * d)[0] for s in (1.0, -1.0))
    assert_allclose(both, 0.5 * d @ matrix(family, eta) @ d, rtol=1e-3)


def test_it_is_the_curvature_of_the_expected_score():
    """E[CRPS(eta2; Y)] - E[CRPS(eta; Y)] under eta is the divergence."""
    family = Gamma()
    eta, other = (at(family, shape=s, scale=2.0) for s in (2.0, 2.3))
    rule = family.expectation(eta[0])
    scores = (crps(family, rule.y, np.repeat(e, len(rule.y), axis=0)) for e in (other, eta))
    gain = rule.weight @ np.subtract(*scores)
    assert_allclose(_squared_gaps(family, eta, other), gain, rtol=1e-5)


@pytest.mark.parametrize("gap", [1e-8, 1e-3, 1.0, 30.0])
def test_normals_that_are_close_lose_no_digits(gap):
    family = Normal()
    eta = at(family, loc=1.0, scale=2.0)
    d = gap * np.array([[0.7, 0.3]])
    found = _squared_gaps(family, eta, eta + d)[0]
    assert found > 0
    if gap < 1e-2:
        assert_allclose(found, 0.5 * (d @ matrix(family, eta) @ d.T)[0, 0], rtol=2 * gap + 1e-7)
    else:
        one, two = stats.norm(1.0, 2.0), stats.norm(1.0 + d[0, 0], 2.0 * np.exp(d[0, 1]))
        ends = (-4e5, 4e5) if gap > 10 else (-40.0, 40.0)
        y = np.linspace(*ends, 400_001)
        want = integrate.trapezoid((one.cdf(y) - two.cdf(y)) ** 2, y)
        assert_allclose(found, want, rtol=1e-3)


def test_independent_columns_add():
    family, one = MultivariateNormal("diag", dim=3), Normal()
    loc, scale = np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.0, 3.0])
    eta, other = at(family, loc=loc, scale=scale), at(family, loc=loc + 0.4, scale=1.2 * scale)
    pairs = [
        [at(one, loc=m, scale=s) for m, s in zip(m, s, strict=True)]
        for m, s in ((loc, scale), (loc + 0.4, 1.2 * scale))
    ]
    gaps = [_squared_gaps(one, a, b)[0] for a, b in zip(*pairs, strict=True)]
    assert_allclose(_squared_gaps(family, eta, other), sum(gaps), rtol=1e-12)
    parts = np.array([np.diagonal(matrix(one, e)) for e in pairs[0]])
    assert_allclose(matrix(family, eta), np.diag(parts.T.ravel()), rtol=1e-12)
    # One scale of three columns has the sum of what they give.
    tied = MultivariateNormal("spherical", dim=3)
    found = matrix(tied, at(tied, loc=loc, scale=2.0))
    assert_allclose(found[3, 3], 3.0 * matrix(one, at(one, loc=0.0, scale=2.0))[1, 1], rtol=1e-12)


def test_it_fits_counts_and_heavy_tails():
    rng = RNG(3)
    for name, y in (("poisson", rng.poisson(4.0, 300)), ("cauchy", rng.standard_cauchy(300))):
        want = NaturalMLE(name).fit(y[:, None].astype(float))
        model = NaturalMLE(name, metric="crps").fit(y[:, None].astype(float))
        assert model.status_ == "converged"
        for key, value in want.params_.items():
            assert_allclose(model.params_[key], value, rtol=1e-4, atol=1e-4)


def test_a_regression_of_counts():
    rng = RNG(4)
    X = rng.standard_normal((300, 2))
    y = rng.poisson(np.exp(0.5 + X @ [0.4, -0.3])).astype(float)
    want = NaturalRegressor("poisson").fit(X, y)
    found = NaturalRegressor("poisson", metric="crps").fit(X, y)
    assert_allclose(found.coef_["rate"], want.coef_["rate"], atol=1e-4)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        (Categorical(3), r"classes without one; use metric='exact', or WassersteinMetric\(ground"),
        (VonMises(), "angles"),
        (ZeroAdjusted(Gamma()), r"probability at \[0.0\]"),
        (MultivariateNormal(dim=2), r"MultivariateNormal\(covariance='diag'\).*metric='exact'"),
    ],
    ids=repr,
)
def test_other_families_are_refused_with_a_metric_that_works(family, words):
    with pytest.raises(ValueError, match=words):
        CRPSMetric().prepare(Posed(family))


def test_a_tail_without_end_is_refused():
    with pytest.raises(ValueError, match="sums over the whole numbers that Zipf may give"):
        _metric(Zipf(), Zipf().eta(a=1.5)[None] if "a" in Zipf().params else np.zeros((1, 1)), 0)
