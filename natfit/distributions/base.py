"""Distributions: log p(y | eta), its score and its Fisher information.

A distribution knows no data and no theta. Its K parameters eta are unconstrained; each
declared parameter owns a block of them. A family declares ``params``, ``roles`` and ``support``
(and ``support_at`` where the support moves with a parameter), and writes the methods below, in
the order in which a fit calls them (:mod:`natfit.fitting.protocol`). The right column says what
applies where a family writes none.

================  ==========================================================  ==============
bind              the family with the dimension that only data tell           itself
sufficient        a summary that stands in for the data as one row            None
joined_summaries  the summary of all rows from those of two parts             None
check             refuse rows outside the support                             by support
check_degenerate  refuse data without a maximum in the family                 accept
_initial          a start from a few rows, one pass, no iteration
refine_start      the start once all rows are seen                            as it was
regular           coordinates in which limits of the family are regular       its own
starts            further starts, where there are several maxima              none
held              the family without parameters that have no derivative       none
bounded           a summary whose likelihood has a maximum                    as it was
_log_prob         log-density in native terms, in ``autograd.numpy``
_score            gradient of log p in eta                                    by autograd
_observed         negative Hessian of log p in eta                            by autograd
sum_terms         sums over rows of all three, in one pass                    sums of rows
_fisher           expected information                                        quadrature
_kl               Kullback-Leibler divergence                                 quadrature
_wasserstein      Wasserstein metric and half its squared distance            from quantiles
_energy           metric of the CRPS, and the integral of (F - F')^2          from quantiles
nested_start      optimum of a simpler family inside                          None
limit_at          which limit a fit has reached, beyond those of constraints  None
no_maximum        why the likelihood has no maximum where a fit ended         None
_sample           draws                                                       none
_log_cdf, _log_sf logarithms of both tails                                    none
_velocity         velocities of quantiles, the score of censored rows         from the tails
_moments          means and variances                                         by quadrature
_quantile         quantiles                                                   from the tails
_entropy, _mode   entropy and most probable value                             none
_to_scipy         the frozen distribution of ``scipy.stats``                  none
================  ==========================================================  ==============

A closed form is written for speed: the registry's tests compare it with what is derived.
Expectations under densities are computed by quadrature, those under counts by enumeration.

Shapes: N rows, K parameters. ``eta`` is (N, K), or (1, K) where all rows share it; no array of
size N x K is made then. Log-densities are in nats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from natfit._component import Component
from natfit.distributions.contract.counterpart import as_scipy, scipy_quantile
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.facts import Facts
from natfit.distributions.contract.information import expected_log_ratio, expected_square
from natfit.distributions.contract.moments import moments_of
from natfit.distributions.contract.names import (
    ALIASES,
    ALSO_CALLED,
    CAUTIONS,
    elsewhere,
    instead_of,
)
from natfit.distributions.contract.sums import summed_observed, summed_value_and_score, tile
from natfit.distributions.contract.tails import tail
from natfit.distributions.contract.velocity import Velocity, velocity_of
from natfit.distributions.contract.verdicts import Verdicts
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.numerics import autodiff
from natfit.rows import Block, Rows


class Distribution(Facts, Verdicts, Component):
    """Base of all families.

    ``event_shape`` is ``()`` for a univariate family, ``(D,)`` for a multivariate one after
    :meth:`bind`. A parameter that ``roles`` does not name counts as a shape.
    """

    _package = "natfit.distributions"
    _aliases = ALIASES
    _also_called = ALSO_CALLED
    _cautions = CAUTIONS
    _instead_of = classmethod(instead_of)
    _elsewhere = classmethod(elsewhere)
    _apart = ("contract", "forms", "custom")

    # ------------------------------------------------------------------- the data and the start

    def bind(self, rows: Rows) -> Distribution:
        """Return the family with the dimension of the data; a univariate one unchanged."""
        return self

    def sufficient(self, rows: Rows) -> Any | None:
        """Summary that replaces all rows by one, or None where a family has none."""
        return None

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """Summary of all rows, from those of two parts of them; None where that is not known.

        Parameters
        ----------
        one, two : tuple
            What :meth:`sufficient` returned for each part.
        weight, other : float
            Sum of the weights of each part.

        Returns
        -------
        tuple or None
            What :meth:`sufficient` would return for both parts together, up to rounding.
        """
        return None

    def tabulated(self, summary: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Distinct rows (M,) and their shares (M,) that a summary consists of; None for others."""
        return None

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside the support."""
        self.known_support.check(rows, type(self).__name__)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Raise ValueError when the likelihood has no maximum inside the family for these data.

        ``summary`` is what :meth:`sufficient` returned; where it proves that there is a maximum,
        no pass over the rows is needed. The default accepts all data.
        """

    def held(self, rows: Rows) -> tuple[Distribution, np.ndarray] | None:
        """Return the family without parameters in which there is no derivative, and its start.

        Such parameters are whole numbers, and those that move an end of the support at which the
        likelihood is monotone. The family that is returned has ``full``, ``reduce`` and ``free``,
        as :class:`natfit.distributions.Fixed` has, and names them in ``held_coordinates``.

        Returns
        -------
        tuple or None
            The family and its start; None where there is no such parameter to be sought.
        """
        return None

    @property
    def located(self) -> Distribution | None:
        """The family with a location ``loc`` of its own, for :meth:`held`; None where none is."""
        return None

    def ordered(self, order: Sequence[int]) -> Distribution:
        """Return a family that :meth:`held` returned, for eta in another order."""
        raise NotImplementedError(f"{type(self).__name__} holds no parameters")

    @property
    def completed(self) -> Any:
        """What has the ``full``, ``free`` and ``held_coordinates`` that lead to all of eta."""
        return self

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """Start (K,) for a constant model: one pass over a few rows, no iteration."""
        return self.eta(**self._initial(few.y, few.weight))

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} must define _initial")

    def check_start(self, few: Block, eta: np.ndarray) -> None:
        """Check the log-density itself at a start (K,); built-in families need no such check."""

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Start (K,) of the family corrected once all rows are seen; unchanged by default.

        For families whose density may be zero or overflow at a row that was not used for the start.

        Returns
        -------
        ndarray of shape (K,)
            A point at which the log-density of every row is finite, where there is one.
        """
        return eta

    def bounded(self, summary: Any) -> tuple[Any, str | None]:
        """Summary whose likelihood has a maximum, and in words what is held for it (or None)."""
        return summary, None

    # ----------------------------------------------------------- log-density, score, Hessian

    def _log_prob(self, y: Any, *native: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _log_prob")

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        """Log-density in terms of eta; a family overrides it where only that form stays finite."""
        return self._log_prob(y, *self.native(eta))

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Arguments of the closed forms; native values unless a family's formulas take eta."""
        return self.native(eta)

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats. No check of the support: see :meth:`check`."""
        return self._log_prob_eta(y, eta)

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, -inf outside the support, (n,) nats."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.log_prob(y, eta), dtype=np.float64)
        if self.support is None or (self.event_shape != () and not self.support.integer):
            return values
        inside = self.support.contains(y)
        within = inside if self.event_shape == () else inside.all(axis=1)
        return np.where(within, values, -np.inf)

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient of log p(y | eta) in eta, (n, K)."""
        if self._score is not None:
            return self._score(y, *self._arguments(eta))
        return self.log_prob_and_score(y, eta)[1]

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-density (n,) and score (n, K); families override it to compute common terms once."""
        if self._score is not None:
            return self.log_prob(y, eta), self.score(y, eta)
        return autodiff.row_value_and_grad(lambda e: self._log_prob_eta(y, e), tile(eta, y))

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of log p(y | eta) in eta, (n, K, K)."""
        if self._observed is not None:
            return self._observed(y, *self._arguments(eta))
        return -autodiff.row_hessian(lambda e: self._log_prob_eta(y, e), tile(eta, y))

    def kinks(self, eta: np.ndarray) -> np.ndarray:
        """Values of y at which the log-density of eta (K,) has no derivative; none by default."""
        return np.empty(0)

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums over rows of log p, a number, and of its score (K,), for eta (1, K)."""
        if self.sum_terms is not None:
            return self.sum_terms(y, weight, eta)[:2]
        return summed_value_and_score(self, y, weight, eta)

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K, K), for eta (1, K)."""
        if self.sum_terms is not None:
            return self.sum_terms(y, weight, eta)[2]
        return summed_observed(self, y, weight, eta)

    # ------------------------------------------------------------- information and divergence

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities with ``sum(weight * h(y)) = E[h(y)]`` at eta (K,)."""
        return Expectation.of(self, eta)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information E[s s'] in eta, (n, K, K).

        Returns
        -------
        ndarray of shape (n, K, K)
            Symmetric, positive semidefinite.

        Raises
        ------
        ValueError
            If the family has neither a closed form nor a univariate support to integrate
            over, or if the quadrature does not reach its accuracy.
        """
        if self._fisher is not None:
            return self._fisher(*self._arguments(eta))
        if not self.information.exists:
            raise ValueError(
                f"{type(self).__name__} has no exact Fisher information: no closed form, and no "
                "univariate support to integrate over; use metric='monte_carlo' (needs a "
                "sampler) or metric='empirical'"
            )
        return expected_square(self, eta)

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows by its entries: a family says which are zero or constant."""
        return Entries.of(self.fisher(eta))

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of log p(y | eta) in eta, as the entries that are not zero."""
        if self._open_rows is not None and len(eta) == np.size(y):
            every = np.ones(len(eta), dtype=bool)
            return Entries(self.n_params, self._open_rows(y, every, ~every, eta)[2])
        return Entries.of(self.observed(y, eta))

    @property
    def has_kl(self) -> bool:
        """Whether :meth:`kl` is available for this family."""
        return self._kl is not None or self._summable

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Kullback-Leibler divergence KL(eta || eta2) of each row, (n,) nats; raises as fisher."""
        if self._kl is not None:
            return self._kl(*self._arguments(eta), *self._arguments(eta2))
        if not self.has_kl:
            raise ValueError(f"{type(self).__name__} has no closed-form divergence")
        return expected_log_ratio(self, eta, eta2)

    # -------------------------------------------------- draws, probabilities, entropy, mode

    @property
    def can_sample(self) -> bool:
        """Whether :meth:`sample` is available for this family."""
        return self._sample is not None

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value per row of eta, or ``size`` values for eta (1, K): (n, *event_shape).

        Returns
        -------
        ndarray of shape (n, *event_shape)
            In float64, also for whole numbers.

        Raises
        ------
        ValueError
            If the family has no sampler.
        """
        if self._sample is None:
            raise ValueError(
                f"{type(self).__name__} has no sampler; pass sample=... to from_log_prob, or use "
                "a metric that draws nothing (exact, empirical, observed)"
            )
        n = len(eta) if size is None else size
        return self._sample(rng, n, *self.native(eta))

    @property
    def has_cdf(self) -> bool:
        """Whether :meth:`log_cdf` and :meth:`log_sf` work."""
        return self._log_cdf is not None and self._log_sf is not None

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats, y may be infinite; ValueError without a formula."""
        return tail(self, self._log_cdf, y, eta, -np.inf, 0.0)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats, y may be infinite; ValueError without a formula."""
        return tail(self, self._log_sf, y, eta, 0.0, -np.inf)

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density, at y (n,) inside the support.

        The score of a censored row is made of them: that of log P(Y > y) is f(y) / P(Y > y) times
        the velocity dy / deta at which the quantile at y moves.

        Returns
        -------
        Velocity
            First derivatives (K, n) and second ones (K, K, n), in the unit of y.

        Raises
        ------
        ValueError
            If the family has no distribution function.
        """
        return velocity_of(self, y, eta)

    @property
    def has_entropy(self) -> bool:
        """Whether :meth:`entropy` is available for this family."""
        return self._entropy is not None

    def entropy(self, eta: np.ndarray) -> np.ndarray:
        """Entropy E[-log p] of each row, (n,) nats, may be negative; ValueError without formula."""
        return np.asarray(self._need_entropy()(eta))

    def entropy_and_grad(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entropy (n,) nats and its gradient in eta, (n, K); ValueError without a formula."""
        return autodiff.row_value_and_grad(self._need_entropy(), eta)

    def _need_entropy(self) -> Callable:
        if self._entropy is None:
            raise ValueError(
                f"{type(self).__name__} has no closed-form entropy; define "
                "_entropy(eta) in autograd.numpy, or do without an entropy term"
            )
        return self._entropy

    @property
    def has_mode(self) -> bool:
        """Whether :meth:`mode` is available for this family."""
        return self._mode is not None

    def mode(self, eta: np.ndarray) -> np.ndarray:
        """Most probable y, (n, *event_shape), the lowest of several; ValueError without formula."""
        if self._mode is None:
            raise ValueError(f"{type(self).__name__} defines no mode; draw with sample() instead")
        return self._mode(eta)

    @property
    def has_typical(self) -> bool:
        """Whether :meth:`typical` is available for this family."""
        return self._typical is not None or self.has_mode

    def typical(self, eta: np.ndarray) -> np.ndarray:
        """The mode, or the mean of a density without one, (n, *event_shape); raises as mode."""
        return self.mode(eta) if self._typical is None else self._typical(eta)

    # --------------------------------------------------------------- other ways to write it

    def to_scipy(self, params: Mapping[str, Any]) -> Any:
        """Frozen ``scipy.stats`` distribution at native parameters, such as ``params_`` of a fit.

        Parameters
        ----------
        params : dict
            Native values by name. Vectors with one value for each of D columns give an object whose
            methods work on the last axis, as scipy's do.

        Returns
        -------
        scipy.stats.rv_frozen
            With the same density.

        Raises
        ------
        TypeError
            If ``params`` is no dict: a vector of numbers says not in which coordinates it is.
        ValueError
            If scipy has no such distribution, or a parameter is missing, unknown or not valid.
        """
        if not isinstance(params, Mapping):
            raise TypeError(
                f"params must be native values by name such as params_ of a fit, got "
                f"{type(params).__name__}, whose coordinates are not known; write "
                "to_scipy(model.params_), or model.frozen_ for the distribution itself"
            )
        return as_scipy(self, dict(params))

    def counterpart(self, eta: np.ndarray) -> Any:
        """Frozen ``scipy.stats`` distribution at eta (K,); ValueError if scipy has no such one."""
        if self._to_scipy is None:
            raise ValueError(
                f"{type(self).__name__} has no counterpart in scipy.stats; frozen_ of a fit has "
                "the same methods"
            )
        return self._to_scipy(*self.native_dict(np.asarray(eta)).values())

    def quantile_formula(self, eta: np.ndarray) -> Callable | None:
        """Quantiles ``(p, upper) -> y`` at eta (1 or n, K), perhaps inexact; None without any."""
        if self._quantile is not None:
            formula, native = self._quantile, self.native(eta)
            return lambda p, upper: formula(p, upper, *native)
        return scipy_quantile(self, eta) if len(eta) == 1 else None

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means (n,) and variances (n,) of a univariate family at eta (n, K), in the unit of y.

        They are infinite where the integral diverges to infinity.

        Returns
        -------
        mean, variance : ndarray of shape (n,)

        Raises
        ------
        ValueError
            If a mean does not exist.
        """
        return moments_of(self, eta)

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Maps between eta and mean parameters E[T(y)].

        Raises
        ------
        ValueError
            If the inverse is not closed-form; the message says why.
        """
        raise ValueError(
            f"{type(self).__name__} has no expectation coordinates: it is no exponential family "
            "in its parameters; use coordinates='unconstrained' or 'native'"
        )
