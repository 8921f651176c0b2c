"""Means and variances of many rows against integrals of the density by other code, and scipy."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from natfit._component import registered, resolve
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.distributions.contract.moments import tail_indices
from natfit.distributions.contract.row_moments import moments_of_rows
from natfit.testing.data import points

FAMILIES = [
    pytest.param(f, id=f"{name}-{i}")
    for i, (name, f) in enumerate(registered(Distribution))
    if f.event_shape == ()
]


def by_quantiles(family, eta):
    """Mean and variance at eta (K,) as integrals over the tails, by scipy's adaptive quadrature."""
    frozen = Frozen(family, eta[None])
    if family.support.integer:
        low, high = frozen.ppf(1e-17), frozen.isf(1e-17)
        y = np.arange(max(low, family.support.low), high + 1.0)
        p = frozen.pmf(y)
        return p @ y, p @ (y - p @ y) ** 2
    middle = frozen.median()
    ends = frozen.support()

    def part(power, tail, end, sign):
        far = np.abs(end - middle)
        unit = (frozen.ppf(0.75) - frozen.ppf(0.25)) or 1.0
        cuts = [c for c in np.array([0.0, 2, 16, 1e3, 1e10]) * unit if c < far]
        cuts += [far] if np.isfinite(far) else []

        def weighted(gap):
            return power * gap ** (power - 1) * tail(middle + sign * gap)

        return sum(
            integrate.quad(weighted, a, b, epsrel=1e-9, epsabs=0.0, limit=60)[0]
            for a, b in itertools.pairwise(cuts)
        )

    shift = part(1, frozen.sf, ends[1], 1) - part(1, frozen.cdf, ends[0], -1)
    square = part(2, frozen.sf, ends[1], 1) + part(2, frozen.cdf, ends[0], -1)
    return middle + shift, square - shift**2


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_moments_of_rows_are_integrals_of_the_tails(family):
    if not family.has_cdf or np.inf in family.atoms:
        pytest.skip("has no tails, or values that are infinite")
    for eta in points(family, 4, seed=3)[:1]:
        left, right = tail_indices(family, eta)
        if min(left, right) <= 2.2:
            continue  # An adaptive rule does not reach so far; see the test of heavy tails.
        mean, var = family.moments(np.tile(eta, (2, 1)))
        want = by_quantiles(family, eta)
        scale, frozen = np.sqrt(want[1]), Frozen(family, eta[None])
        # The adaptive rule itself has fewer digits where most of the variance is far out.
        far = scale > 30.0 * (frozen.ppf(0.9) - frozen.ppf(0.1))
        rtol = 1e-7 if min(left, right) > 8.0 and not far else 1e-4
        np.testing.assert_allclose(mean, want[0], rtol=rtol, atol=1e-8 * scale)
        np.testing.assert_allclose(var, want[1], rtol=10.0 * rtol)


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_of_rows_are_those_of_each_row(family):
    etas = points(family, 9, seed=4)
    kept, each = [], []
    for eta in etas:
        try:
            each.append([m[0] for m in family.moments(eta[None])])
            kept.append(eta)
        except ValueError as error:
            assert "does not exist" in str(error)
    if not kept:
        return
    each = np.transpose(each)
    for got, want in zip(family.moments(np.array(kept)), each, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "params", "frozen"),
    [
        ("student_t", {"loc": 1.0, "scale": 2.0, "df": 1.5}, stats.t(1.5, 1.0, 2.0)),
        ("student_t", {"loc": 1.0, "scale": 2.0, "df": 2.5}, stats.t(2.5, 1.0, 2.0)),
        ("pareto", {"shape": 0.9, "scale": 2.0}, stats.pareto(0.9, scale=2.0)),
        ("pareto", {"shape": 1.9, "scale": 2.0}, stats.pareto(1.9, scale=2.0)),
        ("gev", {"loc": 0.0, "scale": 1.0, "shape": 0.6}, stats.genextreme(-0.6)),
        ("gev", {"loc": 0.0, "scale": 1.0, "shape": 0.2}, stats.genextreme(-0.2)),
        ("gev", {"loc": 0.0, "scale": 1.0, "shape": -0.3}, stats.genextreme(0.3)),
        ("generalized_pareto", {"scale": 1.5, "shape": 0.3}, stats.genpareto(0.3, scale=1.5)),
        ("generalized_pareto", {"scale": 1.5, "shape": 1.2}, stats.genpareto(1.2, scale=1.5)),
        ("inverse_gamma", {"shape": 1.5, "scale": 1.0}, stats.invgamma(1.5)),
        ("log_logistic", {"shape": 1.5, "scale": 1.0}, stats.fisk(1.5)),
        ("log_logistic", {"shape": 200.0, "scale": 1.0}, stats.fisk(200.0)),
        ("weibull", {"shape": 0.3, "scale": 1.0}, stats.weibull_min(0.3)),
        ("nakagami", {"shape": 30.0, "scale": 2.0}, stats.nakagami(30.0, scale=2.0)),
        ("gamma_mean", {"mean": 3.0, "shape": 2.0}, stats.gamma(2.0, scale=1.5)),
        ("beta_mean", {"mean": 0.3, "precision": 2.0}, stats.beta(0.6, 1.4)),
        ("zipf", {"alpha": 2.5}, stats.zipf(2.5)),
        ("zipf", {"alpha": 4.5}, stats.zipf(4.5)),
    ],
)
def test_heavy_and_narrow_members_against_scipy(name, params, frozen):
    family = resolve(name, Distribution)
    mean, var = family.moments(np.tile(family.eta(**params), (3, 1)))
    # scipy says NaN where the integral of the variance is infinite.
    known = [np.inf if np.isnan(v) else v for v in (frozen.mean(), frozen.var())]
    np.testing.assert_allclose(mean, known[0], rtol=1e-9)
    np.testing.assert_allclose(var, known[1], rtol=1e-8)


