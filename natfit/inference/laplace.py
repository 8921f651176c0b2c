"""Laplace's approximation: a Gaussian posterior in unconstrained coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_number
from natfit.distributions.base import Distribution
from natfit.inference.estimate import Estimate
from natfit.inference.pareto_smoothing import FEWEST, Smoothed, smoothed
from natfit.inference.rowwise import (
    Rowwise,
    coordinate_names,
    known_objective,
    refuse_ends,
    refuse_kinks,
)
from natfit.objectives import Likelihood, Prior
from natfit.objectives._formula import Formula, weighted
from natfit.rng import bridge_rng
from natfit.rows import Block

#: Steps of Newton's method, halvings of a step, and the squared distance to the mode in standard
#: errors at which it ends: the log-density is then within rounding of its maximum.
_STEPS, _HALVINGS, _NEAR = 100, 40, 1e-20

#: Smallest eigenvalue of the scaled negative Hessian at a mode.
_FLAT = 1e-10

#: Step of differences of a prior, as a share of its spread, of the distance to its ends, and in
#: the unit of a logarithm. With the weights below the errors of the second derivative, by the
#: series and by rounding, are both near 1e-13 of it.
_STEP, _LONGEST = 0.02, 0.05

#: Weights of eighth-order central differences at 1, ..., 4 steps, and of the middle.
_FIRST = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
_SECOND = np.array([8 / 5, -1 / 5, 8 / 315, -1 / 560])
_MIDDLE = -205 / 72

#: Draws at once of which most may lie outside the limits of a family.
_TRIES = 1_000


@dataclass(frozen=True, eq=False, repr=False)
class Posterior:
    """The log-posterior density of the free unconstrained coordinates, up to a constant.

    ``log p(eta | y) = sum_i w_i log p(y_i | eta) + sum_j [log prior_j(native_j) + log |d native_j /
    d eta_j|]``. A prior is a density of a native parameter, and its Jacobian makes it one of eta.
    Parameters without a prior have a flat one in eta.

    Attributes
    ----------
    likelihood : Likelihood
        With a constant model in unconstrained coordinates, without a prior.
    prior : dict
        A :class:`natfit.objectives.Prior` for each parameter name.
    start : ndarray of shape (K,)
        Where the search for the mode begins; what is not free stays there.
    free : ndarray of int
        Coordinates that are estimated.
    """

    likelihood: Likelihood
    prior: dict[str, Prior]
    start: np.ndarray
    free: np.ndarray

    @property
    def proper(self) -> bool:
        """Whether each free parameter has a prior, so that the evidence is defined."""
        family = self.likelihood.distribution
        having = [np.arange(family.n_params)[family.blocks[name]] for name in self.prior]
        return set(self.free) <= set(np.concatenate([*having, np.empty(0, int)]).tolist())

    def value(self, eta: np.ndarray) -> float:
        """Return the log-density at eta (K,), nats; -inf outside."""
        return float(self.values(eta[None])[0])

    def values(self, eta: np.ndarray) -> np.ndarray:
        """Return the log-density at each eta (S, K), nats; -inf outside the limits."""
        out = np.full(len(eta), -np.inf)
        within = inside(self.likelihood.distribution, eta)
        points = eta[within]
        if not len(points):
            return out
        with np.errstate(all="ignore"):
            if self.likelihood.summary is not None:
                total = self.likelihood.total
                found = np.array([-total * self.likelihood.value(point) for point in points])
            else:
                formula = self.likelihood._formula
                found = self.likelihood.rows.sum(_values_part, formula, points)
            found = found + sum(self._log_prior(name, points) for name in self.prior)
        out[within] = np.where(np.isnan(found), -np.inf, found)
        return out

    def terms(self, eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return value, gradient and negative Hessian in the free coordinates at eta (K,)."""
        with np.errstate(all="ignore"):
            value, grad = self.likelihood.value_and_grad(eta)
            hessian = self.likelihood.observed(eta[None]) * self.likelihood.total
        value, grad = -value * self.likelihood.total, -grad * self.likelihood.total
        curve = np.zeros(len(eta))
        for name in self.prior:
            log, first, second = self._differences(name, eta)
            own = self.likelihood.distribution.blocks[name]
            value, grad[own], curve[own] = value + log, grad[own] + first, curve[own] - second
        at = np.ix_(self.free, self.free)
        return value, grad[self.free], hessian[at] + np.diag(curve[self.free])

    def _each(self, name: str, own: np.ndarray) -> np.ndarray:
        """Return the log prior density of each eta (...) of a parameter's coordinates."""
        constraint = self.likelihood.distribution.params[name]
        flat = np.reshape(own, (-1, max(constraint.size, 1)))
        native = np.reshape(constraint.to_native(flat), flat.shape)
        log = np.reshape(self.prior[name]._log(native.ravel()), flat.shape)
        return np.reshape(log + np.log(np.abs(constraint.first(flat))), np.shape(own))

    def _log_prior(self, name: str, eta: np.ndarray) -> np.ndarray:
        return self._each(name, eta[:, self.likelihood.distribution.blocks[name]]).sum(axis=1)

    def _differences(self, name: str, eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the log prior of a parameter, and its two derivatives in its coordinates."""
        family, prior = self.likelihood.distribution, self.prior[name]
        constraint, own = family.params[name], eta[family.blocks[name]]
        native = np.reshape(constraint.to_native(own[None])[0], -1)
        low, high = prior._ends
        room = np.minimum(prior._spread, np.minimum(native - low, high - native))
        h = _STEP * room / np.abs(constraint.first(own))
        natural = np.isfinite(family.limits[2][family.blocks[name]])
        h = np.where(natural, np.minimum(h, _LONGEST), h)
        # Points (9, size): the coordinates of a parameter are apart from each other.
        grid = own + np.arange(-4.0, 5.0)[:, None] * h
        with np.errstate(all="ignore"):
            v = self._each(name, grid)
        first = _FIRST @ (v[5:] - v[3::-1]) / h
        second = (_MIDDLE * v[4] + _SECOND @ (v[5:] + v[3::-1])) / h**2
        return float(v[4].sum()), first, second


def inside(family: Distribution, eta: np.ndarray) -> np.ndarray:
    """Tell which eta (S, K) lie within the limits of a family, (S,) bool."""
    low, high, _ = family.limits
    return np.asarray(((eta >= low) & (eta <= high)).all(axis=1))


def _values_part(block: Block, formula: Formula, points: np.ndarray) -> np.ndarray:
    """Return the weighted sum of log p of a block's rows at each of S points, (S,)."""
    family = formula.distribution
    return np.array(
        [
            weighted(family.log_prob(block.y, formula.model.eta(point, block.X)), block.weight)
            for point in points
        ]
    )


@dataclass(frozen=True, eq=False, repr=False)
class Laplace:
    """A Gaussian approximation of the posterior in unconstrained coordinates.

    The mean is the mode of the posterior density of eta, and the covariance the inverse of its
    negative Hessian there (Tierney & Kadane, J. Amer. Statist. Assoc. 81, 1986; MacKay,
    Information Theory, Inference, and Learning Algorithms, 2003, chapter 27). The mode in eta is
    not that of the native parameters, which a fit with a prior finds: the Jacobian lies between.

    Attributes
    ----------
    family : Distribution
        The family.
    names : tuple of str
        Names of the K coordinates.
    mean : ndarray of shape (K,)
        The mode, in unconstrained coordinates.
    covariance : ndarray of shape (K, K)
        Zero for coordinates that were given.
    k_hat : float or None
        Shape of the tail of the importance ratios of draws. Above 0.7 the approximation is far
        from the posterior; -inf where it is exact. None where it was not computed.
    """

    family: Distribution
    names: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray
    k_hat: float | None
    _free: np.ndarray
    _having: tuple[str, ...]
    _proper: bool
    _value: float
    _factor: np.ndarray
    _ratios: Smoothed | None

    @property
    def params(self) -> dict[str, np.ndarray]:
        """Native values at the mode, by name."""
        return self.family.native_dict(self.mean)

    @property
    def log_evidence(self) -> float:
        """``log p(y) = log p(y, mode) + k/2 log 2 pi - 1/2 log det H``, in nats.

        Raises
        ------
        ValueError
            If a free parameter has no prior.
        """
        self._refuse_improper()
        k = len(self._free)
        return float(
            self._value + 0.5 * k * np.log(2 * np.pi) + np.log(np.diagonal(self._factor)).sum()
        )

    @property
    def log_evidence_by_importance(self) -> float:
        """The evidence by the smoothed importance ratios of the draws, in nats.

        It corrects Laplace's formula as far as ``k_hat`` allows.

        Raises
        ------
        ValueError
            If a free parameter has no prior, or the ratios were not computed.
        """
        self._refuse_improper()
        if self._ratios is None:
            raise ValueError(
                "n_draws must be >= 25 for importance ratios, got 0; pass n_draws=2000"
            )
        return self._ratios.log_mean

    def _refuse_improper(self) -> None:
        if not self._proper:
            raise ValueError(
                "log_evidence needs a prior for each free parameter, got priors of "
                f"{list(self._having)}: a flat prior has no total probability; pass "
                "prior={name: density, ...}"
            )

    @answers_keywords
    def sample_eta(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Return draws (n, K) of the unconstrained coordinates, within the family's limits.

        Parameters
        ----------
        n : int, default=1
            Number of draws.
        random_state : None, int, RandomState or Generator
            Seed.

        Returns
        -------
        ndarray of shape (n, K)

        Raises
        ------
        ValueError
            If n is no integer >= 1, or hardly any draw lies within the limits.
        """
        size = int(check_number(n, "n", low=1, integer=True))
        rng, out = bridge_rng(random_state), np.empty((0, len(self.mean)))
        for _ in range(_TRIES):
            drawn = self._drawn(size, rng)
            out = np.concatenate([out, drawn[inside(self.family, drawn)]])
            if len(out) >= size:
                return out[:size]
        raise ValueError(
            f"sample needs a posterior within the limits of the family, got {len(out)} of "
            f"{_TRIES * size} draws inside; use a prior that keeps away from the limit"
        )

    @answers_keywords
    def sample(self, n: int = 1, random_state: Any = None) -> dict[str, np.ndarray]:
        """Return draws of the native parameters by name, (n, *shape); see :meth:`sample_eta`."""
        values = self.family.native(self.sample_eta(n, random_state))
        return dict(zip(self.family.params, values, strict=True))

    def _drawn(self, n: int, rng: np.random.Generator) -> np.ndarray:
        out, free = np.repeat(self.mean[None], n, axis=0), self._free
        out[:, free] += rng.standard_normal((n, len(free))) @ self._factor.T
        return out

    def __repr__(self) -> str:
        """Show the mean and the standard deviation of each coordinate, and k-hat."""
        sd = np.sqrt(np.diagonal(self.covariance))
        lines = ["Laplace's approximation in unconstrained coordinates"]
        lines += [
            f"{name:>16} {mean:>12.6g} +- {error:.3g}"
            for name, mean, error in zip(self.names, self.mean, sd, strict=True)
        ]
        if self.k_hat is not None:
            lines.append(f"k-hat {self.k_hat:.2g}")
        return "\n".join(lines)


def laplace_of(
    estimate: Estimate, prior: dict[str, Prior], n_draws: int, random_state: Any
) -> Laplace:
    """Return Laplace's approximation at the mode that is nearest to an estimate.

    Parameters
    ----------
    estimate : Estimate
        With its objective, whose model is constant.
    prior : dict
        A :class:`natfit.objectives.Prior` for each parameter name; flat in eta for others.
    n_draws : int
        Draws whose importance ratios give k-hat; 0 for none.
    random_state : None, int, RandomState or Generator
        Seed of the draws.

    Returns
    -------
    Laplace
        The Gaussian approximation.

    Raises
    ------
    ValueError
        If the model is conditional, or no mode is found at which the negative Hessian is positive
        definite.
    """
    objective = known_objective(estimate)
    if not objective.model.shared:
        raise ValueError(
            "laplace needs parameters that all rows share, got a conditional model, for which "
            "second derivatives in theta are not available"
        )
    refuse_ends(estimate, "laplace")
    refuse_kinks(estimate, "laplace")
    # A summary that was moved for the sake of a maximum is not that of the rows.
    kind = Likelihood if objective.bound_note is None else Rowwise
    likelihood = kind(objective.distribution, objective.model, objective.rows)
    known = set(estimate.information.known)
    free = np.array([k for k in range(len(estimate.theta)) if k not in known], dtype=int)
    posterior = Posterior(likelihood, prior, estimate.theta.astype(np.float64), free)
    names = coordinate_names(estimate)
    eta, value, factor = _mode(posterior, [names[k] for k in free])
    covariance = np.zeros((len(eta), len(eta)))
    covariance[np.ix_(free, free)] = factor @ factor.T
    made = partial(
        Laplace,
        estimate.family,
        tuple(names),
        eta,
        covariance,
        _free=free,
        _having=tuple(prior),
        _proper=posterior.proper,
        _value=value,
        _factor=factor,
    )
    found = made(k_hat=None, _ratios=None)
    if n_draws == 0:
        return found
    drawn = found._drawn(max(n_draws, FEWEST), bridge_rng(random_state))
    z = np.linalg.solve(factor, (drawn - eta)[:, free].T)
    log_normal = -0.5 * np.square(z).sum(axis=0) - 0.5 * len(free) * np.log(2 * np.pi)
    log_normal -= np.log(np.diagonal(factor)).sum()
    ratios = smoothed(posterior.values(drawn) - log_normal)
    return made(k_hat=ratios.k_hat, _ratios=ratios)


def _mode(posterior: Posterior, names: list[str]) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the mode, the log-density there, and a factor A of the covariance A A'.

    Newton's method with the eigenvalues of the scaled negative Hessian made positive; a step is
    halved until the log-density rises.

    Returns
    -------
    eta : ndarray of shape (K,)
    value : float
        In nats.
    factor : ndarray of shape (k, k)
        Lower triangular.

    Raises
    ------
    ValueError
        If the negative Hessian is not positive definite where the search ends.
    """
    eta, free = posterior.start.copy(), posterior.free
    value, grad, hessian = posterior.terms(eta)
    before = np.inf
    for _ in range(_STEPS):
        step = _newton(grad, hessian)
        gain = float(grad @ step)
        # Below 1e-12 a gain that hardly shrinks is rounding of the gradient.
        if not gain > _NEAR or (gain < 1e-12 and gain > 0.1 * before):
            break
        before = gain
        for halving in range(_HALVINGS):
            trial = eta.copy()
            trial[free] += step * 0.5**halving
            new = posterior.value(trial)
            if new >= value - 1e-13 * abs(value):
                break
        else:
            break
        eta = trial
        value, grad, hessian = posterior.terms(eta)
    scale = np.sqrt(np.maximum(np.diagonal(hessian), 0.0))
    finite = np.isfinite(hessian).all() and (scale > 0).all()
    if finite:
        scaled = hessian / np.outer(scale, scale)
        values, vectors = np.linalg.eigh(scaled)
        # At a mode the gradient is zero, to an accuracy that a double allows.
        near = grad @ _newton(grad, hessian) < 1e-8
        if values[0] > _FLAT and near:
            root = np.linalg.cholesky(np.linalg.inv(scaled))
            return eta, value, root / scale[:, None]
        lost = np.abs(vectors[:, 0]) > 0.2 if values[0] <= _FLAT else np.ones(len(free), bool)
    else:
        lost = ~(scale > 0) | ~np.isfinite(scale)
    said = ", ".join(name for name, bad in zip(names, lost, strict=True) if bad) or "parameters"
    raise ValueError(
        f"laplace needs a mode at which the posterior density falls in each direction, got none in "
        f"{said}; pass a prior for these parameters, and see identifiability()"
    )


def _newton(grad: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Return the step H^-1 g, with eigenvalues of the scaled H made positive; NaN if not finite."""
    scale = np.sqrt(np.abs(np.diagonal(hessian)))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = hessian / np.outer(scale, scale)
    if not (np.isfinite(scaled).all() and np.isfinite(grad).all()):
        return np.full(len(grad), np.nan)
    values, vectors = np.linalg.eigh(scaled)
    values = np.maximum(np.abs(values), 1e-8)
    return vectors @ ((vectors.T @ (grad / scale)) / values) / scale
