"""Checks of data that several families make, and their messages."""

from __future__ import annotations

from natfit.rows import Rows

#: Relative spread of positive rows that may be the rounding of a single value.
ROUNDING = 1e-12

#: The remedy where a distribution shrinks to a point.
_SHRINKS = "the distribution shrinks to a point; remove the column, or use a discrete family"


def refuse_constant(rows: Rows, family: str, *, relative: float = 0.0, why: str = _SHRINKS) -> None:
    """Refuse rows that are all equal: the likelihood has no maximum.

    Parameters
    ----------
    rows : Rows
        Of finite numbers y, positive where ``relative`` is given.
    family : str
        What the message calls it.
    relative : float
        Relative spread up to which rows count as equal.
    why : str
        What happens as the likelihood grows without limit, and the remedy.

    Raises
    ------
    ValueError
        If the rows are equal, up to ``relative``.
    """
    low, high = rows.extent()
    if high > low * (1.0 + relative):
        return
    within = f" within a relative {relative:g}" if relative else ""
    raise ValueError(
        f"y must not be constant for {family}, got {rows.n} rows equal to "
        f"{rows.few(1).y[0]:g}{within}: the likelihood grows without limit as {why}"
    )


def refuse_extreme(rows: Rows, family: str) -> None:
    """Refuse rows whose squared deviations are outside the range of doubles.

    Raises
    ------
    ValueError
        If their spread is 1e-140 or less, or the absolute value of one is 1e150 or more.
    """
    low, high = (float(end) for end in rows.extent())
    if not (high - low > 1e-140 and max(-low, high) < 1e150):
        raise ValueError(
            f"y must have a spread above 1e-140 and values below 1e150 for {family}, got "
            f"{low:g} to {high:g}; divide them by their size"
        )


def check_columns(rows: Rows, expected: int | None, family: str, argument: str) -> int:
    """Number of columns of y (n, M), checked against ``expected`` unless that is None."""
    if len(rows.event_shape) != 1:
        raise ValueError(
            f"y must have shape (n, M) for {family}, got {(rows.n, *rows.event_shape)}; use "
            "y.reshape(-1, 1)"
        )
    (columns,) = rows.event_shape
    if expected not in (None, columns):
        raise ValueError(
            f"y must have {expected} columns for this {family}, got {columns}; leave "
            f"{argument}=None to take the number from the data"
        )
    return columns
