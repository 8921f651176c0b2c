"""Linear policies on MuJoCo's tasks (Rajeswaran et al., 2017), by the presets npg and trpo.

Each run trains for a number of environment steps and prints, as it ends, the update at which the
mean return of the episodes of training first reached the task's threshold, the greedy evaluations
after every so many steps, and the CPU seconds of training on one thread.

    python tests/benchmarks/rl/mujoco_tasks.py --env InvertedPendulum-v5 --preset trpo npg
    python tests/benchmarks/rl/mujoco_tasks.py --env Swimmer-v5 Hopper-v5 --seeds 0 1 2
    python tests/benchmarks/rl/mujoco_tasks.py --env Hopper-v5 --env-steps 300000

TASKS has the settings; what is not listed is the preset's or natfit's default.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import mean

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

#: Settings besides the preset and ``policy="linear"``; steps of a run, steps between evaluations,
#: and the mean return of training whose first update is printed.
TASKS: dict[str, dict] = {
    "InvertedPendulum-v5": {
        "settings": {"batch_size": 2048},
        "env_steps": 61_440,
        "every": 61_440,
        "threshold": 950.0,
    },
    # Strokes and episodes (1,000 steps) are long, and 50 updates need longer steps than the default.
    "Swimmer-v5": {
        "settings": {
            "batch_size": 4000,
            "discount": 0.9995,
            "gae_lambda": 0.99,
            "step__epsilon": 0.05,
        },
        "env_steps": 200_000,
        "every": 50_000,
        "threshold": 230.0,
    },
    # discount and gae_lambda as Rajeswaran et al. have them.
    "Hopper-v5": {
        "settings": {"batch_size": 2048, "discount": 0.995, "gae_lambda": 0.97},
        "env_steps": 1_000_000,
        "every": 100_000,
        "threshold": 2000.0,
    },
}

#: Episodes of a greedy evaluation.
EPISODES = 10


def run(env: str, preset: str, seed: int, total: int) -> dict:
    """Train one seed for at most ``total`` steps, with evaluations in between."""
    from natfit_runs import advance, build

    task = TASKS[env]
    estimator = build(env, {"preset": preset, "policy": "linear", **task["settings"]}, seed)
    steps, seconds, evaluations = 0, 0.0, []
    for mark in [*range(task["every"], total, task["every"]), total]:
        begin = time.process_time()
        # A batch that would pass the last mark is not played.
        steps = advance(estimator, min(mark, total - estimator.batch_size + 1))
        seconds += time.process_time() - begin
        # Far from the seeds of training, the same starts at every mark.
        first = 1_000_000 * (seed + 1)
        score = estimator.evaluate(n_episodes=EPISODES, random_state=first).mean
        evaluations.append((steps, float(score)))
    returns = estimator.history_["mean_return"].tolist()
    above = (k for k, value in enumerate(returns, start=1) if value >= task["threshold"])
    return {
        "update": next(above, None),
        "updates": len(returns),
        "training": mean(returns[-10:]),
        "evaluations": evaluations,
        "seconds": seconds,
    }


def line(env: str, preset: str, seed: int, result: dict) -> str:
    """What is printed of a run."""
    first = result["update"] or "none"
    scores = "  ".join(f"{steps}: {score:.0f}" for steps, score in result["evaluations"])
    return (
        f"{env} {preset} seed {seed}: training return >= {TASKS[env]['threshold']:g} first at"
        f" update {first} of {result['updates']}, mean of the last ten {result['training']:.0f},"
        f" {result['seconds']:.0f} s; greedy  {scores}"
    )


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--preset", nargs="+", choices=("npg", "trpo"), default=["npg", "trpo"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--env-steps", type=int, help="steps of a run, in place of the task's")
    args = parser.parse_args()
    # Before numpy is imported, which reads them once.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    for env in args.env:
        for preset in args.preset:
            results = []
            for seed in args.seeds:
                total = args.env_steps or TASKS[env]["env_steps"]
                results.append(run(env, preset, seed, total))
                print(line(env, preset, seed, results[-1]), flush=True)
            marks = zip(*(r["evaluations"] for r in results), strict=True)
            means = [mean(score for _, score in mark) for mark in marks]
            print(
                f"{env} {preset}: mean over seeds {means[-1]:.0f} at the end,"
                f" {max(means):.0f} at the best mark",
                flush=True,
            )


if __name__ == "__main__":
    main()
