"""The surrogate of a policy's return, which weighs advantages by importance ratios."""

from __future__ import annotations

import numpy as np

from natfit.distributions.base import Distribution
from natfit.linops import LinearOperator
from natfit.models import Model
from natfit.objectives._formula import Formula, weighted
from natfit.objectives.likelihood import Likelihood
from natfit.rows import Block, Rows


class PolicySurrogate(Likelihood):
    """f(theta) = -1/W sum_i w_i (rho_i A_i + bonus H(eta_i)), rho_i = p(a_i | eta_i) / p_old(a_i).

    At theta_old its gradient is minus the policy gradient, -E[grad log pi A], by the log-derivative
    identity. Unlike -A log pi it cannot fall without limit, because it is never below what the
    visited actions can gain. Advantages have a sign and enter only the gradient. The Fisher
    information and the divergence weigh the visits, as in a likelihood.

    Parameters
    ----------
    distribution : Distribution
        The distribution of an action, bound.
    model : Model
        The policy, which gives eta of every visited state.
    rows : Rows
        The actions y, the states X (none for a constant model), and the number of visits of each
        row as weights.
    advantage : ndarray of shape (N,)
        How much better than expected each action turned out, in the unit of the rewards.
    theta_old : ndarray of shape (P,)
        The parameters of the policy that acted.
    old_log_prob : ndarray of shape (N,), optional
        log p_old(a_i), in nats; by default that of ``theta_old``.
    entropy_bonus : float
        The advantage that one nat of entropy is worth; 0 for no bonus.
    limits : (low, high), optional
        Limits of theta, (P,) each, which replace those of the model.

    Notes
    -----
    Schulman et al. (2015), Trust region policy optimization, equation 14.
    """

    summarises = False

    def __init__(
        self,
        distribution: Distribution,
        model: Model,
        rows: Rows,
        advantage: np.ndarray,
        theta_old: np.ndarray,
        old_log_prob: np.ndarray | None = None,
        entropy_bonus: float = 0.0,
        limits: tuple[np.ndarray, np.ndarray] | None = None,
    ):
        super().__init__(distribution, model, rows)
        self.theta_old = theta_old
        self.entropy_bonus = entropy_bonus
        self.own_limits = limits
        if old_log_prob is None:
            old_log_prob = rows.map(_old_part, self._formula, theta_old)
        self.rows = rows.joined(advantage, old_log_prob)

    @property
    def scale(self) -> float:  # type: ignore[override]  # the advantages decide, nobody sets it
        """Mean absolute value of the advantages, plus the bonus for one nat of entropy."""
        return float(self.rows.sum(_size_part)) / self.total + self.entropy_bonus

    @property
    def _formula(self) -> Formula:
        return Formula(self.distribution, self.model, self._key, self.rows.single)

    def value(self, theta: np.ndarray) -> float:
        """Return f alone, by one forward pass."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            found = self.rows.sum(_value_part, self._formula, theta, self.entropy_bonus)
            return -float(found) / self.total

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by one forward and one backward pass."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            value, grad = self.rows.sum(_gain_part, self._formula, theta, self.entropy_bonus)
        return -float(value) / self.total, grad / -self.total

    def first_order(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,)."""
        return self.value_and_grad(theta)

    def ratios(self, theta: np.ndarray) -> np.ndarray:
        """Return the importance ratios rho_i, (N,)."""
        with np.errstate(over="ignore"):
            return self.rows.map(_ratio_part, self._formula, theta)

    def entropy(self, theta: np.ndarray) -> float:
        """Return the mean entropy of the policy over the visits, in nats."""
        if self.model.shared:
            return float(self.distribution.entropy(self.model.eta(theta, None))[0])
        return float(self.rows.sum(_entropy_part, self._formula, theta)) / self.total

    def information(self, theta: np.ndarray) -> LinearOperator | None:
        """Return None: a surrogate is replaced after one step, so that no distance is measured."""
        return None

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the policy's own limits, such as those of log std, or else the model's."""
        low, high, steps = super().limits()
        return (low, high, steps) if self.own_limits is None else (*self.own_limits, steps)

    def in_domain(self, theta: np.ndarray) -> bool:
        """Tell whether theta lies in the model's domain and inside the limits."""
        low, high, _ = self.limits()
        inside = bool((theta >= low).all() and (theta <= high).all())
        return inside and super().in_domain(theta)


# The last columns that were joined to the rows are the advantage and the old log-probability.


def _size_part(block: Block) -> float:
    """Return the weighted sum of the absolute values of the advantages."""
    return weighted(np.abs(block.extra[-2]), block.weight)


def _old_part(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Return log p(a_i) of the policy that acted, (n,), in nats."""
    return formula.distribution.log_prob(block.y, formula.linearize(theta, block).eta)


def _ratio_part(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Return the importance ratios (n,)."""
    log_prob = formula.distribution.log_prob(block.y, formula.eta(theta, block))
    return np.exp(log_prob - block.extra[-1])


def _value_part(block: Block, formula: Formula, theta: np.ndarray, bonus: float) -> float:
    """Return the weighted sum of rho A + bonus H."""
    advantage, old = block.extra[-2:]
    eta = formula.eta(theta, block)
    gain = advantage * np.exp(formula.distribution.log_prob(block.y, eta) - old)
    if bonus:
        gain = gain + bonus * formula.distribution.entropy(eta)
    return weighted(gain, block.weight)


def _gain_part(
    block: Block, formula: Formula, theta: np.ndarray, bonus: float
) -> tuple[float, np.ndarray]:
    """Return the weighted sum of rho A + bonus H, and its gradient in theta (P,)."""
    (advantage, old), family = block.extra[-2:], formula.distribution
    lin = formula.linearize(theta, block)
    log_prob, score = family.log_prob_and_score(block.y, lin.eta)
    gain = advantage * np.exp(log_prob - old)
    pull = score * gain[:, None]
    if bonus:
        entropy, slope = family.entropy_and_grad(lin.eta)
        gain = gain + bonus * entropy
        pull = pull + bonus * slope
    if block.weight is None:
        return gain.sum(), lin.vjp(pull)
    return block.weight @ gain, lin.vjp(pull * block.weight[:, None])


def _entropy_part(block: Block, formula: Formula, theta: np.ndarray) -> float:
    """Return the weighted sum of the entropies, in nats."""
    return weighted(formula.distribution.entropy(formula.eta(theta, block)), block.weight)
