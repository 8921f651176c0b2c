"""Argument checks. Each error names the argument, the rule, the value and the remedy."""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, ParamSpec, TypeVar, overload

import numpy as np

from natfit._numbers import as_numbers

#: Integers beyond this are no numbers that arithmetic in doubles could use.
_LARGEST = 10**300

_NO_NAMES: dict[str, str] = {}

#: The arguments of a function, and what it returns.
P = ParamSpec("P")
R = TypeVar("R")


@overload
def check_number(
    value: Any,
    name: str,
    *,
    low: float = ...,
    high: float = ...,
    closed_low: bool = ...,
    closed_high: bool = ...,
    integer: Literal[True],
    unit: str = ...,
    hint: str = ...,
) -> int: ...


@overload
def check_number(
    value: Any,
    name: str,
    *,
    low: float = ...,
    high: float = ...,
    closed_low: bool = ...,
    closed_high: bool = ...,
    integer: Literal[False] = ...,
    unit: str = ...,
    hint: str = ...,
) -> float: ...


def check_number(
    value: Any,
    name: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    closed_low: bool = True,
    closed_high: bool = True,
    integer: bool = False,
    unit: str = "",
    hint: str = "",
) -> float:
    """Return ``value`` if it is a number in the interval, else raise.

    Returns
    -------
    int or float
        The number; an int if ``integer`` is true.

    Raises
    ------
    TypeError
        If it is not a number; a bool does not count as one.
    ValueError
        If it is outside the interval or NaN.
    """
    kind = numbers.Integral if integer else numbers.Real
    rule = _interval(low, high, closed_low, closed_high)
    noun = "an integer" if integer else "a number"
    tail = f"; try {hint}" if hint else ""
    unit = f" {unit}" if unit else ""
    is_number = isinstance(value, kind) and not isinstance(value, bool | np.bool_)
    if is_number and isinstance(value, numbers.Integral) and abs(int(value)) > _LARGEST:
        raise ValueError(f"{name} must be within +-{_LARGEST:.0e}, got an integer beyond{tail}")
    if not is_number:
        words = " ".join(w for w in (noun, rule) if w)
        raise TypeError(f"{name} must be {words}{unit}, got {value!r}{tail}")
    above = value >= low if closed_low else value > low
    below = value <= high if closed_high else value < high
    if not (above and below):
        raise ValueError(f"{name} must be {rule}{unit}, got {value!r}{tail}")
    if not math.isfinite(value):
        rule = f" and {rule}" if rule else ""
        raise ValueError(f"{name} must be finite{rule}{unit}, got {value!r}{tail}")
    return int(value) if integer else float(value)


def _interval(low: float, high: float, closed_low: bool, closed_high: bool) -> str:
    """Describe an interval in words."""
    parts = []
    if low > -np.inf:
        parts.append(f"{'>=' if closed_low else '>'} {low:g}")
    if high < np.inf:
        parts.append(f"{'<=' if closed_high else '<'} {high:g}")
    return " and ".join(parts)


