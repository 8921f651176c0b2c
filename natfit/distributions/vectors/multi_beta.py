"""Independent beta distributions with a mode side by side."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import digamma, expit

from natfit.bijectors import Bijector, Positive, Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.columns import OfColumns
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.support import UNIT
from natfit.distributions.forms.columns import Columns
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.interval.beta import Beta, log_slopes
from natfit.rows import Block, Rows

#: The distribution of one column, by a and b.
_BETA = Beta()

#: Value of 1 - exp(mean log y) - exp(mean log(1 - y)) of a column below which it is rounding.
_ALIKE = 1e-13


class MultiBeta(Columns, ExponentialFamily):
    """Independent beta distributions of the D columns of y, between 0 and 1, each with a mode.

    With m = mode and c = concentration of a column its density is that of ``beta`` with
    a = 1 + m c and b = 1 + (1 - m) c, both above 1: it has one peak, at m, and is finite and zero
    at the ends. c = 0 is the uniform distribution, and the standard deviation of a column whose
    mode is 1/2 is 1 / (2 sqrt(3 + c)). eta = (logit mode, log concentration), K = 2 D. (These
    are the parameters of Kruschke, Doing Bayesian Data Analysis, section 6.2.2.)

    With J the derivatives of (log a, log b) in eta, the Fisher information of a column is J' F J,
    where F is that of ``beta``.

    ``scipy.stats.beta(a=a, b=b)`` has the same density for each column.

    Parameters
    ----------
    dim : int, optional
        D. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.

    Notes
    -----
    If all rows of a column are equal, there is no maximum (c -> infinity): such data are refused,
    as are rows equal to 0 or 1. Columns that are most frequent at their ends are best described by
    c = 0, the uniform distribution; ``beta`` describes one such column.
    """

    roles = {"mode": Role.MODE, "concentration": Role.SHAPE}
    widths = {"concentration": Width(-0.5, least=1.0)}
    support = UNIT
    summary_proves_support = True
    usual = {"concentration": 5.0}
    limit_meaning = {
        ("mode", "lower"): "the density falls from 0 on",
        ("mode", "upper"): "the density rises up to 1",
        ("concentration", "lower"): "the uniform distribution of a column",
        ("concentration", "upper"): "the rows of a column are all alike",
    }

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return one and two columns."""
        return [cls(1), cls(2)]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraints, once D is known."""
        shape = (self._need_dim(),)
        return {
            "mode": Unit(shape, margin=1e-8),
            "concentration": Positive(shape, low=1e-6, high=1e10),
        }

    # -------------------------------------------------------------------------- closed forms

    def statistics(self, y: Any) -> tuple:
        """(log y, log(1 - y)), (n, D) each."""
        return y if isinstance(y, tuple) else (np.log(y), np.log1p(-y))

    def _arguments(self, eta: Any) -> tuple:
        """m c, (1 - m) c and m, (n, D) each."""
        odds, c = eta[:, : self.dim], anp.exp(eta[:, self.dim :])
        m = expit(odds)
        return m * c, expit(-odds) * c, m

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        up, down, _ = self._arguments(eta)
        return anp.sum(_BETA._log_prob(self.statistics(y), 1.0 + up, 1.0 + down), axis=1)

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, -inf outside the support, (n,) nats."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.log_prob(y, eta), dtype=np.float64)
        return np.where(self.known_support.contains(y).all(axis=1), values, -np.inf)

    def _score(self, y: Any, up: np.ndarray, down: np.ndarray, m: np.ndarray) -> np.ndarray:
        low, high = self.statistics(y)
        a, b = 1.0 + up, 1.0 + down
        in_a, in_b = log_slopes(a * (low + np.log1p(b / a)), b * (high + np.log1p(a / b)), a, b)
        in_a, in_b = in_a / a, in_b / b
        return np.concatenate([up * (1.0 - m) * (in_a - in_b), up * in_a + down * in_b], axis=1)

    def _observed(self, y: Any, up: np.ndarray, down: np.ndarray, m: np.ndarray) -> np.ndarray:
        # a and b are natural parameters: only their second derivatives in eta meet the score.
        score, dim, at = self._score(y, up, down, m), self.dim, np.arange(self.dim)
        out = np.zeros((len(score), 2 * dim, 2 * dim))
        out += self._fisher(up, down, m)
        odds, size = score[:, :dim], score[:, dim:]
        out[:, at, at] -= odds * (1.0 - 2.0 * m)
        out[:, at, dim + at] -= odds
        out[:, dim + at, at] -= odds
        out[:, dim + at, dim + at] -= size
        return out

    def _fisher(self, up: np.ndarray, down: np.ndarray, m: np.ndarray) -> np.ndarray:
        a, b, dim, at = 1.0 + up, 1.0 + down, self.dim, np.arange(self.dim)
        f = _BETA._fisher(a.ravel(), b.ravel()).reshape(*a.shape, 2, 2)
        jac = np.empty((*a.shape, 2, 2))
        jac[..., 0, 1], jac[..., 1, 1] = up / a, down / b
        jac[..., 0, 0], jac[..., 1, 0] = jac[..., 0, 1] * (1.0 - m), -jac[..., 1, 1] * m
        column = np.swapaxes(jac, 2, 3) @ f @ jac
        out = np.zeros((len(a), 2 * dim, 2 * dim))
        for i, j in np.ndindex(2, 2):
            out[:, i * dim + at, j * dim + at] = column[..., i, j]
        return out

    def _kl(self, *arguments: np.ndarray) -> np.ndarray:
        up, down, _, up2, down2, _ = arguments
        return np.sum(_BETA._kl(1.0 + up, 1.0 + down, 1.0 + up2, 1.0 + down2), axis=1)

    def _entropy(self, eta: Any) -> Any:
        up, down, _ = self._arguments(eta)
        a, b = 1.0 + up, 1.0 + down
        top = digamma(a + b)
        return -anp.sum(_BETA._log_prob((digamma(a) - top, digamma(b) - top), a, b), axis=1)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return self._arguments(eta)[2]

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Weighted means (1, D) of log y and log(1 - y)."""
        low, high = rows.sum(_logs_part)
        return ((low / rows.total)[None], (high / rows.total)[None])

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """A constant column: its concentration grows without limit, and so does the likelihood.

        Raises
        ------
        ValueError
            Naming the columns and the remedy.
        """
        if summary is None:
            alike = np.equal(*rows.extent())
        else:
            # The geometric means of y and 1 - y sum to one if all rows are equal, else to less.
            alike = 1.0 - np.exp(summary[0][0]) - np.exp(summary[1][0]) <= _ALIKE
        constant = np.flatnonzero(alike)
        if len(constant):
            raise ValueError(
                OfColumns(
                    "y must have no constant column for MultiBeta, got column(s) ",
                    constant.tolist(),
                    f" with {rows.n} equal rows: the likelihood grows without limit as the "
                    "distribution shrinks to a point; drop them",
                )
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        mean = np.average(y, axis=0, weights=weight)
        spread = np.average(np.square(y - mean), axis=0, weights=weight)
        total = mean * (1.0 - mean) / np.maximum(spread, 1e-12 * mean * (1.0 - mean)) - 1.0
        c = np.clip(total - 2.0, 0.1, 1e9)
        return {"mode": np.clip((mean * (c + 2.0) - 1.0) / c, 0.05, 0.95), "concentration": c}

    def _sample(self, rng: np.random.Generator, n: int, mode: Any, concentration: Any) -> Any:
        a, b = 1.0 + mode * concentration, 1.0 + (1.0 - mode) * concentration
        y = rng.beta(a, b, (n, self.dim))
        # Draws that are rounded to 0 or 1 are moved to the nearest number inside.
        return np.clip(y, np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg)


def _logs_part(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Sums (D,) of log y and log(1 - y)."""
    weight = np.ones(block.n) if block.weight is None else block.weight
    return weight @ np.log(block.y), weight @ np.log1p(-block.y)
