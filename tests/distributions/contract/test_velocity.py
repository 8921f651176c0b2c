"""Velocities of quantiles: derivatives of tails, against mpmath's own distribution functions."""

import mpmath
import numpy as np
import pytest
from mpmath import mp

import natfit
from natfit._component import available, resolve
from natfit.distributions import Fixed, Scaled, Shifted, Truncated
from natfit.distributions.base import Distribution
from natfit.distributions.contract import velocity
from natfit.distributions.contract.intervals import moments
from natfit.rows import Block

INF = np.inf


def _log_scale(y, shape, scale):
    return mpmath.exp(shape) * (mpmath.log(y) - scale)


def _modified(u, shape):
    x, rate = u * mpmath.sqrt(1 + shape**2) + shape, 1 / shape
    return mpmath.ncdf(x) - mpmath.exp(rate * (rate / 2 - x)) * mpmath.ncdf(x - rate)


# P(Y <= y) in eta, by mpmath alone.
CDFS = {
    "normal": lambda y, m, s: mpmath.ncdf((y - m) / mpmath.exp(s)),
    "laplace": lambda y, m, s: (
        0.5 * mpmath.exp((y - m) / mpmath.exp(s))
        if y < m
        else 1 - 0.5 * mpmath.exp((m - y) / mpmath.exp(s))
    ),
    "cauchy": lambda y, m, s: 0.5 + mpmath.atan((y - m) / mpmath.exp(s)) / mpmath.pi,
    "logistic": lambda y, m, s: 1 / (1 + mpmath.exp((m - y) / mpmath.exp(s))),
    "gumbel": lambda y, m, s: mpmath.exp(-mpmath.exp((m - y) / mpmath.exp(s))),
    "weibull": lambda y, c, s: 1 - mpmath.exp(-mpmath.exp(_log_scale(y, c, s))),
    "lognormal": lambda y, c, s: mpmath.ncdf((mpmath.log(y) - s) / mpmath.exp(c)),
    "exponential": lambda y, r: 1 - mpmath.exp(-y * mpmath.exp(r)),
    "gev": lambda y, m, s, k: mpmath.exp(-((1 + k * (y - m) / mpmath.exp(s)) ** (-1 / k))),
    "generalized_pareto": lambda y, s, k: 1 - (1 + k * y / mpmath.exp(s)) ** (-1 / k),
    "exponentiated_weibull": lambda y, c, s, a: (
        (1 - mpmath.exp(-mpmath.exp(_log_scale(y, c, s)))) ** mpmath.exp(a)
    ),
    "gamma": lambda y, a, s: mpmath.gammainc(mpmath.exp(a), 0, y / mpmath.exp(s), regularized=True),
    "inverse_gamma": lambda y, a, s: mpmath.gammainc(
        mpmath.exp(a), mpmath.exp(s) / y, mpmath.inf, regularized=True
    ),
    "exponentially_modified_normal": lambda y, m, s, k: _modified(
        (y - m) / mpmath.exp(s), mpmath.cbrt(mpmath.sinh(3 * k))
    ),
    "beta": lambda y, a, b: mpmath.betainc(mpmath.exp(a), mpmath.exp(b), 0, y, regularized=True),
}
CDFS["generalized_gamma"] = lambda y, c, s, e: mpmath.gammainc(
    mpmath.sinh(e) ** -2,
    0,
    mpmath.exp(mpmath.sinh(e) * (mpmath.log(y) - c) / mpmath.exp(s)) / mpmath.sinh(e) ** 2,
    regularized=True,
)
CDFS["birnbaum_saunders"] = lambda y, c, s: mpmath.ncdf(
    2 * mpmath.sinh((mpmath.log(y) - s) / 2) / mpmath.exp(c)
)
ETA = {1: [0.4], 2: [0.3, 0.2], 3: [0.3, 0.2, -0.4]}
SHAPES = {"gev": [0.3, 0.2, 0.25], "generalized_pareto": [0.3, 0.35]}
SHAPES |= {"exponentially_modified_normal": [0.3, 0.2, 0.01], "generalized_gamma": [0.3, 0.2, 0.6]}


