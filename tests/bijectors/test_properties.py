"""Registry times property checks."""

import pytest

from tests.suites import BIJECTORS


@pytest.mark.parametrize(("case", "check"), BIJECTORS.pairs())
def test_property(case, check):
    BIJECTORS.run(case, check)
