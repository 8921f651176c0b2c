"""The Rice distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Rooted
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.jets import ByJets
from natfit.numerics.bessel import log_i0e
from natfit.numerics.special import log1mexp
from natfit.rows import Rows, mean_over

#: At this shape the Rayleigh distribution differs by less than 1e-12 nats per row.
_RAYLEIGH = 1e-3

#: Shape at and below which I1 / I0 in the velocities is a series.
_CLOSED = 0.06

#: Coefficients of u^3, u^5, ... in the series of I1(u) / I0(u).
_RATIO = (-1.0 / 16.0, 1.0 / 96.0, -11.0 / 6144.0, 19.0 / 61440.0)

#: Nodes and weights of the tails' integrals, which reach over 12 scales or 40 lengths of decay.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)


class Rice(ByJets):
    """The Rice distribution of the length y > 0 of a vector with two normal components.

    The components have one scale and means at the distance nu = shape scale from zero. With
    scale = rms / sqrt(2 + shape^2) and x = y / scale,
    ``log p(y) = log x - log scale - (x^2 + shape^2) / 2 + log I0(shape x)``; rms is the root mean
    square of y. shape 0 is the Rayleigh distribution. At fixed rms the likelihood depends on
    shape^4 to first order: eta = (log rms, arsinh(shape^4) / 4), in which the Rayleigh is an
    ordinary point. The Fisher information is computed by quadrature.

    Data that vary more than a Rayleigh's end as ``boundary`` at shape -> 0, the Rayleigh. Only data
    whose rows are all equal have no maximum (shape -> infinity): they are refused.

    In R: ``VGAM::drice``.

    Matches ``scipy.stats.rice(b=shape, scale=scale)`` with scale as above.

    Source: Rice (1945), Bell System Technical Journal 24; Johnson, Kotz and Balakrishnan (1994),
    Continuous Univariate Distributions 1, ch. 18.
    """

    params = {"rms": Positive(), "shape": Rooted(4, low=_RAYLEIGH, high=1e9)}
    roles = {"rms": Role.SCALE, "shape": Role.SHAPE}
    widths = {"shape": Width(-1.0, least=1.0)}
    support = POSITIVE
    limit_meaning = {("shape", "lower"): "the Rayleigh distribution"}
    compare_after = 25

    def _log_prob(self, y: Any, rms: Any, shape: Any) -> Any:
        root = anp.sqrt(2.0 + shape * shape)
        x = y / rms * root
        kernel = -0.5 * (x - shape) ** 2 + log_i0e(shape * x)
        return anp.log(x) + anp.log(root) - anp.log(rms) + kernel

    def _log_cdf(self, y: Any, rms: Any, shape: Any) -> np.ndarray:
        return self._tails(y, rms, shape)[0]

    def _log_sf(self, y: Any, rms: Any, shape: Any) -> np.ndarray:
        return self._tails(y, rms, shape)[1]

    def _tails(self, y: Any, rms: Any, shape: Any) -> tuple[np.ndarray, np.ndarray]:
        """Logs of both tails: the one away from the median by quadrature, the other as its rest."""
        x, shape = np.broadcast_arrays(y / rms * np.sqrt(2.0 + shape * shape), shape)
        upper = x > np.sqrt(shape * shape + 1.2)
        slope = np.abs(x - shape) + 1.0 / np.maximum(x, 1e-300) * ~upper
        length = np.minimum(12.0, 40.0 / np.maximum(slope, 1e-3))
        end = np.where(upper, x + length, np.maximum(x - length, 0.0))
        half = 0.5 * (end - x)[:, None]
        t = x[:, None] + half * (_NODES + 1.0)
        log = np.log(t) - 0.5 * (t - shape[:, None]) ** 2
        log = log + np.log(special.i0e(shape[:, None] * t))
        log = special.logsumexp(log, axis=1, b=_WEIGHTS) + np.log(np.abs(half[:, 0]))
        rest = log1mexp(np.minimum(log, -1e-300))
        return np.where(upper, rest, log), np.where(upper, log, rest)

    def _velocity(self, y: np.ndarray, rms: Any, shape: Any) -> tuple[np.ndarray, np.ndarray]:
        """Velocities of quantiles (2, n) and their derivatives (2, 2, n), in eta.

        The tail in x is Marcum's Q(shape, x), whose derivatives are ``dQ / dx = -x E I0(u)`` and
        ``dQ / dshape = x E I1(u)`` with u = shape x and E = exp(-(x^2 + shape^2) / 2). Near shape =
        0 their terms cancel, and I1 / I0 is a series there.

        Source: Nuttall (1975), IEEE Transactions on Information Theory 21.

        Returns
        -------
        first : ndarray of shape (2, n)
        slope : ndarray of shape (2, 2, n)
        """
        far = _moved(y, rms, np.maximum(shape, _CLOSED))
        near = _moved_near_rayleigh(y, rms, np.minimum(shape, _CLOSED))
        found = [np.where(shape > _CLOSED, one, two) for one, two in zip(far, near, strict=True)]
        slope = np.zeros((2, 2, len(y)))
        slope[0, 1], slope[1, 1] = found[1:]
        return np.stack([y, np.broadcast_to(found[0], y.shape)]), slope

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The variance of y^2 over its squared mean is 1 - (shape^2 / (2 + shape^2))^2.
        unit = mean(y, weight)
        square = mean((y / unit) ** 2, weight)
        spread = mean(((y / unit) ** 2 / square - 1.0) ** 2, weight)
        share = float(np.clip(np.sqrt(max(1.0 - spread, 0.05)), 0.2, 1.0))
        # 2 / (2 + shape^2), which a difference from one has no digits of.
        rest = max(1.0 - share, 0.5 * spread, 1e-17) if spread > 0 else 0.5
        shape = np.sqrt(2.0 * max(1.0 - rest, 0.2) / rest)
        return {"rms": 1.01 * unit * np.sqrt(square), "shape": float(np.clip(shape, 0.7, 1e8))}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the Rayleigh distribution's optimum."""
        unit = float(mean_over(rows))
        square = float(mean_over(rows, _square_of, unit))
        return self.eta(rms=unit * np.sqrt(square), shape=_RAYLEIGH)

    def _sample(self, rng: np.random.Generator, n: int, rms: Any, shape: Any) -> np.ndarray:
        one, two = rng.standard_normal((2, n))
        return rms * np.hypot(one + shape, two) / np.sqrt(2.0 + shape * shape)

    def _moments(self, rms: Any, shape: Any) -> tuple[Any, Any]:
        unit, x = rms / np.sqrt(2.0 + np.square(shape)), 0.25 * np.square(shape)
        bessel = (1.0 + 2.0 * x) * special.ive(0, x) + 2.0 * x * special.ive(1, x)
        mean = np.sqrt(0.5 * np.pi) * unit * bessel
        var = np.square(rms) - np.square(mean)
        return mean, np.where(shape < 100.0, var, np.nan)

    def _to_scipy(self, rms: Any, shape: Any) -> Any:
        from scipy.stats import rice

        return rice(b=float(shape), scale=float(rms / np.sqrt(2.0 + shape * shape)))


