"""Behaviour cloning: the policy that makes demonstrated actions most likely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_weights
from natfit.damping.fixed import FixedDamping
from natfit.estimators._policy_logged import LoggedPolicy
from natfit.estimators._policy_options import first_state, resumable
from natfit.objectives import Likelihood, Regression
from natfit.optimize import Engine, Fit, Status, run
from natfit.optimize.engine import resolve_engine
from natfit.rl.policy import Policy
from natfit.rl.stopping import TrainingStatus
from natfit.rl.threads import few_threads
from natfit.rl.training import Plan
from natfit.rows import Memory
from natfit.solvers.cg import CGSolver

#: Products F v in an iteration of a network, and lambda in F + lambda I.
_PRODUCTS, _DAMPING = 50, 1e-4


class _Limited:
    """The limits of theta that a policy has, in place of those of its model."""

    own_limits: tuple[np.ndarray, np.ndarray]

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (*self.own_limits, super().limits()[2])  # type: ignore[misc]  # of a likelihood

    def in_domain(self, theta: np.ndarray) -> bool:
        low, high = self.own_limits
        inside = bool((theta >= low).all() and (theta <= high).all())
        return inside and super().in_domain(theta)  # type: ignore[misc]  # of a likelihood


class _OfStates(_Limited, Regression):
    """The likelihood of demonstrated actions, which knows actions that states separate."""


class _OfAll(_Limited, Likelihood):
    """The likelihood of demonstrated actions of a policy that ignores the state."""


class DemonstratedPolicy(LoggedPolicy):
    """A policy estimator that can also learn from demonstrations."""

    policy: Any

    @answers_keywords
    def fit_demonstrations(
        self,
        observations: Any,
        actions: Any,
        sample_weight: Any = None,
        *,
        tol: float = 1e-5,
        max_iter: int = 100,
    ) -> DemonstratedPolicy:
        """Imitate demonstrated actions by maximum likelihood (behaviour cloning).

        The policy maximises sum_i w_i log pi(a_i | s_i), as :class:`NaturalRegressor` maximises the
        likelihood of y given X: a linear policy with real actions is the least-squares regression,
        one with discrete actions the logistic regression, of actions on standardised observations.
        Standard deviations stay within ``std_bounds``. A :meth:`fit` with ``warm_start=True``
        goes on from this policy. ``env`` only says what the spaces are; nothing is played.

        Parameters
        ----------
        observations : array-like of shape (N, *observation_space.shape)
            The observation on which each action was taken.
        actions : array-like of shape (N, *action_space.shape)
            The demonstrated actions.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row.
        tol : float, default=1e-5
            Distance to the optimum, in standard errors, at which the fit has converged.
        max_iter : int, default=100
            Maximum number of iterations.

        Returns
        -------
        self
            The fitted estimator; ``status_`` and ``message_`` say whether it has converged, and
            ``history_`` is that of the likelihood.

        Raises
        ------
        ValueError
            If the data are not valid.
        """
        with self._all_or_nothing():
            plan, policy = self._planned()
            engine = _engine(policy, tol, max_iter)
            if np.ndim(observations) and len(observations) == 0:
                raise ValueError("observations must have at least one demonstration, got none")
            encoded, y = policy.encoded(observations), policy.from_space(actions)
            if len(y) != len(encoded):
                raise ValueError(
                    f"actions must have one row for each of the {len(encoded)} observations, got "
                    f"{len(y)} rows; pass arrays of equal length"
                )
            weight = check_weights(sample_weight, len(y))
            before = getattr(self, "_state", None) if self.warm_start else None
            if before is None:
                state = first_state(self, plan, policy)
                if state.normalizer is not None:
                    normalizer = state.normalizer.update(encoded)
                    policy = replace(state.policy, normalizer=normalizer)
                    state = replace(state, normalizer=normalizer, policy=policy)
            else:
                state = resumable(self, before, plan, policy).without_episodes()
            found = _cloned(plan, state.policy, encoded, y, weight, engine, state.root)
            # Values were those of another policy.
            state = replace(state, policy=state.policy.with_theta(found.theta), baseline=None)
            records = getattr(self, "_records", []) if before is not None else []
            self._publish_policy(plan, state, TrainingStatus.NO_STEP)
            self._records = list(records)
            self.history_ = found.history  # type: ignore[assignment]  # of a likelihood
            self.status_, self.message_ = _ending(found, tol)
        if self.status_ not in (Status.CONVERGED, Status.BOUNDARY):
            self._warn(self.status_, self.message_, engine)
        return self


def _engine(policy: Policy, tol: float, max_iter: int) -> Engine:
    """Return the components of maximum likelihood; a network's matrix is not formed."""
    if policy.model.shared or policy.model.linear:
        return resolve_engine("auto", "auto", "backtracking", None, tol, max_iter)
    solver = CGSolver(tol=1e-3, max_iter=_PRODUCTS, precondition=False)
    return resolve_engine("exact", solver, "backtracking", FixedDamping(_DAMPING), tol, max_iter)


def _cloned(
    plan: Plan,
    policy: Policy,
    encoded: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray | None,
    engine: Engine,
    root: int,
) -> Fit:
    """Return the run that maximises the likelihood of the actions."""
    rows = Memory(y, None if policy.model.shared else policy.normalised(encoded), weight)
    kind = _OfAll if policy.model.shared else _OfStates
    objective = kind(policy.distribution, policy.model, rows)
    objective.own_limits = plan.limits
    with few_threads(policy.theta.size):
        return run(objective, engine, policy.theta, np.random.default_rng((root, 0, 4)))


def _ending(found: Fit, tol: float) -> tuple[Status, str]:
    """Return status and message; a policy may be determined where its theta is not."""
    distance = found.iterate.distance
    if found.status is Status.SINGULAR and distance <= tol:
        return Status.CONVERGED, (
            f"converged: the policy is within tol={tol:g} standard errors of the optimum; the "
            "demonstrations determine its actions, but not every entry of theta"
        )
    if found.status is Status.UNBOUNDED:
        return found.status, (
            "unbounded: the observations tell without exception which action was taken, so that "
            "the likelihood grows with theta without end; the policy is that of the last iterate "
            f"({found.n_iter}): training goes on from it with little exploration, for more of it "
            "demonstrate with some noise, or pass a smaller max_iter"
        )
    if found.status is Status.BOUNDARY and found.verdict.bounds:
        return found.status, (
            f"boundary: {', '.join(found.verdict.bounds)} rest at the limits of std_bounds, "
            "because the demonstrated actions vary less (or more) than that around the policy's"
        )
    return found.status, found.message
