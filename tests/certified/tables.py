"""The tables of docs/certified.md: what they show, and what may be read from them again.

A cell shows digits in whole numbers: all that the source gives, or half a digit less than were
agreed to, rounded down. So that a processor that rounds otherwise reaches them too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.certified import linear, nonlinear, published, univariate
from tests.certified.digits import Answer, Case, Quantity

#: Names of the tables, with the heads of the columns that name a row.
HEADS = {
    "univariate": ("data", "difficulty"),
    "linear": ("data", "difficulty"),
    "anova": ("data", "difficulty"),
    "nonlinear": ("data", "difficulty", "start"),
    "damped": ("data", "difficulty", "start"),
    "published": ("model", "source", "data"),
    "r": ("pair", "package"),
}

#: Digits of the first quantity below which an answer is another one than the source's.
SAME = 3

#: What a row says where the source has nothing to compare with.
NOTHING = "-"

BLOCK = re.compile(r"<!-- certified: (\w+) -->\n\n(.*?)(?=\n\n<!-- end -->)", re.S)


def cases() -> list[Case]:
    """Return all cases, in the order of the page."""
    return [case for m in (univariate, linear, nonlinear, published) for case in m.cases()]


@dataclass(frozen=True)
class Row:
    """What the page says of a case: digits by quantity as (reached, given), and the end."""

    digits: dict[str, tuple[int, int]]
    status: str

    @property
    def wrong(self) -> bool:
        """Whether it claims an optimum which is not that of the source."""
        return self.good and next(iter(self.digits.values()))[0] < SAME

    @property
    def good(self) -> bool:
        """Whether the fit says that it found the optimum."""
        return self.status in (NOTHING, "converged", "gradient_small", "rounding_floor")


def shown(quantity: Quantity) -> tuple[int, int]:
    """Return the digits that the page shows, and those of the source."""
    agreed = quantity.agreed()
    if agreed == quantity.given:
        return quantity.given, quantity.given
    return max(math.floor(agreed - 0.5), 0), quantity.given


def row_of(answer: Answer) -> Row:
    """Return what the page says of an answer."""
    digits = {name: shown(quantity) for name, quantity in answer.quantities.items()}
    return Row(digits, answer.status or NOTHING)


def written(table: str, rows: dict[tuple[str, ...], Row]) -> str:
    """Return a table in Markdown."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row.digits))
    lines = [[*HEADS[table], *names, "ends"]]
    lines.append(["---"] * len(lines[0]))
    for key, row in rows.items():
        cells = [
            f"{row.digits[n][0]} of {row.digits[n][1]}" if n in row.digits else NOTHING
            for n in names
        ]
        lines.append([*key, *cells, row.status])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def read(text: str, table: str) -> dict[tuple[str, ...], Row]:
    """Return the rows of a table in Markdown."""
    head, _, *lines = [line.strip("| ").split(" | ") for line in text.splitlines()]
    n, found = len(HEADS[table]), {}
    for cells in lines:
        pairs = zip(head[n:-1], cells[n:-1], strict=True)
        digits = {name: tuple(map(int, cell.split(" of "))) for name, cell in pairs if cell != "-"}
        found[tuple(cells[:n])] = Row(digits, cells[-1])
    return found


def summary(tables: dict[str, dict[tuple[str, ...], Row]]) -> str:
    """Return the table that counts: rows, ends, and the fewest digits of each first quantity."""
    head = [
        "table",
        "rows",
        "fewest digits of what was found",
        "no optimum, and it says so",
        "another optimum than the source's",
    ]
    lines = [head, ["---"] * len(head)]
    for name, rows in tables.items():
        good = [row for row in rows.values() if row.good and not row.wrong]
        fewest = min((next(iter(row.digits.values()))[0] for row in good), default=0)
        counts = [sum(not row.good for row in rows.values()), sum(r.wrong for r in rows.values())]
        lines.append([f"[{name}](#{name})", str(len(rows)), str(fewest), *map(str, counts)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def on_page(page: str) -> dict[str, dict[tuple[str, ...], Row]]:
    """Return the tables of a page."""
    return {name: read(text, name) for name, text in BLOCK.findall(page) if name in HEADS}


def with_tables(page: str, answers: Iterable[tuple[Case, Answer]]) -> str:
    """Return the page with tables of these answers."""
    rows: dict[str, dict[tuple[str, ...], Row]] = {name: {} for name in HEADS}
    for case, answer in answers:
        rows[case.table][case.row] = row_of(answer)
    texts = {name: written(name, found) for name, found in rows.items()}
    texts["summary"] = summary(rows)
    return BLOCK.sub(lambda m: f"<!-- certified: {m[1]} -->\n\n{texts[m[1]]}", page)
