"""What the first line of every user's program costs: a fresh process that imports natfit."""

import json
import statistics
import subprocess
import sys

#: Seconds of the processor, the interpreter's own start included, which no load of the machine adds to.
LIMIT = 0.15
CODE = """
import json, sys, time
before = set(sys.modules)
import natfit
print(json.dumps([time.process_time(), sorted(set(sys.modules) - before)]))
"""


def measured(code=CODE, times=5):
    """Median seconds of the processor and the modules that were loaded, in fresh processes."""
    runs = [
        json.loads(
            subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        )
        for _ in range(times)
    ]
    return statistics.median(run[0] for run in runs), runs[-1][1]


def test_a_bare_import_is_quick_and_loads_nothing_foreign():
    seconds, modules = measured()
    assert seconds <= LIMIT
    foreign = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert foreign == {"natfit"}
    # Names are imported on first use, so that none of the parts is loaded.
    assert [name for name in modules if name.startswith("natfit.")] == []


def test_the_check_sees_what_an_import_loads():
    _, modules = measured(CODE.replace("import natfit", "from natfit import rng"), times=1)
    assert {"natfit.rng", "numpy"} <= set(modules)
