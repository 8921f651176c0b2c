"""Components: objects with parameters, and the registry that finds them by file name.

Every distribution, metric, solver, damping, step and coordinate system is a
:class:`Component`. A string is its shorthand: ``resolve("kl", Step)`` imports
``natfit/steps/kl.py`` and returns an instance of the component that the file defines. To add
a component is to add a file; no list is edited.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Self, TypeVar

from sklearn.base import BaseEstimator

from natfit._validation import check_keywords, check_parameters, nearest

#: A kind of components: ``resolve("kl", Step)`` is a Step.
Kind = TypeVar("Kind", bound="Component")


class Component(BaseEstimator):
    """An object described by its constructor's arguments.

    ``get_params``, ``set_params``, ``clone`` and ``repr`` are scikit-learn's, so that a grid
    search reaches inside (``metric__n_draws``). Two components are equal when their types and
    parameters are equal.

    The base class of a kind has four attributes: ``_package`` names the package that holds the
    kind, ``_apart`` the folders in it that hold something else, ``_by_name`` tells whether a
    string or a class stands for an instance with default parameters, ``_aliases`` has other
    names that stand for a component too, and ``_also_called`` names that users may try, which an
    error answers with the name used here; ``_cautions`` says how what they mean elsewhere differs,
    and ``_elsewhere(name)`` what to write for a name that has no counterpart here.
    """

    _package: ClassVar[str]
    _apart: ClassVar[tuple[str, ...]] = ()
    _by_name: ClassVar[bool] = True
    _aliases: ClassVar[Mapping[str, str]] = {}
    _also_called: ClassVar[Mapping[str, str]] = {}
    _cautions: ClassVar[Mapping[str, str]] = {}

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse a keyword that the constructor does not take, and say which is meant."""
        if kwargs and cls.__init__ is not object.__init__:
            check_keywords(cls.__init__, kwargs, cls.__name__)
        elif kwargs or (args and cls.__init__ is object.__init__):
            raise TypeError(f"{cls.__name__} takes no arguments, got {[*args, *kwargs]}")
        return super().__new__(cls)

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; ValueError for a name that does not exist.

        What was derived from the former parameters is forgotten.

        Returns
        -------
        self
            The component.
        """
        check_parameters(self, params)
        super().set_params(**params)
        for name in [key for key in vars(self) if _is_cached(type(self), key)]:
            del self.__dict__[name]
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Skip scikit-learn's metadata routing: ``score`` here is not an estimator's ``score``."""

    def __eq__(self, other: object) -> bool:
        """Compare by type and parameters."""
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.get_params(deep=False), other.get_params(deep=False)
        return mine.keys() == theirs.keys() and all(same(mine[k], theirs[k]) for k in mine)

    def __hash__(self) -> int:
        """Hash by identity: parameters may change (``set_params``)."""
        return object.__hash__(self)

    @classmethod
    def examples(cls) -> list[Self]:
        """Return instances that the registry's property tests run on."""
        return [cls()]

    @classmethod
    def _elsewhere(cls, name: str) -> str:
        """Return what to write for a name of another package, or an empty string."""
        return ""

    @classmethod
    def _instead_of(cls, spec: Any) -> str:
        """Return what to write instead of an object of another kind, or an empty string."""
        return of_another_kind(cls, spec)


def _is_cached(cls: type, name: str) -> bool:
    """Tell whether an attribute is the value of a cached property."""
    return isinstance(inspect.getattr_static(cls, name, None), functools.cached_property)


def of_another_kind(kind: type[Component], spec: Any) -> str:
    """Return which kind of component an object or a class belongs to, or an empty string.

    Parameters
    ----------
    kind : type
        The base class of the kind that was wanted.
    spec : object
        What was given.

    Returns
    -------
    str
        The kind and the names of the wanted one, in words.
    """
    cls = spec if isinstance(spec, type) else type(spec)
    for base in cls.__mro__:
        if base is not Component and "_package" in vars(base):
            return f"{cls.__name__} is a {base.__name__.lower()}; strings are {available(kind)}"
    return ""


def same(a: Any, b: Any) -> bool:
    """Return whether two values are equal, arrays included."""
    if a is b:
        return True
    if hasattr(a, "tocsr") or hasattr(b, "tocsr"):
        alike = type(a) is type(b) and a.shape == b.shape
        return alike and (a != b).nnz == 0
    if hasattr(a, "shape") or hasattr(b, "shape"):
        import numpy as np

        return np.shape(a) == np.shape(b) and bool(np.all(np.asarray(a) == np.asarray(b)))
    return bool(a == b)


def available(base: type[Component], folder: str | None = None) -> list[str]:
    """Return the names of the components of one kind: files of its package and subfolders.

    Parameters
    ----------
    base : type
        The base class of the kind.
    folder : str, optional
        A folder of the package, to whose files the names belong; None for all.

    Returns
    -------
    list of str
        In alphabetical order.
    """
    files = _files(base._package, base._apart)
    inside = f"{base._package}.{folder}."
    return sorted(n for n, dotted in files.items() if folder is None or dotted.startswith(inside))


