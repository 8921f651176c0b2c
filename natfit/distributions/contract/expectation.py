"""Expectations under a univariate density, by double-exponential quadrature or enumeration.

Where the probability lies is found from the density itself, on a grid around the location and the
scale that the roles of the parameters declare. Whether the rule is accurate is seen from the total
probability, which must be one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import Support
from natfit.numerics.counting import Stretch, reach_of_one
from natfit.numerics.quadrature import on_half_line, on_interval, on_line

#: Accepted error of the total probability. For smooth densities it is below 1e-10; a kink, such
#: as the Laplace distribution's, costs digits, but a metric does not need these.
ACCURACY = 1e-5

#: The tail of a discrete family is cut off where its last terms have less probability than this.
TAIL = 1e-15

#: How many whole numbers are enumerated, in turn, until they carry the probability.
_SIZES = (2**8, 2**10, 2**12, 2**14, 2**16, 2**18, 2**20, 2**22, 2**24)

#: Further ones, among which a few are asked where the probability is.
_LARGE = (2**26, 2**28, 2**30, 2**32, 2**34)

#: Log-probability of a tail that is left out, and log(1/2).
_NEGLIGIBLE, _HALF = -42.0, -0.6931471805599453

#: Panels of the rule for numbers that are spread over many, in turn, and its accepted error.
_PANELS, _EXACT = (16, 32, 64), 1e-9

#: Whole numbers that are enumerated without asking where the mass is.
_DENSE = 2**14

#: Probability that is nothing even as often as there are numbers, and the error of the total
#: probability that is taken for rounding.
_NONE, _COMPLETE = 1e-25, 1e-6


class Unnormalised(ValueError):
    """The probabilities of a family do not add to one, but to ``total``."""

    def __init__(self, message: str, total: float = np.nan):
        super().__init__(message)
        self.total = float(total)


@dataclass(frozen=True)
class Expectation:
    """Nodes y (M,) and probabilities weight (M,) of one distribution.

    ``sum(weight * h(y))`` is E[h(y)].
    """

    y: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, family: Any, eta: np.ndarray) -> Expectation:
        """Build the rule for a univariate family at eta (K,).

        Returns
        -------
        Expectation
            Nodes y and their probabilities.

        Raises
        ------
        Unnormalised
            If the rule's total probability is off by more than 1e-5.
        """
        if family.support.integer:
            rule = _smooth(family, eta) or _enumerate(family, eta)
        else:
            rule = _with_atoms(family, eta, _integrate(family, eta))
        total = rule.weight.sum()
        if not abs(total - 1.0) < ACCURACY:
            values = {k: np.round(v, 6).tolist() for k, v in family.native_dict(eta).items()}
            raise Unnormalised(
                f"the density of {type(family).__name__} at {values} sums to "
                f"{total:.10g} instead of 1: it is not normalised, or its mass is too concentrated "
                "or too far out to be found; check "
                "log_prob and support, or use metric='monte_carlo' or 'empirical'",
                total,
            )
        keep = rule.weight > 0
        return cls(rule.y[keep], rule.weight[keep] / total)


def _with_atoms(family: Any, eta: np.ndarray, rule: Expectation) -> Expectation:
    """The rule of a density, and the values that have a probability of their own."""
    if not family.atoms:
        return rule
    atoms = np.array(family.atoms)
    weight = np.exp(family.log_prob(atoms, eta[None]))
    return Expectation(np.append(rule.y, atoms), np.append(rule.weight, weight))


def _density(family: Any, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        p = np.exp(family.log_prob(y, eta[None]))
    return np.where(np.isfinite(p), p, 0.0)


def _smooth(family: Any, eta: np.ndarray) -> Expectation | None:
    """Rule of a family of whole numbers that is spread over many; None where it is not."""
    low, high = family.support.low, family.support.top
    if not family.has_cdf or high - low < _DENSE:
        return None
    stretch = stretch_of(family, eta, low, high, 0.0)
    if np.isfinite(low) and stretch.high[0] - low < _DENSE:
        return None
    return smooth_rule(family, eta, stretch)


def stretch_of(family: Any, eta: np.ndarray, low: float, high: float, log_mass: float) -> Stretch:
    """The whole numbers from low to high that have probability.

    Parameters
    ----------
    family : Distribution
        Univariate, with a distribution function.
    eta : ndarray of shape (K,)
        Its parameters.
    low, high : float
        The ends of a window, inside its support; may be infinite.
    log_mass : float
        The window's log-probability, nats.

    Returns
    -------
    Stretch
        Of one row.
    """
    top, bottom = partial(family.log_sf, eta=eta[None]), partial(family.log_cdf, eta=eta[None])
    first = low if np.isfinite(low) else min(high, 0.0)
    end = reach_of_one(lambda y: top(y) < log_mass + _NEGLIGIBLE, first, 1, high)
    half = np.logaddexp(top(np.array([high]))[0], log_mass + _HALF)
    centre = reach_of_one(lambda y: top(y) < half, first, 1, high)
    if not np.isfinite(low) and centre[0] <= first + 64.0:
        half = log_mass + _HALF
        centre = reach_of_one(lambda y: bottom(y) < half, first, -1, low)
    begin = reach_of_one(lambda y: bottom(y) < log_mass + _NEGLIGIBLE, centre[0], -1, low)
    return Stretch(begin, np.maximum(end, centre), centre, begin == low, end == high)


def smooth_rule(family: Any, eta: np.ndarray, stretch: Stretch) -> Expectation | None:
    """Nodes and probabilities of a family of whole numbers, at eta (K,).

    Returns
    -------
    Expectation or None
        None where the total probability is not one: a family may know no number but whole ones.
    """
    for panels in _PANELS:
        y, weight = (part[0] for part in stretch.nodes(panels))
        weight = weight * _density(family, y, eta)
        if abs(weight.sum() - 1.0) < _EXACT:
            return Expectation(y, weight)
    return None


def _enumerate(family: Any, eta: np.ndarray) -> Expectation:
    """Whole numbers of the support, up to where the tail is negligible."""
    low, high = family.support.low, family.support.high
    start = 0.0 if not np.isfinite(low) else low
    ends = np.isfinite(high)
    whole = int(high - start) + 1 if ends else 0
    # The tail has been reached when the mass is complete and the last terms vanish.
    y = p = np.empty(0)
    for size in (whole,) if ends else (*_SIZES, *_LARGE):
        found = _likely(family, start, size, eta)
        if len(found) > _SIZES[-1]:
            break  # The tail is too long.
        y = start + found
        p = _density(family, y, eta)
        if abs(p.sum() - 1.0) < _COMPLETE and (ends or _last(y, p, start + size) < TAIL):
            return Expectation(y, p)
    if abs(p.sum() - 1.0) < 1e-3:
        return Expectation(y, p)  # All of it was found: the rest is rounding, or a long tail.
    # A density whose total is not one is complete where most of it is. Where nothing was found,
    # it is far out, and only a spike among the first million numbers could have been missed.
    most = _SIZES[-1] if p.sum() > 1e-3 else _SIZES[-3]
    for size in (min(whole, most),) if ends else [n for n in _SIZES if n <= most]:
        y = start + _all(size)
        p = _density(family, y, eta)
        if p.sum() > 0.5 and _last(y, p, start + size) < TAIL:
            break
    return Expectation(y, p)


def _last(y: np.ndarray, p: np.ndarray, end: float) -> float:
    """Probability of the last eight numbers before an end."""
    return float(p[y >= end - 8.0].sum())


def _all(size: int) -> np.ndarray:
    """The first ``size`` whole numbers."""
    return np.arange(size, dtype=np.float64)


def _likely(family: Any, start: float, size: int, eta: np.ndarray) -> np.ndarray:
    """Of the first ``size`` whole numbers those near which there is probability, (m,)."""
    # A large mean has few numbers about it that are likely. They are found from one number in
    # every stretch; a mass between these shows in the total probability, which is then not one.
    if size <= _DENSE:
        return _all(size)
    stretch = size // _DENSE
    ends = np.arange(0.0, size + stretch, stretch)
    some = _density(family, start + ends, eta) * size > _NONE
    # The stretches on both sides of a likely number, the first ones, and those at the end.
    some[[0, -1]] = True
    some[1:] |= some[:-1].copy()
    some[:-2] |= some[1:-1].copy()
    # More than this is too many in any case.
    first = ends[:-1][some[:-1]][: _SIZES[-1] // stretch + 1]
    found = (first[:, None] + np.arange(stretch)).ravel()
    return found[found < size]


def _nodes(
    support: Any, centre: float, width: float, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Nodes y(t) and derivatives dy/dt of the rule that suits a support."""
    if np.isfinite(support.low) and np.isfinite(support.high):
        return on_interval(support.low, support.high, t)
    if np.isfinite(support.low):
        return on_half_line(support.low, centre, width, t)
    return on_line(centre, width, t)


