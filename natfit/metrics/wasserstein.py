"""The Wasserstein metric: how far probability moves when a parameter does."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from natfit.linops import LinearOperator
from natfit.linops.row_curvature import RowCurvature
from natfit.metrics._between import affordable, half_squares
from natfit.metrics._ground import between_classes, check_ground, graph_metric
from natfit.metrics._transport import entries_of, shown, variance_of, velocities
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective


class WassersteinMetric(Metric):
    """G = E[v v'] in eta, with the velocities v = dQ / d eta of the quantiles at y.

    A step d is as long as the way that probability moves, ``d' G d = E[(v' d)^2]``, in the square
    of the unit of y, whatever the density is. In (loc, scale) of a location-scale family G is
    ``[[1, E Z], [E Z, E Z^2]]`` with Z = (y - loc) / scale: for a normal distribution it is the
    identity, so that its natural gradient is the gradient in (mu, sigma). Velocities of other
    univariate densities are ``-(dF / d eta) / p``. For a multivariate normal distribution the part
    of Sigma is tr(S Sigma S) with S from Lyapunov's equation S Sigma + Sigma S = dSigma, so that
    the natural gradient in Sigma is 2 (H Sigma + Sigma H), where H is the gradient. G of a model is
    the mean over rows of J_i' G(eta_i) J_i; a prior or a penalty adds nothing to it.

    The divergence is half the squared Wasserstein distance of order 2, mean over rows: closed for
    normal distributions and for members of a location-scale family, else by quadrature over
    quantiles (where rows differ in shape, on up to 32 of each 16,384); it is infinite where a
    variance is. A regression with a density that has no distribution function has none: radii
    then limit 1/2 d' G d.

    A unit step has the wrong unit for a likelihood. ``step="backtracking"`` therefore begins at the
    length that the information of the objective predicts.

    Parameters
    ----------
    ground : array-like of shape (n, n), optional
        For a family of n classes (categorical, ordinal, Bernoulli, binomial): the distances d_ij
        between classes, symmetric, > 0 beside the diagonal, infinite where two classes are not
        joined. With p the probabilities, the metric is ``J' L(p)^+ J`` with J = dp / d eta and the
        Laplacian L of the graph whose edges have weights ``(p_i + p_j) / (2 d_ij^2)``; the
        divergence is half the energy of the straight way from p to p', which is half of the squared
        distance to second order and never less.

    Notes
    -----
    Families of whole numbers without ``ground``, angles, densities beside atoms, and distributions
    without a variance are refused. Li and Montufar (2018), Natural gradient via optimal transport,
    Information Geometry 1, 181-214, here with the plain average of p at both ends of an edge;
    Takatsu (2011), Wasserstein geometry of Gaussian measures, Osaka Journal of Mathematics 48,
    1005-1026.
    """

    divergence_is_kl = False
    unit_step = False

    def __init__(self, ground: Any = None):
        self.ground = ground

    def prepare(self, objective: Objective) -> WassersteinMetric:
        """Return the metric itself if it is known for the family, else raise."""
        family = need_likelihood(self, objective).distribution
        if self.ground is not None:
            check_ground(self.ground, family)
        else:
            _refuse(family)
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return G at the iterate, an operator of size P; raise where y has no variance."""
        likelihood = need_likelihood(self, objective)
        family, theta = likelihood.distribution, iterate.theta
        if self.ground is not None:
            return likelihood.sandwich(theta, partial(graph_metric, family, self._distances()))
        return likelihood.sandwich(theta, partial(_metric, family))

    def divergence(
        self, objective: Objective, theta: np.ndarray, theta2: np.ndarray
    ) -> float | None:
        """Return half the squared Wasserstein distance, mean over rows, or None (see the class)."""
        likelihood = need_likelihood(self, objective)
        family = likelihood.distribution
        if self.ground is not None:
            rule = partial(between_classes, family, self._distances())
        elif affordable(likelihood, family._half_square_wasserstein):
            rule = partial(_half_squares, family)
        else:
            return None
        return likelihood.mean_between(rule, theta, theta2)

    def _distances(self) -> np.ndarray:
        return np.asarray(self.ground, dtype=np.float64)


def _refuse(family: Any) -> None:
    """Raise ValueError where the Wasserstein metric of a family is not known or not finite."""
    if family._wasserstein is not None:
        return
    name, instead = type(family).__name__, "use metric='exact'"
    if family.event_shape != ():
        why = (
            "is known for univariate densities and for MultivariateNormal, and "
            f"{name} is another family of vectors"
        )
    elif family.support is None:
        why = f"needs to know where y may lie, and {name} has no support"
        instead = "pass support=... to from_log_prob, or use metric='monte_carlo'"
    elif family.support.integer:
        why = (
            f"needs y that can move a little, and those of {name} are whole numbers: the squared "
            "distance grows like a step and not like its square"
        )
        if family.contrast is None:
            instead += " or 'crps'"
        if np.isfinite(family.support.low) and np.isfinite(family.support.top):
            instead += ", or WassersteinMetric(ground=D) with distances D between the classes"
    elif family.atoms:
        why = (
            f"needs a density, and {name} has a probability at {list(family.atoms)} besides: what "
            "moves there moves by more than a little"
        )
    elif family.circular:
        why = f"is that of the real line, and y of {name} are angles, whose ends are one"
    else:
        return
    raise ValueError(f"metric='wasserstein' {why}; {instead}")


def _metric(family: Any, eta: np.ndarray, start: int) -> tuple[Any, None]:
    """Return G of rows, as the rule of a sandwich."""
    if family._wasserstein is None:
        return entries_of(family, eta, _one, 0), None
    with np.errstate(all="ignore"):
        found: RowCurvature | np.ndarray = family._wasserstein(*family._arguments(eta))
    return found, None


def _one(family: Any, eta: np.ndarray) -> np.ndarray:
    """Return E[v v'] at one eta (K,), (K, K)."""
    variance = variance_of(family, eta)
    if not np.isfinite(variance):
        raise ValueError(
            "metric='wasserstein' needs a finite variance, and that of "
            f"{type(family).__name__} at {shown(family, eta)} is not: its quantiles move "
            "infinitely far; use metric='crps' or 'exact', or start where the tails are lighter"
        )
    _, weight, first = velocities(family, eta, variance if family.has_cdf else None)
    return (first * weight) @ first.T


def _half_squares(family: Any, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
    """Return half the squared Wasserstein distance (n,) of rows."""
    if family._half_square_wasserstein is None:
        return half_squares(family, eta, eta2)
    pair = *family._arguments(eta), *family._arguments(eta2)
    return np.asarray(family._half_square_wasserstein(*pair))
