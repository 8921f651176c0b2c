"""No path of predictions, scores or censored rows takes milliseconds a row, for any family.

Limits are generous, in seconds of the processor: they hold a loop over rows, a search over all
doubles or an adaptive integral for each row, and no change of a constant.
"""

import time

import numpy as np
import pytest

from natfit.distributions.contract.frozen import Frozen
from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.inference.quantile_residuals import quantile_residuals
from natfit.testing.data import points, some_rows
from tests.suites import families

CASES = {
    name: family
    for name, family in families().items()
    if family.information.complete and family.event_shape == () and family.support is not None
}

#: Rows that are timed, and microseconds a row that no path needs.
ROWS, MOST = 100, 400.0

#: Paths that take longer in some families: the distribution function of each row is a sum or an
#: integral of its own there. In milliseconds a row.
SLOW = {
    ("quantiles", "VonMises()"): 4.0,
    ("quantiles", "PoissonInverseGaussian()"): 4.0,
    ("censored", "PoissonInverseGaussian()"): 4.0,
    ("censored", "GeneralizedGamma()"): 2.0,
    (
        "censored",
        "Scaled(family=Fixed(family='student_t', values={'loc': 0.0, 'scale': 1.0}))",
    ): 4.0,
    ("censored", "Zipf(xmin=7)"): 8.0,
    ("censored", "Zipf()"): 2.0,
    ("residuals", "PoissonInverseGaussian()"): 4.0,
}


def rows_of(family):
    """Rows y (n,) and their eta (n, K), different in every row."""
    eta = points(family)[0]
    y = np.resize(some_rows(family, eta, ROWS), ROWS)
    low, high, _ = family.limits
    moved = eta + 0.02 * np.random.default_rng(3).standard_normal((ROWS, len(eta)))
    if family.row_ends:
        moved[:] = eta
    return y, np.asfortranarray(np.clip(moved, low, high))


def quantiles(family, y, eta):
    return Frozen(family, eta, by="row").ppf(np.array([[0.05], [0.95]]))


def residuals(family, y, eta):
    return quantile_residuals(family, y, eta, np.random.default_rng(0))


def censored(family, y, eta):
    ends = np.stack([y, np.full(len(y), np.inf)], axis=1)
    return CensoredFamily(family).log_prob_and_score(ends, eta)


@pytest.mark.parametrize("path", [quantiles, residuals, censored], ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", CASES)
def test_no_path_takes_milliseconds_a_row(name, path):
    family = CASES[name]
    if not family.has_cdf:
        pytest.skip("the family has no distribution function")
    y, eta = rows_of(family)
    limit = 1e-6 * MOST * ROWS
    limit = max(limit, 1e-3 * SLOW.get((path.__name__, name), 0.0) * ROWS)
    spent = []
    # Twice: what is loaded or tabulated at the first call is no cost of a row.
    for _ in range(3):
        start = time.process_time()
        with np.errstate(all="ignore"):
            path(family, y, eta)
        spent.append(time.process_time() - start)
        if spent[-1] <= limit:
            return
    raise AssertionError(
        f"{path.__name__} take {1e6 * min(spent) / ROWS:.0f} microseconds a row, more than "
        f"{1e6 * limit / ROWS:.0f}"
    )
