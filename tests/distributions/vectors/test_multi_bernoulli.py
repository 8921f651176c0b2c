"""Independent columns of zeros and ones: their case."""

import numpy as np

from tests.cases import Case

CASE = Case(
    data=(np.random.default_rng(0).random((200, 2)) < [0.3, 0.6]).astype(float),
    optimum=lambda y: y.mean(axis=0),
)
