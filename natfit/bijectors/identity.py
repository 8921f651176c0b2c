"""Numbers in a range, as they are."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.real import Real


class Identity(Real):
    """Numbers between two ends as they are: native = eta.

    For linear models of what has a range, such as a rate or a probability. Rows whose linear
    predictor is outside of it have no density. On a half-line from zero and on (0, 1) the scale is
    the logarithm or the log odds.

    Parameters
    ----------
    low, high : float
        Ends of the range, which no value reaches.
    shape : tuple
        Shape of the native value.
    """

    def __init__(self, low: float = 0.0, high: float = np.inf, shape: tuple = ()):
        super().__init__(shape, low, high)

    @property
    def scale(self) -> str | None:  # type: ignore[override]  # the range decides
        """The scale of positive numbers and of shares; else the value itself."""
        return {(0.0, np.inf): "log", (0.0, 1.0): "logit"}.get((self.low, self.high))

    def to_scale(self, eta: Any) -> Any:
        """Return the logarithm, the log odds, or eta itself."""
        if self.scale == "log":
            return anp.log(eta)
        return anp.log(eta) - anp.log1p(-eta) if self.scale else eta

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the scale."""
        if self.scale is None:
            return 1.0, 0.0
        if self.scale == "log":
            return 1.0 / eta, -1.0 / (eta * eta)
        first = 1.0 / (eta * (1.0 - eta))
        return first, first * first * (2.0 * eta - 1.0)

    def of_scale(self, value: Any) -> Any:
        """Return the native value of one on the scale."""
        if self.scale == "log":
            return anp.exp(value)
        return 1.0 / (1.0 + anp.exp(-value)) if self.scale else value

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and strictly between the ends."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > self.low) & (native < self.high)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta, just inside the ends."""
        low, high = self.low, self.high
        least = low + 1e-15 * abs(low) if low else 1e-300
        return least, high - 1e-15 * abs(high) if np.isfinite(high) else high

    @property
    def native_limits(self) -> tuple[float, float]:
        """None: no value reaches an end."""
        return (-np.inf, np.inf)

    @property
    def domain(self) -> tuple[float, float]:
        """The ends of the range, beyond which no value is valid."""
        return (self.low, self.high)

    @property
    def open_ends(self) -> tuple[float, float]:
        """The ends of the range, those of the native value."""
        return (self.low, self.high)

    @classmethod
    def examples(cls) -> list[Real]:
        """Return positive numbers, shares, and a vector of numbers above one."""
        return [cls(), cls(0.0, 1.0), cls(1.0, np.inf, (3,))]
