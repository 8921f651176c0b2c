"""Distributions of scipy.stats for which the package has no file: ``from_scipy``."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from natfit._validation import check_bool
from natfit.bijectors import Between, Bijector, Positive, Real, Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import ACCURACY, Expectation
from natfit.distributions.contract.support import Support
from natfit.distributions.custom._names import usual_roles
from natfit.distributions.custom._start import best_start, improved
from natfit.numerics.differences import gradient, hessian
from natfit.rows import Block, Memory, Rows

__all__ = ["ScipyDistribution", "from_scipy"]

#: Numbers below this are zero: scipy writes an open end at zero as the smallest double.
_ZERO = 1e-300

#: Steps of the differences in unconstrained coordinates, and in units of scale for a location:
#: for fourth-order formulas the errors of truncation and of rounding are about equal here.
_FIRST, _SECOND = 2e-3, 8e-3

#: Accepted probability beyond the enumerated values, and their numbers, which are tried in turn.
_TAIL, _ENUMERATED = 1e-12, (2**8, 2**12, 2**16)


#: Distance, in scales, between the end of the support at a start and the nearest row.
_ROOM = 0.1


class ScipyDistribution(Distribution):
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

    #: Autograd cannot differentiate the log-densities of scipy: derivatives are differences.
    differentiable = False

    def __init__(
        self, dist: Any, loc: bool = False, scale: bool = False, fixed: dict | None = None
    ):
        self.dist = dist
        self.loc = loc
        self.scale = scale
        self.fixed = fixed

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return continuous and discrete distributions, with and without scale."""
        return [
            cls("nakagami", scale=True),
            cls("burr12"),
            cls("rice"),
            cls("betabinom", fixed={"n": 10}),
        ]

    # ------------------------------------------------------------------------ scipy's object

    @cached_property
    def _dist(self) -> Any:
        from scipy import stats

        return getattr(stats, self.dist) if isinstance(self.dist, str) else self.dist

    @property
    def _discrete(self) -> bool:
        return hasattr(self._dist, "logpmf")

    @cached_property
    def _shapes(self) -> dict[str, Any]:
        """Descriptions of the shapes by name; user-supplied ones are positive."""
        if hasattr(self._dist, "_shape_info"):
            return {info.name: info for info in self._dist._shape_info()}
        names = (self._dist.shapes or "").replace(",", " ").split()
        return {k: SimpleNamespace(domain=(0.0, np.inf), integrality=False) for k in names}

    def _check(self) -> None:
        """Raise ValueError where names or values of fixed shapes, or their absence, are wrong."""
        name, given = self._dist.name, self.fixed or {}
        for key, value in given.items():
            if key not in self._shapes:
                raise ValueError(
                    f"{key} must be a shape of scipy.stats.{name}, {list(self._shapes)}"
                )
            low, high = self._shapes[key].domain
            if not low <= value <= high:
                raise ValueError(f"{key} must be in [{low:g}, {high:g}] for {name}, got {value!r}")
        whole = [k for k, info in self._shapes.items() if info.integrality and k not in given]
        if whole:
            raise ValueError(
                f"{whole[0]} must be fixed for {name}, as in from_scipy({name}, {whole[0]}=10): "
                "it is a whole number, in which there is no derivative"
            )
        if not self.params:
            raise ValueError(
                f"{name} must have a parameter to estimate: it has no free shape; pass loc=True "
                "or scale=True"
            )

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """Free shapes, then loc and scale where asked for."""
        free = {k: _constraint(i) for k, i in self._shapes.items() if k not in (self.fixed or {})}
        more = {"loc": Real()} if self.loc else {}
        return free | more | ({"scale": Positive()} if self.scale else {})

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Location and scale if they are parameters; of shapes, what their names usually mean."""
        return usual_roles(self.params)

    def _values(self, native: tuple) -> tuple[tuple, dict[str, Any]]:
        """scipy's shapes, and its loc and scale by name."""
        values = dict(zip(self.params, native, strict=True)) | (self.fixed or {})
        shapes = tuple(values[k] for k in self._shapes)
        return shapes, {k: values[k] for k in ("loc", "scale") if k in self.params}

    @cached_property
    def support(self) -> Support | None:
        """scipy's, where it is the same for all parameters; else None."""
        if self.loc:
            probe = self._dist._get_support(*self._values(self.native(self._probe(0.0)))[0])
            return Support() if not np.isfinite(np.ravel(probe)).any() else None
        ends = set()
        for at in (-0.7, 0.0, 0.9):
            shapes, _ = self._values(self.native(self._probe(at)))
            low, high = (float(np.ravel(v)[0]) for v in self._dist._get_support(*shapes))
            ends.add((low, high))
        if len(ends) > 1 or (self.scale and np.isfinite(high) and high != 0.0):
            return None
        if self.scale and np.isfinite(low) and low != 0.0:
            return None
        if self._discrete:
            return Support(low, high, closed=True, integer=True) if np.isfinite(low) else None
        edges = np.array([v for v in (low, high) if np.isfinite(v)])
        with np.errstate(all="ignore"):
            closed = bool(np.isfinite(self._log_prob(edges, *self.native(self._probe(0.3)))).all())
        return Support(low, high, closed=closed and len(edges) > 0)

    def _probe(self, at: float) -> np.ndarray:
        """A point eta (1, K) inside the limits."""
        low, high, _ = self.limits
        return np.clip(np.full((1, self.n_params), at), low, high)

    # ------------------------------------------------------------------------------ density

    def _log_prob(self, y: Any, *native: Any) -> np.ndarray:
        shapes, where = self._values(native)
        log = self._dist.logpmf if self._discrete else self._dist.logpdf
        with np.errstate(all="ignore"):
            values = np.asarray(log(y, *shapes, **where), dtype=np.float64)
        # Parameters that scipy refuses together have no density.
        return np.where(np.isnan(values), -np.inf, values)

    def _steps(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Unit of each coordinate, (n or 1, K): the scale for a location, less near an end.

        Near an end of the support log-densities vary as the logarithm of the distance to it.

        Returns
        -------
        ndarray of shape (n, K) or (1, K)
            Positive.
        """
        if not self.loc:
            return np.ones((1, self.n_params))
        shapes, where = self._values(self.native(eta))
        scale = where.get("scale", np.ones(1))
        low, high = (np.asarray(v, dtype=float) for v in self._dist._get_support(*shapes))
        unit = np.broadcast_to(scale, (max(len(y), len(eta)),)).copy()
        for end in (low, high):
            edge = where["loc"] + scale * np.where(np.isfinite(end), end, 0.0)
            near = np.isfinite(end) & (np.abs(y - edge) < unit)
            unit = np.where(near, np.abs(y - edge), unit)
        out = np.ones((len(unit), self.n_params))
        out[:, self.blocks["loc"].start] = np.maximum(unit, np.finfo(float).tiny)
        return out

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-density (n,), and score (n, K) by differences."""
        with np.errstate(all="ignore"):
            score = gradient(lambda e: self.log_prob(y, e), eta, _FIRST * self._steps(y, eta))
        return self.log_prob(y, eta), score

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian (n, K, K), by differences."""
        with np.errstate(all="ignore"):
            return -hessian(lambda e: self.log_prob(y, e), eta, _SECOND * self._steps(y, eta))

    def _log_cdf(self, y: Any, *native: Any) -> np.ndarray:
        shapes, where = self._values(native)
        return self._dist.logcdf(y, *shapes, **where)

    def _log_sf(self, y: Any, *native: Any) -> np.ndarray:
        shapes, where = self._values(native)
        return self._dist.logsf(y, *shapes, **where)

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
        """Start (K,): the best of a few guesses by the parameters' roles.

        Returns
        -------
        ndarray of shape (K,)
            Where the log-density of all rows given is finite.

        Raises
        ------
        ValueError
            If the log-density of every guess is infinite at some row.
        """
        y, weight, rows = few.y, few.weight, Memory(few.y, weight=few.weight)
        has_lower_end = self.support is None or np.isfinite(self.support.low)
        eta, value = best_start(
            lambda e: self.log_prob(y, self.refine_start(rows, e)[None]),
            self.params,
            self.roles,
            y,
            weight,
            has_lower_end and not self._discrete and not self.loc,
        )
        eta, value = improved(
            lambda e: float(np.average(self.log_prob(y, e[None]), weights=weight)),
            lambda e: self.refine_start(rows, np.clip(e, *self.limits[:2])),
            lambda e: self._steps(y, e[None]).max(axis=0),
            eta,
            value,
        )
        if not np.isfinite(value):
            raise ValueError(
                f"{self._dist.name} has no finite log-density at the rows for any of the starts "
                "tried; pass start_params, or scale=True where y has units"
            )
        return self.refine_start(rows, eta)

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Start (K,) whose location leaves all rows inside the support."""
        if not self.loc or self.support is not None:
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
        shapes, where = self._values(tuple(float(v) for v in native))
        return self._dist(*shapes, **where)


def from_scipy(
    dist: Any, *, loc: bool = False, scale: bool = False, **fixed: float
) -> ScipyDistribution:
    """Make a distribution of one of ``scipy.stats``, continuous or discrete.

    For those with a file of their own (see ``natfit.distributions``) that file is faster and
    more accurate: here scores and observed information are fourth-order differences of scipy's
    log-density (relative errors of 1e-9 and 1e-7), and each costs 4 K and 4 K^2 evaluations.

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
        ``scipy.stats.betabinom``.

    Returns
    -------
    ScipyDistribution

    Raises
    ------
    TypeError
        If dist is no distribution of scipy, or is frozen.
    ValueError
        If a name in ``fixed`` is no shape, its value is outside the shape's domain, a
        whole-numbered shape is not fixed, no parameter is left, or a discrete distribution is
        to have a location or scale.

    Notes
    -----
    The Fisher information is computed by quadrature or enumeration where the support is the same
    for all parameters; else by draws. Where the support depends on them (``loc=True`` on a
    half-line), the likelihood may have no maximum: with a shape below one it grows without limit
    as loc tends to the smallest row.

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
        raise TypeError(
            f"dist must be a distribution of scipy.stats such as scipy.stats.nakagami, not frozen, "
            f"got {dist!r}; for a user-supplied function use from_log_prob"
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


def _constraint(info: Any) -> Bijector:
    """The constraint of a shape's domain."""
    low, high = (float(v) for v in info.domain)
    low = 0.0 if abs(low) < _ZERO else low
    if (low, high) == (-np.inf, np.inf):
        return Real()
    if (low, high) == (0.0, np.inf):
        return Positive()
    return Unit() if (low, high) == (0.0, 1.0) else Between(low, high)
