"""Limits that keep the components of a mixture from shrinking onto single rows.

A mixture of densities has no maximum: a component whose centre is a row and whose width goes to
zero takes the likelihood to infinity. With the ratio of widths bounded below there is one
(Hathaway, 1985, A constrained formulation of maximum-likelihood estimation for normal mixture
distributions, Annals of Statistics 13, 795-800). Here the reference is the widest component at
the start, so that each limit is a number before the fit begins.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Bijector, Covariance, Limited, Positive, Simplex
from natfit.distributions.contract.declared import Width

#: Least width of a component, of the widest at the start.
RATIO = 1e-3

#: Log odds of a weight at which its component counts as not needed: 1e-8.
_NO_WEIGHT = 18.420680743952367


class Weights(Simplex):
    """Weights of components: one that falls to 1e-8 rests there, at the bound zero."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Log odds of 1e-8 and its inverse."""
        return (-_NO_WEIGHT, _NO_WEIGHT)


class _Cut:
    """Limits of each coordinate, besides the constraint's own.

    Parameters
    ----------
    size : int or tuple
        What the constraint takes.
    ends : pair of ndarray
        Lower and upper limits of eta, (size,) each.
    """

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """The constraint's own, cut."""
        low, high = super().limits()
        return np.maximum(low, self.ends[0]), np.minimum(high, self.ends[1])


class CutPositive(_Cut, Positive):
    """Positive numbers inside limits of their own each."""

    def __init__(self, shape: tuple, ends: tuple):
        super().__init__(shape)
        self.ends = ends


class CutCovariance(_Cut, Covariance):
    """A covariance matrix the diagonal of whose factor has lower limits."""

    def __init__(self, d: int, ends: tuple):
        super().__init__(d)
        self.ends = ends


def guards(parts: Any, etas: list[np.ndarray]) -> dict[tuple[int, str], Bijector]:
    """(component, parameter) to the constraint with its limit, from a start's eta of each."""
    sizes: dict[tuple[str, Width], list[np.ndarray]] = {}
    for part, eta in zip(parts, etas, strict=True):
        for name, width in part.widths.items():
            logs = _logs(part.params[name], eta[part.blocks[name]])
            sizes.setdefault((name, width), []).append(logs)
    out = {}
    for k, part in enumerate(parts):
        for name, width in part.widths.items():
            same = np.stack(sizes[name, width])
            lower = width.power > 0
            widest = same.max(axis=0) if lower else same.min(axis=0)
            if width.least > 0:
                widest = np.maximum(widest, np.log(width.least))
            out[k, name] = _cut(part.params[name], widest + np.log(RATIO) / width.power, lower)
    return out


def _logs(own: Bijector, eta: np.ndarray) -> np.ndarray:
    """Logarithms (size,) of a parameter; of a covariance those of its factor's diagonal."""
    if isinstance(own, Positive | Covariance):
        return eta
    return np.log(own.to_native(eta[None])[0].reshape(-1))


def _cut(own: Bijector, end: np.ndarray, lower: bool) -> Bijector:
    """The constraint with one more limit, ``end``, on its logarithms."""
    if isinstance(own, Covariance):
        low = np.full(own.size, -np.inf)
        low[: own.d] = end[: own.d]
        return CutCovariance(own.d, (low, np.full(own.size, np.inf)))
    ends = (end, np.full_like(end, np.inf)) if lower else (np.full_like(end, -np.inf), end)
    if own.shape == ():
        return Limited(own, *(float(np.exp(e[0])) for e in ends))
    return CutPositive(own.shape, ends)
