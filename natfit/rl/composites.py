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

    @property
    def leaves(self) -> dict[str, Space]:
        """The spaces of arrays and numbers in all parts, nested ones too, by name."""
        found: dict[str, Space] = {}
        for key, part in self.parts.items():
            if isinstance(part, Composite):
                found.update({f"{key}.{name}": leaf for name, leaf in part.leaves.items()})
            else:
                found[str(key)] = part
        return found

    def decode(self, actions: np.ndarray) -> Any:
        """Return a policy's actions (n, A) as a dict or tuple of parts with n rows each."""
        out, at = {}, 0
        for key, part in self.parts.items():
            own = actions[:, at : at + count(part)]
            out[key] = part.decode(own[:, 0] if part.shape == () else own)
            at += count(part)
        return self._whole(out if self._whole is dict else out.values())

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


def count(space: Space) -> int:
    """Return the number A of elements of an action."""
    if isinstance(space, Composite):
        return sum(count(part) for part in space.parts.values())
    return int(np.prod(space.shape, dtype=int))


def leaves_of(space: Space) -> dict[str, Space]:
    """Return the spaces of arrays and numbers that a space is made of, by name."""
    return space.leaves if isinstance(space, Composite) else {"": space}


def is_one(space: Space, value: Any) -> bool:
    """Tell whether a value has the shape of one value of a space, and not of a batch of them."""
    if isinstance(space, Composite):
        if not isinstance(value, space._whole):
            return False
        try:
            pieces = space.split(value)
        except ValueError:  # other parts
            return False
        return all(is_one(*pair) for pair in zip(space.parts.values(), pieces, strict=True))
    try:
        return bool(np.shape(value) == space.shape)
    except ValueError:  # rows of several lengths
        return False


def batch_of_one(space: Space, value: Any) -> Any:
    """Return one value of a space as a batch of one row."""
    return [value] if isinstance(space, Composite) else np.asarray(value)[None]


def taken(values: Any, rows: Any) -> Any:
    """Return some rows, or one, of values (n, ...), which may be dicts or tuples of parts."""
    if isinstance(values, dict):
        return {key: taken(own, rows) for key, own in values.items()}
    if isinstance(values, tuple):
        return tuple(taken(own, rows) for own in values)
    return values[rows]


def is_real(space: Space) -> bool:
    """Tell whether actions have real elements: those of a Box, or of one among their parts."""
    return any(isinstance(leaf, Box) for leaf in leaves_of(space).values())


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
