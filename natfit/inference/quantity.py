"""Quantities: functions g(theta) of the parameters, their derivatives and their ranges."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from natfit._validation import unknown_name
from natfit.distributions.contract.frozen import Frozen
from natfit.inference import derivative, moving
from natfit.numerics import autodiff

#: Methods of a frozen distribution whose values are random or no numbers.
_NO_QUANTITY = ("rvs", "family", "eta", "by", "params", "to_json", "to_scipy", "support", "cov")

#: Names of quantities elsewhere, and how they are written here.
_ELSEWHERE = {
    "quantile": "'ppf', 0.1",
    "survival": "'sf', t",
    "reliability": "'sf', t",
    "return_level": "'isf', 1 / T",
    "hazard": "lambda d: d.pdf(t) / d.sf(t)",
    "b10": "'ppf', 0.1",
}

#: Methods whose values are places at which a distribution has a share: steps for whole numbers.
_PLACES = ("ppf", "isf", "median", "mode", "interval")

#: Names of the same methods for whole numbers.
_ALIASES = {"pmf": "pdf", "logpmf": "logpdf"}


@dataclass(frozen=True)
class Quantity:
    """A function of theta, a number or an array of M numbers.

    Attributes
    ----------
    name : str
        What it is, for messages: ``ppf(0.1)``.
    function : callable
        ``function(theta)``, a number or an array, for theta (P,).
    low, high : float
        The ends of its range.
    exact : callable or None
        ``exact(theta)``, the derivatives (M, P) where they are known in closed form; None where
        it returns None.
    smooth : bool
        False for values that move in steps, such as quantiles of whole numbers.
    unit : callable or None
        ``unit(theta)``, a size beside which the accuracy of values is to be judged; None where
        their own size serves. A mean may be zero.
    """

    name: str
    function: Callable[[Any], Any]
    low: float = -np.inf
    high: float = np.inf
    exact: Callable[[np.ndarray], np.ndarray | None] | None = field(default=None, repr=False)
    smooth: bool = True
    unit: Callable[[np.ndarray], float] | None = field(default=None, repr=False)

    def value(self, theta: np.ndarray, finite: bool = True) -> np.ndarray:
        """Return g(theta) as an array of its own shape.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The parameters.
        finite : bool
            Whether infinite values are refused, as at the estimate.

        Returns
        -------
        ndarray

        Raises
        ------
        TypeError
            If the function returns no number.
        ValueError
            If it returns NaN, infinity or nothing.
        """
        found = self.function(theta)
        try:
            value = np.asarray(found)
            if value.dtype.kind not in "biuf":
                raise TypeError(f"got {found!r}")
            value = value.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{self.name} must be a number or an array of numbers: {error}"
            ) from None
        if value.size == 0:
            raise ValueError(
                f"{self.name} must be a number or an array of numbers, got an empty one"
            )
        refused = ~np.isfinite(value) if finite else np.isnan(value)
        if refused.any():
            bad = value[refused].ravel()[0]
            rule = "finite at the estimate" if finite else "a number at the estimate and near it"
            raise ValueError(
                f"{self.name} must be {rule}, got {bad}; ask for a point inside the support, a "
                "probability inside (0, 1), or a moment that exists"
            )
        return value

    def jacobian(
        self, theta: np.ndarray, errors: np.ndarray, limits: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Return the derivatives of the M values, flat, in theta.

        They are exact where they are known, by autograd where it can follow the function and a
        difference along one direction confirms it, and by differences of the sixth order
        otherwise.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The estimate.
        errors : ndarray of shape (P,)
            Standard errors, which are the units of the steps: zero for coordinates that were
            given, inf for those that are not determined.
        limits : tuple of ndarray
            Lower and upper limits (P,) of theta, which no step passes.

        Returns
        -------
        ndarray of shape (M, P)
            Zeros for coordinates that were given.

        Raises
        ------
        ValueError
            If the function has no derivative at the estimate.
        """
        if not self.smooth:
            raise ValueError(
                f"{self.name} moves in steps with the parameters, because rows are whole numbers, "
                "so that it has no standard error; use method='bootstrap', kind='percentile', X=X"
            )
        found = None if self.exact is None else self.exact(theta)
        if found is None:
            found = derivative.by_autograd(self._flat, theta, errors, limits)
        if found is None:
            unit = 0.0 if self.unit is None else self.unit(theta)
            found = derivative.by_differences(
                self._flat, theta, errors, limits, self.name, unit if np.isfinite(unit) else 0.0
            )
        return np.where(errors == 0.0, 0.0, found)

    def slopes(
        self, theta: np.ndarray, errors: np.ndarray, limits: tuple[np.ndarray, np.ndarray]
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return the function that gives the derivatives at many points around the estimate.

        Which way leads to them is found and confirmed once, at the estimate.

        Parameters
        ----------
        theta, errors, limits
            As of :meth:`jacobian`.

        Returns
        -------
        callable
            ``slopes(theta) -> (M, P)``.

        Raises
        ------
        ValueError
            If the function has no derivative at the estimate.
        """
        self.jacobian(theta, errors, limits)
        known = self.exact is not None and self.exact(theta) is not None
        traced = not known and (
            derivative.by_autograd(self._flat, theta, errors, limits) is not None
        )

        def found(at: np.ndarray) -> np.ndarray:
            exact = self.exact(at) if known and self.exact is not None else None
            if traced:
                exact = autodiff.jacobian(self._flat, at)
            if exact is None:
                exact = derivative.once(self._flat, at, errors, limits, self.name)
            return np.where(errors == 0.0, 0.0, exact)

        return found

    def _flat(self, theta: Any) -> Any:
        """Return the values as a vector, traced by autograd if theta is."""
        found = self.function(theta)
        return derivative.flat(found)


def of(
    function: Any,
    args: tuple[Any, ...],
    family: Any,
    frozen: Callable[[Any], Frozen],
    parameters: Callable[[Any], Any] | None = None,
) -> Quantity:
    """Return the quantity that a user means by a function or by the name of a method.

    Parameters
    ----------
    function : callable or str
        ``function(d, *args)`` of the frozen distribution d, the name of one of its methods, or the
        name of a parameter.
    args : tuple
        Further arguments of the function or the method.
    family : Distribution
        The family.
    frozen : callable
        ``frozen(theta) -> Frozen``.
    parameters : callable, optional
        ``parameters(theta)``, the native parameters by name in the shapes of ``params_``.

    Returns
    -------
    Quantity

    Raises
    ------
    TypeError
        If it is neither a function nor a name, or a parameter is given arguments.
    ValueError
        If there is no such method or parameter, or the family is multivariate.
    """
    if callable(function):
        name = getattr(function, "__name__", type(function).__name__)
        name = "the function" if name == "<lambda>" else name
        return Quantity(name, lambda theta: function(frozen(theta), *args))
    if not isinstance(function, str):
        raise TypeError(
            "the quantity must be a function of the frozen distribution, or the name of one of its "
            f"methods or of a parameter, got {function!r}; write 'ppf', 0.1 or lambda d: d.ppf(0.1)"
        )
    if function in family.params and parameters is not None:
        if args:
            raise TypeError(f"the parameter {function!r} takes no arguments, got {args}")
        return of_parameter(function, family, parameters)
    methods = [m for m in dir(Frozen) if not m.startswith("_") and m not in _NO_QUANTITY]
    hint = _ELSEWHERE.get(function.lower())
    if hint is not None:
        raise ValueError(f"the quantity must be a known name, got {function!r}; write {hint}")
    if function not in methods:
        raise ValueError(
            unknown_name(function, [*methods, *family.params], "the quantity must be a known name")
        )
    return _of_method(function, args, family, frozen)


def of_parameter(name: str, family: Any, parameters: Callable[[Any], Any]) -> Quantity:
    """Return the quantity of a native parameter, in the shape that it has in ``params_``.

    Parameters
    ----------
    name : str
        The parameter.
    family : Distribution
        The family.
    parameters : callable
        ``parameters(theta)``, the native values by name.

    Returns
    -------
    Quantity
        Its range is that of the constraint; that of a matrix, whose entries differ, is the line.
    """
    constraint = family.params[name]
    low, high = constraint.native_bounds if constraint.entries is None else (-np.inf, np.inf)
    return Quantity(name, lambda theta: parameters(theta)[name], low, high)


def _of_method(
    name: str, args: tuple[Any, ...], family: Any, frozen: Callable[[Any], Frozen]
) -> Quantity:
    """Return the quantity of a method of the frozen distribution."""
    said = f"{name}({', '.join(repr(a) for a in args)})"
    name = _ALIASES.get(name, name)
    if family.event_shape != ():
        raise ValueError(
            f"{name!r} is a number of univariate families only, got {type(family).__name__} of "
            f"dimension {family.event_shape[0]}; write a function of the parameters, such as "
            f"lambda d: d.params[{next(iter(family.params))!r}]"
        )
    try:
        inspect.signature(getattr(Frozen, name)).bind(None, *args)
    except TypeError as error:
        raise TypeError(
            f"the arguments of {name} must follow its name, got {args}: {error}; write "
            f"{name!r}, 0.1 for the value at 0.1"
        ) from None
    counts = family.support is not None and family.support.integer
    low, high = _range(name, family, counts)

    def exact(theta: np.ndarray) -> np.ndarray | None:
        return moving.method_jacobian(name, args, frozen(theta))

    def spread(theta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return float(np.min(frozen(theta).std()))

    smooth = not (counts and name in _PLACES)
    unit = spread if name == "mean" else None
    function = getattr(Frozen, name)
    return Quantity(
        said, lambda theta: function(frozen(theta), *args), low, high, exact, smooth, unit
    )


def _range(name: str, family: Any, counts: bool) -> tuple[float, float]:
    """Return the ends of the values of a method, whatever the parameters are."""
    if name in ("cdf", "sf"):
        return 0.0, 1.0
    if name == "pdf":
        return 0.0, 1.0 if counts else np.inf
    if name in ("logcdf", "logsf") or (name == "logpdf" and counts):
        return -np.inf, 0.0
    if name in ("var", "std"):
        return 0.0, np.inf
    if name == "entropy" and counts:
        return 0.0, np.inf
    if name in (*_PLACES, "mean") and family.support is not None:
        return float(family.support.low), float(family.support.top)
    return -np.inf, np.inf


def all_parameters(family: Any, parameters: Callable[[Any], Any]) -> Quantity:
    """Return the quantity of all native parameters, one after the other, flat.

    Parameters
    ----------
    family : Distribution
        The family.
    parameters : callable
        ``parameters(theta)``, the native values by name.

    Returns
    -------
    Quantity
    """
    return Quantity("the parameters", lambda theta: derivative.joined(parameters(theta).values()))


def entry(constraint: Any, block: slice, index: int) -> tuple[Callable, Callable]:
    """Return one number of a native parameter, and its gradient, as functions of theta.

    Parameters
    ----------
    constraint : Bijector
        The constraint of the parameter.
    block : slice
        Its coordinates in theta.
    index : int
        The place of the number in the flat native value.

    Returns
    -------
    value, gradient : callable
        ``value(theta)``, a float, and ``gradient(theta)``, (P,).
    """

    def value(theta: Any) -> Any:
        return constraint.to_native(theta[block][None]).reshape(-1)[index]

    def gradient(theta: np.ndarray) -> np.ndarray:
        return autodiff.value_and_grad(value, theta)[1]

    return lambda theta: float(value(theta)), gradient
