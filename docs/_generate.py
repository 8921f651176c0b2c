"""Write the table of families in distributions.md from the registry: python docs/_generate.py."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from natfit._component import available, component_class, resolve
from natfit.coordinates import Coordinates
from natfit.distributions.base import Distribution
from natfit.testing.data import points

PAGE = Path(__file__).with_name("distributions.md")
TABLE = re.compile(r"(?<=<!-- families -->\n\n).*?(?=\n\n<!-- end -->)", re.S)

HEAD = [
    "family",
    "support",
    "parameters",
    "K",
    "Fisher information",
    "coordinates",
    "cdf",
    "`scipy.stats`",
    "at a bound",
]


def table() -> str:
    """A row for each family that the registry finds."""
    rows = [_row(name) for name in available(Distribution)]
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def updated(page: str) -> str:
    """The page with the table that the registry gives now."""
    return TABLE.sub(lambda _: table(), page)


def _row(name: str) -> list[str]:
    family = _example(name)
    arguments = re.search(r"\((.*)\)$", " ".join(repr(family).split()))[1]
    return [
        f"`{name}`" + (f" ({arguments})" if arguments else ""),
        _support(family),
        ", ".join(_parameter(*item) for item in family.params.items()),
        str(family.n_params),
        family.information.route.value,
        ", ".join(_coordinates(family)),
        "yes" if family.has_cdf else "no",
        _scipy(type(family)),
        "; ".join(_bound(family, *item) for item in family.limit_meaning.items()) or "-",
    ]


def _example(name: str) -> Distribution:
    """The richest example: most parameters, then the widest finite support."""

    def size(family: Distribution) -> tuple[float, float]:
        high = np.inf if family.support is None else float(np.max(family.support.high))
        return family.n_params, high if np.isfinite(high) else 0.0

    return max(component_class(name, Distribution).examples(), key=size)


def _support(family: Distribution) -> str:
    support = family.support
    words = "whole numbers" if support.integer else "numbers"
    sign = "<=" if support.closed else "<"
    low = "" if np.isinf(support.low) else f"{support.low:.4g} {sign} "
    ends = ", ".join(f"{end:.4g}" for end in np.ravel(support.high))
    ends = f"({ends})" if isinstance(support.high, tuple) else ends
    high = "" if np.all(np.isinf(support.high)) else f" {sign} {ends}"
    where = f"{words} {low}y{high}" if low or high else f"{words} y"
    return where if family.event_shape == () else f"{where}, {family.event_shape[0]} columns"


def _parameter(name: str, constraint: object) -> str:
    """The name and what it may be."""
    if not hasattr(constraint, "first"):
        return f"`{name}` ({type(constraint).__name__.lower()})"
    low, high = constraint.native_bounds
    size = f"[{constraint.shape[0]}]" if constraint.shape else ""
    words = {(-np.inf, np.inf): "", (0.0, np.inf): " > 0"}.get(
        (low, high), f" in ({low:g}, {high:g})"
    )
    return f"`{name}{size}`{words}"


def _coordinates(family: Distribution) -> list[str]:
    """Names of the coordinates that the family has."""
    found = []
    for name in sorted(available(Coordinates), key=lambda n: n != "unconstrained"):
        try:
            resolve(name, Coordinates).bind(family, points(family)[0])
        except ValueError:
            continue
        found.append(name)
    return found


def _scipy(cls: type[Distribution]) -> str:
    """The counterpart that the docstring names, which the registry's tests compare with."""
    found = re.search(r"Matches\s+``scipy\.stats\.(.+?)``", cls.__doc__, re.S)
    return f"`{' '.join(found[1].split())}`" if found else "-"


def _bound(family: Distribution, where: tuple[str, str], meaning: str) -> str:
    name, side = where
    end = family.params[name].native_bounds[side == "upper"]
    return f"`{name}` at {end:g}: {meaning}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
