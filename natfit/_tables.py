"""Tables of numbers: one content, printed as text in a terminal and as HTML in a notebook."""

from __future__ import annotations

import math
import numbers
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from natfit._extras import missing

#: What stands for a value that does not exist: NaN is never printed.
MISSING = "-"

#: Number of rows of a table that are printed by default.
MOST = 12

#: Digits of a number whose precision is not known, and of one whose standard error is known: the
#: standard error then has three.
_DIGITS, _DIGITS_OF_ERROR = 5, 3

#: Doubles have between 15 and 17 digits; beyond 15 they show how a number is stored.
_MOST_DIGITS = 15

#: Size from which on a number with a fixed number of decimals would be too wide.
_WIDE = 1e9

#: Characters of a line of words.
_WIDTH = 100

#: What separates the columns of a table in text.
_GAP = "  "


@dataclass(frozen=True)
class Table:
    """Columns with a head, rows of cells, and sentences above and below.

    Attributes
    ----------
    head : tuple of str
        The names of the columns.
    rows : list of tuple
        The cells: strings as they are, numbers to a few digits, None for an empty cell.
    title : str
        Above everything else.
    facts : tuple of (str, str)
        Pairs of a name and a value, above the columns.
    notes : tuple of str
        Sentences below.
    most : int or None
        How many rows are printed, half of them the first and half the last; None for all.
    what : str
        What a row is, in the sentence that says how many there are; no sentence if it is empty.
    """

    head: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    title: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    most: int | None = None
    what: str = ""

    def text(self) -> str:
        """Return the table as lines of text; numbers are right-aligned, words left-aligned."""
        cells, cut = self._shown()
        left = self._left()
        grid = [self.head, *cells]
        widths = [max(len(row[j]) for row in grid) for j in range(len(self.head))]
        lines = [
            _GAP.join(
                cell.ljust(width) if own else cell.rjust(width)
                for cell, width, own in zip(row, widths, left, strict=True)
            ).rstrip()
            for row in grid
        ]
        if cut is not None:
            lines.insert(1 + cut, "...")
        if not any(self.head):
            lines = lines[1:]
        label = max((len(name) for name, _ in self.facts), default=0)
        facts = [
            f"{(name if k == 0 else '').ljust(label)}{_GAP}{line}"
            for name, value in self.facts
            for k, line in enumerate(textwrap.wrap(value, _WIDTH - label - len(_GAP)) or [""])
        ]
        below = [line for note in self._below() for line in textwrap.wrap(note, _WIDTH)]
        parts = [textwrap.wrap(self.title, _WIDTH), facts, lines, below]
        return "\n".join("\n".join(part) for part in _spaced(parts, bool(self.title or facts)))

    def html(self) -> str:
        """Return the table as HTML, with every word of the caller's escaped."""
        cells, cut = self._shown()
        left = self._left()
        out = ["<div>"]
        if self.title:
            out.append(f"<p><strong>{_escaped(self.title)}</strong></p>")
        if self.facts:
            out.append("<table>")
            out += [
                f'<tr><th style="text-align:left">{_escaped(name)}</th>'
                f'<td style="text-align:left">{_escaped(value)}</td></tr>'
                for name, value in self.facts
            ]
            out.append("</table>")
        out.append("<table>")
        head = "".join(_cell("th", name, own) for name, own in zip(self.head, left, strict=True))
        out.append(f"<thead><tr>{head}</tr></thead><tbody>")
        rows = ["".join(map(_cell_of_body, row, left)) for row in cells]
        if cut is not None:
            rows.insert(cut, f'<td colspan="{len(self.head)}">...</td>')
        out += [f"<tr>{row}</tr>" for row in rows]
        out.append("</tbody></table>")
        out += [f"<p>{_escaped(note)}</p>" for note in self._below()]
        return "\n".join([*out, "</div>"])

    def _below(self) -> list[str]:
        """Return how many rows there are, and the notes."""
        n = len(self.rows)
        many = f"{n} {self.what}" + ("" if n == 1 else "s")
        if self.what and self.most is not None and n > self.most:
            half = self.most // 2
            many += f", of which the first {self.most - half} and the last {half} are shown"
        return [*([f"[{many}]"] if self.what else []), *self.notes]

    def _shown(self) -> tuple[list[tuple[str, ...]], int | None]:
        """Return the cells that are printed, as strings, and before which of them rows are missing.

        Returns
        -------
        cells : list of tuple of str
        cut : int or None
            None where no row is left out.
        """
        rows, cut = self.rows, None
        if self.most is not None and len(rows) > self.most:
            half = self.most // 2
            cut = self.most - half
            rows = [*rows[:cut], *rows[len(rows) - half :]]
        return [tuple(shown(cell) for cell in row) for row in rows], cut

    def _left(self) -> list[bool]:
        """Return which columns are left-aligned: those of words, of which no cell is a number."""
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.head)
        return [
            any(isinstance(cell, Words) for cell in column)
            and not any(_is_number(cell) for cell in column)
            for column in columns
        ]


