"""Memory and import times, printed beside the ratios."""

import gc
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from measure import record

from natfit import NaturalMLE

ROWS = 5_000_000


def peak(call):
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = np.abs(rng.standard_normal(ROWS)) + 0.1
    return x[:, None], rng.random(ROWS) + 0.5


@pytest.mark.parametrize("name", ["normal", "gamma", "student_t"])
def test_peak_memory(name, rows, benchmark):
    X, w = rows
    model = NaturalMLE(name, max_iter=3, tol=0.0)
    benchmark.pedantic(model.fit, (X,), rounds=1)
    record(benchmark, f"{name}, 5e6 rows, fit, peak", peak(lambda: model.fit(X)), 8.0, "MB")
    weighted = peak(lambda: model.fit(X, sample_weight=w))
    record(benchmark, f"{name}, 5e6 rows, weighted fit, peak", weighted, 8.0, "MB")
    record(benchmark, f"{name}, 5e6 rows, score, peak", peak(lambda: model.score(X)), 8.0, "MB")


CODE = """
import time
{before}
start = time.perf_counter()
{timed}
print(time.perf_counter() - start)
"""

IMPORTS = {
    "import natfit": ("", "import natfit"),
    "natfit.NaturalMLE above sklearn.base": (
        "from sklearn.base import BaseEstimator",
        "from natfit import NaturalMLE",
    ),
}


@pytest.mark.parametrize("what", IMPORTS)
def test_import_time(what, benchmark):
    before, timed = IMPORTS[what]
    code = CODE.format(before=before, timed=timed)

    def run():
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return float(out.stdout)

    seconds = [run() for _ in range(7)]
    benchmark.pedantic(run, rounds=1)
    record(benchmark, what, min(seconds), 0.15, "s")
