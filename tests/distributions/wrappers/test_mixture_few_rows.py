"""Mixtures of every univariate family on a handful of rows: no false optimum, no exception.

The likelihood of such mixtures has many maxima, ridges and points at which a component collapses.
Whatever the end is, it is not below the family alone, and one that counts as an optimum has no
component narrower than the least width.
"""

import functools
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Mixture
from natfit.distributions.wrappers.mixture._guard import RATIO
from tests.distributions.wrappers.test_mixture_components import COMPONENTS

#: Six rows without ties, and with.
GAPS, TIES = (1.0, 2.0, 4.0, 7.0, 11.0, 16.0), (1.0, 2.0, 4.0, 1.0, 2.0, 4.0)

#: Ends at which a maximum is claimed.
GOOD = ("converged", "rounding_floor")


def placed(family, y):
    """The rows inside a support that has two ends."""
    low, high, y = family.support.low, family.support.top, np.array(y)
    if not (np.isfinite(low) and np.isfinite(high)):
        return y
    if family.support.integer:
        return low + np.mod(y, high - low + 1.0)
    return low + (high - low) * y / (y.max() + 1.0)


def silent(family, y, **options):
    """A fit that may warn of its end alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit(family, y, **options)


class Soon(Mixture):
    """A mixture that is compared with its families alone after a few iterations."""

    compare_after = 6


def alone(one, many, family, y):
    """The log-likelihood of the family alone that a mixture must have; -inf without a maximum.

    A component may be no narrower than the least width: where the optimum is, the family alone is
    fitted within the same limit.
    """
    low, high, _ = many.distribution_.limits
    cut = many.distribution_.cuts[0]
    if not np.all((low[cut] <= one._eta[0]) & (one._eta[0] <= high[cut])):
        guards = many.distribution_._guards or {}
        ends = {name: own.native_limits for (k, name), own in guards.items() if k == 0}
        bounds = {n: [v if np.isfinite(v) else None for v in pair] for n, pair in ends.items()}
        one = silent(family, y, bounds=bounds)
    return -np.inf if one.status_ == "unbounded" else len(y) * one.score(y)


def spread(family, eta):
    """Distance of the quartiles of draws, of their logarithms where y is positive."""
    with np.errstate(all="ignore"):
        y = family.sample(eta[None], np.random.default_rng(0), 2_001)
    return stats.iqr(np.log(y[y > 0]) if family.support.low == 0 else y)


@functools.lru_cache(maxsize=2)
def single(family, rows):
    """The family's own fit, which the mixtures of it are compared with."""
    return silent(family, placed(family, rows))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("k", "rows", "n_init", "max_iter"), [(2, GAPS, None, 40), (2, TIES, 2, 30), (5, GAPS, 2, 7)]
)
@pytest.mark.parametrize("family", COMPONENTS)
def test_no_end_is_below_the_family_alone_or_claims_a_collapse(family, k, rows, n_init, max_iter):
    y = placed(family, rows)
    try:
        one = single(family, rows)
        # Whatever iterations are left, the comparison has been made.
        many = silent(Soon([family] * k, n_init=n_init), y, max_iter=max_iter)
    except ValueError as error:
        # Too few different rows for the support or the components, or no density at a row.
        assert "must" in str(error)
        return
    assert len(y) * many.score(y) >= alone(one, many, family, y) - 1e-6
    if many.status_ in GOOD and not family.support.integer:
        mixture = many.distribution_
        widths = [
            spread(p, many._eta[0][c]) for p, c in zip(mixture.parts, mixture.cuts, strict=True)
        ]
        assert min(widths) > 0.1 * RATIO * spread(one.distribution_, one._eta[0])


@pytest.mark.slow
def test_six_rows_do_not_carry_five_gammas():
    """Without a limit the likelihood grows without end: it was 52.6 at shapes up to 1e21."""
    model = silent(Mixture(["gamma"] * 5), GAPS)
    assert model.status_ not in GOOD
    shapes = [float(model.params_[f"shape_{k}"].ravel()[0]) for k in range(5)]
    (alone,) = natfit.fit("gamma", GAPS).params_["shape"].ravel()
    assert max(shapes) < 20.0 * alone / RATIO**2


def test_a_mixture_has_at_least_the_likelihood_of_one_lognormal():
    """The closed form: mean and variance of the logarithms."""
    logs = np.log(TIES)
    best = stats.norm(logs.mean(), logs.std()).logpdf(logs).sum() - logs.sum()
    assert best == pytest.approx(-9.25704, abs=1e-5)
    model = silent(Mixture(["lognormal"] * 2), TIES)
    assert 6.0 * model.score(np.array(TIES)) >= best - 1e-6
