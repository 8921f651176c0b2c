"""Masks of actions: which values of a discrete action may be taken in a state.

A mask has one entry for each value of each element of an action, as sb3-contrib's do: n for
Discrete, those of all elements side by side for MultiDiscrete, and two (for 0 and for 1) for each
element of MultiBinary. The logit of a masked value is set so far below the others that its
probability is zero in double precision: score, Fisher information, divergence and entropy are then
exactly those of the distribution over the values that are left.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from natfit.models import Linearization, Model
from natfit.rl.spaces import Discrete, MultiBinary, MultiDiscrete, Space

#: How far below the largest logit masked ones are: exp(-1000) is zero in double precision.
_BELOW = 1000.0


@dataclass(frozen=True)
class _Choice:
    """One element of an action: its entries in the mask and in eta, and its value without logit."""

    mask: slice
    eta: slice
    base: int


@lru_cache(maxsize=32)
def _choices(space: Space) -> tuple[_Choice, ...]:
    """Return the elements of discrete actions."""
    if isinstance(space, MultiBinary):
        return tuple(
            _Choice(slice(2 * j, 2 * j + 2), slice(j, j + 1), 0) for j in range(space.width)
        )
    counts = [space.n] if isinstance(space, Discrete) else []
    if isinstance(space, MultiDiscrete):
        counts = space.nvec.ravel().tolist()
    found, start = [], 0
    for j, n in enumerate(counts):
        found.append(_Choice(slice(start, start + n), slice(start - j, start - j + n - 1), n - 1))
        start += n
    return tuple(found)


def mask_width(space: Space) -> int:
    """Return the number M of entries of a mask; 0 for real actions, which have none."""
    choices = _choices(space)
    return choices[-1].mask.stop if choices else 0


def flat_mask(space: Space, mask: Any) -> tuple[np.ndarray | None, str]:
    """Return one mask as bools (M,), or None and in words what is wrong with it.

    Gymnasium's masks, a tuple of arrays for MultiDiscrete, are accepted too.

    Returns
    -------
    mask : ndarray of bool, shape (M,), or None
        None if it cannot be used.
    problem : str
        Empty if it can.
    """
    width = mask_width(space)
    if not width:
        return None, f"cannot be used for actions in {space}, only for whole numbers without parts"
    try:
        parts = mask if isinstance(mask, tuple) else (mask,)
        flat = np.concatenate([np.ravel(part) for part in parts])
    except (TypeError, ValueError):
        return None, f"has type {type(mask).__name__}"
    if flat.size != width:
        return None, f"has {flat.size} entries, but actions in {space} have {width}"
    if flat.dtype.kind not in "fiub" or not np.isin(flat, (0, 1)).all():
        return None, "must hold zeros and ones (or False and True)"
    flat = flat.astype(bool)
    for j, choice in enumerate(_choices(space)):
        if not flat[choice.mask].any():
            where = "" if isinstance(space, Discrete) else f" in element {j}"
            return None, f"must allow at least one action{where}"
    return flat, ""


def sound_masks(space: Space, masks: Any) -> np.ndarray | None:
    """Return masks as bools (n, M) if they are one array without a fault.

    A vectorised environment returns thousands of masks at every step: looking at one after the
    other takes longer than playing.

    Parameters
    ----------
    space : Space
        The action space.
    masks : Any
        Masks of n rows, in any form.

    Returns
    -------
    ndarray of bool, shape (n, M), or None
        None if rows have to be looked at one by one (:func:`flat_mask`), which says what is wrong.
    """
    if not isinstance(masks, np.ndarray) or masks.ndim != 2 or masks.dtype.kind not in "fiub":
        return None
    if masks.shape[1] != mask_width(space):
        return None
    allowed = masks.astype(bool)
    some = all(allowed[:, choice.mask].any(axis=1).all() for choice in _choices(space))
    # A NaN is True as a bool, and not equal to it.
    return allowed if some and np.array_equal(allowed, masks) else None


def checked_masks(space: Space, masks: Any, n: int) -> np.ndarray | None:
    """Return masks as bools (n, M); None if none are given.

    Parameters
    ----------
    space : Space
        The action space.
    masks : array-like of shape (n, M) or None
        A mask for each of n observations.
    n : int
        The number of observations.

    Returns
    -------
    ndarray of bool, shape (n, M), or None

    Raises
    ------
    ValueError
        If actions are real, the shape differs, or a row allows no action.
    """
    if masks is None:
        return None
    if not mask_width(space):
        raise ValueError(f"action_masks must be None for actions in {space}, which have no masks")
    try:
        count = len(masks)
    except TypeError:
        count = -1
    if count != n:
        raise ValueError(
            f"action_masks must have shape ({n}, {mask_width(space)}), one row for each "
            f"observation, got {np.shape(masks) if count < 0 else f'{count} rows'}"
        )
    whole = sound_masks(space, masks)
    if whole is not None:
        return whole
    out = np.empty((n, mask_width(space)), dtype=bool)
    for row, mask in enumerate(masks):
        flat, problem = flat_mask(space, mask)
        if flat is None:
            raise ValueError(f"action_masks {problem}: {mask!r} at row {row}")
        out[row] = flat
    return out


def masked(space: Space, eta: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return eta (n, K) of the distribution over the values that masks (n, M) allow."""
    out = np.empty((len(mask), eta.shape[1]))
    for choice in _choices(space):
        own, allowed = eta[:, choice.eta], mask[:, choice.mask] > 0
        logits = np.insert(own, choice.base, 0.0, axis=1)
        floor = np.where(allowed, logits, -np.inf).max(axis=1, keepdims=True) - _BELOW
        logits = np.where(allowed, logits, floor)
        others = np.delete(logits, choice.base, axis=1)
        out[:, choice.eta] = others - logits[:, choice.base, None]
    return out


