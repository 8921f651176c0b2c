"""Registry times property checks."""

import pytest

from tests.suites import DAMPINGS


@pytest.mark.parametrize(("case", "check"), DAMPINGS.pairs())
def test_property(case, check):
    DAMPINGS.run(case, check)
