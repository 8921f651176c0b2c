"""The importance-ratio surrogate of a policy's return."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit import rows
from natfit.distributions.base import Distribution
from natfit.linops import LinearOperator
from natfit.models import Model
from natfit.objectives.likelihood import Likelihood


class PolicySurrogate(Likelihood):
    """f(theta) = -1/W sum_i w_i (rho_i A_i + bonus H(eta_i)), rho_i = p(a_i | eta_i) / p_old(a_i).

    At theta_old its gradient is minus the policy gradient, -E[grad log pi A] (the
    log-derivative identity), and unlike -A log pi it is bounded below by what the visited
    actions can gain. Advantages are signed and enter the gradient alone; the Fisher
    information, its products and the divergence weigh the visits, as in a likelihood.

    Parameters
    ----------
    distribution : Distribution
        Of an action, bound.
    model : Model
        The policy: eta of every visited state.
    actions : ndarray of shape (N,) or (N, A)
        What was done.
    X : ndarray of shape (N, D) or None
        The states; None for a constant model.
    advantage : ndarray of shape (N,)
        How much better than expected it went.
    theta_old : ndarray of shape (P,)
        The policy that acted.
    weight : ndarray of shape (N,), optional
        Visits of each row, all positive.
    old_log_prob : ndarray of shape (N,), optional
        log p_old(a_i), nats; default that of ``theta_old``.
    entropy_bonus : float
        Nats of entropy that are worth one unit of advantage; 0 is none.
    limits : (low, high), optional
        Limits of theta, (P,) each, in place of the model's.

    Notes
    -----
    Schulman et al. (2015), Trust region policy optimization, equation 14.
    """

    summarises = False

    def __init__(
        self,
        distribution: Distribution,
        model: Model,
        actions: np.ndarray,
        X: Any,
        advantage: np.ndarray,
        theta_old: np.ndarray,
        weight: np.ndarray | None = None,
        old_log_prob: np.ndarray | None = None,
        entropy_bonus: float = 0.0,
        limits: tuple[np.ndarray, np.ndarray] | None = None,
    ):
        super().__init__(distribution, model, actions, X, weight)
        self.advantage = advantage
        self.theta_old = theta_old
        self.entropy_bonus = entropy_bonus
        self.own_limits = limits
        self._old_eta: np.ndarray | None = None
        if old_log_prob is None:
            old_log_prob = rows.map_rows(self._log_prob_old, (self.y, self.X))
        self.old_log_prob = old_log_prob

    @property
    def scale(self) -> float:
        """Mean size of the advantages, and of the bonus for one nat."""
        return float(np.average(np.abs(self.advantage), weights=self.weight)) + self.entropy_bonus

    def _log_prob_old(self, y: Any, X: Any) -> np.ndarray:
        eta = self.model.eta(self.theta_old, X) if self.model.shared else None
        if eta is None:
            eta = self.linearize(self.theta_old, X).eta
        return self.distribution.log_prob(y, eta)

    def _arrays(self) -> tuple:
        return self.y, self.X, self.weight, self.advantage, self.old_log_prob

    def _eta(self, theta: np.ndarray, X: Any) -> np.ndarray:
        kept = self._linear
        if kept is not None and X is self.X and np.array_equal(kept[0], theta):
            return kept[1].eta
        return self.model.eta(theta, X)

    def value(self, theta: np.ndarray) -> float:
        """f alone: a forward pass."""
        self.evaluations += 1

        def part(y: Any, X: Any, w: Any, advantage: Any, old: Any) -> float:
            eta = self._eta(theta, X)
            gain = advantage * np.exp(self.distribution.log_prob(y, eta) - old)
            if self.entropy_bonus:
                gain = gain + self.entropy_bonus * self.distribution.entropy(eta)
            return gain.sum() if w is None else w @ gain

        with np.errstate(all="ignore"):
            return -float(rows.sum_rows(part, self._arrays())) / self.total

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient (P,), one forward and one backward pass."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            value, grad = rows.sum_rows(
                lambda *arrays: self._gain_part(theta, *arrays), self._arrays()
            )
        return -float(value) / self.total, grad / -self.total

    def _gain_part(self, theta: np.ndarray, y: Any, X: Any, w: Any, advantage: Any, old: Any):
        lin = self.linearize(theta, X)
        log_prob, score = self.distribution.log_prob_and_score(y, lin.eta)
        gain = advantage * np.exp(log_prob - old)
        pull = score * gain[:, None]
        if self.entropy_bonus:
            entropy, slope = self.distribution.entropy_and_grad(lin.eta)
            gain = gain + self.entropy_bonus * entropy
            pull = pull + self.entropy_bonus * slope
        if w is None:
            return gain.sum(), lin.vjp(pull)
        return w @ gain, lin.vjp(pull * w[:, None])

    def ratios(self, theta: np.ndarray) -> np.ndarray:
        """Importance ratios rho_i, (N,)."""
        with np.errstate(over="ignore"):
            return rows.map_rows(
                lambda y, X, old: np.exp(self.distribution.log_prob(y, self._eta(theta, X)) - old),
                (self.y, self.X, self.old_log_prob),
            )

    def entropy(self, theta: np.ndarray) -> float:
        """Mean entropy of the policy over the visits, nats."""

        def part(X: Any, w: Any) -> float:
            entropy = self.distribution.entropy(self._eta(theta, X))
            return entropy.sum() if w is None else w @ entropy

        if self.model.shared:
            return float(self.distribution.entropy(self.model.eta(theta, None))[0])
        return float(rows.sum_rows(part, (self.X, self.weight))) / self.total

    def kl(self, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Mean KL(theta || theta2) over the visits, nats; from theta_old at no cost for it."""
        family = self.distribution
        if self.model.shared or not family.has_kl:
            return super().kl(theta, theta2)

        def part(X: Any, w: Any) -> float:
            gap = family.kl(self._eta(theta, X), self._eta(theta2, X))
            return gap.sum() if w is None else w @ gap

        with np.errstate(all="ignore"):
            return float(rows.sum_rows(part, (self.X, self.weight))) / self.total

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """None: a surrogate is left after one step, no distance to its optimum is wanted."""
        return None

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The policy's own limits where it has some (bounded log-std), else the model's."""
        low, high, steps = super().limits()
        return (low, high, steps) if self.own_limits is None else (*self.own_limits, steps)

    def in_domain(self, theta: np.ndarray) -> bool:
        """The model's domain, and inside the limits."""
        low, high, _ = self.limits()
        inside = bool((theta >= low).all() and (theta <= high).all())
        return inside and super().in_domain(theta)
