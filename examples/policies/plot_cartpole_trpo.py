"""Steps of limited divergence teach a policy to balance a pole
============================================================

Trust region policy optimisation (TRPO) limits the Kullback-Leibler divergence between the policies
before and after each update. With the defaults of natfit it learns CartPole from several seeds. The
policy is a small multilayer perceptron. The environment is built in, needs no Gymnasium, and pays a
reward of one for each step that the pole stands, 500 at most.

References: J. Schulman et al., *Trust region policy optimization*, ICML 2015; A. G. Barto,
R. S. Sutton and C. W. Anderson, *Neuronlike adaptive elements that can solve difficult learning
control problems*, IEEE Transactions on Systems, Man, and Cybernetics 13, 1983.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.display import LearningCurveDisplay

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


# %%
# Train one agent for each seed.


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
    agents = []
    for seed in range(n_seeds):
        print(f"training agent {seed + 1} of {n_seeds}", flush=True)
        agent = NaturalPolicyEstimator(
            "cartpole", max_iter=10**6, max_env_steps=max_env_steps, random_state=seed
        )
        agents.append(agent.fit())
    returns = [agent.history_["mean_return"] for agent in agents]
    return {
        "agents": agents,
        "first": np.array([one[np.isfinite(one)][0] for one in returns]),
        "last": np.array([np.nanmean(one[-10:]) for one in returns]),
        "evaluations": [agent.evaluate(20) for agent in agents],
    }


# %%
# The returns at the beginning and at the end, and those of the greedy policies.


def report(result: dict) -> None:
    """Print how the agents learned."""
    print("seed  first return  last returns  greedy policy, 20 episodes")
    rows = zip(result["first"], result["last"], result["evaluations"], strict=True)
    for seed, (first, last, evaluation) in enumerate(rows):
        greedy = f"{evaluation.mean:.1f} +- {evaluation.standard_error:.1f}"
        print(f"{seed:4d}  {first:12.1f}  {last:12.1f}  {greedy}")


# %%
# The median return over the seeds, and the divergence of each update.


def draw(result: dict) -> plt.Figure:
    """Draw the median return over the seeds and the divergence of each update."""
    plt.style.use("natfit.display.natfit")
    agents = result["agents"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5))
    label = f"median and quartiles of {len(agents)} seeds"
    LearningCurveDisplay.from_estimator(agents, ax=left, name=label)
    left.set_title("CartPole: the return rises (500 at most)")
    LearningCurveDisplay.from_estimator(agents, y="kl", ax=right)
    right.axhline(agents[0].step_.epsilon, color="0.5", ls=":", label="radius of the step")
    right.legend(loc="lower right")
    right.set_title("No update goes further than its radius")
    return figure


# %%
# All agents reach the maximum of 500 with the greedy policy. No update goes beyond its radius.


def main(argv: list[str] | None = None) -> None:
    """Print how the agents learned and write the figure."""
    default = Path(__file__).parents[1] / "output" / "cartpole_trpo.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


if __name__ == "__main__":
    main()
