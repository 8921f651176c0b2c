"""The delta method: standard errors and intervals of functions of the parameters.

If g has the gradient a at the estimate and theta the covariance matrix V, the variance of
g(theta) is a' V a to first order (Casella and Berger 2002, theorem 5.5.28). The interval is formed
on a scale h on which g has no limits, and mapped back, ::

    h^-1( h(g) +- z h'(g) sqrt(a' V a) )        z = Phi^-1((1 + level) / 2)

so that it lies inside the range of g: h is the logarithm for positive numbers and the logit for
shares.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, ndtri

from natfit._validation import check_number, check_option
from natfit.inference import covariance as cov

#: Scales by name, and the ranges that they stand for.
SCALES: dict[str, tuple[float, float]] = {
    "identity": (-np.inf, np.inf),
    "log": (0.0, np.inf),
    "logit": (0.0, 1.0),
    "cloglog": (0.0, 1.0),
}

#: A derivative in a coordinate that is not determined counts from this share of the largest one.
_COUNTS = 1e-9


@dataclass(frozen=True, eq=False)
class Estimated:
    """The value of a quantity, its standard error and an interval; arrays for several values.

    Attributes
    ----------
    name : str
        The quantity.
    value, standard_error, low, high : float or ndarray
        In the unit of the quantity; one number for each of D columns of data.
    level : float
        The probability with which the interval covers the true value, to the accuracy of the
        method.
    method : str
        ``delta``, ``profile``, ``score`` or ``bootstrap``.
    scale : str
        The scale on which an interval of the delta method was formed.
    cov_type : str
        The type of covariance matrix behind the standard error.
    notes : tuple of str
        What a reader must know besides.
    """

    name: str
    value: Any
    standard_error: Any
    low: Any
    high: Any
    level: float
    method: str
    scale: str
    cov_type: str
    notes: tuple[str, ...] = ()

    @property
    def interval(self) -> np.ndarray:
        """The ends, in a last axis of length two."""
        return np.stack([self.low, self.high], axis=-1)

    def __str__(self) -> str:
        """Return the value, its standard error and the interval in one line, with the notes."""
        value, error, low, high = (
            _said(v) for v in (self.value, self.standard_error, self.low, self.high)
        )
        how = self.method
        if self.method in ("profile", "score"):
            how = f"{self.method}; standard error from the {self.cov_type} covariance"
        if self.method == "delta":
            how = f"{self.method} on the {self.scale} scale, {self.cov_type} covariance"
        said = (
            f"{self.name} = {value}, standard error {error}, {100.0 * self.level:g} % interval "
            f"[{low}, {high}] ({how})"
        )
        return "; ".join([said, *self.notes])

    __repr__ = __str__


def _said(value: Any) -> str:
    value = np.asarray(value)
    if value.ndim == 0:
        return f"{float(value):.6g}"
    return np.array2string(value, precision=6, separator=", ")


def check_level(level: Any) -> float:
    """Return a level inside (0, 1), else raise.

    Parameters
    ----------
    level : float
        The probability that an interval is to cover the true value.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is not inside (0, 1).
    """
    if isinstance(level, str):
        raise TypeError(
            f"level must be a number in (0, 1), got {level!r}; one quantity is asked for by "
            f"of={level!r}"
        )
    percent = isinstance(level, int | float) and not isinstance(level, bool) and 1 < level < 100
    hint = f"{level / 100.0:g}" if percent else "0.95"
    return check_number(
        level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False, hint=hint
    )


def standard_errors(
    jacobian: np.ndarray, covariance: np.ndarray, units: np.ndarray | None = None
) -> np.ndarray:
    """Return sqrt(a' V a) for each row a of the derivatives.

    Parameters
    ----------
    jacobian : ndarray of shape (M, P)
        Derivatives of M values.
    covariance : ndarray of shape (P, P)
        V, with inf on the diagonal for coordinates that are not determined.
    units : ndarray of shape (P,), optional
        Those of the coordinates, in which derivatives are compared with each other.

    Returns
    -------
    ndarray of shape (M,)
        Infinite for values that depend on such a coordinate.
    """
    unknown = np.isinf(np.diagonal(covariance))
    finite = np.where(unknown[:, None] | unknown[None, :], 0.0, covariance)
    with np.errstate(over="ignore", invalid="ignore"):
        square = np.einsum("mp,pq,mq->m", jacobian, finite, jacobian)
    lost = _lost(jacobian, covariance, units).any(axis=1)
    # A variance beyond the range of doubles counts as unknown.
    square = np.where(lost | ~np.isfinite(square), np.inf, square)
    return np.sqrt(np.maximum(square, 0.0))


def _lost(jacobian: np.ndarray, covariance: np.ndarray, units: np.ndarray | None) -> np.ndarray:
    """Return which value depends on which coordinate of infinite variance, (M, P) of bool."""
    slopes = np.abs(jacobian) * (1.0 if units is None else units)
    size = slopes.max(axis=1, initial=0.0, keepdims=True)
    return (slopes > _COUNTS * size) & np.isinf(np.diagonal(covariance))


def lost_notes(
    jacobian: np.ndarray,
    covariance: np.ndarray,
    names: list[str],
    units: np.ndarray | None = None,
    at_limit: Collection[int] = (),
) -> tuple[str, ...]:
    """Return which coordinates make standard errors infinite, in words.

    Parameters
    ----------
    jacobian : ndarray of shape (M, P)
        Derivatives of M values.
    covariance : ndarray of shape (P, P)
        V, with inf on the diagonal for coordinates that are not determined.
    names : list of str
        Those of the coordinates.
    units : ndarray of shape (P,), optional
        As in :func:`standard_errors`.
    at_limit : collection of int
        Coordinates that rest at a limit.

    Returns
    -------
    tuple of str
        Empty where all standard errors are finite.
    """
    lost = np.flatnonzero(_lost(jacobian, covariance, units).any(axis=0))
    limits = ", ".join(names[k] for k in lost if k in at_limit)
    open_ = ", ".join(names[k] for k in lost if k not in at_limit)
    notes = []
    if limits:
        notes.append(
            f"it depends on {limits}, which rests at a limit, where the delta method has no "
            "interval: use method='profile' or 'bootstrap' with X; see identifiability()"
        )
    if open_:
        notes.append(
            f"it depends on {open_}, which the data do not determine: see identifiability()"
        )
    return tuple(notes)


def ends(
    value: np.ndarray,
    error: np.ndarray,
    level: float,
    low: Any = -np.inf,
    high: Any = np.inf,
    scale: str = "auto",
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of intervals around values, inside their range.

    Parameters
    ----------
    value, error : ndarray
        Values and their standard errors, of one shape.
    level : float
        The level.
    low, high : float or ndarray
        The ends of the range, of each value or of all.
    scale : {"auto", "identity", "log", "logit", "cloglog"}
        ``auto`` is the scale that belongs to the range. ``cloglog``, log(-log p), is the one of
        probabilities of survival in reliability.

    Returns
    -------
    lower, upper : ndarray
        The range itself where the standard error is infinite, the value where it is zero.

    Raises
    ------
    ValueError
        If a value lies outside the range of a scale that was named.
    """
    check_option(scale, "scale", ("auto", *SCALES))
    if scale != "auto":
        low, high = SCALES[scale]
        if not np.all((value > low) & (value < high)):
            bad = value[~((value > low) & (value < high))].ravel()[0]
            raise ValueError(
                f"scale={scale!r} is for values inside ({low:g}, {high:g}), got {bad:g}; use "
                "scale='auto' or 'identity'"
            )
    low, high = (np.broadcast_to(np.asarray(e, dtype=float), value.shape) for e in (low, high))
    move = float(ndtri(0.5 + 0.5 * level)) * error
    with np.errstate(all="ignore"):
        if scale == "cloglog":
            u = np.log(-np.log(value))
            step = move / np.abs(value * np.log(value))
            lower, upper = (np.exp(-np.exp(u + s * step)) for s in (1.0, -1.0))
        else:
            lower, upper = _mapped(value, move, low, high)
    # At an end of its range a value has no place on the scale: the interval is cut there instead.
    cut = ~((value > low) & (value < high)) | np.isnan(lower) | np.isnan(upper)
    lower = np.where(cut, np.maximum(value - move, low), lower)
    upper = np.where(cut, np.minimum(value + move, high), upper)
    lower = np.where(np.isinf(error), low, np.where(error == 0.0, value, lower))
    return lower, np.where(np.isinf(error), high, np.where(error == 0.0, value, upper))


def _mapped(
    value: np.ndarray, move: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends on the line, on a half-line (logarithm) or between two ends (logit)."""
    has_low, has_high = np.isfinite(low), np.isfinite(high)
    above, below, width = value - low, high - value, high - low
    odds, step = np.log(above / below), move * width / (above * below)
    out = []
    for sign in (-1.0, 1.0):
        found = value + sign * move
        found = np.where(has_low, low + above * np.exp(sign * move / above), found)
        found = np.where(has_high, high - below * np.exp(-sign * move / below), found)
        both = low + width * expit(odds + sign * step)
        out.append(np.where(has_low & has_high, both, found))
    return out[0], out[1]


def to_line(value: float, low: float, high: float) -> tuple[float, float]:
    """Return a value on the scale that belongs to its range, and the derivative of the scale.

    Parameters
    ----------
    value : float
        A number inside (low, high).
    low, high : float
        The range.

    Returns
    -------
    place, slope : float
        h(value) and h'(value), where h is increasing.
    """
    with np.errstate(all="ignore"):
        above, below = np.float64(value) - low, high - np.float64(value)
        if np.isfinite(low) and np.isfinite(high):
            return float(np.log(above / below)), float((high - low) / (above * below))
        if np.isfinite(low):
            return float(np.log(above)), float(1.0 / above)
        if np.isfinite(high):
            return float(-np.log(below)), float(1.0 / below)
    return float(value), 1.0


def from_line(place: float, low: float, high: float) -> float:
    """Return the value at a place on the scale of its range: the inverse of :func:`to_line`.

    Parameters
    ----------
    place : float
        A number, which may be infinite.
    low, high : float
        The range.

    Returns
    -------
    float
    """
    with np.errstate(over="ignore"):
        if np.isfinite(low) and np.isfinite(high):
            return float(low + (high - low) * expit(place))
        if np.isfinite(low):
            return float(low + np.exp(place))
        return float(high - np.exp(-place)) if np.isfinite(high) else float(place)


def scale_name(low: float, high: float) -> str:
    """Return the name of the scale that belongs to a range.

    Parameters
    ----------
    low, high : float
        The ends of the range.

    Returns
    -------
    str
        ``identity``, ``log`` or ``logit``, with the ends where these are not those of the name.
    """
    for name, own in SCALES.items():
        if own == (low, high):
            return name
    if np.isfinite(low) and np.isfinite(high):
        return f"logit between {low:g} and {high:g}"
    return f"log distance from {low if np.isfinite(low) else high:g}"


def parameter_intervals(
    family: Any, eta: np.ndarray, covariance: np.ndarray, level: float
) -> dict[str, np.ndarray]:
    """Return Wald's intervals of the native parameters at one eta.

    Numbers with a constraint of their own are mapped from ``eta +- z se``. The shares of a simplex
    and the entries of a matrix depend on several coordinates: theirs come from the delta method,
    on the logit scale for shares, on the logarithmic one for the diagonal of a matrix.

    Parameters
    ----------
    family : Distribution
        The family.
    eta : ndarray of shape (K,)
        The estimate.
    covariance : ndarray of shape (K, K)
        That of eta.
    level : float
        The level.

    Returns
    -------
    dict
        From the name to the ends, (*shape, 2): the whole range where nothing is known.
    """
    native = family.native_dict(eta)
    errors = cov.standard_errors(family, cov.to_native(family, eta, covariance))
    own = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    out = {}
    for name, constraint in family.params.items():
        block = family.blocks[name]
        if name in family.row_ends and np.isinf(own[block]).all():
            # The support ends beyond the last row, which is the estimate, and certainly there.
            far, now = constraint.domain, float(native[name])
            below = family.row_ends[name] == "lower"
            out[name] = np.array([far[0], now] if below else [now, far[1]])
            continue
        if constraint.elementwise:
            out[name] = _elementwise(constraint, eta[block], own[block], level)
            continue
        low, high = constraint.native_bounds
        if constraint.entries is not None:
            low = np.where(np.eye(constraint.shape[0], dtype=bool), 0.0, -np.inf)
        pair = ends(np.asarray(native[name], dtype=float), errors[name], level, low, high)
        out[name] = np.stack(pair, axis=-1)
    return out


def _elementwise(constraint: Any, eta: np.ndarray, error: np.ndarray, level: float) -> np.ndarray:
    """Return the ends (*shape, 2) of numbers that one increasing or decreasing function maps."""
    z = float(ndtri(0.5 + 0.5 * level))
    low, high = constraint.limits()
    least, most = constraint.native_bounds
    first, last = (most, least) if constraint.decreasing else (least, most)
    with np.errstate(all="ignore"):
        below, above = eta - z * error, eta + z * error
        lower = constraint.to_native(np.clip(below, low, high)[None])[0]
        upper = constraint.to_native(np.clip(above, low, high)[None])[0]
    shape = constraint.shape
    # Beyond a limit of eta there are no values but the end of the range.
    moved = error > 0.0
    lower = np.where((moved & (below <= low)).reshape(shape), first, lower)
    upper = np.where((moved & (above >= high)).reshape(shape), last, upper)
    pair = (upper, lower) if constraint.decreasing else (lower, upper)
    return np.stack(pair, axis=-1)
