"""Registry times property checks."""

import pytest

from tests.suites import METRICS


@pytest.mark.parametrize(("case", "check"), METRICS.pairs())
def test_property(case, check):
    METRICS.run(case, check)
