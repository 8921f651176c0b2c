"""y as ordered classes: categories with an order become 0, 1, ..., K - 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._numbers import column_of, is_frame, is_series, kind_of
from natfit.distributions import Ordinal
from natfit.estimators.regression._response import warn_of_column

#: What to pass instead.
_REMEDY = (
    "pass pandas.Categorical(y, categories=[lowest, ..., highest], ordered=True), a polars Enum, "
    "or the numbers 0, 1, ... of the classes, as .cat.codes are with the categories in order"
)


def categories_of(y: Any) -> list | None:
    """Return the categories of a pandas categorical with an order or a polars Enum, else None."""
    if is_frame(y) and y.shape[1] == 1:
        y = column_of(y, 0)
    dtype: Any = getattr(y, "dtype", None)
    enum = str(dtype).startswith("Enum") and hasattr(y, "to_physical")
    if not (enum or getattr(dtype, "ordered", False)):
        return None
    return list(dtype.categories)


def ordered_codes(y: Any) -> Any:
    """Return the codes (N,) of ordered categories, NaN where one is missing; numbers as they are.

    Parameters
    ----------
    y : object
        The argument of a family of ordered classes.

    Returns
    -------
    ndarray of shape (N,), or y itself

    Raises
    ------
    ValueError
        If y holds categories without an order, or text.
    """
    if categories_of(y) is not None:
        if is_frame(y):
            warn_of_column(y)
            y = column_of(y, 0)
        if hasattr(y, "to_physical"):
            return y.to_physical().cast(float).to_numpy()
        codes = np.array(y.cat.codes if hasattr(y, "cat") else y.codes, dtype=np.float64)
        return np.where(codes < 0, np.nan, codes)
    column = column_of(y, 0) if is_frame(y) and y.shape[1] == 1 else y
    kind = kind_of(column.dtype) if is_series(column) or hasattr(column, "categories") else ""
    if kind == "categories" or _is_text(column):
        what = "categories without an order" if kind == "categories" else "text, which has no order"
        raise ValueError(
            f"y must be ordered categories or numbers for Ordinal, got {what}; {_REMEDY}"
        )
    return y


def _is_text(y: Any) -> bool:
    """Tell whether the first label is text."""
    labels = np.asarray(y) if np.ndim(y) == 1 else np.empty(0)
    return len(labels) > 0 and isinstance(labels[0], str)


def with_categories(family: Any, categories: list | None, codes: np.ndarray) -> Any:
    """Return a family of ordered classes with their number, if there are categories.

    Parameters
    ----------
    family : Distribution
        The family, not yet bound.
    categories : list or None
        What :func:`categories_of` returns.
    codes : ndarray of shape (N, 1)
        The codes of the rows.

    Returns
    -------
    Distribution

    Raises
    ------
    ValueError
        If the family has another number of classes, or no row has one of the categories.
    """
    if categories is None or not isinstance(family, Ordinal):
        return family
    if family.n is not None and family.n != len(categories):
        raise ValueError(
            f"y must have {family.n} categories for {family!r}, got {len(categories)}, "
            f"{categories}; leave out n"
        )
    unseen = [name for code, name in enumerate(categories) if not (codes == code).any()]
    if unseen:
        raise ValueError(
            f"y must have rows of each of its categories {categories}, got none of {unseen}, whose "
            "cuts are not determined; use y.cat.remove_unused_categories(), or join categories"
        )
    return Ordinal(len(categories), family.link)


def refuse_other_categories(known: list | None, y: Any) -> None:
    """Raise ValueError if y has other categories than those of the fit, or none where it had."""
    found = categories_of(y)
    if found == known:
        return
    theirs = "numbers" if known is None else f"the ordered categories {known}"
    ours = "no ordered categories" if found is None else f"{found}"
    raise ValueError(
        f"y must have what the fit had, {theirs}, in the same order, got {ours}; "
        + (
            "pass the same numbers for its classes"
            if known is None
            else f"use pandas.Categorical(y, categories={known}, ordered=True)"
        )
    )
