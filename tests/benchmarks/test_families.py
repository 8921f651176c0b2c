"""Two hundred random sets a family: never less likely than scipy's fit."""

import time

import numpy as np
import pytest
from measure import record

from natfit._component import available
from natfit.distributions.base import Distribution
from tests.cases import case, fit_case, loglik, peer, random_rows
from tests.fits import native

SETS, SLACK = 200, 1e-6
DRAWN = [name for name in available(Distribution) if case(name).draws is not None]


@pytest.mark.parametrize("name", DRAWN)
def test_two_hundred_sets(name, benchmark):
    gaps, seconds, failures = [], [0.0, 0.0], []
    for seed in range(SETS):
        x = random_rows(name, seed)
        begin = time.perf_counter()
        model = fit_case(name, x)
        middle = time.perf_counter()
        best = peer(name, x)
        seconds[0] += middle - begin
        seconds[1] += time.perf_counter() - middle
        gaps.append(best - loglik(name, native(model), x))
        if not gaps[-1] <= SLACK or model.status_ not in ("converged", "boundary"):
            failures.append((seed, len(x), gaps[-1], model.message_))
    benchmark.pedantic(fit_case, (name, random_rows(name, 0)), rounds=1)
    shares = seconds[0] / max(seconds[1], 1e-9)
    record(benchmark, f"{name}, {SETS} sets, natfit's time over the peer's", shares)
    record(benchmark, f"{name}, {SETS} sets, worst gap to the peer", np.max(gaps), SLACK, "nats")
    assert not failures, failures
