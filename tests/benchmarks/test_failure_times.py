"""Accelerated-failure-time models of 100,000 rows, half of them censored, against lifelines."""

import time
import warnings

import numpy as np
import pytest
from measure import record

import natfit
from natfit import NaturalRegressor

N, D = 100_000, 20

#: lifelines' class, and the limit of natfit's time in its time.
PEERS = {
    "weibull": ("WeibullAFTFitter", 0.1),
    "lognormal": ("LogNormalAFTFitter", 0.1),
    "log_logistic": ("LogLogisticAFTFitter", 0.15),
}


def times(name):
    """Features, times and whether they are known, at the parameters of the family."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N, D))
    noise = {
        "weibull": lambda: np.log(rng.exponential(size=N)),
        "lognormal": lambda: rng.standard_normal(N),
        "log_logistic": lambda: rng.logistic(size=N),
    }[name]()
    t = np.exp(1.0 + x @ (0.2 * rng.standard_normal(D)) + 0.7 * noise)
    end = np.exp(1.0 + 0.7 * rng.standard_normal(N))
    return x, np.minimum(t, end), t <= end


@pytest.mark.parametrize("name", PEERS)
def test_right_censored_regression(name, benchmark):
    lifelines = pytest.importorskip("lifelines")
    pandas = pytest.importorskip("pandas")
    x, t, known = times(name)
    peer, limit = PEERS[name]
    frame = pandas.DataFrame(x, columns=[f"x{j}" for j in range(D)])
    frame["time"], frame["known"] = t, known
    y = natfit.Censored.right(t, known)
    model, other = NaturalRegressor(distribution=name), getattr(lifelines, peer)()

    def fit_peer():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other.fit(frame, "time", "known")

    seconds = {"natfit": [], "peer": []}
    for _ in range(3):
        for what, call in (("natfit", lambda: model.fit(x, y)), ("peer", fit_peer)):
            begin = time.process_time()
            call()
            seconds[what].append(time.process_time() - begin)
    benchmark.pedantic(model.fit, (x, y), rounds=1)
    gap = other.log_likelihood_ / N - model.score(x, y)
    assert gap < 1e-10, f"lifelines' log-likelihood is {gap:.3g} nats a row higher"
    fit = min(seconds["natfit"])
    record(benchmark, f"{name}, {N} x {D} censored rows, fit in s of CPU", fit, unit="s")
    share = fit / min(seconds["peer"])
    record(benchmark, f"{name}, {N} x {D} censored rows, of lifelines' time", share, limit)