@functools.cache
def _files(root: str, apart: tuple[str, ...]) -> dict[str, str]:
    """Return the file of each component in one package, as a dotted module name.

    Returns
    -------
    dict
        Component names as keys, dotted module names as values.

    Raises
    ------
    ValueError
        If two folders hold a file of the same name.
    """
    found: dict[str, str] = {}
    queue = [(root, list(importlib.import_module(root).__path__))]
    while queue:
        package, path = queue.pop()
        for module in pkgutil.iter_modules(path):
            dotted = f"{package}.{module.name}"
            if module.name.startswith("_"):
                continue
            if module.ispkg:
                if package != root or module.name not in apart:
                    queue.append((dotted, [os.path.join(p, module.name) for p in path]))
            elif module.name != "base":
                if module.name in found:
                    raise ValueError(
                        f"the name of a component must be unique, got {found[module.name]} and "
                        f"{dotted}; rename one of the files"
                    )
                found[module.name] = dotted
    return found


#: Cache of the classes found so far.
_FOUND: dict[tuple[str, type], Any] = {}


def component_class(name: str, base: type[Kind]) -> type[Kind]:
    """Return the component that the file called ``name`` defines for this kind.

    Returns
    -------
    type
        A subclass of ``base``; of an alias, the one that it stands for.

    Raises
    ------
    ValueError
        If there is no such file and no such alias; the message lists the names that exist.
    """
    found = _FOUND.get((name, base))
    if found is None:
        found = _FOUND[name, base] = _component_class(name, base)
    return found


def _component_class(name: str, base: type[Kind]) -> type[Kind]:
    names = available(base)
    if name not in names:
        name = base._aliases.get(name, name)
    if name not in names:
        also = {**base._aliases, **base._also_called}
        near, kind = nearest(name, names, also), base.__name__.lower()
        remedy = "" if name in also else base._elsewhere(name)
        if remedy:
            raise ValueError(
                f"{kind} must be one of the names of natfit or a {kind} object, got {name!r}; "
                f"{remedy}"
            )
        if near:
            raise ValueError(
                f"{kind} must be one of the names of natfit or a {kind} object, got {name!r}; did "
                f"you mean {near!r}?{base._cautions.get(name, '')}"
            )
        raise ValueError(f"{kind} must be one of {names} or a {kind} object, got {name!r}")
    module = importlib.import_module(_files(base._package, base._apart)[name])
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, base)
            and value.__module__ == module.__name__
            and not value.__name__.startswith("_")
        ):
            return value
    raise ValueError(f"{module.__name__} defines no {base.__name__}")


def resolve(spec: Any, base: type[Kind]) -> Kind:
    """Turn a string, a class or an instance into an instance of ``base``.

    Parameters
    ----------
    spec : str, type or Component
        ``"kl"`` is ``KLStep()``; a class is called without arguments; an instance is
        returned as it is (never copied: parameters may be large).
    base : type
        The base class of the kind, such as ``Step``.

    Returns
    -------
    Component
        An instance of ``base``.

    Raises
    ------
    ValueError
        If a string names no component of this kind.
    TypeError
        If ``spec`` is of another type.
    """
    if isinstance(spec, base):
        return spec
    if isinstance(spec, str):
        return component_class(spec, base)()
    if isinstance(spec, type) and issubclass(spec, base):
        return spec()
    kind, got = base.__name__.lower(), spec.__name__ if isinstance(spec, type) else None
    remedy = base._instead_of(spec)
    raise TypeError(
        f"{kind} must be a string or a {base.__name__} object, got "
        f"{got or type(spec).__name__}; {remedy or f'strings are {available(base)}'}"
    )


def registered(base: type[Kind]) -> Iterator[tuple[str, Kind]]:
    """Yield ``(name, instance)`` for every example of every component of one kind."""
    for name in available(base):
        for instance in component_class(name, base).examples():
            yield name, instance


def lazy_package(package: str, base: Callable[[], type[Component]], extra: dict[str, str]) -> tuple:
    """Return module-level ``__getattr__`` and ``__dir__`` for a package of components (PEP 562).

    Parameters
    ----------
    package : str
        The package's dotted name.
    base : callable
        Returns the base class of the components in the package.
    extra : dict
        Other public names as keys, the dotted name of the module that defines each as values.

    Returns
    -------
    tuple of two callables
        ``__getattr__`` and ``__dir__``.
    """

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            return __dir__()
        if name in extra:
            return getattr(importlib.import_module(extra[name]), name)
        if not name.startswith("_"):
            kind = base()
            if name == kind.__name__:
                return kind
            # A file is mostly called as its class is: the others then need not be imported.
            own = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
            files = available(kind)
            for file in sorted(files, key=lambda file: file != own):
                cls = component_class(file, kind)
                if cls.__name__ == name:
                    return cls
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        kind = base()
        names = [component_class(file, kind).__name__ for file in available(kind)]
        return sorted([*names, *extra, kind.__name__])

    return __getattr__, __dir__
