"""The Dirichlet distribution of K shares that sum to one."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import digamma, gammaln

from natfit.bijectors import Bijector, Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.sums import n_rows
from natfit.distributions.forms.columns import Columns
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.vectors._compositions import SIMPLEX, TOLERANCE, log_gamma_draws, log_sum
from natfit.numerics.stirling import trigamma
from natfit.rows import Block, Rows

#: Value of 1 - sum exp(mean log y), which is about (D - 1) / (2 A), below which it is rounding.
_ALIKE = 1e-13


class Dirichlet(Columns, ExponentialFamily):
    """The Dirichlet distribution of shares y (n, D): all positive, each row sums to one.

    With a = concentration (D,) and A = sum a,
    ``log p(y) = log Gamma(A) - sum log Gamma(a_d) + sum (a_d - 1) log y_d``, a density in the
    first D - 1 shares; eta = log a, K = D. Fisher information in eta:
    ``diag(a^2 psi'(a)) - psi'(A) a a'``. The mean log shares are sufficient: the data are read
    once.

    In R: ``gtools::ddirichlet(concentration)``.

    Matches ``scipy.stats.dirichlet(alpha=concentration)``, whose density takes columns: y.T.

    Parameters
    ----------
    dim : int, optional
        D >= 2. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.

    Notes
    -----
    If all rows are equal, there is no maximum (A -> infinity): such data are refused. At a share
    of zero the density is zero or infinite unless a_d = 1: such rows are refused too. The sum of a
    row may differ from one by 1e-6.
    """

    roles = {"concentration": Role.SHAPE}
    widths = {"concentration": Width(-0.5, least=1.0)}
    support = SIMPLEX
    summary_proves_support = True
    limit_meaning = {("concentration", "upper"): "the rows are all alike"}
    _least_dim = 2

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return two and three shares."""
        return [cls(2), cls(3)]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraint, once D is known."""
        return {"concentration": Positive((self._need_dim(),), low=1e-6, high=1e10)}

    # -------------------------------------------------------------------------- closed forms

    def statistics(self, y: Any) -> tuple:
        """Log shares (n, D)."""
        return y if isinstance(y, tuple) else (np.log(y),)

    def _log_prob(self, y: Any, a: Any) -> Any:
        level = gammaln(anp.sum(a, axis=1)) - anp.sum(gammaln(a), axis=1)
        logs = self.statistics(y)[0]
        if len(a) == 1:
            return level + anp.dot(logs, a[0] - 1.0)
        return level + anp.sum((a - 1.0) * logs, axis=1)

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, -inf outside the support, (n,) nats."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.log_prob(y, eta), dtype=np.float64)
        return np.where(self.support.contains(y).all(axis=1), values, -np.inf)

    def _score(self, y: Any, a: np.ndarray) -> np.ndarray:
        rise = digamma(a.sum(axis=1, keepdims=True)) - digamma(a)
        return a * (rise + self.statistics(y)[0])

    def _observed(self, y: Any, a: np.ndarray) -> np.ndarray:
        score = self._score(y, a)
        out = np.zeros((max(n_rows(y), len(a)), self.dim, self.dim))
        out += self._fisher(a)
        at = np.arange(self.dim)
        out[:, at, at] -= score
        return out

    def _fisher(self, a: np.ndarray) -> np.ndarray:
        total = trigamma(a.sum(axis=1))
        out = -total[:, None, None] * a[:, :, None] * a[:, None, :]
        at = np.arange(self.dim)
        out[:, at, at] += a * a * trigamma(a)
        return out

    def _kl(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total, total2 = a.sum(axis=1), b.sum(axis=1)
        level = gammaln(total) - gammaln(total2) + np.sum(gammaln(b) - gammaln(a), axis=1)
        return level + np.sum((a - b) * (digamma(a) - digamma(total)[:, None]), axis=1)

    def _entropy(self, eta: Any) -> Any:
        a = anp.exp(eta)
        total = anp.sum(a, axis=1)
        level = anp.sum(gammaln(a), axis=1) - gammaln(total)
        return level + (total - self.dim) * digamma(total) - anp.sum((a - 1.0) * digamma(a), axis=1)

    def _typical(self, eta: np.ndarray) -> np.ndarray:
        """The mode (a - 1) / (A - D) where all a_d > 1, else the mean a / A."""
        a = np.exp(eta)
        above = np.where((a > 1.0).all(axis=1, keepdims=True), a - 1.0, a)
        return above / above.sum(axis=1, keepdims=True)

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Mean log shares (1, D); NaN where a row does not sum to one."""
        return ((rows.sum(_logs_part) / rows.total)[None],)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: A -> infinity and the likelihood has no maximum.

        Raises
        ------
        ValueError
            With the remedy.
        """
        # The geometric means sum to one if all rows are equal, and to less otherwise.
        if summary is not None and 1.0 - np.exp(summary[0][0]).sum() > _ALIKE:
            return
        raise ValueError(
            f"y must not be constant for Dirichlet, got {rows.n} rows equal to "
            f"{rows.few(1).y[0]} to rounding: "
            "the likelihood grows without limit as the distribution shrinks to a point; add rows "
            "that differ"
        )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # For a large A, mean log y_d = log(a_d / A) - (1 / a_d - 1 / A) / 2. Summed with weights
        # a_d / A, the mean shares, the last term is (D - 1) / (2 A).
        mean = np.average(y, axis=0, weights=weight)
        logs = np.average(np.log(y), axis=0, weights=weight)
        gap = max(float(mean @ (np.log(mean) - logs)), 1e-9)
        low, high = self.params["concentration"].low, self.params["concentration"].high
        return {"concentration": np.clip(0.5 * (self.dim - 1) / gap * mean, low, high)}

    def _sample(self, rng: np.random.Generator, n: int, a: np.ndarray) -> np.ndarray:
        logs = log_gamma_draws(rng, np.broadcast_to(a, (n, self.dim)))
        # A share below the smallest double is moved to it, so that it stays positive.
        return np.maximum(np.exp(logs - log_sum(logs)), np.finfo(float).tiny)

    def _to_scipy(self, concentration: Any) -> Any:
        from scipy.stats import dirichlet

        return dirichlet(concentration)


def _logs_part(block: Block) -> np.ndarray:
    """Sum of the log shares (D,); NaN where a row does not sum to one."""
    # Columns first: sums along the axis of a few columns would take as long as the logarithms. A
    # copy, also of a single column, because it is changed below.
    shares = np.array(block.y.T, order="C")
    if not np.abs(shares.sum(axis=0) - 1.0).max() <= TOLERANCE:
        return np.full(len(shares), np.nan)
    logs = np.log(shares, out=shares)
    return logs.sum(axis=1) if block.weight is None else logs @ block.weight
