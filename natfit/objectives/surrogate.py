"""The surrogate of a policy's return, which weighs advantages by importance ratios."""

from __future__ import annotations

import copy

import numpy as np

from natfit.distributions.base import Distribution
from natfit.linops import LinearOperator
from natfit.models import Model
from natfit.objectives._formula import Formula, weighted
from natfit.objectives.likelihood import _KEYS, Likelihood
from natfit.rows import Block, Memory, Rows


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

    #: c of ratios that gain nothing outside of [1 - c, 1 + c]; None where they are not clipped.
    clip: float | None = None

    #: Whether forward passes overwrite each other's memory; see :meth:`over`.
    refills = False

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
        return Formula(
            self.distribution, self.model, self._key, self.rows.single, refills=self.refills
        )

    def over(
        self, rows: Memory, advantage: np.ndarray, old_log_prob: np.ndarray
    ) -> PolicySurrogate:
        """Return the same objective on other rows, which may change between two evaluations.

        Parameters
        ----------
        rows : Memory
            Actions, states and weights of n rows.
        advantage, old_log_prob : ndarray of shape (n,)
            Their advantages, and log p_old in nats.

        Returns
        -------
        PolicySurrogate
            Of the same kind. Call :meth:`renewed` on it whenever the arrays have changed.
        """
        other = copy.copy(self)
        other._key = next(_KEYS)
        other.rows = rows.joined(advantage, old_log_prob)
        return other.renewed()

    def renewed(self) -> PolicySurrogate:
        """Return the objective itself, after it has noted that the numbers in its rows changed."""
        self.total = float(self.rows.sum(_weight_part))
        self.yardstick = max(self.total, float(self.rows.n))
        self.rows.changed()
        return self

    def value(self, theta: np.ndarray) -> float:
        """Return f alone, by one forward pass."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            found = self.rows.sum(_value_part, self._formula, theta, self.entropy_bonus, self.clip)
            return -float(found) / self.total

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by one forward and one backward pass."""
        self.evaluations += 1
        with np.errstate(all="ignore"):
            value, grad, _ = self.rows.sum(
                _gain_part, self._formula, theta, self.entropy_bonus, self.clip
            )
        return -float(value) / self.total, grad / -self.total

    def gradient(self, theta: np.ndarray, out: np.ndarray) -> tuple[float, float]:
        """Write the gradient (P,) to ``out``; return f and an estimate of KL(old || new).

        The estimate, the mean of rho - 1 - log rho, costs nothing: its expectation under the old
        policy is the divergence, and no term is negative.

        Returns
        -------
        value, divergence : float
            f, and nats per visit.
        """
        self.evaluations += 1
        with np.errstate(all="ignore"):
            value, grad, spread = self.rows.sum(
                _gain_part, self._formula, theta, self.entropy_bonus, self.clip, True
            )
            np.divide(grad, -self.total, out=out)
        return -float(value) / self.total, float(spread) / self.total

    def first_order(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,)."""
        return self.value_and_grad(theta)

    def ratios(self, theta: np.ndarray) -> np.ndarray:
        """Return the importance ratios rho_i, (N,)."""
        with np.errstate(over="ignore"):
            return self.rows.map(_ratio_part, self._formula, theta)

    def spread(self, theta: np.ndarray) -> float:
        """Return the estimate of KL(old || new) that :meth:`gradient` returns, in nats."""
        with np.errstate(all="ignore"):
            return float(self.rows.sum(_spread_part, self._formula, theta)) / self.total

    def clip_fraction(self, theta: np.ndarray) -> float:
        """Return the share of the visits whose ratio is outside of the range; 0 without one."""
        if self.clip is None:
            return 0.0
        found = self.rows.sum(_outside_part, self._formula, theta, self.clip)
        return float(found) / self.total

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


def _weight_part(block: Block) -> float:
    """Return the sum of the weights."""
    return float(block.n) if block.weight is None else float(block.weight.sum())


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


def _outside_part(block: Block, formula: Formula, theta: np.ndarray, clip: float) -> float:
    """Return the weighted number of ratios that are further than the range from 1."""
    with np.errstate(over="ignore"):
        away = np.abs(_ratio_part(block, formula, theta) - 1.0) > clip
    return weighted(away.astype(np.float64), block.weight)


def _spread_part(block: Block, formula: Formula, theta: np.ndarray) -> float:
    """Return the weighted sum of rho - 1 - log rho."""
    eta = formula.eta(theta, block)
    log_ratio = formula.distribution.log_prob(block.y, eta) - block.extra[-1]
    return weighted(np.expm1(log_ratio) - log_ratio, block.weight)


def _gains(
    advantage: np.ndarray, log_ratio: np.ndarray, clip: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return gains (n,) of the ratios rho, and their derivatives in log rho."""
    ratio = np.exp(log_ratio)
    gain = advantage * ratio
    if clip is None:
        return gain, gain
    limit = np.where(advantage > 0.0, 1.0 + clip, 1.0 - clip)
    beyond = np.where(advantage > 0.0, ratio > limit, ratio < limit)
    return np.where(beyond, advantage * limit, gain), np.where(beyond, 0.0, gain)


def _value_part(
    block: Block, formula: Formula, theta: np.ndarray, bonus: float, clip: float | None
) -> float:
    """Return the weighted sum of gains + bonus H."""
    advantage, old = block.extra[-2:]
    eta = formula.eta(theta, block)
    gain, _ = _gains(advantage, formula.distribution.log_prob(block.y, eta) - old, clip)
    if bonus:
        gain = gain + bonus * formula.distribution.entropy(eta)
    return weighted(gain, block.weight)


def _gain_part(
    block: Block,
    formula: Formula,
    theta: np.ndarray,
    bonus: float,
    clip: float | None,
    spread: bool = False,
) -> tuple[float, np.ndarray, float]:
    """Return weighted sums: gains + bonus H, its gradient in theta (P,), rho - 1 - log rho."""
    (advantage, old), family = block.extra[-2:], formula.distribution
    lin = formula.linearize(theta, block)
    log_prob, score = family.log_prob_and_score(block.y, lin.eta)
    log_ratio = log_prob - old
    gain, slope = _gains(advantage, log_ratio, clip)
    pull = score * slope[:, None]
    if bonus:
        entropy, rise = family.entropy_and_grad(lin.eta)
        gain = gain + bonus * entropy
        pull = pull + bonus * rise
    away = weighted(np.expm1(log_ratio) - log_ratio, block.weight) if spread else 0.0
    if block.weight is None:
        return gain.sum(), lin.vjp(pull), away
    return block.weight @ gain, lin.vjp(pull * block.weight[:, None]), away


def _entropy_part(block: Block, formula: Formula, theta: np.ndarray) -> float:
    """Return the weighted sum of the entropies, in nats."""
    return weighted(formula.distribution.entropy(formula.eta(theta, block)), block.weight)
