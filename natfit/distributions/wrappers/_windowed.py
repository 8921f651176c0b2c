"""A family of whose rows each was seen through a window of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind
from natfit.distributions.contract.interval_sums import Intervals
from natfit.distributions.contract.intervals import Moments, moments
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.start import MANY
from natfit.distributions.contract.sums import sum_over
from natfit.distributions.forms.window import SAME, Limit, best_limit
from natfit.distributions.forms.windows import limits_in_windows
from natfit.distributions.wrappers._mapped import Mapped
from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.rows import Block, Memory, Rows, kept, rows_as, rows_where, table_of

#: Nats per row by which an estimate must be better than a limit, on some of many rows, for the
#: limit to be excluded.
_FAR = 1e-3


#: Why rows that begin with their windows have no maximum.
_UNSEEN = (
    "each row lies at the low end of its window, so that no row was at risk for any time: the "
    "likelihood grows without limit as the probability gathers there; give the times at which the "
    "rows came under observation as the low ends"
)


@dataclass(frozen=True)
class _Seen:
    """What the censored family knows of the rows, and their distinct windows with counts."""

    rows: Any
    windows: Intervals


class WindowedFamily(Mapped):
    """A univariate family of which intervals are seen, each through a window: y (n, 4).

    A fit to :class:`natfit.Censored` rows with windows makes it of the family that it is given.
    The columns of y are the ends of the interval and those of the window.

    ``log p = log P(row) - log P(low <= Y <= high)``, where P(row) is the density of an exact row,
    else the probability of its interval inside the window. The Fisher information and the
    divergence are those of complete rows without windows. Rows y (n,), such as draws, are complete.

    Parameters
    ----------
    family : str or Distribution, default="normal"
        Univariate, with a support and a distribution function.

    Raises
    ------
    ValueError
        On first use, if the family is not univariate or has no distribution function.
    """

    #: The way to a limit in the windows is long.
    compare_after = 15

    def __init__(self, family: str | Distribution = "normal"):
        super().__init__(family)

    #: The windows, in messages.
    window_words = "the windows of these rows"

    def _admit(self, inner: Distribution) -> None:
        if inner.event_shape != () or not inner.has_cdf or inner.support is None:
            raise ValueError(
                f"windows of truncation need a univariate family with a distribution function, and "
                f"{type(inner).__name__} has none; define _log_cdf, _log_sf and support"
            )

    @cached_property
    def censored(self) -> CensoredFamily:
        """The family of the same rows without their windows."""
        return CensoredFamily(self.inner)

    @property
    def information(self) -> InformationKind:
        """As for censored rows: the observed information is the yardstick."""
        return self.censored.information

    def bind(self, rows: Rows) -> Distribution:
        """Bind the inner family as the censored one does.

        Returns
        -------
        Distribution
            A family of the same kind.
        """
        bound = self.censored.bind(self._view(rows))
        return self if bound is self.censored else type(self)(bound.family)

    # ----------------------------------------------------------------------- rows

    def _window(self, y: np.ndarray, eta: np.ndarray) -> Moments:
        """Probability and moments of each row's window; a window without ends has all of it."""
        return moments(self.inner, y[:, 2], y[:, 3], eta)

    def _closed(self, eta: np.ndarray, n: int) -> bool:
        """Whether windows are as cheap as rows that are open on one side."""
        return self.inner._open_rows is not None and len(eta) == n

    def log_prob(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density or log-probability of each row in its window, (n,) nats."""
        if y.ndim == 1:
            return super().log_prob(y, eta)
        if self._closed(eta, len(y)):
            return self.log_prob_and_score(y, eta)[0]
        return self.censored.log_prob(_cut(y), eta) - self._window(y, eta).log_mass

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """As :meth:`log_prob`, -inf for an exact row outside the support."""
        if y.ndim == 1:
            return super().log_density(y, eta)
        return self.censored.log_density(_cut(y), eta) - self._window(y, eta).log_mass

    def score(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Score of each row, (n, K)."""
        return super().score(y, eta) if y.ndim == 1 else self.log_prob_and_score(y, eta)[1]

    def log_prob_and_score(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        if y.ndim == 1:
            return super().log_prob_and_score(y, eta)
        value, score = self.censored.log_prob_and_score(_cut(y), eta)
        if self._closed(eta, len(y)):
            log_mass, mean = self.censored.log_prob_and_score(y[:, 2:], eta)
            return value - log_mass, score - mean
        inside = self._window(y, eta)
        return value - inside.log_mass, score - inside.score

    def observed(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of each row, (n, K, K)."""
        if y.ndim == 1:
            return super().observed(y, eta)
        if self._closed(eta, len(y)):
            return self.censored.observed(_cut(y), eta) - self.censored.observed(y[:, 2:], eta)
        return self.censored.observed(_cut(y), eta) - self._window(y, eta).observed

    def observed_curvature(self, y: np.ndarray, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of log p of each row, as its entries."""
        if y.ndim == 1 or not self._closed(eta, len(y)):
            return super().observed_curvature(y, eta)
        inside, whole = (self.censored.standard(rows, eta)[2] for rows in (y[:, 2:], _cut(y)))
        return Entries(self.n_params, {key: e - inside[key] for key, e in whole.items()})

    # ----------------------------------------------------------------------- sums

    def _view(self, rows: Rows) -> Rows:
        """The same rows without their windows; rows that are numbers as they are."""
        return rows if rows.event_shape == () else kept(rows, "inside", rows_as, _intervals)

    def sufficient(self, rows: Rows) -> _Seen:
        """What the censored family keeps of the rows, and the distinct windows with counts."""
        summary = self.censored.sufficient(self._view(rows))
        if rows.event_shape == ():
            return _Seen(summary, Intervals(np.empty((0, 2)), np.empty(0)))
        windows = table_of(rows_as(rows_where(rows, _has_window), _ends))
        return _Seen(summary, Intervals(*windows))

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K).

        y are rows, or their summary by :meth:`sufficient`, which includes their weights.

        Returns
        -------
        value : float
            In nats.
        score : ndarray of shape (K,)
            In eta.
        observed : ndarray of shape (K, K)
            In eta.
        """
        y = y if isinstance(y, _Seen) else self.sufficient(Memory(y, weight=weight))
        value, score, observed = self.censored.sum_terms(y.rows, weight, eta)
        inside = y.windows.terms(self.inner, eta)
        return value - inside[0], score - inside[1], observed - inside[2]

    # ----------------------------------------------------------------------- data

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row that misses the support, or its window."""
        if rows.event_shape != ():
            where = rows.first(self._misses)
            if where is not None:
                lower, upper, low, high = rows.row(where).y[0]
                raise ValueError(
                    f"truncation must give each row a window that overlaps the support of "
                    f"{type(self.inner).__name__} ({self.inner.known_support.describe()}) and "
                    f"more than one point of the row, got the row [{lower:g}, {upper:g}] in the "
                    f"window [{low:g}, {high:g}] at row {where}; remove or correct such rows"
                )
        self.censored.check(self._view(rows))

    def _misses(self, block: Block) -> np.ndarray:
        """Which windows of a block miss the support or all but a point of the row, (n,)."""
        support, (lower, upper) = self.inner.known_support, _cut(block.y).T
        low, high = block.y[:, 2], block.y[:, 3]
        if support.integer:
            low, high = np.ceil(low), np.floor(high)
            return (high < low) | (high < support.low) | (low > support.top) | (lower > upper)
        point = (lower >= upper) & (block.y[:, 0] < block.y[:, 1])
        return (high <= support.low) | (low >= support.top) | point

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Refuse what the censored family refuses."""
        self.censored.check_degenerate(self._view(rows), None if summary is None else summary.rows)

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The censored family's start."""
        return self.censored.refine_start(self._view(rows), eta)

    def starts(self, rows: Rows) -> list[np.ndarray]:
        """Further starts (K,): the censored family's, for the rows without their windows."""
        return self.censored.starts(self._view(rows))

    def regular(self, rows: Rows) -> Regular | None:
        """The same rows of the family in the regular form that the censored one takes."""
        form = self.censored.regular(self._view(rows))
        if form is None:
            return None
        return replace(form, family=type(self)(form.family.family))

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The censored family's answer, or the limit in the windows that has been reached.

        Returns
        -------
        str or None
            The limit in words, with its parameters.
        """
        known = self.censored.limit_at(self._view(rows), eta)
        if known is not None or rows.event_shape == ():
            return known
        best = self.best_limit(rows, eta)
        if best is None:
            return None
        value = float(sum_over(rows, self, "sum_value_and_score", eta[None])[0])
        return best.words if not value > best.value + SAME * rows.total else None

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The censored family's, or a member near a limit in the windows that is more likely.

        Returns
        -------
        ndarray of shape (K,) or None
        """
        start = self.censored.nested_start(self._view(rows))
        best = None if rows.event_shape == () else self.best_limit(rows, None)
        if best is None or start is None:
            return start if best is None else best.eta
        near, own = (
            sum_over(rows, self, "sum_value_and_score", e[None])[0] for e in (best.eta, start)
        )
        return start if own >= near else best.eta

    def best_limit(self, rows: Rows, eta: np.ndarray | None) -> Limit | None:
        """The best limit in the windows; an estimate that is better on some rows is near none."""
        if eta is not None and rows.n > MANY:
            few = rows.few(MANY)
            some = Memory(few.y, weight=few.weight)
            best = best_limit(limits_in_windows(self, some, eta))
            value = float(sum_over(some, self, "sum_value_and_score", eta[None])[0])
            if best is None or value > best.value + _FAR * some.total:
                return None
        return best_limit(limits_in_windows(self, rows, eta))

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The censored family's answer, or that no row was seen before its end."""
        seen = rows.event_shape != () and not self.inner.known_support.integer
        if seen and rows.first(_seen_before) is None:
            return _UNSEEN
        if self.limit_at(rows, eta):
            return None
        return self.censored.no_maximum(self._view(rows), eta)

    def check_start(self, few: Block, eta: np.ndarray) -> None:
        """Ask the censored family."""
        self.censored.check_start(self._block(few), eta)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """The censored family's start."""
        return self.censored.initial(self._block(few), rng)

    def _block(self, few: Block) -> Block:
        return few if few.y.ndim == 1 else replace(few, y=_intervals(few))


def _cut(y: np.ndarray) -> np.ndarray:
    """Ends (n, 2) of intervals inside their windows, of y (n, 4); exact rows as they are."""
    lower, upper, low, high = y.T
    exact = lower == upper
    inside = np.maximum(lower, low), np.minimum(upper, high)
    return np.stack([np.where(exact, lower, inside[0]), np.where(exact, upper, inside[1])], axis=1)


def _intervals(block: Block) -> np.ndarray:
    """The ends (n, 2) of the rows of a block, cut to their windows unless exact."""
    return _cut(block.y)


def _seen_before(block: Block) -> np.ndarray:
    """Which rows y (n, 4) begin above the low end of their window, (n,)."""
    return block.y[:, 0] > block.y[:, 2]


def _has_window(block: Block) -> np.ndarray:
    return np.isfinite(block.y[:, 2:]).any(axis=1)


def _ends(block: Block) -> np.ndarray:
    return block.y[:, 2:]
