"""The result of a test of a hypothesis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """A statistic, its p-value, and what it was compared with.

    Attributes
    ----------
    name : str
        The test, such as ``likelihood-ratio test``.
    statistic : float
        Larger values speak against the hypothesis.
    pvalue : float
        The probability of a statistic at least as large under the hypothesis.
    df : float or None
        Degrees of freedom, where the reference is a chi-square distribution.
    null : str
        The hypothesis in words.
    reference : str
        The distribution of the statistic under the hypothesis, in words.
    notes : tuple of str
        What a reader must know besides, such as a parameter at a boundary.
    """

    name: str
    statistic: float
    pvalue: float
    df: float | None
    null: str
    reference: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the result in a sentence, with the notes."""
        df = "" if self.df is None else f" on {self.df:g} df"
        said = (
            f"{self.name}: statistic {self.statistic:.6g}{df}, p = {self.pvalue:.4g} "
            f"({self.null}; {self.reference})"
        )
        return "; ".join([said, *self.notes])
