"""Sums over many intervals, read from series, against scipy's distribution functions."""

import numpy as np
import pytest
from scipy import stats

from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.distributions.contract.curves import Curve
from natfit.distributions.contract.interval_sums import Intervals, Points
from natfit.distributions.contract.support import REAL, Support

ROWS = 4_000

#: Native parameters, and the same distribution of scipy.
FAMILIES = {
    "normal": ({"loc": 1.0, "scale": 2.0}, stats.norm(1.0, 2.0)),
    "gumbel": ({"loc": -1.0, "scale": 0.7}, stats.gumbel_r(-1.0, 0.7)),
    "laplace": ({"loc": 0.4, "scale": 1.3}, stats.laplace(0.4, 1.3)),
    "cauchy": ({"loc": 0.4, "scale": 1.3}, stats.cauchy(0.4, 1.3)),
    "student_t": ({"loc": 0.5, "scale": 1.5, "df": 4.0}, stats.t(4.0, 0.5, 1.5)),
    "weibull": ({"shape": 1.7, "scale": 3.0}, stats.weibull_min(1.7, scale=3.0)),
    "gamma": ({"shape": 2.3, "scale": 1.2}, stats.gamma(2.3, scale=1.2)),
    "beta": ({"a": 2.0, "b": 0.7}, stats.beta(2.0, 0.7)),
    # The end of the support, 1, lies among the ends of the rows.
    "generalized_pareto": ({"scale": 0.5, "shape": -0.5}, stats.genpareto(-0.5, scale=0.5)),
}

#: Without a second derivative where loc, or the end of the support, meets a row.
KINKED = ("laplace", "generalized_pareto")


def drawn(name):
    """The family, its eta (1, K), scipy's distribution, and ends inside its support."""
    params, known = FAMILIES[name]
    family = resolve(name, Distribution)
    u = (np.arange(ROWS) + 0.5) / ROWS
    return family, family.eta(**params)[None], known, known.ppf(u)


def with_differences(terms, family, eta):
    """Whether the score and curvature of the terms are the slopes of their value and score."""
    _, score, observed = terms(family, eta)
    for j in range(eta.shape[1]):
        step = 1e-4 * np.eye(eta.shape[1])[j]
        up, down = terms(family, eta + step), terms(family, eta - step)
        unit = ROWS * 1e-6
        np.testing.assert_allclose(score[j], (up[0] - down[0]) / 2e-4, rtol=1e-6, atol=unit)
        slope = -(up[1] - down[1]) / 2e-4
        np.testing.assert_allclose(observed[j], slope, rtol=1e-6, atol=unit)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("name", FAMILIES)
def test_open_intervals(name, side):
    family, eta, known, y = drawn(name)
    counts = 1.0 + np.arange(ROWS) % 3
    open_end = np.full(ROWS, np.inf if side == "right" else -np.inf)
    ends = np.stack([y, open_end] if side == "right" else [open_end, y], axis=1)
    rows = Intervals(ends, counts)
    right = known.logsf if side == "right" else known.logcdf
    value = rows.terms(family, eta)[0]
    np.testing.assert_allclose(value, counts @ right(y), rtol=1e-12)
    if name not in KINKED:
        with_differences(rows.terms, family, eta)


@pytest.mark.parametrize("name", FAMILIES)
def test_finite_intervals(name):
    family, eta, known, y = drawn(name)
    # Wide ones, narrow ones, and some that begin outside the support.
    low, high = y - np.linspace(0.01, 2.0, ROWS), y + np.linspace(1.0, 0.0, ROWS)
    order = np.argsort(low, kind="stable")
    ends = np.stack([low, high], axis=1)[order]
    rows = Intervals(ends, np.ones(ROWS))
    upper = known.cdf(low) > 0.5
    below, above = known.cdf(high) - known.cdf(low), known.sf(low) - known.sf(high)
    expected = np.log(np.where(upper, above, below)).sum()
    np.testing.assert_allclose(rows.terms(family, eta)[0], expected, rtol=1e-10)
    if name not in KINKED:
        with_differences(rows.terms, family, eta)


@pytest.mark.parametrize("name", ["student_t", "weibull", "beta", "gumbel"])
def test_exact_rows(name):
    family, eta, known, y = drawn(name)
    rows = Points(y, np.ones(ROWS))
    np.testing.assert_allclose(rows.terms(family, eta)[0], known.logpdf(y).sum(), rtol=1e-12)
    with_differences(rows.terms, family, eta)


def test_a_row_without_probability():
    family = resolve("generalized_pareto", Distribution)
    eta = family.eta(scale=0.5, shape=-0.5)[None]
    y = np.linspace(0.1, 1.5, ROWS)  # the support ends at 1
    rows = Intervals(np.stack([y, np.full(ROWS, np.inf)], axis=1), np.ones(ROWS))
    assert rows.terms(family, eta)[0] == -np.inf


@pytest.mark.parametrize(
    ("support", "y"),
    [
        (REAL, np.sinh(np.linspace(-9.0, 9.0, 50_000))),
        (Support(0.0, np.inf), np.exp(np.linspace(-30.0, 5.0, 50_000))),
        (Support(0.0, 1.0), 1.0 / (1.0 + np.exp(-np.linspace(-20.0, 9.0, 50_000)))),
        (Support(-np.inf, 2.0), 2.0 - np.exp(np.linspace(9.0, -9.0, 50_000))),
    ],
)
def test_a_smooth_function_is_found_at_a_few_hundred_ends(support, y):
    seen = []

    def find(at):
        seen.append(at.size)
        return np.log1p(at * at)[None]

    curve, orders = Curve(y, np.ones(len(y)), support), np.zeros(1, dtype=int)
    np.testing.assert_allclose(curve.total(find, orders)[0], np.log1p(y * y).sum(), rtol=1e-12)
    assert sum(seen) < 2_500
    unit = 1e-12 * np.log1p(y * y).max()
    np.testing.assert_allclose(curve.at_rows(find, orders)[0], np.log1p(y * y), atol=unit)


def test_a_jump_is_left_to_the_rows():
    y = np.sort(np.random.default_rng(0).normal(size=20_000))
    curve = Curve(y, np.ones(len(y)), REAL)
    total = curve.total(lambda at: (at > 0.3)[None].astype(float), np.zeros(1, dtype=int))
    np.testing.assert_allclose(total[0], (y > 0.3).sum(), rtol=1e-12)


def test_rows_at_one_place():
    y = np.concatenate([[0.0], np.full(3_000, 5.0) + 1e-9 * np.arange(3_000)])
    curve = Curve(y, np.ones(len(y)), REAL)
    total = curve.total(lambda at: np.cos(at)[None], np.zeros(1, dtype=int))
    np.testing.assert_allclose(total[0], np.cos(y).sum(), rtol=1e-12)
