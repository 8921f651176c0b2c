"""What zero-inflated and hurdle families share: a count family and a share of zeros."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Share
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import MANY, mean
from natfit.distributions.contract.support import Support
from natfit.distributions.contract.tails import tail
from natfit.distributions.forms.tabulated_counts import Tabulated
from natfit.distributions.wrappers.base import Extended
from natfit.rows import Block, Rows

SHARE = Share()


def log_share(eta: Any) -> tuple[Any, Any]:
    """log z and log(1 - z), (n,) each."""
    near, far = anp.minimum(eta[:, 0], 1.0), anp.maximum(eta[:, 0], 1.0)
    odds = anp.sinh(near)
    log_near = -anp.log1p(odds)
    # Beyond 1, the odds in units of the exponential, which overflows.
    log_far = -far - anp.log(anp.exp(-far) - 0.5 * anp.expm1(-2.0 * far))
    is_near = eta[:, 0] < 1.0
    log_z = anp.where(is_near, anp.log(odds) + log_near, anp.log1p(-anp.exp(log_far)))
    return log_z, anp.where(is_near, log_near, log_far)


def share_terms(slope: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score and observed information in eta_0, (n,) each, of (1 - z) d log p / dz.

    The second derivative in z is minus the square of the first, for every row of
    families whose p is linear in z.

    Returns
    -------
    score, observed : ndarray of shape (n,)
        In eta_0.
    """
    rate = SHARE.rate(eta[:, 0])
    score = rate * slope
    # The second derivative of z is (1 - z) (z - 2 rate^2).
    return score, score**2 - (SHARE._forward(eta[:, 0]) - 2.0 * rate**2) * slope


class ZeroAltered(Extended, Tabulated):
    """A count family and a share z of zeros; eta = (arsinh(z / (1 - z)), the count family's eta).

    The closed forms work in eta: they call the count family at eta' = eta[:, 1:].

    Parameters
    ----------
    family : str or Distribution
        A univariate family of whole numbers from 0 on.
    """

    compare_after = 25
    own_params = {"zero_prob": SHARE}
    own_roles = {"zero_prob": Role.SHARE}

    def __init__(self, family: str | Distribution = "poisson"):
        super().__init__(family)

    def _admit(self, inner: Distribution) -> None:
        support = inner.support
        counts = support is not None and support.integer and support.low == 0
        if not counts or inner.event_shape != () or isinstance(inner, ZeroAltered):
            raise ValueError(
                f"family must be a family of counts from 0 on for {type(self).__name__}, such as "
                f"'poisson' or 'negative_binomial', got {inner!r}; for zeros beside a density use "
                "ZeroAdjusted(family)"
            )

    @property
    def support(self) -> Support:
        """The support of the count family."""
        return self.inner.known_support

    @classmethod
    def examples(cls) -> list[ZeroAltered]:
        """Return Poisson and geometric counts."""
        return [cls(), cls("geometric")]

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself."""
        return (eta,)

    def _at_zero(self, eta: Any) -> Any:
        """The count family's log-probability of zero (n,), for eta (n, K)."""
        return self.inner._log_prob_eta(np.zeros(1), eta[:, 1:])

    # ------------------------------------------------------------------------ probabilities

    def _tails(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log P(Y <= y) and log P(Y > y) inside the support, (n,) each."""
        raise NotImplementedError

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; y may be infinite."""
        return tail(self, lambda y, *_: self._tails(y, eta)[0], y, eta, -np.inf, 0.0)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats; y may be infinite."""
        return tail(self, lambda y, *_: self._tails(y, eta)[1], y, eta, 0.0, -np.inf)

    # ----------------------------------------------------------------------- data and start

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All counts zero: the parameters of the count family are not determined."""
        self._refuse_all_zero(rows, summary, "'bernoulli', whose fit ends at prob = 0")

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The family's own start, because from a rate that is far too small the way is long."""
        return self.initial(rows.few(MANY), np.random.default_rng(0))

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """A share of zeros, and the count family's start from the positive rows."""
        y, weight, some = few.y, few.weight, few.y > 0
        if some.any():
            few = Block(y[some], weight=None if weight is None else weight[some])
        rest = self.inner.initial(few, rng)
        share = self._first_share(self._zeros(y, weight), rest)
        return np.concatenate([SHARE.to_eta(np.array([share]))[0], rest])

    def _first_share(self, zeros: float, rest: np.ndarray) -> float:
        """zero_prob of the start, given the share of zeros and the count family's eta (K',)."""
        raise NotImplementedError

    def _zeros(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        """Share of zeros, at least half a row away from 0 and from 1."""
        return (mean(y == 0, weight) * len(y) + 0.5) / (len(y) + 1.0)
