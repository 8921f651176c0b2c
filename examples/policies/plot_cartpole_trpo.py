"""TRPO on CartPole with the defaults of natfit, from several seeds.

The environment is built in and needs no Gymnasium. The policy is a small multilayer perceptron.
TRPO limits the Kullback-Leibler divergence between the policies before and after each update.

Usage: python plot_cartpole_trpo.py [--output figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator


def compute(n_seeds: int = 4, max_env_steps: int = 60_000) -> dict:
    """Train one agent per seed.

    Parameters
    ----------
    n_seeds : int
        Number of agents.
    max_env_steps : int
        Maximum number of steps in the environment for each agent.

    Returns
    -------
    dict
        ``agents``; ``first`` and ``last`` (n_seeds,), the mean returns of each agent in the
        first update in which an episode ended and over the last ten updates; ``evaluations``,
        of twenty episodes of each greedy policy.
    """
    agents = [
        NaturalPolicyEstimator(
            "cartpole", max_iter=10**6, max_env_steps=max_env_steps, random_state=seed
        ).fit()
        for seed in range(n_seeds)
    ]
    returns = [agent.history_["mean_return"] for agent in agents]
    return {
        "agents": agents,
        "first": np.array([one[np.isfinite(one)][0] for one in returns]),
        "last": np.array([np.nanmean(one[-10:]) for one in returns]),
        "evaluations": [agent.evaluate(20) for agent in agents],
    }


def draw(result: dict, path: Path) -> None:
    """Draw the median return over the seeds and the divergence of each update."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from natfit.display import LearningCurveDisplay

    agents = result["agents"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    label = f"median and quartiles of {len(agents)} seeds"
    LearningCurveDisplay.from_estimator(agents, ax=left, name=label)
    left.set_title("CartPole: return while learning (500 is the maximum)")
    LearningCurveDisplay.from_estimator(agents, y="kl", ax=right)
    right.set_title("Divergence of each update")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print how the agents learned and write the figure."""
    default = Path(__file__).parents[1] / "output" / "cartpole_trpo.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    print("seed  first return  last returns  greedy policy, 20 episodes")
    rows = zip(result["first"], result["last"], result["evaluations"], strict=True)
    for seed, (first, last, evaluation) in enumerate(rows):
        greedy = f"{evaluation.mean:.1f} +- {evaluation.standard_error:.1f}"
        print(f"{seed:4d}  {first:12.1f}  {last:12.1f}  {greedy}")
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result, path)
    print(f"figure: {path}")


if __name__ == "__main__":
    main()
