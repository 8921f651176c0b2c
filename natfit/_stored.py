"""Values as JSON and back, bit for bit, without a pickle: nothing that is read is evaluated.

Numbers, strings, lists and None are JSON's own; doubles are written with the fewest digits that
give the same bits. What JSON lacks is an object with one key that says what it is: ``float`` (an
infinite number or NaN), ``tuple``, ``dict``, ``array``, ``component`` and ``scipy``. A component is
written by the name of its file and its constructor's arguments, and read through the registry, so
that only components of natfit are ever made.
"""

from __future__ import annotations

import contextlib
import importlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from natfit._component import Component, available, component_class

#: The base class of each kind of component that may be stored.
_KINDS = {
    "distribution": ("natfit.distributions.base", "Distribution"),
    "bijector": ("natfit.bijectors.base", "Bijector"),
    "coordinates": ("natfit.coordinates.base", "Coordinates"),
    "metric": ("natfit.metrics.base", "Metric"),
    "solver": ("natfit.solvers.base", "Solver"),
    "step": ("natfit.steps.base", "Step"),
    "damping": ("natfit.damping.base", "Damping"),
}

#: Types of the entries of arrays.
_DTYPES = ("float64", "int64", "bool")

#: The name under which a distribution of scipy that was made a family is stored.
_SCIPY_FAMILY = "from_scipy"


#: The format of stored distributions and estimators.
FORMAT = 1


def heading(kind: str) -> dict[str, Any]:
    """Return the first keys of what is stored: the version of natfit, the format and the type."""
    version = importlib.import_module("natfit").__version__
    return {"natfit": version, "format": FORMAT, "type": kind}


def encode(value: Any, where: str) -> Any:
    """Return a value in terms of JSON.

    Parameters
    ----------
    value : object
        Numbers, strings, containers of such, arrays, components, frozen distributions of scipy.
    where : str
        What it is, for messages.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it cannot be stored, such as a function; the message names it.
    """
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _number(float(value))
    if isinstance(value, list):
        return [encode(v, where) for v in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(v, where) for v in value]}
    if isinstance(value, Mapping):
        if not all(isinstance(k, str) for k in value):
            raise ValueError(f"{where} must have strings as keys to be stored, got {value!r}")
        return {"dict": {k: encode(v, f"{where}[{k!r}]") for k, v in value.items()}}
    if isinstance(value, np.ndarray):
        return _array(value, where)
    if isinstance(value, Component):
        return _component(value, where)
    if hasattr(value, "dist") and hasattr(value, "kwds"):
        return _of_scipy(value, where)
    raise ValueError(
        f"{where} must be numbers, strings or components of natfit to be stored, got "
        f"{type(value).__name__}; functions and generators cannot be: keep params_ and the code"
    )


def _number(value: float) -> Any:
    return value if math.isfinite(value) else {"float": repr(value)}


def _array(value: np.ndarray, where: str) -> Any:
    if value.dtype == object or value.dtype.kind in "US":
        return {
            "array": [str(v) for v in value.ravel()],
            "shape": list(value.shape),
            "dtype": "str",
        }
    kind = value.dtype.name
    if kind not in _DTYPES:
        raise ValueError(f"{where} must be an array of {_DTYPES} to be stored, got {kind}")
    flat = [encode(v, where) for v in value.ravel().tolist()]
    return {"array": flat, "shape": list(value.shape), "dtype": kind}


def _component(value: Component, where: str) -> Any:
    options = value.get_params(deep=False)
    for kind, (module, name) in _KINDS.items():
        base = getattr(importlib.import_module(module), name)
        if not isinstance(value, base):
            continue
        own = _name_of(type(value), base)
        if own == _SCIPY_FAMILY and isinstance(options.get("dist"), str):
            return {"component": own, "kind": kind, "options": encode(options, where)["dict"]}
        if own is not None and (own in available(base) or ":" in own):
            found = {k: encode(v, f"{k} of {type(value).__name__}") for k, v in options.items()}
            return {"component": own, "kind": kind, "options": found}
    raise ValueError(
        f"{where} must be registered components of natfit to be stored, got "
        f"{type(value).__name__}; of a user-supplied density keep params_ and the code"
    )


def _name_of(cls: type, base: Any) -> str | None:
    """Return the name of a component: its file, or file and class of one that natfit makes itself.

    Returns
    -------
    str or None
        None for a class that is none of natfit's.
    """
    package, _, file = cls.__module__.rpartition(".")
    if not f"{package}.".startswith(f"{base._package}."):
        return None
    if not file.startswith("_"):
        return file
    return f"{cls.__module__.removeprefix(base._package + '.')}:{cls.__name__}"


def _class_of(name: str, base: Any) -> type[Component]:
    """Return the component of a name; ValueError where natfit has none."""
    if name in available(base):
        return component_class(name, base)
    file, _, own = name.partition(":")
    known = all(part.isidentifier() for part in file.split(".")) and own.isidentifier()
    if known and file.rpartition(".")[2].startswith("_"):
        dotted = f"{base._package}.{file}"
        with contextlib.suppress(ImportError):
            cls = vars(importlib.import_module(dotted)).get(own)
            if isinstance(cls, type) and issubclass(cls, base) and cls.__module__ == dotted:
                return cls
    raise ValueError(f"component must be one of {available(base)}, got {name!r}")


