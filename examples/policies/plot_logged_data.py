"""Logged episodes carry a policy only so far from the one that played
===================================================================

Machines earn money for six weeks. At the beginning of each week an operator sees the wear of a
machine, 0 to 4, and runs it as it is, services it or replaces it. The operators' choices were drawn
with known probabilities, and logged. A policy is fitted to the logs of 1,000 machines by
per-decision importance sampling (Precup, Sutton and Singh, 2000, *Proceedings of ICML*), without
playing once. The logs of 1,000 other machines estimate its mean return, with a standard error.

Because the dynamics are known here, though not to the fit, each policy is also played: the estimate
on held-out logs can be compared with the truth. The farther the policy is from the operators, the
fewer machines decide. The effective number of episodes (Kong, 1992) counts them, and ``fit_logged``
ends before it falls below ``min_effective_episodes``, which is 10 by default. Here it goes on, so
that one sees why it should not.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.rl import Discrete, Environment

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Weeks, the probabilities of the operators' choices (run, service, replace), and their costs.
WEEKS, CHOICES, COSTS = 6, np.array([0.6, 0.25, 0.15]), np.array([0.0, 2.0, 7.0])

#: Earnings of a week without wear, what a unit of wear takes from them, and the largest wear.
EARNINGS, LOSS, WORN = 10.0, 2.5, 4

#: The limit below which ``fit_logged`` ends by default.
MINIMUM = 10.0

# %%
# The dynamics: a service takes two units of wear away, a replacement all of it, and a week adds
# 0, 1 or 2 with equal probabilities, which are drawn in ``start``.


class Machine(Environment):
    """Run, service or replace a machine each week."""

    name = "machine"
    observation_space = Discrete(WORN + 1)
    action_space = Discrete(3)

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return states (n, 8): wear, week, and the wear that the weeks will add."""
        return np.hstack([np.zeros((n, 2)), rng.integers(0, 3, (n, WEEKS))])

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return the wear of each machine, (n,)."""
        return state[:, 0].astype(np.int64)

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return states (n, 8), earnings less costs (n,), and whether the weeks are over (n,)."""
        new = state.copy()
        wear = np.choose(action, [state[:, 0], np.maximum(state[:, 0] - 2.0, 0.0), 0.0])
        new[:, 0] = np.minimum(wear + state[:, 2], WORN)
        new[:, 1] += 1.0
        new[:, 2:] = np.roll(state[:, 2:], -1, axis=1)
        return new, EARNINGS - LOSS * wear - COSTS[action], new[:, 1] >= WEEKS


# %%
# A log has one row for each machine and week: what was seen, what was done and with which
# probability, and what was earned.


