"""Numbers between zero and one, by the log-log link."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.cloglog import Cloglog

_OTHER = Cloglog()


class Loglog(Cloglog):
    """Numbers in (0, 1) by the log-log link: native = exp(-exp(-eta)).

    1 - native is that of the complementary log-log link at -eta.
    """

    label = "loglog {}"

    def _forward(self, eta: Any) -> Any:
        return anp.exp(-anp.exp(-eta))

    def _backward(self, native: Any) -> Any:
        return -anp.log(-anp.log(native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative exp(-eta - exp(-eta)), elementwise."""
        return _OTHER.first(-eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the native value in eta, elementwise."""
        return -_OTHER.second(-eta)

    def to_scale(self, eta: Any) -> Any:
        """Return the log odds -log(exp(exp(-eta)) - 1)."""
        return -_OTHER.to_scale(-eta)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the log odds."""
        first, second = _OTHER.to_scale_slopes(-eta)
        return first, -second

    def of_scale(self, value: Any) -> Any:
        """Return eta of log odds."""
        return -_OTHER.of_scale(-value)

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta, the last ones whose native values differ from 0 and 1."""
        return (-6.0, 36.0)
