"""How a user-supplied function takes the parameters: by name, or by position."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection


def takes_names(function: Callable, key: str, lead: int, params: Collection[str]) -> bool:
    """Tell whether ``function`` takes the parameters by name, after ``lead`` arguments.

    Returns
    -------
    bool
        False where it takes them by position.

    Raises
    ------
    ValueError
        If it takes them neither by name nor by number.
    """
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # compiled functions may have no signature
        return False
    named = [a for a in arguments[lead:] if a.kind in (a.POSITIONAL_OR_KEYWORD, a.KEYWORD_ONLY)]
    required = {a.name for a in named if a.default is a.empty}
    any_name = any(a.kind is a.VAR_KEYWORD for a in arguments)
    if required <= set(params) and (any_name or set(params) <= {a.name for a in named}):
        return True
    places = [a for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]
    fixed = [a for a in places if a.default is a.empty]
    any_place = any(a.kind is a.VAR_POSITIONAL for a in arguments)
    keyword_only = any(a.kind is a.KEYWORD_ONLY and a.default is a.empty for a in arguments)
    wanted = lead + len(params)
    if not keyword_only and len(fixed) <= wanted and (any_place or wanted <= len(places)):
        return False
    first = {0: "", 1: "y, ", 2: "rng, n, "}[lead]
    raise ValueError(
        f"{key} must have the signature {key}({first}{', '.join(params)}), the names of params, "
        f"got {key}({', '.join(str(a) for a in arguments)})"
    )
