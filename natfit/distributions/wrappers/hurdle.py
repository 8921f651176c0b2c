"""Counts that are zero with probability zero_prob, whatever the family says of zeros."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.wrappers._zero_altered import SHARE, ZeroAltered, log_share, share_terms
from natfit.rows import Rows, share_equal

#: Maximum number of rounds in which zeros are drawn again; rows that are then still zero become 1.
_ROUNDS = 1_000

#: Difference per row, in nats, up to which counts are as likely as they may be.
_SAME = 1e-7


class Hurdle(ZeroAltered):
    """Counts that are zero with probability zero_prob, else from a count family without zeros.

    With f the count family's probabilities, ``p(0) = zero_prob`` and
    ``p(y) = (1 - zero_prob) f(y) / (1 - f(0))`` for y > 0; eta = (arsinh of the odds of
    zero_prob, the count family's eta): the first is regular at zero_prob = 0. The two parts
    share no parameter, so that the information is block-diagonal: with q = f(0) / (1 - f(0)),
    s0 and O0 the count family's score and observed information at zero, a positive row has
    score ``s + q s0`` and observed information ``O + q O0 - q (1 + q) s0 s0'``. Its expectation
    is ``(1 - zero_prob) (1 + q) (F - q s0 s0')`` with F the count family's information.

    If the data have no zeros, the maximum is at zero_prob = 0: the fit ends at the boundary, the
    count family cut off at zero. If all positive counts are 1, the count family goes to its own
    limit at which larger counts have no probability. Data that are all zero are refused.

    scipy has no such family.

    Parameters
    ----------
    family : str or Distribution, default="poisson"
        A univariate family of whole numbers from 0 on.

    References
    ----------
    Mullahy (1986), Specification and testing of some modified count data models, Journal of
    Econometrics 33, 341-365.
    """

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """At zero_prob = 0 the count family cut off at zero; at its own limits what it says."""
        name = type(self.inner).__name__
        ends = {
            key: "all positive counts are 1" if key in self.inner.zero_ends else words
            for key, words in self.inner.limit_meaning.items()
        }
        return {("zero_prob", "lower"): f"{name} cut off at zero, no zeros", **ends}

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """All positive counts are 1, as likely as they may be: the family has nothing to add.

        Returns
        -------
        str or None
            The limit in words; it names the parameters that mean nothing there.
        """
        if rows.event_shape != () or float(rows.extent()[1]) != 1.0:
            return None
        zeros = share_equal(rows, 0.0)
        best = rows.total * float(special.xlogy(zeros, zeros) + special.xlog1py(1 - zeros, -zeros))
        value = float(rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0])
        if not abs(value - best) < _SAME * rows.total:
            return None
        names = ", ".join(self.inner.params)
        return (
            f"all positive counts are 1: {type(self.inner).__name__} without zeros has reached its "
            f"limit with no larger count, and the data do not determine {names} there; zero_prob "
            f"is the share of zeros, {zeros:.7g}"
        )

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (n,): the count family's, of counts above zero."""
        zero_prob, rest = self._split(eta)
        mean, var = self.inner.moments(rest)
        # The share of the count family that this one has, as if its zeros were left out.
        share = (1.0 - zero_prob) / -np.expm1(self._at_zero(eta))
        return share * mean, share * (var + (1.0 - share) * np.square(mean))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        log_zero, log_rest = log_share(eta)
        log_rest = log_rest - anp.log(-anp.expm1(self._at_zero(eta)))
        return anp.where(y > 0, log_rest + self.inner._log_prob_eta(y, eta[:, 1:]), log_zero)

    def _slope(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """(1 - zero_prob) d log p / d zero_prob: the inverse odds at zero, -1 elsewhere."""
        log_zero, log_rest = log_share(eta)
        return np.where(y > 0, -1.0, np.exp(log_rest - log_zero))

    def _odds(self, eta: np.ndarray) -> np.ndarray:
        """f(0) / (1 - f(0)), (n,)."""
        return 1.0 / np.expm1(-self._at_zero(eta))

    def _score(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        some, rest = y > 0, eta[:, 1:]
        at_zero = self._odds(eta)[:, None] * self.inner.score(np.zeros(1), rest)
        inner = np.where(some[:, None], self.inner.score(y, rest) + at_zero, 0.0)
        first, _ = share_terms(self._slope(y, eta), eta)
        return np.column_stack([first, inner])

    def _observed(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        some, rest, zero = (y > 0)[:, None, None], eta[:, 1:], np.zeros(1)
        q = self._odds(eta)[:, None, None]
        s = self.inner.score(zero, rest)
        cut = q * self.inner.observed(zero, rest) - q * (1.0 + q) * s[:, :, None] * s[:, None, :]
        out = np.zeros((max(len(y), len(eta)), self.n_params, self.n_params))
        _, out[:, 0, 0] = share_terms(self._slope(y, eta), eta)
        out[:, 1:, 1:] = np.where(some, self.inner.observed(y, rest) + cut, 0.0)
        return out

    @property
    def fisher_by_rows(self) -> bool:
        """Whether the count family's information is a closed form."""
        return self.inner.fisher_by_rows

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information (n, K, K), from that of the count family; see the class."""
        if not self.fisher_by_rows:
            return super().fisher(eta)
        rest, n = eta[:, 1:], len(eta)
        log_zero, log_rest = log_share(eta)
        log_f = self._at_zero(eta)
        log_some = np.log(-np.expm1(log_f))
        at_zero = self.inner.score(np.zeros(n), rest)
        out = np.zeros((n, self.n_params, self.n_params))
        out[:, 0, 0] = np.square(SHARE.rate(eta[:, 0])) * np.exp(log_rest - log_zero)
        inner = self.inner.fisher(rest)
        outer = at_zero[:, :, None] * at_zero[:, None, :]
        inner -= np.exp(log_f - log_some)[:, None, None] * outer
        out[:, 1:, 1:] = np.exp(log_rest - log_some)[:, None, None] * inner
        return out

    def expectation(self, eta: np.ndarray) -> Expectation:
        """The count family's positive nodes, and zero with its probability."""
        inner = self.inner.expectation(eta[1:])
        some = inner.y > 0
        y = np.append(inner.y[some], 0.0) if some.any() else np.array([1.0, 0.0])
        weight = inner.weight[some] if some.any() else np.ones(1)
        log_zero, log_rest = log_share(eta[None])
        weight = np.exp(log_rest) * (weight / weight.sum())
        return Expectation(y, np.append(weight, np.exp(log_zero)))

    def _tails(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        zero_prob, rest = self._split(eta)
        above = self.inner.log_sf(y, rest) - self.inner.log_sf(np.zeros(1), rest)
        above = np.log1p(-zero_prob) + above
        return np.log(-np.expm1(above)), above

    def _first_share(self, zeros: float, rest: np.ndarray) -> float:
        return zeros

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value per row of eta, or ``size`` values for eta (1, K): (n,)."""
        zero_prob, rest = self._split(eta)
        n = len(eta) if size is None else size
        y = np.zeros(n)
        left = np.flatnonzero(rng.random(n) >= zero_prob)
        rest = np.broadcast_to(rest, (n, rest.shape[1]))
        for _ in range(_ROUNDS):
            if not len(left):
                return y
            y[left] = self.inner.sample(rest[left], rng)
            left = left[y[left] == 0]
        # Where zero is almost certain, so is 1 among the positive counts.
        y[left] = 1.0
        return y
