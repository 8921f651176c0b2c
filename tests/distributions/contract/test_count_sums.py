"""Intervals of counts: long tails, many tails, complements, against sums over every count."""

import time

import numpy as np
import pytest
from scipy import stats

from natfit.distributions import Binomial, Geometric, NegativeBinomial, Poisson, ZeroInflated
from natfit.distributions.contract.intervals import log_probability_of, moments
from tests.fits import fitted

INF = np.inf
CASES = [
    (
        NegativeBinomial(),
        {"mean": 300.0, "n": 0.05},
        [(1, INF), (2_000, INF), (0, 5_000), (7, 9_000)],
    ),
    (
        NegativeBinomial(),
        {"mean": 0.8, "n": 1e-4},
        [(1, INF), (2_000, INF), (0, 5_000), (7, 9_000)],
    ),
    (
        NegativeBinomial(),
        {"mean": 2e4, "n": 40.0},
        [(1, INF), (3e4, INF), (0, 1.5e4), (2e4, 2.1e4)],
    ),
    (Poisson(), {"rate": 1e5}, [(1, INF), (100_900, INF), (0, 99_300), (100_000, 102_000)]),
    (Geometric(), {"prob": 1e-4}, [(1, INF), (30_000, INF), (0, 3_000), (9_000, 12_000)]),
    (
        Binomial(200_000),
        {"prob": 0.3},
        [(60_300, INF), (0, 59_000), (60_000, 60_200), (1, 200_000)],
    ),
    (ZeroInflated(), {"zero_prob": 0.8, "rate": 5e4}, [(1, INF), (50_100, INF), (0, 49_000)]),
]


def every_count(family, eta, low, high):
    """Conditional means of the score and of I - s s' by one sum over all counts."""
    top = min(high, family.support.top, 400_000.0)
    y = np.arange(low, top + 1.0)
    p = np.exp(family.log_prob(y, eta[None]))
    score = family.score(y, eta[None])
    outer = score[:, :, None] * score[:, None, :]
    gap = np.broadcast_to(family.observed(y, eta[None]), outer.shape) - outer
    return (
        p @ score / p.sum(),
        np.tensordot(p, gap, 1) / p.sum(),
        np.tensordot(p, outer, 1) / p.sum(),
    )


@pytest.mark.parametrize("case", range(len(CASES)))
def test_windows_of_counts_are_those_of_every_count(case):
    family, native, intervals = CASES[case]
    eta = family.eta(**native)
    low, high = np.array(intervals, dtype=float).T
    found = moments(family, low, high, eta[None], outer=True)
    np.testing.assert_array_equal(log_probability_of(family, low, high, eta[None]), found.log_mass)
    for i, ends in enumerate(intervals):
        score, gap, outer = every_count(family, eta, *ends)
        size = np.sqrt(np.diagonal(outer))
        np.testing.assert_allclose(found.score[i] / size, score / size, atol=1e-7)
        size = np.outer(size, size)
        np.testing.assert_allclose(found.outer[i] / size, outer / size, atol=1e-7)
        np.testing.assert_allclose(found.gap[i] / size, gap / size, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "native"),
    [(NegativeBinomial(), {"mean": 90.0, "n": 0.7}), (Poisson(), {"rate": 60.0})],
)
def test_many_intervals_equal_one_at_a_time(family, native):
    eta = family.eta(**native)[None]
    rng = np.random.default_rng(0)
    low = np.floor(rng.exponential(60.0, 300))
    high = np.where(rng.random(300) < 0.5, INF, low + np.floor(rng.exponential(50.0, 300)))
    low[::7], high[::7] = -INF, low[::7] + 3.0
    low[5] = 9_000.0  # a tail whose probability underflows
    high[5] = INF
    found = moments(family, low, high, eta)
    for i in range(0, 300, 5):
        one = moments(family, low[i : i + 1], high[i : i + 1], eta)
        for name in ("log_mass", "score", "observed"):
            got, want = getattr(found, name)[i], getattr(one, name)[0]
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("n", [1e-12, 1e-6, 0.01])
@pytest.mark.parametrize("mean", [0.3, 1e3, 1e9])
def test_a_window_without_zeros_keeps_its_digits_as_n_falls(mean, n):
    """P(Y >= 1) is 1 - (n / (n + mean))^n, and its score follows."""
    family = NegativeBinomial()
    eta = family.eta(mean=mean, n=n)
    mean, n = (float(v) for v in family.native_dict(eta).values())
    found = moments(family, np.ones(1), np.array([INF]), eta[None])
    none = -n * np.log1p(mean / n)
    assert found.log_mass[0] == pytest.approx(np.log(-np.expm1(none)), rel=1e-10)
    odds = 1.0 / np.expm1(-none)
    # d / d log mean of -n log1p(mean / n); d / d n, times d n / d eta = -n sqrt(1 + n^2).
    want = [odds * mean / (1.0 + mean / n), np.log1p(mean / n) - mean / (mean + n)]
    want[1] *= odds * -n * np.sqrt(1.0 + n * n)
    np.testing.assert_allclose(found.score[0], want, rtol=1e-8)


def test_abundances_of_a_long_tail_are_fitted_at_once():
    y = np.floor(np.exp(np.linspace(0.0, np.log(1_500_635.5), 71)))
    fitted("negative_binomial", y[:5], truncation=(1, None))
    start = time.perf_counter()
    model = fitted("negative_binomial", y, truncation=(1, None))
    assert time.perf_counter() - start < 2.0
    assert model.status_ in ("converged", "boundary")
    mean, n = (float(v[0]) for v in model.params_.values())

    def loglik(mean, n):
        dist = stats.nbinom(n, n / (n + mean))
        return (dist.logpmf(y) - np.log(-np.expm1(n * np.log(n / (n + mean))))).sum()

    best = loglik(mean, n)
    assert model.score(y[:, None]) * 71 == pytest.approx(best, abs=1e-6)
    for factor in (0.97, 1.03):
        assert loglik(mean * factor, n) < best
        assert loglik(mean, n * factor) < best
