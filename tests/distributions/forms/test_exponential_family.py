"""Expectation coordinates: families that have none say why."""

import numpy as np
import pytest

from natfit.distributions import (
    Gamma,
    StudentT,
)


def test_expectation_coordinates_say_why_not():
    for family in (Gamma(), StudentT()):
        with pytest.raises(ValueError, match="expectation coordinates"):
            family.expectation_coordinates(np.zeros(family.n_params))
