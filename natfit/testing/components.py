"""Property checks that every component passes, whatever its kind."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

from sklearn.base import clone

import natfit
from natfit._component import Component, resolve
from natfit.testing._core import NotApplicable, require, run_checks


def kinds() -> list[type[Component]]:
    """Return the base class of every kind: those in a ``base.py`` that name a package."""
    root, found = Path(natfit.__file__).parent, []
    for path in sorted(root.rglob("base.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        module = importlib.import_module(".".join(parts))
        found += [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and "_package" in vars(value)
        ]
    return found


def check_component(component: Any) -> dict[str, str]:
    """Run every check of :data:`COMPONENT_CHECKS` on a component.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(COMPONENT_CHECKS, component)


def clones_equal(component: Any) -> None:
    """A clone is equal, and so is a component built from the same parameters."""
    require(clone(component) == component, "a clone is not equal")
    require(
        type(component)(**component.get_params(deep=False)) == component,
        "the constructor does not store its arguments",
    )
    hash(component)


def pickles_equal(component: Any) -> None:
    """A pickled copy is equal."""
    require(pickle.loads(pickle.dumps(component)) == component, "a pickled copy is not equal")


def set_params_changes(component: Any) -> None:
    """Each parameter can be set by set_params and is stored as given."""
    params = component.get_params(deep=False)
    if not params:
        raise NotApplicable("the component has no parameters")
    for name in params:
        other = clone(component)
        mark = object()
        require(other.set_params(**{name: mark}) is other, "set_params does not return self")
        require(getattr(other, name) is mark, f"{name} is not stored as given")


def repr_names_class(component: Any) -> None:
    """The repr begins with the name of the class."""
    require(repr(component).startswith(type(component).__name__), f"repr is {component!r}")


def resolves_to_itself(component: Any) -> None:
    """resolve() returns an instance as it is, and its class as an instance."""
    kinds = (c for c in reversed(type(component).__mro__) if "_package" in vars(c))
    base: type[Component] | None = next(kinds, None)
    if base is None:
        raise NotApplicable("components of this kind have no registry")
    if not base._by_name:
        raise NotApplicable("components of this kind have no defaults that a name could mean")
    require(resolve(component, base) is component, "resolve copies an instance")
    require(isinstance(resolve(type(component), base), base), "resolve does not call a class")


#: Every check that :func:`check_component` runs, each called with a component.
COMPONENT_CHECKS = [
    clones_equal,
    pickles_equal,
    set_params_changes,
    repr_names_class,
    resolves_to_itself,
]
