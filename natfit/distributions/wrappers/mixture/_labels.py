"""The numbers of a mixture's components: an exchange of equal ones leaves the density as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Number of draws, from a fixed seed, whose median is the centre of a component.
_DRAWS = 201


def in_order(family: Any, eta: np.ndarray) -> np.ndarray:
    """Eta (K,) with equal families in the order of their medians, vectors by the first column."""
    parts, cuts, n = family.parts, family.cuts, len(family.parts)
    centres = [_centre(part, eta[cut]) for part, cut in zip(parts, cuts, strict=True)]
    order = np.arange(n)
    for k in range(n):
        same = [j for j in range(n) if parts[j] == parts[k]]
        if same[0] == k:
            order[same] = sorted(same, key=lambda j: centres[j])
    if np.array_equal(order, np.arange(n)):
        return eta
    logits = np.append(eta[: n - 1], 0.0)[order]
    return np.concatenate([logits[:-1] - logits[-1], *(eta[cuts[k]] for k in order)])


def _centre(part: Any, eta: np.ndarray) -> float:
    """Median of a component, by draws; its first coordinate if it has no sampler."""
    if not part.can_sample:
        return float(eta[0])
    with np.errstate(all="ignore"):
        draws = part.sample(eta[None], np.random.default_rng(0), _DRAWS)
    return float(np.median(draws.reshape(len(draws), -1)[:, 0]))
