"""The search for xmin, against a search candidate by candidate with scipy, and known tails."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats

import natfit
from natfit.distributions import Zipf
from tests.fits import fitted, native


def by_hand(y, discrete, min_tail=10):
    """The smallest distance over all candidates, one at a time."""
    best = None
    for xmin in np.unique(y)[:-1]:
        tail = np.sort(y[y >= xmin])
        n = len(tail)
        if n < min_tail:
            continue
        logs = np.log(tail).sum()
        if discrete:

            def loss(a, xmin=xmin, n=n, logs=logs):
                return n * np.log(special.zeta(a, xmin)) + a * logs

            alpha = optimize.minimize_scalar(loss, bounds=(1.0001, 30.0), method="bounded").x
            x = np.unique(tail)
            fit = special.zeta(alpha, x) / special.zeta(alpha, xmin)
            gap = np.abs(np.array([(tail >= v).mean() for v in x]) - fit).max()
        else:
            alpha = 1.0 + n / (logs - n * np.log(xmin))
            cdf = 1.0 - (tail / xmin) ** (1.0 - alpha)
            gap = max(np.abs(np.arange(k, n + k) / n - cdf).max() for k in (0, 1))
        if best is None or gap < best[0]:
            best = gap, xmin, alpha, n
    return best


def mixed(rng, n, xmin, alpha):
    """A body below xmin, and a power law from there on."""
    tail = xmin * rng.random(n) ** (-1.0 / (alpha - 1.0))
    return np.where(rng.random(n) < 0.5, rng.uniform(0.1, 1.0, n) * xmin, tail)


@pytest.mark.parametrize("seed", range(3))
def test_densities_as_by_hand(seed):
    y = mixed(np.random.default_rng(seed), 300, 5.0, 2.5)
    found, (gap, xmin, alpha, n) = natfit.power_law_tail(y), by_hand(y, False)
    assert not found.discrete
    assert found.xmin == xmin
    assert found.alpha == pytest.approx(alpha, rel=1e-12)
    assert found.distance == pytest.approx(gap, rel=1e-9)
    assert found.n_tail == n
    assert found.standard_error == pytest.approx((alpha - 1.0) / np.sqrt(n), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_whole_numbers_as_by_hand(seed):
    y = np.ceil(mixed(np.random.default_rng(seed), 300, 8.0, 2.2))
    found, (gap, xmin, alpha, n) = natfit.power_law_tail(y), by_hand(y, True)
    assert found.discrete
    assert found.xmin == xmin
    assert found.alpha == pytest.approx(alpha, rel=1e-4)
    assert found.distance == pytest.approx(gap, rel=1e-3)
    assert found.n_tail == n


def test_a_known_xmin_is_the_zipf_from_there_on():
    y = np.ceil(mixed(np.random.default_rng(5), 500, 8.0, 2.2))
    found, model = natfit.power_law_tail(y, xmin=8), fitted(Zipf(8), y[y >= 8])
    assert found.xmin == 8.0
    assert found.alpha == pytest.approx(native(model)["alpha"], rel=1e-6)
    assert found.standard_error == pytest.approx(model.standard_errors_["alpha"][0], rel=1e-5)


def test_the_tail_of_many_rows_is_found():
    rng = np.random.default_rng(1)
    y = mixed(rng, 20_000, 10.0, 2.5)
    found = natfit.power_law_tail(np.round(y, 2))
    assert found.xmin == pytest.approx(10.0, rel=0.1)
    assert abs(found.alpha - 2.5) <= 4.0 * found.standard_error


@pytest.mark.parametrize("alpha", [1.05, 3.0, 12.0])
def test_exponents_against_the_root_in_many_digits(alpha):
    y = Zipf(2).sample(Zipf(2).eta(alpha=alpha)[None], np.random.default_rng(0), 400)
    found = natfit.power_law_tail(y, xmin=2, discrete=True)
    log = float(np.mean(np.log(y)))
    slope = mpmath.diff(lambda s: mpmath.log(mpmath.zeta(s, 2)), found.alpha)
    assert float(slope) == pytest.approx(-log, rel=1e-8)


def by_kstest(y, min_tail=10):
    """The candidate at which scipy's Kolmogorov-Smirnov statistic of the Pareto is smallest."""
    found = []
    for xmin in np.unique(y)[:-1]:
        tail = y[y >= xmin]
        if len(tail) >= min_tail:
            shape = len(tail) / np.log(tail / xmin).sum()
            law = stats.pareto(shape, scale=xmin)
            # Where values are equal, the exact distribution of the statistic is not asked for.
            distance = stats.ks_1samp(tail, law.cdf, method="asymp").statistic
            found.append((distance, xmin, 1.0 + shape, len(tail)))
    return min(found)


