"""Registry times property checks."""

import pytest

from tests.suites import DISTRIBUTIONS


@pytest.mark.parametrize(("case", "check"), DISTRIBUTIONS.pairs())
def test_property(case, check):
    DISTRIBUTIONS.run(case, check)
