"""The multinomial distribution of K counts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, Simplex
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Role, Route
from natfit.distributions.counts.categorical import Categorical, log_softmax
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.vectors._compositions import CountVectors, log_coefficient
from natfit.linops.row_curvature import DiagonalMinusOuter, RowCurvature
from natfit.rows import Block, Rows


class Multinomial(ExponentialFamily, CountVectors):
    """The multinomial distribution of counts y (n, D), given the total m of each row.

    ``log p(y) = log m! - sum log y_d! + sum y_d log probs_d``; eta holds the K = D - 1 log odds
    against the last category, probs = softmax(eta, 0). Totals may vary from row to row. With p
    the probabilities of the first K categories, the score is y - m p, the observed information
    m (diag p - p p'), and the Fisher information is the same at the mean of ``totals``. For a
    category that never occurs the maximum is at probability zero: a fit of a constant model holds
    it at 1e-8 and ends at the boundary. For counts that vary more, use ``dirichlet_multinomial``.

    In R: ``dmultinom(probs)``.

    Matches ``scipy.stats.multinomial(n=m, p=probs)``.

    Parameters
    ----------
    dim : int, optional
        D >= 2. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.
    totals : int or tuple of int, optional
        Totals of rows, each equally likely, for draws and expectations; the likelihood uses
        each row's own total. Without them, :meth:`bind` takes those of the data, or 16 that
        represent them.
    """

    # The expected information is that of ``totals``, which may only represent those of the data;
    # the observed one is that of the data.
    information = InformationKind(Route.CLOSED_FORM, agrees=False)
    roles = {"probs": Role.SHARE}
    # That of rows belongs to the mean total, not to their own.
    fisher_by_rows = False
    concave = True

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return two and three categories, with one total and with two."""
        return [cls(2, 7), cls(3, (2, 5))]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraint, once D is known."""
        return {"probs": Simplex(self._need_dim())}

    @cached_property
    def _one(self) -> Categorical:
        """The family of a single count."""
        return Categorical(self._need_dim())

    # -------------------------------------------------------------------------- closed forms

    def statistics(self, y: Any) -> tuple:
        """Counts (n, D) and the log multinomial coefficient (n,)."""
        return y if isinstance(y, tuple) else (y, log_coefficient(y))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        count, coefficient = self.statistics(y)
        return anp.sum(count.T * log_softmax(eta), axis=0) + coefficient

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K), from one softmax."""
        count, coefficient = self.statistics(y)
        logs = log_softmax(eta)
        value = np.add.reduce(count.T * logs, axis=0) + coefficient
        return value, (count.T[:-1] - count.sum(axis=1) * np.exp(logs[:-1])).T

    def _counts(self, y: Any) -> np.ndarray:
        """Counts (n, D) without the coefficient, which would cost more than all the rest."""
        return y[0] if isinstance(y, tuple) else y

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        count = self._counts(y).T
        return (count[:-1] - count.sum(axis=0) * np.exp(log_softmax(eta)[:-1])).T

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return self._counts(y).sum(axis=1)[:, None, None] * self._one._fisher(eta)

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        return self._totals.mean() * self._one._fisher(eta)

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """m (diag p - p p') of each row, without its K^2 entries."""
        p = np.exp(log_softmax(eta)[:-1]).T
        return DiagonalMinusOuter(p, self._counts(y).sum(axis=1))

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        return self._totals.mean() * self._one._kl(eta, eta2)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself: log odds stay exact where a probability rounds to zero or one."""
        return (eta,)

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Mean counts (1, D) and mean log coefficient (1,)."""
        count, coefficient = rows.sum(self._sums_part, wide=True)
        return (count / rows.total)[None], np.array([coefficient / rows.total])

    def _sums_part(self, block: Block) -> tuple[np.ndarray, float]:
        """Sums of the counts (D,) and of the log coefficient."""
        (count, coefficient), weight = self.statistics(block.y), block.weight
        if weight is None:
            return count.sum(axis=0), coefficient.sum()
        return weight @ count, weight @ coefficient

    def bounded(self, summary: tuple) -> tuple[tuple, str | None]:
        """Mean counts with those of zero held at 1e-8 of the total, and a note that names them."""
        total = summary[0].sum()
        held, note = self._one.bounded((summary[0] / total,))
        return (total * held[0], summary[1]), note

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # Laplace's rule: one more count of each category.
        count = (y.sum(axis=0) if weight is None else weight @ y) + 1.0
        return {"probs": count / count.sum()}

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw counts for every row of eta, or ``size`` times for eta (1, K): (n, D) float64."""
        return self._sample(rng, len(eta) if size is None else size, *self.native(eta))

    def _sample(self, rng: np.random.Generator, n: int, probs: np.ndarray) -> np.ndarray:
        return rng.multinomial(self._draw_totals(rng, n), probs).astype(np.float64)

    def _to_scipy(self, probs: Any) -> Any:
        from scipy.stats import multinomial

        return multinomial(self._only_total(), probs)

    # ----------------------------------------------------------------------- mean parameters

    @property
    def mean_names(self) -> tuple[str, ...]:
        """Names of the mean shares of the first K categories."""
        return tuple(f"E[y[{k}] / total]" for k in range(self.n_params))

    @property
    def mean_sizes(self) -> tuple[int, ...]:
        """Sizes of the blocks of means: K shares."""
        return (self.n_params,)

    def _to_mean(self, origin: tuple, probs: Any) -> tuple:
        return (probs[:, :-1],)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"probs": self.params["probs"].unpack(anp.reshape(first, (1, -1)))}
