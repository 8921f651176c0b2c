"""The multivariate t in coordinates of the data: an affine map of the rows changes no iterate.

A row is y = c + A x. The centre c and the factor A follow from the rows: they are those of a few
steps of a robust covariance, turned to the eigenvectors of a second one (the invariant coordinates
of Tyler, Critchley, Duembgen and Oja, 2009, J. R. Stat. Soc. B 71, 549-592). An affine map of y
changes c and A and leaves x as it was. Columns of unequal scale, or nearly collinear ones, thus
give the same iterates as independent ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.start import location_scale
from natfit.distributions.vectors.multivariate_t import MultivariateT
from natfit.rows import Block, Rows, rows_as, total_weight

#: Number of rows from which the coordinates are made.
_MANY = 10_000

#: Steps of the robust covariance, the maximum-likelihood iteration for a t with these df.
_ROUNDS, _DF = 8, 3.0

#: Smallest eigenvalue of a covariance of standardised columns with which rows lie in no plane.
_PLANE = 1e-14


class Whitened(MultivariateT):
    """The multivariate t of y = c + A x in the parameters of x.

    Parameters
    ----------
    dim : int
        D.
    centre : ndarray of shape (D,)
        c, in the unit of y.
    factor : ndarray of shape (D, D)
        A, in the unit of y.
    """

    def __init__(self, dim: int, centre: np.ndarray, factor: np.ndarray):
        super().__init__(dim)
        self.centre = centre
        self.factor = factor

    def _white(self, y: np.ndarray) -> np.ndarray:
        """X of rows y, (n, D)."""
        return (y - self.centre) @ np.linalg.inv(self.factor).T

    def _white_part(self, block: Block) -> np.ndarray:
        return self._white(block.y)

    @property
    def _log_volume(self) -> float:
        """Logarithm of |A|, by which the density of y is smaller than that of x."""
        return float(np.linalg.slogdet(self.factor)[1])

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return super()._log_prob_eta(self._white(y), eta) - self._log_volume

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        value, score = super().log_prob_and_score(self._white(y), eta)
        return value - self._log_volume, score

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        value, score, observed = super().sum_terms(self._white(y), weight, eta)
        return value - total_weight(weight, len(y)) * self._log_volume, score, observed

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return super()._observed(self._white(y), eta)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Accept all rows: those that lie in one plane have no such coordinates."""

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        return {"loc": np.zeros(self.dim), "scale": np.eye(self.dim), "df": 5.0}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The multivariate normal's optimum, at the largest df."""
        return super().nested_start(rows_as(rows, self._white_part))

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The answer of the family of y."""
        return MultivariateT(self.dim).no_maximum(rows, self.to_own(eta))

    def regular(self, rows: Rows) -> None:
        """None: these are the coordinates."""

    # ---------------------------------------------------------- maps to the family of y

    def _lower(self, factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower triangular L with a positive diagonal and Q, orthogonal, with L Q = factor."""
        q, r = np.linalg.qr(factor.T)
        sign = np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return r.T * sign, (q * sign).T

    def _mapped(self, eta: np.ndarray, loc: np.ndarray, factor: np.ndarray) -> np.ndarray:
        """Eta with a location and with the lower triangular form of a factor."""
        form, lower = self._form, self._lower(factor)[0]
        return np.concatenate([loc, form.factors.to_eta(lower[None])[0], eta[-1:]])

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """Eta (K,) of the family of y."""
        factor = self.factor @ self._form.factor(eta[None, :-1])[0]
        return self._mapped(eta, self.centre + self.factor @ eta[: self.dim], factor)

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Eta (K,) of x for that of y."""
        inverse = np.linalg.inv(self.factor)
        factor = inverse @ self._form.factor(eta[None, :-1])[0]
        return self._mapped(eta, inverse @ (eta[: self.dim] - self.centre), factor)

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Derivative (K, K) of :meth:`to_own`.

        With L Q = A M the factor of y, dL = L low(L^-1 A dM Q' + its transpose), where low keeps
        the lower triangle and half of the diagonal.

        Returns
        -------
        ndarray of shape (K, K)
        """
        d, form = self.dim, self._form
        lower, q = self._lower(self.factor @ form.factor(eta[None, :-1])[0])
        row, col = form.row, form.col
        left = np.linalg.solve(lower, self.factor)
        # dM has one entry, at (row, col).
        product = left[:, row].T[:, :, None] * q.T[col][:, None, :]
        product *= form._chain(eta[None])[0][:, None, None]
        both = product + product.transpose(0, 2, 1)
        half = np.tril(both)
        half[:, np.arange(d), np.arange(d)] *= 0.5
        change = (lower @ half)[:, row, col]
        change[:, :d] /= np.diagonal(lower)
        out = np.zeros((len(eta), len(eta)))
        out[:d, :d] = self.factor
        out[d:-1, d:-1] = change.T
        out[-1, -1] = 1.0
        return out


def whitened(family: MultivariateT, rows: Rows) -> Regular | None:
    """Return the family in coordinates of the rows; None if they lie in one plane."""
    few = rows.few(_MANY)
    y = np.asarray(few.y, dtype=np.float64)
    if y.ndim != 2 or len(y) <= y.shape[1] or not np.isfinite(y).all():
        return None
    with np.errstate(all="ignore"):
        found = _coordinates(y, few.weight)
    if found is None:
        return None
    other = Whitened(y.shape[1], *found)
    return Regular(other, other.to_own, other.from_own, other.jacobian)


def _coordinates(y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Centre (D,) and factor (D, D) of a few rows; None where a covariance is singular."""
    n, d = y.shape
    mass = np.full(n, 1.0 / n) if weight is None else weight / weight.sum()
    centre, scale = np.transpose([location_scale(column, weight) for column in y.T])
    x, factor = (y - centre) / scale, np.diag(scale)
    for k in range(_ROUNDS):
        square = np.einsum("ij,ij->i", x, x)
        # The first covariance is that of all rows alike: weights that follow from the columns
        # would follow their scales.
        pull = mass * (1.0 if k == 0 else (_DF + d) / (_DF + square))
        mean = pull @ x / pull.sum()
        gap = x - mean
        moment = gap.T @ (gap * pull[:, None])
        size = np.sqrt(np.diagonal(moment))
        if not (size > 0).all() or not np.isfinite(moment).all():
            return None
        if np.linalg.eigvalsh(moment / np.outer(size, size))[0] < _PLANE:
            return None
        root = np.linalg.cholesky(moment)
        centre, factor = centre + factor @ mean, factor @ root
        x = np.linalg.solve(root, gap.T).T
    square = np.einsum("ij,ij->i", x, x)
    pull = mass / (1.0 + square / d)
    turn = np.linalg.eigh(x.T @ (x * pull[:, None]))[1]
    x = x @ turn
    sign = np.where((pull * np.sqrt(square)) @ x < 0, -1.0, 1.0)
    factor = factor @ turn * sign
    return (centre, factor) if np.isfinite(factor).all() else None
