"""Densities, scores and informations at extreme parameters, against scipy."""

import numpy as np
import pytest

from natfit.distributions import (
    Bernoulli,
    Exponential,
    ExponentiatedWeibull,
    Gamma,
    InverseGamma,
    InverseGaussian,
    Lognormal,
    Normal,
    Poisson,
    StudentT,
    Weibull,
)

EXTREME = [
    (Normal(), {"loc": 1e8, "scale": 1e-6}, [1e8, 1e8 + 3e-6]),
    (Normal(), {"loc": 0.0, "scale": 1e150}, [0.0, 1e150, -3e150]),
    (Exponential(), {"rate": 1e-12}, [0.0, 1e10, 1e13]),
    (Exponential(), {"rate": 1e12}, [0.0, 1e-12, 3e-11]),
    (Gamma(), {"shape": 1e-4, "scale": 1.0}, [1e-200, 1e-3, 5.0]),
    (Gamma(), {"shape": 1e6, "scale": 1e-6}, [0.998, 1.0, 1.003]),
    (Gamma(), {"shape": 2.0, "scale": 1e-100}, [1e-101, 5e-100]),
    (Poisson(), {"rate": 1e-7}, [0.0, 1.0, 3.0]),
    (Poisson(), {"rate": 1e6}, [998000.0, 1e6, 1003000.0]),
    (Bernoulli(), {"prob": 1e-7}, [0.0, 1.0]),
    (Bernoulli(), {"prob": 1.0 - 1e-7}, [0.0, 1.0]),
    (StudentT(), {"loc": 1e3, "scale": 1e-3, "df": 0.3}, [1e3, 1e3 + 1e-3, 2e3]),
    (StudentT(), {"loc": 0.0, "scale": 1.0, "df": 1.0}, [0.0, 1e10, -1e100]),
    (StudentT(), {"loc": 0.0, "scale": 1.0, "df": 1e6}, [0.0, 1.0, -6.0]),
    (Lognormal(), {"shape": 1e-6, "scale": 1e8}, [1e8 * (1.0 - 2e-6), 1e8, 1e8 * (1.0 + 1e-6)]),
    (Lognormal(), {"shape": 20.0, "scale": 1e-3}, [1e-30, 1e-3, 1e30]),
    (Weibull(), {"shape": 0.2, "scale": 1.0}, [1e-30, 1.0, 1e5]),
    (Weibull(), {"shape": 50.0, "scale": 1e-8}, [8e-9, 1e-8, 1.05e-8]),
    (ExponentiatedWeibull(), {"shape": 0.1, "scale": 1e-9, "power": 1e5}, [1e-3, 1.0, 1e6]),
    (ExponentiatedWeibull(), {"shape": 900.0, "scale": 7.0, "power": 2e-3}, [6.0, 6.9, 7.003]),
    (InverseGamma(), {"shape": 1e-2, "scale": 1.0}, [1e-2, 1.0, 1e50]),
    (InverseGamma(), {"shape": 1e6, "scale": 1e6}, [0.998, 1.0, 1.003]),
    (InverseGaussian(), {"mean": 1.0, "shape": 1e8}, [0.9998, 1.0, 1.0003]),
    (InverseGaussian(), {"mean": 1e6, "shape": 1e-2}, [1e-4, 1.0, 1e7]),
]


@pytest.mark.parametrize(("family", "native", "y"), EXTREME, ids=str)
def test_log_prob_at_extreme_parameters(family, native, y):
    eta = family.eta(**native)
    frozen = family.counterpart(eta)
    log = frozen.logpmf if hasattr(frozen, "logpmf") else frozen.logpdf
    got = family.log_prob(np.array(y), eta[None])
    # scipy's own difference of log-gammas has lost digits at shape 1e6.
    np.testing.assert_allclose(got, log(np.array(y)), rtol=2e-8, atol=1e-9)


@pytest.mark.parametrize(("family", "native", "y"), EXTREME, ids=str)
def test_score_and_fisher_are_finite_at_extreme_parameters(family, native, y):
    eta = family.eta(**native)
    assert np.all(np.isfinite(family.score(np.array(y), eta[None])))
    assert np.all(np.isfinite(family.observed(np.array(y), eta[None])))
    fisher = family.fisher(eta[None])[0]
    size = np.sqrt(np.diagonal(fisher))
    assert np.all(size > 0)
    assert np.linalg.eigvalsh(fisher / np.outer(size, size))[0] > -1e-12
