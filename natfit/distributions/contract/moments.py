"""Mean, variance, entropy and mode of a univariate family at one eta, where it has no formula."""

from __future__ import annotations

from typing import Any

import numpy as np


def mean_and_variance(family: Any, eta: np.ndarray) -> tuple[float, float]:
    """Return the mean and the variance at eta (K,), by the family's expectation.

    Returns
    -------
    mean, variance : float
        In the unit of y and its square; infinite where they are.
    """
    rule = family.expectation(eta)
    mean = float(rule.weight @ rule.y)
    return mean, float(rule.weight @ np.square(rule.y - mean))


def entropy(family: Any, eta: np.ndarray) -> float:
    """Return E[-log p] at eta (K,), nats, by the family's formula or its expectation."""
    if family.has_entropy:
        return float(family.entropy(eta[None])[0])
    rule = family.expectation(eta)
    return -float(rule.weight @ family.log_prob(rule.y, eta[None]))
