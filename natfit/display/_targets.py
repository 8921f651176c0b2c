"""What a plot of the likelihood is about: a native parameter, or a function of the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._validation import unknown_name
from natfit.distributions.base import Distribution
from natfit.inference import Estimate, delta, quantity
from natfit.inference.units import steps, units


@dataclass(frozen=True)
class Target:
    """A number that depends on theta, its gradient, and its Wald intervals.

    Attributes
    ----------
    name : str
        What axes are labelled with.
    value, gradient : callable
        ``value(theta)``, a float, and ``gradient(theta)``, (P,).
    wald : callable
        ``wald(level) -> (low, high)``.
    held : callable
        ``held(c)``: the value and the gradient of a function that is zero where the number is c.
    """

    name: str
    value: Callable[[np.ndarray], float]
    gradient: Callable[[np.ndarray], np.ndarray]
    wald: Callable[[float], tuple[float, float]]
    held: Callable[[float], tuple[Callable, Callable]]


def native_labels(family: Distribution) -> dict[str, tuple[str, int]]:
    """Return the parameter and the place in its flat native value of each native number, by label.

    Returns
    -------
    dict
        ``scale`` of a number, ``loc[1]`` of a vector, ``covariance[1,0]`` of a matrix.
    """
    found: dict[str, tuple[str, int]] = {}
    for name, constraint in family.params.items():
        shape = constraint.shape
        if constraint.entries is not None:
            for i, j in zip(*constraint.entries, strict=True):
                place = int(np.ravel_multi_index((i, j), shape))
                found[f"{name}[{i},{j}]"] = name, place
        elif shape == ():
            found[name] = name, 0
        else:
            found |= {f"{name}[{i}]": (name, i) for i in range(int(np.prod(shape)))}
    return found


def target_of(estimate: Estimate, of: Any) -> Target:
    """Return what ``of`` means: a parameter, a method of the distribution, or a function of it.

    Parameters
    ----------
    estimate : Estimate
        The estimate.
    of : str, tuple or callable
        The label of a native number; the name of a method, alone or with its arguments, as in
        ``("ppf", 0.1)``; or a function of the frozen distribution.

    Returns
    -------
    Target

    Raises
    ------
    ValueError
        If there is no such parameter or method, or it has several numbers.
    """
    family = estimate.family
    labels = native_labels(family)
    if isinstance(of, str) and of in labels:
        return _parameter(estimate, of, *labels[of])
    if isinstance(of, str) and of in family.params:
        several = [label for label, (name, _) in labels.items() if name == of]
        raise ValueError(f"of must be one number, but {of!r} has several; choose one of {several}")
    name, args = (of[0], tuple(of[1:])) if isinstance(of, tuple | list) and of else (of, ())
    asked = quantity.of(name, args, family, estimate.frozen)
    number = asked.value(estimate.theta)
    if number.size != 1:
        raise ValueError(
            f"of must be one number, got {asked.name} of shape {number.shape}; draw them one by one"
        )
    low, high, _ = family.limits
    errors = steps(family, estimate.theta, estimate.covariance())

    def gradient(theta: np.ndarray) -> np.ndarray:
        return np.reshape(asked.jacobian(theta, errors, (low, high)), -1)

    def wald(level: float) -> tuple[float, float]:
        slope = gradient(estimate.theta)[None]
        unit = units(family, estimate.theta)
        error = delta.standard_errors(slope, estimate.covariance(), unit)
        ends = delta.ends(number.reshape(1), error, level, asked.low, asked.high)
        return float(ends[0][0]), float(ends[1][0])

    def value(theta: np.ndarray) -> float:
        return float(asked.value(theta).reshape(()))

    held = _quantile_held(estimate, name, args) or _held(value, gradient)
    return Target(asked.name, value, gradient, wald, held)


def target_of_regression(fit: Any, of: Any, given: Any) -> tuple[Estimate, Target]:
    """Return the estimate of a regression and what ``of`` means, one of its coefficients.

    Parameters
    ----------
    fit : NaturalRegressor or NaturalClassifier
        The fit.
    of : str
        The name of a coefficient.
    given : Given
        The data of the fit.

    Returns
    -------
    estimate : Estimate
    target : Target

    Raises
    ------
    ValueError
        If there is no such coefficient, or the data are not those of the fit.
    """
    if not isinstance(of, str):
        raise ValueError(
            f"of must be the name of a coefficient of a regression, got {of!r}; choose one of "
            "param_names_, or call interval(..., at=rows, method='profile') for functions"
        )
    asked = fit._quantity(of)
    estimate = fit._estimate(given, rows=True)
    _, covariance = fit._covariance("observed", given)
    limits = fit._linear_model().limits()[:2]
    spread = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    slopes = asked.slopes(estimate.theta, np.where(np.isinf(spread), 1e-2, spread), limits)
    centre = np.reshape(asked.value(estimate.theta), 1)

    def gradient(theta: np.ndarray) -> np.ndarray:
        return np.reshape(slopes(theta), -1)

    error = delta.standard_errors(gradient(estimate.theta)[None], covariance)

    def wald(level: float) -> tuple[float, float]:
        low, high = delta.ends(centre, error, level, asked.low, asked.high)
        return float(low[0]), float(high[0])

    def value(theta: np.ndarray) -> float:
        return float(np.reshape(asked.value(theta, finite=False), ()))

    return estimate, Target(asked.name, value, gradient, wald, _held(value, gradient))


def _held(value: Callable, gradient: Callable) -> Callable[[float], tuple[Callable, Callable]]:
    """Return the function that is zero where another is c, as a function of c."""
    return lambda c: (lambda theta: value(theta) - c, gradient)


def _quantile_held(
    estimate: Estimate, name: Any, args: tuple
) -> Callable[[float], tuple[Callable, Callable]] | None:
    """Return the condition that a quantile is c as one on the tail at c, which costs no search.

    Returns
    -------
    callable or None
        None for what is no quantile of a continuous distribution.
    """
    family = estimate.family
    if name == "median":
        name, args = "ppf", (0.5,)
    if name not in ("ppf", "isf") or family.support is None or family.support.integer:
        return None
    p = float(np.reshape(args[0], ()))
    upper = (name == "isf") == (p < 0.5)
    log_p = np.log(p if p < 0.5 else 1.0 - p)
    low, high, _ = family.limits
    errors = steps(family, estimate.theta, estimate.covariance())

    def held(c: float) -> tuple[Callable, Callable]:
        tail = quantity.of("logsf" if upper else "logcdf", (c,), family, estimate.frozen)

        def value(theta: np.ndarray) -> float:
            return float(np.reshape(tail.function(theta), ())) - log_p

        def gradient(theta: np.ndarray) -> np.ndarray:
            return np.reshape(tail.jacobian(theta, errors, (low, high)), -1)

        return value, gradient

    return held


def _parameter(estimate: Estimate, label: str, name: str, place: int) -> Target:
    family = estimate.family
    value, gradient = quantity.entry(family.params[name], family.blocks[name], place)

    def wald(level: float) -> tuple[float, float]:
        every = delta.parameter_intervals(family, estimate.theta, estimate.covariance(), level)
        low, high = every[name].reshape(-1, 2)[place]
        return float(low), float(high)

    return Target(label, value, gradient, wald, _held(value, gradient))


@dataclass(frozen=True)
class Axis:
    """A native number with a coordinate of its own, which increases or decreases with it.

    Attributes
    ----------
    name : str
        Its label.
    index : int
        The coordinate of theta.
    native : callable
        ``native(coordinates (n,)) -> (n,)``.
    """

    name: str
    index: int
    native: Callable[[np.ndarray], np.ndarray]


def axes_of_pair(estimate: Estimate, params: Any) -> tuple[Axis, Axis]:
    """Return two parameters that span a plane, by default the first two that were estimated.

    Returns
    -------
    tuple of Axis

    Raises
    ------
    ValueError
        If there are no two, one of them shares its coordinates with others, as the entries of a
        covariance matrix do, was given or rests at a limit.
    """
    every = _own_axes(estimate)
    free = set(estimate.free.tolist())
    able = [name for name, axis in every.items() if axis.index in free]
    if params is None:
        if len(able) < 2:
            raise ValueError(
                "a plane needs two parameters that were estimated and have a coordinate of their "
                f"own, got {able}; ProfileDisplay draws a single one"
            )
        params = able[:2]
    if isinstance(params, str) or len(params) != 2 or len(set(params)) != 2:
        raise ValueError(f"params must be two names of parameters, got {params!r}; try {able[:2]}")
    for name in params:
        if name not in every:
            words = "params must name parameters with a coordinate of their own"
            raise ValueError(unknown_name(str(name), every, words))
        if name not in able:
            raise ValueError(
                f"params must name parameters that were estimated and rest at no limit, got "
                f"{name!r}; choose two of {able}"
            )
    first, second = (every[name] for name in params)
    return first, second


def _own_axes(estimate: Estimate) -> dict[str, Axis]:
    family, found = estimate.family, {}
    for label, (name, place) in native_labels(family).items():
        constraint, block = family.params[name], family.blocks[name]
        if not constraint.elementwise:
            continue

        def native(
            x: np.ndarray, constraint: Any = constraint, block: slice = block, place: int = place
        ) -> np.ndarray:
            every = np.tile(estimate.theta[block], (len(x), 1))
            every[:, place] = x
            return np.reshape(constraint.to_native(every), (len(x), -1))[:, place]

        found[label] = Axis(label, block.start + place, native)
    return found
