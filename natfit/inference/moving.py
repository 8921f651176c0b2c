"""Exact derivatives in eta of what the methods of a frozen distribution return."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Methods of points x, and those of probabilities q.
_OF_X = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")
_OF_Q = ("ppf", "isf", "median")


def method_jacobian(name: str, args: tuple[Any, ...], frozen: Any) -> np.ndarray | None:
    """Return the derivatives of a method's values in the parameters of all columns.

    With the score s of a row and the velocity v = dQ / d eta at which the quantile at y moves, the
    derivatives are p s of a density, -p v of P(Y <= y), p v of P(Y > y), and v of a quantile.

    Parameters
    ----------
    name : str
        A method of :class:`natfit.distributions.contract.frozen.Frozen`.
    args : tuple
        Its arguments.
    frozen : Frozen
        The distribution, or one for each of D columns.

    Returns
    -------
    ndarray of shape (M, D K), or None
        None where the derivatives are not known in closed form.
    """
    family, eta = frozen.family, frozen.eta
    if name == "median":
        name, args = "ppf", (0.5,)
    if name not in (*_OF_X, *_OF_Q) or len(args) != 1 or family.event_shape != ():
        return None
    if name not in ("pdf", "logpdf") and _jumps(family):
        return None
    points = np.asarray(args[0] if name in _OF_X else getattr(frozen, name)(*args), dtype=float)
    if len(eta) > 1 and name in _OF_X:
        points = points[..., None] if points.ndim < 2 else points
        points = np.broadcast_to(points, (*points.shape[:-1], len(eta)))
    table = points.reshape(-1, len(eta)) if len(eta) > 1 else points.reshape(-1, 1)
    size = eta.shape[1]
    out = np.zeros((*table.shape, len(eta) * size))
    for j, own in enumerate(eta):
        found = _slopes(name, family, table[:, j], own[None])
        if found is None:
            return None
        out[:, j, j * size : (j + 1) * size] = found
    return out.reshape(-1, out.shape[-1])


def _jumps(family: Any) -> bool:
    """Whether the distribution function has jumps, or none is known."""
    counts = family.support is None or family.support.integer
    return counts or bool(family.atoms) or not family.has_cdf


def _slopes(name: str, family: Any, y: np.ndarray, eta: np.ndarray) -> np.ndarray | None:
    """Return the derivatives (n, K) of one column at points y (n,), or quantiles y (n,)."""
    with np.errstate(all="ignore"):
        density = np.exp(family.log_density(y, eta))[:, None]
        if name in ("pdf", "logpdf"):
            score = family.score(y, eta)
            found = score if name == "logpdf" else density * score
            return np.where(density > 0.0, found, 0.0)
        low, high = family.support_at(eta)
        if name in _OF_Q:
            # At an end of the support that moves with eta, its velocity is not that of a quantile.
            if not np.all((y > low) & (y < high)):
                return None
            return family.velocity(y, eta).first.T
        found = np.where(density > 0.0, density * family.velocity(y, eta).first.T, 0.0)
        if name in ("cdf", "sf"):
            return -found if name == "cdf" else found
        tail = family.log_cdf(y, eta) if name == "logcdf" else family.log_sf(y, eta)
        found = found / np.exp(tail)[:, None]
    return -found if name == "logcdf" else found
