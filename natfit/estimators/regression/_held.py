"""The first rows of a regression that goes on, which are kept and fitted together."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from natfit._numbers import is_frame, is_series
from natfit.distributions import Censored
from natfit.rows import joined, kind_of


@dataclass(frozen=True)
class Held:
    """A batch that is kept: X, y, sample_weight, offset and exposure, and what is left of a row."""

    given: dict[str, Any]
    left: float = 1.0

    @classmethod
    def of(cls, given: dict[str, Any]) -> Held:
        """Return a batch in arrays of its own: what the caller holds may change."""
        own = deepcopy(given)
        y = own["y"]
        if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1:
            own["y"] = y[:, 0]
        return cls(own)

    @property
    def n(self) -> int:
        """The number n of rows."""
        return int(self.given["X"].shape[0])

    @property
    def total(self) -> float:
        """The sum of weights."""
        weight = self.given["sample_weight"]
        return float(self.n if weight is None else np.sum(weight))

    def forgotten(self, share: float) -> Held:
        """Return the batch with a share of its weights."""
        if share == 1.0:
            return self
        weight = self.given["sample_weight"]
        weight = np.broadcast_to(1.0 if weight is None else np.asarray(weight, np.float64), self.n)
        return Held({**self.given, "sample_weight": share * weight}, share * self.left)


def parts_of(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which of offset and exposure are among the arguments."""
    return tuple(name for name in ("offset", "exposure") if given[name] is not None)


def refuse_other_parts(known: Sequence[str], parts: Sequence[str]) -> None:
    """Raise ValueError where a batch has an offset or an exposure that others do not have.

    Parameters
    ----------
    known, parts : sequence of str
        Those of the rows before, and those of the batch.

    Raises
    ------
    ValueError
        With the name, and what stands for none.
    """
    for name in {*known} ^ {*parts}:
        has, had = ("has one", "none") if name in parts else ("has none", "one")
        raise ValueError(
            f"{name} must be given with all batches or with none: this batch {has}, rows before it "
            f"have {had}; a row without an effect has the offset 0, or the exposure 1"
        )


def together(held: tuple[Held, ...]) -> dict[str, Any]:
    """Return several batches as one.

    Returns
    -------
    dict
        By the names of the arguments of a fit.

    Raises
    ------
    ValueError, TypeError
        If their parts do not fit together.
    """
    if len(held) == 1:
        return held[0].given
    rows = [each.n for each in held]
    out: dict[str, Any] = {}
    for name in held[0].given:
        parts = [each.given[name] for each in held]
        if all(part is None for part in parts):
            out[name] = None
        elif name == "sample_weight":
            pairs = zip(parts, rows, strict=True)
            own = [np.broadcast_to(1.0 if p is None else np.asarray(p), n) for p, n in pairs]
            out[name] = np.concatenate(own)
        elif isinstance(parts[0], Mapping):
            keys = {key for part in parts if isinstance(part, Mapping) for key in part}
            out[name] = {
                k: _stacked(f"{name}[{k!r}]", [_of_parameter(name, k, part) for part in parts])
                for k in sorted(keys)
            }
        else:
            out[name] = _stacked(name, parts)
    return out


def _of_parameter(name: str, key: str, part: Any) -> Any:
    """Return what a batch gives for one parameter."""
    if not isinstance(part, Mapping) or key not in part:
        got = list(part) if isinstance(part, Mapping) else type(part).__name__
        raise ValueError(f"{name} must name the same parameters in all batches, {key!r}, got {got}")
    return part[key]


def _like(first: Any, part: Any) -> Any:
    """Return an array as a frame with the columns of the first one, or a frame as an array."""
    if is_frame(part) and is_frame(first):
        return _with_levels_of(first, part)
    if not (is_frame(part) or is_frame(first)):
        return part
    if is_frame(part):
        return np.asarray(part)
    names = {"columns": first.columns} if hasattr(first, "iloc") else {"schema": first.columns}
    return type(first)(np.asarray(part), **names)


def _with_levels_of(first: Any, part: Any) -> Any:
    """Return a frame whose columns have the categories that the first one declares."""
    if hasattr(first, "schema") and hasattr(part, "schema"):
        enums = [name for name, kind in first.schema.items() if str(kind).startswith("Enum")]
        found = [part[n].cast(first.schema[n], strict=False) for n in enums if n in part.columns]
        same = [s for s in found if s.null_count() == part[s.name].null_count()]
        return part.with_columns(same)
    if not (hasattr(first, "iloc") and hasattr(part, "iloc")):
        return part
    changed = {}
    for name in first.columns.intersection(part.columns):
        levels = getattr(first[name].dtype, "categories", None)
        if levels is not None and part[name].isin(levels).all():
            changed[name] = first[name].dtype
    return part.astype(changed) if changed else part


def _errors_of_polars() -> tuple[type[Exception], ...]:
    """Return what polars raises where it is imported: levels that cannot be joined, say."""
    polars = sys.modules.get("polars")
    return () if polars is None else (polars.exceptions.PolarsError,)


def _stacked(name: str, parts: list[Any]) -> Any:
    """Return the rows of several containers as one."""
    if any(map(issparse, parts)):
        parts = [csr_array(part) for part in parts]
    seen = [Censored.of(part) for part in parts]
    if any(each is not None for each in seen):
        pairs = zip(seen, parts, strict=True)
        parts = [Censored.exact(np.ravel(own)) if each is None else each for each, own in pairs]
    if any(map(is_frame, parts)):
        parts = [_like(parts[0], part) for part in parts]
    kinds = dict.fromkeys(map(kind_of, parts))
    plain = all(isinstance(p, np.ndarray | list | tuple) or is_series(p) for p in parts)
    if len(kinds) > 1 and not plain:
        raise TypeError(
            f"{name} must be of the same kind in all batches while the first rows are fitted "
            f"together, got {' and '.join(kinds)}"
        )
    if len(kinds) > 1 or isinstance(parts[0], list | tuple):
        parts = [np.asarray(part) for part in parts]
    errors: tuple[type[Exception], ...] = (ValueError, *_errors_of_polars())
    try:
        return joined(parts)
    except errors as error:
        raise ValueError(
            f"{name} must have the same columns in all batches, got shapes "
            f"{[np.shape(part) for part in parts]}: {error}"
        ) from None
