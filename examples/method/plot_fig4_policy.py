"""Natural policy gradients learn the drift task, plain ones lag
=============================================================

An agent on a line starts at s = 0 and moves by a ~ N(mu, sigma^2) at each of T = 10 steps. Its
reward is -s^2 - a^2, so that it has to learn to do nothing. Ten agents of each method learn (mu,
sigma), starting at (10, 14), from undiscounted returns of whole episodes without a baseline.

Both methods take steps of length 0.075 in their own metric. For the policy gradient (PG) this is
the Euclidean norm of (mu, sigma). For the natural policy gradient (NPG) it is the norm of the
Fisher information, so that its steps are long while sigma is large. The number 0.075 cannot be
meant as a factor of the natural gradient itself. Even for an episode of one action, with a reward
of the state that this action leads to, the expected return is J = -2 (mu^2 + sigma^2), and one
exact step goes to mu - 0.075 sigma^2 4 mu = -578; with the ten actions of the task it goes much
further. ``compute`` returns these numbers under ``literal``.

This is figure 4 of B. Hoagland, *Natural gradient methods for optimization and applications to
reinforcement learning*.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.display import LearningCurveDisplay
from natfit.models import Constant
from natfit.steps import KLStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Legend entry of each method, and its metric.
METHODS = {"PG": "euclidean", "NPG": "exact"}

#: Where every agent starts, and the length of every step.
START, LENGTH = {"loc": 10.0, "scale": 14.0}, 0.075


# %%
# What one literal step of 0.075 times the natural gradient would do.


def literal_step(horizon: int, reward_on_arrival: bool) -> float:
    """mu after one exact step of 0.075 times the natural gradient of the return.

    The expected return is J = -T (mu^2 + sigma^2) - sum_t (t^2 mu^2 + t sigma^2), where t is the
    number of moves before each reward: 0 to T - 1, or 1 to T if the reward is that of the state
    that a move leads to. The Fisher information of an episode in mu is T / sigma^2.

    Returns
    -------
    float
        mu.
    """
    mu, sigma = START["loc"], START["scale"]
    moves = np.arange(horizon) + reward_on_arrival
    gradient = -2.0 * mu * (horizon + np.sum(moves**2))
    return float(mu + LENGTH * sigma**2 / horizon * gradient)


# %%
# Train ten agents of each method.


def compute(n_agents: int = 10, n_updates: int = 100, batch_size: int = 100) -> dict:
    """Train the agents.

    Parameters
    ----------
    n_agents : int
        Number of agents of each method; the k-th has the seed k in both.
    n_updates : int
        Number of updates of the policy.
    batch_size : int
        Number of episodes per update.

    Returns
    -------
    dict
        ``agents`` by method; their ``returns`` (n_agents, n_updates + 1) by method, which are
        mean returns of the episodes played after 0, 1, ... updates; ``literal``, the mu of
        :func:`literal_step` by (horizon, reward on arrival).
    """
    agents: dict[str, list[NaturalPolicyEstimator]] = {}
    for name, metric in METHODS.items():
        print(f"training {n_agents} agents by {name}", flush=True)
        agents[name] = [
            NaturalPolicyEstimator(
                "drift",
                Constant("native"),
                metric=metric,
                step=KLStep(epsilon=LENGTH**2 / 2),
                damping=None,
                distribution="normal",
                advantage="total_return",
                baseline="none",
                discount=1.0,
                normalize_advantage=False,
                normalize_observations=False,
                batch_size=batch_size,
                batch_unit="episodes",
                n_envs=batch_size,  # all episodes of an update side by side
                max_iter=n_updates + 1,  # the last one shows the return after the others
                start_params="paper",  # START
                std_bounds=(1e-9, 10.0),  # the optimum is a standard deviation of zero
                random_state=seed,
            ).fit()
            for seed in range(n_agents)
        ]
    return {
        "agents": agents,
        "returns": {
            name: np.array([agent.history_["mean_return"] for agent in group])
            for name, group in agents.items()
        },
        "literal": {key: literal_step(*key) for key in [(1, True), (10, False)]},
    }


# %%
# The returns after 0, 50 and 100 updates, and how many pairs the natural gradient leads.


def report(result: dict) -> None:
    """Print the returns of both methods, and in how many pairs NPG is ahead."""
    print("mean return after    0 updates         50        100    worst and best agent at 100")
    for name, returns in result["returns"].items():
        mean, last = returns.mean(axis=0), returns[:, 100]
        print(
            f"{name:>4}                {mean[0]:10.1f} {mean[50]:10.1f} {mean[100]:10.1f}"
            f"    {last.min():.1f}, {last.max():.1f}"
        )
    plain, natural = result["returns"].values()
    for update in (50, 100):
        ahead = np.sum(natural[:, update] > plain[:, update])
        print(f"NPG is ahead after {update} updates in {ahead} of {len(plain)} pairs")
    for (horizon, _), mu in result["literal"].items():
        print(f"one step of 0.075 times the exact natural gradient, T = {horizon}: mu = {mu:.0f}")


# %%
# The returns of all agents, and their means in bold.


def draw(result: dict) -> plt.Figure:
    """Draw the returns of all agents, and their means in bold."""
    plt.style.use("natfit.display.natfit")
    figure, ax = plt.subplots(figsize=(8, 4.5))
    styles = (("C1", "--"), ("C0", "-"))
    for (color, line), (name, agents) in zip(styles, result["agents"].items(), strict=True):
        LearningCurveDisplay.from_estimator(
            agents, x="update", band=None, ax=ax, color=color, alpha=0.35, linewidth=0.8
        )
        mean = result["returns"][name].mean(axis=0)
        ax.plot(np.arange(len(mean)) + 1, mean, color=color, linewidth=2.5, ls=line, label=name)
    ax.set(title="Ten agents of each method on the drift task, step length 0.075")
    ax.legend()
    return figure


# %%
# After 50 updates every natural agent is far ahead of its plain partner with the same seed, and
# after 100 updates it is near the optimum, zero.


def main(argv: list[str] | None = None) -> None:
    """Print the returns of both methods, check that NPG is ahead, and write the figure."""
    default = Path(__file__).parents[1] / "output" / "fig4_policy.png"
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
