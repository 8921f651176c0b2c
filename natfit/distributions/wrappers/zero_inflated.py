"""Counts with a share zero_prob of extra zeros."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.wrappers._zero_altered import SHARE, ZeroAltered, log_share, share_terms


class ZeroInflated(ZeroAltered):
    """Counts of which a share zero_prob is zero, besides the zeros of the count family.

    With f the count family's probabilities and z = zero_prob,
    ``p(0) = z + (1 - z) f(0)``, ``p(y) = (1 - z) f(y)`` for y > 0; eta = (arsinh(z / (1 - z)),
    the count family's eta): the first is regular at z = 0. With w = z / p(0) the probability
    that a zero is one of the share (0 for y > 0), s and O the count family's score and observed
    information, the score in (z, the count family's eta) is ``((1 - f(0)) / p(0), (1 - w) s)`` at
    zero and ``(-1 / (1 - z), s)`` elsewhere, the observed information, u the score in z::

        [u^2                  f(0) / p(0)^2 s'             ]
        [f(0) / p(0)^2 s      (1 - w) O - w (1 - w) s s'   ]

    with 0 in place of f(0) for y > 0.
    The Fisher information is, with F that of the count family and s its score at zero, ::

        [(1 - f(0)) / ((1 - z) p(0))   f(0) / p(0) s'                            ]
        [f(0) / p(0) s                 (1 - z) (F - z f(0) / p(0) s s')          ]

    If the data
    have no more zeros than the count family expects, the maximum is at z = 0: the fit ends at the
    boundary, the count family itself. Data that are all zero are refused: they do not determine
    the count family. Where f can have nearly all of its probability on zero (a negative binomial
    with a small n), z and the parameters of f can hardly be distinguished, and standard errors
    are large.

    scipy has no such family.

    Parameters
    ----------
    family : str or Distribution, default="poisson"
        A univariate family of whole numbers from 0 on.

    References
    ----------
    Lambert (1992), Zero-inflated Poisson regression, Technometrics 34, 1-14.
    """

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """At zero_prob = 0 the count family; at its own limits what it says."""
        name = type(self.inner).__name__
        ends = {("zero_prob", "lower"): f"{name} without extra zeros"}
        return {**ends, **self.inner.limit_meaning}

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (n,): z of the values are zero, the others are the family's."""
        z, rest = self._split(eta)
        mean, var = self.inner.moments(rest)
        return (1.0 - z) * mean, (1.0 - z) * (var + z * np.square(mean))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        log_z, log_rest = log_share(eta)
        zero = anp.logaddexp(log_z, log_rest + self._at_zero(eta))
        return anp.where(y > 0, log_rest + self.inner._log_prob_eta(y, eta[:, 1:]), zero)

    def _zero_terms(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """(1 - z) d log p / dz, w, and (1 - z) f(0) / p(0)^2 or 0, (n,) each."""
        log_z, log_rest = log_share(eta)
        log_f = self._at_zero(eta)
        log_p = np.logaddexp(log_z, log_rest + log_f)
        some = y > 0
        slope = np.where(some, -1.0, -np.expm1(log_f) * np.exp(log_rest - log_p))
        w = np.where(some, 0.0, np.exp(log_z - log_p))
        return slope, w, np.where(some, 0.0, np.exp(log_rest + log_f - 2.0 * log_p))

    def _score(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        slope, w, _ = self._zero_terms(y, eta)
        first, _ = share_terms(slope, eta)
        return np.column_stack([first, (1.0 - w)[:, None] * self.inner.score(y, eta[:, 1:])])

    def _observed(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        slope, w, ratio = self._zero_terms(y, eta)
        rest = eta[:, 1:]
        s = self.inner.score(y, rest)
        out = np.empty((len(w), self.n_params, self.n_params))
        _, out[:, 0, 0] = share_terms(slope, eta)
        # d2 log p(0) / dz deta' = -f(0) / p(0)^2 s.
        cross = SHARE.rate(eta[:, 0]) * ratio
        out[:, 0, 1:] = out[:, 1:, 0] = cross[:, None] * s
        outer = s[:, :, None] * s[:, None, :]
        out[:, 1:, 1:] = (1.0 - w)[:, None, None] * self.inner.observed(y, rest)
        out[:, 1:, 1:] -= (w * (1.0 - w))[:, None, None] * outer
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
        log_z, log_rest = log_share(eta)
        log_f = self._at_zero(eta)
        log_p = np.logaddexp(log_z, log_rest + log_f)
        at_zero = self.inner.score(np.zeros(n), rest)
        rate, ratio = SHARE.rate(eta[:, 0]), np.exp(log_f - log_p)
        out = np.empty((n, self.n_params, self.n_params))
        out[:, 0, 0] = rate * rate * (-np.expm1(log_f) * np.exp(log_rest - log_p))
        out[:, 0, 1:] = out[:, 1:, 0] = (rate * np.exp(log_rest) * ratio)[:, None] * at_zero
        inner = self.inner.fisher(rest)
        inner -= (np.exp(log_z) * ratio)[:, None, None] * at_zero[:, :, None] * at_zero[:, None, :]
        out[:, 1:, 1:] = np.exp(log_rest)[:, None, None] * inner
        return out

    def expectation(self, eta: np.ndarray) -> Expectation:
        """The nodes of the count family, and zero with the share zero_prob."""
        inner = self.inner.expectation(eta[1:])
        log_z, log_rest = log_share(eta[None])
        weight = np.append(np.exp(log_rest) * inner.weight, np.exp(log_z))
        return Expectation(np.append(inner.y, 0.0), weight)

    def _tails(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        zero_prob, rest = self._split(eta)
        below, above = (
            np.log1p(-zero_prob) + t(y, rest) for t in (self.inner.log_cdf, self.inner.log_sf)
        )
        return np.logaddexp(np.log(zero_prob), below), above

    def _first_share(self, zeros: float, rest: np.ndarray) -> float:
        expected = np.exp(self.inner.log_prob(np.zeros(1), rest[None])[0])
        return np.clip((zeros - expected) / (1.0 - expected), 0.05, 0.95)

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value per row of eta, or ``size`` values for eta (1, K): (n,)."""
        zero_prob, rest = self._split(eta)
        n = len(eta) if size is None else size
        extra = rng.random(n) < zero_prob
        return np.where(extra, 0.0, self.inner.sample(rest, rng, n))