class Words(str):
    """A cell of words, whose column is left-aligned; other strings are numbers already printed."""


def shown(cell: Any) -> str:
    """Return a cell in words: numbers to five digits, ``-`` for NaN, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, numbers.Integral) and not isinstance(cell, bool):
        return str(int(cell))
    return number(float(cell)) if _is_number(cell) else _one_line(str(cell))


def number(value: float | None, digits: int = _DIGITS, padded: bool = False) -> str:
    """Return a number to significant digits: ``inf`` where it is infinite, ``-`` for NaN or None.

    Significant digits keep what is known of a number on any scale, from 1e-9 metres to light-years
    in metres.

    Parameters
    ----------
    value : float or None
        The number.
    digits : int
        How many digits.
    padded : bool
        Whether zeros at the end are kept, which say how precise a number is.

    Returns
    -------
    str
        The number; short where it is not padded.
    """
    if value is None or math.isnan(value):
        return MISSING
    if padded and value and math.isfinite(value):
        return f"{value:#.{digits}g}".removesuffix(".")
    return f"{value:.{digits}g}"


def fixed(value: float | None, decimals: int = 2) -> str:
    """Return a number to some decimals, in which differences are read off.

    Parameters
    ----------
    value : float or None
        The number, such as a log-likelihood in nats, of which hundredths suffice at any size.
    decimals : int
        How many decimals.

    Returns
    -------
    str
        With significant digits where the number is too large for decimals; ``-`` for NaN or None.
    """
    if value is None or not math.isfinite(value) or abs(value) >= _WIDE:
        return number(value, 10)
    return f"{value:.{decimals}f}"


def measured(
    value: float, error: float, digits: int = _DIGITS, digits_of_error: int = _DIGITS_OF_ERROR
) -> str:
    """Return an estimate with as many digits as its standard error asks for.

    Parameters
    ----------
    value : float
        The estimate.
    error : float
        Its standard error.
    digits : int
        The least number of digits.
    digits_of_error : int
        How many digits of the standard error are printed.

    Returns
    -------
    str
        The estimate to the place to which its standard error is printed.
    """
    if value and 0.0 < error < math.inf and math.isfinite(value):
        places = math.floor(math.log10(abs(value))) - math.floor(math.log10(error))
        digits = min(max(digits, places + digits_of_error), _MOST_DIGITS)
    return number(value, digits, padded=True)


def frame(columns: dict[str, Any]) -> Any:
    """Return a pandas DataFrame of columns.

    Parameters
    ----------
    columns : dict
        The values of each column by its name.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise ImportError(missing("to_frame", "pandas", "pandas")) from None
    return pandas.DataFrame(columns)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, numbers.Real) and not isinstance(cell, bool)


def _one_line(words: str) -> str:
    """Return words without line breaks, which would break the lines of a table."""
    return " ".join(words.split())


def _escaped(words: str) -> str:
    from html import escape

    return escape(_one_line(words))


def _cell(tag: str, words: str, left: bool) -> str:
    """Return one cell in HTML."""
    return f'<{tag} style="text-align:{"left" if left else "right"}">{_escaped(words)}</{tag}>'


def _cell_of_body(words: str, left: bool) -> str:
    return _cell("td", words, left)


def _spaced(parts: Sequence[list[str]], apart: bool) -> list[list[str]]:
    """Return the parts that are not empty, with an empty line between them if they stand apart."""
    kept = [part for part in parts if part]
    if not apart:
        return kept
    return [[*part, ""] for part in kept[:-1]] + kept[-1:]
