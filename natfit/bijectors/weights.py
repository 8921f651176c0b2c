"""Weights of a mixture's components, of which one may be zero."""

from __future__ import annotations

import numpy as np

from natfit.bijectors.simplex import Simplex

#: Log odds of a weight at which its component counts as not needed: 1e-8.
_NO_WEIGHT = 18.420680743952367


class Weights(Simplex):
    """Weights of components, which sum to one; a weight that falls to 1e-8 counts as zero."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of the log odds: those of 1e-8 and of its inverse."""
        return (-_NO_WEIGHT, _NO_WEIGHT)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return :meth:`limits`: a component without weight has no density to speak of."""
        return self.limits()
