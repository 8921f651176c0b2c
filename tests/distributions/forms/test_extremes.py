"""The transform of extremes against mpmath, and the ends of supports that move."""

import numpy as np
import pytest

from natfit.distributions import (
    GeneralizedPareto,
    Gev,
)
from natfit.distributions.forms.extremes import from_tail, tail, tail_terms


@pytest.mark.parametrize("family", [Gev(), GeneralizedPareto()], ids=repr)
def test_an_infinite_fisher_is_refused(family):
    native = {name: 1.0 for name in family.params} | {"shape": -0.6}
    with pytest.raises(ValueError, match="Fisher information is infinite from shape = -1/2"):
        family.fisher(family.eta(**native)[None])


@pytest.mark.parametrize("shape", [0.0, 1e-12, -1e-8, 9e-4, -9e-4, 2e-3, 0.3])
def test_transform_and_its_derivatives_against_mpmath(shape):
    import mpmath

    z = np.array([-3.0, -0.2, 1e-8, 0.7, 3.0, 60.0])
    _, t, first, second = tail_terms(z, np.array([shape]))
    np.testing.assert_allclose(tail(z, np.array([shape]))[1], t, rtol=1e-12)
    with mpmath.workdps(60):
        for k, value in enumerate(z):
            x = mpmath.mpf(float(value))
            # A Taylor polynomial of log(1 + k x) / k about the shape, in exact arithmetic.
            at = mpmath.mpf(shape) if shape else mpmath.mpf("1e-25")
            want = [mpmath.diff(lambda s, x=x: mpmath.log1p(s * x) / s, at, n) for n in (0, 1, 2)]
            assert t[k] == pytest.approx(float(want[0]), rel=1e-13)
            assert first[k] == pytest.approx(float(want[1]), rel=1e-9, abs=1e-13)
            assert second[k] == pytest.approx(float(want[2]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("family", [Gev(), GeneralizedPareto()], ids=repr)
def test_rows_beyond_the_end_of_the_support_have_no_density(family):
    native = {"loc": 0.0, "scale": 1.0, "shape": -0.5}
    eta = family.eta(**{name: native[name] for name in family.params})[None]
    y = np.array([1.0, 2.5])
    assert np.isfinite(family.log_prob(y, eta)[0])
    assert family.log_prob(y, eta)[1] == -np.inf
    assert family.sum_value_and_score(y, None, eta)[0] == -np.inf


@pytest.mark.parametrize("shape", [-0.7, -1e-13, 0.0, 1e-5, 0.4])
def test_the_inverse_of_the_transform_gives_the_rows_back(shape):
    z = np.array([-1.2, -0.3, 0.0, 0.8, 1.3])
    np.testing.assert_allclose(from_tail(tail(z, shape)[1], shape), z, rtol=1e-9, atol=1e-12)
