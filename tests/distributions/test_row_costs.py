"""Families where every row has its own eta: what they declare of costs, and their curvature."""

import time

import numpy as np
import pytest

from natfit.testing.data import points, some_rows
from tests.suites import families

CASES = {name: family for name, family in families().items() if family.information.complete}

#: Rows that are timed: a loop over them takes 20 milliseconds at the least.
MANY = 2_000

#: Declared costs in scores of the same rows, and seconds that are never too many.
RATIO, SLACK = 10.0, 5e-3


def rows_of(family, n, seed=3):
    """Rows y (n, ...) and their eta (n, K), different in every row."""
    eta = points(family)[0]
    y = np.resize(some_rows(family, eta, 200), (n, *family.event_shape))
    low, high, _ = family.limits
    moved = eta + 0.02 * np.random.default_rng(seed).standard_normal((n, len(eta)))
    if family.row_ends:
        moved[:] = eta
    return y, np.asfortranarray(np.clip(moved, low, high))


def seconds(call, enough):
    """The least time of a few calls; none is repeated once it took no longer than enough."""
    found = []
    for _ in range(5):
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            call()
        found.append(time.perf_counter() - start)
        if found[-1] <= enough:
            break
    return min(found)


@pytest.mark.parametrize("name", CASES)
def test_what_is_declared_cheap_costs_about_ten_scores(name):
    family = CASES[name]
    if not (family.fisher_by_rows or family.kl_by_rows):
        pytest.skip("nothing is declared cheap")
    y, eta = rows_of(family, MANY)
    limit = SLACK + RATIO * seconds(lambda: family.log_prob_and_score(y, eta), 0.0)
    if family.fisher_by_rows and family.information.exists:
        spent = seconds(lambda: family.curvature(eta), limit)
        assert spent <= limit, f"curvature takes {spent:.4f} s, ten scores {limit:.4f} s"
    if family.kl_by_rows:
        spent = seconds(lambda: family.kl(eta, eta[::-1]), limit)
        assert spent <= limit, f"kl takes {spent:.4f} s, ten scores {limit:.4f} s"
