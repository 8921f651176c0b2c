"""From which component a row came: probabilities after the row, or its interval, was seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.intervals import log_probability_of
from natfit.distributions.wrappers.mixture import _rows as per_row

#: Number of rows below which a component is not needed, which is another end of a fit, and how far
#: the number of rows of a fit may be from the whole number that it would be.
_NONE, _ROUNDING = 0.5, 0.01


class Groups(Distribution):
    """The part of a mixture that tells its components apart."""

    @property
    def n_groups(self) -> int:
        """Number of components, at least one."""
        family: Any = self
        return len(family.parts)

    def starved(self, eta: np.ndarray, total: float) -> str | None:
        """Which component has no more rows than parameters of its own, in words, or None."""
        family: Any = self
        rows = total * np.exp(family.log_weights(eta[None]))[0]
        sizes = np.array([part.n_params for part in family.parts])
        few = (rows > _NONE) & (rows < sizes + _ROUNDING)
        if len(sizes) == 1 or not few.any():
            return None
        k = int(np.argmax(few))
        return (
            f"component {k} has {rows[k]:.2g} rows for {sizes[k]} parameters of its own; use fewer "
            "components"
        )

    def unnormalised(self, eta: np.ndarray) -> str | None:
        """What the density of a component adds to if that is not one, in words."""
        family: Any = self
        pairs = zip(family.parts, family.cuts, strict=True)
        return next((said for part, cut in pairs if (said := part.unnormalised(eta[cut]))), None)

    def responsibilities(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Probability that each row came from each component, (n, C); eta (n, K) or (1, K)."""
        joint = per_row.log_joint(self, y, np.atleast_2d(eta))
        return per_row.shares(joint, per_row.log_total(joint))

    def interval_responsibilities(
        self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
    ) -> np.ndarray:
        """Probability that each row came from each component, if only its interval was seen.

        ``w_k P_k(A) / sum_j w_j P_j(A)``, with densities instead where the ends are equal.

        Parameters
        ----------
        lower, upper : ndarray of shape (n,)
            Ends of the intervals, which may be infinite.
        eta : ndarray of shape (1, K)
            The parameters.

        Returns
        -------
        ndarray of shape (n, C)
            Zero in all columns where no component has a probability.
        """
        exact = lower == upper
        joint = np.empty((len(lower), self.n_groups))
        joint[exact] = per_row.log_joint(self, lower[exact], eta)
        if not exact.all():
            joint[~exact] = _log_joint(self, lower[~exact], upper[~exact], eta)
        return per_row.shares(joint, per_row.log_total(joint))


def _log_joint(family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """log w_k + log P_k(lower <= Y <= upper), (n, C)."""
    columns = []
    for part, cut in zip(family.parts, family.cuts, strict=True):
        own = part.known_support
        misses = (upper < own.low) | (lower > own.high)
        column = np.full(len(lower), -np.inf)
        if not misses.all():
            ends = lower[~misses], upper[~misses]
            column[~misses] = log_probability_of(part, *ends, eta[:, cut])
        columns.append(column)
    return np.stack(columns).T + family.log_weights(eta)
