"""Distributions of scipy.stats for which the package has no file: ``from_scipy``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit._validation import check_bool
from natfit.bijectors import Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import InformationKind, Route, Yardstick
from natfit.distributions.contract.expectation import ACCURACY, Expectation
from natfit.distributions.contract.start import MANY
from natfit.distributions.contract.support import Support
from natfit.distributions.custom._ascent import Surface
from natfit.distributions.custom._density import ScipyDensity
from natfit.distributions.custom._ends import natural_units
from natfit.distributions.custom._far import followed
from natfit.distributions.custom._held import Held
from natfit.distributions.custom._intervals import has_formulas, search_intervals
from natfit.distributions.custom._search import Found, search
from natfit.distributions.custom._whole import profiled
from natfit.distributions.wrappers._row_ends import allowed_ends
from natfit.numerics.differences import FIRST, SECOND, gradient, hessian
from natfit.rows import Block, Rows, table_of

__all__ = ["ScipyDistribution", "from_scipy"]

#: Accepted probability beyond the enumerated values, and their numbers, which are tried in turn.
_TAIL, _ENUMERATED = 1e-12, (2**8, 2**12, 2**16)


#: Rows on which the start is searched; the ends of the support are those of all rows.
SEARCHED = 2_000

#: Logit from which on a probability may be at its limit.
_EDGE = 14.0

#: Factors of a scale that tell whether the likelihood grows as it tends to zero.
_SHRUNK = (1.0, 1e-2, 1e-4)

#: Distance, in scales, between the end of the support at a start and the nearest row.
_ROOM = 0.1


class ScipyDistribution(ScipyDensity):
    """A distribution of ``scipy.stats``; see :func:`from_scipy`, which checks the arguments.

    Parameters
    ----------
    dist : str or rv_continuous or rv_discrete
        Its name in ``scipy.stats``, or the object where it has none there.
    loc, scale : bool
        Whether these are parameters.
    fixed : dict, optional
        Values of the shapes that are not estimated.
    """

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return continuous and discrete distributions, with and without scale."""
        return [
            cls("nakagami", scale=True),
            cls("burr12"),
            cls("rice"),
            cls("betabinom", fixed={"n": 10}),
        ]

    @property
    def information(self) -> InformationKind:
        """Measured by the observed one: one by quadrature of differences costs far more.

        Where the support moves with a parameter the expected one may be infinite.
        """
        if not self._still:
            return InformationKind(Route.NONE, yardstick=Yardstick.OBSERVED)
        return replace(super().information, yardstick=Yardstick.OBSERVED)

    @property
    def has_kl(self) -> bool:
        """Whether the support is the same for all parameters: else no divergence is finite."""
        return self._still and super().has_kl

    @cached_property
    def _hull(self) -> tuple[tuple[float, bool], tuple[float, bool]]:
        """For each end of the support how far it may reach, and whether it may move."""
        found = []
        for side, ends in zip((-1.0, 1.0), self._standard_ends(self._probes()), strict=True):
            here = np.unique(ends)
            finite = bool(np.isfinite(here).any())
            scaled = self.scale and finite and bool(np.any(here != 0.0))
            if not (len(here) > 1 or scaled or (self.loc and finite)):
                found.append((float(here[0]), False))
            else:
                # An end that moves keeps its sign where there is no location.
                kept = not self.loc and bool(np.all(side * here <= 0.0))
                found.append((0.0 if kept else side * np.inf, True))
        return found[0], found[1]

    @property
    def _still(self) -> bool:
        """Whether the ends of the support are the same for all parameters."""
        return not any(moves for _, moves in self._hull)

    @cached_property
    def support(self) -> Support | None:
        """Where y may lie for some parameters; None for whole numbers without a least one."""
        least, most = (end for end, _ in self._hull)
        if self._discrete:
            return Support(least, most, closed=True, integer=True) if np.isfinite(least) else None
        edges = np.array([v for v in (least, most) if np.isfinite(v)])
        with np.errstate(all="ignore"):
            closed = bool(np.isfinite(self._log_prob(edges, *self.native(self._probe(0.3)))).all())
        return Support(least, most, closed=closed and len(edges) > 0)

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support at each row of eta (n, K), as scipy states them."""
        return self._moved_ends(eta)

    # ------------------------------------------------------------------------------ density

    def _steps(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Unit of each coordinate, (n or 1, K): the scale for a location, less near an end."""
        unit = self._unit(y, eta)
        unit = natural_units(lambda points: self.log_stack(y, points), eta, unit)
        return self._safe(y, eta, unit, lambda e: e)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-density (n,), and score (n, K) by differences."""
        with np.errstate(all="ignore"):
            step = FIRST * self._steps(y, eta)
            score = gradient(lambda points: self.log_stack(y, points), eta, step, stacked=True)
        return self.log_prob(y, eta), score

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian (n, K, K), by differences."""
        with np.errstate(all="ignore"):
            step = SECOND * self._steps(y, eta)
            return -hessian(lambda points: self.log_stack(y, points), eta, step, stacked=True)

    def _log_cdf(self, y: Any, *native: Any) -> np.ndarray:
        return self._scipys_tail(self._dist.logcdf, y, native)

    def _log_sf(self, y: Any, *native: Any) -> np.ndarray:
        return self._scipys_tail(self._dist.logsf, y, native)

    def _scipys_tail(self, tail: Callable, y: Any, native: tuple) -> np.ndarray:
        """A tail by scipy; NaN where its integrals or its search for a root fail."""
        shapes, where = self._values(native)
        try:
            return np.asarray(tail(y, *shapes, **where))
        except (ArithmeticError, RuntimeError, ValueError):
            return np.full(np.broadcast_shapes(np.shape(y), np.shape(native[0])[:1]), np.nan)

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,), for a discrete family without an upper end too.

        Returns
        -------
        Expectation
            Nodes y and their probabilities.

        Raises
        ------
        ValueError
            If more than 1e-5 of the probability lies beyond 65,536 values.
        """
        if not self._discrete or np.isfinite(self.known_support.top):
            return super().expectation(eta)
        for most in _ENUMERATED:
            y = self.known_support.low + np.arange(most)
            weight = np.exp(self._log_prob(y, *self.native(eta[None])))
            missing = abs(weight.sum() - 1.0)
            if missing < _TAIL:
                break
        if not missing < ACCURACY:
            raise ValueError(
                f"{self._dist.name} has too heavy a tail to enumerate at "
                f"{self.native_dict(eta)}; use metric='observed' or 'empirical'"
            )
        return Expectation(y, weight / weight.sum())

    # ------------------------------------------------------------------------ data, sampling

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside the support, where that is fixed."""
        if self.support is not None:
            self.support.check(rows, self._dist.name)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike, where a scale could shrink to a point.

        Raises
        ------
        ValueError
            With the remedy.
        """
        if self.loc and self.scale:
            refuse_constant(rows, self._dist.name)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """Start (K,): the best end of several climbs (:mod:`natfit.distributions.custom._search`).

        Returns
        -------
        ndarray of shape (K,)
            Where the log-density of all rows given is finite.

        Raises
        ------
        ValueError
            If the log-density of every start is infinite at some row.
        """
        extent = float(few.y.min()), float(few.y.max())
        return self._searched(few, extent).eta

    def _searched(self, few: Block, extent: tuple[float, float]) -> Found:
        """Search from several starts; ValueError where none has a density at all rows."""
        find = profiled if self._whole else search
        found = followed(find(self, few.y, few.weight, extent), few.y, few.weight)
        if not np.isfinite(found.mean):
            raise ValueError(
                f"{self._dist.name} has no finite log-density at the rows for any of the starts "
                "tried; pass start_params, or scale=True where y has units"
            )
        return found

    @property
    def located(self) -> Distribution | None:
        """The same distribution with a location."""
        return None if self.loc else type(self)(self.dist, True, self.scale, self.fixed)

    def held(self, rows: Rows) -> tuple[Distribution, np.ndarray] | None:
        """Return the family with ends of its support held at order statistics, and its start.

        Returns
        -------
        tuple or None
            The family and its start (K',); the family itself where no end is to be held.
        """
        if rows.event_shape != ():
            return self._held_intervals(rows)
        least, most = rows.extent()
        few = self._enough(rows)
        found = self._searched(few, (float(least), float(most)))
        if not found.chart.holds:
            eta = self._at_limits(few, found)
            return self, self.refine_start(rows, self.alike(eta))
        family = Held(self, found.chart, found.infinite)
        return family, family.reduce(found.eta)

    def _held_intervals(self, rows: Rows) -> tuple[Distribution, np.ndarray] | None:
        """As :meth:`held`, for rows y (n, 2) of which intervals are known.

        Returns
        -------
        tuple or None
            None where no end moves, or the distribution function is an integral.
        """
        if self._still or self._discrete or self._whole or not has_formulas(self):
            return None
        found = search_intervals(self, rows.few(SEARCHED), allowed_ends(rows))
        if not np.isfinite(found.mean):
            return None
        if not found.chart.holds:
            return self, found.eta
        family = Held(self, found.chart, found.infinite)
        return family, found.eta[family.free]

    def _at_limits(self, few: Block, found: Found) -> np.ndarray:
        """Eta (K,) with probabilities that are all but at a limit there, if that is no worse.

        Next to the limit slopes and curvatures are smaller than their rounding.

        Returns
        -------
        ndarray of shape (K,)
        """
        low, high, _ = self.limits
        best, mean = found.eta, found.mean
        surface = Surface(lambda e: self.log_rows(few.y, e), few.weight, np.ones_like)
        near = [k for k, c in self.params.items() if isinstance(c, Unit)]
        for at in (i for k in near for i in range(self.blocks[k].start, self.blocks[k].stop)):
            if abs(best[at]) > _EDGE:
                trial = np.array(best)
                trial[at] = high[at] if trial[at] > 0 else low[at]
                value = float(surface.at(trial[None])[0])
                if value >= mean:
                    best, mean = trial, value
        return best

    def alike(self, eta: np.ndarray) -> np.ndarray:
        """Eta (K,) with a vector of probabilities in ascending order, which no density tells."""
        out = np.array(eta)
        if self._vector is not None and self._vector[0] in self.blocks:
            block = self.blocks[self._vector[0]]
            out[block] = np.sort(out[block])
        return out

    def _enough(self, rows: Rows) -> Block:
        """The rows on which the search decides: whole numbers are final, all else is a start."""
        if self._discrete:
            values, weight = table_of(rows)
            if self._whole or len(values) <= SEARCHED:
                return Block(values, weight=weight)
        return rows.few(MANY if self._whole else SEARCHED)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """What scipy calls a density is none on the line, as that of an angle in the unit scale.

        Returns
        -------
        str or None
            Why, where the log-likelihood grows as that of a density never does.
        """
        few = rows.few(SEARCHED)
        if not self.scale or self._discrete or not isinstance(few.y, np.ndarray):
            return None
        steps = np.log(_SHRUNK)
        points = np.repeat(eta[None], len(steps), axis=0)
        points[:, self.blocks["scale"].start] += steps
        means = np.average(self._log_rows(few.y[:, None], points, True), axis=0, weights=few.weight)
        if not np.all(np.diff(means) > -0.5 * np.diff(steps)):
            return None
        return (
            f"scale -> 0: {self._dist.name} has more than all of the probability on the line, and "
            "the likelihood grows without limit; its scale cannot be estimated"
        )

    def _with(self, z: np.ndarray) -> ScipyDistribution:
        """The distribution at known whole-numbered shapes."""
        known = dict(zip(self._whole, map(float, z), strict=True))
        return type(self)(self.dist, self.loc, self.scale, {**(self.fixed or {}), **known})

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Start (K,) whose location leaves all rows inside the support."""
        if not self.loc or self._still:
            return eta
        shapes, where = self._values(self.native(eta[None]))
        scale = float(where.get("scale", np.ones(1))[0])
        low, high = (float(np.ravel(v)[0]) for v in self._dist._get_support(*shapes))
        at, room = self.blocks["loc"].start, _ROOM * scale
        out = eta.copy()
        least, most = rows.extent()
        if np.isfinite(low) and not out[at] + scale * low < least:
            out[at] = least - scale * low - room
        elif np.isfinite(high) and not out[at] + scale * high > most:
            out[at] = most - scale * high + room
        return out

    def _sample(self, rng: np.random.Generator, n: int, *native: Any) -> np.ndarray:
        shapes, where = self._values(native)
        return np.asarray(self._dist.rvs(*shapes, **where, size=n, random_state=rng), dtype=float)

    def _to_scipy(self, *native: Any) -> Any:
        shapes, where = self._values(tuple(np.asarray(v, dtype=float)[()] for v in native))
        return self._dist(*shapes, **where)


def from_scipy(
    dist: Any, *, loc: bool = False, scale: bool = False, **fixed: float
) -> ScipyDistribution:
    """Make a distribution of one of ``scipy.stats``, continuous or discrete.

    For those with a file of their own (see ``natfit.distributions``) that file is faster and
    more accurate: here scores and observed information are differences of scipy's log-density, of
    the sixth and the fourth order, and each costs about 8 K and 4 K^2 evaluations.

    Parameters
    ----------
    dist : rv_continuous or rv_discrete
        Such as ``scipy.stats.nakagami``; not frozen. Its shapes are the parameters, constrained
        to the domains that scipy states.
    loc, scale : bool
        Whether location and scale are parameters too; else they are 0 and 1. Continuous
        distributions alone.
    **fixed : float
        Shapes that are not estimated, by name. Whole-numbered shapes must be, as ``n=10`` for
        ``scipy.stats.betabinom``, unless all free shapes are whole numbers: then their profile
        is searched. ``poisson_binom``, whose shape is a vector, needs its length, as ``n=10``.

    Returns
    -------
    ScipyDistribution

    Raises
    ------
    TypeError
        If dist is no distribution of scipy, or is frozen.
    ValueError
        If a name in ``fixed`` is no shape, its value is outside the shape's domain, a
        whole-numbered shape beside others is not fixed, no parameter is left, or a discrete
        distribution is to have a location or scale.

    Notes
    -----
    A fit begins at the best end of several climbs, from shapes on a fixed grid whose location and
    scale match quantiles of the rows, and from scipy's own start. The observed information is the
    metric and the yardstick; nothing is drawn.

    Where the density is positive at an end of its support that moves with a parameter, the
    likelihood grows as the end tends to the outermost row. The parameter is then held where the
    end is at this row, and the fit ends as ``boundary``, which names the row. Where the density is
    infinite at the end, the estimate is the maximum inside, if there is one; else the fit ends as
    ``unbounded``, also where it is infinite in the middle (``dgamma`` with a < 1). A kink of the
    density, as in the middle of the Laplace distribution, is held at a row.

    Examples
    --------
    >>> from scipy import stats
    >>> from natfit.distributions import from_scipy
    >>> list(from_scipy(stats.nakagami, scale=True).params)
    ['nu', 'scale']
    >>> list(from_scipy(stats.betabinom, n=10).params)
    ['a', 'b']
    """
    from scipy import stats

    if not isinstance(dist, stats.rv_continuous | stats.rv_discrete):
        if isinstance(dist, str):
            remedy = f"write scipy.stats.{dist}"
        elif hasattr(dist, "dist"):
            name = dist.dist.name
            remedy = f"pass scipy.stats.{name} itself, and known shapes by name"
        else:
            remedy = "for a user-supplied function use from_log_prob"
        raise TypeError(
            f"dist must be a univariate distribution of scipy.stats such as scipy.stats.nakagami, "
            f"not frozen, got {dist!r}; {remedy}"
        )
    check_bool(loc, "loc")
    check_bool(scale, "scale")
    if (loc or scale) and isinstance(dist, stats.rv_discrete):
        raise ValueError(
            f"loc and scale must be False for the discrete {dist.name}: whole numbers have no "
            "scale, and the log-probability no derivative in a location"
        )
    own = getattr(stats, dist.name or "", None) is dist
    family = ScipyDistribution(dist.name if own else dist, loc, scale, dict(fixed))
    family._check()
    return family
