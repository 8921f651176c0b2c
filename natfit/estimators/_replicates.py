"""Estimates of resampled rows, for the bootstrap."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.callback import with_callbacks

from natfit._numbers import is_vector, one_column
from natfit._validation import check_jobs, check_number, check_option
from natfit._warnings import warn
from natfit.distributions import Censored
from natfit.estimators._estimates import Estimates
from natfit.inference import bootstrap
from natfit.optimize import Status
from natfit.rng import bridge_rng

#: Ends of a fit to resampled rows that give no estimate.
NO_ESTIMATE = (
    Status.MAX_ITER,
    Status.NO_DESCENT,
    Status.SINGULAR,
    Status.UNBOUNDED,
    Status.NON_FINITE,
    Status.STOPPED_BY_CALLBACK,
)

#: Replicates that a worker computes in one call: the call costs as much as a fit.
_BATCH = 25


class Replicates(Estimates):
    """The part of a fitted density that fits it again to resampled rows."""

    random_state: Any

    @with_callbacks
    def _replicates(self, X: Any, sample_weight: Any, options: dict[str, Any]) -> np.ndarray:
        """Return the estimates (B, D, K) of B sets of resampled rows, in unconstrained parameters.

        Each set has a seed of its own, drawn before the first fit, so that the result does not
        depend on the number of processes.

        Returns
        -------
        ndarray of shape (B, D, K)
            Of the sets whose fit converged.
        """
        n = int(
            check_number(options["n_resamples"], "n_resamples", low=bootstrap.FEWEST, integer=True)
        )
        check_option(options["resample"], "resample", ("rows", "parametric"))
        jobs = check_jobs(options["n_jobs"])
        X, weight = self._resampled(X, sample_weight, options["resample"])
        seed = options["random_state"]
        seed = self.random_state if seed is None else seed
        # A statement about a fit is the same each time, as the fit is.
        rng = np.random.default_rng(0) if seed is None else bridge_rng(seed)
        seeds = rng.integers(0, 2**63, size=n)
        worker = copy.copy(self)
        # Replicates share the processes, and report as one task.
        without_callbacks(worker)
        if hasattr(worker, "n_jobs"):
            worker.n_jobs = None
        found = replicated(self, _batch, (worker, X, weight, options["resample"]), seeds, jobs)
        return kept(found, "see identifiability(), fix a parameter, or use method='profile'")

    def _resampled(self, X: Any, sample_weight: Any, resample: str) -> tuple[Any, np.ndarray]:
        """Return the rows as given, and the weight of each, zero where it does not count."""
        data, _, _ = self._seen(X, sample_weight)
        if resample == "parametric" and data.seen_as is not None:
            raise ValueError(
                "resample='parametric' is not defined for censored rows, because it is not known "
                "how other rows would have been censored; use resample='rows'"
            )
        if Censored.of(X) is None and is_vector(X):
            X = one_column(X)
        own = np.ones(len(data.values)) if data.weight is None else data.weight
        if data.kept is None:
            return X, own
        weight = np.zeros(len(data.kept))
        weight[data.kept] = own
        return X, weight


def without_callbacks(estimator: Any) -> None:
    """Take the callbacks of scikit-learn from an estimator."""
    for name in ("_skl_callbacks", "_callback_fit_ctx", "_skl_callbacks_to_teardown"):
        estimator.__dict__.pop(name, None)


def replicated(
    owner: Any, batch: Callable, arguments: tuple, seeds: np.ndarray, jobs: int | None
) -> list[np.ndarray | str]:
    """Return the estimates of sets of resampled rows, or why one has none, in the order of seeds.

    Parameters
    ----------
    owner : estimator
        Its callbacks see one task, ``bootstrap``, with a subtask for each replicate.
    batch : callable
        ``batch(*arguments, seeds)`` returns those of some seeds.
    arguments : tuple
        What it takes, which other processes are sent.
    seeds : ndarray of int
        A seed for each replicate.
    jobs : int or None
        Number of processes.

    Returns
    -------
    list of ndarray or str
    """
    n = len(seeds)
    context = owner._init_callback_context(task_name="bootstrap", max_subtasks=n)
    # Callbacks that score estimators are given none: replicates are no fits of these data.
    context.call_on_fit_task_begin(estimator=owner)
    parts = [seeds[i : i + _BATCH] for i in range(0, n, _BATCH)]
    call = delayed(batch)
    found: list[np.ndarray | str] = []
    pool = Parallel(n_jobs=jobs, return_as="generator")
    for several in pool(call(*arguments, part) for part in parts):
        for one in several:
            task = context.subcontext(task_name="replicate")
            task.call_on_fit_task_begin(estimator=owner)
            task.call_on_fit_task_end(estimator=owner)
            found.append(one)
    context.call_on_fit_task_end(estimator=owner)
    return found


def kept(found: list[np.ndarray | str], remedy: str) -> np.ndarray:
    """Return the estimates that were found, (B, ...).

    Parameters
    ----------
    found : list of ndarray or str
        An estimate, or why there is none.
    remedy : str
        What to do where most have none.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If more than half have none; a warning counts fewer.
    """
    good = [one for one in found if not isinstance(one, str)]
    reasons = [why for why in found if isinstance(why, str)]
    lost, n = len(found) - len(good), len(found)
    if 2 * lost > n:
        raise ValueError(
            f"the fits to resampled rows must converge, but {lost} of {n} did not, the first "
            f"because: {reasons[0]}; {remedy}"
        )
    if lost:
        warn(
            f"{lost} of {n} fits to resampled rows did not converge and are left out; the "
            "interval describes the sets of rows that determine the parameters",
            RuntimeWarning,
        )
    return np.stack(good)


def _batch(
    model: Any, X: Any, weight: np.ndarray, resample: str, seeds: np.ndarray
) -> list[np.ndarray | str]:
    """Return the estimate (D, K) of each set of rows, or why there is none."""
    out: list[np.ndarray | str] = []
    for seed in seeds:
        rng = np.random.default_rng(int(seed))
        try:
            if resample == "rows":
                other = model._refit(X, bootstrap.repetitions(weight, rng))
            else:
                other = model._refit(model.sample(max(round(weight.sum()), 2), rng))
        except ValueError as error:
            # Rows of one value, or outside of what the family can be fitted to.
            out.append(str(error))
            continue
        failed = any(status in NO_ESTIMATE for status in other.statuses_)
        out.append(f"{other.status_}: {other.message_}" if failed else other._eta)
    return out