def check_bool(value: Any, name: str) -> bool:
    """Return ``value`` if it is True or False, else raise ValueError."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {value!r}")


def check_jobs(value: Any) -> int | None:
    """Return ``n_jobs`` as an int or None, else raise ValueError or TypeError."""
    if value is None:
        return None
    jobs = int(check_number(value, "n_jobs", integer=True))
    if jobs == 0:
        raise ValueError("n_jobs must not be 0; try 1, or -1 for all processors")
    return jobs


def check_option(value: Any, name: str, allowed: tuple) -> Any:
    """Return ``value`` if it is one of ``allowed``, else raise ValueError listing them."""
    if isinstance(value, str) and value in allowed:
        return value
    near = nearest(value, allowed) if isinstance(value, str) else None
    if near:
        raise ValueError(
            f"{name} must be one of its options, got {value!r}; did you mean {near!r}?"
        )
    raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}")


def nearest(name: str, known: Iterable[str], also: Mapping[str, str] = _NO_NAMES) -> str | None:
    """Return the known name that a misspelt one most likely stands for, or None.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        The names that exist.
    also : dict, optional
        Names used elsewhere, in lower case, and what they are called here.

    Returns
    -------
    str or None
        A known name.
    """
    known = list(known)
    lower = str(name).lower().replace("-", "_").replace(" ", "_")
    meant = also.get(lower, lower)
    # The same letters without the line between words: maxiter, studentt.
    bare = [k for k in known if k.replace("_", "") == meant.replace("_", "")]
    return next(iter(bare + difflib.get_close_matches(meant, known, n=1)), None)


#: Names for one thing, of which each package has taken another.
_ALIKE = ({"level", "coverage", "confidence", "confidence_level"},)


def unknown_name(name: str, known: Iterable[str], what: str) -> str:
    """Return the message on a name that does not exist: the nearest, or else all that do.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        The names that exist.
    what : str
        What the names are, such as ``fixed must name parameters``.

    Returns
    -------
    str
        The message.
    """
    known = list(known)
    # A longer form of a name, or one of its words: tolerance for tol, weights for sample_weight.
    part = [k for k in known if len(k) > 2 and name.startswith(k)]
    part += [k for k in known if len(name) > 3 and name.rstrip("s") in k.split("_")]
    first = [k for k in known if k.startswith(name if len(name) > 3 else f"{name}_")]
    alike = [k for words in _ALIKE if name in words for k in known if k in words]
    near = next(iter([*alike, *first]), None) or nearest(name, known) or next(iter(part), None)
    near = None if near == name else near
    tail = f"did you mean {near!r}?" if near else f"the names are {known}"
    return f"{what}, got {name!r}; {tail}"


def check_vector(value: Any, name: str, size: int | None = None) -> np.ndarray:
    """Return a finite float64 vector, else raise ValueError.

    Parameters
    ----------
    value : array-like
        The vector.
    name : str
        The name of the argument, for the message.
    size : int, optional
        The length that it must have.

    Returns
    -------
    ndarray of shape (size,)
        A copy in float64.

    Raises
    ------
    ValueError
        If it is not a vector of real numbers, has another length, or is not finite.
    """
    try:
        dtype = getattr(value, "dtype", np.asarray(value).dtype)
        if getattr(dtype, "kind", "") in "cmM":
            raise ValueError(f"got {dtype}")
        array = np.array(as_numbers(value, name).values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}")
    if size is not None and array.size != size:
        raise ValueError(f"{name} must have length {size}, got {array.size}")
    if not np.all(np.isfinite(array)):
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
    return array


def check_keywords(
    function: Callable, given: Iterable[str], name: str, more: Iterable[str] = ()
) -> None:
    """Raise TypeError for a keyword that a function does not take, and say which is meant.

    Parameters
    ----------
    function : callable
        What is called; one that takes any keywords is not checked.
    given : iterable of str
        The keywords.
    name : str
        What the message calls the function.
    more : iterable of str
        Further keywords that are taken.

    Raises
    ------
    TypeError
        For the first keyword that is not taken.
    """
    known = keywords(function)
    for key in given:
        part, _, option = key.partition("__")
        if known is not None and option and part in known:
            owner = "natfit.NaturalMLE" if name == "natfit.fit" else name
            raise TypeError(
                f"{name} takes {key!r} by set_params only: write "
                f"{owner}(...).set_params({key}=...), or pass {part}= an object with "
                f"{option}=..."
            )
        if known is not None and key not in known and key not in more:
            words = f"{name} got an unexpected keyword argument"
            raise TypeError(unknown_name(key, [*known, *more], words).replace(", got", "", 1))


def answers_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Return a public function that says which keyword is meant by one that it does not take.

    Its signature stays what it was, so that scikit-learn's routing of metadata reads it as before.

    Parameters
    ----------
    function : callable
        A function or a method.

    Returns
    -------
    callable
        The same, with the check of :func:`check_keywords` before the call.
    """
    name = function.__qualname__.removesuffix(".__init__")
    method = name.endswith(f".{function.__name__}")

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            # The class that defines a method need not be the one that users know.
            known = method and args and hasattr(type(args[0]), function.__name__)
            called = f"{type(args[0]).__name__}.{function.__name__}" if known else name
            check_keywords(function, kwargs, called)
        return function(*args, **kwargs)

    return checked


@functools.cache
def keywords(function: Callable) -> tuple[str, ...] | None:
    """Return the names of the arguments that a function takes; None if it takes any."""
    found = list(inspect.signature(function).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in found):
        return None
    return tuple(p.name for p in found if p.name != "self")


