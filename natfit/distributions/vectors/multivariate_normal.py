"""The multivariate normal distribution."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Self

import numpy as np

from natfit._validation import check_option
from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.columns import OfColumns
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.columns import Columns
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_means
from natfit.distributions.vectors._gaussian import LOG_2PI
from natfit.distributions.vectors._gaussian_full import STRUCTURES
from natfit.rows import Block, Memory, Rows, total_weight

#: Eigenvalue, per column, below which a correlation matrix counts as singular: for an exact linear
#: dependence rounding leaves about 1e-16.
_SINGULAR = 1e-12

#: Value at which the eigenvalues of a singular correlation matrix are held at least: the condition
#: number of the Fisher information, the square of the matrix's, stays inside double precision.
_FLOOR = 1e-8

#: Variances whose squares, which standard errors need, are inside the range of doubles.
_RANGE = (1e-140, 1e140)

#: Squared share of a column in the null space above which the message names the column.
_INVOLVED = 1e-6


class MultivariateNormal(Columns, ExponentialFamily):
    """The multivariate normal distribution of y (n, D).

    ``log p(y) = -D/2 log(2 pi) - 1/2 log|Sigma| - 1/2 (y - loc)' Sigma^-1 (y - loc)``.

    =============  ==========================  ======================================  ========
    covariance     native                      eta                                     K
    =============  ==========================  ======================================  ========
    ``full``       loc (D,), covariance (D,D)  loc, log diagonal of L, L below it      D(D+3)/2
    ``diag``       loc (D,), scale (D,)        loc, log scale                          2 D
    ``spherical``  loc (D,), scale             loc, log scale                          D + 1
    =============  ==========================  ======================================  ========

    L is the Cholesky factor, Sigma = L L'. The Fisher information is Sigma^-1 for loc; with
    A = L^-1 dL it is the sum of dA_ij^2 below the diagonal and 2 dA_ii^2 on it (2 for each
    column's log scale where Sigma is diagonal).

    In R: ``mvtnorm::dmvnorm(loc, covariance)``.

    Parameters
    ----------
    covariance : {"full", "diag", "spherical"}
        Structure of Sigma.
    dim : int, optional
        D. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.

    Notes
    -----
    The closed forms take eta, not native values, because eta holds the factor of Sigma. Matches
    ``scipy.stats.multivariate_normal(mean=loc, cov=Sigma)``.
    """

    support = REAL

    def __init__(self, covariance: str = "full", dim: int | None = None):
        super().__init__(dim)
        self.covariance = covariance

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return every structure in two and three dimensions."""
        return [cls(kind, dim) for kind in STRUCTURES for dim in (2, 3)]

    # ------------------------------------------------------------------ the parameter blocks

    def _count_columns(self, rows: Rows) -> int:
        check_option(self.covariance, "covariance", tuple(STRUCTURES))
        if len(rows.event_shape) != 1:
            raise ValueError(
                "y must have shape (n, D) for MultivariateNormal, got "
                f"{(rows.n, *rows.event_shape)}; use y.reshape(-1, 1), or the family 'normal'"
            )
        (columns,) = rows.event_shape
        if self.dim not in (None, columns):
            raise ValueError(
                f"y must have {self.dim} columns for MultivariateNormal(dim={self.dim}), got "
                f"{columns}; leave dim=None to take it from the data"
            )
        return columns

    def _of_columns(self, dim: int) -> Self:
        return type(self)(self.covariance, dim)

    @cached_property
    def _form(self) -> Any:
        dim = self._need_dim()
        check_option(self.covariance, "covariance", tuple(STRUCTURES))
        return STRUCTURES[self.covariance](dim)

    @property
    def params(self) -> dict[str, Bijector]:
        """The constraints, once D is known."""
        return self._form.params()

    @property
    def roles(self) -> dict[str, Role]:
        """A location, and a scale or a covariance."""
        return self._form.roles

    # -------------------------------------------------------------------------- closed forms

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return self._form.log_prob(y, eta)

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return self._form.score(y, eta)

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return self._form.observed(y, eta)

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        return self._form.fisher(eta)

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        return self._form.kl(eta, eta2)

    def _wasserstein(self, eta: np.ndarray) -> np.ndarray:
        return self._form.wasserstein(eta)

    def _half_square_wasserstein(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        return self._form.half_square_wasserstein(eta, eta2)

    @property
    def _energy(self) -> Callable | None:  # type: ignore[override]  # the structure decides
        return getattr(self._form, "energy", None)

    @property
    def _energy_distance(self) -> Callable | None:  # type: ignore[override]
        return getattr(self._form, "energy_distance", None)

    def _entropy(self, eta: Any) -> Any:
        return self._form.half_log_det(eta) + 0.5 * self.dim * (1.0 + LOG_2PI)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, : self.dim].copy()

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself, which holds the factor of Sigma."""
        return (eta,)

    # Rows that share eta are summed by way of their summary: no array (n, K) is made.

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums of log p, a number, and of its score (K,), for eta (1, K)."""
        if isinstance(y, tuple):
            return super().sum_value_and_score(y, weight, eta)
        total = total_weight(weight, len(y))
        mean = self.sufficient(Memory(y, weight=weight))
        return total * self.log_prob(mean, eta)[0], total * self.score(mean, eta)[0]

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K, K), for eta (1, K)."""
        if isinstance(y, tuple):
            return super().sum_observed(y, weight, eta)
        total = total_weight(weight, len(y))
        return total * self.observed(self.sufficient(Memory(y, weight=weight)), eta)[0]

    def statistics(self, y: Any) -> Any:
        """Rows or the summary, unchanged: the closed forms take both."""
        return y

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Mean (1, D) and second moment about it, accumulated about the mean of a few rows.

        The second moment is (1, D, D) for ``full``, else (1, D).

        Returns
        -------
        tuple of two ndarray
            One row each.
        """
        # The mean of a few rows, because a single row could be an outlier.
        few = rows.glance()
        shift = np.average(few.y, axis=0, weights=few.weight)
        total, first, second = rows.sum(self._moments_part, shift)
        delta = first / total
        spread = self._form.variances(self._form.centre(second / total, delta))
        if np.any(np.abs(delta) > 10.0 * np.sqrt(spread)):
            # They were unlike the others: digits are lost that far from the mean.
            shift = shift + delta
            total, first, second = rows.sum(self._moments_part, shift)
            delta = first / total
        return (shift + delta)[None], self._form.centre(second / total, delta)[None]

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """Mean, and second moment about it, of both parts."""
        share = other / (weight + other)
        mean, spread = joined_means(one, weight, two, other)
        between = self._form.moment(two[0] - one[0], None)
        return mean, spread + share * (1.0 - share) * between

    def _moments_part(self, block: Block, shift: np.ndarray) -> tuple:
        """Sums of the weights, of y - shift, and of its second moment."""
        gap, weight = block.y - shift, block.weight
        if weight is None:
            return float(block.n), gap.sum(axis=0), self._form.moment(gap, None)
        return weight.sum(), weight @ gap, self._form.moment(gap, weight)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """A constant column: |Sigma| -> 0 and the likelihood grows without limit.

        Raises
        ------
        ValueError
            Naming the columns and the remedy.
        """
        if summary is not None:
            size = self._form.variances(summary[1][0])
            if np.all(size > 0):
                self._check_range(size)
                return
        constant = np.flatnonzero(np.equal(*rows.extent()))
        spared = self.covariance == "spherical" and len(constant) < self.dim
        if len(constant) and not spared:
            words = OfColumns(
                "y must have no constant column for MultivariateNormal, got column(s) ",
                constant.tolist(),
                f" with {rows.n} equal rows: the likelihood grows without limit as the density "
                "shrinks to a plane; drop them",
            )
            raise ValueError(words)

    def _check_range(self, variance: np.ndarray) -> None:
        """Raise where squares of variances would be outside the range of doubles."""
        out = np.flatnonzero((variance < _RANGE[0]) | (variance > _RANGE[1]))
        if len(out):
            words = OfColumns(
                f"y must have variances between {_RANGE[0]:g} and {_RANGE[1]:g} for "
                f"MultivariateNormal, got {variance[out[0]]:g} in column ",
                int(out[0]),
                "; divide the columns by their size, as StandardScaler does",
            )
            raise ValueError(words)

    def bounded(self, summary: tuple) -> tuple[tuple, str | None]:
        """Second moments whose correlation matrix has no eigenvalue below a floor.

        Where columns depend linearly, or there are no more rows than columns, Sigma becomes
        singular and the likelihood grows without limit. Where an eigenvalue of the correlation
        matrix is zero, all of them are therefore held at 1e-8 at least: among the Sigma that keep
        this limit the likelihood is highest at the one whose eigenvalues are clipped
        (Won et al., 2013, section 2).

        Returns
        -------
        summary : tuple
            As it is where no eigenvalue is too small.
        note : str or None
            Which columns depend on each other.
        """
        if self.covariance != "full":
            return summary, None
        mean, spread = summary
        scale = np.sqrt(np.diagonal(spread[0]))
        # That of one row, say, in a batch of its own.
        scale = np.where(scale > 0, scale, 1.0)
        value, vector = np.linalg.eigh(spread[0] / np.outer(scale, scale))
        null = value <= _SINGULAR * len(scale)
        if not null.any():
            return summary, None
        columns = np.flatnonzero(np.sum(vector[:, null] ** 2, axis=1) > _INVOLVED).tolist()
        held = (vector * np.maximum(value, _FLOOR)) @ vector.T * np.outer(scale, scale)
        note = OfColumns(
            "covariance is singular: a linear combination of the columns ",
            columns,
            f" is constant, or there are no more rows than the {len(scale)} columns; the variance "
            f"of standardised combinations is held at {_FLOOR:g}; a diagonal covariance, fewer "
            "columns or more rows determine it",
        )
        return (mean, held[None]), note

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        loc, scale = np.transpose([location_scale(column, weight) for column in y.T])
        return {"loc": loc, **self._form.start(scale)}

    def _sample(self, rng: np.random.Generator, n: int, eta: np.ndarray) -> np.ndarray:
        return self._form.scatter(rng.standard_normal((n, self.dim)), eta)

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value per row of eta, or ``size`` values for eta (1, K): (n, D)."""
        return self._sample(rng, len(eta) if size is None else size, eta)

    def _to_scipy(self, loc: Any, part: Any) -> Any:
        from scipy.stats import multivariate_normal

        return multivariate_normal(mean=loc, cov=self._form.scipy_covariance(part))

    # ----------------------------------------------------------------------- mean parameters

    @property
    def mean_names(self) -> tuple[str, ...]:
        """Names of E[y - c] and of the second moments about c."""
        first = [f"E[(y - c)[{j}]]" for j in range(self.dim)]
        return (*first, *self._form.mean_names())

    @property
    def mean_sizes(self) -> tuple[int, ...]:
        """D first moments, then the second ones."""
        return (self.dim, self.n_params - self.dim)

    def _to_mean(self, origin: tuple, loc: Any, part: Any) -> tuple:
        gap = loc - origin[0]
        return gap, self._form.to_second(gap, part)

    def _from_mean(self, origin: tuple, first: Any, second: Any) -> dict[str, Any]:
        return {"loc": origin[0] + first, **self._form.from_second(first, second)}
