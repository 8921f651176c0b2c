"""Limits that keep the components of a mixture from shrinking onto single rows.

The likelihood of a mixture of densities has no maximum: it grows without limit as the width of a
component whose centre is a row tends to zero. It has one if the ratio of any two widths has a
lower limit (Hathaway, 1985, A constrained formulation of maximum-likelihood estimation for normal
mixture distributions, Annals of Statistics 13, 795-800). Here every width is compared with the
widest component at the start, so that each limit is a number before the fit begins.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Bijector, Covariance, CutCovariance, CutPositive, Limited, Positive
from natfit.distributions.contract.declared import Width
from natfit.distributions.wrappers.mixture._start import begun, start
from natfit.rows import Rows

#: Default of the smallest width of a component, relative to the widest one at the start.
RATIO = 1e-3


def clustered(family: Any, rows: Rows) -> list[np.ndarray | None] | None:
    """Return each component's eta on clusters of a few rows, with which widths are compared.

    Where there are too few rows for clusters, they are those of the components on all rows.

    Returns
    -------
    list of (ndarray of shape (K,) or None), or None
        None where no width needs a limit; None for a component that has no start.
    """
    univariate = family.event_shape == ()
    several_columns = univariate and rows.event_shape not in ((), (1,))
    if len(family.parts) == 1 or several_columns or not any(p.widths for p in family.parts):
        return None
    few = np.asarray(rows.few().y, dtype=np.float64)
    few = few.ravel() if univariate else few
    inside = np.isfinite(few) & family.support.contains(few)
    few = few[inside if univariate else inside.all(axis=1)]
    if len(np.unique(few, axis=0)) < 2:
        return None
    rng = np.random.default_rng(0)
    if len(few) >= 2 * len(family.parts):
        try:
            eta = start(family, few, None, rng)
        except ValueError:
            # No partition gives every component rows to start on.
            pass
        else:
            return [eta[cut] for cut in family.cuts]
    seen = [family.seen(k, few) for k in range(len(family.parts))]
    own = [few if inside is None else few[inside] for inside in seen]
    return [
        begun(part, y, np.ones(len(y)), rng) if len(y) else None
        for part, y in zip(family.parts, own, strict=True)
    ]


def guards(
    parts: Any, etas: list[np.ndarray | None], ratio: float = RATIO
) -> dict[tuple[int, str], Bijector]:
    """(component, parameter) to the constraint with its limit, from a start's eta of each."""
    sizes: dict[tuple[str, Width], list[np.ndarray]] = {}
    for part, eta in zip(parts, etas, strict=True):
        if eta is None:
            continue
        for name, width in part.widths.items():
            logs = _logs(part.params[name], eta[part.blocks[name]])
            sizes.setdefault((name, width), []).append(logs)
    out = {}
    for k, part in enumerate(parts):
        for name, width in part.widths.items():
            if (name, width) not in sizes:
                continue
            same = np.stack(sizes[name, width])
            lower = width.power > 0
            widest = same.max(axis=0) if lower else same.min(axis=0)
            if width.least > 0:
                widest = np.maximum(widest, np.log(width.least))
            out[k, name] = _cut(part.params[name], widest + np.log(ratio) / width.power, lower)
    return out


def _logs(own: Bijector, eta: np.ndarray) -> np.ndarray:
    """Logarithms (size,) of a parameter; of a covariance those of its factor's diagonal."""
    if isinstance(own, Positive | Covariance):
        return eta
    return np.log(own.to_native(eta[None])[0].reshape(-1))


def _cut(own: Bijector, end: np.ndarray, lower: bool) -> Bijector:
    """The constraint with one more limit, ``end``, on its logarithms."""
    if isinstance(own, Covariance):
        return CutCovariance(own.d, end[: own.d])
    if own.shape == ():
        limit = float(np.exp(end[0]))
        return Limited(own, low=limit) if lower else Limited(own, high=limit)
    low, high = own.limits()
    if lower:
        return CutPositive(own.shape, np.maximum(low, end), high)
    return CutPositive(own.shape, low, np.minimum(high, end))
