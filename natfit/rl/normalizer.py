"""Running mean and standard deviation of observations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

#: Standardised values are clipped to this number of standard deviations.
LIMIT = 10.0

#: A standard deviation below this share of the column's mean is rounding.
_ROUNDING = 1e-12

#: Largest count of numbers whose deviations are held at once: 32 MB.
_ROOM = 1 << 22

#: Squares of larger numbers would overflow.
LARGEST = 1e150


@dataclass(frozen=True, eq=False)
class RunningNormalizer:
    """Mean and squared deviations of the columns over all rows seen; merging is exact.

    ``RunningNormalizer.empty(D)`` has seen no rows. :meth:`update` and :meth:`merge` return
    new objects, by Chan, Golub and LeVeque's (1979) pairwise formulas: with
    ``d = mean_b - mean_a`` and ``n = n_a + n_b``, ``mean = mean_a + d n_b / n`` and
    ``M2 = M2_a + M2_b + d^2 n_a n_b / n``. Nothing large is ever subtracted, so a column at
    1e6 with a spread of 1 keeps its digits.

    Attributes
    ----------
    count : int
        Number of rows seen.
    mean : ndarray of shape (D,)
        Means, in the columns' units; 0 before the first row.
    m2 : ndarray of shape (D,)
        Sums of squared deviations from the mean.

    References
    ----------
    Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing
    sample variances", Stanford University STAN-CS-79-773.
    """

    count: int
    mean: np.ndarray
    m2: np.ndarray

    @classmethod
    def empty(cls, n_columns: int) -> RunningNormalizer:
        """Return a normaliser that has seen no row of ``n_columns`` = D columns."""
        return cls(0, np.zeros(n_columns), np.zeros(n_columns))

    @property
    def std(self) -> np.ndarray:
        """Standard deviations (D,) with divisor ``count``; 0 before the second row."""
        return np.sqrt(self.m2 / max(self.count, 1))

    @property
    def varies(self) -> np.ndarray:
        """Whether each column took more than one value, up to rounding, (D,) bool."""
        return self.std > _ROUNDING * np.abs(self.mean)

    @property
    def scale(self) -> np.ndarray:
        """Divisor (D,) in :meth:`transform`: the standard deviation, or 1 for a constant column."""
        return np.where(self.varies, self.std, 1.0)

    def update(self, batch: Any) -> RunningNormalizer:
        """Return the normaliser that has also seen the rows of ``batch`` (N, D).

        Returns
        -------
        RunningNormalizer
            A new object; this one is not modified.

        Raises
        ------
        ValueError
            If the shape is not (N, D), or a value is not finite or beyond 1e150.
        """
        batch = self._checked(batch)
        if len(batch) == 0:
            return self
        if batch.size > _ROOM and len(batch) > 1:
            # Parts, whose temporaries are small: pixels fill gigabytes.
            parts = np.array_split(batch, min(len(batch), -(-batch.size // _ROOM)))
            return reduce(RunningNormalizer._with, parts, self)
        return self._with(batch)

    def _with(self, batch: np.ndarray) -> RunningNormalizer:
        # From the first row, so that a constant column has exactly no spread.
        offset = batch - batch[0]
        shift = offset.mean(axis=0)
        offset -= shift
        return self.merge(
            RunningNormalizer(len(batch), batch[0] + shift, np.einsum("nd,nd->d", offset, offset))
        )

    def merge(self, other: RunningNormalizer) -> RunningNormalizer:
        """Return the normaliser that has seen the rows of both."""
        if self.mean.shape != other.mean.shape:
            raise ValueError(
                f"normalizers must have the same number of columns, got {self.mean.size} and "
                f"{other.mean.size}"
            )
        if self.count == 0 or other.count == 0:
            return other if self.count == 0 else self
        count = self.count + other.count
        gap = other.mean - self.mean
        share = other.count / count
        return RunningNormalizer(
            count, self.mean + share * gap, self.m2 + other.m2 + gap**2 * (share * self.count)
        )

    def transform(self, x: Any) -> np.ndarray:
        """Return ``(x - mean) / scale`` clipped to +-10, (N, D); before the first row, x clipped.

        Returns
        -------
        ndarray of shape (N, D)
            Standardised values, without a unit.

        Raises
        ------
        ValueError
            As in :meth:`update`.
        """
        out = self._checked(x) - self.mean
        out /= self.scale
        return np.clip(out, -LIMIT, LIMIT, out=out)

    def _checked(self, x: Any) -> np.ndarray:
        """Return the rows in float64, after a check of their shape and values."""
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.mean.size:
            raise ValueError(f"observations must have shape (N, {self.mean.size}), got {x.shape}")
        if x.size and not max(x.max(), -x.min()) < LARGEST:
            row, column = np.argwhere(~(np.abs(x) < LARGEST))[0]
            raise ValueError(
                f"observations must be finite and within +-{LARGEST:g}, got {x[row, column]} "
                f"at row {row}, column {column}"
            )
        return x
