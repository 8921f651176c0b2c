"""Families bound to parts of the rows, as one bound to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from natfit._component import same

if TYPE_CHECKING:
    from natfit.distributions.base import Distribution


#: Values, each equally likely, that represent those of rows.
QUANTILES = 16


def represents(family: Distribution) -> bool:
    """Tell whether an option of a family, or of one inside it, represents the rows it is bound to.

    Returns
    -------
    bool
    """
    inside = family.get_params(deep=False).values()
    return bool(family.of_rows) or any(represents(v) for v in inside if hasattr(v, "of_rows"))


def united(one: Distribution, weight: float, other: Distribution, more: float) -> Any:
    """Return the family that is bound to the rows of two parts.

    Parameters
    ----------
    one, other : Distribution
        Bound to each part.
    weight, more : float
        The sum of the weights of each part.

    Returns
    -------
    Distribution or None
        None where the two differ in more than what represents their rows.
    """
    if type(one) is not type(other):
        return None
    mine, theirs = one.get_params(deep=False), other.get_params(deep=False)
    changed: dict[str, Any] = {}
    for name, value in mine.items():
        if same(value, theirs[name]):
            continue
        if name in one.of_rows:
            changed[name] = pooled_quantiles(value, weight, theirs[name], more)
        elif hasattr(value, "of_rows"):
            changed[name] = united(value, weight, theirs[name], more)
        if changed.get(name) is None:
            return None
    return type(one)(**{**mine, **changed}) if changed else one


def pooled_quantiles(one: Any, weight: float, two: Any, more: float) -> tuple[int, ...]:
    """Return values that represent those of two parts, each of which are equally likely.

    Parameters
    ----------
    one, two : int or tuple of int
        The values of each part.
    weight, more : float
        What each part counts for.

    Returns
    -------
    tuple of int
    """
    parts = [np.atleast_1d(np.asarray(part)) for part in (one, two)]
    shares = [np.full(len(p), w / len(p)) for p, w in zip(parts, (weight, more), strict=True)]
    values, share = np.concatenate(parts), np.concatenate(shares)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(share[order])
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES * reached[-1]
    return tuple(int(v) for v in values[order][np.searchsorted(reached, at)])
