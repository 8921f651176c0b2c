"""Start from demonstrations, then improve on the demonstrator
===========================================================

A mass on a line is to be brought to rest at the origin. A demonstrator pushes it too softly,
with the gain K = (0.3, 0.8) in u = -K x and a little noise, while the Riccati equation gives (2.4,
3.4). ``fit_demonstrations`` imitates by maximum likelihood (behaviour cloning; Pomerleau, 1991,
*Neural Computation* 3, 88-97): for a linear policy this is the least-squares regression of actions
on states. A clone of twenty short episodes is as good as its demonstrator, and not better.

``fit`` with ``warm_start=True`` goes on from there by the natural policy gradient. What the clone
saves, it pays back here: it has also learned how little the demonstrator varies, and a policy that
varies little explores little. It begins ahead of a policy that starts from nothing, and is
overtaken on the way.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.rl.environments import LQR

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: The gain of the demonstrator, and the standard deviation of its noise.
GAIN, NOISE = np.array([[0.3, 0.8]]), 0.3

#: The factor by which a cost counts less for each step that it lies ahead.
DISCOUNT = 0.99

#: Policies learn in short episodes, and are compared in long ones, which end at rest.
SHORT, LONG = LQR(time_limit=10), LQR(time_limit=400)

# %%
# Demonstrations are pairs of states and actions; rewards are not needed.


def demonstrations(n_episodes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return what the demonstrator saw and did.

    Parameters
    ----------
    n_episodes : int
        Number of episodes of ten steps.
    rng : numpy.random.Generator
        For the starts and the noise of the actions.

    Returns
    -------
    states : ndarray of shape (10 n_episodes, 2)
        Positions and speeds.
    actions : ndarray of shape (10 n_episodes, 1)
        Forces.
    """
    state, states, actions = SHORT.start(rng, n_episodes), [], []
    for _ in range(SHORT.time_limit):
        force = -state @ GAIN.T + NOISE * rng.standard_normal((n_episodes, 1))
        states.append(state)
        actions.append(force)
        state, _, _ = SHORT.step(state, force)
    return np.concatenate(states), np.concatenate(actions)


# %%
# Policies are compared by what their gains cost from the same hundred starts.


def cost(gain: np.ndarray, starts: np.ndarray) -> float:
    """Return the mean cost of u = -gain x over long episodes from given starts (n, 2)."""
    state, total = starts, np.zeros(len(starts))
    for _ in range(LONG.time_limit):
        state, reward, _ = LONG.step(state, -state @ gain.T)
        total -= reward
    return float(total.mean())


# %%
# The clone and the policy from nothing have the same options; a warm start goes on from what the
# estimator has learned, demonstrations included.


def compute(n_seeds: int = 3, n_updates: int = 80, every: int = 4) -> dict:
    """Clone, and train from the clone and from nothing.

    Parameters
    ----------
    n_seeds : int
        Number of clones, each of other demonstrations.
    n_updates : int
        Number of updates, of 1,000 steps each.
    every : int
        Number of updates between two evaluations.

    Returns
    -------
    dict
        ``updates`` (E,), after which policies were evaluated; ``gains``, by start, (n_seeds, E, 2);
        ``costs``, by start, (n_seeds, E); ``starts`` (100, 2), the positions and speeds from which
        costs are counted; ``demonstrator`` and ``optimum``, the costs without noise; ``riccati``
        (1, 2), the best gain.
    """
    starts = LONG.start(np.random.default_rng(1000), 100)
    updates = np.arange(0, n_updates + 1, every)
    gains: dict[str, list] = {"clone": [], "nothing": []}
    for seed in range(n_seeds):
        for start, found in gains.items():
            agent = NaturalPolicyEstimator(
                SHORT,
                "linear",
                baseline="quadratic",
                discount=DISCOUNT,
                gae_lambda=0.8,
                normalize_observations=False,  # theta is the gain then, with its sign
                batch_size=1000,
                n_envs=100,
                warm_start=True,
                random_state=seed,
            )
            path = [np.zeros(2)]
            if start == "clone":
                agent.fit_demonstrations(*demonstrations(20, np.random.default_rng(seed)))
                path = [-agent.theta_[:2]]
            for n in updates[1:]:
                path.append(-agent.set_params(max_iter=int(n)).fit().theta_[:2])
            found.append(path)
        print(f"seed {seed}: trained from a clone and from nothing", flush=True)
    riccati = LONG.optimal_gain(DISCOUNT)
    return {
        "updates": updates,
        "gains": {start: np.array(paths) for start, paths in gains.items()},
        "costs": {
            start: np.array([[cost(gain[None], starts) for gain in path] for path in paths])
            for start, paths in gains.items()
        },
        "starts": starts,
        "demonstrator": cost(GAIN, starts),
        "optimum": cost(riccati, starts),
        "riccati": riccati,
    }


