"""How many digits of an answer agree with those that are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Doubles hold no more, and no source of these cases is trusted further.
MOST = 15


def given(text: str) -> int:
    """Return the number of significant digits that a number is written with."""
    mantissa = text.lower().split("e")[0].lstrip("+-").replace(".", "")
    return min(len(mantissa.lstrip("0")), MOST)


@dataclass(frozen=True)
class Quantity:
    """Numbers that were computed, and the same numbers as their source writes them.

    Attributes
    ----------
    found : sequence of float
        What natfit says.
    known : sequence of str or float
        What the source says. A float stands for its shortest text: trailing zeros are lost, so that
        the number with the most digits says how many the source gives.
    """

    found: Sequence[float]
    known: Sequence[str | float]

    @property
    def given(self) -> int:
        """The number of digits of the source."""
        return max(given(str(value)) for value in self.known)

    def agreed(self, units: float = 1.0) -> float:
        """Return the digits that all numbers agree to: the smallest log relative error.

        Parameters
        ----------
        units : float
            Difference, in units of the last digit that the source gives, up to which a number
            agrees to all of them.

        Returns
        -------
        float
            From 0 to ``given``. Of a number that is zero it is the log of the error itself.
        """
        found = np.ravel(np.asarray(self.found, dtype=float))
        known = np.array([float(value) for value in self.known])
        assert found.shape == known.shape, (found, known)
        return min(
            self._one(f, k, units) for f, k in zip(found.tolist(), known.tolist(), strict=True)
        )

    def _one(self, found: float, known: float, units: float) -> float:
        error = abs(found - known)
        size = abs(known) or 1.0
        last = 10.0 ** (math.floor(math.log10(size)) + 1 - self.given)
        if error <= units * last:
            return float(self.given)
        return max(-math.log10(error / size), 0.0) if math.isfinite(error) else 0.0


@dataclass(frozen=True)
class Answer:
    """What natfit says of a problem: how the fit ended, its quantities by name, its iterations."""

    status: str
    good: bool
    quantities: dict[str, Quantity]
    n_iter: int = 0


@dataclass(frozen=True)
class Case:
    """A problem: the table and the row of the page, and how to solve it."""

    table: str
    row: tuple[str, ...]
    answer: Callable[[], Answer]

    @property
    def name(self) -> str:
        """The row in one word, as the id of a test."""
        return "-".join([self.table, *self.row]).replace(" ", "_")


def answer(fit: Any, **quantities: tuple[Any, Any]) -> Answer:
    """Return the answer of a fitted estimator; an underscore in a name stands for a space."""
    named = {name.replace("_", " "): Quantity(*pair) for name, pair in quantities.items()}
    return Answer(str(fit.status_), bool(fit.status_.good), named)
