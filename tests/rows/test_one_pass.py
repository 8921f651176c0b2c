"""Families with a summary make one pass over rows that are dear, and no more than say so."""

import numpy as np
import pytest

import natfit

DRAWN = {
    "normal": lambda rng, n: rng.normal(size=n),
    "poisson": lambda rng, n: rng.poisson(2.0, n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "gamma": lambda rng, n: rng.gamma(2.0, size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "geometric": lambda rng, n: rng.geometric(0.3, n),
    "bernoulli": lambda rng, n: rng.integers(0, 2, n),
    "von_mises": lambda rng, n: rng.vonmises(0.0, 1.0, n),
    "inverse_gaussian": lambda rng, n: rng.wald(1.0, 2.0, n),
    "rayleigh": lambda rng, n: rng.rayleigh(size=n),
}


class Counted:
    """Batches of rows, and how often they were asked for."""

    def __init__(self, y):
        self.y, self.asked = y, 0

    def __call__(self):
        self.asked += 1
        yield from np.array_split(self.y, 3)


@pytest.mark.parametrize("name", DRAWN)
def test_one_pass_in_all(name):
    y = DRAWN[name](np.random.default_rng(0), 3_000).astype(float)[:, None]
    batches = Counted(y)
    far = natfit.NaturalMLE(name).fit(natfit.Stream(batches))
    # One more call, for the first batch, tells what the columns are.
    assert batches.asked == 2
    np.testing.assert_allclose(far.theta_, natfit.NaturalMLE(name).fit(y).theta_, atol=1e-10)


def test_a_gaussian_of_several_columns():
    Z = np.random.default_rng(0).normal(size=(3_000, 3)) + 1e3
    batches = Counted(Z)
    far = natfit.NaturalGaussianMLE(tol=1e-12).fit(natfit.Stream(batches))
    assert batches.asked == 2
    np.testing.assert_allclose(far.covariance_, np.cov(Z.T, ddof=0), rtol=1e-9)


def test_digits_are_kept_where_the_first_rows_are_unlike_the_others():
    Z = np.random.default_rng(0).normal(size=(400_000, 2))
    Z[:1_100, 0] -= 1e4
    for rows in (Z, natfit.Stream(Z)):
        found = natfit.NaturalGaussianMLE(tol=1e-12).fit(rows).covariance_
        np.testing.assert_allclose(found, np.cov(Z.T, ddof=0), rtol=1e-9)


def test_counts_that_are_none_are_named():
    counts = np.r_[np.zeros(3), 0.5, np.ones(4)][:, None]
    with pytest.raises(ValueError, match=r"whole numbers >= 0 .* got 0\.5 at row 3"):
        natfit.NaturalMLE("poisson").fit(natfit.Stream(counts))
    with pytest.raises(ValueError, match=r"Negative values in data: .*-1\.0 at row 4"):
        natfit.NaturalMLE("poisson").fit(natfit.Stream(np.r_[np.ones(4), -1.0, 2.0][:, None]))
