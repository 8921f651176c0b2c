"""Registry times property checks of bound models."""

import pytest

from tests.suites import MODELS


@pytest.mark.parametrize(("case", "check"), MODELS.pairs())
def test_property(case, check):
    MODELS.run(case, check)
