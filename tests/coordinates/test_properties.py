"""Registry times property checks."""

import pytest

from tests.suites import COORDINATES


@pytest.mark.parametrize(("case", "check"), COORDINATES.pairs())
def test_property(case, check):
    COORDINATES.run(case, check)