def _of_scipy(value: Any, where: str) -> Any:
    name = value.dist.name
    if not _known_to_scipy(name):
        raise ValueError(f"{where} must be a distribution of scipy.stats by name, got {name!r}")
    args = [encode(v, where) for v in value.args]
    return {"scipy": name, "args": args, "kwds": {k: encode(v, k) for k, v in value.kwds.items()}}


def _known_to_scipy(name: Any) -> bool:
    from scipy import stats

    found = getattr(stats, name, None) if isinstance(name, str) else None
    return isinstance(found, stats.rv_continuous | stats.rv_discrete)


def decode(value: Any) -> Any:
    """Return the value that :func:`encode` has written.

    Raises
    ------
    ValueError
        If it is none: an unknown key, kind or component, or arguments that are not valid.

    Returns
    -------
    object
    """
    if isinstance(value, list):
        return [decode(v) for v in value]
    if not isinstance(value, dict):
        return value
    for key, keys, read in _READERS:
        if key in value:
            only(value, keys, key)
            return read(value)
    raise ValueError(f"JSON must hold what natfit has written, got an object with {sorted(value)}")


def only(value: Any, keys: set[str], what: str) -> dict:
    """Return an object of JSON; ValueError where its keys are not exactly those wanted."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object of JSON, got {type(value).__name__}")
    unknown, missing = sorted(set(value) - keys), sorted(keys - set(value))
    if unknown or missing:
        raise ValueError(
            f"{what} must have the keys {sorted(keys)}, got unknown {unknown}, missing {missing}"
        )
    return value


def _read_float(value: dict) -> float:
    if value["float"] not in ("inf", "-inf", "nan"):
        raise ValueError(f"float must be 'inf', '-inf' or 'nan', got {value['float']!r}")
    return float(value["float"])


def _read_array(value: dict) -> np.ndarray:
    kind, shape = value["dtype"], value["shape"]
    if kind not in (*_DTYPES, "str"):
        raise ValueError(f"dtype must be one of {_DTYPES}, got {kind!r}")
    flat, size = value["array"], 1
    if not (isinstance(flat, list) and isinstance(shape, list)):
        raise ValueError("array and shape must be lists")
    for length in shape:
        size *= length if isinstance(length, int) and length >= 0 else -1
    if size != len(flat):
        raise ValueError(f"array must have the shape {shape}, got {len(flat)} entries")
    entries = [decode(v) for v in flat]
    return np.array(entries, dtype=object if kind == "str" else kind).reshape(shape)


def _read_component(value: dict) -> Component:
    kind, name, options = value["kind"], value["component"], value["options"]
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {sorted(_KINDS)}, got {kind!r}")
    module, base_name = _KINDS[kind]
    base = getattr(importlib.import_module(module), base_name)
    if not isinstance(options, dict):
        raise ValueError(f"options must be an object of JSON, got {type(options).__name__}")
    found = {k: decode(v) for k, v in options.items()}
    if name == _SCIPY_FAMILY and kind == "distribution":
        return _scipy_family(found)
    cls = _class_of(str(name), base)
    only(options, set(cls().get_params(deep=False)), f"options of {name}")
    return cls(**found)


def _scipy_family(options: dict) -> Any:
    if not _known_to_scipy(options.get("dist")):
        raise ValueError(f"dist must be a distribution of scipy.stats, got {options.get('dist')!r}")
    only(options, {"dist", "loc", "scale", "fixed"}, "options of from_scipy")
    module = importlib.import_module("natfit.distributions.custom.from_scipy")
    return module.ScipyDistribution(**options)


def _read_scipy(value: dict) -> Any:
    from scipy import stats

    if not _known_to_scipy(value["scipy"]):
        raise ValueError(f"scipy must name a distribution of scipy.stats, got {value['scipy']!r}")
    kwds = {k: decode(v) for k, v in value["kwds"].items()}
    return getattr(stats, value["scipy"])(*decode(value["args"]), **kwds)


#: The key that says what an object is, all of its keys, and what reads it.
_READERS = (
    ("float", {"float"}, _read_float),
    ("tuple", {"tuple"}, lambda v: tuple(decode(v["tuple"]))),
    ("dict", {"dict"}, lambda v: {k: decode(x) for k, x in only_dict(v["dict"]).items()}),
    ("array", {"array", "shape", "dtype"}, _read_array),
    ("component", {"component", "kind", "options"}, _read_component),
    ("scipy", {"scipy", "args", "kwds"}, _read_scipy),
)


def only_dict(value: Any) -> dict:
    """Return an object of JSON; ValueError where it is something else."""
    if not isinstance(value, dict):
        raise ValueError(f"dict must be an object of JSON, got {type(value).__name__}")
    return value
