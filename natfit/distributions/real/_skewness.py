"""Moments of the standard skew-normal distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

#: |shape| below which the leading term replaces the score, a difference with no digits left there.
SMALL = 1e-4

#: sqrt(2 / pi): the mean of |Z|.
B = 0.7978845608028654

#: The skewness is C shape^3 near zero.
C = 0.5 * (4.0 - np.pi) * B**3


def standard_moments(shape: Any) -> tuple[np.ndarray, ...]:
    """Mean and standard deviation at loc 0, scale 1, each with two derivatives in shape."""
    square = 1.0 + shape * shape
    mean = B * shape / np.sqrt(square)
    mean1 = B * square**-1.5
    mean2 = -3.0 * shape * mean1 / square
    # The root of 1 - mean^2, without the cancellation near one.
    sd = np.sqrt((1.0 + (1.0 - B * B) * shape * shape) / square)
    sd1 = -mean * mean1 / sd
    sd2 = -(mean1**2 + mean * mean2 + sd1**2) / sd
    return mean, mean1, mean2, sd, sd1, sd2
