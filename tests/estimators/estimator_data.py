"""Families with data to draw, scipy's counterparts and closed-form estimates."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE


@dataclass(frozen=True)
class Family:
    """What the tests know about a univariate family independently of natfit.

    Attributes
    ----------
    draw : callable
        ``draw(rng, n)``: n values at typical parameters.
    broad : callable
        ``broad(rng, n)``: n values at parameters drawn from a broad range.
    frozen : callable
        ``frozen(params)``: scipy's distribution at native values by natfit's names.
    scales : dict
        Parameter name to the power of the unit that it carries.
    into : callable
        Maps any real numbers into the support.
    """

    name: str
    draw: Callable
    broad: Callable
    frozen: Callable
    scales: dict[str, int]
    into: Callable

    def loglik(self, params: dict[str, Any], x: np.ndarray) -> float:
        """Log-likelihood by scipy."""
        frozen = self.frozen({k: float(np.squeeze(v)) for k, v in params.items()})
        log = getattr(frozen, "logpdf", None) or frozen.logpmf
        return float(log(x).sum())


def _log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _mixed_bernoulli(rng, n):
    return (rng.random(n) < rng.uniform(0.05, 0.95)).astype(float)


FAMILIES = {
    f.name: f
    for f in (
        Family(
            "normal",
            lambda rng, n: rng.normal(12.0, 4.0, n),
            lambda rng, n: rng.normal(rng.normal(0, 100), _log_uniform(rng, 1e-3, 1e3), n),
            lambda p: stats.norm(p["loc"], p["scale"]),
            {"loc": 1, "scale": 1},
            lambda x: x,
        ),
        Family(
            "exponential",
            lambda rng, n: rng.exponential(3.0, n),
            lambda rng, n: rng.exponential(_log_uniform(rng, 1e-4, 1e4), n),
            lambda p: stats.expon(scale=1.0 / p["rate"]),
            {"rate": -1},
            np.abs,
        ),
        Family(
            "gamma",
            lambda rng, n: rng.gamma(2.5, 3.0, n),
            lambda rng, n: rng.gamma(_log_uniform(rng, 0.05, 300), _log_uniform(rng, 1e-3, 1e3), n),
            lambda p: stats.gamma(p["shape"], scale=p["scale"]),
            {"shape": 0, "scale": 1},
            lambda x: np.exp(np.clip(x / 10.0, -3.0, 3.0)),
        ),
        Family(
            "poisson",
            lambda rng, n: rng.poisson(4.0, n).astype(float),
            lambda rng, n: rng.poisson(_log_uniform(rng, 0.3, 1e4), n).astype(float),
            lambda p: stats.poisson(p["rate"]),
            {},
            lambda x: np.floor(np.abs(x)),
        ),
        Family(
            "bernoulli",
            lambda rng, n: (rng.random(n) < 0.3).astype(float),
            _mixed_bernoulli,
            lambda p: stats.bernoulli(p["prob"]),
            {},
            lambda x: np.floor(np.abs(10.0 * x)) % 2,
        ),
        Family(
            "student_t",
            lambda rng, n: 10.0 + 2.0 * rng.standard_t(4.0, n),
            lambda rng, n: (
                rng.normal(0, 100)
                + _log_uniform(rng, 1e-2, 1e2) * rng.standard_t(_log_uniform(rng, 0.8, 50), n)
            ),
            lambda p: stats.t(p["df"], loc=p["loc"], scale=p["scale"]),
            {"loc": 1, "scale": 1, "df": 0},
            lambda x: x,
        ),
    )
}

#: Families whose support is the real line, and those with another support.
REAL_LINE = ("normal", "student_t")
OTHER_SUPPORT = tuple(name for name in FAMILIES if name not in REAL_LINE)
EXPONENTIAL_FAMILIES = tuple(name for name in FAMILIES if name != "student_t")


def sample(name: str, n: int, seed: int = 0, columns: int = 1) -> np.ndarray:
    """Rows (n, columns) of a family at typical parameters."""
    rng = np.random.default_rng(seed)
    return np.stack([FAMILIES[name].draw(rng, n) for _ in range(columns)], axis=1)


def optimum(name: str, n: int = 200, seed: int = 20) -> tuple[np.ndarray, NaturalMLE]:
    """Rows, and the fit by defaults with a small tol."""
    x = sample(name, n, seed)
    return x, NaturalMLE(name, tol=1e-8).fit(x)


@contextmanager
def quiet():
    """Let a fit end without convergence, silently; any other warning stays an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def scalars(values: dict[str, np.ndarray]) -> dict[str, float]:
    """Values (1,) as numbers."""
    return {name: float(np.squeeze(v)) for name, v in values.items()}


def assert_params(got: dict, want: dict, rtol: float = 1e-6, atol: float = 0.0) -> None:
    """Compare parameters by name."""
    assert list(got) == list(want)
    for name in want:
        np.testing.assert_allclose(got[name], want[name], rtol=rtol, atol=atol, err_msg=name)
