"""Mean and variance of a mixture, from those of its components."""

from __future__ import annotations

from typing import Any

import numpy as np


def total_moments(mixture: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means (n,) and variances (n,) at eta (n, K): the law of total variance."""
    each = [p.moments(eta[:, cut]) for p, cut in zip(mixture.parts, mixture.cuts, strict=True)]
    mean, var = np.stack([m for m, _ in each], 1), np.stack([v for _, v in each], 1)
    share = np.exp(mixture.log_weights(eta))
    total = np.sum(share * mean, axis=1)
    with np.errstate(invalid="ignore"):
        var = np.sum(share * (var + np.square(mean - total[:, None])), axis=1)
    # The difference of two infinite means says nothing.
    return total, np.where(np.isnan(var), np.inf, var)
