"""Policies: the runs with stable-baselines3 that ``make bench-rl`` kept, or short ones of natfit."""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import time
from typing import Any

import numpy as np

from natfit import NaturalPolicyEstimator
from tests.benchmarks.report.contest import ROOT

#: Where ``make bench-rl`` keeps its runs, and what makes tables of them.
KEPT, TABLES = ROOT / ".benchmarks/rl.json", ROOT / "tests/benchmarks/rl"

SEEDS = (0, 1, 2)


def cartpole(seeds: tuple[int, ...], updates: int = 40) -> list[dict[str, float]]:
    """Train on the built-in pole, and play 20 greedy episodes; the largest return is 500."""
    runs = []
    for seed in seeds:
        agent = NaturalPolicyEstimator("CartPole-v1", max_iter=updates, random_state=seed)
        begin = time.process_time()
        agent.fit()
        seconds, steps = time.process_time() - begin, float(agent.n_env_steps_)
        runs.append({"seconds": seconds, "steps": steps, "reached": float(agent.score())})
    return runs


def lqr(seeds: tuple[int, ...], updates: int = 60) -> list[dict[str, float]]:
    """Learn the gain that the Riccati equation gives: ``reached`` is the largest relative error."""
    path = next(ROOT.glob("examples/**/plot_lqr.py"))
    spec = importlib.util.spec_from_file_location("plot_lqr", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    begin = time.process_time()
    # Its agents have the seeds 0, 1, ... and batches of 5000 steps.
    errors = np.ravel(module.compute(n_seeds=len(seeds), n_updates=updates)["errors"])
    seconds = (time.process_time() - begin) / len(seeds)
    return [{"seconds": seconds, "steps": 5e3 * updates, "reached": float(e)} for e in errors]


TASKS = {
    "CartPole-v1, 40 updates": (cartpole, "mean return of 20 greedy episodes, at most 500"),
    "linear-quadratic regulator, 60 updates": (lqr, "relative error of the gain"),
}


def kept() -> str | None:
    """Return the tables of the kept runs, natfit beside stable-baselines3, or None."""
    if not KEPT.exists():
        return None
    sys.path.insert(0, str(TABLES))
    try:
        import compare

        return compare.report(json.loads(KEPT.read_text(encoding="utf-8")))
    finally:
        sys.path.remove(str(TABLES))


def measure(quick: bool = False) -> dict[str, Any]:
    """Run natfit's short trainings, and read the kept runs with the peer if there are any."""
    rows = {}
    for name, (task, unit) in list(TASKS.items())[: 1 if quick else None]:
        rows[name] = {"unit": unit, "runs": task(SEEDS[:1], 2) if quick else task(SEEDS)}
    return {"rows": rows, "kept": kept()}


def digest(part: dict[str, Any]) -> dict[str, Any]:
    """Return medians and the smallest and largest of the runs."""
    rows = {}
    for name, row in part["rows"].items():
        columns = {key: [run[key] for run in row["runs"]] for key in row["runs"][0]}
        spread = {k: [statistics.median(v), min(v), max(v)] for k, v in columns.items()}
        rows[name] = {"unit": row["unit"], "seeds": len(row["runs"])} | spread
    return {"rows": rows, "kept": part["kept"]}
