"""Probabilities of several classes, which sum to one."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import Bijector


class Simplex(Bijector):
    """Probabilities of n classes: softmax of (eta_1, ..., eta_{n-1}, 0).

    Parameters
    ----------
    n : int
        Number of classes, >= 2.
    """

    max_step = 3.0

    def __init__(self, n: int = 2):
        self.n = n

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # n decides, nobody sets it
        """Shape (n,) of one native value."""
        return (self.n,)

    @property
    def size(self) -> int:
        """Number of unconstrained coordinates, n - 1."""
        return self.n - 1

    def _forward(self, eta: Any) -> Any:
        logits = anp.concatenate([eta, anp.zeros((eta.shape[0], 1))], axis=1)
        logits = logits - anp.max(logits, axis=1, keepdims=True)
        odds = anp.exp(logits)
        return odds / anp.sum(odds, axis=1, keepdims=True)

    def _backward(self, native: Any) -> Any:
        logs = anp.log(native)
        return logs[:, :-1] - logs[:, -1:]

    def pack(self, native: np.ndarray) -> np.ndarray:
        """Return all probabilities but the last, (n - 1,)."""
        return np.asarray(native)[..., :-1].reshape(-1)

    def unpack(self, free: Any) -> Any:
        """Append to each row the last probability, one minus the sum of the others."""
        return anp.concatenate([free, 1.0 - anp.sum(free, axis=1, keepdims=True)], axis=1)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether the probabilities are positive and sum to one."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all(native > 0) and abs(native.sum() - 1) < 1e-8)

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Return diag(p) - p p' for the first n - 1 classes, (n - 1, n - 1)."""
        p = self.to_native(eta[None])[0, :-1]
        return np.diag(p) - np.outer(p, p)

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits +-36 of the log odds, where a probability is the last double below 1."""
        return (-36.0, 36.0)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of eta in a row whose value follows features: infinite ones."""
        return np.full(self.size, -np.inf), np.full(self.size, np.inf)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of a probability, zero and one."""
        return (0.0, 1.0)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return one of two and one of four classes."""
        return [cls(2), cls(4)]
