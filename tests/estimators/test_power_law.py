"""The search for xmin, against a search candidate by candidate with scipy, and known tails."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, special

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
