"""Predictions of a regression: the distribution of y for each row of X."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen


class Predictions:
    """The part of a regression that says what y is to be expected for rows of X."""

    distribution_: Distribution

    def _eta(self, X: Any, offset: Any = None, exposure: Any = None) -> np.ndarray:
        raise NotImplementedError

    def _frozen(self, eta: np.ndarray) -> Frozen:
        raise NotImplementedError

    def predict_dist(self, X: Any, *, offset: Any = None, exposure: Any = None) -> Frozen:
        """Return the distribution of y for each row of X, with scipy's methods."""
        return self._frozen(self._eta(X, offset, exposure))
