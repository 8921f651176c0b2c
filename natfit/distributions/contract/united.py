"""Families bound to parts of the rows, as one bound to all of them."""

from __future__ import annotations

from copy import copy
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
    inside = [own for v in family.get_params(deep=False).values() for own in _families(v)]
    return bool(family.of_rows) or any(map(represents, inside))


def _families(value: Any) -> list[Any]:
    """Return the families that an option is, or consists of."""
    several = value if isinstance(value, list | tuple) else [value]
    return [own for own in several if hasattr(own, "of_rows")]


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
            continue
        pairs = _families(value), _families(theirs[name])
        if not pairs[0] or len(pairs[0]) != len(pairs[1]):
            return None
        inside = [united(a, weight, b, more) for a, b in zip(*pairs, strict=True)]
        if None in inside:
            return None
        changed[name] = tuple(inside) if isinstance(value, list | tuple) else inside[0]
    # What else is known of a bound family stays.
    return copy(one).set_params(**changed) if changed else one


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
