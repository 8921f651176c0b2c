"""Advantages of the actions taken, and the returns to which a baseline is fitted.

Arrays have shape (T, n): T steps, in the order of time, of n environments side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import check_number, check_weights


def gae(
    reward: np.ndarray,
    value: np.ndarray,
    next_value: np.ndarray,
    ended: np.ndarray,
    terminated: np.ndarray,
    valid: np.ndarray | None,
    discount: float,
    lam: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Generalised advantage estimates, Schulman et al. (2016), equation 16.

    ``A_t = sum_k (discount lam)^k delta_{t+k}`` up to the episode's end, with
    ``delta_t = r_t + discount V(s_{t+1}) - V(s_t)``, where V is 0 after a terminal state. For an
    episode that was truncated, or is unfinished in the last row, the value of its last observation
    stands for the rewards that would follow.

    Parameters
    ----------
    reward : ndarray of shape (T, n)
        r_t, in the environment's units.
    value : ndarray of shape (T, n)
        V(s_t), the baseline's prediction where the action was taken.
    next_value : ndarray of shape (T, n)
        V(s_{t+1}); where the episode ended, the value of its final observation, not that of the
        next episode's first. It is not used where ``terminated`` is True.
    ended : ndarray of bool, shape (T, n)
        Whether the episode ended with this step, terminated or truncated.
    terminated : ndarray of bool, shape (T, n)
        Whether the episode reached a terminal state with this step.
    valid : ndarray of bool, shape (T, n), or None
        False for entries that only reset an environment: their results are 0, and their values
        are not used. None if all entries are steps.
    discount : float
        In [0, 1]; 1 is undiscounted.
    lam : float
        In [0, 1]: 0 gives the one-step error, 1 the return minus the value.

    Returns
    -------
    advantage : ndarray of shape (T, n)
        A_t.
    target : ndarray of shape (T, n)
        A_t + V(s_t), to which the baseline is fitted.

    Raises
    ------
    ValueError
        If a parameter is outside its interval, shapes differ, or a number used is not finite.

    References
    ----------
    Schulman, Moritz, Levine, Jordan and Abbeel (2016), "High-dimensional continuous control
    using generalized advantage estimation", ICLR.
    """
    discount = check_number(discount, "discount", low=0.0, high=1.0, hint="0.99")
    lam = check_number(lam, "lam", low=0.0, high=1.0, hint="0.95")
    reward, value, next_value = (
        np.asarray(a, dtype=np.float64) for a in (reward, value, next_value)
    )
    ended, terminated = (np.asarray(a, dtype=bool) for a in (ended, terminated))
    valid = np.ones(reward.shape, dtype=bool) if valid is None else np.asarray(valid, dtype=bool)
    _same_shape(
        reward=reward,
        value=value,
        next_value=next_value,
        ended=ended,
        terminated=terminated,
        valid=valid,
    )
    # Selected, not multiplied: an entry that is not used may hold anything, even NaN.
    base = np.where(valid, value, 0.0)
    advantage = np.where(valid, reward, 0.0) - base
    with np.errstate(all="ignore"):
        advantage += discount * np.where(valid & ~terminated, next_value, 0.0)
        # A terminal step ends its episode, whether ``ended`` says so or not.
        decay = np.where(valid & ~(ended | terminated), discount * lam, 0.0)
        for t in range(len(advantage) - 2, -1, -1):
            advantage[t] += decay[t] * advantage[t + 1]
        target = advantage + base
    if not np.all(np.isfinite(target)):
        where = tuple(map(int, np.argwhere(~np.isfinite(target))[-1]))
        raise ValueError(
            f"reward, value and next_value must be finite, got {reward[where]}, {value[where]} "
            f"and {next_value[where]} at row {where}; check the environment's rewards"
        )
    return advantage, target


