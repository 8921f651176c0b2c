"""Mean, variance, entropy and mode of a univariate family at given parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.counterpart import scipy_entropy, scipy_moments
from natfit.distributions.contract.cumulative import Cumulative, with_tails
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.quantiles import quantile
from natfit.distributions.contract.row_moments import moments_of_rows
from natfit.numerics.highest import highest

#: Rows from which on they are integrated together, and most of them at once.
_FEW, _TOGETHER = 8, 2048

#: Pairs of probabilities between which the fall of a tail is measured, from far out to near; the
#: quantiles of the first pair whose quantiles are below the next number are taken.
_FAR, _REACH = ((1e-300, 1e-250), (1e-120, 1e-100), (1e-60, 1e-50), (1e-30, 1e-25)), 1e300

#: Difference of a tail's logarithm from that of a probability at its quantile that is rounding.
_HELD = 1e-3

#: Rounding of the index of a tail.
_ROUNDED = 1.0 + 1e-6

#: Log-odds at which the density is looked at for its mode, and halvings of their range.
_ODDS = np.linspace(-36.0, 36.0, 2001)


def moments_of(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means (n,) and the variances (n,) of a univariate family at eta (n, K).

    They are the family's formulas, or scipy's for one row, else integrals: of many rows at once, or
    sums over the nodes of the family's expectation. Whether an integral diverges is seen from the
    tails: a tail that falls like y^-a has a mean for a > 1 and a variance for a > 2.

    Returns
    -------
    mean, variance : ndarray of shape (n,)
        In the unit of y and its square; infinite where the integral diverges to infinity.

    Raises
    ------
    ValueError
        If the mean does not exist, because the integrals of both tails diverge.
    """
    unknown = np.full(len(eta), np.nan)
    if family._moments is not None:
        found = family._moments(*family.native(eta))
    else:
        found = (scipy_moments(family, eta) if len(eta) == 1 else None) or (unknown, unknown)
    mean, var = (np.array(np.broadcast_to(part, len(eta)), dtype=np.float64) for part in found)
    left = np.flatnonzero(np.isnan(mean) | np.isnan(var))
    if len(left) > _FEW:
        for part in np.array_split(left, -(-len(left) // _TOGETHER)):
            several = moments_of_rows(family, eta[part])
            mean[part] = np.where(np.isnan(mean[part]), several[0], mean[part])
            var[part] = np.where(np.isnan(var[part]), several[1], var[part])
    for i in np.flatnonzero(np.isnan(mean) | np.isnan(var)):
        mean[i], var[i] = _integrated(family, eta[i], mean[i])
    return mean, var


def _integrated(family: Any, eta: np.ndarray, known: float) -> tuple[float, float]:
    """Return the mean and the variance at eta (K,), by the tails and the family's expectation."""
    left, right = tail_indices(family, eta)
    if left <= _ROUNDED and right <= _ROUNDED:
        raise ValueError(
            f"the mean of {type(family).__name__} does not exist at "
            f"{ {k: np.round(v, 6).tolist() for k, v in family.native_dict(eta).items()} }: both "
            "tails are too heavy; ask for median() or interval() instead"
        )
    if left <= _ROUNDED or right <= _ROUNDED:
        return (np.inf if right <= _ROUNDED else -np.inf), np.inf
    rule = _rule(family, eta)
    mean = known if np.isfinite(known) else float(rule.weight @ rule.y)
    if min(left, right) <= 2.0 * _ROUNDED:
        return mean, np.inf
    return mean, float(rule.weight @ np.square(rule.y - mean))


def _rule(family: Any, eta: np.ndarray) -> Expectation:
    """Return nodes and probabilities that resolve kinks and ends of the density at eta (K,)."""
    if family.support.integer or family.atoms:
        return family.expectation(eta)
    return Cumulative(family, eta[None]).nodes()


def tail_indices(family: Any, eta: np.ndarray) -> tuple[float, float]:
    """Return the powers a at which both tails of a family fall like y^-a, at eta (K,).

    Returns
    -------
    left, right : float
        Infinite for a tail that ends; large numbers for one that falls like an exponential.
    """
    low, high = (float(end[0]) for end in family.support_at(eta[None]))
    own = with_tails(family, eta[None])
    integer = family.support.integer
    centre = float(quantile(own, eta[None], np.array([0.5]), integer)[0])
    out = []
    for end, upper in ((low, False), (high, True)):
        if np.isfinite(end):
            out.append(np.inf)
            continue
        out.append(_index(own, eta, centre, integer, upper))
    return out[0], out[1]


def _index(own: Any, eta: np.ndarray, centre: float, integer: bool, upper: bool) -> float:
    """Return the index of one tail; 0 where it does not fall within the range of doubles."""
    for pair in _FAR:
        y = quantile(own, eta[None], np.array(pair), integer, upper)
        gap = np.abs(y - centre)
        # A formula that overflows ends before the density does.
        with np.errstate(all="ignore"):
            tail = (own.log_sf if upper else own.log_cdf)(y, eta[None])
            held = integer or bool(np.all(np.abs(tail - np.log(pair)) < _HELD))
        if gap[0] < _REACH and gap[1] > 0.0 and held:
            with np.errstate(divide="ignore"):
                return float(np.log(pair[1] / pair[0]) / np.log(gap[0] / gap[1]))
    return 0.0


def entropy_of(family: Any, eta: np.ndarray) -> float:
    """Return E[-log p] at eta (K,), nats, by the family's formula or its expectation.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If some value has a probability of its own besides a density.
    """
    if family.has_entropy:
        return float(family.entropy(eta[None])[0])
    if family.atoms and not family.support.integer:
        raise ValueError(
            f"the entropy of {type(family).__name__} does not exist: it has a density and values "
            f"of a probability of their own, {family.atoms}"
        )
    try:
        rule = _rule(family, eta)
    except ValueError:
        # Mass may lie nearer to an end of the support than doubles do.
        known = scipy_entropy(family, eta[None])
        if known is None:
            raise
        return known
    with np.errstate(all="ignore"):
        return -float(rule.weight @ family.log_prob(rule.y, eta[None]))


def mode_of(family: Any, eta: np.ndarray) -> float:
    """Return the most probable y at eta (K,): the family's formula, or the highest point.

    Returns
    -------
    float
        The lowest of several. An end of the support where the density is largest there.
    """
    atoms = [a for a in family.atoms if np.isfinite(a)]
    if atoms and not family.support.integer:
        # A value that has a probability is more probable than any other.
        return max(atoms, key=lambda a: float(family.log_density(np.array([a]), eta[None])[0]))
    if family.has_mode:
        return float(np.ravel(family.mode(eta[None]))[0])
    if family.support.integer:
        return _mode_of_numbers(family, eta)
    own = with_tails(family, eta[None])
    y = np.unique(quantile(own, eta[None], 1.0 / (1.0 + np.exp(-_ODDS)), False))
    ends = np.array([float(e[0]) for e in family.support_at(eta[None])])
    y = np.unique(np.append(y[np.isfinite(y)], ends[np.isfinite(ends)]))

    def height(at: Any) -> Any:
        with np.errstate(all="ignore"):
            log = family.log_density(np.atleast_1d(at), eta[None])
        return np.where(np.isnan(log), -np.inf, log)

    best = int(np.argmax(height(y)))
    if best in (0, len(y) - 1):
        return float(y[best])
    return highest(lambda at: float(height(at)[0]), float(y[best - 1]), float(y[best + 1]))


def _mode_of_numbers(family: Any, eta: np.ndarray) -> float:
    """Return the most probable whole number at eta (K,): among quantiles, then between them."""
    own = with_tails(family, eta[None])
    y = np.unique(quantile(own, eta[None], 1.0 / (1.0 + np.exp(-_ODDS)), True))
    while True:
        # A long tail may leave the doubles that are whole numbers.
        y = y[np.isfinite(y)]
        best = int(np.argmax(family.log_density(y, eta[None])))
        low, high = y[max(best - 1, 0)], y[min(best + 1, len(y) - 1)]
        if high - low < len(_ODDS):
            y = np.arange(low, high + 1.0)
            return float(y[np.argmax(family.log_density(y, eta[None]))])
        y = np.unique(np.round(np.linspace(low, high, len(_ODDS))))