def test_narrow_members_keep_the_digits_of_their_variance():
    """Closed forms at shapes at which a difference of moments would have none left."""
    family = resolve("weibull", Distribution)
    k = np.array([1e3, 1e5, 1e7])
    eta = np.stack([family.eta(shape=v, scale=1.0) for v in k])
    # log(y / scale) is Gumbel distributed with scale 1 / k: to first order in 1 / k.
    np.testing.assert_allclose(family.moments(eta)[1] * k**2, np.pi**2 / 6, rtol=4e-3)
    np.testing.assert_allclose(family.moments(eta)[1][2] * k[2] ** 2, np.pi**2 / 6, rtol=1e-6)
    family = resolve("nakagami", Distribution)
    eta = np.stack([family.eta(shape=v, scale=1.0) for v in (1e4, 1e8)])
    np.testing.assert_allclose(family.moments(eta)[1] * [1e4, 1e8], 0.25, rtol=1e-4)


def test_integrals_of_many_rows_of_a_density_without_a_formula():
    """The integrator itself, on families whose moments are known."""
    rng = np.random.default_rng(0)
    for name in ("normal", "gamma", "lognormal", "logistic", "beta", "weibull", "gumbel"):
        family = resolve(name, Distribution)
        etas = points(family, 40, seed=int(rng.integers(99)))
        for got, want in zip(moments_of_rows(family, etas), family.moments(etas), strict=True):
            # Mass nearer to an end of the support than doubles are is not found.
            found = ~np.isnan(got)
            assert found.mean() > 0.8
            np.testing.assert_allclose(got[found], want[found], rtol=1e-8, atol=1e-12)
    family = resolve("student_t", Distribution)
    eta = np.stack([family.eta(loc=0.0, scale=1.0, df=v) for v in (0.8, 1.5, 3.0)])
    mean, var = moments_of_rows(family, eta)
    np.testing.assert_allclose(mean, [np.nan, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(var, [np.nan, np.inf, 3.0], rtol=1e-6)


def test_a_row_without_a_mean_is_named():
    family = resolve("student_t", Distribution)
    eta = np.stack([family.eta(loc=0.0, scale=1.0, df=v) for v in (3.0, 0.8)])
    with pytest.raises(ValueError, match="does not exist at .*0.8"):
        family.moments(eta)
