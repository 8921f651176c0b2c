"""A policy stalls if its reward does not care how it spreads
==========================================================

The reward is the action itself, a number between -1 and 1. Far from these ends the expected reward
of N(mu, sigma^2) is mu: it is blind to sigma. In Kullback-Leibler divergence a move of mu costs
(delta / sigma)^2 / 2. A radius in it therefore allows steps in proportion to sigma, and a policy
whose sigma has fallen stalls. In squared Wasserstein distance the same move costs delta^2 / 2,
whatever sigma is. A trust region also asks the importance ratios of the actions whether they gain,
which know nothing of places more than about ten sigma away; a step of given length does not ask.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box
from natfit.steps import KLStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Panels: the preset, and the step rule where it is not the preset's trust region.
METHODS: dict[str, tuple[str, dict]] = {
    "Kullback-Leibler, trust region": ("trpo", {}),
    "Wasserstein, trust region": ("wasserstein", {}),
    "Wasserstein, given length": ("wasserstein", {"step": KLStep(0.005)}),
}


# %%
# An environment of one's own has two methods.


class Slope(Environment):
    """An episode is one action, and the reward is the action."""

    name = "slope"
    observation_space = Box([-np.inf], [np.inf])
    action_space = Box([-1.0], [1.0])

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return states (n, 1) of zeros."""
        return np.zeros((n, 1))

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the states, the actions as rewards (n,), and that all episodes end."""
        return state, action[:, 0].copy(), np.ones(len(state), dtype=bool)


# %%
# Train from several standard deviations by each method.


def compute(
    deviations: tuple[float, ...] = (0.1, 0.01, 0.001), n_updates: int = 9, random_state: int = 0
) -> dict:
    """Train from several standard deviations by each method.

    Parameters
    ----------
    deviations : tuple of float
        First standard deviations.
    n_updates : int
        Number of updates of each policy.
    random_state : int
        Seed of the trainings.

    Returns
    -------
    dict
        ``deviations``; ``means``, by method, (len(deviations), n_updates), the mean reward of each
        batch, which is mu; ``moved``, by method, (len(deviations),), how far mu went in all.
    """
    means = {}
    for method, (preset, options) in METHODS.items():
        print(f"training by {method}", flush=True)
        paths = []
        for deviation in deviations:
            agent = NaturalPolicyEstimator.preset(
                preset,
                Slope(),
                policy="constant",
                baseline="constant",
                init_std=deviation,
                std_bounds=(1e-5, 10.0),
                batch_size=1000,
                n_envs=100,
                max_iter=n_updates,
                random_state=random_state,
                **options,
            ).fit()
            paths.append(np.asarray(agent.history_["mean_return"]))
        means[method] = np.array(paths)
    return {
        "deviations": np.array(deviations),
        "means": means,
        "moved": {method: found[:, -1] - found[:, 0] for method, found in means.items()},
    }


# %%
# How far each policy went.


def report(result: dict) -> None:
    """Print how far each policy went."""
    print("how far mu went, by the first sigma", result["deviations"])
    for method, moved in result["moved"].items():
        print(f"{method:31s}", np.round(moved, 3))


# %%
# The means of the policies over the updates, one panel for each method.


def draw(result: dict) -> plt.Figure:
    """Draw the means of the policies over the updates, one panel for each metric."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), sharey=True)
    lines = ("-", "--", ":", "-.")
    for ax, (method, means) in zip(axes, result["means"].items(), strict=True):
        for k, (deviation, mean) in enumerate(zip(result["deviations"], means, strict=True)):
            ax.plot(mean, ls=lines[k % 4], label=f"sigma = {deviation:g} at first")
        ax.set(title=method, xlabel="updates (number)")
    axes[0].set(ylabel="mu, the mean action (unit of reward)")
    axes[0].legend(loc="upper left")
    return figure


# %%
# In the left panel only the policy with the largest sigma moves. In the right one all of them
# move, and equally far.


def main(argv: list[str] | None = None) -> None:
    """Print how far each policy went and write the figure."""
    default = Path(__file__).parents[1] / "output" / "blind_reward.png"
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
