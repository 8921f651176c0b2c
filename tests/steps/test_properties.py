"""Registry times property checks."""

import pytest

from tests.suites import STEPS


@pytest.mark.parametrize(("case", "check"), STEPS.pairs())
def test_property(case, check):
    STEPS.run(case, check)
