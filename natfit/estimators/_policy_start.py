"""Where a policy starts: at weights that are given, or at those of another policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import check_vector
from natfit.rl.normalizer import RunningNormalizer
from natfit.rl.policy import Policy


def started(
    given: Any, policy: Policy, theta: np.ndarray, normalizer: RunningNormalizer | None
) -> tuple[np.ndarray, RunningNormalizer | None]:
    """Return theta (P,) and the normaliser of the first policy.

    Parameters
    ----------
    given : None, array-like of shape (P,) or Policy
        The option ``start_theta``.
    policy : Policy
        The policy that is trained, whose model and spaces it must fit.
    theta : ndarray of shape (P,)
        The start without it.
    normalizer : RunningNormalizer or None
        The normaliser without it; None if observations are left as they are.

    Returns
    -------
    theta : ndarray of shape (P,)
    normalizer : RunningNormalizer or None

    Raises
    ------
    ValueError
        If the shape is wrong, a number is not finite, or the other policy is of another kind.
    TypeError
        If an estimator is given instead of its policy.
    """
    if given is None:
        return theta, normalizer
    if hasattr(given, "get_params"):
        raise TypeError(
            f"start_theta must be an array or a policy, got the estimator {type(given).__name__}; "
            "pass its policy_ (a copy of an estimator, as in a grid search, is not fitted)"
        )
    if not isinstance(given, Policy):
        try:
            return check_vector(given, "start_theta", theta.size), normalizer
        except ValueError as error:
            raise ValueError(
                f"{error}; the policy {policy.model!r} has {theta.size} parameters in this "
                "environment, as theta_ of a fit"
            ) from None
    parts = ("model", "distribution", "observation_space", "action_space")
    for name in parts:
        own, other = getattr(policy, name), getattr(given, name)
        if type(own) is not type(other) or own != other:
            raise ValueError(
                f"start_theta must be a policy with the {name} of this estimator, {own!r}, got "
                f"{other!r}; pass an array, or set the options of the other estimator"
            )
    if (normalizer is None) != (given.normalizer is None):
        raise ValueError(
            f"start_theta is a policy that was trained with normalize_observations="
            f"{given.normalizer is not None}, so that its theta means something else here; set "
            "the same"
        )
    return given.theta.copy(), given.normalizer
