"""The Pearson type III distribution of real numbers."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive, Real
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import InformationKind, Role, Route, Yardstick
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.location_scale import Standardised, observed_of, score_of
from natfit.distributions.forms.shift.form import ShiftForm
from natfit.distributions.forms.shift.kernel import NarrowKernel
from natfit.distributions.forms.shift.narrow import GAMMA
from natfit.distributions.positive.gamma import Gamma
from natfit.numerics.stirling import correction
from natfit.rows import Block, Rows, mean_over, rows_as, squared_gap

_HALF_LOG_2PI = 0.9189385332046727

#: |skew| from which on the Fisher information, which is infinite from sqrt(2) on, is refused: as a
#: metric it grows so fast there that no step would pass.
_MOST_REGULAR = 1.35

#: |skew / 2 z| below which the series of (r - log(1 + r)) / r^2 is summed, to 18 terms.
_SMALL = 0.1

#: The correction of Stirling's formula at 4 / skew^2, as a series below this |skew| / 2.
_SERIES = 0.1


class Pearson3(Standardised):
    """The Pearson type III distribution: a gamma density with a location, in moments.

    With z = (y - loc) / scale, w = skew / 2 and a = 1 / w^2,
    ``log p(y) = a (log(1 + w z) - w z) - log(1 + w z) - c(a) - 1/2 log(2 pi) - log scale`` where
    1 + w z > 0, with c the remainder of Stirling's formula; eta = (loc, log scale, skew). loc is
    the mean, scale the standard deviation and skew the skewness. skew > 0 has a lower end,
    ``loc - 2 scale / skew``, 0 is the normal distribution, < 0 has an upper end. The normal is a
    regular point: the information there is diag(1 / scale^2, 2, 1 / 6), and the fit passes
    through it.

    The Fisher information is finite for abs(skew) < sqrt(2). `fisher` refuses 1.35 and more:
    convergence is measured by the observed information.

    Mean ``loc``, variance ``scale^2``. In R: ``PearsonDS::dpearsonIII``.

    Matches ``scipy.stats.pearson3(skew, loc=loc, scale=scale)``.

    Notes
    -----
    The support has an end that moves with the parameters; a step that leaves a row outside is
    refused and shortened. For abs(skew) >= 2 the density is highest at its end, and the likelihood
    grows without limit as this end tends to the last row: the estimate is a local maximum inside,
    and a fit that finds none ends as ``unbounded``. The divergence between two members is infinite
    in general, so that there is none.

    Source: Hosking and Wallis (1997), Regional Frequency Analysis, appendix A.9.
    """

    params = {"loc": Real(), "scale": Positive(), "skew": Real(low=-2.0, high=2.0, max_step=0.5)}
    stretches = True
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE, "skew": Role.SHAPE}
    support = REAL
    limit_meaning = {
        ("skew", "lower"): "below it the likelihood has no maximum",
        ("skew", "upper"): "above it the likelihood has no maximum",
    }
    information = InformationKind(Route.QUADRATURE, yardstick=Yardstick.OBSERVED)
    compare_after = 25
    has_kl = False

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support, one of which is loc - 2 scale / skew unless skew is zero."""
        loc, scale, skew = self.native(eta)
        with np.errstate(divide="ignore", invalid="ignore"):
            end = loc - 2.0 * scale / skew
        return np.where(skew > 0, end, -np.inf), np.where(skew < 0, end, np.inf)

    def _log_prob(self, y: Any, loc: Any, scale: Any, skew: Any) -> Any:
        z = (y - loc) / scale
        r = 0.5 * skew * z
        inside = r > -1.0
        near = anp.abs(r) < _SMALL
        series, x = 0.0 * r, anp.where(near, r, 0.0)
        for coefficient in GAMMA.series[::-1]:
            series = series * x + coefficient
        far = anp.where(near | ~inside, 1.0, r)
        square = anp.where(near, series, (far - anp.log1p(far)) / far**2)
        log = anp.log1p(anp.where(inside, r, 0.0))
        value = -z * z * square - log - _remainder(0.5 * skew) - _HALF_LOG_2PI - anp.log(scale)
        return anp.where(inside, value, -np.inf)

    def _terms(self, z: np.ndarray, skew: Any) -> tuple[np.ndarray, ...]:
        """Derivatives of log p + log scale in z, z z, z skew, skew and skew skew, (n,) each."""
        with np.errstate(all="ignore"):
            _, first, second, mixed, slope, curve = GAMMA.terms(z, 0.5 * skew)
        return first, second, 0.5 * mixed, 0.5 * slope, 0.25 * curve

    def _score(self, y: Any, loc: Any, scale: Any, skew: Any) -> np.ndarray:
        z = (y - loc) / scale
        first, _, _, slope, _ = self._terms(z, skew)
        return score_of(z, scale, first, slope)

    def _observed(self, y: Any, loc: Any, scale: Any, skew: Any) -> np.ndarray:
        z = (y - loc) / scale
        first, second, mixed, _, curve = self._terms(z, skew)
        return observed_of(z, scale, first, second, mixed, curve)

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def _rule(skew: float) -> tuple[np.ndarray, np.ndarray]:
        """Nodes z and probabilities, trapezoidal in the logarithm of the distance from the end."""
        z, weight = _KERNEL.nodes(0.5 * abs(skew), np.empty(0))
        return (z if skew >= 0 else -z), weight

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def _standard_information(skew: float) -> np.ndarray:
        """Fisher information (3, 3) in (loc, log scale, skew) at scale 1."""
        if not abs(skew) < _MOST_REGULAR:
            raise ValueError(
                "Pearson3's Fisher information is infinite from |skew| = sqrt(2) on, and of no use "
                f"near it, got skew = {skew:g}; use metric='observed' or 'empirical'"
            )
        z, weight = Pearson3._rule(skew)
        inside = 1.0 + 0.5 * skew * z > 0
        score = Pearson3()._score(z[inside], 0.0, 1.0, np.array([skew]))
        return (score * weight[inside, None]).T @ score

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "Pearson3")
        refuse_extreme(rows, "Pearson3")

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """That of a shifted gamma, of -y where the rows are skewed to the left."""
        centre = np.average(few.y, weights=few.weight)
        third = np.average((few.y - centre) ** 3, weights=few.weight)
        side = 1.0 if third >= 0 else -1.0
        form = ShiftForm(_GAMMA, side * float(centre))
        return _from_form(form, form.initial(_mirrored_block(few, side), rng), side)

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A start that has all rows inside the support."""
        side = 1.0 if eta[2] >= 0 else -1.0
        form = ShiftForm(_GAMMA, side * float(eta[0]))
        seen = rows if side > 0 else rows_as(rows, _negative)
        start = np.array([0.0, eta[1], 0.5 * abs(eta[2])])
        return _from_form(form, form.refine_start(seen, start), side)

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The optimum of the normal distribution."""
        centre = float(mean_over(rows))
        sd = float(np.sqrt(mean_over(rows, squared_gap, centre)))
        return self.eta(loc=centre, scale=sd, skew=0.0)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The end of the support tends to the last row."""
        side = 1.0 if eta[2] >= 0 else -1.0
        form = ShiftForm(_GAMMA, side * float(eta[0]))
        seen = rows if side > 0 else rows_as(rows, _negative)
        if form.no_maximum(seen, np.array([0.0, eta[1], 0.5 * abs(eta[2])])) is None:
            return None
        low, high = (float(end) for end in rows.extent())
        end, which = (low, "smallest") if side > 0 else (high, "largest")
        return (
            f"skew = {eta[2]:.4g}, and the end of the support tends to {end:g}, the {which} row: "
            "the likelihood grows without limit"
        )

    def _log_cdf(self, y: Any, loc: Any, scale: Any, skew: Any) -> np.ndarray:
        return _tail("log_cdf", (y - loc) / scale, skew)

    def _log_sf(self, y: Any, loc: Any, scale: Any, skew: Any) -> np.ndarray:
        return _tail("log_sf", (y - loc) / scale, skew)

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any, skew: Any) -> Any:
        w = 0.5 * np.where(np.abs(skew) < 1e-7, 1e-7, skew)
        shape = w**-2.0
        return loc + scale * (rng.gamma(shape, size=n) / shape - 1.0) / w

    def _moments(self, loc: Any, scale: Any, skew: Any) -> tuple[Any, Any]:
        return loc, np.square(scale)

    def _to_scipy(self, loc: Any, scale: Any, skew: Any) -> Any:
        from scipy.stats import pearson3

        return pearson3(float(skew), loc=float(loc), scale=float(scale))


_GAMMA = Gamma()
_KERNEL = NarrowKernel(_GAMMA)


def _remainder(w: Any) -> Any:
    """c(1 / w^2), elementwise, 0 at w = 0; differentiable."""
    square = w * w
    near = square < _SERIES**2
    x = anp.where(near, square, 0.0)
    series = x * (1.0 / 12.0 - x**2 * (1.0 / 360.0 - x**2 * (1.0 / 1260.0 - x**2 / 1680.0)))
    return anp.where(near, series, correction(1.0 / anp.where(near, 1.0, square)))


def _tail(name: str, z: np.ndarray, skew: Any) -> np.ndarray:
    """``log_cdf`` or ``log_sf`` at z; of a negative skew it is the other one of -z."""
    z, skew = np.broadcast_arrays(np.asarray(z, dtype=np.float64), skew)
    out, rest = np.empty(z.shape), np.empty((1, 0))
    other = "log_sf" if name == "log_cdf" else "log_cdf"
    for side, which in ((skew >= 0, name), (skew < 0, other)):
        if side.any():
            sign = 1.0 if which == name else -1.0
            out[side] = _KERNEL.tails(which, sign * z[side], 0.5 * np.abs(skew[side]), rest)
    return out


def _from_form(form: ShiftForm, eta: np.ndarray, side: float) -> np.ndarray:
    """Eta (loc, log scale, skew) of a shifted gamma for side y."""
    skew = min(2.0 * eta[2], 1.99)
    return np.array([side * (eta[0] + form.origin), eta[1], side * skew])


def _mirrored_block(few: Block, side: float) -> Block:
    return few if side > 0 else replace(few, y=-few.y)


def _negative(block: Block) -> np.ndarray:
    return -block.y
