"""The robustness battery: hostile but legitimate fits, every tool judged by the same oracle.

Cases are families x parameters, usual and near limits, x numbers of rows x units of y x origins
far from the rows x what is hidden of the rows. All come from one seed, 0; none is left out but
those of which no maximum is seen: the likelihood goes on growing at the end of five simplexes.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.benchmarks.report import oracle
from tests.benchmarks.report.laws import LAWS, Law
from tests.benchmarks.report.rows import CENSORING, Rows
from tests.benchmarks.report.tools import TOOLS, installed

SEED = 0

#: Units of y, and the origin's distance in the unit of the law's scale.
UNITS, FAR_ORIGIN = (1e-9, 1e-4, 1.0, 1e4, 1e9), 1e6

#: Rows of the cases whose rows are censored, far from the origin or have an outlier.
MANY, OUTLIER = 60, 1e4

#: Seconds of the processor that a tool gets for a fit.
PATIENCE = 10.0


@dataclass(frozen=True)
class Setting:
    """Rows of unit one that are asked for in several units.

    Attributes
    ----------
    law, truth : str
        Family, and which of its parameters.
    n : int
        Number of rows.
    kind : str
        What is hard about them, beside the unit.
    """

    law: str
    truth: str
    n: int
    kind: str

    @property
    def name(self) -> str:
        return f"{self.law}/{self.truth}/{self.n} rows/{self.kind}"

    def data(self) -> Rows:
        """Return the rows; counts that are all alike, and values at a limit, are drawn anew."""
        law, rng = LAWS[self.law], np.random.default_rng([SEED, *self.name.encode()])
        args = law.truths[self.truth]
        y = _drawn(law, rng, self.n, args)
        if self.kind == "outlier":
            y[0] = OUTLIER * np.max(np.abs(y))
        return CENSORING.get(self.kind, CENSORING["all known"])(y)

    def units(self) -> tuple[float, ...]:
        return UNITS if LAWS[self.law].has_unit else (1.0,)

    @property
    def shift(self) -> float:
        return FAR_ORIGIN if self.kind == "far origin" else 0.0


def _drawn(law: Law, rng: np.random.Generator, n: int, args: tuple) -> np.ndarray:
    for _ in range(100):
        y = law.rows(rng, n, args)
        inside = np.isfinite(y) if law.count else np.isfinite(y) & (y != 0.0) & (y != 1.0)
        if inside.all() and len(np.unique(y)) > 1:
            return y
    raise RuntimeError(f"no usable rows of {args}")


def settings() -> Iterator[Setting]:
    """Every case but for the units."""
    for name, law in LAWS.items():
        for truth in law.truths:
            for n in law.sizes:
                yield Setting(name, truth, n, "all known")
        usual = next(iter(law.truths))
        if law.can_shift:
            yield Setting(name, usual, MANY, "far origin")
        if law.has_unit:
            yield Setting(name, usual, MANY, "outlier")
            for kind in list(CENSORING)[1:]:
                yield Setting(name, usual, MANY, kind)


# ------------------------------------------------------------------------------------- measured


def judged(setting: Setting) -> dict[str, Any]:
    """Ask every tool for the fits of a setting in every unit, and judge the answers."""
    law, rows = LAWS[setting.law], setting.data()
    truth = law.truths[setting.truth]
    answers: dict[tuple[str, float], oracle.Answer] = {}
    for unit in setting.units():
        moved = rows.moved(setting.shift, unit) if law.has_unit else rows
        for tool in installed():
            if TOOLS[tool].offers(setting.law, moved):
                fit = TOOLS[tool].fit
                answers[tool, unit] = oracle.asked(
                    lambda fit=fit, moved=moved: fit(setting.law, moved), PATIENCE
                )
    values, home = {}, []
    for (tool, unit), answer in answers.items():
        moved = rows.moved(setting.shift, unit) if law.has_unit else rows
        values[tool, unit] = -np.inf
        if answer.args is not None:
            known = len(rows.exact) if law.has_unit else 0
            values[tool, unit] = law.loglik(answer.args, moved) + known * np.log(unit)
            home.append(_home(law, answer.args, setting.shift, unit))
    best, at, settled = oracle.best_known(law, rows, truth, home)
    best = max(best, *values.values()) if values else best
    return {
        "name": setting.name,
        "best": best,
        "at": [float(a) for a in at],
        "settled": bool(settled and np.isfinite(best)),
        "answers": [
            {
                "tool": tool,
                "unit": unit,
                "word": oracle.verdict(answer, values[tool, unit], best),
                "below": float(best - values[tool, unit]),
                "said": answer.said,
                "seconds": answer.seconds,
                "args": None if answer.args is None else [float(a) for a in answer.args],
            }
            for (tool, unit), answer in answers.items()
        ],
    }


def _home(law: Law, args: tuple, shift: float, unit: float) -> tuple:
    """Return the arguments in the unit and at the origin in which rows were drawn."""
    if not law.has_unit:
        return args
    return (*args[:-2], args[-2] / unit - shift * (law.charts[-2] == "r"), args[-1] / unit)


def measure(quick: bool = False) -> dict[str, Any]:
    """Run the battery on all cores; every fortieth setting with ``quick``."""
    todo = list(settings())[:: 40 if quick else 1]
    found = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for case in pool.map(judged, todo, chunksize=1):
            found.append(case)
            if len(found) % 25 == 0:
                print(f"battery: {len(found)} of {len(todo)} settings", file=sys.stderr, flush=True)
    return {
        "tolerance": oracle.TOLERANCE,
        "patience": PATIENCE,
        "tools": {name: tool.how for name, tool in TOOLS.items()},
        "installed": list(installed()),
        "cases": found,
    }


# -------------------------------------------------------------------------------------- counted


def digest(part: dict[str, Any], examples: int = 3) -> dict[str, Any]:
    """Return the counts of a measured battery, and its failures with what reproduces them."""
    cases = [case for case in part["cases"] if case["settled"]]
    flat = [(case, answer) for case in cases for answer in case["answers"]]
    kinds = _counted(flat, lambda case, answer: _kind(case["name"], answer["unit"]))
    return {
        "tolerance": part["tolerance"],
        "patience": part["patience"],
        "tools": part["tools"],
        "installed": part["installed"],
        "fits": sum(len(_units(case)) for case in cases),
        "left_out": [case["name"] for case in part["cases"] if not case["settled"]],
        "words": _counted(flat, lambda case, answer: "all"),
        "shared": _shared(cases),
        "seconds": {
            tool: statistics.fmean(a["seconds"] for _, a in flat if a["tool"] == tool)
            for tool in part["installed"]
            if any(a["tool"] == tool for _, a in flat)
        },
        "by_kind": {kind: kinds[kind] for kind in sorted(kinds, key=_order)},
        "by_family": _counted(flat, lambda case, answer: case["name"].split("/")[0]),
        "failures": _failures(flat, examples),
    }


def _units(case: dict) -> set[float]:
    return {answer["unit"] for answer in case["answers"]}


def _kind(name: str, unit: float) -> list[str]:
    """Return the lines of the table by kind to which a fit belongs."""
    law, truth, rows, kind = name.split("/")
    if kind == "all known":
        usual = truth == next(iter(LAWS[law].truths))
        kind = f"{'usual' if usual else 'extreme'} parameters, all known"
    return [kind, rows, *([f"unit {unit:g}"] if LAWS[law].has_unit else [])]


def _order(kind: str) -> tuple:
    """Kinds first, then numbers of rows, then units, both by size."""
    word = re.fullmatch(r"(?:unit )?([\d.e+-]+)(?: rows)?", kind)
    place = 0 if word is None else 1 + kind.startswith("unit")
    kinds = ["usual parameters, all known", "extreme parameters, all known", "far origin"]
    kinds += ["outlier", *CENSORING]
    return place, float(word[1]) if word else kinds.index(kind)


def _counted(flat: list, key: Any) -> dict[str, dict[str, dict[str, int]]]:
    """Return, by key and tool, how often each word was said."""
    counts: dict[str, dict[str, Counter]] = {}
    for case, answer in flat:
        keys = key(case, answer)
        for one in [keys] if isinstance(keys, str) else keys:
            tools = counts.setdefault(one, {})
            tools.setdefault(answer["tool"], Counter())[answer["word"]] += 1
    return {k: {t: dict(c) for t, c in tools.items()} for k, tools in counts.items()}


def _shared(cases: list[dict]) -> dict[str, dict[str, int]]:
    """Return, for each peer, the silent failures of natfit and of the peer in the fits of both."""
    words = {(c["name"], a["unit"], a["tool"]): a["word"] for c in cases for a in c["answers"]}
    found = {}
    for peer in {tool for _, _, tool in words} - {"natfit"}:
        both = [(n, u) for n, u, t in words if t == peer and (n, u, "natfit") in words]
        silent = {
            t: sum(words[n, u, t] == "silent failure" for n, u in both)
            for t in TOOLS
            if t in (peer, "natfit")
        }
        found[peer] = {"fits": len(both), "natfit": silent["natfit"], "peer": silent[peer]}
    return dict(sorted(found.items()))


def _failures(flat: list, examples: int) -> dict[str, list[dict[str, Any]]]:
    """Return natfit's failures, all of them, and the peers' silent ones farthest below."""
    found: dict[str, list[dict[str, Any]]] = {}
    for tool in TOOLS:
        same: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for case, answer in flat:
            kept = answer["word"] == "silent failure" or tool == "natfit"
            if answer["tool"] == tool and kept and not answer["word"].startswith("right"):
                same.setdefault((case["name"], answer["word"]), []).append(answer)
        failed = [_together(name, word, answers) for (name, word), answers in same.items()]
        failed.sort(key=lambda one: (one["word"] != "silent failure", -(one["below"] or 1e300)))
        found[tool] = failed if tool == "natfit" else failed[:examples]
    return found


def _together(name: str, word: str, answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one line for the units of a setting; ``below`` is None where a value is not finite."""
    below = max(answer["below"] for answer in answers)
    return {
        "name": name,
        "units": [answer["unit"] for answer in answers],
        "word": word,
        "below": float(f"{below:.3g}") if np.isfinite(below) else None,
        "said": answers[0]["said"],
    }


def shown(name: str) -> str:
    """Return all that is known of one fit, ``family/parameters/n rows/kind/unit u``."""
    law, truth, rows, kind, *unit = name.split("/")
    setting = Setting(law, truth, int(rows.split()[0]), kind)
    case = judged(setting)
    there = f"a search found it at {case['at']}"
    lines = [f"{case['name']}: best known {case['best']:.6f} nats in unit 1; {there}"]
    for answer in case["answers"]:
        if unit and f"unit {answer['unit']:g}" != unit[0]:
            continue
        lines.append(
            f"  {answer['tool']:12s} unit {answer['unit']:<6g} {answer['word']:20s} "
            f"below {answer['below']:.3g}  {answer['args']}  {answer['said']}"
        )
    return "\n".join(lines)
