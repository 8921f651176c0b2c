"""Draws of a mixture."""

from __future__ import annotations

from typing import Any

import numpy as np


def drawn(family: Any, eta: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """Values (n, *event_shape) of a component drawn for each row, for eta (n, K) or (1, K)."""
    ends = np.cumsum(np.exp(family.log_weights(eta)), axis=1)[:, :-1]
    label = (rng.random(n)[:, None] > ends).sum(axis=1)
    out = np.empty((n, *family.event_shape))
    for k, (part, cut) in enumerate(zip(family.parts, family.cuts, strict=True)):
        own = np.flatnonzero(label == k)
        if not len(own):
            continue
        if len(eta) == 1:
            out[own] = part.sample(eta[:, cut], rng, len(own))
        else:
            out[own] = part.sample(eta[own, cut], rng)
    return out
