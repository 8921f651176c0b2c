"""The beta-binomial distribution: successes whose probability varies from row to row."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.bijectors import Reciprocal, Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean
from natfit.distributions.forms.tabulated_counts import Tabulated
from natfit.distributions.forms.trials import Trials
from natfit.numerics.stirling import log_probability
from natfit.rows import Rows

#: Terms that are summed at once.
_TOGETHER = 2**17


class BetaBinomial(Trials, Tabulated):
    """The beta-binomial distribution of y = 0, 1, ..., n successes, a spread-out binomial.

    Each row has a probability of its own from a beta distribution with
    ``a = prob concentration`` and ``b = (1 - prob) concentration``. With
    ``d = 1 / concentration``, ``log p(y) = log C(n, y) + sum_{i<y} log(prob + i d)
    + sum_{i<n-y} log(1 - prob + i d) - sum_{i<n} log(1 + i d)``, which is the binomial at d = 0:
    eta = (logit prob, arsinh d) is regular there. The variance is
    ``n prob (1 - prob) (n + concentration) / (1 + concentration)``. Score and information are
    sums of the same kind, the Fisher information by enumeration.

    If the variance of the data is below the binomial's, the maximum is at concentration =
    infinity: the fit ends at the boundary. If all rows are 0, all are n, or n is 1, the
    concentration is not determined: such data are refused.

    Mean ``n prob``, variance ``n prob (1 - prob) (n + concentration) / (1 + concentration)``.
    In R: ``VGAM::dbetabinom(n, prob, rho = 1 / (1 + concentration))``.

    Matches ``scipy.stats.betabinom(n=n, a=a, b=b)``.

    Parameters
    ----------
    n : int
        Number of trials, >= 2, which is known.

    References
    ----------
    Griffiths (1973), Maximum likelihood estimation for the beta-binomial distribution and an
    application to the household distribution of the total number of cases of a disease, Biometrics
    29, 637-648.
    """

    params = {"prob": Unit(margin=1e-8), "concentration": Reciprocal(low=1e-8, high=1e12)}
    roles = {"prob": Role.SHARE, "concentration": Role.SHAPE}
    limit_meaning = {
        ("prob", "lower"): "all rows are 0",
        ("prob", "upper"): "all rows are n",
        ("concentration", "upper"): "the binomial distribution",
        ("concentration", "lower"): "each row is 0 or n",
    }
    differentiable = False
    has_cdf = True

    fewest = 2

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return ten trials and two."""
        return [cls(10), cls(2)]

    # ------------------------------------------------------------------------- closed forms

    def _arguments(self, eta: np.ndarray) -> tuple:
        """The logit of prob, and 1 / concentration."""
        return eta[:, 0], np.sinh(eta[:, 1])

    def _log_prob_eta(self, y: Any, eta: np.ndarray) -> np.ndarray:
        y = np.asarray(y, dtype=np.float64)
        log = self._sums(y, *self._arguments(eta))[0]
        return log - np.log(self.n + 1.0) - special.betaln(y + 1.0, self.n - y + 1.0)

    def _sums(self, y: np.ndarray, logit: np.ndarray, d: np.ndarray) -> np.ndarray:
        """log p without C(n, y), and its derivatives in (prob, d): p, d, pp, pd, dd, (6, n)."""
        up = _rising(special.expit(logit), d, y, self.n)
        down = _rising(special.expit(-logit), d, self.n - y, self.n)
        down[[1, 4]] *= -1.0
        whole = _rising(np.ones_like(d), d, np.full(1, float(self.n)), self.n)
        whole[[1, 3, 4]] = 0.0
        return up + down - whole

    def _score(self, y: np.ndarray, logit: np.ndarray, d: np.ndarray) -> np.ndarray:
        sums = self._sums(y, logit, d)
        chain = special.expit(logit) * special.expit(-logit), np.sqrt(1.0 + d * d)
        return np.stack([chain[0] * sums[1], chain[1] * sums[2]], axis=1)

    def _observed(self, y: np.ndarray, logit: np.ndarray, d: np.ndarray) -> np.ndarray:
        _, p, first, pp, pd, dd = self._sums(y, logit, d)
        one, two = special.expit(logit) * special.expit(-logit), np.sqrt(1.0 + d * d)
        out = np.empty((len(p), 2, 2))
        # The second derivative of the logistic function, and of sinh.
        out[:, 0, 0] = -(one**2 * pp + one * np.tanh(-0.5 * logit) * p)
        out[:, 0, 1] = out[:, 1, 0] = -one * two * pd
        out[:, 1, 1] = -(two**2 * dd + d * first)
        return out

    # ------------------------------------------------------------------------ probabilities

    def _log_cdf(self, y: Any, prob: Any, concentration: Any) -> np.ndarray:
        return log_probability(*self._tails(y, prob, concentration))

    def _log_sf(self, y: Any, prob: Any, concentration: Any) -> np.ndarray:
        return log_probability(*self._tails(y, prob, concentration)[::-1])

    def _tails(self, y: Any, prob: Any, concentration: Any) -> tuple[np.ndarray, np.ndarray]:
        """P(Y <= y) and P(Y > y), each the sum of its terms."""
        shape = np.broadcast_shapes(np.shape(y), np.shape(prob))
        prob, concentration = (np.ravel(v) for v in np.broadcast_arrays(prob, concentration))
        count = np.broadcast_to(np.floor(y).astype(np.intp), shape).ravel()
        below, above = np.empty(len(count)), np.empty(len(count))
        if len(prob) == 1:
            lower, upper = self._sums_of_terms(prob, 1.0 / concentration)
            below[:], above[:] = lower[0, count + 1], upper[0, count + 1]
            return below.reshape(shape), above.reshape(shape)
        parts = -(-len(count) * (self.n + 2) // _TOGETHER)
        for part in np.array_split(np.arange(len(count)), max(parts, 1)):
            lower, upper = self._sums_of_terms(prob[part], 1.0 / concentration[part])
            rows, at = np.arange(len(part)), count[part] + 1
            below[part], above[part] = lower[rows, at], upper[rows, at]
        return below.reshape(shape), above.reshape(shape)

    def _sums_of_terms(self, prob: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(Y < y) and P(Y >= y) for y = 0, ..., n + 1, each the sum of its terms, (m, n + 2)."""
        steps = np.arange(float(self.n)) * d[:, None]
        logs = np.zeros((3, len(d), self.n + 1))
        for out, share in zip(logs, (prob, 1.0 - prob, np.ones_like(prob)), strict=True):
            np.cumsum(np.log(share[:, None] + steps), axis=1, out=out[:, 1:])
        y = np.arange(self.n + 1.0)
        logs[0] += logs[1, :, ::-1] - logs[2, :, -1:]
        p = np.exp(logs[0] - np.log(self.n + 1.0) - special.betaln(y + 1.0, self.n - y + 1.0))
        below, above = np.zeros((2, len(d), self.n + 2))
        np.cumsum(p, axis=1, out=below[:, 1:])
        np.cumsum(p[:, ::-1], axis=1, out=above[:, ::-1][:, 1:])
        return below, above

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows 0, or all n: the concentration is not determined."""
        low, high = rows.extent() if summary is None else (summary[0].min(), summary[0].max())
        if low == high and low in (0.0, float(self.n)):
            raise ValueError(
                f"y must not be all {low:g} for BetaBinomial, got {rows.n} such rows: every "
                "concentration then has the same likelihood, 1; use 'binomial', whose fit ends "
                "at its limit, or collect rows until some differ"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments; one success and one failure more keep prob inside (0, 1).
        prob = (mean(y, weight) * len(y) + 1.0) / (self.n * len(y) + 2.0)
        binomial = self.n * prob * (1.0 - prob)
        ratio = mean((y - self.n * prob) ** 2, weight) / binomial
        # ratio = (n + c) / (1 + c), kept away from its ends 1 and n.
        ratio = min(max(ratio, 1.0 + 0.05 * (self.n - 1.0)), self.n - 0.1 * (self.n - 1.0))
        return {"prob": prob, "concentration": (self.n - ratio) / (ratio - 1.0)}

    def _sample(
        self, rng: np.random.Generator, n_rows: int, prob: Any, concentration: Any
    ) -> np.ndarray:
        a, b = prob * concentration, (1.0 - prob) * concentration
        # numpy's beta loses digits where both are large, and has none where they underflow.
        share = np.where(concentration < 1e10, rng.beta(np.maximum(a, 1e-300), b, n_rows), prob)
        return rng.binomial(self.n, share).astype(np.float64)

    def _moments(self, prob: Any, concentration: Any) -> tuple[Any, Any]:
        mean = self.n * prob
        spread = 1.0 + (self.n - 1.0) / (1.0 + concentration)
        return mean, mean * (1.0 - prob) * spread

    def _to_scipy(self, prob: Any, concentration: Any) -> Any:
        from scipy.stats import betabinom, binom

        if concentration > 1e9 * self.n:
            return binom(n=int(self.n), p=float(prob))
        a, b = prob * concentration, (1.0 - prob) * concentration
        return betabinom(n=int(self.n), a=float(a), b=float(b))


def _rising(p: np.ndarray, d: np.ndarray, count: np.ndarray, most: int) -> np.ndarray:
    """Sum over i < count of log(p + i d), and derivatives p, d, pp, pd, dd, (6, n)."""
    if len(p) == 1:
        i = np.arange(float(most))
        table = np.zeros((6, most + 1))
        np.cumsum(_terms(p, d, i), axis=1, out=table[:, 1:])
        return table[:, np.clip(count, 0.0, most).astype(np.intp)]
    out = np.zeros((6, len(p)))
    for trial in range(most):
        out += np.where(trial < count, _terms(p, d, float(trial)), 0.0)
    return out


def _terms(p: Any, d: Any, i: Any) -> np.ndarray:
    value = p + i * d
    one = 1.0 / value
    return np.stack([np.log(value), one, i * one, -one * one, -i * one * one, -((i * one) ** 2)])
