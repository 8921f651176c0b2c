"""Every status is a string with a remedy."""

import pytest

from natfit.optimize import Status


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_a_remedy_and_is_a_string(status):
    assert status == status.value
    assert status.remedy
    assert status.good == (status.value in ("converged", "gradient_small", "rounding_floor"))
