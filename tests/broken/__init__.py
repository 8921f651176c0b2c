"""Components that are wrong on purpose, one file a kind, each with the checks that must catch it.

A file of this folder names the kind's CHECKS and, where these take more than the component, its
``arguments(component)``. What :func:`caught_by` marks in it is found by walking: a class, or a
function that makes the component. tests/testing/test_broken.py asserts that the checks named
fail, and no others: a check that lets its mistake through is caught there, and so is one that
fails for another reason.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any


def caught_by(*checks: str, args: tuple = ()) -> Callable:
    """Mark a class or function: called with ``args``, it makes what fails exactly these checks."""

    def mark(make: Callable) -> Callable:
        make.caught_by, make.called_with = set(checks), args
        return make

    return mark


def kinds() -> Iterator[tuple[str, Any]]:
    """Name and module of every file of this folder."""
    for found in pkgutil.iter_modules(__path__):
        yield found.name, importlib.import_module(f"{__name__}.{found.name}")


def broken(module: Any) -> Iterator[tuple[str, tuple, set[str]]]:
    """Name, arguments of the checks and names of the checks that fail, of a file's components."""
    for name, make in vars(module).items():
        # A class inherits the mark of its base, and is no case by itself.
        if "caught_by" in getattr(make, "__dict__", {}):
            component = make(*make.called_with)
            arguments = getattr(module, "arguments", lambda c: (c,))
            yield name, arguments(component), make.caught_by
