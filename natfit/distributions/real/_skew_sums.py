"""Sums over rows of the skew-normal's log-density and its derivatives, from ten sums of one pass.

With x = (y - mean) / sd, z = m + s x and u = shape z, all terms are linear in 1, x, x^2, in
log Phi(u), and in h = phi(u) / Phi(u) and h' = -h (u + h) times powers of x. Phi(u) and h both
follow from one value of erfcx: Phi(u) = erfcx(-u / sqrt 2) exp(-u^2 / 2) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from natfit.distributions.real._skewness import SMALL, C, standard_moments
from natfit.rows import dot, total_weight, weighted_total

_HALF_LOG_2PI = 0.9189385332046727
_ROOT_HALF, _ROOT_2_OVER_PI = 0.7071067811865476, 0.7978845608028654

#: u from which on Phi(u) is one: erfcx(-u / sqrt 2) overflows at 37.
_FAR = 30.0


@dataclass(frozen=True)
class Sums:
    """Weighted sums over rows: of powers of x, of log Phi(u), and of h and h' times powers of x."""

    shape: float
    x: tuple[float, float, float, float]
    log: float
    hazard: tuple[float, float]
    bend: tuple[float, float, float]

    @cached_property
    def _moments(self) -> tuple[float, ...]:
        return tuple(float(v) for v in standard_moments(self.shape))

    @cached_property
    def _chain(self) -> float:
        """d shape / d eta times shape^2, for eta = arsinh(shape^3) / 3."""
        return float(np.cosh(np.arcsinh(self.shape**3)))

    def _product(self, a: tuple[float, float], b: tuple[float, float]) -> float:
        """Sum of the product of two linear functions (constant, slope) of x."""
        n, x, xx, _ = self.x
        return a[0] * b[0] * n + (a[0] * b[1] + a[1] * b[0]) * x + a[1] * b[1] * xx

    def _hazard(self, a: tuple[float, float]) -> float:
        """Sum of h times a linear function of x."""
        return a[0] * self.hazard[0] + a[1] * self.hazard[1]

    def value(self, sd: float) -> float:
        """Sum of log p, nats."""
        mean, _, _, spread, _, _ = self._moments
        z = (mean, spread)
        constant = -_HALF_LOG_2PI + np.log(2.0 * spread) - np.log(sd)
        return float(self.x[0] * constant - 0.5 * self._product(z, z) + self.log)

    @cached_property
    def _pull(self) -> tuple[float, float]:
        """Sums of d log p / d z, and of it times x."""
        z = self._moments[0], self._moments[3]
        one, x = (1.0, 0.0), (0.0, 1.0)
        h0, h1 = self.hazard
        return self.shape * h0 - self._product(z, one), self.shape * h1 - self._product(z, x)

    @cached_property
    def _slope(self) -> float:
        """Sum of the derivative of log p in shape at fixed x."""
        mean, mean1, _, spread, spread1, _ = self._moments
        z, z1 = (mean, spread), (mean1, spread1)
        drift = self._hazard(z) + self.shape * self._hazard(z1)
        return self.x[0] * spread1 / spread - self._product(z, z1) + drift

    def score(self, sd: float) -> np.ndarray:
        """Sum of the score, (3,)."""
        spread, (first, first_x) = self._moments[3], self._pull
        if abs(self.shape) < SMALL:
            # Leading term: half of C He3(x).
            last = 0.5 * C * self._chain * (self.x[3] - 3.0 * self.x[1])
        else:
            last = self._slope * self._chain / self.shape**2
        return np.array([-spread * first / sd, -spread * first_x - self.x[0], last])

    def observed(self, sd: float) -> np.ndarray:
        """Sum of the negative Hessian, (3, 3)."""
        shape, (n, x, xx, _) = self.shape, self.x
        mean, mean1, mean2, spread, spread1, spread2 = self._moments
        (b0, b1, b2), (h0, h1) = self.bend, self.hazard
        z, z1, z2 = (mean, spread), (mean1, spread1), (mean2, spread2)
        # d u / d shape = q + p x.
        q, p = mean + shape * mean1, spread + shape * spread1
        f0, f1 = self._pull
        s0, s1, s2 = (shape**2 * b - v for b, v in zip((b0, b1, b2), (n, x, xx), strict=True))
        one, line = (1.0, 0.0), (0.0, 1.0)
        chain, ratio = self._chain / shape**2, spread1 / spread
        m0 = h0 + shape * (q * b0 + p * b1) - self._product(z1, one)
        m1 = h1 + shape * (q * b1 + p * b2) - self._product(z1, line)
        mixed0, mixed1 = (chain * (spread1 * f + spread * m) for f, m in ((f0, m0), (f1, m1)))
        curve = n * (spread2 / spread - ratio**2) - self._product(z1, z1) - self._product(z, z2)
        curve += q * q * b0 + 2.0 * p * q * b1 + p * p * b2
        curve += 2.0 * self._hazard(z1) + shape * self._hazard(z2)
        last = curve * chain**2 + self._slope * (3.0 * shape - 2.0 * chain**2 / shape)
        cross = -spread * (f0 + spread * s1) / sd
        return np.array(
            [
                [-(spread**2) * s0 / sd**2, cross, mixed0 / sd],
                [cross, -spread * (f1 + spread * s2), mixed1],
                [mixed0 / sd, mixed1, -last],
            ]
        )


def row_sums(
    y: np.ndarray, weight: np.ndarray | None, mean: float, sd: float, shape: float
) -> Sums:
    """Sums of rows y (n,) at the native parameters.

    Returns
    -------
    Sums
        Weighted.
    """
    middle, _, _, spread, _, _ = (float(v) for v in standard_moments(shape))
    x = y - mean
    x /= sd
    u = x * (shape * spread)
    u += shape * middle
    near = np.minimum(u, _FAR)
    erf = special.erfcx(near * -_ROOT_HALF)
    hazard = _ROOT_2_OVER_PI / erf
    u += hazard
    u *= hazard
    np.log(erf, out=erf)
    n, log = total_weight(weight, len(x)), weighted_total(erf, weight)
    if weight is None:
        first, second = x, near
    else:
        first, second = x * weight, near * weight
        hazard *= weight
        u *= weight
    log -= 0.5 * dot(near, second) + n * np.log(2.0)
    powers = n, float(first.sum()), dot(first, x)
    # Only near the normal distribution is the sum of cubes needed.
    cubes = dot(first, x * x) if abs(shape) < SMALL else 0.0
    hazards = float(hazard.sum()), dot(hazard, x)
    bends = -float(u.sum()), -dot(u, x)
    u *= x
    return Sums(shape, (*powers, cubes), log, hazards, (*bends, -dot(u, x)))