# %%
# Costs are those of the long episodes, in which the policy acts without noise.


def report(result: dict) -> None:
    """Print the costs at the start, on the way and at the end.

    Parameters
    ----------
    result : dict
        What :func:`compute` returned.
    """
    print(f"cost of the demonstrator {result['demonstrator']:.1f}, optimum {result['optimum']:.1f}")
    updates = result["updates"]
    some = [0, len(updates) // 4, len(updates) // 2, len(updates) - 1]
    print("start    seed  cost after updates" + "".join(f"{updates[k]:9d}" for k in some))
    for start, costs in result["costs"].items():
        for seed, path in enumerate(costs):
            print(f"{start:7s}  {seed:4d}  {'':18s}" + "".join(f"{path[k]:9.1f}" for k in some))


# %%
# Left, how much each policy costs above the optimum; without a gain the mass drifts away, and the
# first costs from nothing are far off the chart. Right, the paths of their gains: clones begin near
# the demonstrator's.


def draw(result: dict):
    """Draw the costs above the optimum over the updates, and the paths of the gains.

    Parameters
    ----------
    result : dict
        What :func:`compute` returned.

    Returns
    -------
    matplotlib.figure.Figure
    """
    plt.style.use("natfit.display.natfit")
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4))
    styles = {"clone": ("C0", "-", "o"), "nothing": ("C1", "--", "s")}
    optimum = result["optimum"]
    for start, (color, line, marker) in styles.items():
        for seed in range(len(result["costs"][start])):
            options = {"color": color, "linestyle": line, "marker": marker, "markersize": 3}
            label = f"from {'a ' * (start == 'clone')}{start}" if seed == 0 else None
            excess = 100.0 * (result["costs"][start][seed] / optimum - 1.0)
            left.semilogy(result["updates"], excess, label=label, linewidth=1.0, **options)
            right.plot(*result["gains"][start][seed].T, label=label, linewidth=1.0, **options)
    excess = 100.0 * (result["demonstrator"] / optimum - 1.0)
    left.axhline(excess, color="C2", linestyle="-.", label="the demonstrator, without noise")
    left.set(
        ylim=(0.5, 5000.0),
        xlabel="update (1,000 steps each)",
        ylabel="cost above the optimum (%)",
        title="A clone begins ahead, and is overtaken",
    )
    right.plot(*GAIN[0], "D", color="C2", markersize=9, label="the demonstrator")
    right.plot(*result["riccati"][0], "*", color="C6", markersize=15, label="optimum (Riccati)")
    right.set(
        xlabel="gain of the position", ylabel="gain of the speed", title="Both end at the same gain"
    )
    left.legend(loc="upper right")
    right.legend()
    return figure


# %%
# The script prints the table and writes the figure.


def main(argv: list[str] | None = None) -> None:
    """Clone, train, print the costs and write the figure."""
    default = Path(__file__).parents[1] / "output" / "imitation.png"
    parser = argparse.ArgumentParser(description="Policies from demonstrations and from nothing.")
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# The clone is as good as its demonstrator without playing once. From nothing it takes about eight
# updates to get there. Twenty more lead to within a few per cent of the optimum, for which clones
# take about fifty, because their actions vary less.

if __name__ == "__main__":
    main()
