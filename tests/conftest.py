"""What all tests share: threads, and the quick selection."""

import os
from zlib import crc32

import numpy  # noqa: F401
import pytest
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_limits

# The matrices here are small: on shared cores a BLAS that spins up threads for each of them
# takes ten times as long. The limit reaches what is loaded already: numpy's and scipy's.
threadpool_limits(limits=int(os.environ.get("OPENBLAS_NUM_THREADS", "1")))

LONGEST = ("tests/test_one_file.py", "tests/examples", "tests/rl/test_known_optima.py")


def pytest_addoption(parser):
    parser.addoption(
        "--quick", action="store_true", help="one case of every test and check, without slow tests"
    )


def pytest_collection_modifyitems(config, items):
    moving = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if moving:
        raise pytest.UsageError(f"an id must be the same in every process: {moving[0]}")
    # The longest tests first: no process shall wait for another's last one.
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    if config.getoption("--quick"):
        kept = quick(items)
        config.hook.pytest_deselected(items=[i for i in items if i not in kept])
        items[:] = [i for i in items if i in kept]


def quick(items):
    """One item of every test that is not marked slow; every check of a suite is a test."""
    groups = {}
    for item in items:
        if item.get_closest_marker("slow") is None:
            check = item.callspec.params.get("check", "") if hasattr(item, "callspec") else ""
            name = f"{item.nodeid.split('[')[0]} {getattr(check, '__name__', check)}"
            groups.setdefault(name, []).append(item)
    # Not always the first: the checks shall see other cases.
    return {group[crc32(name.encode()) % len(group)] for name, group in groups.items()}
