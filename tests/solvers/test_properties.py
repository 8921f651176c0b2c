"""Registry times property checks."""

import pytest

from tests.suites import SOLVERS


@pytest.mark.parametrize(("case", "check"), SOLVERS.pairs())
def test_property(case, check):
    SOLVERS.run(case, check)
