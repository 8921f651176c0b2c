"""Numbers between zero and one, by the complementary log-log link."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.unit import Unit


class Cloglog(Unit):
    """Numbers in (0, 1) by the complementary log-log link: native = 1 - exp(-exp(eta)).

    exp(eta) is the number of events of a Poisson process of which it is only seen whether there
    was one; hazards of grouped survival times are proportional in it.
    """

    label = "cloglog {}"

    def __init__(self, shape: tuple = ()):
        super().__init__(shape)

    def _forward(self, eta: Any) -> Any:
        return -anp.expm1(-anp.exp(eta))

    def _backward(self, native: Any) -> Any:
        return anp.log(-anp.log1p(-native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative exp(eta - exp(eta)), elementwise."""
        return np.exp(eta - np.exp(eta))

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative exp(eta - exp(eta)) (1 - exp(eta)), elementwise."""
        return self.first(eta) * -np.expm1(eta)

    def to_scale(self, eta: Any) -> Any:
        """Return the log odds log(exp(exp(eta)) - 1)."""
        rate = anp.exp(eta)
        return rate + anp.log(-anp.expm1(-rate))

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the log odds."""
        rate = np.exp(eta)
        # r / (1 - exp(-r)), and its own derivative in log r.
        first = rate / -np.expm1(-rate)
        return first, first * (1.0 - first * np.exp(-rate))

    def of_scale(self, value: Any) -> Any:
        """Return eta of log odds, log(log(1 + exp(value)))."""
        return anp.log(anp.logaddexp(0.0, value))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta, the last ones whose native values differ from 0 and 1."""
        return (-36.0, 3.5)

    @classmethod
    def examples(cls) -> list[Unit]:
        """Return a scalar and a vector."""
        return [cls(), cls((3,))]
