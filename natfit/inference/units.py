"""Units of the coordinates of a family: lengths over which its distribution changes.

A step or a slope in the logarithm of a scale means the same for data in metres and in nanometres.
One in a location, or in an end of the support, does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import End
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.frozen import Frozen

#: Share of a unit that stands for a standard error where there is none.
_STEP = 1e-2


def units(family: Any, theta: np.ndarray) -> np.ndarray:
    """Return the unit of each coordinate of a family, (K,), at theta (K,).

    It is the distance of the quartiles for locations and ends of a support, which have the unit of
    y, else the size of the coordinate, at least 1.

    Parameters
    ----------
    family : Distribution
        The family.
    theta : ndarray of shape (K,)
        Its unconstrained parameters.

    Returns
    -------
    ndarray of shape (K,)
        Positive.
    """
    out = np.maximum(1.0, np.abs(theta))
    moving = [
        block
        for name, block in family.blocks.items()
        if family.roles.get(name) is Role.LOCATION or isinstance(family.params[name], End)
    ]
    if not moving or family.event_shape != ():
        return out
    try:
        low, high = Frozen(family, theta[None]).ppf([0.25, 0.75])
    except ValueError:
        return out
    if 0.0 < high - low < np.inf:
        for block in moving:
            out[block] = high - low
    return out


def steps(family: Any, theta: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return units of steps of differences, (K,): standard errors, or shares of units.

    Parameters
    ----------
    family : Distribution
        The family.
    theta : ndarray of shape (K,)
        The estimate.
    covariance : ndarray of shape (K, K)
        Its covariance, with inf on the diagonal for coordinates that are not determined.

    Returns
    -------
    ndarray of shape (K,)
        Zero for coordinates that were given.
    """
    errors = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    unknown = np.isinf(errors)
    return np.where(unknown, _STEP * units(family, theta), errors) if unknown.any() else errors
