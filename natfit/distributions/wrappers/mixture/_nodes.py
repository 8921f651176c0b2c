"""Expectations under a univariate mixture."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.expectation import ACCURACY, Expectation
from natfit.distributions.contract.start import location_scale

#: Gauss-Legendre points of each panel between neighbouring nodes.
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(3)

#: Number of draws that locate a component whose own rule fails, and nodes around them in units of
#: their spread: a tenth apart at the centre, and up to 1500 away.
_DRAWS, _AROUND = 400, np.sinh(np.linspace(-8.0, 8.0, 161))


def nodes(family: Any, eta: np.ndarray) -> Expectation:
    """Nodes and probabilities of a mixture at eta (K,).

    The nodes of a wide component may miss a narrow one between them. Here the nodes of all
    components together cut the line into panels: short ones where a narrow component lies, long
    ones elsewhere. Each panel gets three Gauss-Legendre points.

    Returns
    -------
    Expectation
        Nodes y and their probabilities.

    Raises
    ------
    ValueError
        If a component's rule fails, or the total probability is off by more than 1e-5.
    """
    each = [_own(part, eta[cut]) for part, cut in zip(family.parts, family.cuts, strict=True)]
    y = np.unique(np.concatenate(each))
    size = np.ones(len(y))
    if not family.support.integer:
        half = 0.5 * np.diff(y)
        y = ((y[1:] - half)[:, None] + half[:, None] * _POINTS).ravel()
        size = (half[:, None] * _WEIGHTS).ravel()
    with np.errstate(all="ignore"):
        weight = np.exp(family.log_prob(y, eta[None])) * size
    keep = np.isfinite(weight) & (weight > 0)
    total = weight[keep].sum()
    if not abs(total - 1.0) < ACCURACY:
        raise ValueError(
            f"the density of {type(family).__name__} at {eta} sums to {total:.10g} instead of 1: "
            "too concentrated for quadrature; use metric='monte_carlo' or 'observed'"
        )
    return Expectation(y[keep], weight[keep] / total)


def _own(part: Any, eta: np.ndarray) -> np.ndarray:
    """Nodes (M,) of one component at its eta."""
    try:
        return part.expectation(eta).y
    except ValueError:
        # A positive family with a coefficient of variation of 1e-3 may lie between the points of
        # the grid on which its probability is located.
        if not part.can_sample or part.support.integer:
            raise
    draws = part.sample(eta[None], np.random.default_rng(0), _DRAWS)
    centre, spread = location_scale(draws, None)
    y = centre + spread * _AROUND
    return y[part.support.contains(y)]
