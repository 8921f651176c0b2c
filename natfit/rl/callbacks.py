"""Callbacks of policy trainings, in the protocol of ``sklearn.callback``.

They are set by ``set_callbacks`` and see the estimator after every update. One object may serve
several fits, as in a grid search: what it keeps is kept for each fit, and its attributes show the
fit that began last. Processes get copies of callbacks, and what those keep stays there.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import numpy as np

from natfit._validation import answers_keywords, check_bool, check_number
from natfit.rl.evaluation import seeds_of

#: What a callback keeps of one fit.
Kept = TypeVar("Kept")


class UpdateCallback(Generic[Kept]):
    """Base of callbacks that look at a policy after its updates."""

    _runs: dict[Hashable, Kept]

    def __init__(self) -> None:
        self._runs = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Check, before a fit, that the estimator trains a policy."""
        if not hasattr(estimator, "_evaluated"):
            raise TypeError(
                f"{type(self).__name__} is a callback of NaturalPolicyEstimator, got "
                f"{type(estimator).__name__}; use ScoringMonitor of sklearn.callback there"
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Leave everything as it is after a fit."""

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Leave everything as it is before an update."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> bool | None:
        """Look at the policy after an update; True ends the training."""
        if context.task_name != "iteration" or fitted_estimator is None:
            return None
        return self._after(estimator, context, fitted_estimator)

    def _after(self, estimator: Any, context: Any, fitted: Any) -> bool | None:
        """Look at a policy after an update."""
        raise NotImplementedError

    def _new(self) -> Kept:
        """Return what is kept of a fit when it begins."""
        raise NotImplementedError

    def _run(self, estimator: Any, context: Any) -> Kept:
        """Return what is kept of the fit that a task belongs to; a warm start goes on with it."""
        key = fit_of(context)
        if key not in self._runs:
            goes_on = bool(self._runs) and estimator.warm_start and hasattr(estimator, "n_iter_")
            last = copy.copy(self._latest()) if goes_on else self._new()
            self._runs[key] = last
        return self._runs[key]

    def _latest(self) -> Kept:
        """Return what is kept of the fit that began last."""
        return next(reversed(self._runs.values())) if self._runs else self._new()


def fit_of(context: Any) -> tuple:
    """Return what identifies the fit that a task belongs to, the numbers of its tasks last.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        That of a fit, or of one of its updates.

    Returns
    -------
    tuple
        The run, then the number of each task from the outermost fit down; one for a plain fit.
    """
    if context.task_name == "iteration":
        context = context.parent
    numbers = []
    while context is not None:
        numbers.append(context.task_id)
        root, context = context, context.parent
    return (root.root_uuid, *reversed(numbers))


class EvaluateEvery(UpdateCallback[list]):
    """Play whole episodes every ``every`` updates and keep their returns.

    The training is not disturbed: an evaluation plays in other environments, or in a copy if the
    training plays in an object, and draws from other generators.

    Parameters
    ----------
    every : int, default=10
        Number of updates from one evaluation to the next, >= 1.
    env : str, environment or callable, optional
        Where to play instead of in the estimator's ``env``.
    n_episodes : int, default=20
        Number of episodes if no seeds are given, >= 1.
    seeds : array-like of int, optional
        Seeds, from each of which one episode starts, the same in every evaluation; by default
        0, ..., n_episodes - 1.
    greedy : bool, default=True
        Whether to take the most probable action instead of drawing one.

    Raises
    ------
    ValueError
        If an option cannot be used.

    Examples
    --------
    >>> from natfit import NaturalPolicyEstimator
    >>> from natfit.rl import EvaluateEvery
    >>> watch = EvaluateEvery(2, n_episodes=5)
    >>> agent = NaturalPolicyEstimator("cartpole", max_iter=4, random_state=0)
    >>> _ = agent.set_callbacks(watch).fit()
    >>> [row["n_iter"] for row in watch.results]
    [2, 4]
    """

    @answers_keywords
    def __init__(
        self,
        every: int = 10,
        *,
        env: Any = None,
        n_episodes: int = 20,
        seeds: Any = None,
        greedy: bool = True,
    ):
        super().__init__()
        self.every = int(check_number(every, "every", low=1, integer=True, unit="updates"))
        self.env = env
        n = int(check_number(n_episodes, "n_episodes", low=1, integer=True))
        self.seeds = np.arange(n) if seeds is None else seeds_of(seeds, "seeds")
        self.n_episodes = len(self.seeds)
        self.greedy = check_bool(greedy, "greedy")

    @property
    def results(self) -> list[dict[str, float]]:
        """One dict for each evaluation of the last fit, in the unit of the rewards.

        The keys are ``n_iter`` and ``n_env_steps``, the updates and steps so far, then ``mean``,
        ``std`` and ``standard_error`` of the returns, and ``n_episodes``. A fit with
        ``warm_start=True`` goes on with those of the fit before.
        """
        return self._latest()

    @property
    def all_results(self) -> list[list[dict[str, float]]]:
        """The results of every fit, in the order in which the fits began."""
        return list(self._runs.values())

    def _new(self) -> list:
        return []

    def _after(self, estimator: Any, context: Any, fitted: Any) -> None:
        self.evaluated(estimator, context, fitted)

    def evaluated(self, estimator: Any, context: Any, fitted: Any) -> dict[str, float] | None:
        """Return the results after an update, None if none are due; each is made once.

        Parameters
        ----------
        estimator, context
            What callbacks are given.
        fitted : NaturalPolicyEstimator
            The estimator as if the fit had stopped at this update.

        Returns
        -------
        dict or None
            A row of ``results``.
        """
        n = fitted.n_iter_
        if n % self.every:
            return None
        rows = self._run(estimator, context)
        if rows and rows[-1]["n_iter"] == n:
            return rows[-1]
        found = fitted._evaluated(self.seeds, self.greedy, self.env)
        row = {
            "n_iter": n,
            "n_env_steps": fitted.n_env_steps_,
            "mean": found.mean,
            "std": float(found.returns.std()),
            "standard_error": found.standard_error,
            "n_episodes": len(found.returns),
        }
        rows.append(row)
        return row


class Judge(UpdateCallback[Kept]):
    """Base of callbacks that look at the results of another one, which need not be set itself."""

    def __init__(self, evaluation: EvaluateEvery | None):
        super().__init__()
        if not (evaluation is None or isinstance(evaluation, EvaluateEvery)):
            raise TypeError(
                "evaluation must be an EvaluateEvery object, which says when and how to evaluate, "
                f"got {evaluation!r}; try EvaluateEvery(10)"
            )
        self.evaluation = EvaluateEvery() if evaluation is None else evaluation

    def _after(self, estimator: Any, context: Any, fitted: Any) -> bool | None:
        row = self.evaluation.evaluated(estimator, context, fitted)
        return None if row is None else self._judged(self._run(estimator, context), row, fitted)

    def _judged(self, kept: Kept, row: dict[str, float], fitted: Any) -> bool | None:
        """Look at the results of one evaluation."""
        raise NotImplementedError


class KeepBest(Judge[dict]):
    """Keep the estimator whose evaluation had the highest mean return; the first of equal ones.

    Parameters
    ----------
    evaluation : EvaluateEvery, optional
        When and how to evaluate; by default ``EvaluateEvery()``. The same object may be given to
        several callbacks, and is then evaluated once.

    Examples
    --------
    >>> from natfit import NaturalPolicyEstimator
    >>> from natfit.rl import EvaluateEvery, KeepBest
    >>> best = KeepBest(EvaluateEvery(1, n_episodes=5))
    >>> agent = NaturalPolicyEstimator("cartpole", max_iter=3, random_state=0)
    >>> _ = agent.set_callbacks(best).fit()
    >>> best.best_score == max(row["mean"] for row in best.evaluation.results)
    True
    """

    @answers_keywords
    def __init__(self, evaluation: EvaluateEvery | None = None):
        super().__init__(evaluation)

    @property
    def best_estimator(self) -> Any:
        """The estimator after the best update, None before an evaluation.

        It predicts, and a warm start goes on from it with new episodes.
        """
        return self._latest().get("estimator")

    @property
    def best_score(self) -> float:
        """The mean return of the best evaluation; minus infinity before any."""
        return self._latest().get("score", -np.inf)

    @property
    def best_n_iter(self) -> int | None:
        """The number of updates of the best estimator, None before an evaluation."""
        return self._latest().get("n_iter")

    def _new(self) -> dict:
        return {}

    def _judged(self, kept: dict, row: dict[str, float], fitted: Any) -> None:
        if row["mean"] > kept.get("score", -np.inf):
            own = copy.copy(fitted)
            # The training goes on in the episodes of this update.
            own.close()
            kept.update(estimator=own, score=row["mean"], n_iter=row["n_iter"])


class StopOnNoImprovement(Judge[dict]):
    """End the training when the mean return has not risen in some evaluations in a row.

    Parameters
    ----------
    evaluation : EvaluateEvery, optional
        When and how to evaluate; by default ``EvaluateEvery()``.
    patience : int, default=5
        Number of evaluations in a row without a rise after which the training ends, >= 1.
    min_delta : float, default=0.0
        A rise must exceed this number, >= 0, in the unit of the rewards.

    Raises
    ------
    ValueError
        If an option cannot be used.

    Examples
    --------
    >>> from natfit import NaturalPolicyEstimator
    >>> from natfit.rl import EvaluateEvery, StopOnNoImprovement
    >>> stop = StopOnNoImprovement(EvaluateEvery(1, n_episodes=5), patience=2, min_delta=1e6)
    >>> agent = NaturalPolicyEstimator("cartpole", random_state=0).set_callbacks(stop).fit()
    >>> print(agent.status_, agent.n_iter_)
    stopped_by_callback 3
    """

    @answers_keywords
    def __init__(
        self,
        evaluation: EvaluateEvery | None = None,
        *,
        patience: int = 5,
        min_delta: float = 0.0,
    ):
        super().__init__(evaluation)
        unit = "evaluations"
        self.patience = int(check_number(patience, "patience", low=1, integer=True, unit=unit))
        self.min_delta = check_number(min_delta, "min_delta", low=0.0)

    @property
    def n_without_rise(self) -> int:
        """Number of evaluations since the last rise."""
        return self._latest()["since"]

    def _new(self) -> dict:
        return {"best": -np.inf, "since": 0}

    def _judged(self, kept: dict, row: dict[str, float], fitted: Any) -> bool:
        if row["mean"] > kept["best"] + self.min_delta:
            kept["best"], kept["since"] = row["mean"], 0
        else:
            kept["since"] += 1
        return kept["since"] >= self.patience
