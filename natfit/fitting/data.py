"""Phases 3 to 5: the data are summarised, and checked for whether the family can be fitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite

from natfit._numbers import TooFewRows
from natfit.distributions.base import Distribution
from natfit.rows import Block, Rows


def summarise(family: Distribution, rows: Rows) -> Any | None:
    """Return the family's summary of the data, one weighted row, or None if it has none.

    Rows outside the support may make it NaN; they are refused in the next phase.

    Returns
    -------
    tuple or None
        Arrays with a leading axis of length one.
    """
    with np.errstate(all="ignore"):
        return family.sufficient(rows)


def check(family: Distribution, rows: Rows, summary: Any | None, name: str = "X") -> None:
    """Raise if a row is not finite or lies outside the support; ``name`` is that of the data.

    A finite summary proves that all rows are finite, so that such data are read once.

    Raises
    ------
    ValueError
        If there is such a row; the message names the first one.
    """
    if not family.information.complete:
        # Censored rows may have infinite ends; other numbers that are not finite were refused
        # when the rows came in.
        family.check(rows)
        return
    finite = summary is not None and all(np.isfinite(part).all() for part in summary)
    if not finite:
        _refuse_non_finite(rows, name)
    if not (finite and family.summary_proves_support):
        family.check(rows)
    if summary is not None and not finite:
        _refuse_size(rows, name)


def _refuse_size(rows: Rows, name: str) -> None:
    """Raise ValueError for data whose sums leave the range of doubles."""
    most = np.abs(rows.extent()).max()
    size, remedy = ("large", "multiply") if most < 1.0 else ("small", "divide")
    raise ValueError(
        f"{name} must be {size} enough for sums of squares to stay finite, got values up to "
        f"{most:g}; {remedy} {name} by a constant"
    )


@contextmanager
def in_range(rows: Rows, name: str) -> Iterator[None]:
    """Compute with the data; an error is about their size where they are near the end of doubles.

    Yields
    ------
    None
        Numpy does not warn inside.

    Raises
    ------
    ValueError
        Where the values are below 1e-150 or above 1e150 in size; otherwise what was raised inside.
    """
    with np.errstate(all="ignore"):
        try:
            yield
        except ValueError:
            most = float(np.abs(rows.extent()).max())
            if np.isfinite(most) and not 1e-150 < most < 1e150:
                _refuse_size(rows, name)
            raise


def degenerate(
    family: Distribution, rows: Rows, summary: Any | None, rescued: bool = False
) -> ValueError | None:
    """Refuse data for which the likelihood has no maximum inside the family.

    Parameters
    ----------
    family : Distribution
        The family.
    rows : Rows
        The data.
    summary : tuple or None
        Their summary.
    rescued : bool
        Whether a prior or a limit may give a maximum to such data.

    Returns
    -------
    ValueError or None
        The refusal, if the data are degenerate but may be rescued.

    Raises
    ------
    TooFewRows
        A ValueError, if there is no maximum; the message says why, and what to do.
    """
    try:
        family.check_degenerate(rows, summary)
    except ValueError as refusal:
        # A row outside the support stays there, whatever others come.
        plain = type(refusal) is ValueError
        found = TooFewRows(*refusal.args) if plain else refusal
        if not rescued:
            raise found from None
        return found
    return None


def _refuse_non_finite(rows: Rows, name: str) -> None:
    """Raise scikit-learn's error for NaN or infinity, with the row and the remedy added."""
    if np.isfinite(rows.extent()).all():
        return
    where = rows.first(_not_finite)
    if where is None:
        return
    try:
        assert_all_finite(rows.row(where).y, input_name=name)
    except ValueError as error:
        words = str(error).splitlines()[0].rstrip(".")
        tail = (
            ", or drop them by missing='drop' of the estimator"
            if np.isnan(rows.row(where).y).any() and name == "X"
            else ""
        )
        raise ValueError(f"{words} at row {where}; remove or impute such rows{tail}") from None


def _not_finite(block: Block) -> np.ndarray:
    bad = ~np.isfinite(block.y)
    return bad if bad.ndim == 1 else bad.any(axis=1)