def _integrate(family: Any, eta: np.ndarray) -> Expectation:
    """Quadrature: locate the probability, then refine until the total is one."""
    support = _interval(family, eta)
    centre, width = _locate(family, eta)
    previous: Expectation | None = None
    # The first span reaches y = 1e22 widths, the second 1e152: tails such as |y|^-1.1 need it.
    spans = [(4.2, nodes) for nodes in (161, 321, 641, 1281, 2561)] + [(6.1, 2561), (6.1, 5121)]
    for span, nodes in spans:
        t = np.linspace(-span, span, nodes)
        y, slope = _nodes(support, centre, width, t)
        p = _density(family, y, eta)
        with np.errstate(all="ignore"):
            weight = np.where(p > 0, p * slope * (t[1] - t[0]), 0.0)
        weight = np.where(np.isfinite(weight), weight, 0.0)
        error = abs(weight.sum() - 1.0)
        rule = Expectation(y, weight)
        # The second of two successive rules is far more accurate than their difference.
        if previous is not None and error < 1e-10:
            break
        previous = rule
    return rule


def _interval(family: Any, eta: np.ndarray) -> Any:
    """Where y lies at eta (K,): the support, or what its moving ends leave of it."""
    if not family.row_ends:
        return family.support
    low, high = family.support_at(eta[None])
    return Support(float(low[0]), float(high[0]))


