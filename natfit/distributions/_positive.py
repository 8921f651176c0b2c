"""What families on the positive half-line share: checks, starts, log(1 - e^x)."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Largest exponent z at a start. At the optimum a Weibull's exp(z) has mean one, so that no z
#: exceeds log N; from 700 on exp(z) is infinite.
_STEEPEST = 30.0

#: Relative spread of rows that is no more than the rounding of one value.
SPREAD = 1e-12


def log_one_minus_exp(x: Any) -> np.ndarray:
    """log(1 - e^x) of x <= 0, elementwise, without loss at either end."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        return np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def refuse_constant(y: np.ndarray, family: str) -> None:
    """Raise when all rows are equal, up to the rounding of one value."""
    low, high = float(y.min()), float(y.max())
    if not high > low * (1.0 + SPREAD):
        raise ValueError(
            f"y must not be constant for {family}, got {len(y)} rows equal to {y[0]:g} within a "
            f"relative {SPREAD:g}: the likelihood grows without bound as the distribution "
            "shrinks to a point; remove the column, or use a discrete family"
        )


def flattened(eta: np.ndarray, largest: float) -> np.ndarray:
    """Start (log shape, log scale, ...) whose ``shape (log y - log scale)`` ends at 30.

    ``largest`` is the largest row. A few rows may give a shape that makes a row they do not
    hold infinitely improbable.
    """
    reach = np.log(largest) - eta[1]
    if np.exp(eta[0]) * reach > _STEEPEST:
        eta = eta.copy()
        eta[0] = np.log(_STEEPEST / reach)
    return eta
