"""Write the tables that come from the registries: python docs/_generate.py (``make tables``).

README.md and the pages of this folder hold them between ``<!-- name -->`` and ``<!-- end -->``,
where name is a key of TABLES. A component that is added joins them when this is run.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from natfit import NaturalMLE, NaturalPolicyEstimator
from natfit._component import Component, available, component_class, resolve
from natfit.coordinates import Coordinates
from natfit.distributions.base import Distribution
from natfit.rl.baselines.base import Baseline
from natfit.testing import kinds
from natfit.testing.data import points

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"(?<=<!-- )(?!end )(\w+)( -->\n\n).*?(?=\n\n<!-- end -->)", re.S)

#: Arguments of the estimators that have another name than the kind that they take.
ARGUMENTS = {"Model": "policy", "Environment": "env"}

HEAD = [
    "family",
    "support",
    "parameters",
    "K",
    "Fisher information",
    "coordinates",
    "cdf",
    "`scipy.stats`",
    "at a limit",
]


def updated(page: str) -> str:
    """Return the page with the tables that follow from the registries now."""
    return BLOCK.sub(lambda found: found[1] + found[2] + TABLES[found[1]](), page)


def outdated() -> list[str]:
    """Return the names of the pages whose tables differ from those of the registries."""
    texts = {path: path.read_text(encoding="utf-8") for path in PAGES}
    return [path.name for path, text in texts.items() if updated(text) != text]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# --------------------------------------------------------------------------- every component


def _choices() -> str:
    """Return a table of the strings that each argument of an estimator takes, a default first."""
    rows = []
    for base, (argument, default) in _arguments().items():
        names = sorted(available(base), key=lambda name: name != (default or "none"))
        cells = ", ".join(f"`{name}`" for name in names)
        rows.append([base.__name__.lower(), f"`{argument}`", cells])
    return _table(["part", "argument", "choices, the default of `NaturalMLE` first"], rows)


def _arguments() -> dict[type[Component], tuple[str, object]]:
    """Return, for each kind, the argument that takes it and its default."""
    nouns = {ARGUMENTS.get(base.__name__, base.__name__.lower()): base for base in kinds()}
    found: dict[type[Component], tuple[str, object]] = {}
    for estimator in (NaturalMLE, NaturalPolicyEstimator):
        for name, parameter in inspect.signature(estimator).parameters.items():
            if name in nouns:
                found.setdefault(nouns[name], (name, parameter.default))
    return found


def _components() -> str:
    """Return, for each kind but distributions, a table of strings, classes and first lines."""
    parts, arguments = [], _arguments()
    for base in kinds():
        if base is not Distribution:
            where = f"`{base._package.replace('.', '/')}/`"
            if base in arguments:
                where += f", the argument `{arguments[base][0]}`"
            parts += [f"## {base.__name__}", "", where, ""]
            parts += [_table(["string", "class", "what it is"], list(_described(base))), ""]
    return "\n".join(parts).rstrip()


def _baselines() -> str:
    """Return a table of the baselines, with the first line of each file."""
    return _table(
        ["`baseline`", "$V(s)$"], [[name, what] for name, _, what in _described(Baseline)]
    )


def _described(base: type[Component]) -> Iterator[list[str]]:
    for name in available(base):
        cls = component_class(name, base)
        yield [f"`{name}`", f"`{cls.__name__}`", _first_line(cls)]


def _first_line(cls: type) -> str:
    """Return the first line of the file that defines a class, which says what it is."""
    line = sys.modules[cls.__module__].__doc__.splitlines()[0]
    return line.replace("|", "\\|")


def _wrappers() -> str:
    """Return a table of the wrappers, with the first line of each file."""
    rows = []
    for name in available(Distribution):
        cls = component_class(name, Distribution)
        if cls.__module__.startswith("natfit.distributions.wrappers."):
            arguments = ", ".join(inspect.signature(cls).parameters)
            rows.append([f"`{cls.__name__}({arguments})`", _first_line(cls)])
    return _table(["wrapper", "what it makes"], rows)


# ------------------------------------------------------------------------ wrappers of wrappers

#: Families that stand for the densities of positive numbers, those of all numbers, and counts.
INSIDE = {"weibull": "positive", "normal": "real", "poisson": "counts"}


def _last_known(family: Distribution) -> Distribution:
    name = list(family.params)[-1]
    values = family.native_dict(np.full(family.n_params, 0.4))
    return component_class("fixed", Distribution)(family, {name: values[name]})


def _first_bounded(family: Distribution) -> Distribution:
    name = next(name for name, own in family.params.items() if own.shape == ())
    value = float(family.native_dict(np.full(family.n_params, 0.4))[name])
    return component_class("bounded", Distribution)(family, {name: (value / 2, 9.0 * value)})


#: How a wrapper is made that needs more than a family.
MADE = {
    "truncated": lambda cls, family: cls(family, 0.0, 9.0),
    "mixture": lambda cls, family: cls(family, 2),
    "fixed": lambda cls, family: _last_known(family),
    "bounded": lambda cls, family: _first_bounded(family),
    "constrained": lambda cls, family: cls(family, {}),
}


def wrapped(name: str, family: Distribution) -> Distribution | str:
    """Return a wrapper around a family, or the reason why there is none."""
    cls = component_class(name, Distribution)
    try:
        made = MADE.get(name, lambda cls, family: cls(family))(cls, family)
        made.params  # noqa: B018  # Arguments are checked on first use.
        return made.checked() if hasattr(made, "checked") else made
    except ValueError as error:
        return str(error)


def combinations() -> dict[tuple[str, str, str], Distribution | str]:
    """Make every wrapper of every wrapper.

    Returns
    -------
    dict
        By (outer, inner, family) the wrapper, or the reason why there is none; no entry where the
        inner wrapper does not take the family itself.
    """
    names = [
        name
        for name in available(Distribution)
        if component_class(name, Distribution).__module__.startswith("natfit.distributions.wrap")
        and name != "censored"
    ]
    found = {}
    for base in INSIDE:
        for inner in names:
            made = wrapped(inner, resolve(base, Distribution))
            if not isinstance(made, str):
                found.update({(outer, inner, base): wrapped(outer, made) for outer in names})
    return found


def _combinations() -> str:
    """Return a table of the wrappers that go around a wrapper, and the reasons of refusals."""
    found = combinations()
    names = list(dict.fromkeys(outer for outer, _, _ in found))
    title = {name: component_class(name, Distribution).__name__ for name in names}
    rows, reasons = [], []
    for outer in names:
        cells = []
        for inner in names:
            fits = [
                base for base in INSIDE if not isinstance(found.get((outer, inner, base), ""), str)
            ]
            cells.append(", ".join(INSIDE[base] for base in fits) or "-")
        rows.append([f"`{title[outer]}`", *cells])
        words = [v for (name, _, _), v in found.items() if name == outer and isinstance(v, str)]
        short = dict.fromkeys(re.split(r", (?:such|got|and that|and|which) ", v)[0] for v in words)
        if short:
            reasons.append(f"- `{title[outer]}`: " + "; ".join(short) + ".")
    head = ["around", *(f"`{title[inner]}`" for inner in names)]
    return "\n".join([_table(head, rows), "", *reasons])


# -------------------------------------------------------------------------------- the families


def _families() -> str:
    """Return a table with one row for each family that the registry finds."""
    return _table(HEAD, [_row(name) for name in available(Distribution)])


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
        "; ".join(_limit(family, *item) for item in family.limit_meaning.items()) or "-",
    ]


def _example(name: str) -> Distribution:
    """Return the example with the most parameters and, among these, the widest finite support."""

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
    """Return the name of a parameter and the values that it may take."""
    if not constraint.elementwise:
        return f"`{name}` ({type(constraint).__name__.lower()})"
    low, high = constraint.native_bounds
    size = f"[{constraint.shape[0]}]" if constraint.shape else ""
    words = {(-np.inf, np.inf): "", (0.0, np.inf): " > 0"}.get(
        (low, high), f" in ({low:g}, {high:g})"
    )
    return f"`{name}{size}`{words}"


def _coordinates(family: Distribution) -> list[str]:
    """Return the names of the coordinates that the family has."""
    found = []
    for name in sorted(available(Coordinates), key=lambda n: n != "unconstrained"):
        try:
            resolve(name, Coordinates).bind(family, points(family)[0])
        except ValueError:
            continue
        found.append(name)
    return found


def _scipy(cls: type[Distribution]) -> str:
    """Return the distribution of scipy that the docstring names, with which tests compare."""
    found = re.search(r"Matches\s+``scipy\.stats\.(.+?)``", cls.__doc__, re.S)
    return f"`{' '.join(found[1].split())}`" if found else "-"


def _limit(family: Distribution, where: tuple[str, str], meaning: str) -> str:
    name, side = where
    end = family.params[name].native_bounds[side == "upper"]
    return f"`{name}` at {end:g}: {meaning}"


# ----------------------------------------------------------------------------------- measured


def _measured() -> str:
    """Return the four numbers that ``make report`` measured last."""
    found = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    return _table(["what", "measured"], [list(row) for row in found["headline"].items()])


TABLES = {
    "choices": _choices,
    "baselines": _baselines,
    "wrappers": _wrappers,
    "combinations": _combinations,
    "families": _families,
    "measured": _measured,
}

if __name__ == "__main__":
    for path in PAGES:
        path.write_text(updated(path.read_text(encoding="utf-8")), encoding="utf-8")
