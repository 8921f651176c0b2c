"""A family truncated to a window, outside of which no value is seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from natfit._validation import check_truncation
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind
from natfit.distributions.contract.expectation import Expectation, smooth_rule, stretch_of
from natfit.distributions.contract.information import expected_square
from natfit.distributions.contract.intervals import Moments, log_probability_of, moments
from natfit.distributions.contract.kinks import kink_optimum, smooth_terms, with_kinks
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.sums import block_sum, n_rows
from natfit.distributions.contract.support import Support
from natfit.distributions.contract.velocity import Velocity, from_intervals
from natfit.distributions.forms.window import SAME, best_limit, limits_of
from natfit.distributions.wrappers._windowed import WindowedFamily
from natfit.distributions.wrappers.base import Restricted
from natfit.rows import Block, Rows, rows_as, total_weight

#: Maximum number of rounds of rejection; each draws as many values as are still missing.
_MOST_ROUNDS = 10_000


class Truncated(Restricted):
    """A univariate family conditional on low <= y <= high: values outside are never seen.

    ``log p(y) = log f(y) - log P(low <= Y <= high)``, f the family's density, with the family's
    own parameters. The score is ``s(y) - E[s | inside]`` and the Fisher information
    ``Var[s | inside]``, by quadrature over the window. Of censored rows, by contrast, it is known
    that they exist and in which interval they lie: :class:`natfit.Censored`.

    Matches ``scipy.stats.truncate(X, low, high)``.

    Parameters
    ----------
    family : str or Distribution, default="normal"
        Univariate, with a distribution function.
    low, high : float or None, default=0.0 and inf
        The window, in the units of y, None for an open end; for whole numbers both ends belong
        to it.

    Raises
    ------
    ValueError
        In :meth:`bind` and on first use, if the family has no distribution function or the
        window misses its support.
    """

    #: Autograd cannot differentiate the distribution functions that the window's probability needs.
    differentiable = False
    by_differences = False

    #: The way to a limit in the window is long.
    compare_after = 15

    def __init__(
        self,
        family: str | Distribution = "normal",
        low: float | None = 0.0,
        high: float | None = np.inf,
    ):
        super().__init__(family)
        self.low = low
        self.high = high

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The window's ends, infinite where they are None."""
        both: Any = self.low
        if isinstance(both, tuple | list) and len(both) == 2:
            low, high = both
            raise ValueError(
                f"low and high of Truncated must be two arguments, got low={self.low!r}; write "
                f"Truncated({self.family!r}, {low!r}, {high!r})"
            )
        return check_truncation((self.low, self.high))

    @property
    def window_words(self) -> str:
        """The window, in messages."""
        low, high = self.ends
        return f"the window [{low:g}, {high:g}]"

    def _admit(self, inner: Distribution) -> None:
        low, high = self.ends
        if inner.event_shape != () or not inner.has_cdf or inner.support is None:
            raise ValueError(
                f"truncation needs a univariate family with a distribution function, and "
                f"{type(inner).__name__} has none; define _log_cdf, _log_sf and support"
            )
        if high <= inner.support.low or low >= inner.support.top:
            raise ValueError(
                f"truncation must overlap the support of {type(inner).__name__} "
                f"({inner.support.describe()}), got {(low, high)}"
            )

    def interval_responsibilities(
        self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
    ) -> np.ndarray:
        """Probabilities of the components, (n, C), of the part of an interval in the window."""
        low, high = self.ends
        return super().interval_responsibilities(
            np.clip(lower, low, high), np.clip(upper, low, high), eta
        )

    @cached_property
    def support(self) -> Support:
        """The window and the family's support together."""
        own = self.inner.known_support
        low, high = max(self.ends[0], own.low), min(self.ends[1], own.top)
        # The ends of the window belong to it; an open end of the family's support does not.
        open_end = not own.closed and ((low == own.low > -np.inf) or (high == own.top < np.inf))
        return Support(low, high, closed=not open_end, integer=own.integer)

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the inner family's interval at each row of eta, cut to the window."""
        low, high = super().support_at(eta)
        return np.maximum(low, self.ends[0]), np.minimum(high, self.ends[1])

    @property
    def information(self) -> InformationKind:
        """The inner family's: the statistics are the same."""
        return self.inner.information

    def window(self, eta: np.ndarray, outer: bool = False) -> Moments:
        """Probability of the window and conditional moments of the score, per row of eta."""
        low, high = (np.full(len(eta), float(end)) for end in self.ends)
        if outer:
            return moments(self.inner, low, high, eta, outer)
        return moments(self.inner, low, high, eta)

    def interval_moments(self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> Moments:
        """Log-probability of intervals and its derivatives: that inside the window, over its own.

        Returns
        -------
        Moments
            -inf where an interval misses the window.
        """
        low, high = self.ends
        part = moments(self.inner, np.maximum(lower, low), np.minimum(upper, high), eta)
        whole = self.window(eta)
        return Moments.of(
            np.minimum(part.log_mass - whole.log_mass, 0.0),
            part.score - whole.score,
            part.observed - whole.observed,
        )

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y | inside) in eta over the density, from intervals."""
        return from_intervals(self, y, eta)

    def _log_mass(self, eta: np.ndarray) -> np.ndarray:
        """Log-probability of the window, per row of eta."""
        low, high = (np.full(len(eta), float(end)) for end in self.ends)
        return log_probability_of(self.inner, low, high, eta)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Var[s | inside], (n, K, K)."""
        if self.atoms:
            return expected_square(self, eta)
        inside = self.window(eta, outer=True)
        return inside.outer - inside.score[:, :, None] * inside.score[:, None, :]

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,); those of a long window of counts are few."""
        if self.support.integer:
            mass = float(self._log_mass(eta[None])[0])
            ends = self.support.low, self.support.top
            rule = smooth_rule(self, eta, stretch_of(self.inner, eta, *ends, mass))
            if rule is not None:
                return rule
        return super().expectation(eta)

    def regular(self, rows: Rows) -> Regular | None:
        """The window around the inner family in its regular coordinates."""
        return self._around(self.inner.regular(rows))

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The limit in the window to which the family runs, or that of the inner family.

        A limit that is at least as likely as the estimate has been reached, as far as numbers can
        tell: inside the family the likelihood only nears it.

        Returns
        -------
        str or None
            The limit in words, with its parameters.
        """
        inside = super().limit_at(rows, eta)
        if inside is None and rows.event_shape != ():
            return self._windowed.limit_at(rows_as(rows, self._with_window), eta)
        if inside is not None:
            return inside
        best = best_limit(limits_of(self, rows, eta))
        if best is None:
            return None
        value = float(rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0])
        return best.words if not value > best.value + SAME * rows.total else None

    @cached_property
    def _windowed(self) -> WindowedFamily:
        """The inner family, of whose rows each has a window."""
        return WindowedFamily(self.inner)

    def _with_window(self, block: Block) -> np.ndarray:
        """Ends of intervals and of this window (n, 4)."""
        n, low, high = len(block.y), self.support.low, self.support.top
        return np.column_stack([block.y, np.full(n, low), np.full(n, high)])

    def _limit_of_intervals(self, rows: Rows) -> np.ndarray | None:
        best = self._windowed.best_limit(rows_as(rows, self._with_window), None)
        return None if best is None else best.eta

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The inner family's answer, unless a limit in the window is what the fit has reached."""
        return None if self.limit_at(rows, eta) else super().no_maximum(rows, eta)

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The inner family's, or a member near a limit in the window that is more likely.

        Of a family with kinks it is the optimum of the window itself.

        Returns
        -------
        ndarray of shape (K,) or None
        """
        start = super().nested_start(rows)
        if start is not None and self.inner.kink_sum is not None:
            start = kink_optimum(self, rows, rows, start, False)
        best = best_limit(limits_of(self, rows, None)) if rows.event_shape == () else None
        if best is None or start is None:
            return start if best is None else best.eta
        near, own = (
            rows.sum(block_sum, self, "sum_value_and_score", e[None])[0] for e in (best.eta, start)
        )
        return start if own >= near else best.eta

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The inner family's; limits of counts at zero are at the lowest count of the window."""
        words = dict(super().limit_meaning)
        if self.support.integer and self.support.low > 0:
            words |= dict.fromkeys(self.zero_ends, f"all counts are {self.support.low:g}")
        return words

    # -------------------------------------------------------------------------- rows

    def _log_prob_eta(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return self.log_prob(y, eta)

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats."""
        return self.inner.log_prob(y, eta) - self._log_mass(eta)

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """s(y) - E[s | inside], (n, K)."""
        return self.inner.score(y, eta) - self.window(eta).score

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        inside = self.window(eta)
        value, score = self.inner.log_prob_and_score(y, eta)
        return value - inside.log_mass, score - inside.score

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of each row, (n, K, K)."""
        return self.inner.observed(y, eta) - self.window(eta).observed

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        total = total_weight(weight, n_rows(y))
        kinks = self.inner.kink_sum
        if kinks is None:
            value, score, observed = self._inner_terms(y, weight, eta)
        else:
            # A summary of distinct values hides which of them lie at a kink.
            y, weight = (y[0][0], total * y[1][0]) if isinstance(y, tuple) else (y, weight)
            value, score, observed = smooth_terms(self.inner, y, weight, eta)
        inside = self.window(eta)
        terms = (
            float(value - total * inside.log_mass[0]),
            score - total * inside.score[0],
            observed - total * inside.observed[0],
        )
        return terms if kinks is None else with_kinks(terms, kinks(y, weight, eta))

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The inner family's; of one with kinks the optimum of the window itself."""
        eta = super().refine_start(rows, eta)
        return eta if self.inner.kink_sum is None else kink_optimum(self, rows, rows, eta, False)

    # ------------------------------------------------------------------ probabilities

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y | inside), (n,) nats."""
        low, high = self.ends
        return self._part(np.full_like(y, low, dtype=float), np.minimum(y, high), eta)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y | inside), (n,) nats."""
        after = np.floor(y) + 1.0 if self.support.integer else y
        low, high = self.ends
        return self._part(np.maximum(after, low), np.full_like(after, high), eta)

    def _part(self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(lower <= Y <= upper | inside)."""
        if self.support.integer:
            some = np.floor(upper) >= np.ceil(lower)
        else:
            # A value that has a probability is an interval of its own.
            some = upper >= lower if self.atoms else upper > lower
        out = np.full(len(lower), -np.inf)
        if some.any():
            own = eta if len(eta) == 1 else eta[some]
            mass = self._log_mass(own)
            out[some] = log_probability_of(self.inner, lower[some], upper[some], own) - mass
        return np.minimum(out, 0.0)

    def quantile_formula(self, eta: np.ndarray) -> Callable | None:
        """Quantiles at eta (1 or n, K): the inner family's, at probabilities in the window."""
        formula = self.inner.quantile_formula(eta)
        if formula is None:
            return None
        low, high = (np.array([end]) for end in self.ends)
        with np.errstate(all="ignore"):
            left, right = np.exp(self.inner.log_cdf(low, eta)), np.exp(self.inner.log_sf(high, eta))
            mass = np.exp(self._log_mass(eta))

        def found(p: np.ndarray, upper: bool) -> np.ndarray:
            # From the end at which the inner family's tail is small.
            far, share = left > 0.5, 1.0 - p if upper else p
            if not far.any():
                return formula(left + share * mass, False)
            inside = formula(right + (1.0 - share) * mass, True)
            return (
                inside if far.all() else np.where(far, inside, formula(left + share * mass, False))
            )

        return found

    # ------------------------------------------------------------------ data, sampling

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside the window or the support."""
        self.support.check(rows, f"{type(self.inner).__name__} truncated to its window")

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draws by rejection, (n,).

        Returns
        -------
        ndarray of shape (n,)
            Inside the window.

        Raises
        ------
        ValueError
            If the family has no sampler, or the window's probability is below about 1e-4.
        """
        n = len(eta) if size is None else size
        out, missing = np.empty(n), np.arange(n)
        for _ in range(_MOST_ROUNDS):
            own = eta if len(eta) == 1 else eta[missing]
            draws = self.inner.sample(own, rng, len(missing) if len(eta) == 1 else None)
            good = self.support.contains(draws)
            out[missing[good]] = draws[good]
            missing = missing[~good]
            if not len(missing):
                return out
        low, high = self.ends
        raise ValueError(
            f"{type(self.inner).__name__} truncated to [{low:g}, {high:g}] has too "
            "little probability there to draw by rejection; draw from the family itself"
        )

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return a density and counts without zeros."""
        return [cls(), cls("gamma", 1.0, 8.0), cls("poisson", 1.0)]
