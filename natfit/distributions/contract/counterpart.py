"""The distribution of ``scipy.stats`` with the same density: from parameters, and its formulas."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

#: Variance over squared mean above which a difference of moments has twelve digits and more.
_WIDE = 1e-3


def as_scipy(family: Any, params: dict[str, Any]) -> Any:
    """Return scipy's frozen distribution at native parameters by name.

    Parameters
    ----------
    family : Distribution
        Any family.
    params : dict
        Native values by name; of D columns vectors (D,).

    Returns
    -------
    scipy.stats.rv_frozen

    Raises
    ------
    ValueError
        If scipy has no such distribution, or a parameter is missing, unknown or not valid.
    """
    values = {name: np.asarray(value, dtype=np.float64) for name, value in params.items()}
    if family.event_shape == () and set(values) == set(family.params):
        sizes = {v.size for n, v in values.items() if family.params[n].shape == () and v.ndim}
        if sizes - {1}:
            return _of_columns(family, values)
        values = {n: v.reshape(family.params[n].shape) for n, v in values.items()}
    eta = family.eta(**values)
    if family._to_scipy is None:
        return family.counterpart(eta)
    # The values themselves, and not as they come back from eta.
    given = [values[name].reshape(c.shape) for name, c in family.params.items()]
    return family._to_scipy(*(v[()] for v in given))


def _of_columns(family: Any, values: dict[str, np.ndarray]) -> Any:
    """Return scipy's distribution at vectors of parameters, one value for each column."""
    many = {n: np.atleast_1d(v) for n, v in values.items()}
    if family._to_scipy is None:
        family.counterpart(family.eta(**{n: v[:1] for n, v in many.items()}))
    size = max(len(v) for v in many.values())
    many = {n: np.broadcast_to(v, (size,)) for n, v in many.items()}
    each = [as_scipy(family, {n: v[j] for n, v in many.items()}) for j in range(size)]
    together = _stacked(each)
    if together is None:
        raise ValueError(
            f"params must be those of one column for {type(family).__name__}, whose columns are "
            "different distributions of scipy; pass the values of one column"
        )
    return together


def _stacked(each: list) -> Any:
    """Return frozen distributions of one kind as one whose parameters are vectors, or None."""
    dist = each[0].dist
    if any(f.dist.name != dist.name or f.kwds.keys() != each[0].kwds.keys() for f in each):
        return None
    args = [np.array(values) for values in zip(*(f.args for f in each), strict=True)]
    return dist.freeze(*args, **{n: np.array([f.kwds[n] for f in each]) for n in each[0].kwds})


def scipy_quantile(family: Any, eta: np.ndarray) -> Callable | None:
    """Return scipy's own formula of quantiles, ``(p, upper) -> y``, at eta (1, K).

    Returns
    -------
    callable or None
        None where scipy has no such family, or would search for a root.
    """
    frozen = _at(family, eta)
    if frozen is None or not _writes(frozen.dist, "_ppf"):
        return None

    def found(p: np.ndarray, upper: bool) -> np.ndarray:
        # Compiled formulas warn of what is not representable, also where numpy does not.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return frozen.isf(p) if upper else frozen.ppf(p)

    return found


def scipy_moments(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return scipy's own formulas of the mean and the variance, (n,) each, at eta (n, K).

    Returns
    -------
    tuple or None
        None where scipy has no such family, or would integrate.
    """
    frozen = _at(family, eta)
    if frozen is None:
        return None
    moments = _writes(frozen.dist, "_munp")
    if not (moments or _writes(frozen.dist, "_stats")):
        return None
    with np.errstate(all="ignore"):
        mean, var = (np.asarray(m, dtype=np.float64) for m in frozen.stats("mv"))
        if moments and not _writes(frozen.dist, "_stats"):
            # A difference of moments about zero, which loses the digits of narrow densities.
            var = np.where(var > _WIDE * np.square(mean), var, np.nan)
    return np.broadcast_to(mean, (len(eta),)), np.broadcast_to(var, (len(eta),))


def scipy_entropy(family: Any, eta: np.ndarray) -> float | None:
    """Return scipy's own formula of the entropy, nats, at eta (1, K).

    Returns
    -------
    float or None
        None where scipy has no such family, or would integrate.
    """
    frozen = _at(family, eta)
    if frozen is None or not _writes(frozen.dist, "_entropy"):
        return None
    with np.errstate(all="ignore"):
        found = float(frozen.entropy())
    return found if np.isfinite(found) else None


def _at(family: Any, eta: np.ndarray) -> Any:
    """Return scipy's frozen distribution at eta (n, K), or None."""
    if family.event_shape != ():
        return None
    try:
        each = [family.counterpart(row) for row in eta]
    except ValueError:
        return None
    if not hasattr(each[0], "dist"):
        return None
    return each[0] if len(each) == 1 else _stacked(each)


def _writes(dist: Any, name: str) -> bool:
    """Tell whether a distribution of scipy has a formula of its own for a method."""
    from scipy import stats

    generic = stats.rv_discrete if isinstance(dist, stats.rv_discrete) else stats.rv_continuous
    return getattr(type(dist), name, None) is not getattr(generic, name, None)
