"""A linear policy learns the gain that the Riccati equation gives (linear-quadratic regulator).

A mass on a line is to be brought to rest at the origin. The best control is u = -K x, where the
gain K follows from the dynamics and the costs. The policy N(-K x + c, sigma^2) knows neither of
them and learns from rewards alone. The value of a linear policy is quadratic, and so is the
baseline. The episodes are short, which keeps the states spread out: near the origin the gain has
hardly any effect.

Usage: python plot_lqr.py [--output figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.rl.environments import LQR
from natfit.steps import TrustRegionStep


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


def draw(result: dict, path: Path) -> None:
    """Draw the paths of the gains in their plane, and their relative errors."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    optimum, steps = result["optimum"], result["paths"].shape[1] - 1
    updates = np.arange(steps + 1) * (result["returns"].shape[1] // steps)
    figure, (plane, curve) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    for seed, gains in enumerate(result["paths"]):
        plane.plot(*gains.T, marker="o", markersize=3, label=f"seed {seed}")
        curve.semilogy(updates, np.max(np.abs(gains / optimum - 1.0), axis=1))
    plane.plot(*optimum, marker="*", markersize=16, color="k", linestyle="", label="Riccati")
    plane.set(xlabel="gain of the position", ylabel="gain of the speed", title="The gain's path")
    plane.legend()
    curve.axhline(0.02, color="k", linestyle=":", label="2 %")
    curve.set(xlabel="update", ylabel="largest relative error", title="Distance to the optimum")
    curve.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print the learned gains, check them, and write the figure."""
    default = Path(__file__).parents[1] / "output" / "lqr.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    print("            K position   K speed   largest error")
    print("Riccati     {:10.4f} {:9.4f}".format(*result["optimum"]))
    for seed, (gains, error) in enumerate(zip(result["paths"], result["errors"], strict=True)):
        print(f"seed {seed}      {gains[-1, 0]:10.4f} {gains[-1, 1]:9.4f}   {100 * error:.2f} %")
    assert result["errors"].max() < 0.02, "a gain is off by more than 2 %"
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result, path)
    print(f"figure: {path}")


if __name__ == "__main__":
    main()