def discounted_return(reward: Any, episode: Any, discount: float) -> np.ndarray:
    """Return of each step to the end of its episode, ``G_t = sum_k discount^k r_{t+k}``.

    Parameters
    ----------
    reward : array-like of shape (N,)
        Rewards of whole episodes, one after the other.
    episode : array-like of shape (N,)
        If boolean, whether a step is the first of an episode. Otherwise the number or name of
        the step's episode: an episode begins wherever it changes.
    discount : float
        In [0, 1].

    Returns
    -------
    ndarray of shape (N,)
        G_t; the return of an episode is that of its first step.

    Raises
    ------
    ValueError
        If ``discount`` is outside its interval, shapes differ, or a reward is not finite.
    """
    discount = check_number(discount, "discount", low=0.0, high=1.0, hint="0.99")
    total = np.array(reward, dtype=np.float64)
    episode = np.asarray(episode)
    if total.ndim != 1 or episode.shape != total.shape:
        raise ValueError(
            f"reward and episode must have one shape (N,), got {total.shape} and {episode.shape}"
        )
    if not np.all(np.isfinite(total)):
        where = int(np.argmin(np.isfinite(total)))
        raise ValueError(f"reward must be finite, got {total[where]} at row {where}")
    if episode.dtype != bool:
        episode = np.concatenate(
            [np.ones(min(len(total), 1), dtype=bool), episode[1:] != episode[:-1]]
        )
    number = np.cumsum(episode)
    # Sums over 1, 2, 4, ... steps ahead: each doubling adds the sum that begins where it ends.
    ahead, factor = 1, discount
    while ahead < len(total):
        same = number[ahead:] == number[:-ahead]
        if factor == 0.0 or not same.any():
            break
        total[:-ahead] += np.where(same, factor * total[ahead:], 0.0)
        ahead, factor = 2 * ahead, factor * factor
    return total


def standardised(advantage: Any, weight: Any = None, centre: bool = True) -> np.ndarray:
    """Standardise advantages to mean 0 and standard deviation 1: ``(A - mean) / std``.

    Parameters
    ----------
    advantage : array-like of any shape
        A.
    weight : array-like of the same shape, optional
        Repetitions of each row, >= 0, in the mean and the standard deviation; 0 leaves a row
        out of both.
    centre : bool, default=True
        Whether the mean is subtracted; without, advantages are divided by their standard
        deviation only, which changes no direction.

    Returns
    -------
    ndarray of the same shape
        Zeros if all advantages of positive weight are equal up to rounding.

    Raises
    ------
    ValueError
        If an advantage is not finite, or the weights are of another shape, negative, not
        finite or all zero.
    """
    advantage = np.asarray(advantage, dtype=np.float64)
    if advantage.size == 0:
        return advantage.copy()
    if not np.all(np.isfinite(advantage)):
        where = int(np.argmin(np.isfinite(advantage.ravel())))
        raise ValueError(f"advantage must be finite, got {advantage.flat[where]} at row {where}")
    if weight is not None:
        weight = np.asarray(weight)
        _same_shape(advantage=advantage, weight=weight)
        weight = weight.ravel()
    checked = check_weights(weight, advantage.size)
    weights = None if checked is None else checked.reshape(advantage.shape) / checked.max()
    # Scaled by the largest, so that squares neither overflow nor vanish.
    size = float(np.abs(advantage).max()) or 1.0
    scaled = advantage / size
    centred = scaled - np.average(scaled, weights=weights)
    std = float(np.sqrt(np.average(centred**2, weights=weights)))
    if not std > 1e-12:
        return np.zeros_like(centred)
    return (centred if centre else scaled) / std


def _same_shape(**arrays: np.ndarray) -> None:
    """Raise ValueError unless all arrays have the shape of the first."""
    (first, leader), *rest = arrays.items()
    for name, array in rest:
        if array.shape != leader.shape:
            raise ValueError(
                f"{name} must have the shape of {first}, {leader.shape}, got {array.shape}"
            )
