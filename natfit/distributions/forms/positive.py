"""A start, for positive families with a power, at which no row overflows."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.start import MANY
from natfit.rows import Rows


def seen_by_all(family: Any, rows: Rows, eta: np.ndarray) -> np.ndarray:
    """Start (log shape, log scale, perhaps log power), made anew where a row would overflow.

    At the maximum the mean of ``w = (y / scale)^shape`` is at most max(1, power), so that no w
    exceeds N max(1, power). If the start breaks this rule, the few rows that it was made from
    lacked an outlier. It is then made anew from many rows, and its shape is reduced until the
    rule holds.

    Returns
    -------
    ndarray of shape (K,)
        The given start where it keeps the rule.
    """

    def largest(eta: np.ndarray) -> tuple[float, float]:
        """Log of the largest w, divided by shape, and the largest value that log w may have."""
        return np.log(rows.extent()[1]) - eta[1], np.log(rows.n) + eta[2:].max(initial=0.0)

    reach, most = largest(eta)
    if np.exp(eta[0]) * reach <= most:
        return eta
    many = rows.few(MANY)
    eta = family.eta(**family._initial(many.y, many.weight))
    reach, most = largest(eta)
    if np.exp(eta[0]) * reach > most:
        eta[0] = np.log(most / reach)
    return eta
