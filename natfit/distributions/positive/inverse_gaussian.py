"""The inverse Gaussian distribution."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_means
from natfit.distributions.forms.shift import narrow
from natfit.rows import Rows, means_over

_LOG_2PI = 1.8378770664093453


class InverseGaussian(ExponentialFamily):
    """The inverse Gaussian (Wald) distribution of positive y.

    ``log p(y) = 1/2 log(shape / (2 pi y^3)) - shape (y - mean)^2 / (2 mean^2 y)``; the variance
    is mean^3 / shape. eta = (log mean, log shape), Fisher information diag(shape / mean, 1/2).
    The maximum has a closed form: mean is the mean of y, and 1 / shape is the mean of 1 / y minus
    1 / mean (Tweedie 1957).

    Only data whose rows are all equal have no maximum (shape -> infinity): they are refused.

    Mean ``mean``, variance ``mean^3 / shape``. In R: ``statmod::dinvgauss(mean, shape)``.

    Matches ``scipy.stats.invgauss(mu=mean / shape, scale=shape)``.
    """

    params = {"mean": Positive(), "shape": Positive()}
    roles = {"mean": Role.MEAN, "shape": Role.SHAPE}
    widths = {"shape": Width(-0.5)}
    support = POSITIVE
    _window_ends = (
        End("mean", "upper", "high", "the Levy density y^(-3/2) exp(-shape / (2 y))", power=1.0),
    )
    smooth_tails = True
    _narrow = narrow.INVERSE_GAUSSIAN
    # The logarithm of a number <= 0 is not finite.
    summary_proves_support = True
    mean_names = ("E[y]", "E[1 / y]")

    def statistics(self, y: Any) -> tuple:
        """Means of y, of 1 / y minus 1 / mean, and of log y; for single rows, (y, 0, log y)."""
        return y if isinstance(y, tuple) else (y, 0.0, anp.log(y))

    def _log_prob(self, y: Any, mean: Any, shape: Any) -> Any:
        value, excess, log = self.statistics(y)
        square = (value / mean - 1.0) ** 2 / value + excess
        return 0.5 * (anp.log(shape) - _LOG_2PI - shape * square) - 1.5 * log

    def _score(self, y: Any, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        value, excess, _ = self.statistics(y)
        gap = value / mean - 1.0
        out = np.empty((2, len(value)))
        out[0] = shape / mean * gap
        out[1] = 0.5 - 0.5 * shape * (gap**2 / value + excess)
        return out.T

    def _observed(self, y: Any, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        value, excess, _ = self.statistics(y)
        gap = value / mean - 1.0
        out = np.empty((len(value), 2, 2))
        out[:, 0, 0] = shape / mean * (2.0 * gap + 1.0)
        out[:, 0, 1] = out[:, 1, 0] = -shape / mean * gap
        out[:, 1, 1] = 0.5 * shape * (gap**2 / value + excess)
        return out

    def _fisher(self, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
        out = np.zeros((len(mean), 2, 2))
        out[:, 0, 0] = shape / mean
        out[:, 1, 1] = 0.5
        return out

    def _kl(self, mean: Any, shape: Any, mean2: Any, shape2: Any) -> np.ndarray:
        ratio = np.log(shape2 / shape)
        return 0.5 * (np.expm1(ratio) - ratio + shape2 / mean * (mean / mean2 - 1.0) ** 2)

    # In the textbook's e^(2 shape / mean) Phi(-b) the first factor may overflow and the second
    # underflow. Since b^2 - a^2 = 4 shape / mean, it is e^(-a^2 / 2) erfcx(b / sqrt 2) / 2.

    def _tails(self, y: Any, mean: Any, shape: Any) -> tuple[np.ndarray, np.ndarray]:
        """log cdf and log sf: the smaller one by its formula, the other one from it."""
        root = np.sqrt(0.5 * shape / y)
        a, b = root * (y / mean - 1.0), special.erfcx(root * (y / mean + 1.0))
        near = special.erfcx(np.abs(a))
        sign = np.where(a > 0, -1.0, 1.0)
        with np.errstate(divide="ignore"):
            # Below the mean this is the cdf, above it the survival function.
            log = np.log(0.5 * (near + sign * b)) - a * a
        # Digits are lost only where shape is far below mean: the cdf is near one below the mean.
        other = np.log1p(-np.minimum(np.exp(log), 1.0 - 1e-16))
        return np.where(a > 0, other, log), np.where(a > 0, log, other)

    def _log_cdf(self, y: Any, mean: Any, shape: Any) -> np.ndarray:
        return self._tails(y, mean, shape)[0]

    def _log_sf(self, y: Any, mean: Any, shape: Any) -> np.ndarray:
        return self._tails(y, mean, shape)[1]

    def sufficient(self, rows: Rows) -> tuple:
        """The three means; the second from squared deviations where the difference cancels."""
        centre, inverse, log = means_over(rows, _three)
        excess = inverse - 1.0 / centre
        if not excess > 1e-3 * inverse and np.isfinite(inverse):
            (excess,) = means_over(rows, _excess, centre)
        return np.array([centre]), np.array([excess]), np.array([log])

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """The three means of both parts; the second without a difference of inverses."""
        share = other / (weight + other)
        centre, excess, log = joined_means(one, weight, two, other)
        between = share * (1.0 - share) * (two[0] - one[0]) ** 2
        return centre, excess + between / (one[0] * two[0] * centre), log

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        if summary is None or not summary[1][0] > 1e-20 / summary[0][0]:
            refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments: mean^3 / shape is the variance. Where the rows spread too widely for that,
        # the harmonic mean, which is a lower limit of the estimate of the shape.
        centre = mean(y, weight)
        square = mean((y / centre - 1.0) ** 2, weight)
        shape = 1.0 / mean(1.0 / y, weight)
        if 1e-24 < square < 1.0:
            shape = centre / square
        return {"mean": centre, "shape": shape}

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, shape: Any) -> np.ndarray:
        return rng.wald(mean, shape, n)

    def _moments(self, mean: Any, shape: Any) -> tuple[Any, Any]:
        return mean, np.square(mean) * (mean / shape)

    def _to_scipy(self, mean: Any, shape: Any) -> Any:
        from scipy.stats import invgauss

        return invgauss(mu=float(mean / shape), scale=float(shape))

    def _to_mean(self, origin: tuple, mean: Any, shape: Any) -> tuple:
        return mean, 1.0 / mean + 1.0 / shape

    def _from_mean(self, origin: tuple, first: Any, second: Any) -> dict[str, Any]:
        return {"mean": first, "shape": 1.0 / (second - 1.0 / first)}


def _three(y: np.ndarray) -> tuple[np.ndarray, ...]:
    return y, 1.0 / y, np.log(y)


def _excess(y: np.ndarray, centre: float) -> tuple[np.ndarray, ...]:
    return ((y / centre - 1.0) ** 2 / y,)
