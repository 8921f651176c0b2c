"""Prints the table of ratios after the benchmarks."""

from measure import TABLE


def pytest_terminal_summary(terminalreporter):
    """Print one line per figure, with its limit if it has one."""
    if not TABLE:
        return
    terminalreporter.section("figures")
    width = max(len(what) for what, *_ in TABLE)
    for what, value, limit in TABLE:
        terminalreporter.write_line(f"{what.ljust(width)}  {value.rjust(12)}  {limit}".rstrip())