def logs(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the logs of n machines as arguments of ``fit_logged`` and ``evaluate_logged``.

    Parameters
    ----------
    n : int
        Number of machines.
    rng : numpy.random.Generator
        For the wear and the operators' choices.

    Returns
    -------
    dict of ndarray
        Arrays with 6 n rows.
    """
    machine, weeks = Machine(), []
    state = machine.start(rng, n)
    for _ in range(WEEKS):
        seen, action = machine.observe(state), rng.choice(3, n, p=CHOICES)
        state, earned, _ = machine.step(state, action)
        weeks.append((seen, action, earned, np.arange(n), CHOICES[action]))
    names = ("observations", "actions", "rewards", "episode_ids", "behaviour_prob")
    columns = (np.concatenate(column) for column in zip(*weeks, strict=True))
    return dict(zip(names, columns, strict=True))


# %%
# Each call of ``fit_logged`` with ``warm_start=True`` and ``max_iter=1`` makes one more update,
# after which the policy is estimated on the held-out logs and played.


def compute(n_machines: int = 1000, n_updates: int = 25, n_played: int = 1000) -> dict:
    """Fit a policy to logs, and estimate and play it after every update.

    Parameters
    ----------
    n_machines : int
        Number of machines in the logs for the fit, and in those that are held out.
    n_updates : int
        Number of updates.
    n_played : int
        Number of episodes that each policy plays.

    Returns
    -------
    dict
        For every update: ``effective`` (n_updates,), ``fitted``, the estimates on the logs of the
        fit, ``held_out`` and ``errors``, those on the others with standard errors, and ``played``.
        ``stop`` is the number of updates that ``fit_logged`` makes by default; ``methods`` has the
        evaluations of the policy at the stop by method, ``truth`` its mean return when played;
        ``operators`` is the mean return in the logs.
    """
    rng = np.random.default_rng(0)
    train, held_out = logs(n_machines, rng), logs(n_machines, rng)

    def new(**options) -> NaturalPolicyEstimator:
        return NaturalPolicyEstimator(Machine(), "linear", discount=1.0, random_state=0, **options)

    rows, agent = [], new(max_iter=1, warm_start=True)
    for _ in range(n_updates):
        agent.fit_logged(**train, min_effective_episodes=1.0)
        with warnings.catch_warnings():
            # A warning says that few episodes decide, which the figure shows.
            warnings.simplefilter("ignore", RuntimeWarning)
            estimate = agent.evaluate_logged(**held_out)
        played = agent.evaluate(n_played, greedy=False).mean
        fitted = agent.history_["estimated_return"][-1]
        row = agent.effective_episodes_, fitted, estimate.estimate, estimate.standard_error, played
        rows.append(row)
    names = ("effective", "fitted", "held_out", "errors", "played")
    print(f"{n_updates} updates made, estimated and played", flush=True)
    stopped = new(max_iter=n_updates).fit_logged(**train)
    methods = ("self_normalised", "importance", "doubly_robust")
    return {
        **dict(zip(names, np.array(rows).T, strict=True)),
        "stop": stopped.n_iter_,
        "stopped": stopped,
        "methods": {
            method: stopped.evaluate_logged(**held_out, method=method, random_state=0)
            for method in methods
        },
        "truth": stopped.evaluate(5 * n_played, greedy=False),
        "operators": train["rewards"].sum() / n_machines,
    }


# %%
# The three estimators of ``evaluate_logged`` see the same held-out logs.


def report(result: dict) -> None:
    """Print the estimates of the policy at which ``fit_logged`` ends by default.

    Parameters
    ----------
    result : dict
        What :func:`compute` returned.
    """
    print(f"mean return of the operators  {result['operators']:.2f}")
    print(f"the policy after {result['stop']} updates:")
    truth = result["truth"]
    print(f"played {len(truth.returns)} times    {truth.mean:.2f} +- {truth.standard_error:.2f}")
    for method, found in result["methods"].items():
        print(f"{method:17s}     {found.estimate:.2f} +- {found.standard_error:.2f}")


# %%
# Above, three answers to what the policy is worth; below, how many episodes give them.


def draw(result: dict):
    """Draw the estimates, the truth and the effective number of episodes over the updates.

    Parameters
    ----------
    result : dict
        What :func:`compute` returned.

    Returns
    -------
    matplotlib.figure.Figure
    """
    plt.style.use("natfit.display.natfit")
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(8, 6), sharex=True, height_ratios=[2.0, 1.0]
    )
    updates = np.arange(1, len(result["played"]) + 1)
    above.plot(updates, result["played"], color="C6", label="the truth: the policy played")
    above.errorbar(
        updates,
        result["held_out"],
        2.0 * result["errors"],
        color="C0",
        fmt="o",
        markersize=4,
        capsize=2,
        linewidth=1.0,
        label="held-out logs, with two standard errors",
    )
    above.plot(updates, result["fitted"], "--", color="C1", label="logs that were fitted")
    above.axhline(result["operators"], color="C2", linestyle="-.", label="the operators")
    above.margins(y=0.1)
    above.set(ylabel="mean return of six weeks", title="Far from the operators the logs mislead")
    below.semilogy(updates, result["effective"], "s-", color="C3", markersize=4)
    below.axhline(MINIMUM, color="C6", linestyle=":")
    below.annotate(
        "min_effective_episodes",
        (updates[-1], MINIMUM),
        (0, 3),
        textcoords="offset points",
        ha="right",
    )
    below.set(
        xlabel="update", ylabel="effective episodes", title="Fewer of the logged episodes count"
    )
    for ax in (above, below):
        ax.axvspan(result["stop"] + 0.5, updates[-1] + 0.5, color="0.94", zorder=0)
    above.annotate(
        "fit_logged ends here by default",
        (result["stop"] + 0.7, 0.95),
        xycoords=("data", "axes fraction"),
    )
    figure.legend(loc="outside lower center", ncols=2)
    return figure


# %%
# The script prints the table and writes the figure.


def main(argv: list[str] | None = None) -> None:
    """Fit, print the estimates and write the figure."""
    default = Path(__file__).parents[1] / "output" / "logged_data.png"
    parser = argparse.ArgumentParser(description="A policy from logged episodes.")
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# Up to the stop the estimates are those of the truth. Beyond it a handful of episodes decide: the
# policy gets worse, the error bars grow, and the logs that were fitted promise more than it earns.

if __name__ == "__main__":
    main()
