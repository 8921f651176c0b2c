"""Independent Bernoulli distributions side by side."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit._validation import check_number
from natfit.bijectors import Bijector, Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import BINARY
from natfit.distributions.counts.bernoulli import divergence, entropy
from natfit.distributions.forms.columns import Columns
from natfit.distributions.forms.exponential_family import Canonical
from natfit.rows import Block, Rows


class MultiBernoulli(Columns, Canonical):
    """Independent Bernoulli distributions of the M columns of y, each 0 or 1.

    ``log p(y) = sum_m y_m log prob_m + (1 - y_m) log(1 - prob_m)``; eta = (logit prob_m), K = M,
    and score, information, divergence and entropy are those of :class:`Bernoulli`, column by
    column.

    ``scipy.stats`` has no distribution of several columns of zeros and ones.

    Parameters
    ----------
    dim : int, optional
        M. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.
    """

    roles = {"prob": Role.SHARE}
    support = BINARY
    limit_meaning = {
        ("prob", "lower"): "a column is 0 in all rows",
        ("prob", "upper"): "a column is 1 in all rows",
    }
    _unbound = "its number of columns is known; call bind(y) with data (n, M), or pass dim=M"

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return one and three columns."""
        return [cls(1), cls(3)]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraint, once M is known."""
        dim = check_number(self._need_dim(), "dim", low=1, integer=True)
        return {"prob": Unit((dim,), margin=1e-8)}

    # -------------------------------------------------------------------------- closed forms

    def statistics(self, y: Any) -> tuple:
        """(y, 1 - y): the mean of both, because 1 - mean(y) would round where zeros are rare."""
        return y if isinstance(y, tuple) else (y, 1.0 - y)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        yes, no = self.statistics(y)
        if len(eta) > 1:
            # Logits for each row: one logaddexp is enough, of the outcome that did not happen.
            return -anp.sum(anp.logaddexp(0.0, (no - yes) * eta), axis=1)
        terms = yes * anp.logaddexp(0.0, -eta) + no * anp.logaddexp(0.0, eta)
        return -anp.sum(terms, axis=1)

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        yes, no = self.statistics(y)
        return yes * expit(-eta) - no * expit(eta)

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        out = np.zeros((*eta.shape, eta.shape[1]))
        at = np.arange(eta.shape[1])
        out[:, at, at] = expit(eta) * expit(-eta)
        return out

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        return divergence(eta, eta2).sum(axis=1)

    def _entropy(self, eta: Any) -> Any:
        return anp.sum(entropy(eta), axis=1)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return (eta > 0.0).astype(np.float64)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """The logits."""
        return (eta,)

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Weighted means (1, M) of y and 1 - y."""
        total, yes, no = rows.sum(_both_part, wide=True)
        return ((yes / total)[None], (no / total)[None])

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # Laplace's rule: one more row of each kind.
        mean = np.average(y, axis=0, weights=weight)
        return {"prob": (mean * len(y) + 1.0) / (len(y) + 2.0)}

    def _sample(self, rng: np.random.Generator, n: int, prob: Any) -> np.ndarray:
        return (rng.random((n, self.dim)) < prob).astype(np.float64)

    # ----------------------------------------------------------------------- mean parameters

    @property
    def mean_names(self) -> tuple[str, ...]:
        """Names of the means of the columns."""
        return tuple(f"E[y[{m}]]" for m in range(self.dim))

    @property
    def mean_sizes(self) -> tuple[int, ...]:
        """Sizes of the blocks of means: M means."""
        return (self.dim,)

    def _to_mean(self, origin: tuple, prob: Any) -> tuple:
        return (prob,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"prob": first[None]}


def _both_part(block: Block) -> tuple[float, np.ndarray, np.ndarray]:
    """Sums of the weights, of y and of 1 - y."""
    weight = np.ones(block.n) if block.weight is None else block.weight
    return weight.sum(), weight @ block.y, weight @ (1.0 - block.y)
