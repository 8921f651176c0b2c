"""A hypothesis about coefficients, as restrictions A theta = b."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.inference.affine import independent
from natfit.inference.coefficients import Coefficients
from natfit.inference.null import Null
from natfit.models.linear_predictors import LinearPredictors


@dataclass(frozen=True)
class Hypothesis:
    """Restrictions of the coordinates theta.

    Attributes
    ----------
    rows : ndarray of shape (q, P)
        A, with independent rows.
    values : ndarray of shape (q,)
        b.
    words : str
    bounded : tuple of str
        Parameters that are at an end of their range under the hypothesis.
    inward : float
        1 or -1, the sign of a step of the last of these into its range.
    exact : bool
        Whether the restrictions hold at every theta, and not only near the estimate.
    """

    rows: np.ndarray
    values: np.ndarray
    words: str
    bounded: tuple[str, ...] = ()
    inward: float = 0.0
    exact: bool = True

    @property
    def df(self) -> int:
        """The number of restrictions."""
        return len(self.rows)


def hypothesis_of(
    null: Any,
    values: Any,
    found: Coefficients,
    model: LinearPredictors,
    theta: np.ndarray,
    chosen: Any,
) -> Hypothesis:
    """Return a hypothesis as restrictions of theta.

    Parameters
    ----------
    null : dict, str, sequence of str, or ndarray of shape (q, M)
        Values by name; names of coefficients that are zero; or R of ``R beta = q``.
    values : array-like of shape (q,), optional
        q, zero by default.
    found : Coefficients
        What the names and the columns of R are.
    model : LinearPredictors
        The model.
    theta : ndarray of shape (P,)
        The estimate.
    chosen : callable
        ``chosen(name)`` returns the places of the coefficients that a name stands for.

    Returns
    -------
    Hypothesis

    Raises
    ------
    ValueError
        If a name is none of a coefficient, a value none of its parameter, or R has another shape.
    TypeError
        If ``null`` is none of these.
    """
    if isinstance(null, Mapping):
        named = dict(null)
    elif isinstance(null, str):
        named = {null: 0.0}
    elif isinstance(null, Iterable) and all(isinstance(name, str) for name in null):
        named = dict.fromkeys(null, 0.0)
    else:
        return _of_matrix(null, values, found, theta)
    if values is not None:
        raise ValueError("values belong to a matrix, got them beside names; write {name: value}")
    if not named:
        raise ValueError("a hypothesis must name coefficients, got none")
    rows, target, words, bounded = [], [], [], []
    inward = 0.0
    for name, value in named.items():
        own = chosen(name)
        place = found.places[own[0]]
        if place.feature is not None:
            rows += [found.jacobian[m] for m in own]
            target += [_number(name, value)] * len(own)
            words += [f"{found.names[m]} = {target[-1]:g}" for m in own]
            continue
        null_of = Null.of(model.family, {place.parameter: value})
        for k, eta in zip(null_of.tested, null_of.eta, strict=True):
            unit = np.zeros(len(theta))
            unit[model.parts[k].start] = 1.0
            rows.append(unit)
            target.append(float(eta))
        words.append(null_of.words)
        if len(null_of.bounded):
            bounded.append(place.parameter)
            inward = float(null_of.inward[null_of.bounded[0]])
    pair = independent(np.array(rows), np.array(target))
    return Hypothesis(*pair, ", ".join(words), tuple(bounded), inward)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"the value of {name!r} must be a finite number, got {value!r}")
    return number


def _of_matrix(null: Any, values: Any, found: Coefficients, theta: np.ndarray) -> Hypothesis:
    """Return R beta = q as restrictions; of native parameters near the estimate only."""
    try:
        matrix = np.atleast_2d(np.asarray(null, dtype=np.float64))
    except (TypeError, ValueError):
        raise TypeError(
            "null must be a dict of values by name, names of coefficients that are zero, or a "
            f"matrix with a column for each of them, got {type(null).__name__}"
        ) from None
    size = len(found.names)
    if matrix.ndim != 2 or matrix.shape[1] != size or not np.isfinite(matrix).all():
        raise ValueError(
            f"the matrix of a hypothesis must have finite numbers and {size} columns, those of "
            f"param_names_, got the shape {np.shape(null)}"
        )
    q = np.zeros(len(matrix)) if values is None else np.atleast_1d(np.asarray(values, float))
    if q.shape != (len(matrix),):
        raise ValueError(f"values must have shape ({len(matrix)},), got {q.shape}")
    rows = matrix @ found.jacobian
    target = rows @ theta - (matrix @ found.values - q)
    words = "; ".join(_words(own, value, found.names) for own, value in zip(matrix, q, strict=True))
    exact = not matrix[:, ~found.linear].any()
    return Hypothesis(*independent(rows, target), words, exact=exact)


def _words(row: np.ndarray, value: float, names: tuple[str, ...]) -> str:
    said = ""
    for factor, name in zip(row, names, strict=True):
        if factor:
            size = "" if abs(factor) == 1.0 else f"{abs(factor):g} "
            sign = " - " if factor < 0 else " + "
            said += f"{sign}{size}{name}" if said else ("-" if factor < 0 else "") + size + name
    return f"{said} = {value:g}"
