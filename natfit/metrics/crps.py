"""The metric of the CRPS: how much a distribution function changes when a parameter does."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from natfit.distributions.contract.quantiles import quantile
from natfit.linops import LinearOperator
from natfit.linops.row_curvature import RowCurvature
from natfit.metrics._between import affordable, squared_gaps
from natfit.metrics._transport import entries_of, velocities
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective

#: Probability beyond the whole numbers that are summed, and most of them.
_NONE, _MOST = 1e-15, 2**20


class CRPSMetric(Metric):
    """G = 2 integral (dF / d eta) (dF / d eta)' dy, in the unit of y.

    It is the Hessian of the expected continuous ranked probability score at the truth, as the
    Fisher information is that of the logarithmic score: of a normal distribution
    ``diag(1, 1/2) / (sqrt(pi) sigma)`` in (mu, sigma). Unlike the Wasserstein metric it exists for
    whole numbers (the sum over y) and without a variance. Of a multivariate normal distribution
    with independent columns it is the sum over columns. G of a model is the mean over rows of
    J_i' G(eta_i) J_i; a prior or a penalty adds nothing to it.

    The divergence is the integral of (F - F')^2, mean over rows, half of the energy distance
    (Szekely and Rizzo, 2013): closed for normal distributions, else by quadrature, on up to 32 of
    each 16,384 rows. A regression with a density that has no distribution function has none: radii
    then limit 1/2 d' G d.

    A unit step has the wrong unit for a likelihood. ``step="backtracking"`` therefore begins at the
    length that the information of the objective predicts.

    Notes
    -----
    Duan et al. (2020), NGBoost: natural gradient boosting for probabilistic prediction. Vectors of
    other families, classes without an order, angles, and densities beside atoms are refused.
    """

    divergence_is_kl = False
    unit_step = False

    def prepare(self, objective: Objective) -> CRPSMetric:
        """Return the metric itself if it is known for the family, else raise."""
        _refuse(need_likelihood(self, objective).distribution)
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return G at the iterate, an operator of size P."""
        likelihood = need_likelihood(self, objective)
        return likelihood.sandwich(iterate.theta, partial(_metric, likelihood.distribution))

    def divergence(
        self, objective: Objective, theta: np.ndarray, theta2: np.ndarray
    ) -> float | None:
        """Return the integral of (F - F')^2, mean over rows, or None (see the class)."""
        likelihood = need_likelihood(self, objective)
        if not affordable(likelihood, likelihood.distribution._energy_distance):
            return None
        rule = partial(_squared_gaps, likelihood.distribution)
        return likelihood.mean_between(rule, theta, theta2)


def _refuse(family: Any) -> None:
    """Raise ValueError where the metric of a family is not known."""
    if family._energy is not None:
        return
    name, instead = type(family).__name__, "use metric='exact'"
    if family.event_shape != ():
        why = (
            "is known for univariate families and for MultivariateNormal(covariance='diag'), and "
            f"{family!r} is another family of vectors"
        )
    elif family.support is None:
        why = f"needs to know where y may lie, and {name} has no support"
        instead = "pass support=... to from_log_prob, or use metric='monte_carlo'"
    elif family.contrast is not None:
        why = f"needs values in an order, and {name} has classes without one"
        instead += ", or WassersteinMetric(ground=D) with distances D between the classes"
    elif family.atoms:
        why = f"needs a density, and {name} has a probability at {list(family.atoms)} besides"
    elif family.circular:
        why = f"is that of the real line, and y of {name} are angles, whose ends are one"
    else:
        return
    raise ValueError(f"metric='crps' {why}; {instead}")


def _metric(family: Any, eta: np.ndarray, start: int) -> tuple[Any, None]:
    """Return G of rows, as the rule of a sandwich."""
    if family._energy is None:
        one = _of_numbers if family.known_support.integer else _of_density
        return entries_of(family, eta, one, -1), None
    with np.errstate(all="ignore"):
        found: RowCurvature | np.ndarray = family._energy(*family._arguments(eta))
    return found, None


def _of_density(family: Any, eta: np.ndarray) -> np.ndarray:
    """Return 2 E[p v v'] at one eta (K,), (K, K)."""
    y, weight, first = velocities(family, eta)
    with np.errstate(all="ignore"):
        weight = 2.0 * weight * np.exp(family.log_prob(y, eta[None]))
        weight = np.where(np.isfinite(weight), weight, 0.0)
    return (first * weight) @ first.T


def _of_numbers(family: Any, eta: np.ndarray) -> np.ndarray:
    """Return 2 sum dF dF' over whole numbers at one eta (K,), (K, K)."""
    low, high = (
        float(quantile(family, eta[None], np.array([_NONE]), True, upper)[0])
        for upper in (False, True)
    )
    low = max(low, float(family.support_at(eta[None])[0][0]))
    if not high - low < _MOST:
        raise ValueError(
            f"metric='crps' sums over the whole numbers that {type(family).__name__} may give, and "
            f"there are {high - low:.3g} of them; use metric='exact'"
        )
    y = np.arange(low, high + 1.0)
    with np.errstate(all="ignore"):
        log, score = family.log_prob_and_score(y, eta[None])
        part = np.exp(np.asarray(log))[:, None] * score
    slope = np.cumsum(np.where(np.isfinite(part), part, 0.0), axis=0)
    return 2.0 * slope.T @ slope


def _squared_gaps(family: Any, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
    """Return the integral of (F - F')^2 (n,) of rows."""
    if family._energy_distance is None:
        return squared_gaps(family, eta, eta2)
    pair = *family._arguments(eta), *family._arguments(eta2)
    return np.asarray(family._energy_distance(*pair))
