"""Limits of families that are seen in a window: densities that no constraint of theirs knows.

In a window a density need not be integrable outside. Members of a family then tend to densities
that are no members: a normal of growing width and distance becomes an exponential density, rising
or falling, a gamma of shape -> 0 becomes exp(-y / scale) / y, the negative binomial of counts from
1 on the log-series. A likelihood that rises on the way there has no maximum inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.shift.profile import climbed
from natfit.rows import Block, Rows, mean_over, rows_as

#: Widths of near members, in widths of the window. The likelihood of a normal nears the limit's
#: with the square of the width, and its distance, the square too, costs digits; others near it
#: linearly.
_WIDE = (3e3, 1e6)

#: The same for densities of log y, whose median must stay a double: they do not come as near.
_WIDE_LOG = (3e3, 1e3, 300.0, 100.0, 50.0, 20.0, 10.0, 5.0)

#: Share by which a near member's scale is below that at which its tail is exponential.
_TAIL = 1e-7

#: Difference per row, in nats, up to which an estimate has the likelihood of a limit.
SAME = 1e-8

#: Difference per row, in nats, up to which a near member shows that the limit belongs to a family;
#: of log y.
_NEAR, _NEAR_LOG = 1e-4, 0.03


@dataclass(frozen=True)
class Limit:
    """A limit and its best member for some rows.

    Attributes
    ----------
    words : str
        The limit's name and its parameters.
    value : float
        Log-likelihood there, in nats.
    eta : ndarray of shape (K,)
        A member of the family near it.
    """

    words: str
    value: float
    eta: np.ndarray


def limits_of(window: Any, rows: Rows, eta: np.ndarray | None) -> list[Limit]:
    """Limits of a truncated family, with their best members.

    Parameters
    ----------
    window : Truncated
        The truncated family.
    rows : Rows
        Exact rows.
    eta : ndarray of shape (K,) or None
        Where a fit has ended, from which members are looked for.

    Returns
    -------
    list of Limit
    """
    inner, found = window.inner, []
    tilted = _tilted(window, rows)
    if tilted is not None:
        found.append(tilted)
    if inner._log_series and window.support.low == 1.0 and window.support.top == np.inf:
        found.append(_log_series(window, rows))
    if eta is not None:
        ends = [end for end in inner._window_ends if cuts(window, end)]
        found += [at for at in (at_end(window, rows, eta, end) for end in ends) if at is not None]
    return [at for at in found if np.isfinite(at.value)]


def cuts(window: Any, end: End) -> bool:
    """Whether the window cuts the support where a limit needs it."""
    own = window.inner.known_support
    cut = {"low": window.support.low > own.low, "high": window.support.top < own.top}
    return any(cut.values()) if end.needs == "either" else cut[end.needs]


def _sum(window: Any, rows: Rows, eta: np.ndarray) -> float:
    return float(rows.sum(block_sum, window, "sum_value_and_score", eta[None])[0])


# ------------------------------------------------------------------- one parameter at its end


def at_end(window: Any, rows: Rows, eta: np.ndarray, end: End) -> Limit | None:
    """The best member with one parameter near its end."""
    inner = window.inner
    ends = np.abs(rows.extent())
    unit = float(ends[np.isfinite(ends)].max()) ** end.power
    native = unit * (1e-10 if end.side == "lower" else 1e10)
    start, block = np.array(eta), inner.blocks[end.name]
    start[block] = inner.params[end.name].to_eta(np.array([native]))[0]
    low, high, most = inner.limits
    start = np.clip(start, low, high)
    kept = np.ones(len(eta), dtype=bool)
    kept[block] = False

    def summed(at: np.ndarray) -> tuple:
        return rows.sum(block_sum, window, "sum_terms", at[None])

    value, best = climbed(summed, start, kept, (low, high, most), rows.total)
    if best is None:
        return None
    others = {n: float(v) for n, v in inner.native_dict(best).items() if n != end.name}
    where = f"{end.name} -> {'0' if end.side == 'lower' else 'inf'}"
    return Limit(_said(window, where, end.words, others), value, best)


def _said(window: Any, where: str, words: str, values: dict[str, float]) -> str:
    numbers = ", ".join(f"{name} = {value:.7g}" for name, value in values.items())
    return (
        f"{where}: the best {type(window.inner).__name__} in {window.window_words} is the limit, "
        f"{words}{' with ' + numbers if numbers else ''}"
    )


# -------------------------------------------------------------------------- exponential tilts


def _tilted(window: Any, rows: Rows) -> Limit | None:
    """The exponential density in the window of y, or of log y for a family with a power."""
    inner = window.inner
    place = place_of(inner)
    if place is None or window.support.integer:
        return None
    log = place[2]
    low, high = window.support.low, window.support.top
    if log:
        with np.errstate(divide="ignore"):
            low, high = np.log(max(low, 0.0)), np.log(high)
    seen = rows_as(rows, _log_y) if log else rows
    mean = float(mean_over(seen))
    tilt = _tilt(mean, low, high)
    if tilt is None:
        return None
    value = rows.total * (tilt * mean - _log_mass(tilt, low, high)) - log * rows.total * mean
    return near_tilt(window, rows, Tilt(tilt, mean, low, high, value))


@dataclass(frozen=True)
class Tilt:
    """An exponential density exp(tilt u) of u = y or log y: what is known of its best member.

    Attributes
    ----------
    tilt : float
        Its slope.
    mean : float
        A value of u in the midst of the rows.
    low, high : float
        The ends of the window, the widest of all where there are several, in u.
    value : float
        Its log-likelihood, in nats.
    """

    tilt: float
    mean: float
    low: float
    high: float
    value: float


def near_tilt(window: Any, rows: Rows, at: Tilt) -> Limit | None:
    """The exponential density as a limit, with a member of the family near it, if there is one."""
    inner = window.inner
    centre, width, log = place_of(inner)  # type: ignore[misc]  # asked before
    tilt, mean, low, high, value = at.tilt, at.mean, at.low, at.high, at.value
    # The density may fall off long before the far end of the window.
    size = min(high - low, 1.0 / abs(tilt)) if tilt else high - low
    best: tuple[float, np.ndarray, float] | None = None
    spreads = (
        *(w * size for w in (_WIDE_LOG if log else _WIDE)),
        (1.0 - _TAIL) / max(abs(tilt), 1e-3 / size),
    )
    for spread, shapes in product(spreads, _shapes(inner, centre, width[0])):
        eta = _member(inner, centre, width, log, spread, tilt, mean, shapes)
        if eta is not None:
            got = _sum(window, rows, eta)
            gap = abs(got - value)
            if gap < (_NEAR_LOG if log else _NEAR) * rows.total and (best is None or gap < best[0]):
                best = gap, eta, spread
    if best is None:
        return None
    if best[2] > 3.0 * size:
        where = f"{width[0]} -> {'inf' if width[1] > 0 else '0'}"
    else:
        # Beyond its centre the density is exponential whatever its width.
        least = "0" if log else "-inf"
        where = f"{centre} -> {least if (tilt < 0) else 'inf'}"
    if abs(tilt) * size < 1e-6:
        words, values = f"the uniform distribution{' of log y' if log else ''}", {}
    elif log:
        words, values = "the power law", {"exponent": tilt - 1.0}
    else:
        words = f"the exponential density, {'falling' if tilt < 0 else 'rising'},"
        values = {"rate": abs(tilt)}
    return Limit(_said(window, where, words, values), value, best[1])


def place_of(inner: Distribution) -> tuple[str, tuple[str, float], bool] | None:
    """Names of the parameters that move and widen y, or log y if there are these two alone."""
    by_role = {role: name for name, role in inner.roles.items()}
    rest = [name for name in inner.params if inner.roles.get(name, Role.SHAPE) is Role.SHAPE]
    if not all(constraint.size == 1 for constraint in inner.params.values()):
        return None
    moves = {Role.LOCATION, Role.SCALE}
    if moves <= set(by_role) and len(rest) + 2 == len(inner.params):
        return by_role[Role.LOCATION], (by_role[Role.SCALE], 1.0), False
    if len(inner.params) != 2:
        return None
    if set(by_role) == {Role.POWER, Role.SCALE} and by_role[Role.POWER] in inner.widths:
        power = by_role[Role.POWER]
        sign = 1.0 if inner.widths[power].power > 0 else -1.0
        return by_role[Role.SCALE], (power, sign), True
    return None


def _shapes(inner: Distribution, centre: str, width: str) -> list[dict[str, Any]]:
    """Values at which further parameters are held: the midst and the ends of their ranges."""
    low, high, _ = inner.limits
    names = [name for name in inner.params if name not in (centre, width)]
    if not names:
        return [{}]
    found = []
    for eta in (np.zeros(inner.n_params), high, low):
        at = np.where(np.isfinite(eta), eta, 0.0)
        native = inner.native_dict(np.clip(at, low, high))
        found.append({name: native[name] for name in names})
    return found


def _member(
    inner: Distribution,
    centre: str,
    width: tuple[str, float],
    log: bool,
    spread: float,
    tilt: float,
    at: float,
    shapes: dict[str, Any],
) -> np.ndarray | None:
    """Eta (K,) of width ``spread`` whose log-density has the slope ``tilt`` at ``at``."""
    name, power = width
    block = inner.blocks[centre].start
    y = np.array([np.exp(at) if log else at])

    def eta(place: float) -> np.ndarray:
        values = {centre: np.exp(place) if log else place, name: spread**power}
        return inner.eta(**values, **shapes)

    def excess(place: float) -> float:
        # The score in a location is minus the slope in y.
        return -float(inner.score(y, eta(place)[None])[0, block]) - tilt

    grid = at + spread * np.concatenate([-np.logspace(7, -3, 80), [0.0], np.logspace(-3, 7, 80)])
    if log:
        grid = grid[np.abs(grid) < 690.0]
    with np.errstate(all="ignore"):
        try:
            slopes = np.array([excess(place) for place in grid])
        except ValueError:
            return None
        # A density whose tail is exponential has this slope everywhere far out.
        close = np.flatnonzero(np.abs(slopes) < 3.0 * _TAIL * abs(tilt))
        if len(close):
            return eta(grid[close[len(close) // 2]])
        change = np.flatnonzero(slopes[:-1] * slopes[1:] <= 0.0)
        if not len(change):
            return None
        left, right = grid[change[0]], grid[change[0] + 1]
        sign = np.sign(slopes[change[0]])
        for _ in range(60):
            middle = 0.5 * (left + right)
            if sign * excess(middle) > 0:
                left = middle
            else:
                right = middle
    return eta(0.5 * (left + right))


def _tilt(mean: float, low: float, high: float) -> float | None:
    """b of the density proportional to exp(b u) between two ends that has this mean."""
    if not low < mean < high or not (np.isfinite(low) or np.isfinite(high)):
        return None
    if not np.isfinite(high):
        return -1.0 / (mean - low)
    if not np.isfinite(low):
        return 1.0 / (high - mean)
    half = 0.5 * (high - low)
    m = (mean - 0.5 * (low + high)) / half
    x = m * (3.0 - m * m) / (1.0 - m * m)  # Cohen's approximation, refined by Newton's method
    for _ in range(20):
        value, slope = _langevin(x)
        step = (value - m) / slope
        x -= step
        if abs(step) < 1e-15 * max(abs(x), 1.0):
            break
    return x / half


def _langevin(x: float) -> tuple[float, float]:
    """Coth x - 1 / x and its derivative."""
    if abs(x) < 1e-2:
        return x / 3.0 - x**3 / 45.0 + 2.0 * x**5 / 945.0, 1.0 / 3.0 - x * x / 15.0
    if abs(x) > 300.0:
        return np.sign(x) - 1.0 / x, x**-2.0
    return 1.0 / np.tanh(x) - 1.0 / x, x**-2.0 - np.sinh(x) ** -2.0


def _log_mass(tilt: float, low: float, high: float) -> float:
    """Log of the integral of exp(tilt u) between the ends."""
    if not np.isfinite(high):
        return float(tilt * low - np.log(-tilt))
    if not np.isfinite(low):
        return float(tilt * high - np.log(tilt))
    x = abs(tilt) * (high - low)
    shape = np.log(-np.expm1(-x) / x) if x > 1e-8 else -0.5 * x
    return float(max(tilt * low, tilt * high) + np.log(high - low) + shape)


def _log_y(block: Block) -> np.ndarray:
    return np.log(block.y)


# ------------------------------------------------------------------------------ log-series


def _log_series(window: Any, rows: Rows) -> Limit:
    """The log-series distribution, to which zero-truncated negative binomials tend as n -> 0."""
    mean = float(mean_over(rows))
    # With odds = theta / (1 - theta) the mean is odds / log(1 + odds), which rises with the odds.
    log_odds = np.log(max(2.0 * (mean - 1.0), 1e-12))
    for _ in range(60):
        odds = np.exp(log_odds)
        log = np.log1p(odds)
        gap = np.log(odds / log) - np.log(mean)
        step = gap / max(1.0 - odds / ((1.0 + odds) * log), 1e-12)
        log_odds -= float(np.clip(step, -3.0, 3.0))
        if abs(step) < 1e-14:
            break
    odds = float(np.exp(log_odds))
    theta = odds / (1.0 + odds)
    mean_log = float(mean_over(rows_as(rows, _log_y)))
    each = -mean * np.log1p(1.0 / odds) - mean_log - np.log(np.log1p(odds))
    n = window.inner.params["n"].native_limits[0]
    eta = window.inner.eta(mean=n * odds, n=n)
    words = _said(window, "n -> 0", "the log-series distribution", {"p": theta})
    return Limit(words, rows.total * float(each), eta)


def best_limit(limits: list[Limit]) -> Limit | None:
    """The limit with the highest likelihood; None of an empty list."""
    return max(limits, key=lambda limit: limit.value, default=None)
