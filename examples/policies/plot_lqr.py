"""A policy learns from rewards the gain of the Riccati equation
=============================================================

A mass on a line is to be brought to rest at the origin. The best control is u = -K x, where the
gain K follows from the dynamics and the costs by the Riccati equation. The policy
N(-K x + c, sigma^2) knows neither of them and learns from rewards alone. The value of a linear
policy is quadratic, and so is the baseline. The episodes are short, which keeps the states spread
out: near the origin the gain has hardly any effect.

The states are simulated by the environment ``natfit.rl.environments.LQR``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.rl.environments import LQR
from natfit.steps import TrustRegionStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


# %%
# Learn the gain from several seeds, and record it every few updates.


def compute(n_seeds: int = 3, n_updates: int = 150, every: int = 5) -> dict:
    """Learn the gain from several seeds.

    Parameters
    ----------
    n_seeds : int
        Number of agents.
    n_updates : int
        Number of updates of the policy.
    every : int
        Number of updates between two points of the gain's path.

    Returns
    -------
    dict
        ``paths`` (n_seeds, 1 + n_updates / every, 2), the gains from the start on; ``optimum``
        (2,), the gain by the Riccati equation; ``errors`` (n_seeds,), the larger relative error
        of the two numbers of the last gain; ``returns`` (n_seeds, n_updates), the mean returns.
    """
    environment, discount = LQR(time_limit=10), 0.99
    paths, returns = [], []
    for seed in range(n_seeds):
        print(f"training agent {seed + 1} of {n_seeds}", flush=True)
        agent = NaturalPolicyEstimator(
            environment,
            "linear",
            step=TrustRegionStep(epsilon=0.01),
            advantage="gae",
            baseline="quadratic",
            discount=discount,
            gae_lambda=0.8,
            normalize_observations=False,  # theta is the gain then
            batch_size=5000,
            n_envs=100,
            warm_start=True,
            random_state=seed,
        )
        path = [np.zeros(2)]
        for n in range(every, n_updates + 1, every):
            agent.set_params(max_iter=n).fit()  # goes on where it was
            # theta is the gain with its sign, the intercept, log sigma.
            path.append(-agent.theta_[:2])
        paths.append(path)
        returns.append(agent.history_["mean_return"])
    optimum = environment.optimal_gain(discount)[0]
    paths = np.array(paths)
    return {
        "paths": paths,
        "optimum": optimum,
        "errors": np.max(np.abs(paths[:, -1] / optimum - 1.0), axis=1),
        "returns": np.array(returns),
    }


# %%
# The gain by the Riccati equation, and the learned ones.


def report(result: dict) -> None:
    """Print the learned gains."""
    print("            K position   K speed   largest error")
    print("Riccati     {:10.4f} {:9.4f}".format(*result["optimum"]))
    for seed, (gains, error) in enumerate(zip(result["paths"], result["errors"], strict=True)):
        print(f"seed {seed}      {gains[-1, 0]:10.4f} {gains[-1, 1]:9.4f}   {100 * error:.2f} %")


# %%
# The paths of the gains in their plane, and their relative errors.


def draw(result: dict) -> plt.Figure:
    """Draw the paths of the gains in their plane, and their relative errors."""
    plt.style.use("natfit.display.natfit")
    optimum, steps = result["optimum"], result["paths"].shape[1] - 1
    updates = np.arange(steps + 1) * (result["returns"].shape[1] // steps)
    figure, (plane, curve) = plt.subplots(1, 2, figsize=(10, 4.6))
    for seed, gains in enumerate(result["paths"]):
        plane.plot(*gains.T, marker="osD^"[seed % 4], markersize=4, label=f"seed {seed}")
        error = np.max(np.abs(gains / optimum - 1.0), axis=1)
        curve.semilogy(updates, error, marker="osD^"[seed % 4], markersize=4)
    plane.plot(*optimum, marker="*", markersize=16, color="k", linestyle="", label="Riccati")
    plane.set(
        xlabel="gain of the position (force per length)",
        ylabel="gain of the speed (force per speed)",
        title="All gains end at that of the Riccati equation",
    )
    plane.legend()
    curve.axhline(0.02, color="k", linestyle=":", label="2 %")
    curve.set(
        xlabel="updates (number)", ylabel="larger relative error", title="Distance to the optimum"
    )
    curve.legend()
    return figure


# %%
# All paths end at the star, which no agent was told of.


def main(argv: list[str] | None = None) -> None:
    """Print the learned gains, check them, and write the figure."""
    default = Path(__file__).parents[1] / "output" / "lqr.png"
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
