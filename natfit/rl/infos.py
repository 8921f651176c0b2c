"""Numbers that environments give in ``info`` with the last step of an episode."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit.rl.history import INFO


def numbers_of(info: Any) -> dict[str, float]:
    """Return the finite numbers in an info dict, by key; flags count as 0 and 1."""
    if not isinstance(info, dict):
        return {}
    found = {}
    for key, value in info.items():
        if isinstance(value, np.ndarray) and value.shape == ():
            value = value.item()
        if isinstance(value, numbers.Real | np.bool_) and np.isfinite(float(value)):
            found[key] = float(value)
    return found


def row_of(infos: Any, row: int) -> dict[str, Any]:
    """Return the info of one row from those of a vector environment, in Gymnasium's forms.

    These are a dict of arrays, where ``_key`` says which rows have a value, or a sequence of dicts.
    ``final_info``, in either form, replaces it where the next episode has begun already.

    Returns
    -------
    dict
        Empty where there is none.
    """
    if isinstance(infos, dict):
        final = infos.get("final_info")
        if final is not None and _has(infos, "final_info", row):
            return row_of(final, row)
        keys = [key for key in infos if isinstance(key, str) and not key.startswith("_")]
        return {key: infos[key][row] for key in keys if _has(infos, key, row)}
    try:
        one = infos[row]
    except (TypeError, IndexError, KeyError):
        return {}
    return one if isinstance(one, dict) else {}


def _has(infos: dict, key: str, row: int) -> bool:
    """Tell whether a key has a value for a row."""
    mask, values = infos.get(f"_{key}"), infos[key]
    if mask is not None and not mask[row]:
        return False
    if isinstance(values, dict):
        return key == "final_info"
    return isinstance(values, np.ndarray | list | tuple) and len(values) > row


def check_info_keys(keys: Any) -> tuple[str, ...]:
    """Return the keys as a tuple, after a check that they are strings.

    Returns
    -------
    tuple of str
        The keys.

    Raises
    ------
    TypeError
        If it is a string itself, or no sequence of strings.
    """
    if isinstance(keys, list | tuple) and all(isinstance(key, str) for key in keys):
        return tuple(keys)
    raise TypeError(
        f"info_keys must be a sequence of strings, such as ('is_success',), got {keys!r}"
    )


def means_of(infos: Sequence[dict[str, float]], keys: Sequence[str]) -> dict[str, float]:
    """Return a column for each key: the mean over the episodes that have it, NaN without any."""
    found = {}
    for key in keys:
        values = [info[key] for info in infos if key in info]
        found[INFO + key] = float(np.mean(values)) if values else np.nan
    return found
