"""The exact set of checks that say nothing about a component: none becomes green by accident."""

import json
from pathlib import Path

import pytest

from tests import suites

EXPECTED = json.loads(Path(__file__).with_name("skips.json").read_text())
SUITES = {name: value for name, value in vars(suites).items() if isinstance(value, suites.Suite)}


@pytest.mark.parametrize("name", SUITES)
def test_skips(name):
    found = {check: set(cases) for check, cases in SUITES[name].skips().items()}
    assert found == {check: set(cases) for check, cases in EXPECTED[name].items()}
