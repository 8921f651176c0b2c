"""A distribution at given parameters, with the names and shapes of ``scipy.stats``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from natfit.distributions.contract import moments
from natfit.distributions.contract.quantiles import quantile
from natfit.rng import bridge_rng


class Frozen:
    """A family at eta: what ``scipy.stats`` calls a frozen distribution.

    One distribution takes points of any shape and returns values of this shape. Several, one for
    each of D columns of data, take points whose last axis is D, and return values of the shape of
    the points; a number or a vector of points stands for all columns: ``ppf([0.1, 0.9])`` is
    (2, D).

    Parameters
    ----------
    family : Distribution
        The family.
    eta : ndarray of shape (1, K), (D, K) or (N, K)
        Its parameters.
    by : {"column", "row"}
        What several rows of eta are: one of each column of data, whose points are along the last
        axis, or one of each row of data, with which points broadcast.
    """

    def __init__(self, family: Any, eta: Any, by: Literal["column", "row"] = "column"):
        self.family = family
        self.eta = eta
        self.by = by

    @property
    def params(self) -> dict[str, Any]:
        """Native parameters by name, as numbers for one distribution, else of shape (D,)."""
        values = self.family.native(self.eta)
        one = len(self.eta) == 1
        return {
            name: v[0] if one else v for name, v in zip(self.family.params, values, strict=True)
        }

    # ------------------------------------------------------------------ density and tails

    def logpdf(self, x: Any) -> Any:
        """Log-density at x, nats; -inf outside the support. Log-probability for whole numbers."""
        return self._of_points(x, self.family.log_density)

    def pdf(self, x: Any) -> Any:
        """Density at x, in 1 / (unit of x); the probability of x for whole numbers."""
        return np.exp(self.logpdf(x))

    def logcdf(self, x: Any) -> Any:
        """Log P(Y <= x), nats."""
        return self._of_points(x, self.family.log_cdf)

    def cdf(self, x: Any) -> Any:
        """P(Y <= x)."""
        return np.exp(self.logcdf(x))

    def logsf(self, x: Any) -> Any:
        """Log P(Y > x), nats."""
        return self._of_points(x, self.family.log_sf)

    def sf(self, x: Any) -> Any:
        """P(Y > x)."""
        return np.exp(self.logsf(x))

    # -------------------------------------------------------------------------- quantiles

    def ppf(self, q: Any) -> Any:
        """Smallest x with P(Y <= x) >= q, in the unit of x."""
        return self._of_points(_checked(q, "q"), lambda p, e: quantile(self.family, e, p))

    def isf(self, q: Any) -> Any:
        """Smallest x with P(Y > x) <= q, in the unit of x."""
        return self._of_points(_checked(q, "q"), lambda p, e: quantile(self.family, e, p, True))

    def median(self) -> Any:
        """The median, in the unit of x."""
        return self.ppf(0.5)

    def interval(self, confidence: float) -> tuple[Any, Any]:
        """The ends between which a share ``confidence`` lies, with equal tails."""
        share = float(_checked(confidence, "confidence"))
        return self.ppf(0.5 - 0.5 * share), self.isf(0.5 - 0.5 * share)

    def support(self) -> tuple[Any, Any]:
        """The ends of the interval in which the density is positive."""
        low, high = self.family.support_at(self.eta)
        return (low[0], high[0]) if len(self.eta) == 1 else (low, high)

    # ---------------------------------------------------------------------------- moments

    def mean(self) -> Any:
        """The mean, in the unit of x."""
        return self._of_each(lambda e: moments.mean_and_variance(self.family, e)[0])

    def var(self) -> Any:
        """The variance, in the square of the unit of x."""
        return self._of_each(lambda e: moments.mean_and_variance(self.family, e)[1])

    def std(self) -> Any:
        """The standard deviation, in the unit of x."""
        return np.sqrt(self.var())

    def entropy(self) -> Any:
        """Entropy E[-log p], nats."""
        return self._of_each(lambda e: moments.entropy(self.family, e))

    def rvs(self, size: Any = 1, random_state: Any = None) -> np.ndarray:
        """Random draws of the shape ``size``; (size, D) for several distributions."""
        rng = bridge_rng(random_state)
        shape = (size,) if np.ndim(size) == 0 else tuple(size)
        n = int(np.prod(shape))
        draws = [self.family.sample(e[None], rng, n).reshape(shape) for e in self.eta]
        return draws[0] if len(draws) == 1 else np.stack(draws, axis=-1)

    # --------------------------------------------------------------------------- in common

    def _of_points(self, x: Any, function: Callable) -> Any:
        """Return values of ``function(points (n,), eta)`` at points of any shape."""
        x = np.asarray(x, dtype=np.float64)
        if len(self.eta) == 1:
            return _shaped(function(x.ravel(), self.eta), x.shape)
        if self.by == "row":
            x = np.broadcast_to(x, np.broadcast_shapes(x.shape, (len(self.eta),)))
            eta = np.broadcast_to(self.eta, (*x.shape, self.eta.shape[1]))
            return _shaped(function(x.ravel(), eta.reshape(x.size, -1)), x.shape)
        x = x[..., None] if x.ndim < 2 else x
        x = np.broadcast_to(x, (*x.shape[:-1], len(self.eta)))
        parts = [function(x[..., j].ravel(), e[None]) for j, e in enumerate(self.eta)]
        return np.stack([_shaped(v, x.shape[:-1]) for v in parts], axis=-1)

    def _of_each(self, function: Callable) -> Any:
        """Return ``function(eta (K,))``: a number for one distribution, else (D,)."""
        values = np.array([function(e) for e in self.eta])
        return values[0] if len(values) == 1 else values


def _shaped(values: Any, shape: tuple) -> Any:
    """Return values in a shape; a number of one point."""
    values = np.reshape(values, shape)
    return values[()] if shape == () else values


def _checked(p: Any, name: str) -> np.ndarray:
    """Return probabilities as an array; ValueError where one is not in [0, 1]."""
    p = np.asarray(p, dtype=np.float64)
    if not np.all((p >= 0.0) & (p <= 1.0)):
        bad = p[~((p >= 0.0) & (p <= 1.0))].ravel()[0]
        raise ValueError(f"{name} must be probabilities in [0, 1], got {bad:g}; pass 0.05 for 5 %")
    return p
