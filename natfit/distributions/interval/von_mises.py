"""The von Mises distribution."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import ive
from scipy import special

from natfit.bijectors import Positive, Real
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import Support
from natfit.distributions.contract.velocity import Velocity
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.interval._arcs import tails
from natfit.rows import Rows

_LOG_2PI = 1.8378770664093453

#: kappa from which on the derivative of the mean cosine is computed by its asymptotic series. The
#: closed form has lost four digits here; the first omitted term of the series is 1e-16 of it.
_LARGE = 50.0

#: 1 - R of the data below which kappa would exceed its limit.
_TIGHT = 1e-8


def _riccati(order: int) -> np.ndarray:
    """Coefficients a_k of A(kappa) = sum a_k / kappa^k, from A' = 1 - A / kappa - A^2."""
    a = [1.0]
    for k in range(1, order):
        a.append(0.5 * ((k - 2) * a[k - 1] - sum(a[i] * a[k - i] for i in range(1, k))))
    return np.array(a)


_A = _riccati(16)
#: kappa^2 A' = sum over k of -(k) a_k / kappa^(k - 1).
_SLOPE = -np.arange(1, 16) * _A[1:]


class VonMises(ExponentialFamily):
    """The von Mises distribution of angles y in [-pi, pi], the normal of the circle.

    ``log p(y) = kappa cos(y - loc) - log(2 pi I_0(kappa))``; eta = (loc, log kappa). With the
    mean cosine A = I_1(kappa) / I_0(kappa) the Fisher information is ``diag(kappa A,
    kappa^2 (1 - A / kappa - A^2))``. loc is an angle, given between -pi and pi.

    Angles outside [-pi, pi] are refused, because they may be degrees; wrap angles in radians by
    ``np.angle(np.exp(1j * y))``. For angles that spread evenly the maximum is at kappa = 0: the
    fit ends at the boundary, the uniform distribution. Angles that all lie within about 1e-4 of
    each other are refused: kappa would exceed 1e8, and the normal distribution can be used.

    In R: ``circular::dvonmises(loc, kappa)``.

    Matches ``scipy.stats.vonmises(kappa=kappa, loc=loc)``.

    References
    ----------
    Mardia and Jupp (2000), Directional Statistics, Wiley, section 5.3.
    """

    # A step of more than a radian leads to another mode as often as to the nearest.
    params = {"loc": Real(max_step=1.0), "kappa": Positive(low=1e-8, high=1e8)}
    roles = {"loc": Role.LOCATION, "kappa": Role.SHAPE}
    widths = {"kappa": Width(-0.5, least=1.0)}
    support = Support(low=-np.pi, high=np.pi, closed=True)
    circular = True
    limit_meaning = {
        ("kappa", "lower"): "the uniform distribution on the circle",
        ("kappa", "upper"): "a normal distribution",
    }

    def native(self, eta: Any) -> tuple:
        """Native values of both parameters, (n,) each; loc between -pi and pi."""
        loc, kappa = super().native(eta)
        turns = np.round(getattr(loc, "_value", loc) / (2.0 * np.pi))
        return (loc - 2.0 * np.pi * turns if np.any(turns) else loc), kappa

    def statistics(self, y: Any) -> tuple:
        """(cos y, sin y)."""
        return y if isinstance(y, tuple) else (anp.cos(y), anp.sin(y))

    def _log_prob(self, y: Any, loc: Any, kappa: Any) -> Any:
        cosine, sine = self.statistics(y)
        along = cosine * anp.cos(loc) + sine * anp.sin(loc)
        return kappa * (along - 1.0) - anp.log(ive(0, kappa)) - _LOG_2PI

    def _turned(self, y: Any, loc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """cos(y - loc) and sin(y - loc)."""
        cosine, sine = self.statistics(y)
        c, s = np.cos(loc), np.sin(loc)
        return cosine * c + sine * s, sine * c - cosine * s

    def _score(self, y: Any, loc: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        along, across = self._turned(y, loc)
        out = np.empty((2, max(len(along), len(kappa))))
        out[0] = kappa * across
        out[1] = kappa * (along - _mean_cosine(kappa))
        return out.T

    def _observed(self, y: Any, loc: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        along, across = self._turned(y, loc)
        out = np.empty((max(len(along), len(kappa)), 2, 2))
        out[:, 0, 0] = kappa * along
        out[:, 0, 1] = out[:, 1, 0] = -kappa * across
        out[:, 1, 1] = _information(kappa) - kappa * (along - _mean_cosine(kappa))
        return out

    def _fisher(self, loc: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        out = np.zeros((len(kappa), 2, 2))
        out[:, 0, 0] = kappa * _mean_cosine(kappa)
        out[:, 1, 1] = _information(kappa)
        return out

    def _kl(self, loc: Any, kappa: Any, loc2: Any, kappa2: Any) -> np.ndarray:
        cosine, turn = _mean_cosine(kappa), 2.0 * np.sin(0.5 * (loc - loc2)) ** 2
        norm = np.log(special.i0e(kappa2) / special.i0e(kappa))
        return (kappa - kappa2) * (cosine - 1.0) + kappa2 * cosine * turn + norm

    def _tails(self, y: Any, loc: Any, kappa: Any) -> tuple[np.ndarray, np.ndarray]:
        """Both tails and means over them, (3, n) each."""
        return tails(y, loc, kappa, _mean_cosine(kappa), _information(kappa) / kappa**2)

    def _log_cdf(self, y: Any, loc: Any, kappa: Any) -> np.ndarray:
        return self._tails(y, loc, kappa)[0][0]

    def _log_sf(self, y: Any, loc: Any, kappa: Any) -> np.ndarray:
        return self._tails(y, loc, kappa)[1][0]

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density.

        In loc they are those of the density at y and at the end pi; in kappa they are means of
        cos(y - loc) - A over the nearer tail.

        Returns
        -------
        Velocity
            In radians.
        """
        loc, kappa = self.native(eta)
        lower, upper = self._tails(y, loc, kappa)
        above = upper[0] <= lower[0]
        near = np.where(above, upper, lower)
        log = self.log_prob(y, eta)
        scale = np.where(above, 1.0, -1.0) * np.exp(near[0] - log)
        end = np.array([np.pi])
        ratio = np.exp(self.log_prob(end, eta) - log)
        gap = self.score(y, eta).T - ratio * self.score(end, eta).T
        first, second = np.empty((2, len(y))), np.empty((2, 2, len(y)))
        first[0], first[1] = 1.0 - ratio, kappa * near[1] * scale
        second[0, 0], second[0, 1] = gap
        second[1, 0] = second[0, 1]
        # eta is log kappa.
        second[1, 1] = kappa**2 * near[2] * scale + first[1]
        return Velocity(first, second)

    @property
    def closed_velocity(self) -> bool:
        """Always: no table is needed."""
        return True

    # ---------------------------------------------------------------------- data, sampling

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside [-pi, pi]."""
        try:
            super().check(rows)
        except ValueError as error:
            raise ValueError(
                f"{error}; angles in radians are wrapped by np.angle(np.exp(1j * y)), degrees "
                "converted by np.deg2rad(y) before"
            ) from None

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Angles that are almost equal: kappa grows without limit, and so does the likelihood."""
        cosine, sine = self.sufficient(rows) if summary is None else summary
        if 1.0 - np.hypot(cosine[0], sine[0]) < _TIGHT:
            raise ValueError(
                f"y must spread over more than 1e-4 radians for VonMises, got {rows.n} angles "
                f"near {np.arctan2(sine[0], cosine[0]):g}: the likelihood grows with kappa beyond "
                "1e8; use 'normal' on such angles, or remove the column if all are equal"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # Banerjee et al. (2005): kappa from the mean resultant length, to a few per cent.
        cosine, sine = mean(np.cos(y), weight), mean(np.sin(y), weight)
        length = min(np.hypot(cosine, sine), 1.0 - _TIGHT)
        kappa = length * (2.0 - length**2) / (1.0 - length**2)
        return {"loc": np.arctan2(sine, cosine), "kappa": np.clip(kappa, 1e-3, 1e8)}

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, kappa: Any) -> np.ndarray:
        return np.clip(rng.vonmises(loc, kappa, n), -np.pi, np.pi)

    def _to_scipy(self, loc: Any, kappa: Any) -> Any:
        from scipy.stats import vonmises

        return vonmises(kappa=float(kappa), loc=float(loc))

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Not closed-form: E[cos(y - loc)] = I_1 / I_0 needs a numerical inverse."""
        raise ValueError(
            "VonMises has no closed-form expectation coordinates: E[cos(y - loc)] = "
            "I_1(kappa) / I_0(kappa) must be inverted numerically; use "
            "coordinates='unconstrained' or 'native'"
        )


def _mean_cosine(kappa: Any) -> Any:
    """A(kappa) = I_1(kappa) / I_0(kappa)."""
    return special.i1e(kappa) / special.i0e(kappa)


def _information(kappa: Any) -> np.ndarray:
    """kappa^2 A'(kappa), the Fisher information of log kappa; 1/2 at infinity."""
    cosine = _mean_cosine(kappa)
    # At kappa = 1e-2 the error of the closed form, 1e-16, is 1e-12 of its value, kappa^2 / 2.
    exact = kappa**2 * (1.0 - cosine**2) - kappa * cosine
    return np.where(kappa > _LARGE, np.polyval(_SLOPE[::-1], 1.0 / kappa), exact)
