"""Masked actions: learn only among what the rules allow
=====================================================

Five workers arrive one after another, and each must be given one of the jobs that are still open.
A worker of skill 1 to 10 in a job of value 1 to 5 earns skill times value. This is the sequential
stochastic assignment problem of Derman, Lieberman and Ross (1972, *Management Science* 18,
349-355), whose best policy is known: the skills are cut into as many intervals as jobs are open,
and a better interval gets a more valuable job. A job that is taken is not allowed, which the method
``action_masks`` says: the policy is then a distribution over the open jobs alone, and its score,
Fisher information and divergence are exactly those of this distribution.

The usual way without masks is to let the policy choose a taken job, in which a worker earns
nothing. It has to learn the rules first. Both are trained here from the same seeds. The greedy
policy takes the most probable action, and its mean return is compared with the optimum by dynamic
programming. An environment of Gymnasium's says its masks by a method of the same name, or in
``info["action_mask"]``.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import numpy as np

from natfit import NaturalPolicyEstimator
from natfit.rl import Box, Discrete, Environment

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Values of the jobs, and the skills, which are equally probable.
VALUES, SKILLS = np.arange(1.0, 6.0), np.arange(1.0, 11.0)

N_JOBS = len(VALUES)

# %%
# The dynamics are array arithmetic for n episodes at once. All that is random is drawn in
# ``start``. The environment without masks differs by the method ``action_masks`` alone.


class Free(Environment):
    """Give each of five workers a job; in a job that is taken a worker earns nothing."""

    name = "free assignment"
    time_limit = N_JOBS
    observation_space = Box(np.zeros(N_JOBS + 1), np.r_[SKILLS.max(), np.ones(N_JOBS)])
    action_space = Discrete(N_JOBS)

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return states (n, 11): the skills to come, which jobs are open, the number given."""
        skills = rng.choice(SKILLS, (n, N_JOBS))
        return np.hstack([skills, np.ones((n, N_JOBS)), np.zeros((n, 1))])

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return the skill of the worker who has arrived, and which jobs are open, (n, 6)."""
        return np.hstack([state[:, :1], state[:, N_JOBS:-1]])

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fill jobs (n,); return states (n, 11), earnings (n,) and whether all are gone (n,)."""
        new, rows = state.copy(), np.arange(len(state))
        reward = state[:, 0] * VALUES[action] * state[rows, N_JOBS + action]
        new[:, :N_JOBS] = np.roll(state[:, :N_JOBS], -1, axis=1)
        new[rows, N_JOBS + action] = 0.0
        new[:, -1] += 1.0
        return new, reward, new[:, -1] == N_JOBS


class Masked(Free):
    """Give each of five workers a job that is open."""

    name = "masked assignment"

    def action_masks(self, state: np.ndarray) -> np.ndarray:
        """Return which jobs are open, (n, 5)."""
        return state[:, N_JOBS:-1] > 0


# %%
# The optimum by dynamic programming: what a worker of each skill earns in each open job, and what
# the others are worth after that.


@cache
def worth(jobs: tuple[int, ...]) -> np.ndarray:
    """Return the expected earnings from open jobs on, by skill and job.

    Parameters
    ----------
    jobs : tuple of int
        The open jobs.

    Returns
    -------
    ndarray of shape (10, len(jobs))
        What remains to be earned if a worker of each skill gets each of these jobs.
    """
    after = [optimum(tuple(other for other in jobs if other != job)) for job in jobs]
    return np.outer(SKILLS, VALUES[list(jobs)]) + after


def optimum(jobs: tuple[int, ...]) -> float:
    """Return the largest expected earnings from open jobs, before the next worker arrives."""
    return float(worth(jobs).max(axis=1).mean()) if jobs else 0.0


# %%
# Train with and without masks. ``evaluate`` plays whole episodes with the greedy policy, which
# obeys the masks of the environment. ``predict_proba`` has no environment and is given the masks;
# without them every action is allowed.


