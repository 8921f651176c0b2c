"""Distribution functions of five positive families against scipy and mpmath."""

import mpmath
import numpy as np
import pytest

from natfit.distributions import (
    ExponentiatedWeibull,
    InverseGamma,
    InverseGaussian,
    Lognormal,
    Weibull,
)

FAMILIES = [Lognormal(), Weibull(), ExponentiatedWeibull(), InverseGamma(), InverseGaussian()]
QUANTILES = [1e-12, 1e-3, 0.3, 0.5, 0.7, 0.999]


@pytest.mark.parametrize("size", [0.3, 1.0, 6.0])
@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_cdf_and_survival_against_scipy(family, size):
    eta = np.full(family.n_params, np.log(size))
    frozen, values = family.counterpart(eta), family.native(eta[None])
    y = np.concatenate([frozen.ppf(QUANTILES), frozen.isf(QUANTILES)])
    with np.errstate(all="ignore"):
        cdf, sf = np.log(frozen.cdf(y)), np.log(frozen.sf(y))
    np.testing.assert_allclose(family._log_cdf(y, *values), cdf, rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(family._log_sf(y, *values), sf, rtol=1e-6, atol=1e-11)


def mp_tails(family, y, native):
    """log cdf and log sf in 60 digits."""
    v = {k: mpmath.mpf(float(x)) for k, x in native.items()}
    y = mpmath.mpf(y)
    if isinstance(family, InverseGamma):
        upper = mpmath.gammainc(v["shape"], v["scale"] / y, regularized=True)
        lower = mpmath.gammainc(v["shape"], 0, v["scale"] / y, regularized=True)
        return mpmath.log(upper), mpmath.log(lower)
    if isinstance(family, Lognormal):
        z = mpmath.log(y / v["scale"]) / v["shape"] / mpmath.sqrt(2)
        return mpmath.log(mpmath.erfc(-z) / 2), mpmath.log(mpmath.erfc(z) / 2)
    if isinstance(family, InverseGaussian):
        root = mpmath.sqrt(v["shape"] / y / 2)
        a, b = root * (y / v["mean"] - 1), root * (y / v["mean"] + 1)
        far = mpmath.exp(2 * v["shape"] / v["mean"]) * mpmath.erfc(b)
        return mpmath.log((mpmath.erfc(-a) + far) / 2), mpmath.log((mpmath.erfc(a) - far) / 2)
    w = (y / v["scale"]) ** v["shape"]
    base = -mpmath.expm1(-w)
    power = v.get("power", mpmath.mpf(1))
    return power * mpmath.log(base), mpmath.log(
        -mpmath.expm1(power * mpmath.log1p(-mpmath.exp(-w)))
    )


@pytest.mark.parametrize("y", [1e-3, 0.05, 0.9, 3.0, 40.0])
@pytest.mark.parametrize("family", FAMILIES, ids=repr)
def test_tails_against_mpmath(family, y):
    eta = np.log(np.arange(1.0, family.n_params + 1.0)) + 0.4
    with mpmath.workdps(60 if isinstance(family, InverseGamma) else 900):
        want = [float(v) for v in mp_tails(family, y, family.native_dict(eta))]
    values, row = family.native(eta[None]), np.array([y])
    got = family._log_cdf(row, *values)[0], family._log_sf(row, *values)[0]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-15)