def kept(space: Space, mask: np.ndarray, size: int) -> np.ndarray:
    """Return 1 for the entries of eta (n, K) whose value a mask allows, else 0."""
    out = np.empty((len(mask), size))
    for choice in _choices(space):
        out[:, choice.eta] = np.delete(mask[:, choice.mask], choice.base, axis=1) > 0
    return out


def allows(space: Space, mask: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell which actions y (n, ...), in class indices from 0, masks (n, M) allow, (n,) bool."""
    y = y.reshape(len(y), -1).astype(np.intp)
    rows = np.arange(len(y))
    each = [mask[rows, c.mask.start + y[:, j]] for j, c in enumerate(_choices(space))]
    return np.all(each, axis=0)


class MaskedModel(Model):
    """Another model whose last M features are masks: eta of the values that they allow.

    Parameters
    ----------
    model : Model
        A bound model of the other features.
    space : Space
        The action space.
    """

    def __init__(self, model: Model, space: Space):
        self.model = model
        self.space = space

    @property
    def family(self) -> Any:
        """The distribution of the other model."""
        return self.model.family

    @property
    def n_params(self) -> int:
        """P, the number of parameters of the other model."""
        return self.model.n_params

    def linearize(self, theta: np.ndarray, X: Any) -> Linearization:
        """Return eta (n, K) and J at theta (P,) for rows X (n, D + M), masks in the last M."""
        x, mask = self._split(X)
        return _Masked(self.model.linearize(theta, x), self.space, mask)

    def eta(self, theta: np.ndarray, X: Any) -> np.ndarray:
        """Return eta (n, K) at theta (P,) for rows X (n, D + M), masks in the last M."""
        x, mask = self._split(X)
        return masked(self.space, self.model.eta(theta, x), mask)

    def _split(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return features (n, D) and masks (n, M)."""
        width = mask_width(self.space)
        return np.ascontiguousarray(X[:, :-width]), X[:, -width:]

    def names(self) -> list[str]:
        """Return the P names of the other model."""
        return self.model.names()

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return limits and largest steps (P,) of the other model."""
        return self.model.limits()

    def cut_together(self) -> list[slice]:
        """Return the blocks of the other model that one factor shortens."""
        return self.model.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether the other model accepts theta."""
        return self.model.in_domain(theta)


class _Masked(Linearization):
    """A linearization of which only the values that masks allow move.

    A logit shared by all values of an element, such as that of a masked value that the others are
    measured against, has no effect and therefore no derivative.
    """

    def __init__(self, inner: Linearization, space: Space, mask: np.ndarray):
        self.inner, self.linear = inner, inner.linear
        self.eta = masked(space, inner.eta, mask)
        self.keep = kept(space, mask, self.eta.shape[1])

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), for v (P,)."""
        return self.inner.jvp(v) * self.keep

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,), for u (n, K)."""
        return self.inner.vjp(u * self.keep)

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), for C (n, K, K)."""
        return self.inner.gram(c * self.keep[:, :, None] * self.keep[:, None, :])

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of :meth:`gram`."""
        return self.inner.diag(c * self.keep[:, :, None] * self.keep[:, None, :])

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        return self.inner.pull_columns(b * self.keep[:, :, None])

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows and k of u_ik d2 eta_ik / d theta2, (P, P)."""
        return self.inner.curvature(u * self.keep)
