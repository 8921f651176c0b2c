"""Velocities of quantiles of a shifted family in regular coordinates, from those in its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.velocity import Velocity

#: Ratio below which the second derivatives of the map have lost too many digits.
LEAST_CHAINED = 0.05


def chained(form: Any, y: np.ndarray, eta: np.ndarray) -> Velocity:
    """Return the velocities at eta (1, K), by the chain rule from loc and the inner eta.

    With c = width / ratio, loc is centre - c, and every other own coordinate is linear in
    log c and log ratio.

    Parameters
    ----------
    form : ShiftForm
        The family in regular coordinates.
    y : ndarray of shape (n,)
        Values above loc.
    eta : ndarray of shape (1, K)
        Its parameters, with a ratio that is not small.

    Returns
    -------
    Velocity
    """
    point = eta[0]
    own = form.to_own(point)
    jacobian, ratio = form.jacobian_own(point), float(point[2])
    c, size = float(np.exp(point[1]) / ratio), len(point)
    bend = np.zeros((size, size, size))
    bend[0, 1, 1], bend[0, 2, 2] = -c, -2.0 * c / ratio**2
    bend[0, 1, 2] = bend[0, 2, 1] = c / ratio
    # Linear in log ratio, whose second derivative is -1 / ratio^2.
    bend[1:, 2, 2] = -jacobian[1:, 2] / ratio
    first, second = np.ones((size, len(y))), np.empty((size, size, len(y)))
    inner = form.family.velocity(y - own[0], own[None, 1:])
    # As for any location: second derivatives with loc are the scores.
    score = np.linalg.solve(jacobian.T, form.score(y, eta).T)
    first[1:], second[1:, 1:] = inner.first, inner.second
    second[0] = score
    second[1:, 0] = score[1:]
    moved = np.einsum("ai,abn,bj->ijn", jacobian, second, jacobian)
    moved += np.einsum("an,aij->ijn", first, bend)
    return Velocity(jacobian.T @ first, moved)