def compute(n_seeds: int = 3, max_iter: int = 40, n_episodes: int = 2000) -> dict:
    """Train policies with and without masks.

    Parameters
    ----------
    n_seeds : int
        Number of policies of either kind.
    max_iter : int
        Number of updates, of 1,000 decisions each.
    n_episodes : int
        Number of episodes of an evaluation.

    Returns
    -------
    dict
        By environment, ``returns`` (n_seeds, max_iter), the mean returns while learning, and
        ``evaluations`` of the greedy policies; the ``agents``; the ``optimum``, and ``first``
        (10,), the best job for each skill while all are open; ``uniform``, the mean return of
        giving jobs out by lot.
    """
    returns, evaluations, agents = {}, {}, {}
    for env in (Masked(), Free()):
        agents[env.name] = [
            NaturalPolicyEstimator(
                env,
                "linear",
                discount=1.0,
                batch_size=1000,
                n_envs=200,
                max_iter=max_iter,
                random_state=seed,
            ).fit()
            for seed in range(n_seeds)
        ]
        print(f"{env.name}: {n_seeds} policies trained", flush=True)
        group = agents[env.name]
        returns[env.name] = np.array([agent.history_["mean_return"] for agent in group])
        evaluations[env.name] = [agent.evaluate(n_episodes) for agent in group]
    jobs = tuple(range(N_JOBS))
    return {
        "returns": returns,
        "evaluations": evaluations,
        "agents": agents,
        "optimum": optimum(jobs),
        "first": worth(jobs).argmax(axis=1),
        "uniform": N_JOBS * SKILLS.mean() * VALUES.mean(),
    }


# %%
# The greedy returns have standard errors, because the workers' skills are random.


def report(result: dict) -> None:
    """Print the greedy returns of both kinds of policies beside the optimum.

    Parameters
    ----------
    result : dict
        What :func:`compute` returned.
    """
    print(f"optimum {result['optimum']:.2f}, jobs by lot {result['uniform']:.2f}")
    print("environment        seed   mean of updates 1 to 10   greedy return")
    for name, evaluations in result["evaluations"].items():
        for seed, evaluation in enumerate(evaluations):
            early = result["returns"][name][seed, :10].mean()
            greedy = f"{evaluation.mean:.2f} +- {evaluation.standard_error:.2f}"
            print(f"{name:17s}  {seed:4d}   {early:23.1f}   {greedy}")


# %%
# Left, what the policies earn while they learn. Right, to whom the first masked policy gives
# each job while all are open.


def draw(result: dict):
    """Draw the returns while learning, and the probabilities of jobs for the first worker.

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
    labels = {"masked assignment": "with masks", "free assignment": "without: a taken job earns 0"}
    for (name, curves), color, line in zip(
        result["returns"].items(), ("C0", "C1"), ("-", "--"), strict=True
    ):
        updates = np.arange(1, curves.shape[1] + 1)
        left.plot(updates, curves.T, color=color, linestyle=line, linewidth=0.8, alpha=0.6)
        left.plot(updates, curves.mean(axis=0), color=color, linestyle=line, label=labels[name])
    left.axhline(result["optimum"], color="C6", linestyle=":", label="optimum")
    left.axhline(result["uniform"], color="C2", linestyle="-.", label="jobs by lot")
    left.set(
        xlabel="update (1,000 decisions each)",
        ylabel="mean return (skill times value, five workers)",
        title="With masks the rules need not be learned",
    )
    left.legend(loc="lower right")
    agent = result["agents"]["masked assignment"][0]
    seen = np.column_stack([SKILLS, np.ones((len(SKILLS), N_JOBS))])
    chance = agent.predict_proba(seen, action_masks=np.ones((len(SKILLS), N_JOBS)))
    image = right.pcolormesh(SKILLS, VALUES, chance.T, vmin=0.0, vmax=1.0, cmap="Blues")
    right.plot(SKILLS, VALUES[result["first"]], "o", color="C1", label="best job")
    figure.colorbar(image, ax=right, label="probability of the job")
    right.grid(visible=False)
    right.set(
        xlabel="skill of the first worker",
        ylabel="value of the job",
        title="Better workers get better jobs",
        xticks=SKILLS,
        yticks=VALUES,
    )
    right.legend(loc="upper left")
    return figure


# %%
# The script prints the table and writes the figure.


def main(argv: list[str] | None = None) -> None:
    """Train, print the greedy returns and write the figure."""
    default = Path(__file__).parents[1] / "output" / "masks.png"
    parser = argparse.ArgumentParser(description="Policies with and without masks of actions.")
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# The greedy returns of both kinds end near the optimum, but with masks the first updates are not
# spent on learning which jobs are taken.

if __name__ == "__main__":
    main()