def _locate(family: Any, eta: np.ndarray) -> tuple[float, float]:
    """Centre and width of the probability, found on a grid about the location and the scale."""
    support = _interval(family, eta)
    if np.isfinite(support.low) and np.isfinite(support.high):
        return 0.0, 1.0
    loc, scale = (float(part[0]) for part in units(family, eta[None]))
    half = np.linspace(-30, 30, 1201)
    if np.isfinite(support.low):
        # Mass in log distance u from the end: p(e^u) e^u.
        u = np.log(scale) + 2.0 * half
        mass = _density(family, support.low + np.exp(u), eta) * np.exp(u)
        if not mass.sum() > 0:
            return np.log(scale), 1.0
        mass /= mass.sum()
        mean = float(mass @ u)
        return mean, float(np.clip(np.sqrt(mass @ (u - mean) ** 2), 0.05, 20.0))
    # Sinh-spaced grid around the location: from 1e-6 to 1e11 scales away.
    grid = loc + scale * np.sinh(half)
    density = _density(family, grid, eta)
    mass = density * scale * np.cosh(half)
    if not mass.sum() > 0:
        return loc, scale
    top = np.argmax(density)
    peak = float(grid[top])
    mass /= mass.sum()
    order = np.cumsum(mass)
    low, high = np.interp([0.16, 0.84], order, grid)
    # Heavy tails spread the quantiles over many decades; the nodes must resolve the peak.
    narrow = 0.4 / max(float(density[top]), 1e-300)
    return peak, max(min(0.5 * float(high - low), narrow), 1e-300)


def located(family: Any, eta: np.ndarray) -> tuple[float, float]:
    """Return a centre and a width of the probability at eta (K,), in the unit of y.

    Returns
    -------
    centre, width : float
        On a half-line the width is the distance from the end at which most of the mass lies.
    """
    support = _interval(family, eta)
    centre, width = _locate(family, eta)
    if np.isfinite(support.low) and not np.isfinite(support.high):
        return 0.0, float(np.exp(centre))
    if np.isfinite(support.high) and not np.isfinite(support.low):
        return centre, max(support.high - centre, width)
    return centre, width


def units(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Location and scale at eta (n, K), by the parameters' roles; 0 and 1 where no role says.

    If there are several locations, as in a mixture, none of them is that of the whole.

    Returns
    -------
    location, scale : ndarray of shape (n,)
        In the unit of y.
    """
    values = dict(zip(family.params, family.native(eta), strict=True))
    numbers = {name: np.asarray(v, dtype=float) for name, v in values.items() if np.ndim(v) == 1}
    centres = [v for n, v in numbers.items() if family.roles.get(n) in (Role.LOCATION, Role.MEAN)]
    scales = [v for n, v in numbers.items() if family.roles.get(n) is Role.SCALE]
    scales += [1.0 / v for n, v in numbers.items() if family.roles.get(n) is Role.RATE]
    loc = centres[0] if len(centres) == 1 else np.zeros(len(eta))
    return loc, scales[0] if len(scales) == 1 else np.ones(len(eta))
