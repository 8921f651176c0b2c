"""A shifted family in (centre, width, ratio): loc -> -infinity is the regular point ratio 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit.bijectors import Bijector, Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Route, Yardstick
from natfit.distributions.contract.start import MANY
from natfit.distributions.contract.sums import block_sum, n_rows
from natfit.distributions.contract.support import REAL
from natfit.distributions.contract.velocity import Velocity, velocity_of
from natfit.distributions.forms.extremes import shape_velocity
from natfit.distributions.forms.shift.kernel import Kernel, Terms, kernel_of
from natfit.distributions.forms.shift.profile import (
    at_the_smallest,
    best_loc,
    climbed,
    runs_to_the_smallest,
)
from natfit.distributions.forms.shift.velocity import LEAST_CHAINED, chained
from natfit.rows import Block, Rows, total_weight

#: Largest ratio. A fit that comes there follows a likelihood that grows without limit.
_MOST = 20.0

#: Smallest ratio of a published eta: loc is then a million widths away. Below it, the likelihood
#: of the limit differs by less than the rounding of loc.
LEAST = 1e-6


class ShiftForm(Distribution):
    """The family of y with y - loc in ``family``, in coordinates that are regular at loc -> -inf.

    With z = (y - origin - centre) / width and ratio = width / (centre + origin - loc), the
    log-density is ``g(z; ratio, rest) - log width``, g from the family's :class:`Kernel`; eta =
    (centre, log width, ratio, the family's other coordinates). A shifted family whose loc runs to
    minus infinity becomes a location-scale family at ratio 0: the normal for gamma and lognormal,
    the reversed Gumbel for weibull. There the score and the information are finite and regular,
    whereas in (loc, log shape, log scale) the likelihood is flat and the coordinates infinite.

    Fits of :class:`natfit.distributions.Shifted` run in this family and are published in the
    other. The origin is a number near the rows; y - origin is exact, so that rows far from zero
    cost no digits.

    Parameters
    ----------
    family : Distribution
        A family of positive y that has a kernel.
    origin : float
        A number near the rows, in the unit of y.
    """

    support = REAL
    information = InformationKind(Route.QUADRATURE, yardstick=Yardstick.OBSERVED)
    has_kl = False
    differentiable = False

    def __init__(self, family: Distribution, origin: float = 0.0):
        self.family = family
        self.origin = origin

    @cached_property
    def kernel(self) -> Kernel:
        """The kernel of the family."""
        found = kernel_of(self.family)
        if found is None:
            raise ValueError(
                f"{type(self.family).__name__} has no regular form where it is shifted"
            )
        return found

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The centre, the width and the ratio, then the family's other parameters."""
        own = {
            "centre": Real(),
            "width": Positive(),
            "ratio": Real(low=0.0, high=_MOST, max_step=0.5),
        }
        return {**own, **{name: self.family.params[name] for name in self.kernel.rest}}

    @property
    def roles(self) -> dict[str, Role]:
        """Roles of the three, then the family's."""
        own = {"centre": Role.LOCATION, "width": Role.SCALE, "ratio": Role.SHAPE}
        return {**own, **{n: self.family.roles.get(n, Role.SHAPE) for n in self.kernel.rest}}

    @property
    def has_cdf(self) -> bool:
        """Whether the family has a distribution function."""
        return self.family.has_cdf

    @property
    def can_sample(self) -> bool:
        """Whether the family has a sampler."""
        return self.family.can_sample

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The limit at ratio 0, and the family's own."""
        own = self.family.limit_meaning.items()
        kept = {end: words for end, words in own if end[0] in self.kernel.rest}
        return {("ratio", "lower"): f"loc -> -inf, {self.kernel.limit}", **kept}

    # ------------------------------------------------------------------ from one eta to the other

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """Eta of the shifted family, (K,): loc, then the inner family's; finite also at ratio 0."""
        centre, log_width, ratio = eta[:3]
        ratio = max(float(ratio), LEAST)
        log_c = log_width - np.log(ratio)
        own = np.empty(len(eta))
        own[0] = self.origin + (centre - np.exp(log_c))
        for name, block in self.family.blocks.items():
            power = self.kernel.powers.get(name)
            if power is None:
                own[1 + block.start] = eta[3 + self.kernel.rest.index(name)]
            else:
                value = np.log(power.factor) + power.distance * log_c
                own[1 + block.start] = value + power.width * np.log(ratio)
        return own

    @cached_property
    def _logs(self) -> np.ndarray:
        """Exponents (2, K - 1) of log c and log ratio in the inner eta, and the constants' part."""
        names, powers = list(self.family.params), self.kernel.powers
        at = [names.index(n) for n in powers]
        matrix = np.array([[p.distance, p.width] for p in powers.values()])
        out = np.zeros((2, len(names)))
        out[:, at] = np.linalg.inv(matrix)
        return out

    @cached_property
    def _offset(self) -> np.ndarray:
        factors = [np.log(p.factor) for p in self.kernel.powers.values()]
        return (
            self._logs[:, [list(self.family.params).index(n) for n in self.kernel.powers]] @ factors
        )

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Eta (K,) of one of the shifted family."""
        out = self._from_own(np.asarray(eta, dtype=np.float64)[None])[0]
        out[0] -= self.origin
        return out

    def _from_own(self, eta: np.ndarray) -> np.ndarray:
        """As :meth:`from_own` for rows, without the origin."""
        c, ratio = self._distances(eta)
        rest = [1 + self.family.blocks[name].start for name in self.kernel.rest]
        return np.column_stack([eta[:, 0] + c, np.log(c) + np.log(ratio), ratio, eta[:, rest]])

    def _distances(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """C and the ratio (n,) of own eta (n, K), to rounding.

        They are products of powers of exp(eta), each exact to rounding: the exponential of a sum
        of logarithms would lose the digits of loc + c.

        Returns
        -------
        c, ratio : ndarray of shape (n,)
            The distance in the unit of y.
        """
        native = np.exp(eta[:, 1:])
        factors = np.exp(-self._offset)
        c, ratio = factors[0], factors[1]
        for j, (a, b) in enumerate(self._logs.T):
            c = c * native[:, j] ** a if a else c
            ratio = ratio * native[:, j] ** b if b else ratio
        return np.broadcast_to(c, len(eta)), np.broadcast_to(ratio, len(eta))

    def jacobian_own(self, eta: np.ndarray) -> np.ndarray:
        """D eta_own / d eta (K, K) at one point; that of the nearest published one at ratio 0."""
        ratio = max(float(eta[2]), LEAST)
        c = np.exp(eta[1]) / ratio
        out = np.zeros((len(eta), len(eta)))
        out[0, :3] = 1.0, -c, c / ratio
        for name, block in self.family.blocks.items():
            power = self.kernel.powers.get(name)
            if power is None:
                out[1 + block.start, 3 + self.kernel.rest.index(name)] = 1.0
            else:
                out[1 + block.start, 1] = power.distance
                out[1 + block.start, 2] = (power.width - power.distance) / ratio
        return out

    def jacobian_from_own(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """D eta / d eta_own (K, K) at one eta_own, and the second derivatives (K, K, K)."""
        size = len(eta)
        c, ratio = (float(v[0]) for v in self._distances(eta[None]))
        a, b = self._logs
        first, second = np.zeros((size, size)), np.zeros((size, size, size))
        first[0, 0], first[0, 1:] = 1.0, c * a
        first[1, 1:], first[2, 1:] = a + b, ratio * b
        second[0, 1:, 1:], second[2, 1:, 1:] = c * np.outer(a, a), ratio * np.outer(b, b)
        for i, name in enumerate(self.kernel.rest):
            first[3 + i, 1 + self.family.blocks[name].start] = 1.0
        return first, second

    def own_terms(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log-density (n,), score (n, K) and negative Hessian (n, K, K) in own eta, (1, K)."""
        other = self._from_own(eta)
        other[:, 0] -= self.origin
        first, second = self.jacobian_from_own(eta[0])
        z = self._z(y, other)
        found, inside = self._terms(z, other)
        score = self._slope(found, z, other)
        observed = first.T @ self._bend(found, z, other) @ first
        observed -= np.tensordot(score, second, 1)
        return self._value(found, inside, other), score @ first, observed

    # ---------------------------------------------------------------------- rows

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,): loc, and infinity."""
        with np.errstate(divide="ignore"):
            low = self.origin + (eta[:, 0] - np.exp(eta[:, 1]) / eta[:, 2])
        return low, np.full(len(eta), np.inf)

    def _z(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return ((np.asarray(y, dtype=np.float64) - self.origin) - eta[:, 0]) * np.exp(-eta[:, 1])

    def _terms(self, z: np.ndarray, eta: np.ndarray) -> tuple[Terms, np.ndarray]:
        """Derivatives of g, and which rows lie inside the support."""
        with np.errstate(all="ignore"):
            found = self.kernel.terms(z, eta[:, 2], eta[:, 3:])
        return found, 1.0 + eta[:, 2] * z > 0

    def _value(self, found: Terms, inside: np.ndarray, eta: np.ndarray) -> np.ndarray:
        return np.where(inside, found.value - eta[:, 1], -np.inf)

    def _slope(self, found: Terms, z: np.ndarray, eta: np.ndarray) -> np.ndarray:
        pull = -found.first * np.exp(-eta[:, 1])
        return np.column_stack([pull, -z * found.first - 1.0, found.slope, found.rest])

    def _bend(self, found: Terms, z: np.ndarray, eta: np.ndarray) -> np.ndarray:
        n, size = len(z), self.n_params
        out = np.empty((n, size, size))
        unit = np.exp(-eta[:, 1])
        slope = found.first + z * found.second
        out[:, 0, 0] = -found.second * unit**2
        out[:, 0, 1] = out[:, 1, 0] = -slope * unit
        out[:, 1, 1] = -z * slope
        out[:, 0, 2] = out[:, 2, 0] = found.mixed * unit
        out[:, 1, 2] = out[:, 2, 1] = z * found.mixed
        out[:, 2, 2] = -found.curve
        shared = np.ndim(unit) and unit[:, None]
        out[:, 0, 3:] = out[:, 3:, 0] = found.rest_first * shared
        out[:, 1, 3:] = out[:, 3:, 1] = found.rest_first * z[:, None]
        out[:, 2, 3:] = out[:, 3:, 2] = -found.rest_mixed
        out[:, 3:, 3:] = -found.rest_second
        return out

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats; -inf where it vanishes."""
        return self._value(*self._terms(self._z(y, eta), eta), eta)

    def _log_prob_eta(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return self.log_prob(y, eta)

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient of log p in eta, (n, K)."""
        z = self._z(y, eta)
        return self._slope(self._terms(z, eta)[0], z, eta)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        z = self._z(y, eta)
        found, inside = self._terms(z, eta)
        return self._value(found, inside, eta), self._slope(found, z, eta)

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of log p in eta, (n, K, K)."""
        z = self._z(y, eta)
        return self._bend(self._terms(z, eta)[0], z, eta)

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        z, size = self._z(y, eta), self.n_params
        found, inside = self._terms(z, eta)
        if not inside.all():
            return -np.inf, np.zeros(size), np.zeros((size, size))
        w = np.ones(n_rows(y)) if weight is None else weight
        value = w @ found.value - total_weight(weight, len(z)) * eta[0, 1]
        observed = np.tensordot(w, self._bend(found, z, eta), 1)
        return float(value), w @ self._slope(found, z, eta), observed

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information (n, K, K) by the inner family's quadrature.

        Returns
        -------
        ndarray of shape (n, K, K)
            Symmetric, positive semidefinite.

        Raises
        ------
        ValueError
            Where it is infinite, or the quadrature misses its accuracy.
        """
        out = np.empty((len(eta), self.n_params, self.n_params))
        for i, own in enumerate(eta):
            z, weight = self.kernel.nodes(float(own[2]), own[3:])
            found, inside = self._terms(z, own[None])
            with np.errstate(all="ignore"):
                score = self._slope(found, z, own[None])
                outer = np.where(
                    inside, weight * np.square(score * np.exp(own[1])).sum(axis=1), 0.0
                )
            bad = ~np.isfinite(score).all(axis=1) | ~inside
            rare = weight < 1e-13
            if weight[bad].sum() > 1e-5 or not outer[rare & ~bad].sum() <= 0.01 * outer[~bad].sum():
                raise ValueError(f"the Fisher information is infinite at ratio {own[2]:g}")
            out[i] = (score[~bad] * weight[~bad, None]).T @ score[~bad]
        return out

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats."""
        return self.kernel.tails("log_cdf", self._z(y, eta), eta[:, 2], eta[:, 3:])

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats."""
        return self.kernel.tails("log_sf", self._z(y, eta), eta[:, 2], eta[:, 3:])

    @property
    def _velocity(self) -> Callable | None:  # type: ignore[override]  # the kernel decides
        # y is a known transform of a variable without parameters, as in the GEV.
        return self._stretched if self.kernel.stretched and not self.kernel.rest else None

    def _stretched(
        self, y: np.ndarray, centre: Any, width: Any, ratio: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        centred = (y - self.origin) - centre
        first, slope = np.ones((3, len(y))), np.zeros((3, 3, len(y)))
        first[1], slope[0, 1] = centred, -1.0
        found = shape_velocity(centred / width, width, ratio)
        first[2], slope[0, 2], slope[1, 2], slope[2, 2] = found
        return first, slope

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density, where loc is near by the chain rule."""
        near = len(eta) == 1 and eta[0, 2] > LEAST_CHAINED
        return (
            chained(self, y, eta)
            if near and not self.closed_velocity
            else velocity_of(self, y, eta)
        )

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draws of the shifted family."""
        own = np.stack([self.to_own(row) for row in eta])
        draws = self.family.sample(own[:, 1:], rng, size)
        return own[:, 0] + draws

    # ---------------------------------------------------------------------- the data

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: the likelihood grows without limit."""
        refuse_constant(rows, "Shifted", why="loc tends to them; use a discrete family")

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """Start (K,) near a maximum of the likelihood's profile over loc."""
        loc, inner = best_loc(self.family, few.y - self.origin, few.weight)
        if inner is None:
            return self._at_limit(few)
        return self.from_own(np.concatenate([[loc + self.origin], inner]))

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The start made anew from many rows if some row of all lies below its loc."""
        low, _ = (float(end) for end in rows.extent())
        if self.support_at(eta[None])[0][0] < low and np.isfinite(self._mean(rows, eta)):
            return eta
        many = rows.few(MANY)
        lowest = replace(many, y=np.append(many.y, low), weight=None)
        if many.weight is not None:
            lowest = replace(lowest, weight=np.append(many.weight, many.weight.min()))
        eta = self.initial(lowest, np.random.default_rng(0))
        return eta if np.isfinite(self._mean(rows, eta)) else self._at_limit(many)

    def _mean(self, rows: Rows, eta: np.ndarray) -> float:
        """Sum of log p over the rows, in nats."""
        with np.errstate(all="ignore"):
            return float(rows.sum(block_sum, self, "sum_terms", eta[None])[0])

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The limit at ratio 0, with its parameters."""
        if eta[2] > 0.0:
            return None
        values = {"loc": eta[0] + self.origin, "scale": np.exp(eta[1])}
        values |= {n: float(v) for n, v in self.native_dict(eta).items() if n in self.kernel.rest}
        numbers = ", ".join(f"{name} = {value:.7g}" for name, value in values.items())
        return (
            f"loc -> -inf: the best {type(self.family).__name__} is the limit, "
            f"{self.kernel.limit} with {numbers}"
        )

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Loc tends to the smallest row."""
        own = self.to_own(eta)
        if eta[2] <= 0.0 or not runs_to_the_smallest(self.family, rows, own[0]):
            return None
        return at_the_smallest(self.family, rows)

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The optimum at ratio 0, by Newton's method in the other coordinates."""
        start = self._at_limit(rows.few(4096))
        kept = np.arange(self.n_params) != 2

        def summed(eta: np.ndarray) -> tuple:
            return rows.sum(block_sum, self, "sum_terms", eta[None])

        return climbed(summed, start, kept, self.limits, rows.total)[1]

    def _at_limit(self, few: Block) -> np.ndarray:
        """A start at ratio 0: the quartiles of g there, and the family's start for e^z."""
        y = few.y - self.origin
        weight = np.ones(len(y)) if few.weight is None else few.weight
        centre = float(np.average(y, weights=weight))
        spread = float(np.sqrt(np.average((y - centre) ** 2, weights=weight)))
        eta = np.zeros(self.n_params)
        for i, name in enumerate(self.kernel.rest):
            eta[3 + i] = np.clip(0.0, *self.params[name].bounds)
        z, share = self.kernel.nodes(0.0, eta[3:])
        middle = float(share @ z)
        sd = float(np.sqrt(share @ (z - middle) ** 2))
        eta[1] = np.log(spread / sd)
        eta[0] = centre - middle * spread / sd
        return eta
