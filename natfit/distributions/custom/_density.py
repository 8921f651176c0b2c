"""The density of a distribution of scipy.stats: its parameters, its ends, values at many points."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from natfit.bijectors import Between, Bijector, Positive, Real, Unit
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.names import ALIASES, ALSO_CALLED
from natfit.distributions.custom._ends import Hold, kinks, placed, safe_steps
from natfit.distributions.custom._names import usual_roles
from natfit.distributions.custom._table import tabled_quantiles

#: Ends of supports that scipy itself does not state.
_UNDECLARED = {
    "pearson3": lambda skew: (
        np.where(skew > 0, -2.0 / skew, -np.inf),
        np.where(skew < 0, -2.0 / skew, np.inf),
    ),
    "poisson_binom": lambda p: (np.zeros(len(p)), np.full(len(p), float(p.shape[-1]))),
}

#: Shapes that are vectors of probabilities, which scipy does not describe, and the name that its
#: formulas give to their length.
_VECTORS = {"poisson_binom": ("p", "n")}

#: Largest size of shapes whose formulas are series: the number of terms, and with it the time of a
#: value, grows without limit, and from here on a value takes twenty microseconds and more. The
#: densities are all but at their limits there.
_SERIES = {"nct": {"nc": 100.0}, "ncf": {"nc": 1e4}}

#: Distance of probabilities of counts from 0 and 1 at which the likelihood still has a slope.
_MARGIN = 1e-12

#: Numbers below this are zero: scipy writes an open end at zero as the smallest double.
_ZERO = 1e-300

#: A native value at a limit, as it comes back from eta.
_ROUNDED = 1.0 + 1e-9

#: Log-probability above which a value has more than all of it, by more than rounding; mass between
#: the rows that no density has; and number of different rows that suffice to integrate it.
_CERTAIN, _MASS, _ENOUGH = 1e-6, 2.0, 8

#: Smallest unit of a difference near a kink, in units: the row at the kink has no derivative.
_CLOSEST = 1e-6

#: Number of values that are computed in one call.
_TOGETHER = 2**17


class ScipyDensity(Distribution):
    """What scipy's object says of itself and of its log-density.

    The arguments are those of :class:`natfit.distributions.custom.from_scipy.ScipyDistribution`.
    """

    #: Autograd cannot differentiate the log-densities of scipy: derivatives are differences.
    differentiable = False
    by_differences = True

    def __init__(
        self, dist: Any, loc: bool = False, scale: bool = False, fixed: dict | None = None
    ):
        self.dist = dist
        self.loc = loc
        self.scale = scale
        self.fixed = fixed

    # ------------------------------------------------------------------------ scipy's object

    @cached_property
    def _dist(self) -> Any:
        from scipy import stats

        return getattr(stats, self.dist) if isinstance(self.dist, str) else self.dist

    @cached_property
    def quantiles_by_formula(self) -> bool:
        """Whether the quantile function is a formula, and no search with scipy's cdf."""
        from scipy import stats

        return type(self._dist)._ppf is not stats.rv_continuous._ppf

    @property
    def _discrete(self) -> bool:
        return hasattr(self._dist, "logpmf")

    @property
    def _vector(self) -> tuple[str, str] | None:
        """The name of the shape, and that of its length, where it is a vector."""
        return _VECTORS.get(self._dist.name)

    @cached_property
    def _shapes(self) -> dict[str, Any]:
        """Descriptions of the shapes by name; user-supplied ones are positive."""
        if self._vector is not None:
            return {self._vector[0]: SimpleNamespace(domain=(0.0, 1.0), integrality=False)}
        if hasattr(self._dist, "_shape_info"):
            return {info.name: info for info in self._dist._shape_info()}
        names = (self._dist.shapes or "").replace(",", " ").split()
        return {k: SimpleNamespace(domain=(0.0, np.inf), integrality=False) for k in names}

    def _check(self) -> None:
        """Raise ValueError where names or values of fixed shapes, or their absence, are wrong."""
        name, given = self._dist.name, dict(self.fixed or {})
        if self._vector is not None:
            shape, length = self._vector
            size = given.pop(length, None)
            if shape not in given and not (size is not None and size >= 1 and size == int(size)):
                raise ValueError(
                    f"{length} must be a whole number >= 1 for {name}, as in from_scipy({name}, "
                    f"{length}=10): its shape {shape} is a vector of {length} probabilities, which "
                    f"the data do not determine, got {size!r}"
                )
        for key, value in given.items():
            if key not in self._shapes:
                raise ValueError(
                    f"{key} must be a shape of scipy.stats.{name}, {list(self._shapes)}, got "
                    f"{key}={value!r}; loc=True and scale=True estimate the location and the "
                    "scale, and a fit holds them by fixed={'loc': value}"
                )
            low, high = self._shapes[key].domain
            if not np.all((low <= np.asarray(value)) & (np.asarray(value) <= high)):
                raise ValueError(f"{key} must be in [{low:g}, {high:g}] for {name}, got {value!r}")
        free = [k for k in self._shapes if k not in given]
        whole = [k for k in free if self._shapes[k].integrality]
        if whole and len(whole) < len(free):
            raise ValueError(
                f"{whole[0]} must be fixed for {name}, as in from_scipy({name}, {whole[0]}=10): "
                "scipy declares it a whole number, in which there is no derivative" + _own(name)
            )
        if not self.params:
            raise ValueError(
                f"{name} must have a parameter to estimate: it has no free shape; pass loc=True "
                "or scale=True"
            )

    @cached_property
    def _whole(self) -> list[str]:
        """Free shapes that are whole numbers."""
        known = self.fixed or {}
        return [k for k, i in self._shapes.items() if i.integrality and k not in known]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """Free shapes, then loc and scale where asked for."""
        known = self.fixed or {}
        edge = _MARGIN if self._discrete else 0.0
        series = _SERIES.get(self._dist.name, {})
        free = {
            k: _constraint(i, edge, series.get(k, np.inf))
            for k, i in self._shapes.items()
            if k not in known
        }
        if self._vector is not None and free:
            free = {self._vector[0]: Unit((int(known[self._vector[1]]),), _MARGIN)}
        more = {"loc": Real()} if self.loc else {}
        return free | more | ({"scale": Positive()} if self.scale else {})

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Location and scale if they are parameters; of shapes, what their names usually mean."""
        return usual_roles(self.params)

    @property
    def stretches(self) -> bool:  # type: ignore[override]  # the arguments decide
        """Whether there is a location or a scale: both are those of y."""
        return self.loc or self.scale

    def _values(self, native: tuple) -> tuple[tuple, dict[str, Any]]:
        """scipy's shapes, and its loc and scale by name."""
        values = dict(zip(self.params, native, strict=True)) | (self.fixed or {})
        # Whole numbers may come back from eta with an error of rounding.
        values |= {k: np.rint(values[k]) for k in self._whole}
        for k, most in _SERIES.get(self._dist.name, {}).items():
            # scipy has no density at NaN, and takes no time for it.
            values[k] = np.where(np.abs(values[k]) <= _ROUNDED * most, values[k], np.nan)
        shapes = tuple(values[k] for k in self._shapes)
        return shapes, {k: values[k] for k in ("loc", "scale") if k in self.params}

    def _probe(self, at: float) -> np.ndarray:
        """A point eta (1, K) inside the limits."""
        low, high, _ = self.limits
        # Two shapes that are both ends must not be equal.
        return np.clip(at + 0.11 * np.arange(self.n_params)[None], low, high)

    def _probes(self) -> np.ndarray:
        """Points eta (m, K) with shapes of all signs."""
        shapes = min(sum(k not in ("loc", "scale") for k in self.params), 4)
        signs = np.array(list(itertools.product((-0.7, 0.9), repeat=max(shapes, 1))))
        out = np.repeat(self._probe(0.0), len(signs), axis=0)
        out[:, : min(signs.shape[1], out.shape[1])] += signs[:, : out.shape[1]]
        low, high, _ = self.limits
        return np.clip(out, low, high)

    def _standard_ends(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (m,) of the support at points eta (m, K), without location and scale."""
        shapes, _ = self._values(self.native(eta))
        with np.errstate(all="ignore"):
            ends = _UNDECLARED.get(self._dist.name, self._dist._get_support)(*shapes)
        low, high = (np.broadcast_to(np.asarray(v, dtype=float), (len(eta),)) for v in ends)
        return low, high

    def _moved_ends(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (m,) of the support at points eta (m, K)."""
        _, where = self._values(self.native(eta))
        loc, scale = where.get("loc", 0.0), where.get("scale", 1.0)
        low, high = self._standard_ends(eta)
        with np.errstate(all="ignore"):
            return loc + scale * low, loc + scale * high

    @cached_property
    def _rough(self) -> list[Hold]:
        """Places inside the support at which the log-density may have no second derivative."""
        if self._discrete or self._whole:
            return []
        found = [kinks(self, eta[None]) for eta in self._probes()]
        return list({hold.point: hold for pair in found for hold in pair[0] + pair[1]}.values())

    def _safe(self, y: np.ndarray, eta: np.ndarray, unit: np.ndarray, full: Callable) -> np.ndarray:
        """Unit of differences in each coordinate of eta: less near an end, or a kink, that moves.

        ``full`` maps eta to all coordinates of the distribution.

        Returns
        -------
        ndarray of shape (n or 1, K)
        """
        unit = safe_steps(lambda e: self._moved_ends(full(e)), y, eta, unit)
        for kink in self._rough:
            unit = safe_steps(lambda e, k=kink: (placed(self, k, full(e)),), y, eta, unit, _CLOSEST)
        return unit

    def _unit(
        self, y: np.ndarray, eta: np.ndarray, logarithmic: Collection[int] = ()
    ) -> np.ndarray:
        """Unit (m, K) of each coordinate at eta (m, K): one, and for a location a size in y.

        That is the scale, or the spread of the rows, which is larger where a shape runs to
        infinity while the scale tends to zero.

        Returns
        -------
        ndarray of shape (m, K)
            Positive.
        """
        out = np.ones((len(eta), self.n_params))
        if self.loc and self.blocks["loc"].start not in logarithmic:
            _, where = self._values(self.native(eta))
            spread = 0.5 * np.subtract(*np.quantile(y, (0.84, 0.16))) if len(y) else 0.0
            scale = where.get("scale", np.ones(len(eta)))
            out[:, self.blocks["loc"].start] = np.maximum(scale, spread)
        return out

    def _standard_quantiles(self, eta: np.ndarray, q: np.ndarray, size: int) -> np.ndarray:
        """Quantiles (m, len(q)) without location and scale, from a table of the density."""
        return tabled_quantiles(
            lambda x: self._log_rows(x, eta, False), *self._standard_ends(eta), q, size
        )

    def log_rows(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row at each of several points: (n, m) for y (n,) and eta (m, K)."""
        return self._sound(y, eta, self._log_rows(y[:, None], eta, True))

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats; -inf where scipy's formula has lost all digits."""
        values = super().log_prob(y, eta)
        if len(eta) > 1 or np.ndim(values) != 1:
            return values
        return self._sound(np.asarray(y, dtype=np.float64), eta, values[:, None])[:, 0]

    def _sound(self, y: np.ndarray, eta: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Log-densities (n, m), -inf at points where they cannot be those of a density.

        At extreme parameters terms of scipy's formulas cancel, and what is left may be any number.
        A log-density that is higher than the spacings of the rows explain is integrated between
        the rows.

        Returns
        -------
        ndarray of shape (n, m)
            In nats.
        """
        if self._discrete:
            bad = np.flatnonzero((values > _CERTAIN).any(axis=0))
        else:
            points = np.unique(y[np.isfinite(y)])
            if len(points) < _ENOUGH:
                return values
            gaps = np.diff(points)
            level = -np.mean(np.log(len(y) * gaps))
            with np.errstate(all="ignore"):
                bad = np.flatnonzero(values.mean(axis=0) > level)
                if len(bad):
                    between = points[:-1] + 0.5 * gaps
                    mass = gaps @ np.exp(self._log_rows(between[:, None], eta[bad], True))
                    bad = bad[~(mass <= _MASS)]
        if len(bad):
            values = np.array(values)
            values[:, bad] = -np.inf
        return values

    def log_stack(self, y: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Log-density of each row y (n,) at points (m, n or 1, K), in few calls of scipy.

        On a few hundred rows a call costs more than its arithmetic.

        Returns
        -------
        ndarray of shape (m, n)
            In nats.
        """
        most = max(1, _TOGETHER // max(1, len(y)))
        parts = []
        for part in (points[i : i + most] for i in range(0, len(points), most)):
            if part.shape[1] == 1:
                parts.append(self.log_rows(y, part[:, 0]).T)
            else:
                flat = part.reshape(-1, part.shape[2])
                parts.append(self.log_prob(np.tile(y, len(part)), flat).reshape(len(part), -1))
        return np.concatenate(parts)

    def _log_rows(self, y: np.ndarray, eta: np.ndarray, moved: bool) -> np.ndarray:
        shapes, where = self._values(self.native(eta))
        if self._vector is not None:
            # scipy takes no grids of rows and vectors.
            each = np.broadcast_to(y, (len(y), len(eta))).ravel()
            shapes = tuple(np.tile(shape, (len(y), 1)) for shape in shapes)
            return self._valued(each, shapes, {}).reshape(len(y), -1)
        values = self._valued(y, shapes, where if moved else {})
        return np.broadcast_to(values, (len(y), len(eta)))

    def _log_prob(self, y: Any, *native: Any) -> np.ndarray:
        shapes, where = self._values(native)
        return self._valued(y, shapes, where)

    def _valued(self, y: Any, shapes: tuple, where: dict[str, Any]) -> np.ndarray:
        """scipy's log-density, -inf where it has none: refused parameters, and errors of its own.

        Some of scipy's compiled formulas raise where they overflow, and with one value all others
        of the same call are lost: these are computed in halves.

        Returns
        -------
        ndarray
            In the common shape of the arguments; in nats.
        """
        log = self._dist.logpmf if self._discrete else self._dist.logpdf
        try:
            with np.errstate(all="ignore"):
                values = np.asarray(log(y, *shapes, **where), dtype=np.float64)
            return np.where(np.isnan(values), -np.inf, values)
        except ArithmeticError:
            whole = np.broadcast_arrays(y, *shapes, *where.values())
        size = whole[0].shape[-1]
        if size == 1 or all(np.size(v) == 1 for v in (*shapes, *where.values())):
            return np.full(whole[0].shape, -np.inf)
        halves = zip(*(np.split(part, [size // 2], axis=-1) for part in whole), strict=True)
        count = 1 + len(shapes)
        found = [
            self._valued(v[0], v[1:count], dict(zip(where, v[count:], strict=True))) for v in halves
        ]
        return np.concatenate(found, axis=-1)


def _constraint(info: Any, margin: float, most: float) -> Bijector:
    """The constraint of a shape's domain, with a margin at 0 and 1, and a largest size."""
    low, high = (float(v) for v in info.domain)
    if info.integrality:
        return Real((), low, high)
    low = 0.0 if abs(low) < _ZERO else low
    if (low, high) == (-np.inf, np.inf):
        return Real((), -most, most)
    if (low, high) == (0.0, np.inf):
        return Positive(high=most)
    return Unit((), margin) if (low, high) == (0.0, 1.0) else Between(low, high)


def _own(name: str) -> str:
    """Return which family of natfit's own has the density, as the end of a message."""
    own = ALIASES.get(name, ALSO_CALLED.get(name))
    return f"; natfit's own family {own!r} has this density" if own else ""
