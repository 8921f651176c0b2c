"""What families on the positive half-line share: checks, starts, log(1 - e^x)."""

from __future__ import annotations

from typing import Any

import numpy as np

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


def seen_by_all(
    family: Any, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray
) -> np.ndarray:
    """Start (log shape, log scale, perhaps log power), made anew where a row would overflow.

    At the maximum the mean of ``w = (y / scale)^shape`` is at most max(1, power), so that no w
    exceeds N max(1, power). A start from a few rows that breaks this has not seen an outlier:
    it is made anew from all rows, and flattened until it holds.
    """

    def bound(eta: np.ndarray) -> tuple[float, float]:
        """Log of the largest w over shape, and the most it may be."""
        return np.log(y.max()) - eta[1], np.log(len(y)) + eta[2:].max(initial=0.0)

    reach, most = bound(eta)
    if np.exp(eta[0]) * reach <= most:
        return eta
    eta = family.eta(**family._initial(y, weight))
    reach, most = bound(eta)
    if np.exp(eta[0]) * reach > most:
        eta[0] = np.log(most / reach)
    return eta
