"""natfit's policy estimator against a peer: time and steps until a task is solved.

The peer is sb3-contrib's TRPO, or with ``--method ppo`` stable-baselines3's PPO.

A run is solved at the first of three greedy evaluations in a row, 20 fresh episodes each, whose
mean return is at or above the task's threshold. Evaluations come every so many environment steps,
at the end of the update that reaches the mark (between two updates the policy is the same), and
are not timed. Seconds are CPU time of training alone, on one thread.

The peer runs first, to a cap of its own (PPO: the RL zoo's budget); natfit's runs of TRPO end at 4
times the peer's median steps, those of PPO at the peer's cap.
Medians are over all seeds, a run that is not solved counting as infinite. Each run is written to
the file as it ends; a run that the file holds with the same settings and the same code is not
made again.

    python tests/benchmarks/rl/compare.py --env CartPole-v1 --seeds 0 1 2 --side both --json out.json
    python tests/benchmarks/rl/compare.py --throughput --json out.json
    python tests/benchmarks/rl/compare.py --report --json out.json
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import math
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType

from settings import (
    CAP_RATIO,
    CG_ITERATIONS,
    IN_A_ROW,
    NATFIT,
    NATFIT_PPO,
    NETS,
    PEER,
    PEER_ENVS,
    PEER_PPO,
    TASKS,
    UPDATE_MS,
    WIDE_ENVS,
    WIDE_RATE,
    ZOO_ENVS,
)

SIDES = ("peer", "natfit")
METHODS = ("trpo", "ppo")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def reach(advance: Callable, evaluate: Callable, task: dict, cap: int, first_seed: int) -> dict:
    """Train and evaluate until solved or the cap: the run's record."""
    steps, seconds, evaluations = 0, 0.0, []
    record = {"cap": cap, "reached": None, "evaluations": evaluations}
    while steps < cap and record["reached"] is None:
        mark = min((steps // task["every"] + 1) * task["every"], cap)
        begin = time.process_time()
        now = advance(mark)
        seconds += time.process_time() - begin
        if now <= steps:
            raise RuntimeError(f"training stopped at {now} steps, asked to go on to {mark}")
        steps = now
        # Seeds of episodes: 1000 apart, more than an evaluation takes.
        score = evaluate(first_seed + 1000 * len(evaluations))
        evaluations.append([steps, seconds, score])
        last = evaluations[-IN_A_ROW:]
        if len(last) == IN_A_ROW and all(e[2] >= task["threshold"] for e in last):
            record["reached"] = {"steps": last[0][0], "seconds": last[0][1]}
    record.update(steps=steps, seconds=seconds)
    return record


def run_one(side: str, env: str, seed: int, settings: dict, cap: int) -> dict:
    """One seed of one side."""
    # Far from the seeds of training, which are the seed itself and its neighbours.
    first_seed = 1_000_000 * (seed + 1)
    return reach(*driver(side).start(env, settings, seed), TASKS[env], cap, first_seed)


def driver(side: str) -> ModuleType:
    """The module that drives a side; the other side's packages need not be there."""
    return importlib.import_module({"peer": "peer", "natfit": "natfit_runs"}[side])


def settings_of(side: str, env: str, args: argparse.Namespace) -> dict:
    """Hyperparameters of a side."""
    if args.method == "ppo":
        return PEER_PPO[env] if side == "peer" else {"preset": "ppo", **NATFIT_PPO[env]}
    if side == "natfit":
        return NATFIT[env]
    settings = {**PEER[env], "n_envs": args.peer_envs}
    if not args.listed_n_steps:
        settings["n_steps"] = settings["n_steps"] * ZOO_ENVS // args.peer_envs
    return settings


def cap_of(side: str, env: str, runs: dict, method: str) -> int:
    """Steps at which a run of this side is given up."""
    if method == "ppo":
        return PEER_PPO[env]["n_timesteps"]
    if side == "peer":
        return TASKS[env]["peer_cap"]
    steps = [steps_of(run) for run in runs["peer"].values()]
    if not steps:
        raise SystemExit(
            f"{env}: natfit's cap is {CAP_RATIO}x the peer's median: run the peer first"
        )
    middle = median(steps)
    return TASKS[env]["peer_cap"] if math.isinf(middle) else int(CAP_RATIO * middle)


def steps_of(run: dict, cap: float = math.inf) -> float:
    """Steps until solved, infinite beyond the cap."""
    steps = run["reached"]["steps"] if run["reached"] else math.inf
    return steps if steps <= cap else math.inf


def seconds_of(run: dict, cap: float = math.inf) -> float:
    """Seconds until solved, infinite beyond the cap."""
    return math.inf if math.isinf(steps_of(run, cap)) else run["reached"]["seconds"]


def label(side: str, settings: dict) -> dict:
    """What a kept run has to agree with: settings and versions, as JSON gives them back."""
    words = {"settings": settings, "versions": driver(side).VERSIONS}
    return json.loads(json.dumps(words, default=repr))


def complete(run: dict, cap: int) -> bool:
    """Whether the run was solved or went on to the cap."""
    return run["reached"] is not None or run["cap"] >= cap


def load(path: Path) -> dict:
    """The file, or an empty one."""
    if path.exists():
        return json.loads(path.read_text())
    return {"machine": platform.platform(), "python": platform.python_version()}


def save(path: Path, results: dict) -> None:
    """Write whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    other = path.with_suffix(".tmp")
    other.write_text(json.dumps(results, indent=1))
    os.replace(other, path)


def compare(args: argparse.Namespace, results: dict) -> None:
    """Make the runs that are missing, the peer's first."""
    for env in args.env:
        runs = results.setdefault(kind(args.method), {}).setdefault(env, {s: {} for s in SIDES})
        for side in sides(args):
            settings, cap = settings_of(side, env, args), cap_of(side, env, runs, args.method)
            wanted = label(side, settings)
            for seed in args.seeds:
                kept = runs[side].get(str(seed))
                if kept and wanted.items() <= kept.items() and complete(kept, cap):
                    continue
                run = wanted | run_one(side, env, seed, settings, cap)
                runs[side][str(seed)] = run
                save(args.json, results)
                print(
                    f"{env} {side} seed {seed}: {steps_of(run):g} steps, {seconds_of(run):.2f} s"
                    f" ({run['steps']} steps in {run['seconds']:.2f} s in all)",
                    flush=True,
                )


def kind(method: str) -> str:
    """The file's key of the runs of a method."""
    return "runs" if method == "trpo" else f"{method} runs"


def sides(args: argparse.Namespace) -> tuple[str, ...]:
    """The sides that run."""
    return SIDES if args.side == "both" else (args.side,)


def throughput(args: argparse.Namespace, results: dict) -> None:
    """Steps/s, the sides in turns."""
    calls: dict[str, Callable] = {}
    for net, (hidden, _) in NETS.items():
        for side in sides(args):
            calls[f"{net} {side}"] = functools.partial(driver(side).rate, hidden, 5)
        if "natfit" in sides(args):
            forced = {"env": "gymnasium:CartPole-v1"}
            calls[f"{net} gymnasium"] = functools.partial(calls[f"{net} natfit"], **forced)
    if "natfit" in sides(args):
        natfit_runs = driver("natfit")
        calls["wide"] = lambda: natfit_runs.rate((), 20, n_envs=WIDE_ENVS)
        calls["update"] = natfit_runs.update_ms
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(args.rounds):
        for name, call in calls.items():
            times[name].append(call())
    results.setdefault("throughput", {}).update(times)
    save(args.json, results)


def report_runs(env: str, runs: dict, method: str) -> list[str]:
    """Rows of the table for one task."""
    lines, medians = [], {}
    for side in SIDES:
        kept = runs[side]
        if not kept:
            continue
        cap, first = cap_of(side, env, runs, method), next(iter(kept.values()))
        # The peer's last batch may pass its cap.
        limit = math.inf if side == "peer" else cap
        steps = [steps_of(run, limit) for run in kept.values()]
        share = f"{sum(map(math.isfinite, steps))}/{len(steps)}"
        seconds = median(seconds_of(run, limit) for run in kept.values())
        rate = sum(r["steps"] for r in kept.values()) / sum(r["seconds"] for r in kept.values())
        medians[side] = seconds, median(steps)
        lines.append(f"{env:25}{side:8}{share:>8}{seconds:12.2f}{median(steps):12.0f}{rate:12,.0f}")
        short = [seed for seed, run in kept.items() if not complete(run, cap)]
        if short:
            lines.append(f"  ended below the cap of {cap}, run again: seeds {', '.join(short)}")
        if any(run[key] != first[key] for run in kept.values() for key in ("settings", "versions")):
            lines.append(f"  {side}: seeds of different settings or code, run again")
        if side == "peer" and method == "trpo":
            batch = first["settings"]["n_envs"] * first["settings"]["n_steps"]
            lines.append(
                f"  peer: n_envs = {first['settings']['n_envs']}, batch {batch};"
                f" tuned with {ZOO_ENVS}, batch {ZOO_ENVS * PEER[env]['n_steps']}"
            )
    if len(medians) == 2:
        (time_a, steps_a), (time_b, steps_b) = medians["peer"], medians["natfit"]
        lines.append(f"{'':25}{'peer / natfit':16}{time_a / time_b:12.2f}{steps_a / steps_b:12.2f}")
    return lines


def report(results: dict) -> str:
    """The tables."""
    head = f"{'task':25}{'side':8}{'reached':>8}{'median s':>12}{'steps':>12}{'steps/s':>12}"
    lines = []
    for method in METHODS:
        found = results.get(kind(method), {})
        lines += [f"{method}:", head] if found else []
        for env, runs in found.items():
            lines += report_runs(env, runs, method)
    if results.get("throughput"):
        lines += ["", *report_throughput(results["throughput"])]
    return "\n".join(lines)


def report_throughput(times: dict) -> list[str]:
    """Rows of the table of rates; "-" where a side did not run."""
    rates = {name: median(values) for name, values in times.items()}
    lines = [f"{'CartPole-v1, steps/s':25}{'peer':>12}{'natfit':>12}{'ratio':>8}  wanted"]
    for net, (_, wanted) in NETS.items():
        for kind, words in (("natfit", "built-in"), ("gymnasium", "Gymnasium's")):
            a, b = rates.get(f"{net} peer"), rates.get(f"{net} {kind}")
            ratio = f"{b / a:8.1f}" if a and b else f"{'-':>8}"
            cells = "".join(f"{x:12,.0f}" if x else f"{'-':>12}" for x in (a, b))
            lines.append(f"{net + ', ' + words:25}{cells}{ratio}  >= {wanted:g}")
    if "wide" in rates:
        lines.append(
            f"linear, {WIDE_ENVS} environments: {rates['wide']:,.0f} (>= {WIDE_RATE:,.0f})"
        )
        words = f"one update, 64x64, {CG_ITERATIONS} CG iterations"
        lines.append(f"{words}: {rates['update']:.1f} ms (<= {UPDATE_MS:g})")
    return lines


def main() -> None:
    """Read the arguments, run, print the tables."""
    words = __doc__.splitlines()[0]
    parser = argparse.ArgumentParser(description=words)
    parser.add_argument("--env", nargs="+", choices=TASKS, default=[])
    parser.add_argument("--seeds", nargs="+", type=int, default=range(10))
    parser.add_argument("--side", choices=(*SIDES, "both"), default="both")
    parser.add_argument("--method", choices=METHODS, default="trpo")
    parser.add_argument("--peer-envs", type=int, default=PEER_ENVS)
    parser.add_argument(
        "--listed-n-steps",
        action="store_true",
        help="the peer's n_steps (per environment) as listed, for a batch larger than the zoo's",
    )
    parser.add_argument("--throughput", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="print the tables of the file only")
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    # Before numpy and torch are imported, which read them once.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    results = load(args.json)
    if not args.report:
        compare(args, results)
        if args.throughput:
            throughput(args, results)
    print(report(results))


if __name__ == "__main__":
    main()
