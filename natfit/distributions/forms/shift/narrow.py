"""Densities of positive numbers that become normal as they become narrow.

With c the distance from the end of the support to a centre, x = 1 + w z the row in units of c and
s = c w, the gamma, inverse gamma, inverse Gaussian and Nakagami densities are all

    log p = -phi(w z) / w^2 - k log(x) + C(w) - 1/2 log(2 pi) - log s

with phi(r) = r^2 / 2 + O(r^3). Here w is the relative width: as it tends to zero while s is held,
-phi / w^2 tends to -z^2 / 2. C is minus the remainder of Stirling's formula at a / w^2, so that
no two large terms cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from natfit.numerics import stirling

#: |r| below which functions of phi are summed as series, to 18 terms: 0.1^16 is below rounding.
_SMALL = 0.1
_TERMS = np.arange(2.0, 20.0)


@dataclass(frozen=True)
class Power:
    """A native value as a product of powers: factor c^distance w^width."""

    distance: float
    width: float
    factor: float = 1.0


@dataclass(frozen=True)
class Narrow:
    """What distinguishes one of these densities.

    Attributes
    ----------
    powers : dict
        Native parameters by name, as powers of the distance c and the relative width w.
    phi : callable
        phi and its first two derivatives, (n,) each, at r (n,) and x = 1 + r.
    series : ndarray of shape (18,)
        Coefficients of phi from r^2 on.
    log_power : float
        k, the power of x.
    stirling : float
        a; 0 for a density without a gamma function.
    """

    powers: dict[str, Power]
    phi: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
    series: np.ndarray
    log_power: float
    stirling: float

    def terms(self, z: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, ...]:
        """g(z, w) without its constant, and its derivatives in z, zz, zw, w and ww, (n,) each.

        Rows with x <= 0 get values without meaning.

        Returns
        -------
        tuple of ndarray of shape (n,)
            The value and the five derivatives.
        """
        r = w * z
        x = 1.0 + r
        with np.errstate(all="ignore"):
            h, h1, h2, k, k1, m = self._ratios(r, x)
            log, power, inverse = np.log1p(r), self.log_power, 1.0 / x
        square, slope = z * z, z * inverse
        value = -square * h - power * log
        first = -z * h1 - power * w * inverse
        second = -h2 + power * (w * inverse) ** 2
        mixed = square * m - power * inverse**2
        in_w = z * square * k - power * slope
        twice = square * square * k1 + power * slope**2
        c, c1, c2 = self.constant(w)
        return value + c, first, second, mixed, in_w + c1, twice + c2

    def _ratios(self, r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """phi / r^2, phi' / r, phi'', K = (2 phi - r phi') / r^3, K' and (phi' - r phi'') / r^2."""
        small = np.abs(r) < _SMALL
        near = _horner(self._coefficients, np.where(small, r, 0.0)) if small.any() else ()
        if small.all():
            return near
        phi, phi1, phi2 = self.phi(r, x)
        k = (2.0 * phi - r * phi1) / r**3
        m = (phi1 - r * phi2) / r**2
        far = phi / r**2, phi1 / r, phi2, k, (m - 3.0 * k) / r, m
        if not near:
            return far
        return tuple(np.where(small, a, b) for a, b in zip(near, far, strict=True))

    @property
    def _coefficients(self) -> tuple[np.ndarray, ...]:
        """Series of the six ratios, lowest order first."""
        n, p = _TERMS, self.series
        k = (p * (2.0 - n))[1:]
        return p, p * n, p * n * (n - 1.0), k, (k * (n[1:] - 3.0))[1:], (p * n * (2.0 - n))[1:]

    def constant(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """C and its first two derivatives in w, of the shape of w."""
        w = np.asarray(w, dtype=np.float64)
        if not self.stirling:
            return np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
        with np.errstate(divide="ignore"):
            a = self.stirling / (w * w)
        far = np.minimum(a, 1e300)
        slope = stirling.slope(far) / self.stirling
        # d C / d w = 2 w slope(a) / stirling, and slope'(a) = balance(a) / a^3.
        bend = 4.0 * w**4 * stirling.balance(far) / self.stirling**3
        return -stirling.correction(far), 2.0 * w * slope, 2.0 * slope - bend


def _horner(coefficients: tuple[np.ndarray, ...], r: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.polynomial.polynomial.polyval(r, c) for c in coefficients)


def _gamma(r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return r - np.log1p(r), r / x, x**-2.0


def _inverse_gamma(r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.log1p(r) - r / x, r / x**2, (1.0 - r) / x**3


def _inverse_gaussian(r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return 0.5 * r * r / x, 0.5 * r * (2.0 + r) / x**2, x**-3.0


def _nakagami(r: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return 0.5 * (r + 0.5 * r * r - np.log1p(r)), 0.5 * r * (2.0 + r) / x, 0.5 * (1.0 + x**-2.0)


_SIGN = (-1.0) ** _TERMS
_LOG = _SIGN / _TERMS

GAMMA = Narrow({"shape": Power(0.0, -2.0), "scale": Power(1.0, 2.0)}, _gamma, _LOG, 1.0, 1.0)
INVERSE_GAMMA = Narrow(
    {"shape": Power(0.0, -2.0), "scale": Power(1.0, -2.0)},
    _inverse_gamma,
    _SIGN - _LOG,
    1.0,
    1.0,
)
INVERSE_GAUSSIAN = Narrow(
    {"mean": Power(1.0, 0.0), "shape": Power(1.0, -2.0)},
    _inverse_gaussian,
    0.5 * _SIGN,
    1.5,
    0.0,
)
#: For a density with the parameters shape (m) and scale, scale^2 the mean of y^2.
NAKAGAMI = Narrow(
    {"shape": Power(0.0, -2.0, 0.25), "scale": Power(1.0, 0.0)},
    _nakagami,
    np.concatenate([[0.5], 0.5 * _LOG[1:]]),
    1.0,
    0.25,
)
