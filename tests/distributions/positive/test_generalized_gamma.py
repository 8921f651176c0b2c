"""The generalised gamma's functions of a jet, against mpmath."""

import mpmath
import numpy as np
from mpmath import mp

from natfit.distributions.positive.generalized_gamma import _curve_slopes


def test_slopes_of_the_curve_against_mpmath():
    x = [-50.0, -3.0, -0.6, -0.5, -0.49, 0.3, 0.499, 0.51, 1.0, 5.0, 80.0, 600.0]
    found = _curve_slopes(np.array(x))
    with mp.workdps(40):
        for order in (1, 2):
            known = [
                float(mpmath.diff(lambda t: (mpmath.exp(t) - 1 - t) / t**2, mpmath.mpf(v), order))
                for v in x
            ]
            np.testing.assert_allclose(found[order - 1], known, rtol=1e-12)


def test_slopes_of_the_curve_at_zero_and_where_it_is_cut_off():
    first, second = _curve_slopes(np.array([0.0, 1e-9, 700.0]))
    np.testing.assert_allclose(first, [1 / 6, 1 / 6, 0.0], rtol=1e-8)
    np.testing.assert_allclose(second, [1 / 12, 1 / 12, 0.0], rtol=1e-8)
