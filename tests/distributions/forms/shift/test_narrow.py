"""Densities that become normal: value and derivatives without cancellation, against mpmath."""

import mpmath as mp
import numpy as np
import pytest

from natfit.distributions.forms.shift import narrow


def gamma(y, w):
    a = 1 / w**2
    return (a - 1) * mp.log(y * a) - y * a - mp.loggamma(a) + mp.log(a)


def inverse_gamma(y, w):
    a = 1 / w**2
    return a * mp.log(a) - mp.loggamma(a) - (a + 1) * mp.log(y) - a / y


def inverse_gaussian(y, w):
    return mp.log(1 / (2 * mp.pi * w**2 * y**3)) / 2 - (y - 1) ** 2 / (2 * w**2 * y)


def nakagami(y, w):
    m = 1 / (4 * w**2)
    return mp.log(2) + m * mp.log(m) - mp.loggamma(m) + (2 * m - 1) * mp.log(y) - m * y * y


LAWS = {f: getattr(narrow, f.__name__.upper()) for f in (gamma, inverse_gamma, inverse_gaussian)}
LAWS[nakagami] = narrow.NAKAGAMI


@pytest.mark.parametrize("density", LAWS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("w", [1e-7, 1e-3, 0.12, 0.9])
def test_value_and_derivatives_are_those_of_the_density(density, w):
    z = np.array([-1.0, -0.01, 0.13, 4.0])
    found = np.stack(LAWS[density].terms(z, np.array([w])))
    with mp.workdps(50):

        def g(z, w):
            return density(1 + w * z, w) + mp.log(w) + mp.log(2 * mp.pi) / 2

        orders = [(1, 0), (2, 0), (1, 1), (0, 1), (0, 2)]
        for i, one in enumerate(z):
            at = (mp.mpf(one), mp.mpf(w))
            want = [g(*at), *(mp.diff(g, at, n) for n in orders)]
            np.testing.assert_allclose(
                found[:, i], np.array(want, dtype=float), rtol=1e-10, atol=1e-10
            )


@pytest.mark.parametrize("law", LAWS.values(), ids=[f.__name__ for f in LAWS])
def test_at_relative_width_zero_the_density_is_normal(law):
    z = np.linspace(-5.0, 5.0, 11)
    value, first, second, *_ = law.terms(z, np.zeros(1))
    np.testing.assert_allclose(value, -z * z / 2, atol=1e-300)
    np.testing.assert_allclose(first, -z)
    np.testing.assert_allclose(second, -np.ones(11))