@pytest.mark.parametrize(("seed", "step"), [(0, 0.5), (1, 1.0), (2, 2.0)])
def test_densities_with_equal_values_against_scipys_statistic(seed, step):
    y = step * np.ceil(mixed(np.random.default_rng(seed), 200, 5.0, 2.5) / step)
    assert len(np.unique(y)) < 100
    found, (gap, xmin, alpha, n) = natfit.power_law_tail(y, discrete=False), by_kstest(y)
    assert (found.xmin, found.n_tail) == (xmin, n)
    assert found.alpha == pytest.approx(alpha, rel=1e-12)
    assert found.distance == pytest.approx(gap, rel=1e-9)


#: A body of equal counts, and sizes by rank as in Zipf's law: floor(400 / rank^0.9).
# fmt: off
SIZES = np.array([
    *np.repeat(np.arange(1.0, 10.0), 4), 10, 10, 10, 10, 10, 10, 11, 11, 11, 11, 11, 12, 12, 12, 12,
    13, 13, 13, 13, 14, 14, 14, 15, 15, 15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 21, 22, 22, 23, 24,
    25, 26, 28, 29, 31, 32, 34, 37, 39, 42, 46, 50, 55, 61, 69, 79, 93, 114, 148, 214, 400,
])
# fmt: on


def test_the_values_of_the_package_powerlaw():
    """powerlaw 2.0.0 of Alstott, Bullmore and Plenz, with scipy 1.17.1.

    ``powerlaw.Fit(y, discrete=True, estimate_discrete=False)`` of whole numbers, whose numerical
    optimum has five digits, and ``powerlaw.Fit(y)`` of a density without equal values. Where values
    are equal it compares the distribution functions on one side of each step only, so that the
    smallest distance may lie elsewhere; alpha of a known xmin is the same.
    """
    found = natfit.power_law_tail(SIZES)
    assert (found.xmin, found.n_tail) == (10.0, 60)
    assert found.alpha == pytest.approx(2.132184342021622, rel=2e-5)
    assert found.distance == pytest.approx(0.019671474264612576, rel=1e-3)
    assert found.standard_error == pytest.approx(0.1461643700495515, rel=1e-3)
    y = np.concatenate([20.0 * (np.arange(1, 61) / 60.0) ** -0.7, np.linspace(2.0, 19.0, 40)])
    found = natfit.power_law_tail(y)
    assert (found.xmin, found.n_tail) == (20.0, 60)
    assert found.alpha == pytest.approx(2.5029024722553856, rel=1e-10)
    assert found.distance == pytest.approx(0.018655509340014476, rel=1e-9)
    assert found.standard_error == pytest.approx(0.1940238748673021, rel=1e-10)
    tied = np.floor(2.0 * y + 1e-9) / 2.0 + 0.25
    found = natfit.power_law_tail(tied, discrete=False, xmin=21.25)
    assert found.alpha == pytest.approx(2.507641105949869, rel=1e-10)


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        ([1.0, -2.0, 3.0], {}, "positive numbers, got -2.0 at row 1"),
        ([1.5, 2.0], {"discrete": True}, "whole numbers where discrete is True, got 1.5 at row 0"),
        ([3.0] * 20, {}, "not all equal"),
        ([1.0, 2.0, 3.0], {}, "min_tail = 10"),
        ([[1.0, 2.0]], {}, "must be a vector"),
        (np.arange(1.0, 30.0), {"xmin": 29}, "lower min_tail or xmin"),
    ],
)
def test_data_without_a_tail_are_refused(y, options, words):
    with pytest.raises(ValueError, match=words):
        natfit.power_law_tail(y, **options)
