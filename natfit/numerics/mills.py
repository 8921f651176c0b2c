"""Mills' ratio of the normal distribution, and the logarithm of its distribution function."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from scipy import special

from natfit.numerics.jets import Jet

_HALF_LOG_2PI, _ROOT_2 = 0.9189385332046727, np.sqrt(2.0)


@primitive
def _log_mills_of(a: Any) -> Any:
    a = np.asarray(a, dtype=float)
    upper = a > -5.0
    ratio = np.log(special.erfcx(np.where(upper, a, 0.0) / _ROOT_2)) + np.log(np.sqrt(0.5 * np.pi))
    low = np.where(upper, 0.0, a)
    return np.where(upper, ratio, special.log_ndtr(-low) + 0.5 * low * low + _HALF_LOG_2PI)


# The derivative of log M is a - 1 / M.
defvjp(_log_mills_of, lambda ans, a: lambda g: g * (a - anp.exp(-_log_mills_of(a))))


def log_mills(a: Any) -> Any:
    """Log of Mills' ratio (1 - Phi(a)) / phi(a), differentiable, also of jets."""
    if not isinstance(a, Jet):
        return _log_mills_of(a)
    log = _log_mills_of(a.value)
    hazard = np.exp(-log)
    return a.chain(log, a.value - hazard, 1.0 + hazard * (a.value - hazard))


_log_ndtr_of = primitive(special.log_ndtr)

# The derivative of log Phi is phi / Phi.
defvjp(
    _log_ndtr_of,
    lambda ans, x: lambda g: g * anp.exp(-0.5 * x * x - _HALF_LOG_2PI - _log_ndtr_of(x)),
)


def log_ndtr(x: Any) -> Any:
    """Log of the normal distribution function, differentiable, also of jets."""
    if not isinstance(x, Jet):
        return _log_ndtr_of(x)
    log, v = special.log_ndtr(x.value), x.value
    slope = np.exp(-0.5 * v * v - _HALF_LOG_2PI - log)
    return x.chain(log, slope, -slope * (v + slope))


def density(x: Any) -> Any:
    """Normal density, differentiable, elementwise."""
    return anp.exp(-0.5 * x * x - _HALF_LOG_2PI)


#: The normal distribution function and its inverse, differentiable.
ndtr, ndtri = primitive(special.ndtr), primitive(special.ndtri)

defvjp(ndtr, lambda ans, x: lambda g: g * density(x))
defvjp(ndtri, lambda ans, p: lambda g: g / density(ans))