def _square_of(y: np.ndarray, unit: float) -> np.ndarray:
    return (y / unit) ** 2


def _moved(y: np.ndarray, rms: Any, shape: Any) -> tuple[np.ndarray, ...]:
    """Velocity of y in the coordinate of shape, and its derivatives in both coordinates."""
    square = 2.0 + shape * shape
    scale = rms / np.sqrt(square)
    u = shape * y / scale
    ratio = special.i1e(u) / special.i0e(u)
    bend = 1.0 - ratio / u - ratio * ratio
    in_shape = scale * ratio - y * shape / square
    second = bend * y * (1.0 + shape * shape / square)
    second = second - scale * ratio * shape / square - y * (2.0 - shape * shape) / square**2
    # d shape / d eta, and its derivative in eta, without shape^8 where that overflows.
    root = np.hypot(1.0, shape**4)
    rate = root / shape**3
    change = (4.0 * shape**4 / root - 3.0 * root / shape**4) * rate
    in_log_rms = rate * scale * (ratio - u * bend)
    return in_shape * rate, in_log_rms, rate * rate * second + in_shape * change


def _moved_near_rayleigh(y: np.ndarray, rms: Any, shape: Any) -> tuple[np.ndarray, ...]:
    """As :func:`_moved`, by the series u / 2 - u^3 / 16 + u^5 / 96 - ... of I1 / I0."""
    b, q = shape * shape, (y / rms) ** 2
    m = 2.0 + b
    # The velocity is y root G(b, q).
    terms = [(k, c * b ** (k - 1) * (q * m) ** k, c * q**k) for k, c in enumerate(_RATIO, start=1)]
    value = 0.5 / m + sum(term for _, term, _ in terms)
    in_q = sum(2 * k * term for k, term, _ in terms)
    in_b = -0.5 / m**2 + sum(
        part * (k * b ** (k - 1) * m ** (k - 1) + (k - 1) * b ** max(k - 2, 0) * m**k)
        for k, _, part in terms
    )
    root = np.sqrt(1.0 + b**4)
    return y * root * value, -y * root * in_q, y * (4.0 * b**2 * value + 2.0 * root**2 * in_b / b)
