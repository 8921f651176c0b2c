"""Registry times property checks."""

import pytest

from tests.suites import ROWS


@pytest.mark.parametrize(("case", "check"), ROWS.pairs())
def test_property(case, check):
    ROWS.run(case, check)