def oracle(cdf, eta, low, high):
    """log P, its gradient and its negative Hessian in eta by mpmath with 40 digits."""
    k = len(eta)
    with mp.workdps(40):

        def value(*e):
            up = mpmath.mpf(1) if high == INF else cdf(mpmath.mpf(high), *e)
            return mpmath.log(up - (0 if low == -INF else cdf(mpmath.mpf(low), *e)))

        point = [mpmath.mpf(e) for e in eta]

        def order(*at):
            return tuple(sum(i == j for i in at) for j in range(k))

        def derive(*at):
            return float(mpmath.diff(value, point, order(*at)))

        grad = [derive(i) for i in range(k)]
        return float(value(*point)), grad, [[-derive(i, j) for i in range(k)] for j in range(k)]


#: Two upper tails, a lower one, an interval in the body and a narrow one.
ENDS = [(0.35, INF), (0.6, INF), (-INF, 0.3), (0.2, 0.7), (0.75, 0.8)]


@pytest.mark.parametrize("name", CDFS)
def test_tails_and_intervals_against_mpmath(name):
    family = resolve(name, Distribution)
    eta = np.array(SHAPES.get(name, ETA[family.n_params]))
    low, high = np.array(ENDS).T
    found = moments(family, low, high, eta[None])
    for i in range(len(ENDS)):
        value, grad, hess = oracle(CDFS[name], eta, low[i], high[i])
        assert found.log_mass[i] == pytest.approx(value, rel=1e-11)
        np.testing.assert_allclose(found.score[i], grad, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(found.observed[i], hess, rtol=1e-6, atol=1e-7)


def densities():
    """Every univariate density of the registry with a distribution function."""
    for name in available(Distribution):
        family = resolve(name, Distribution)
        try:
            support, shape, known = family.support, family.event_shape, family.has_cdf
        except ValueError:
            continue  # A wrapper without arguments.
        if shape == () and known and support is not None and not support.integer:
            yield name


@pytest.mark.parametrize("name", list(densities()))
def test_a_table_and_rows_one_by_one_agree(name):
    """Many rows that share eta are interpolated where there is no closed form."""
    family = resolve(name, Distribution)
    rng = np.random.default_rng(0)
    # Ascending, as the ends of an interval must be.
    eta = 0.2 + 0.15 * np.arange(family.n_params)
    y = np.sort(family.sample(eta[None], rng, 200))
    many = family.velocity(y, eta[None])
    few = family.velocity(y[::40], eta[None])
    for a, b in ((many.first, few.first), (many.second, few.second)):
        size = np.abs(b).max(axis=-1, keepdims=True) + 1e-3
        assert (np.abs(a[..., ::40] - b) < 1e-5 * size).all()


@pytest.mark.parametrize(
    ("family", "eta", "ends"),
    [
        (Shifted("weibull"), [0.5, 0.4, 0.1], [(0.2, 1.5), (0.2, INF), (0.9, INF), (-INF, 0.9)]),
        (Shifted("gamma"), [-1.0, 0.4, 0.1], [(-2.0, 0.1), (-1.5, INF), (0.5, 2.0)]),
        (Scaled(Fixed("gamma", {"scale": 1.0})), [0.3, 0.2], [(0.2, 1.0), (0.9, INF)]),
        (Truncated("normal", 0.0, 2.0), [0.3, 0.1], [(-1.0, 0.5), (0.5, INF), (0.2, 3.0)]),
        (Truncated(Shifted("weibull"), 1.0, 6.0), [0.5, 0.4, 0.1], [(0.2, 2.0), (1.5, INF)]),
        (Fixed(Shifted("weibull"), {"loc": 0.5}), [0.4, 0.1], [(0.2, 1.5), (0.9, INF)]),
        ("generalized_pareto", [0.3, -0.8], [(1.0, 3.0), (1.0, INF), (0.4, 1.2)]),
        ("gev", [0.0, 0.0, -0.7], [(1.0, 3.0), (-INF, 0.5), (-5.0, 1.0)]),
    ],
)
def test_intervals_across_an_end_of_the_support(family, eta, ends):
    """Against differences of the family's own log cdf; the ends move with eta."""
    family = resolve(family, Distribution)
    eta = np.array(eta)
    low, high = np.array(ends).T

    def log_mass(e):
        below, above = family.log_cdf(low, e[None]), family.log_sf(high, e[None])
        return np.log1p(-np.exp(below) - np.exp(above))

    found = moments(family, low, high, eta[None])
    np.testing.assert_allclose(found.log_mass, log_mass(eta), rtol=1e-9, atol=1e-12)
    h, k = 1e-4, len(eta)
    for i, unit in enumerate(np.eye(k) * h):
        slope = (log_mass(eta + unit) - log_mass(eta - unit)) / (2 * h)
        np.testing.assert_allclose(found.score[:, i], slope, rtol=1e-5, atol=1e-6)
        moved = [moments(family, low, high, (eta + s * unit)[None]).score for s in (1, -1)]
        bend = -(moved[0] - moved[1]) / (2 * h)
        np.testing.assert_allclose(found.observed[:, i], bend, rtol=1e-5, atol=1e-5)


def test_ten_thousand_distinct_right_censored_rows_take_no_quadrature(monkeypatch):
    from natfit.distributions.contract import intervals as module

    def refused(*args):
        raise AssertionError("quadrature was asked for")

    monkeypatch.setattr(module, "_integrated", refused)
    monkeypatch.setattr(module, "tail_means", refused)
    rng = np.random.default_rng(0)
    y, end = 3.0 * rng.weibull(1.5, (2, 10_000))
    lower = np.minimum(y, end)
    rows = natfit.Censored(lower, np.where(y <= end, lower, INF))
    for name in ("weibull", "gamma", "lognormal", "beta"):
        scaled = natfit.Censored(rows.lower / 20.0, rows.upper / 20.0) if name == "beta" else rows
        assert natfit.fit(name, scaled).status_.good


@pytest.mark.parametrize("name", ["student_t", "gamma", "inverse_gamma", "generalized_gamma"])
def test_a_table_holds_only_what_is_not_closed(name):
    family = resolve(name, Distribution)
    assert family.stretches
    eta = family.initial(Block(np.linspace(0.5, 4.0, 9)), np.random.default_rng(0))
    y = np.linspace(0.6, 3.9, 120)
    table = velocity._by_table(family, y, eta[None], velocity.way_of(family))
    derived = resolve(name, Distribution)
    derived.stretches = False
    direct = velocity.by_quadrature(derived, y, eta[None])
    for found in (table, velocity.velocity_of(family, y[:50], eta[None])):
        some = slice(found.first.shape[1])
        np.testing.assert_allclose(found.first, direct.first[:, some], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(found.second, direct.second[:, :, some], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("q", [-2.0, -0.25, 0.1, 0.21, 1.0, 5.0])
def test_velocities_of_the_generalised_gamma_are_those_of_its_quadrature(q):
    family = resolve("generalized_gamma", Distribution)
    y = np.geomspace(0.3, 4.0, 9)
    eta = np.repeat(family.eta(scale=1.5, sigma=0.7, q=q)[None], 9, axis=0)
    eta += 1e-3 * np.arange(27.0).reshape(9, 3)
    found, wanted = family.velocity(y, eta), velocity.by_quadrature(family, y, eta)
    # Quadrature reproduces the probability itself to 1e-6.
    np.testing.assert_allclose(found.first, wanted.first, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.second, wanted.second, rtol=1e-5, atol=1e-5)
