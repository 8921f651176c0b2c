"""Every deliberate mistake is caught by the checks that are meant to, and by no others."""

import pytest

from natfit import testing
from tests.broken import BROKEN
from tests.suites import outcome

CASES = [
    pytest.param(checks, args, expected, id=f"{kind}-{type(component).__name__}-{i}")
    for kind, (checks, broken) in BROKEN.items()
    for i, (component, args, expected) in enumerate(broken)
]


@pytest.mark.parametrize(("checks", "args", "expected"), CASES)
def test_is_caught(checks, args, expected):
    results = {check.__name__: outcome(check, args) for check in checks}
    failed = {
        name
        for name, error in results.items()
        if error is not None and not isinstance(error, testing.NotApplicable)
    }
    assert failed == expected, {name: str(results[name]) for name in failed ^ expected}
    for name in expected:
        assert str(results[name]), f"{name} fails without a message"


def test_every_check_catches_something():
    """No check is there for show: each has a mistake that it catches, or says why not."""
    caught = {name for _, broken in BROKEN.values() for *_, expected in broken for name in expected}
    checks = {check.__name__ for checks, _ in BROKEN.values() for check in checks}
    assert checks - caught == set()
