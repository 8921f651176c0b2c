"""What parameters are called in ``scipy.stats``, found from the families' own counterparts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from natfit._validation import unknown_name

#: Coordinates at which a family and scipy's are compared, and the change of each.
_AT, _BY = 0.4, 0.25


def unknown_parameter(family: Any, name: str, rule: str, known: Iterable[str] = ()) -> str:
    """Return the message on a name that is no parameter of a family.

    Parameters
    ----------
    family : Distribution
        The family.
    name : str
        What was written.
    rule : str
        What the names are, such as ``fixed must name parameters``.
    known : iterable of str
        The names that are allowed; by default all of the family's parameters.

    Returns
    -------
    str
        The message: how a name of scipy's is called here, else the nearest name, else all.
    """
    known = list(known) or list(family.params)
    meant = "" if name in family.params else of_scipy(family, name)
    return f"{rule}, got {name!r}; {meant}" if meant else unknown_name(name, known, rule)


def of_scipy(family: Any, name: str) -> str:
    """Return what a parameter of scipy's is in a family's own, or an empty string.

    The values of scipy's counterpart at a point and next to it, in each coordinate, tell which of
    the family's parameters scipy's depends on, and whether it is one of them, its negative or its
    reciprocal.

    Parameters
    ----------
    family : Distribution
        A family, or a wrapper that keeps the names of one.
    name : str
        A name of scipy's.

    Returns
    -------
    str
        The relation in words; empty where scipy has no such family or no such name.
    """
    while family._to_scipy is None and hasattr(family, "inner"):
        family = family.inner
    if family._to_scipy is None or family.event_shape != ():
        return ""
    points = _AT + _BY * np.vstack([np.zeros(family.n_params), np.eye(family.n_params)])
    try:
        called = [_arguments(family.counterpart(eta)) for eta in points]
    except ValueError:  # Scipy has the family for other arguments only.
        return ""
    if any(name not in found for _, found in called):
        return ""
    theirs = np.array([found[name] for _, found in called])
    own = [{k: float(v) for k, v in family.native_dict(eta).items()} for eta in points]
    dist, many = called[0][0], np.array([list(values.values()) for values in own])
    names = list(own[0])
    for column, mine in enumerate(names):
        for words, value in (
            (f"{mine!r} here", many[:, column]),
            (f"minus {mine!r} here", -many[:, column]),
            (f"1 / {mine!r} here", 1.0 / many[:, column]),
        ):
            if np.allclose(theirs, value, rtol=1e-9, atol=0.0):
                return f"{name!r} of scipy's {dist} is {words}"
    moves = [n for n, value in zip(names, theirs[1:], strict=True) if value != theirs[0]]
    if not moves:
        return _constant(family, name, dist, theirs[0])
    return (
        f"{name!r} of scipy's {dist} follows from {' and '.join(map(repr, moves))} here: see "
        f"{type(family).__name__}, and distribution_.to_scipy(params_) of a fit"
    )


def _arguments(frozen: Any) -> tuple[str, dict[str, Any]]:
    """The name of scipy's distribution, and its arguments by name; none of a vector's."""
    dist = getattr(frozen, "dist", None)
    if dist is None:
        return "", {}
    # Those of counts have no scale.
    more = {"loc": 0.0, "scale": 1.0} if hasattr(dist, "pdf") else {"loc": 0.0}
    names = [*(dist.shapes.split(", ") if dist.shapes else []), *more]
    return str(dist.name), {**more, **dict(zip(names, frozen.args, strict=False)), **frozen.kwds}


def _constant(family: Any, name: str, dist: str, value: Any) -> str:
    """What a parameter of scipy's is that no parameter here moves."""
    free = {
        "loc": "; natfit.distributions.Shifted(family) estimates it",
        "scale": "; natfit.distributions.Scaled(family) estimates it",
    }
    more = "" if family.support.integer else free.get(name, "")
    return f"{name!r} of scipy's {dist} is {float(value):g} in {family!r}{more}"
