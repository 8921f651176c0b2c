"""The components of a mixture as objects: which families can be mixed with each other."""

from __future__ import annotations

from typing import Any

from natfit._component import resolve
from natfit._validation import check_number
from natfit.distributions.base import Distribution


def resolved(given: Any, n_components: int | None) -> tuple[Distribution, ...]:
    """Return the components as objects.

    Parameters
    ----------
    given : str, Distribution, or list of them
        One family, or all components.
    n_components : int or None
        How many, where one family is given.

    Returns
    -------
    tuple of Distribution
        At least one, all of densities or all of counts, of one dimension.

    Raises
    ------
    TypeError
        If ``given`` is neither a family nor a list.
    ValueError
        If there are no components, or they do not fit together.
    """
    if isinstance(given, str | Distribution):
        many = check_number(n_components, "n_components", low=1, integer=True, hint="2")
        given = [given] * int(many)
    elif not isinstance(given, list | tuple):
        raise TypeError(
            f"components must be a string, a Distribution, or a list of them, got {given!r}"
        )
    elif not given or (n_components is not None and n_components != len(given)):
        raise ValueError(
            f"components must be one or more, as many as n_components where that is given, "
            f"got {len(given)} and n_components={n_components}"
        )
    parts = tuple(resolve(part, Distribution) for part in given)
    _check_together(parts)
    return parts


def _check_together(parts: tuple[Distribution, ...]) -> None:
    """Raise ValueError where components do not fit together."""
    kinds = {(len(p.event_shape), p.support and p.support.integer) for p in parts}
    dims = {p.event_shape for p in parts if None not in p.event_shape}
    if len(kinds) > 1 or len(dims) > 1 or any(p.support is None for p in parts):
        raise ValueError(
            "components must all be densities or all be counts, with a declared support and "
            f"one dimension, got {[type(p).__name__ for p in parts]}"
        )
    if parts[0].event_shape != () and len({p.support for p in parts}) > 1:
        raise ValueError(
            f"components of vectors must have one support, got {[type(p).__name__ for p in parts]}"
        )
    mixed = next((part for part in parts if part.atoms), None)
    if mixed is not None:
        # At the atom a density and a probability would be added, and only the sum of the
        # components' probabilities of the atom would be determined.
        raise ValueError(
            "components must be densities without values of a probability of their own, and "
            f"{mixed!r} has {mixed.atoms}; wrap the mixture, as in "
            "ZeroAdjusted(Mixture(['gamma', 'gamma']))"
        )
