"""Every deliberate mistake is caught by the checks that are meant to, and by no others."""

import pytest

from natfit import testing
from tests.broken import broken, kinds
from tests.suites import outcome

CASES = [
    pytest.param(module.CHECKS, arguments, expected, id=f"{kind}-{name}")
    for kind, module in kinds()
    for name, arguments, expected in broken(module)
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


@pytest.mark.parametrize("module", [pytest.param(module, id=kind) for kind, module in kinds()])
def test_every_check_catches_something(module):
    """No check is there for show: each has a mistake that it catches."""
    caught = {name for *_, expected in broken(module) for name in expected}
    assert caught == {check.__name__ for check in module.CHECKS}


def test_every_list_of_checks_has_mistakes():
    names = {name for name in testing.__all__ if name.endswith("_CHECKS")}
    checked = [module.CHECKS for _, module in kinds()]
    assert [n for n in sorted(names) if getattr(testing, n) not in checked] == []
