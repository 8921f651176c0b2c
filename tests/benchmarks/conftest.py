"""The seed of random sets, and the table of ratios after the benchmarks."""

import pytest
from measure import TABLE


def pytest_addoption(parser):
    """Take ``--seed``."""
    parser.addoption("--seed", type=int, default=0, help="seed of the first random set")


@pytest.fixture
def first_seed(request):
    """Seed of the first random set: other ones show what does not depend on the sets looked at."""
    return request.config.getoption("--seed")


def pytest_terminal_summary(terminalreporter):
    """Print one line per figure, with its limit if it has one."""
    if not TABLE:
        return
    terminalreporter.section("figures")
    width = max(len(what) for what, *_ in TABLE)
    for what, value, limit in TABLE:
        terminalreporter.write_line(f"{what.ljust(width)}  {value.rjust(12)}  {limit}".rstrip())
