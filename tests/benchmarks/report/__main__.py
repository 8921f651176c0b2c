"""Measure the parts, each in a process of its own, and write the page."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
ROOT = Path(__file__).parents[3]
STORE, COPY, PAGE = (
    ROOT / name
    for name in (".benchmarks/report.json", "docs/benchmarks.json", "docs/benchmarks.md")
)
PARTS = ("battery", "field", "regressions", "policies", "start")

#: Modules of parts whose names are others.
HOMES = {"start": "machine"}

#: Minutes after which a part is given up.
LIMIT = 15.0


def measured(part: str, quick: bool) -> dict[str, Any]:
    """Measure one part in this process."""
    module = import_module(f"tests.benchmarks.report.{HOMES.get(part, part)}")
    if hasattr(module, "CONTESTS"):
        from tests.benchmarks.report import contest

        return contest.measure(module.CONTESTS, quick)
    return module.measure(quick)


def apart(part: str, quick: bool) -> dict[str, Any]:
    """Measure one part in a process of its own; how it failed, if it did, is its result."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "part.json"
        run = [sys.executable, "-m", __package__, "--into", str(out), "--part", part]
        try:
            done = subprocess.run([*run, *["--quick"] * quick], cwd=ROOT, timeout=60.0 * LIMIT)
        except subprocess.TimeoutExpired:
            return {"error": f"it took more than {LIMIT:g} minutes"}
        if done.returncode or not out.exists():
            return {"error": f"its process ended with code {done.returncode}"}
        return json.loads(out.read_text(encoding="utf-8"))


def write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    other = path.with_name(path.name + ".tmp")
    other.write_text(text, encoding="utf-8")
    os.replace(other, path)


def report(parts: list[str], quick: bool, store: Path) -> dict[str, Any]:
    """Measure parts; those that are not asked for are taken from the last report, if there is one."""
    from tests.benchmarks.report import machine

    last: dict[str, Any] = {"parts": {}}
    if store.exists() and not quick:
        last = json.loads(store.read_text(encoding="utf-8"))
    found = {part: last["parts"][part] for part in PARTS if part in last["parts"]}
    for part in parts:
        begin = time.perf_counter()
        found[part] = apart(part, quick)
        print(f"{part}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    return {"machine": machine.described(), "quick": quick, "parts": found}


def publish(short: dict[str, Any], folder: Path) -> None:
    """Write a digest and the page of it; the page is made before anything is written."""
    from tests.benchmarks.report.page import written

    text = written(short)
    figures = json.dumps(short, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write(folder / COPY.name, figures)
    write(folder / PAGE.name, text)
    print(folder / PAGE.name)


def renew(folder: Path) -> None:
    """Write the page anew from the figures beside it."""
    from tests.benchmarks.report.digest import renewed

    publish(renewed(json.loads((folder / COPY.name).read_text(encoding="utf-8"))), folder)


def arguments() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.report")
    words = "parts to measure, all by default; the others keep their last figures"
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS), help=words)
    parser.add_argument("--quick", action="store_true", help="a small part of each")
    parser.add_argument("--page", action="store_true", help="the page from benchmarks.json")
    parser.add_argument("--case", nargs="+", help="fits of the battery in full")
    parser.add_argument("--to", type=Path, help="folder of the page, docs by default")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Do what is asked for; threads are set before any process imports numpy."""
    args = arguments()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    if args.case:
        from tests.benchmarks.report import battery

        print("\n".join(map(battery.shown, args.case)))
    elif args.into:
        write(args.into, json.dumps(measured(args.part[0], args.quick)))
    elif args.page:
        renew(args.to or COPY.parent)
    else:
        from tests.benchmarks.report.digest import digest

        store = STORE if args.to is None else args.to / STORE.name
        found = report(args.part, args.quick, store)
        write(store, json.dumps(found))
        publish(digest(found), args.to or COPY.parent)


if __name__ == "__main__":
    main()