def check_parameters(owner: Any, given: Iterable[str]) -> None:
    """Raise ValueError for a parameter that an estimator or a component does not have."""
    known = owner.get_params(deep=False)
    for key in given:
        own = key.split("__")[0]
        if own not in known:
            # The first words are scikit-learn's.
            words = f"Invalid parameter {own!r} for estimator {owner}"
            near = nearest(own, known)
            tail = f"did you mean {near!r}?" if near else f"valid parameters are {list(known)}"
            raise ValueError(f"{words}; {tail}")


def check_weights(sample_weight: Any, n_rows: int, drop: bool = False) -> np.ndarray | None:
    """Return row weights (N,) in float64, or None if every row counts once.

    Parameters
    ----------
    sample_weight : array-like of shape (N,), float or None
        The argument.
    n_rows : int
        N.
    drop : bool
        Whether missing weights are zero, so that their rows do not count.

    Returns
    -------
    ndarray of shape (N,) or None
        Number of repetitions of each row.

    Raises
    ------
    ValueError
        If the shape is not (N,), or a weight is negative or not finite, or all are zero.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Real) and not isinstance(sample_weight, bool):
        sample_weight = np.full(n_rows, float(sample_weight))
    if isinstance(sample_weight, str):
        raise ValueError(
            f"sample_weight must be numeric, one weight per row, got {sample_weight!r}; of a frame "
            f"pass the column itself, as in frame[{sample_weight!r}]"
        )
    try:
        found = as_numbers(sample_weight, "sample_weight")
    except (TypeError, ValueError) as error:
        raise ValueError(f"sample_weight must be numeric: {error}") from None
    weight = found.values
    if drop:
        weight = np.where(np.isnan(weight), 0.0, weight)
    elif found.masked is not None:
        where = int(np.argmax(found.masked))
        raise ValueError(
            f"sample_weight must not be masked, got a masked weight at row {where}; give such rows "
            "the weight 0 by weight.filled(0), or remove them"
        )
    if weight.ndim != 1:
        # The wording is the one that scikit-learn's own checks look for.
        raise ValueError(
            "Sample weights must be 1D array or scalar, got the shape "
            f"{weight.shape}; of a table pass one column"
        )
    if weight.shape != (n_rows,):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(n_rows,)}: one weight per row; "
            "leave out sample_weight to count every row once"
        )
    _refuse_values(weight)
    return weight


def _refuse_values(weight: np.ndarray) -> None:
    """Raise ValueError if weights (N,) are negative or not finite, or all zero."""
    with np.errstate(over="ignore"):
        low, total = weight.min(), weight.sum()
    if not np.isfinite(total) and np.isfinite(weight).all():
        raise ValueError("sample_weight must have a finite sum; divide the weights by a constant")
    if not np.isfinite(total):
        where = int(np.argmax(~np.isfinite(weight)))
        raise ValueError(
            f"sample_weight must be finite, got {weight[where]} at row {where}; remove such rows"
            + (
                ", or drop them by missing='drop' of the estimator"
                if np.isnan(weight[where])
                else ""
            )
        )
    if low < 0:
        where = int(np.argmin(weight))
        raise ValueError(
            f"sample_weight must be >= 0 (a weight is a number of repetitions), "
            f"got {weight[where]:g} at row {where}; remove such rows, or give them weight 0"
        )
    if total == 0:
        raise ValueError(
            "sample_weight must have a positive sum, got all zeros; leave it out to count every "
            "row once"
        )


def one_window_a_row(value: Any) -> bool:
    """Tell whether a truncation (low, high) gives each row its own window, by an array."""
    pair = isinstance(value, tuple | list) and len(value) == 2
    return pair and any(hasattr(end, "__len__") and not isinstance(end, str) for end in value)


def check_truncation(value: Any) -> tuple[float, float]:
    """Return the ends (low, high) of a window, infinite for None, or raise ValueError."""
    if one_window_a_row(value):
        raise ValueError(
            "truncation must be (low, high) with one number each for a family; for one window a "
            "row pass natfit.Censored.exact(x, truncation=(low, high)) as the data"
        )
    try:
        low, high = (
            default if end is None else end
            for end, default in zip(value, (-np.inf, np.inf), strict=True)
        )
        real = all(isinstance(v, numbers.Real) and not isinstance(v, bool) for v in (low, high))
        low, high = (float(low), float(high)) if real else (np.nan, np.nan)
    except (TypeError, ValueError, OverflowError):
        low, high = np.nan, np.nan
    if not low < high:
        raise ValueError(
            f"truncation must be (low, high) with low < high, None for an open end, got {value!r}"
        )
    return low, high
