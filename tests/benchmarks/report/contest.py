"""Fits of the same rows by several tools: time in turns, memory in processes, accuracy.

A contest's seconds are those of the processor, on one thread, so that waiting for other processes
does not count. The tools fit in turns, whose order rotates, after one fit of each that is not
counted; ratios are of two times of the same round, so that the state of the machine meets both.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.report.oracle import asked

ROOT = Path(__file__).parents[3]

#: Rounds of a contest: as many as the seconds below allow, within these limits.
ROUNDS, BUDGET = (3, 15), 6.0

#: Seconds that are timed together at least, where a fit is shorter.
LONG = 0.1

#: Seconds that no import takes; the memory of longer fits is not measured, to keep a report short.
IMPORTS = 5.0

#: Seconds of the processor after which a fit is given up.
PATIENCE = 60.0


@dataclass(frozen=True)
class Fit:
    """One side.

    Attributes
    ----------
    package : str
        What must be installed.
    call : callable
        ``call(*data)`` returns what was fitted.
    value : callable
        ``value(fitted, *data)``: its log-likelihood in the unit of the contest, by the same
        formula for all sides wherever there is one.
    flag : callable
        ``flag(fitted)``: what the result says against itself, or nothing.
    how : str
        What is called, for the page.
    """

    package: str
    call: Callable
    value: Callable[..., float]
    flag: Callable[[Any], str] = lambda fitted: ""
    how: str = ""


@dataclass(frozen=True)
class Contest:
    """The same rows for all.

    Attributes
    ----------
    what : str
        Rows and model, for the page.
    data : callable
        Returns what the fits take.
    fits : dict
        Sides by name, natfit first.
    unit : str
        What ``below`` is counted in.
    needs : str
        Package that has the data.
    best : callable, optional
        ``best(*data, *fitted)``: the best known value, beside those of the sides.
    """

    what: str
    data: Callable[[], tuple]
    fits: Mapping[str, Fit]
    unit: str = "nats in total"
    needs: str = "natfit"
    best: Callable[..., float] | None = None


def present(package: str) -> bool:
    """Tell whether a package can be imported."""
    return importlib.util.find_spec(package) is not None


def answered(fit: Fit, data: tuple) -> dict[str, Any]:
    """Return what a side fits, its value and what it says; ``state`` names what is wrong."""
    if not present(fit.package):
        return {"state": "not installed"}
    kept: list[Any] = []

    def call() -> tuple[tuple, str]:
        kept.append(fit.call(*data))
        return (), fit.flag(kept[0])

    begin = time.perf_counter()
    answer = asked(call, PATIENCE)
    first = time.perf_counter() - begin
    if answer.args is None:
        return {"state": "no answer in time" if answer.late else "failed", "said": answer.said}
    return {
        "state": "ok",
        "said": answer.said,
        "value": float(fit.value(kept[0], *data)),
        "fitted": kept[0],
        "first": first,
    }


def once(call: Callable[[], Any]) -> float:
    """Return the seconds of the processor of one call, whatever it says or raises."""

    def quiet() -> tuple[tuple, str]:
        call()
        return (), ""

    return asked(quiet, PATIENCE).seconds


def repeated(call: Callable[[], Any], first: float = 0.0) -> int:
    """Return how many calls make a time that every clock can tell: some go by 4 ms.

    The first call, of ``first`` seconds, may have imported; one that was long is not made again.
    """
    if first > IMPORTS:
        return 1
    start = time.perf_counter()
    once(call)
    return max(1, min(round(LONG / max(time.perf_counter() - start, 1e-9)), 1000))


def rounds_of(
    calls: Mapping[str, Callable[[], Any]], many: Mapping[str, int], budget: float
) -> dict[str, list[float]]:
    """Return the seconds of a call in every round, of so many in a row, the order turning."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    gc.collect()
    gc.disable()
    try:
        began, k = time.perf_counter(), 0
        while k < ROUNDS[0] or (k < ROUNDS[1] and time.perf_counter() - began < budget):
            for name in names[k % len(names) :] + names[: k % len(names)]:
                seconds = once(lambda name=name: [calls[name]() for _ in range(many[name])])
                times[name].append(seconds / many[name])
            k += 1
    finally:
        gc.enable()
    return times


def held(contest: Contest, budget: float = BUDGET) -> dict[str, Any]:
    """Hold a contest: values, seconds in turns, and for what is missing a word."""
    row: dict[str, Any] = {"what": contest.what, "unit": contest.unit, "sides": {}}
    if not present(contest.needs):
        return row | {"missing": f"the data are part of {contest.needs}, which is not installed"}
    data = contest.data()
    sides = {name: answered(fit, data) for name, fit in contest.fits.items()}
    fitted = [side.pop("fitted") for side in sides.values() if side["state"] == "ok"]
    values = [s["value"] for s in sides.values() if s["state"] == "ok"]
    best = max([v for v in values if np.isfinite(v)], default=-np.inf)
    if contest.best is not None:
        best = max(best, contest.best(*data, *fitted))
    calls = {
        name: lambda fit=fit: fit.call(*data)
        for name, fit in contest.fits.items()
        if sides[name]["state"] == "ok"
    }
    many = {name: repeated(call, sides[name].pop("first")) for name, call in calls.items()}
    for name, seconds in rounds_of(calls, many, budget).items():
        sides[name]["seconds"] = seconds
    for name, call in calls.items():
        if max(sides[name]["seconds"]) < IMPORTS:
            sides[name]["added_mb"] = added(lambda call=call: once(call))
    for name, side in sides.items():
        side["how"] = contest.fits[name].how
        if side["state"] == "ok":
            side["below"] = float(best - side["value"])
    return row | {"sides": sides, "best": float(best)}


# -------------------------------------------------------------------------------------- memory


def resident(which: str) -> float | None:
    """Return what this process holds (VmRSS) or held at most (VmHWM), MB; None but on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = status.read_text().splitlines()
    found = [line.split()[1] for line in lines if line.startswith(which)]
    return int(found[0]) / 1024.0 if found else None


def reset() -> bool:
    """Give freed memory back and reset the high-water mark; False where that cannot be done."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        return False
    return True


def added(call: Callable[[], Any]) -> float | None:
    """Return what a call adds at most to the memory of a process, MB; None but on Linux.

    The process is a copy of this one, which has made the call already: what the call imports and
    keeps is no work of its own.
    """
    if not hasattr(os, "fork") or not Path("/proc/self/clear_refs").exists():
        return None
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if reset():
                before = resident("VmRSS")
                kept = call()
                os.write(there, json.dumps(resident("VmHWM") - before).encode())
                del kept
        finally:
            os._exit(0)
    os.close(there)
    with os.fdopen(here) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return max(json.loads(said), 0.0) if said else None


def measure(contests: Mapping[str, Contest], quick: bool) -> dict[str, Any]:
    """Hold all contests of a part; the first one only, and briefly, with ``quick``."""
    chosen = list(contests.items())[: 1 if quick else None]
    return {name: held(contest, 0.0 if quick else BUDGET) for name, contest in chosen}
