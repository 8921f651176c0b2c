"""Observations that methods of policies take, one or many, and the values of their states."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit._validation import answers_keywords
from natfit.rl.composites import Composite, batch_of_one, is_one
from natfit.rl.masks import checked_masks
from natfit.rl.policy import Policy
from natfit.rl.values import FittedBaseline


class PolicyValues:
    """Methods that take observations; one observation, without an axis of rows, gives one result.

    An observation has as many axes as its space, and a batch has one more, so that nothing else can
    be meant.
    """

    policy_: Policy
    baseline_: FittedBaseline

    @answers_keywords
    def value(self, observations: Any) -> np.ndarray:
        """Return the expected discounted return from each observation on, by the fitted baseline.

        It is that of the policy of the last update, V(s) = E[sum_k discount^k r_{t+k} | s_t = s].

        Parameters
        ----------
        observations : array-like of shape (n, *observation_space.shape)
            Values of the observation space; one without the axis n gives one number.

        Returns
        -------
        ndarray of shape (n,)
            Values in the unit of the rewards.

        Raises
        ------
        NotFittedError
            Before a fit.
        ValueError
            If the observations have another shape or are not finite, or if there is no baseline
            that has learnt from an update.
        """
        _, encoded, rows = self._encoded(observations)
        if not self.baseline_.options.uses_target:
            raise ValueError(
                f"value needs a baseline that learns, got {self.baseline_.options!r}; fit with "
                "baseline='fourier', for instance"
            )
        if self.baseline_.state is None:
            raise ValueError(
                "value needs a baseline that has learnt from an update, and there was none; call "
                "fit with max_iter >= 1 (and warm_start=True to keep the policy)"
            )
        return self.baseline_.of_encoded(encoded)[rows]

    def _encoded(self, observations: Any) -> tuple[Policy, np.ndarray, Any]:
        """Return the policy, the checked observations as features (n, D), and which rows to give.

        These are 0 for one observation, whose only row it is, and all for a batch.

        Returns
        -------
        policy : Policy
        encoded : ndarray of shape (n, D)
        rows : int or slice
        """
        check_is_fitted(self, "policy_")
        policy, space = self.policy_, self.policy_.observation_space
        if is_one(space, observations):
            return policy, policy.encoded(batch_of_one(space, observations)), 0
        return policy, policy.encoded(observations), slice(None)

    def _masks(self, action_masks: Any, n: int, rows: Any) -> np.ndarray | None:
        """Return checked masks (n, M), one for each of n observations; None if none are given."""
        if rows == 0 and action_masks is not None:
            action_masks = [action_masks]
        return checked_masks(self.policy_.action_space, action_masks, n)

    def _actions(self, actions: Any, n: int, rows: Any) -> np.ndarray:
        """Return checked actions, one for each of n observations, as the distribution's y."""
        space = self.policy_.action_space
        if rows == 0:
            if not is_one(space, actions):
                parts = isinstance(space, Composite)
                want = f"in {space}" if parts else f"of shape {space.shape}"
                got = repr(actions) if parts else f"shape {np.shape(actions)}"
                raise ValueError(
                    f"actions must be one action {want}, because observations is one observation, "
                    f"got {got}; pass [observation] with [action] for a batch of one"
                )
            actions = batch_of_one(space, actions)
        y = self.policy_.from_space(actions)
        if len(y) != n:
            raise ValueError(
                f"actions must have one row for each of the {n} observations, got {len(y)} rows; "
                "pass arrays of equal length"
            )
        return y
