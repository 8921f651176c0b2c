"""Expectations under a distribution, by a quadrature that is independent of the package's own.

The trapezoidal rule after the substitution y = sinh(t) (exp(t) on the half-line, logistic on the
unit interval) converges exponentially for smooth densities. Whole numbers are enumerated. In
several dimensions the rule is a product of rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.distributions.contract.support import Support
from natfit.distributions.vectors._compositions import CountVectors, Simplex
from natfit.testing._core import NotApplicable

#: Nodes whose weight is less than this share of the probability are left out.
_NEGLIGIBLE = 1e-18

#: Half-width and spacing of t by the number of dimensions; sinh(40) = 1e17 covers tails of y^-1.6.
_GRIDS = {1: (40.0, 0.01), 2: (20.0, 0.1), 3: (4.5, 0.14)}


@dataclass(frozen=True)
class Rule:
    """Nodes y (M, ...) and probabilities (M,) of a distribution at one eta."""

    y: np.ndarray
    weight: np.ndarray

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values (M, ...): their weighted sum over the total probability."""
        return np.tensordot(self.weight, values, 1) / self.weight.sum()


def density(family: Any, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return p(y | eta), (M,), for eta (K,); zero where the log-density is not finite."""
    with np.errstate(all="ignore"):
        p = np.exp(np.asarray(family.log_prob(y, eta[None]), dtype=float))
    return np.where(np.isfinite(p), p, 0.0)


def rule(family: Any, eta: np.ndarray) -> Rule:
    """Return nodes and probabilities at eta (K,), not normalised, since checks test their sum.

    Returns
    -------
    Rule
        The nodes y and their probabilities.

    Raises
    ------
    NotApplicable
        If the support is not declared, or there are more than three dimensions.
    """
    if isinstance(family.support, Simplex):
        y, slope = _simplex(family)
    elif isinstance(family, CountVectors):
        y, slope = _counts(family)
    elif family.event_shape != () and family.support is not None and family.support.integer:
        y = _lattice(family)
        slope = np.ones(len(y))
    elif family.event_shape != ():
        y, slope = _product(family)
    elif family.support is None:
        raise NotApplicable("no support is declared to integrate over")
    elif family.support.integer:
        y, slope = _whole_numbers(family.support)
    elif family.row_ends:
        low, high = family.support_at(eta[None])
        y, slope = _line(Support(float(low[0]), float(high[0])))
    else:
        y, slope = _line(family.support)
        kinks = family.kinks(eta)
        if len(kinks):
            # With a node at the kink and little weight near it, the rule converges as for smooth
            # densities.
            y, slope = kinks[0] + y**3, 3.0 * y**2 * slope
    with np.errstate(over="ignore"):
        weight = density(family, y, eta) * slope
    weight = np.where(np.isfinite(weight), weight, 0.0)
    if family.atoms:
        y = np.append(y, family.atoms)
        weight = np.append(weight, density(family, np.array(family.atoms), eta))
    keep = weight > _NEGLIGIBLE
    return Rule(y[keep], weight[keep])


def _whole_numbers(support: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return whole numbers, and beyond 4,000 of them a midpoint rule for tails such as y^-1.5."""
    low = support.low if np.isfinite(support.low) else -2000.0
    y = np.arange(low, min(support.high, low + 4000.0) + 1.0)
    if np.isfinite(support.high) or not np.isfinite(support.low):
        return y, np.ones(len(y))
    nodes, weights = np.polynomial.legendre.leggauss(16)
    # Panels of length two in the logarithm, up to 1e53 numbers away.
    t = (nodes + 1.0 + 2.0 * np.arange(60.0)[:, None]).ravel()
    far = (y[-1] + 0.5 - low) * np.exp(t)
    return np.append(y, low + far), np.append(np.ones(len(y)), far * np.tile(weights, 60))


def _lattice(family: Any) -> np.ndarray:
    """Return all rows (M, D) of whole numbers from zero to the ends of a bounded support."""
    ends = np.broadcast_to(family.support.high, family.event_shape).astype(int)
    axes = np.meshgrid(*[np.arange(end + 1.0) for end in ends], indexing="ij")
    return np.stack([a.ravel() for a in axes], axis=1)


def _counts(family: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return all rows (M, D) of counts of each total, and the share of each total."""
    totals = np.atleast_1d(family.totals)
    found = []
    for total in totals:
        axes = np.meshgrid(*[np.arange(total + 1.0)] * (family.dim - 1), indexing="ij")
        first = np.stack([a.ravel() for a in axes], axis=1)
        last = total - first.sum(axis=1, keepdims=True)
        found.append(np.concatenate([first, last], axis=1)[last[:, 0] >= 0])
    y = np.concatenate(found)
    return y, np.full(len(y), 1.0 / len(totals))


def _simplex(family: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of two or three parts, by breaking a stick at logistic points."""
    step = {2: 0.05, 3: 0.25}.get(family.dim)
    if step is None:
        raise NotApplicable(f"no quadrature of {family.dim} shares")
    t = np.arange(-150.0, 150.0, step)
    left, right = 1.0 / (1.0 + np.exp(-t)), 1.0 / (1.0 + np.exp(t))
    slope = step * left * right
    if family.dim == 2:
        return np.stack([left, right], axis=1), slope
    a, b = (i.ravel() for i in np.meshgrid(np.arange(len(t)), np.arange(len(t)), indexing="ij"))
    y = np.stack([left[a], right[a] * left[b], right[a] * right[b]], axis=1)
    return y, slope[a] * right[a] * slope[b]


def _line(support: Any, most: float = 40.0, step: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes on an interval, and their share of its length."""
    t = np.arange(-most, most + step / 2, step)
    if np.isfinite(support.low) and np.isfinite(support.high):
        span, e = support.high - support.low, np.exp(-np.abs(t))
        unit = np.where(t > 0, 1.0, e) / (1.0 + e)
        return support.low + span * unit, step * span * e / (1.0 + e) ** 2
    if np.isfinite(support.low):
        # Nodes reach down to exp(-120): densities such as y^-0.7 have mass near the end.
        t = np.arange(-3.0 * most, most, step)
        return support.low + np.exp(t), step * np.exp(t)
    return np.sinh(t), step * np.cosh(t)


def _product(family: Any) -> tuple[np.ndarray, np.ndarray]:
    dim = family.event_shape[0]
    if dim not in _GRIDS:
        raise NotApplicable(f"no quadrature in {dim} dimensions")
    y, slope = _line(family.support or Support(), *_GRIDS[dim])
    axes = np.meshgrid(*[y] * dim, indexing="ij")
    slopes = np.meshgrid(*[slope] * dim, indexing="ij")
    return np.stack([a.ravel() for a in axes], axis=1), np.prod([s.ravel() for s in slopes], axis=0)
