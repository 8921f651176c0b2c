"""Spaces made of others, dicts and tuples, and the conversion of Gymnasium's spaces.

The features of the parts stand side by side, in Gymnasium's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space


class Composite(Space):
    """Base of spaces that are made of other spaces, whose features stand side by side.

    Values of n rows are given part by part, each part with n rows, or as a list of n values.
    """

    @property
    def parts(self) -> dict[Any, Space]:
        """The spaces of the parts, by key or by index."""
        raise NotImplementedError

    def split(self, values: Any) -> list[Any]:
        """Return the values of each part, with n rows.

        Returns
        -------
        list
            One entry for each part.

        Raises
        ------
        ValueError
            If the values are not made of these parts.
        """
        if isinstance(values, self._whole):
            return self._own(values)
        rows = list(values)
        return [list(part) for part in zip(*(self._own(row) for row in rows), strict=True)]

    #: The type of one value, and of n rows that are given part by part.
    _whole: type = dict

    def _own(self, value: Any) -> list[Any]:
        raise NotImplementedError

    def _child(self, name: str, key: Any) -> str:
        raise NotImplementedError

    def _wrong(self, value: Any) -> ValueError:
        shown = " ".join(repr(value).split())
        return ValueError(
            f"a value must be a {self._whole.__name__} with the parts {list(self.parts)}, got "
            f"{shown if len(shown) < 200 else shown[:200] + '...'}"
        )

    @property
    def shape(self) -> Any:
        """None: a value is no array."""
        return None

    @property
    def width(self) -> int:
        """Number D of features: those of all parts."""
        return sum(part.width for part in self.parts.values())

    def contains(self, values: Any) -> np.ndarray:
        """Tell whether every part of each value belongs to its space, (n,) bool."""
        pairs = zip(self.parts.values(), self.split(values), strict=True)
        return np.all([part.contains(np.asarray(own)) for part, own in _leaves(pairs)], axis=0)

    def outside(self, encoded: np.ndarray) -> np.ndarray:
        """Return how far encoded values (n, D) lie outside of the limits of Boxes, (n, D)."""
        ends = np.cumsum([part.width for part in self.parts.values()])[:-1]
        pieces = zip(self.parts.values(), np.split(encoded, ends, axis=1), strict=True)
        return np.concatenate([part.outside(own) for part, own in pieces], axis=1)

    def encode(self, values: Any) -> np.ndarray:
        """Return the features of all parts side by side, (n, D)."""
        pairs = zip(self.parts.values(), self.split(values), strict=True)
        return np.concatenate([part.encode(own) for part, own in pairs], axis=1)

    def names_in(self, name: str) -> list[str]:
        """Return names of the D features of a value that is called ``name``."""
        return [n for k, p in self.parts.items() for n in p.names_in(self._child(name, k))]

    def __hash__(self) -> int:
        """Hash by type and parts."""
        return hash((type(self).__name__, *self.parts.values()))

    def __eq__(self, other: object) -> bool:
        """Compare by type and parts, in their order."""
        if type(self) is not type(other):
            return NotImplemented
        return list(self.parts.items()) == list(other.parts.items())


@dataclass(frozen=True, eq=False, init=False)
class Dict(Composite):
    """Dicts of values of other spaces, which may be nested, as Gymnasium's.

    Parameters
    ----------
    spaces : mapping of str to Space
        The space of each entry; features stand in this order.
    """

    spaces: dict[str, Space]

    def __init__(self, spaces: Mapping[str, Any]):
        """Check the spaces; Gymnasium's are accepted."""
        object.__setattr__(self, "spaces", _parts(dict(spaces)))

    @property
    def parts(self) -> dict[Any, Space]:
        """The spaces of the entries, by key."""
        return self.spaces

    @property
    def feature_names(self) -> list[str]:
        """Names of the D features, such as ``position[0]``, and ``inner.key=0`` of a nested one."""
        return self.names_in("")

    def _own(self, value: Any) -> list[Any]:
        if not isinstance(value, Mapping) or value.keys() != self.spaces.keys():
            raise self._wrong(value)
        return [value[key] for key in self.spaces]

    def _child(self, name: str, key: Any) -> str:
        return f"{name}.{key}" if name else str(key)


@dataclass(frozen=True, eq=False, init=False)
class Tuple(Composite):
    """Tuples of values of other spaces, which may be nested, as Gymnasium's.

    Parameters
    ----------
    spaces : sequence of Space
        The space of each element; features stand in this order.
    """

    spaces: tuple[Space, ...]
    _whole = tuple

    def __init__(self, spaces: Sequence[Any]):
        """Check the spaces; Gymnasium's are accepted."""
        object.__setattr__(self, "spaces", tuple(_parts(dict(enumerate(spaces))).values()))

    @property
    def parts(self) -> dict[Any, Space]:
        """The spaces of the elements, by index."""
        return dict(enumerate(self.spaces))

    def _own(self, value: Any) -> list[Any]:
        if not isinstance(value, tuple | list) or len(value) != len(self.spaces):
            raise self._wrong(value)
        return list(value)

    def _child(self, name: str, key: Any) -> str:
        return f"{name}[{key}]"


def _parts(spaces: dict[Any, Any]) -> dict[Any, Space]:
    """Return the checked spaces of a composite space."""
    if not spaces:
        raise ValueError("spaces must have at least one entry, got none")
    return {key: from_gymnasium(space, f"spaces[{key!r}]") for key, space in spaces.items()}


def _leaves(pairs: Iterable[tuple[Space, Any]]) -> Iterator[tuple[Space, Any]]:
    """Yield spaces that are no composites, with their values."""
    for space, values in pairs:
        if isinstance(space, Composite):
            yield from _leaves(zip(space.parts.values(), space.split(values), strict=True))
        else:
            yield space, values


def from_gymnasium(space: Any, name: str) -> Space:
    """Return a Gymnasium space as one of these, by the name of its class.

    Parameters
    ----------
    space : object
        A :class:`Space`, returned as it is, or a Gymnasium Discrete, MultiDiscrete, MultiBinary,
        Box, Dict or Tuple, recognised by the name of its class or of a base class.
    name : str
        Name of the space, for the message.

    Returns
    -------
    Space
        The space with the same values.

    Raises
    ------
    ValueError
        For any other space.
    """
    if isinstance(space, Space):
        return space
    kinds = {kind.__name__ for kind in type(space).__mro__}
    if "Discrete" in kinds:
        return Discrete(int(space.n), int(getattr(space, "start", 0)))
    if "MultiDiscrete" in kinds:
        return MultiDiscrete(space.nvec, getattr(space, "start", 0))
    if "MultiBinary" in kinds:
        whole = np.ndim(space.n) == 0
        return MultiBinary(int(space.n) if whole else tuple(int(k) for k in space.n))
    if "Box" in kinds and np.dtype(space.dtype).kind in "fiub":
        return Box(space.low, space.high)
    if "Dict" in kinds and hasattr(space, "spaces"):
        return Dict({k: from_gymnasium(v, f"{name}[{k!r}]") for k, v in space.spaces.items()})
    if "Tuple" in kinds and hasattr(space, "spaces"):
        return Tuple([from_gymnasium(v, f"{name}[{k}]") for k, v in enumerate(space.spaces)])
    raise ValueError(
        f"{name} must be Discrete, MultiDiscrete, MultiBinary or Box (of real numbers), or a Dict "
        f"or Tuple of these, got {space!r}, whose values have no fixed number of elements; wrap "
        "the environment so that it is one of these, e.g. with "
        "gymnasium.wrappers.TransformObservation"
    )
