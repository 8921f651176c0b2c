"""What follows from a log-density: information, divergence, probabilities, entropy, mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit.distributions.contract.declared import InformationKind, Route
from natfit.distributions.contract.expectation import ACCURACY, Expectation
from natfit.distributions.contract.parameters import Parametrised
from natfit.distributions.contract.support import Support
from natfit.numerics import autodiff


class Informed(Parametrised):
    """Fisher information and divergence, closed or by quadrature; entropy and mode, closed.

    Attributes
    ----------
    support : Support
        The values that y may take.
    event_shape : tuple
        Shape of one value.
    """

    # Set by classes alone, as params and roles are.
    if TYPE_CHECKING:

        @property
        def support(self) -> Support | None:
            """Where y may lie, None where it is not known."""

        @property
        def event_shape(self) -> tuple:
            """Shape of one value."""

    else:
        support = None
        event_shape = ()

    # Optional closed forms, on native parameters.
    _fisher: Callable | None = None
    _kl: Callable | None = None

    #: Optional: the entropy (n,) of eta (n, K), in ``autograd.numpy``.
    _entropy: Callable | None = None

    #: Optional: the most probable y (n, *event_shape) of eta (n, K).
    _mode: Callable | None = None

    #: Optional: log P(Y <= y) and log P(Y > y), (n,) nats, at native parameters, in plain numpy
    #: and accurate in both tails. Censoring and truncation need them; derivatives do not.
    _log_cdf: Callable | None = None
    _log_sf: Callable | None = None

    log_prob: Callable
    score: Callable
    _arguments: Callable

    @property
    def known_support(self) -> Support:
        """The support of a family that has one.

        Raises
        ------
        ValueError
            If the family has none.
        """
        if self.support is None:
            raise ValueError(f"{type(self).__name__} does not say where y may lie")
        return self.support

    @property
    def information(self) -> InformationKind:
        """What is known of the family's information: by default no more than how it is had."""
        if self._fisher is not None:
            return InformationKind(Route.CLOSED_FORM)
        if self.event_shape != () or self.support is None:
            return InformationKind(Route.NONE)
        return InformationKind(Route.ENUMERATION if self.support.integer else Route.QUADRATURE)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information E[s s'] in eta, (n, K, K).

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
        out = np.empty((len(eta), self.n_params, self.n_params))
        for i, row in enumerate(eta):
            rule = self.expectation(row)
            with np.errstate(all="ignore"):
                score = self.score(rule.y, row[None])
            # Far in a tail the score may overflow where the probability is nil.
            fine = np.isfinite(score).all(axis=1)
            if rule.weight[~fine].sum() > ACCURACY:
                raise ValueError(f"the score of {type(self).__name__} is not finite at {row}")
            score = score[fine]
            out[i] = (score * rule.weight[fine, None]).T @ score
        return out

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Kullback-Leibler divergence KL(eta || eta2) of each row, (n,) nats.

        Raises
        ------
        ValueError
            As :meth:`fisher`.
        """
        if self._kl is not None:
            return self._kl(*self._arguments(eta), *self._arguments(eta2))
        if not self.has_kl:
            raise ValueError(f"{type(self).__name__} has no closed-form divergence")
        n = max(len(eta), len(eta2))
        out = np.empty(n)
        for i in range(n):
            a, b = eta[i % len(eta)], eta2[i % len(eta2)]
            rule = self.expectation(a)
            gap = self.log_prob(rule.y, a[None]) - self.log_prob(rule.y, b[None])
            out[i] = rule.weight @ gap
        return out

    @property
    def has_kl(self) -> bool:
        """Whether :meth:`kl` works."""
        return self._kl is not None or (self.event_shape == () and self.support is not None)

    @property
    def has_entropy(self) -> bool:
        """Whether :meth:`entropy` works."""
        return self._entropy is not None

    def entropy(self, eta: np.ndarray) -> np.ndarray:
        """Entropy E[-log p(y | eta)] of each row, (n,) nats; a density's may be negative.

        Raises
        ------
        ValueError
            If the family has no closed form.
        """
        return np.asarray(self._need_entropy()(eta))

    def entropy_and_grad(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entropy (n,) nats and its gradient in eta, (n, K).

        Raises
        ------
        ValueError
            As :meth:`entropy`.
        """
        return autodiff.row_value_and_grad(self._need_entropy(), eta)

    def _need_entropy(self) -> Callable:
        if self._entropy is None:
            raise ValueError(
                f"{type(self).__name__} has no closed-form entropy; define "
                "_entropy(eta) in autograd.numpy, or do without an entropy term"
            )
        return self._entropy

    def mode(self, eta: np.ndarray) -> np.ndarray:
        """Most probable y of each row, (n, *event_shape); of equals, the lowest.

        Raises
        ------
        ValueError
            If the family does not define it.
        """
        if self._mode is None:
            raise ValueError(f"{type(self).__name__} defines no mode; draw with sample() instead")
        return self._mode(eta)

    @property
    def has_cdf(self) -> bool:
        """Whether :meth:`log_cdf` and :meth:`log_sf` work."""
        return self._log_cdf is not None and self._log_sf is not None

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; y may be infinite.

        Raises
        ------
        ValueError
            If the family defines no distribution function.
        """
        return self._tail(self._log_cdf, y, eta, -np.inf, 0.0)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats; y may be infinite.

        Raises
        ------
        ValueError
            As :meth:`log_cdf`.
        """
        return self._tail(self._log_sf, y, eta, 0.0, -np.inf)

    def _tail(self, fn: Any, y: Any, eta: Any, below: float, above: float) -> np.ndarray:
        """``fn`` inside the support, its limits outside."""
        if fn is None:
            raise ValueError(
                f"{type(self).__name__} has no distribution function, which censored and "
                "truncated data need; use a family that defines _log_cdf and _log_sf"
            )
        y = np.asarray(y, dtype=np.float64)
        low, high = -np.inf, np.inf
        if self.support is not None:
            low, high = self.support.low, np.max(self.support.high)
        under = y < low if self.support is not None and self.support.integer else y <= low
        with np.errstate(all="ignore"):
            values = fn(np.where(under | (y >= high), 1.0, y), *self.native(eta))
        return np.where(under, below, np.where(y >= high, above, values))

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities with ``sum(weight * h(y)) = E[h(y)]`` at eta (K,)."""
        return Expectation.of(self, eta)
