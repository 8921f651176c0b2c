"""The transform t = log(1 + shape z) / shape of extreme-value families, regular at shape = 0."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Real
from natfit.rows import Rows, nearest_to, share_equal

#: |shape| below which derivatives in shape are summed as series where x = shape z is small. The
#: closed form of the second derivative is a difference that has lost 13 of its 16 digits at
#: |shape| = 1e-6, and 6 of them at 1e-3.
_SMALL_SHAPE, _SMALL = 1e-3, 0.05

#: Orders of the series; 0.05^14 is below rounding.
_ORDER = np.arange(15.0)
_SIGN = (-1.0) ** _ORDER
_FIRST = (_SIGN * _ORDER / (_ORDER + 1.0))[1:]
_SECOND = (_SIGN * _ORDER * (_ORDER - 1.0) / (_ORDER + 1.0))[2:]

#: Shape at and below which the Fisher information, which is infinite for shapes <= -1/2, is
#: refused: as a metric it grows so fast there that no step would pass.
LEAST_REGULAR = -0.45

#: Room that a start leaves to 1 + shape z of every row.
_MARGIN = 0.05

#: Lowest and highest shape of a start: between them the Fisher information is moderate.
_LOWEST, _HIGHEST = -0.4, 0.9


def shape_constraint() -> Real:
    """Return the constraint of the shape, from -1 to 5, with steps of at most half a unit."""
    return Real(low=-1.0, high=5.0, max_step=0.5)


def tail(z: Any, shape: Any) -> tuple[Any, Any]:
    """w = 1 + shape z and t = log(w) / shape; differentiable; t is nan where w <= 0."""
    x = shape * z
    small = anp.abs(x) < 1e-4
    safe_x = anp.where(small, 1.0, anp.maximum(x, -1.0))
    safe_shape = anp.where(small, 1.0, shape)
    with np.errstate(divide="ignore"):
        direct = anp.log1p(safe_x) / safe_shape
    series = z * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - 0.2 * x))))
    return 1.0 + x, anp.where(small, series, direct)


def from_tail(t: np.ndarray, shape: Any) -> np.ndarray:
    """z = (exp(shape t) - 1) / shape, the inverse of :func:`tail`; t where shape is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(shape) < 1e-12, t, np.expm1(shape * t) / shape)


def tail_terms(z: np.ndarray, shape: Any) -> tuple[np.ndarray, ...]:
    """1 / w, t, dt/dshape and d2t/dshape2, (n,) each, for z (n,) with w > 0 and any shape."""
    x = shape * z
    inverse = 1.0 / (1.0 + x)
    least = np.min(np.abs(shape))
    if least > _SMALL_SHAPE:
        return inverse, *_direct(z, x, inverse, shape)
    small = (np.abs(shape) <= _SMALL_SHAPE) & (np.abs(x) < _SMALL)
    if small.all():
        return inverse, *_series(z, x)
    nonzero = np.where(shape == 0, 1.0, shape)
    pairs = zip(_series(z, np.where(small, x, 0.0)), _direct(z, x, inverse, nonzero), strict=True)
    return inverse, *(np.where(small, near, far) for near, far in pairs)


def _direct(z: np.ndarray, x: np.ndarray, inverse: np.ndarray, shape: Any) -> tuple:
    one = 1.0 / shape
    t = np.log1p(x)
    t *= one
    v = z * inverse
    first = v - t
    first *= one
    v *= v
    v += first
    v += first
    v *= -one
    return t, first, v


def _series(z: np.ndarray, x: np.ndarray) -> tuple:
    square = z * z
    t = z * np.polynomial.polynomial.polyval(x, _SIGN / (_ORDER + 1.0))
    first = square * np.polynomial.polynomial.polyval(x, _FIRST)
    return t, first, square * z * np.polynomial.polynomial.polyval(x, _SECOND)


def shape_velocity(z: np.ndarray, scale: Any, shape: Any) -> tuple[np.ndarray, ...]:
    """Velocity of y = loc + scale z in shape at fixed t, and its derivatives at fixed y.

    With w = 1 + shape z it is -scale w dt/dshape.

    Returns
    -------
    velocity, in_loc, in_log_scale, in_shape : ndarray of shape (n,)
        The velocity, and its derivatives in loc, log scale and shape.
    """
    inverse, _, r, r2 = tail_terms(z, shape)
    w = 1.0 + shape * z
    bend = shape * r - z * inverse
    velocity = -scale * w * r
    return velocity, bend, velocity + scale * z * bend, -scale * (z * r + w * r2)


def start_shape(shape: float) -> float:
    """Shape of a start, inside its limits; zero where quantiles gave none."""
    return float(np.clip(shape, _LOWEST, _HIGHEST)) if np.isfinite(shape) else 0.0


def shape_inside(shape: float, lowest: float, highest: float) -> float:
    """The shape, moved towards zero where 1 + shape z is too near zero at an extreme z."""
    room = 1.0 - _MARGIN
    if shape * lowest < -room:
        return -room / lowest
    return -room / highest if shape * highest < -room else shape


def box_cox(value: float, shape: float) -> float:
    """(value^shape - 1) / shape, log(value) at zero."""
    log = float(np.log(value))
    return float(np.expm1(shape * log)) / shape if abs(shape) > 1e-12 else log


def refuse_irregular(shape: float, family: str) -> None:
    """Raise ValueError for a shape at which the Fisher information is infinite, or nearly so."""
    if not shape > LEAST_REGULAR:
        raise ValueError(
            f"{family}'s Fisher information is infinite from shape = -1/2 down, and of no use near "
            f"it, got shape = {shape:g} <= {LEAST_REGULAR:g}; use metric='observed' or 'empirical'"
        )


def corner(rows: Rows, at: float, scale: float, shape: float) -> str | None:
    """Why a fit near (at, scale, shape) found no maximum: the likelihood grows without limit.

    There are two such corners: shape -> -1, or held below, and scale -> 0 at a value that m of n
    rows share. In the second the log-likelihood of these m rows grows as -m log scale, and that of
    the others falls as (n - m) log scale / shape.

    Returns
    -------
    str or None
        The reason in words; None where there is none.
    """
    if shape < -1.0:
        return (
            f"with shape = {shape:.4g}, below -1, the density is infinite at the end of the "
            "support, and the likelihood grows without limit as this end comes to the largest row"
        )
    if shape < -0.9:
        return (
            f"shape = {shape:.4g} runs to -1 and the end of the support to the largest row: below "
            "-1 the likelihood grows without limit, and above there is no local maximum"
        )
    tie = nearest_to(rows, at)
    share = share_equal(rows, tie)
    low, high = rows.extent()
    if scale > 0.1 * float(high - low) or not share * shape > 1.0 - share:
        return None
    return (
        f"{100 * share:.3g} % of the rows equal {tie:g} and shape = {shape:.3g}: the likelihood "
        "grows without limit as scale -> 0 there"
    )
