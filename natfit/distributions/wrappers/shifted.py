"""A family on the positive numbers with a location loc: y - loc has the family's density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit.bijectors import Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Yardstick
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.start import MANY, location_scale, mean
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.forms.shift.form import ShiftForm
from natfit.distributions.forms.shift.kernel import kernel_of
from natfit.distributions.forms.shift.profile import at
from natfit.distributions.wrappers._moved import Moved
from natfit.rows import Block, Rows, mean_over, squared_gap

#: Width of the density relative to its distance from loc below which rows are computed in regular
#: coordinates.
_FAR = 0.05

#: Distance of loc from the mean, in standard deviations, from which on a fit may have run away, and
#: the difference per row, in nats, up to which its likelihood is that of the limit.
_FAR_OUT, _SAME = 20.0, 1e-7

#: Distance of loc from the smallest row, in spreads, below which loc counts as being at the row.
_AT_THE_END = 1e-3

#: The same, of a fit that has come to the smallest row.
_ROUNDED = 1e-7


class Shifted(Moved):
    """A family of positive y with a location: y - loc has the family's density, y > loc.

    ``log p(y) = log f(y - loc)``; eta = (loc, the family's eta). loc lies below the smallest row:
    a step to a point at which some row has no density is rejected. As loc -> -infinity many
    families become others: gamma, inverse gamma, inverse Gaussian and lognormal the normal,
    weibull the reversed Gumbel distribution. Fits run in coordinates that are regular there
    (:class:`natfit.distributions.forms.shift.form.ShiftForm`); a fit that reaches the limit ends
    as ``boundary``, and its message has the limit's name and parameters. The Fisher
    information is computed by quadrature where it is finite (for gamma and weibull if shape > 2).
    Convergence is measured by the observed information.

    Where the density is infinite at its end (gamma and weibull with shape < 1), the likelihood
    grows without limit as loc tends to the smallest row. The estimate is the local maximum that a
    fit reaches from a start below the rows; where there is none, the fit ends as ``unbounded``.

    Matches ``scipy.stats`` with ``loc=loc``.

    Parameters
    ----------
    family : str or Distribution, default="gamma"
        A univariate density on the positive numbers, without a location.

    Raises
    ------
    ValueError
        On first use, if the family is no such density.
    """

    own_params = {"loc": Real()}
    own_roles = {"loc": Role.LOCATION}

    #: Infinite wherever loc grows.
    has_kl = False

    def __init__(self, family: str | Distribution = "gamma"):
        super().__init__(family)

    def _admit(self, inner: Distribution) -> None:
        super()._admit(inner)
        roles = inner.roles.values()
        if inner.known_support.low != 0.0 or Role.LOCATION in roles:
            raise ValueError(
                f"Shifted needs a density on the positive numbers without a location, and "
                f"{type(inner).__name__} is none"
            )
        if inner._falls:
            name = type(inner).__name__
            raise ValueError(
                f"Shifted {name} needs no fit of loc: the density is highest at its end, so that "
                f"loc is the smallest row; subtract it from y, and fit {name} to the excesses"
            )

    @property
    def information(self) -> InformationKind:
        """The observed information is the yardstick: the expected one may be infinite."""
        return replace(super().information, yardstick=Yardstick.OBSERVED)

    def kinks(self, eta: np.ndarray) -> np.ndarray:
        """Loc, where the density ends."""
        return eta[:1]

    def _to_inner(self, y: Any, own: Any) -> Any:
        return y - own

    def _to_outer(self, values: np.ndarray, own: Any) -> np.ndarray:
        return values + own

    def _own_unit(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        return np.full(len(eta), np.median(np.abs(y - eta[:, 0])) or 1.0)

    def _own_velocity(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones(len(y)), np.zeros(len(y))

    # -------------------------------------------------------- rows whose loc is far away

    @cached_property
    def _form(self) -> ShiftForm | None:
        """The family in regular coordinates; None where it has none."""
        return None if kernel_of(self.inner) is None else ShiftForm(self.inner)

    def _is_far(self, eta: np.ndarray) -> np.ndarray:
        """Where loc is so many widths away that terms of the inner log-density cancel, (n,)."""
        if self._form is None:
            return np.zeros(len(eta), dtype=bool)
        with np.errstate(all="ignore"):
            return self._form._distances(eta)[1] < _FAR

    def _rows(self, which: int, near: Callable, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density, score or Hessian (0, 1, 2) of rows, by the regular form where loc is far."""
        far = self._is_far(eta)
        if self._form is None or not far.any():
            return near(y, eta)
        y = np.asarray(y, dtype=np.float64)
        with np.errstate(all="ignore"):
            if len(eta) == 1:
                return self._form.own_terms(y, eta)[which]
            # Few points of eta differ where a fit evaluates rows one by one.
            parts = [
                self._form.own_terms(y[i : i + 1], eta[i : i + 1])[which]
                if far[i]
                else near(y[i : i + 1], eta[i : i + 1])
                for i in range(len(eta))
            ]
        return np.concatenate(parts)

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats; -inf where it vanishes."""
        return self._rows(0, super().log_prob, y, eta)

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient of log p in eta, (n, K)."""
        return self._rows(1, super().score, y, eta)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        if self._is_far(eta).any():
            return self.log_prob(y, eta), self.score(y, eta)
        return super().log_prob_and_score(y, eta)

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of log p in eta, (n, K, K)."""
        return self._rows(2, super().observed, y, eta)

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums over rows of log p and of its score (K,), for eta (1, K)."""
        if not self._is_far(eta).any():
            return super().sum_value_and_score(y, weight, eta)
        value, score = self.log_prob_and_score(y, eta)
        w = np.ones(len(value)) if weight is None else weight
        return float(w @ value), w @ score

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K, K), for eta (1, K)."""
        if not self._is_far(eta).any():
            return super().sum_observed(y, weight, eta)
        rows = self.observed(y, eta)
        return rows.sum(axis=0) if weight is None else np.tensordot(weight, rows, 1)

    def _tails(self, name: str, y: Any, eta: np.ndarray) -> np.ndarray:
        if self._form is None or not self._is_far(eta).all():
            return super()._tails(name, y, eta)
        with np.errstate(all="ignore"):
            return getattr(self._form, name)(y, self._form._from_own(eta))

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information (n, K, K) by quadrature, at loc = 0 because it does not depend on loc.

        Returns
        -------
        ndarray of shape (n, K, K)
            Symmetric, positive semidefinite.

        Raises
        ------
        ValueError
            Where it is infinite.
        """
        centred = np.array(eta)
        centred[:, 0] = 0.0
        return super().fisher(centred)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: loc at them, and the likelihood grows without limit."""
        refuse_constant(rows, "Shifted", why="loc tends to them; use a discrete family")

    def held(self, rows: Rows) -> tuple[Distribution, np.ndarray] | None:
        """What the family with a location of its own holds, in the order of this one's eta."""
        family = self.inner.located
        found = None if family is None else family.held(rows)
        if family is None or found is None:
            return None
        at, (held, eta) = family.blocks["loc"].start, found
        order = [at, *(i for i in range(family.n_params) if i != at)]
        return (self, eta[order]) if held is family else (held.ordered(order), eta)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """Loc a little below the smallest row, and the family's start for y - loc."""
        loc = self._below(few, (few.y.min(), few.y.max()), few.n)
        return np.concatenate([[loc], self.inner.initial(replace(few, y=few.y - loc), rng)])

    def _below(self, few: Block, extent: tuple, n: int) -> float:
        """A start of loc: the spread of some rows / sqrt(n) below the smallest of n rows."""
        spread = location_scale(few.y, few.weight)[1]
        return float(extent[0]) - max(spread / np.sqrt(n), np.spacing(np.abs(extent).max()))

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Move loc below the smallest of all rows, and start the family anew if that is better.

        A known or limited loc may be another one than that for which the family's start was made.

        Returns
        -------
        ndarray of shape (K,)
            With a loc below all rows, unless it is known.
        """
        extent = rows.extent()
        few = rows.few()
        if not eta[0] < extent[0]:
            few = rows.few(MANY)
            eta = np.concatenate([[self._below(few, extent, rows.n)], eta[1:]])
        gap = replace(few, y=few.y - eta[0])
        anew = self.inner.initial(gap, np.random.default_rng(0))
        with np.errstate(all="ignore"):
            values = [
                mean(self.inner.log_prob(gap.y, inner[None]), few.weight)
                for inner in (anew, eta[1:])
            ]
        return np.concatenate([eta[:1], anew]) if not values[1] >= values[0] else eta

    def regular(self, rows: Rows) -> Regular | None:
        """Centre, width and ratio, in which the family is regular at loc = -infinity."""
        if self._form is None:
            return None
        middle = location_scale(rows.few().y, None)[0]
        form = ShiftForm(self.inner, middle if np.isfinite(middle) else 0.0)
        return Regular(form, form.to_own, form.from_own, form.jacobian_own)

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The limit at loc = -infinity, of a fit in these coordinates that runs there.

        As loc moves away the likelihood nears that of the limit from below. Of a family without
        a regular form the normal is the only limit known by name. A loc at the smallest row is a
        limit, too, if the density is finite there and the other parameters are at their best.

        Returns
        -------
        str or None
            The limit in words, with its parameters.
        """
        if rows.event_shape != ():
            return None
        centre = float(mean_over(rows))
        sd = float(np.sqrt(mean_over(rows, squared_gap, centre)))
        own = float(rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0])
        if not centre - eta[0] > _FAR_OUT * sd:
            return self._smallest_row(rows, own, float(rows.extent()[0] - eta[0]), sd)
        if self._form is not None:
            form = ShiftForm(self.inner, centre)
            best = form.nested_start(rows)
            if best is None:
                return None
            value = float(rows.sum(block_sum, form, "sum_terms", best[None])[0])
            words = form.limit_at(rows, best)
        else:
            value = -rows.total * (np.log(sd) + 0.5 * np.log(2.0 * np.pi * np.e))
            name = f"the normal distribution with loc = {centre:.7g}, scale = {sd:.7g}"
            words = f"loc -> -inf: the best {type(self.inner).__name__} is the limit, {name}"
        return words if not own > value + _SAME * rows.total else None

    def _smallest_row(self, rows: Rows, own: float, gap: float, sd: float) -> str | None:
        """The limit at the smallest row, in words, of a fit that has come as near as ``gap``."""
        if gap > _ROUNDED * sd or rows.n > MANY:
            return None
        few = rows.few(MANY)
        low = float(few.y.min())
        best = at(self.inner, few.y, few.weight, low - gap)[0]
        if not own >= best - _SAME * rows.total:
            return None
        return f"loc -> {low:g}, the smallest row, at which the support begins"

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Loc tends to the smallest row."""
        (low, _), many = rows.extent(), rows.few(MANY)
        gap, spread = float(low - eta[0]), location_scale(many.y, many.weight)[1]
        near, nearer = self.inner.log_prob(gap * np.array([1.0, 1e-6]), eta[None, 1:])
        if gap > _AT_THE_END * spread or nearer < near + 1.0:
            return None
        return (
            f"loc -> {low:g}, the smallest row, where the density of {type(self.inner).__name__} "
            "is infinite: the likelihood grows without limit"
        )

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return families whose density is zero at its end and whose information is finite."""
        return [cls("lognormal"), cls("inverse_gamma")]
