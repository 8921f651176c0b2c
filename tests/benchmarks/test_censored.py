"""Fits of 100,000 distinct censored rows against one pass of scipy's tails over them."""

import time

import numpy as np
import pytest
from measure import record
from scipy import stats

import natfit

N = 100_000

#: scipy's distribution, and the limit of a fit in its passes of log-density and tail.
KNOWN = {
    "normal": (stats.norm(1.0, 2.0), 20.0),
    "weibull": (stats.weibull_min(1.5, scale=2.0), 20.0),
    "gamma": (stats.gamma(2.0, scale=1.5), 20.0),
    "student_t": (stats.t(5.0), 20.0),
    "beta": (stats.beta(2.0, 3.0), 10.0),
    "gev": (stats.genextreme(-0.1), 20.0),
    "burr12": (stats.burr12(3.0, 1.5), 40.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_distinct_right_censored_rows(name, benchmark):
    known, limit = KNOWN[name]
    y, c = known.rvs((2, N), random_state=0)
    rows = natfit.Censored.right(np.minimum(y, c), y <= c)

    def peer():
        return known.logpdf(y[y <= c]).sum() + known.logsf(c[y > c]).sum()

    natfit.fit(name, rows)
    seconds = {"fit": [], "peer": []}
    for _ in range(5):
        for what, call in (("fit", lambda: natfit.fit(name, rows)), ("peer", peer)):
            begin = time.process_time()
            call()
            seconds[what].append(time.process_time() - begin)
    benchmark.pedantic(natfit.fit, (name, rows), rounds=1)
    fit, one_pass = min(seconds["fit"]), min(seconds["peer"])
    record(benchmark, f"{name}, {N} right-censored rows, fit in s of CPU", fit, unit="s")
    record(benchmark, f"{name}, {N} right-censored rows, in scipy's passes", fit / one_pass, limit)
