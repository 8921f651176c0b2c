"""The gradient of a regression with kinks: that of the rows at their kink may be any of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from natfit.objectives._formula import Formula
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Largest number of rows at their kinks, and of rounds in which their shares are improved.
_MOST, _ROUNDS = 400, 500


def nearest_gradient(
    objective: Regression, theta: np.ndarray, grad: np.ndarray, lines: np.ndarray | None = None
) -> np.ndarray:
    """Return the element (P,) of the subdifferential that is about nearest to zero, or to a span.

    A row at its kink contributes u times its unit score in the location, with any -1 <= u <= 1.

    Parameters
    ----------
    objective : Regression
        One whose family has a location, with a kink in it, and a scale.
    theta : ndarray of shape (P,)
        The point.
    grad : ndarray of shape (P,)
        One element: the gradient with u = 0.
    lines : ndarray of shape (q, P), optional
        What spans the multipliers of a constrained optimum.

    Returns
    -------
    ndarray of shape (P,)
    """
    met = np.flatnonzero(objective.rows.map(_met_part, objective._formula, theta))
    if not 0 < len(met) <= _MOST:
        return grad
    columns = np.stack([_column(objective, theta, int(i)) for i in met], axis=1)
    u = _shares(_off(lines, columns), _off(lines, grad))
    found: np.ndarray = grad - columns @ u
    # What is left of terms that cancel is rounding.
    size = np.abs(columns) @ np.abs(u) + np.abs(grad)
    return np.where(np.abs(found) < 1e-12 * size, 0.0, found)


def _off(lines: np.ndarray | None, columns: np.ndarray) -> np.ndarray:
    """Return columns (P, m), or one (P,), less their projection on the span of some lines."""
    if lines is None or not len(lines):
        return columns
    base = np.linalg.qr(lines.T)[0]
    found: np.ndarray = columns - base @ (base.T @ columns)
    return found


def _shares(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return u (m,) between -1 and 1 for which columns u is about nearest to a target (P,)."""
    u = np.linalg.lstsq(columns, target, rcond=None)[0]
    if (np.abs(u) <= 1.0).all():
        return u
    # One at a time, from there: the sum of squares has no other minimum.
    u = np.clip(u, -1.0, 1.0)
    rest, square = target - columns @ u, np.square(columns).sum(axis=0)
    square = np.where(square > 0.0, square, np.inf)
    for _ in range(_ROUNDS):
        before = u.copy()
        for j in range(len(u)):
            one = columns[:, j]
            moved = min(max(u[j] + float(one @ rest) / square[j], -1.0), 1.0)
            rest -= one * (moved - u[j])
            u[j] = moved
        if np.abs(u - before).max() < 1e-12:
            break
    return u


def _met_part(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Tell which rows are at their kink, where the score in the location is zero, (n,)."""
    eta = formula.linearize(theta, block).eta
    found: np.ndarray = formula.distribution.score(block.y, eta)[:, 0] == 0.0
    return found


def _column(objective: Regression, theta: np.ndarray, i: int) -> np.ndarray:
    """Return the unit score of a row in its location, as a part of f, (P,)."""
    block = objective.rows.row(i)
    lin = objective.model.linearize(theta, block.X)
    eta = objective._formula.eta(theta, block)
    _, scale = objective.distribution.native(eta)
    weight = 1.0 if block.weight is None else float(block.weight[0])
    unit = np.array([[weight / (float(scale[0]) * objective.total), 0.0]])
    return lin.vjp(unit)
