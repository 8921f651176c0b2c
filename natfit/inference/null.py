"""A hypothesis: native values of some parameters, also at the ends of their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.bijectors import Bijector, Limited
from natfit.distributions.base import Distribution
from natfit.distributions.contract.elsewhere import unknown_parameter

#: A limit nearer to zero than this in eta is an ordinary point of its constraint: shares near 0,
#: reciprocals near infinity, powers near 0. A logarithm or a logit is far from zero there, and the
#: score vanishes.
_ORDINARY = 0.1

_SIDES = ("lower", "upper")


@dataclass(frozen=True)
class Null:
    """The values that some parameters of a family have under a hypothesis.

    Attributes
    ----------
    values : dict of ndarray
        Native values by name. At the end of a range it is the family's practical limit, such as
        df = 1e10 for infinity, at which it equals the simpler family.
    tested : ndarray of shape (q,)
        The coordinates of eta that they are.
    eta : ndarray of shape (q,)
        Their values.
    inward : ndarray of shape (q,)
        1 or -1 for coordinates at a limit, the sign of a step into the range; 0 for others.
    words : str
        The hypothesis.
    """

    values: dict[str, np.ndarray]
    tested: np.ndarray
    eta: np.ndarray
    inward: np.ndarray
    words: str

    @property
    def bounded(self) -> np.ndarray:
        """Indices among the tested coordinates of those at a limit of their range."""
        return np.flatnonzero(self.inward)

    @classmethod
    def of(cls, family: Distribution, values: Any) -> Null:
        """Return the hypothesis that parameters of a family have native values.

        Parameters
        ----------
        family : Distribution
            The family.
        values : dict
            Native values by name, for one column of data.

        Returns
        -------
        Null

        Raises
        ------
        ValueError
            If a name is no parameter, a value is not one that the parameter may have, or it lies
            at an end of the range at which the family is not regular.
        TypeError
            If it is no dict, or a value is no number.
        """
        check_names(family, values)
        native: dict[str, np.ndarray] = {}
        tested, etas, inward, words = [], [], [], []
        for name, value in values.items():
            held, signs = _held(family, name, value)
            constraint, block = family.params[name], family.blocks[name]
            native[name] = held
            tested.append(np.arange(block.start, block.stop))
            etas.append(constraint.to_eta(held[None])[0])
            inward.append(signs)
            words.append(f"{name} = {_said(value)}")
        return cls(
            native,
            np.concatenate(tested),
            np.concatenate(etas),
            np.concatenate(inward),
            ", ".join(words),
        )


def check_names(family: Distribution, values: Any) -> None:
    """Raise TypeError or ValueError unless a hypothesis is a dict that names parameters.

    Parameters
    ----------
    family : Distribution
        The family.
    values : object
        The argument.

    Raises
    ------
    TypeError
        If it is no dict.
    ValueError
        If it is empty, or a name is no parameter.
    """
    if not isinstance(values, Mapping):
        raise TypeError(
            f"null must be a dict of native values by name, got {_kind(values)}; write "
            f"null={{{next(iter(family.params))!r}: 1.0}}"
        )
    if not values:
        raise ValueError(
            "null must name at least one parameter, got {}; write "
            f"null={{{next(iter(family.params))!r}: 1.0}}"
        )
    for name in values:
        if name not in family.params:
            rule = f"null must name some of the parameters of {type(family).__name__}"
            raise ValueError(unknown_parameter(family, str(name), rule))


def _kind(value: Any) -> str:
    """Return what something is, in few words: the shape of an array instead of its numbers."""
    if hasattr(value, "shape"):
        return f"{type(value).__name__} of shape {value.shape}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of length {len(value)}"
    return repr(value)


def _held(family: Distribution, name: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return a native value, moved to the limit if it is at the end of the range, and its signs."""
    constraint = family.params[name]
    if name in family.row_ends:
        raise ValueError(
            f"null must not name {name!r}, an end of the support: its estimate is a row, and no "
            "test here has its distribution; compare the end with the rows themselves"
        )
    array = _number(name, value, constraint)
    signs = np.zeros(constraint.size)
    if constraint.elementwise:
        flat = array.reshape(-1).copy()
        for i, v in enumerate(flat):
            side = _end(constraint, v)
            if side is None:
                continue
            _refuse_irregular(family, name, side, v)
            flat[i] = constraint.native_limits[_SIDES.index(side)]
            signs[i] = 1.0 if (side == "lower") != constraint.decreasing else -1.0
        array = flat.reshape(array.shape)
    if not constraint.valid(array):
        raise ValueError(f"null[{name!r}] must be {constraint.rule}, got {value!r}")
    return array, signs


def _number(name: str, value: Any, constraint: Bijector) -> np.ndarray:
    """Return a value as an array of the parameter's shape; NaN and wrong shapes are refused."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"null[{name!r}] must be a number or an array of numbers, got {value!r}"
        ) from None
    if array.size != max(1, int(np.prod(constraint.shape, dtype=int))):
        raise ValueError(f"null[{name!r}] must have shape {constraint.shape}, got {array.shape}")
    if np.isnan(array).any():
        raise ValueError(f"null[{name!r}] must not be NaN, got {value!r}; leave {name!r} out")
    return array.reshape(constraint.shape)


def _end(constraint: Bijector, value: float) -> str | None:
    """Return the side of the range at whose end a native number is, or None inside the range."""
    for k, side in enumerate(_SIDES):
        limit, end = constraint.native_limits[k], constraint.native_bounds[k]
        beyond = value <= limit if k == 0 else value >= limit
        # A number beyond the end of the range is no value of the parameter at all.
        inside = value >= end if k == 0 else value <= end
        if inside and (beyond or value == end) and (np.isfinite(value) or np.isfinite(limit)):
            return side
    return None


def _refuse_irregular(family: Distribution, name: str, side: str, value: float) -> None:
    """Raise ValueError for an end of a range at which no test of the family is regular."""
    constraint, meaning = family.params[name], family.limit_meaning.get((name, side), "")
    k = _SIDES.index(side)
    limit = constraint.native_limits[k]
    if np.isfinite(limit):
        given = isinstance(constraint, Limited) and not meaning
        at = float(np.ravel(constraint.to_eta(np.full((1, *constraint.shape), limit)))[0])
        if given or abs(at) <= _ORDINARY:
            return
    what = f", which stands for: {meaning}" if meaning else ""
    raise ValueError(
        f"null[{name!r}] must be inside the range of {name}, got its end {value:g}{what}. There "
        "the family is not regular; fit the simpler family and compare both by bic()"
    )


def _said(value: Any) -> str:
    """Return a value in words: a number shortly, an array as it is."""
    array = np.asarray(value, dtype=np.float64)
    return f"{float(array.reshape(())):g}" if array.size == 1 else str(array.tolist())
