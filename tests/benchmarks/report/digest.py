"""What the page needs of a report: medians, spreads, ratios, counts, and four numbers for README."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.report import battery, policies
from tests.benchmarks.report.contest import ROOT
from tests.benchmarks.report.oracle import TOLERANCE

#: The page of certified values, and the marks around the table that sums it up.
CERTIFIED = ROOT / "docs/certified.md"
SUMMARY = re.compile(r"<!-- certified: summary -->\n\n(.+?)\n\n<!-- end -->", re.S)

#: Columns of that table.
ROWS, FEWEST, TOLD = "rows", "fewest digits of what was found", "no optimum, and it says so"

#: Parts that are contests.
CONTESTS = ("field", "regressions")

MISSING = "not measured"


def rounded(value: float | None, digits: int = 4) -> float | None:
    """Return a number with few digits; None where it is not finite."""
    if value is None or not np.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def spread(values: list[float]) -> list[float | None]:
    """Return the median and the quartiles."""
    if not values:
        return [None, None, None]
    low, high = np.quantile(values, [0.25, 0.75])
    return [rounded(v) for v in (statistics.median(values), low, high)]


def contest(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a contest; the ratios are of times of the same round."""
    own = row["sides"].get("natfit", {}).get("seconds", [])
    sides = {}
    for name, side in row["sides"].items():
        shown = {key: side[key] for key in ("state", "said", "how") if key in side}
        if side["state"] == "ok":
            seconds = side["seconds"]
            shown |= {
                "seconds": spread(seconds),
                "rounds": len(seconds),
                "ratio": spread([a / b for a, b in zip(seconds, own, strict=False) if b > 0.0]),
                "below": rounded(max(side["below"], 0.0), 2),
                "added_mb": rounded(side.get("added_mb"), 2),
            }
        sides[name] = shown
    kept = {key: row[key] for key in ("what", "unit", "missing") if key in row}
    return kept | {"sides": sides, "lost": lost(sides)}


def right(side: dict[str, Any]) -> bool:
    """Tell whether a side is within the tolerance of the best known value."""
    below = side.get("below")
    return side["state"] == "ok" and below is not None and below <= TOLERANCE


def lost(sides: dict[str, Any]) -> list[str]:
    """Return what natfit loses: whom it is slower than by the median ratio, and less accurate."""
    own, words = sides.get("natfit"), []
    if own is None or own["state"] != "ok":
        return ["natfit: " + (own or {"state": "absent"})["state"]]
    for name, side in sides.items():
        if name == "natfit" or side["state"] != "ok":
            continue
        if right(side) and not right(own):
            words.append(f"less accurate than {name}")
        comparable = right(side) or not right(own)
        if comparable and side["ratio"][0] is not None and side["ratio"][0] < 1.0:
            words.append(f"slower than {name}")
    return words


def digest(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the page is written from; a part that failed is its message."""
    out: dict[str, Any] = {"machine": report["machine"], "quick": report["quick"]}
    makers = {
        "battery": battery.digest,
        "policies": policies.digest,
        "start": start,
        **{
            part: lambda rows: {name: contest(row) for name, row in rows.items()}
            for part in CONTESTS
        },
    }
    for part, make in makers.items():
        found = report["parts"].get(part, {"error": "it was not asked for"})
        out[part] = found if "error" in found else make(found)
    return renewed(out)


def start(part: dict[str, Any]) -> dict[str, Any]:
    """Return sizes with few digits, and medians and quartiles of the starts."""
    sizes = {
        name: row if isinstance(row, str) else {k: rounded(v) for k, v in row.items()}
        for name, row in part["sizes"].items()
    }
    starts = {k: v if isinstance(v, str) else spread(v) for k, v in part["starts"].items()}
    memory = {name: rounded(v, 3) for name, v in part["memory"].items()}
    return {"sizes": sizes, "starts": starts, "memory": memory}


def certified(path: Path = CERTIFIED) -> str:
    """Return what the table that sums up the page of certified values says, in a sentence."""
    found = SUMMARY.search(path.read_text(encoding="utf-8")) if path.exists() else None
    if found is None:
        return MISSING
    head, _, *lines = ([c.strip() for c in x.strip("|").split("|")] for x in found[1].splitlines())
    if not {ROWS, FEWEST, TOLD} <= set(head):
        return MISSING
    rows, fewest, told = (
        [int(line[head.index(name)]) for line in lines] for name in (ROWS, FEWEST, TOLD)
    )
    text = f"at least {min(fewest)} digits in {sum(rows) - sum(told)} of {sum(rows)} fits"
    return (
        f"{text}; in the other {sum(told)} natfit says that it found no optimum"
        if sum(told)
        else text
    )


def renewed(short: dict[str, Any]) -> dict[str, Any]:
    """Return a digest with what the page of certified values says now."""
    short = short | {"certified": certified()}
    return short | {"headline": headline(short)}


# ------------------------------------------------------------------------------- four numbers


def headline(found: dict[str, Any]) -> dict[str, str]:
    """Return the four numbers for README, each as a sentence's end.

    Parameters
    ----------
    found : dict
        A digest, as docs/benchmarks.json has it; its own ``headline`` is not read.

    Returns
    -------
    dict of str
        What was measured to the figure in words; "not measured" where a part is missing.
    """
    return {
        "fits that fail silently": _silent(found["battery"]),
        "time": _faster(found),
        "digits that agree with certified values": found["certified"],
        "start": _start(found["start"]),
    }


def _silent(part: dict[str, Any]) -> str:
    both = part.get("shared", {}).get("scipy")
    if not both:
        return MISSING
    return (
        f"natfit {both['natfit']:,}, scipy {both['peer']:,} of {both['fits']:,} hostile but "
        "legitimate fits"
    )


def races(found: dict[str, Any]) -> list[float]:
    """Return, for each contest of one model, the time of the fastest right peer over natfit's."""
    ratios = []
    for part in CONTESTS:
        for row in {} if "error" in found[part] else found[part].values():
            own = row["sides"].get("natfit", {"state": "absent"})
            if "another model" in row["unit"] or not right(own):
                continue
            peers = [s for n, s in row["sides"].items() if n != "natfit" and right(s)]
            known = [s["ratio"][0] for s in peers if s["ratio"][0] is not None]
            if known:
                ratios.append(min(known))
    return ratios


def _faster(found: dict[str, Any]) -> str:
    ratios = races(found)
    if not ratios:
        return MISSING
    first = sum(ratio > 1.0 for ratio in ratios)
    return (
        f"the fastest peer that is right takes {statistics.median(ratios):.2g} times as long as "
        f"natfit in the median of {len(ratios)} comparisons; natfit is first in {first}"
    )


def _start(part: dict[str, Any]) -> str:
    times = {name: v for name, v in part.get("starts", {}).items() if not isinstance(v, str)}
    keys = ("`import natfit`", "natfit and a first fit", "scipy and a first fit")
    if not all(key in times for key in keys):
        return MISSING
    bare, own, peer = (times[key][0] for key in keys)
    short = f"{bare:.2g} s" if bare > 0.01 else "less than 0.01 s"
    return (
        f"`import natfit` takes {short}; a first fit has ended after {own:.2g} s "
        f"of the processor, scipy's after {peer:.2g} s"
    )
