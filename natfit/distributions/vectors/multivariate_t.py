"""The multivariate Student's t distribution."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, Covariance, Real, Reciprocal
from natfit.distributions.base import Distribution
from natfit.distributions.contract.columns import OfColumns
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.columns import Columns
from natfit.distributions.real.student_t import _chain
from natfit.distributions.vectors._gaussian import LOG_2PI
from natfit.distributions.vectors._gaussian_full import Full, _inverse, _whiten
from natfit.distributions.vectors._multivariate_t import (
    Products,
    collapse,
    constant,
    constants,
    curvature,
    information,
    parts,
    plane,
    slope,
    start,
)
from natfit.numerics.special import student_slope
from natfit.rows import Block, Memory, Rows, mean_over, weighted_total

#: Number of entries per chunk of :class:`Products`: they fit into the second-level cache of a core.
_ENTRIES = 2**16


class MultivariateT(Columns):
    """The multivariate t distribution of y (n, D): heavy tails in every direction.

    With the scale matrix S = L L', z = L^-1 (y - loc) and u = z'z / df,
    ``log p(y) = log Gamma((df + D) / 2) - log Gamma(df / 2) - D/2 log(pi df) - log|L|
    - (df + D) / 2 log(1 + u)``; eta = (loc, log diagonal of L, L below it row by row,
    arsinh(1 / df)), K = D (D + 3) / 2 + 1. S is not the covariance matrix, which is
    S df / (df - 2) for df > 2. A row has the weight (df + D) / (df + z'z), small far out.

    Fisher information, with v = df, A = L^-1 dL and c = (v + D) / (v + D + 2): c S^-1 for loc;
    c times the normal's less 2 (tr A)^2 / (v + D + 2) for L; -2 v tr A / ((v + D)(v + D + 2))
    between L and log v (Lange, Little and Taylor, 1989); that of v is ``information`` in
    ``natfit/distributions/vectors/_multivariate_t.py``.

    In R: ``mvtnorm::dmvt(loc, scale, df)``.

    Matches ``scipy.stats.multivariate_t(loc, shape=scale, df)``.

    Parameters
    ----------
    dim : int, optional
        D. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.

    Notes
    -----
    At df -> infinity the family is the multivariate normal: an estimate at that limit is one.
    As for :class:`StudentT`, the likelihood grows without limit as the density shrinks onto a
    value that m of the n rows share, where D m > (n - m) df. The estimate is the local maximum
    that a fit reaches from the start, which consists of medians and clipped correlations. Where
    all rows lie in one plane, as D rows or fewer always do, there is not even a local maximum:
    such data are refused.
    """

    roles = {"loc": Role.LOCATION, "scale": Role.COVARIANCE, "df": Role.SHAPE}
    support = REAL
    limit_meaning = {("df", "upper"): "the multivariate normal distribution"}

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return one and two dimensions."""
        return [cls(1), cls(2)]

    @cached_property
    def _form(self) -> Full:
        return Full(self._need_dim())

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraints, once D is known."""
        dim = self._form.dim
        # The limits of df are those of StudentT.
        return {
            "loc": Real((dim,)),
            "scale": Covariance(dim),
            "df": Reciprocal(low=0.05, high=1e10),
        }

    # -------------------------------------------------------------------------- log-density

    def _df(self, eta: Any) -> Any:
        """Degrees of freedom, (n,)."""
        return 1.0 / anp.sinh(eta[:, -1])

    def _level(self, eta: Any, df: Any) -> Any:
        """Log-density at loc, (n,)."""
        return constant(df, self.dim) - 0.5 * self.dim * LOG_2PI - self._form.half_log_det(eta)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        df = self._df(eta)
        z = _whiten(self._form.factor(eta[:, :-1]), y - eta[:, : self.dim])
        tail = anp.log1p(anp.sum(z * z, axis=1) / df)
        return self._level(eta, df) - 0.5 * (df + self.dim) * tail

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself, which holds the factor of S."""
        return (eta,)

    def _pulled(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """df, z = L^-1 (y - loc), the gradient of -z'z / 2, and w, h, log, gap of :func:`parts`."""
        form, df = self._form, self._df(eta)
        inverse = _inverse(form.factor(eta[:, :-1]))
        gap = y - eta[:, : self.dim]
        if len(inverse) == 1:
            z = gap @ inverse[0].T
            pull = z @ inverse[0]
        else:
            z = np.einsum("nij,nj->ni", inverse, gap)
            pull = np.einsum("nij,ni->nj", inverse, z)
        lower = pull[:, form.row] * z[:, form.col] * form._chain(eta)
        square = np.einsum("ij,ij->i", z, z)
        return df, z, np.concatenate([pull, lower], axis=1), *parts(square / df, df)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K), from one logarithm per row."""
        d = self.dim
        df, _, pulled, w, h, log, gap = self._pulled(y, eta)
        pulled *= ((df + d) / df * h)[:, None]
        pulled[:, d : 2 * d] -= 1.0
        last = _chain(df) * (df * (slope(df, d) + 0.5 * gap) + 0.5 * d * w)
        value = self._level(eta, df) - 0.5 * (df + d) * log
        return value, np.concatenate([pulled, last[:, None]], axis=1)

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return self.log_prob_and_score(y, eta)[1]

    # Sums over rows that share eta: one product of matrices per chunk, and no array (n, K, K).

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        d, form, df = self.dim, self._form, float(self._df(eta)[0])
        products, inverse = self._products, _inverse(form.factor(eta[:, :-1]))[0]
        # A few rows at a time, because their products take many times the memory of the rows.
        few_at_once = Memory(y, weight=weight).cut(_ENTRIES // products.size)
        log, gap, sums = few_at_once.sum(self._products_part, eta[0, :d], inverse, df)
        total, w = sums[-1, -1], sums[-1, -2]
        level, rise, bend = constants(df, d)
        level -= 0.5 * d * LOG_2PI + float(form.half_log_det(eta)[0])
        pull, to_gradient = (df + d) / df, products.pull(inverse, form, form._chain(eta)[0])
        score, observed = np.empty(len(eta[0])), np.empty((len(eta[0]), len(eta[0])))
        score[:-1] = pull * (to_gradient @ sums[:, -1])
        score[d : 2 * d] -= total
        score[-1] = _chain(df) * (df * (total * rise + 0.5 * gap) + 0.5 * d * w)
        observed[:-1, :-1] = pull * self._linear(sums, eta)
        observed[:-1, :-1] -= 2.0 * pull / df * (to_gradient @ sums @ to_gradient.T)
        cross = to_gradient @ (d * sums[:, -1] - (df + d) * sums[:, -2])
        observed[:-1, -1] = observed[-1, :-1] = _chain(df) / df * cross
        observed[-1, -1] = self._last(df, w, sums[-2, -3], sums[-2, -2], gap, total, rise, bend)
        return float(total * level - 0.5 * (df + d) * log), score, observed

    def _linear(self, sums: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Sum of h times the negative Hessian of -z'z / 2: the normal's of weighted moments."""
        mass, factor = sums[-1, -3], self._form.factor(eta[:, :-1])[0]
        mean = sums[-1, : self.dim] / mass
        spread = factor @ (self._products.second(sums) / mass - np.outer(mean, mean)) @ factor.T
        summary = (eta[:, : self.dim] + factor @ mean, spread[None])
        return mass * self._form.observed(summary, eta[:, :-1])[0]

    @cached_property
    def _products(self) -> Products:
        return Products(self._form.dim)

    # -------------------------------------------------------------------------- information

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        d = self.dim
        df, _, pulled, w, h, _, gap = self._pulled(y, eta)
        n, k = len(pulled), eta.shape[1]
        pull, out = (df + d) / df, np.empty((n, k, k))
        scaled = pulled * h[:, None]
        out[:, :-1, :-1] = (pull * h)[:, None, None] * self._form.observed(y, eta[:, :-1])
        outer = scaled[:, :, None] * scaled[:, None, :]
        out[:, :-1, :-1] -= (2.0 * pull / df)[:, None, None] * outer
        cross = scaled * (_chain(df) / df * (d - (df + d) * w))[:, None]
        out[:, :-1, -1] = out[:, -1, :-1] = cross
        out[:, -1, -1] = self._last(df, w, w * h, w * w, gap, 1.0, slope(df, d), curvature(df, d))
        return out

    def _last(
        self, df: Any, w: Any, wh: Any, ww: Any, gap: Any, total: Any, rise: Any, bend: Any
    ) -> Any:
        """Negative second derivative in the last coordinate, of rows or of sums over rows."""
        first = df * (total * rise + 0.5 * gap) + 0.5 * self.dim * w
        second = 0.5 * (self.dim * wh - df * ww - df * gap) - total * df * (rise + df * bend)
        return (1.0 + df * df) * second - df * df * first

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        d, df = self.dim, self._df(eta)
        out = np.zeros((*eta.shape, eta.shape[1]))
        share = (df + d) / (df + d + 2.0)
        out[:, :-1, :-1] = share[:, None, None] * self._form.fisher(eta[:, :-1])
        out[:, d : 2 * d, d : 2 * d] -= (2.0 / (df + d + 2.0))[:, None, None]
        cross = -2.0 * _chain(df) * df / ((df + d) * (df + d + 2.0))
        out[:, d : 2 * d, -1] = out[:, -1, d : 2 * d] = cross[:, None]
        out[:, -1, -1] = (1.0 + df * df) * information(df, d)
        return out

    def _entropy(self, eta: Any) -> Any:
        df = self._df(eta)
        # psi((v + D) / 2) - psi(v / 2) as a telescoping sum.
        step = sum(student_slope(df + k) + 1.0 / (df + k) for k in range(self.dim))
        return 0.5 * (df + self.dim) * step - self._level(eta, df)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, : self.dim].copy()

    # ----------------------------------------------------------------------- data, sampling

    def _products_part(
        self, block: Block, loc: np.ndarray, inverse: np.ndarray, df: float
    ) -> tuple[float, float, np.ndarray]:
        """Sums of log(1 + u), of the gap of :func:`parts`, and of the products for derivatives."""
        weight = block.weight
        z = inverse @ (block.y - loc).T
        w, h, log, gap = parts(np.einsum("ij,ij->j", z, z) / df, df)
        sums = self._products.sums(z, h, w, weight)
        return weighted_total(log, weight), weighted_total(gap, weight), sums

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Rows in one plane: S becomes singular and the likelihood grows without limit.

        Raises
        ------
        ValueError
            Naming the columns concerned and the remedy.
        """
        columns = plane(rows)
        if columns is None:
            return
        words = OfColumns(
            "y must not lie in one plane for MultivariateT: a linear combination of the column(s) ",
            columns,
            f" is constant over all {rows.n} rows, and the likelihood grows without limit as the "
            "density shrinks to it; drop a column, or add rows where there are no more than the "
            f"{self.dim} columns",
        )
        raise ValueError(words)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        loc, scale = start(y, weight)
        return {"loc": loc, "scale": scale, "df": 5.0}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The multivariate normal's optimum, at the largest df."""
        loc = mean_over(rows)
        covariance = rows.sum(self._outer_part, loc) / rows.total
        return self.eta(loc=loc, scale=covariance, df=self.params["df"].high)

    def _outer_part(self, block: Block, loc: np.ndarray) -> np.ndarray:
        """Sum of the outer products (D, D) of y - loc."""
        return self._form.moment(block.y - loc, block.weight)

    def regular(self, rows: Rows) -> Regular | None:
        """The family in coordinates in which an affine map of the rows changes no iterate."""
        from natfit.distributions.vectors._whitened import whitened

        return whitened(self, rows)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """A row, or equal rows, onto which the density shrinks; see the notes of the class."""
        return collapse(rows, self.native_dict(eta))

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value per row of eta, or ``size`` values for eta (1, K): (n, D)."""
        return self._sample(rng, len(eta) if size is None else size, eta)

    def _sample(self, rng: np.random.Generator, n: int, eta: np.ndarray) -> np.ndarray:
        df, loc = self._df(eta), eta[:, : self.dim]
        normal = self._form.scatter(rng.standard_normal((n, self.dim)), eta[:, :-1]) - loc
        # With df < 1 a draw of the divisor may underflow.
        divisor = np.maximum(rng.chisquare(df, n) / df, np.finfo(float).tiny)
        return loc + normal / np.sqrt(divisor)[:, None]

    def _to_scipy(self, loc: Any, scale: Any, df: Any) -> Any:
        from scipy.stats import multivariate_t

        return multivariate_t(loc=loc, shape=scale, df=float(df))
