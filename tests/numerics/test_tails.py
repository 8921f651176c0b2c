"""Logarithms of tails where the tail itself underflows."""

import numpy as np
import pytest
from scipy import special, stats

from natfit.numerics.tails import log_gammainc, log_gammaincc, log_stdtr


def test_log_tails_where_the_tail_underflows():
    """Against recurrences, an asymptotic series and the normal limit."""
    # DLMF 8.8.5: P(a, x) = P(a + 1, x) + x^a e^-x / Gamma(a + 1).
    a, x = 1e4, 3000.0
    term = a * np.log(x) - x - special.gammaln(a + 1)
    parts = np.exp(np.array([float(log_gammainc(a + 1, x)), term]) - float(log_gammainc(a, x)))
    assert parts.sum() == pytest.approx(1.0, rel=1e-10)
    x = np.array([600.0, 680.0, 900.0])
    # Q(2.5, x) = x^1.5 e^-x / Gamma(2.5) (1 + 1.5 / x + 0.75 / x^2 - 0.375 / x^3 + ...).
    series = 1 + 1.5 / x + 0.75 / x**2 - 0.375 / x**3
    want = 1.5 * np.log(x) - x - np.log(1.329340388179137) + np.log(series)
    np.testing.assert_allclose(log_gammaincc(2.5, x), want, rtol=1e-12)
    np.testing.assert_allclose(
        log_stdtr(np.full(2, 1e10), [-37.0, -60.0]), stats.norm.logcdf([-37.0, -60.0]), rtol=1e-12
    )
    # A power tail: P ~ c |z|^-df, so that a decade costs df log 10.
    steps = np.diff(log_stdtr(np.full(2, 5.0), [-1e69, -1e70]))
    assert steps[0] == pytest.approx(-5 * np.log(10), rel=1e-12)
