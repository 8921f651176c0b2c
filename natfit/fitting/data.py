"""Phases 3 to 5: what the data are reduced to, and whether the family can be fitted to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite

from natfit.distributions.base import Distribution


def summarise(family: Distribution, y: np.ndarray, weight: np.ndarray | None) -> Any | None:
    """The family's summary of the data, one weighted row; None where it has none.

    Rows outside the support may make it NaN: they are refused in the next phase.

    Returns
    -------
    tuple or None
        Arrays with a leading axis of one.
    """
    with np.errstate(all="ignore"):
        return family.sufficient(y, weight)


def check(family: Distribution, y: np.ndarray, summary: Any | None) -> None:
    """Refuse rows that are not finite or lie outside the support.

    A finite summary proves that all rows are finite, so that such data are read once.

    Raises
    ------
    ValueError
        The message names the first such row.
    """
    if not family.information.complete:
        # Open ends are no errors, and rows that are not finite were refused as they came.
        family.check(y)
        return
    finite = summary is not None and all(np.isfinite(part).all() for part in summary)
    if not finite:
        _refuse_non_finite(y)
    if not (finite and family.summary_proves_support):
        family.check(y)
    if summary is not None and not finite:
        raise ValueError(
            f"X must be small enough for sums of squares to stay finite, got values up to "
            f"{np.abs(y).max():g}; divide X by a constant"
        )


def degenerate(family: Distribution, y: np.ndarray, summary: Any | None) -> None:
    """Refuse data for which the likelihood has no maximum inside the family.

    Raises
    ------
    ValueError
        The message says why and what to do.
    """
    family.check_degenerate(y, summary)


def _refuse_non_finite(y: np.ndarray) -> None:
    """Raise scikit-learn's error for NaN and infinity, with the row and the remedy."""
    try:
        assert_all_finite(y, input_name="X")
    except ValueError as error:
        bad = ~np.isfinite(y)
        row = int(np.argmax(bad if bad.ndim == 1 else bad.any(axis=1)))
        words = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"{words} at row {row}; remove or impute such rows") from None
