"""Fits against passes of the log-density and against scipy, in the same run."""

import statistics
import warnings

import numpy as np
import pytest
from measure import interleave, log_density_pass, ratio, record
from scipy import stats

from natfit import NaturalGaussianMLE, NaturalMLE

MANY, FEW = 1_000_000, 1_000
ROUNDS = 9

DRAW = {
    "normal": lambda rng, n: rng.normal(12.0, 4.0, n),
    "exponential": lambda rng, n: rng.exponential(3.0, n),
    "gamma": lambda rng, n: rng.gamma(2.5, 3.0, n),
    "poisson": lambda rng, n: rng.poisson(4.0, n).astype(float),
    "bernoulli": lambda rng, n: (rng.random(n) < 0.3).astype(float),
    "student_t": lambda rng, n: 10.0 + 2.0 * rng.standard_t(4.0, n),
}

#: Discrete families have no fit in scipy; their estimate is a mean.
PEER = {
    "normal": stats.norm.fit,
    "exponential": lambda x: stats.expon.fit(x, floc=0),
    "gamma": lambda x: stats.gamma.fit(x, floc=0),
    "poisson": np.mean,
    "bernoulli": np.mean,
}

#: Of scipy's time.
PEER_LIMIT = {"normal": 1.6, "gamma": 1.6}

#: In passes of the log-density over the data.
PASS_LIMIT = {"gamma": 3.0}

SUFFICIENT = tuple(PEER)


def data(name, n):
    return DRAW[name](np.random.default_rng(0), n)


@pytest.mark.parametrize("name", SUFFICIENT)
def test_a_million_rows(name, benchmark):
    x = data(name, MANY)
    X = x[:, None]
    model = NaturalMLE(name).fit(X)
    times = interleave(
        ROUNDS,
        fit=lambda: NaturalMLE(name).fit(X),
        peer=lambda: PEER[name](x),
        density=log_density_pass(model, x),
    )
    benchmark.pedantic(NaturalMLE(name).fit, (X,), rounds=3)
    what = f"{name}, 1e6 rows, fit in"
    record(benchmark, f"{what} ms", 1e3 * statistics.median(times["fit"]), unit="ms")
    passes = ratio(times, "fit", "density")
    record(benchmark, f"{what} passes of the log-density", passes, PASS_LIMIT.get(name))
    peer = "mean" if PEER[name] is np.mean else "scipy fit"
    record(benchmark, f"{what} times {peer}", ratio(times, "fit", "peer"), PEER_LIMIT.get(name))


@pytest.mark.parametrize("df", [4.0, 1.0, 30.0])
def test_student_t_iterations(df, benchmark):
    rng = np.random.default_rng(1)
    x = 10.0 + 2.0 * rng.standard_t(df, MANY)
    X = x[:, None]
    model = NaturalMLE("student_t").fit(X)
    assert model.status_ == "converged"
    times = interleave(
        5, fit=lambda: NaturalMLE("student_t").fit(X), density=log_density_pass(model, x)
    )
    benchmark.pedantic(NaturalMLE("student_t").fit, (X,), rounds=1)
    what = f"student_t, df = {df:g}, 1e6 rows, {model.n_iter_} iterations"
    record(benchmark, f"{what}, fit in ms", 1e3 * statistics.median(times["fit"]), unit="ms")
    passes = ratio(times, "fit", "density") / model.n_iter_
    record(benchmark, f"{what}, passes per iteration", passes, 3.0)


@pytest.mark.parametrize("name", DRAW)
def test_a_thousand_rows(name, benchmark):
    X = data(name, FEW)[:, None]
    benchmark.pedantic(NaturalMLE(name).fit, (X,), rounds=300, warmup_rounds=20)
    milliseconds = 1e3 * benchmark.stats.stats.median
    limit = 2.0 if name in SUFFICIENT else 6.0
    record(benchmark, f"{name}, 1e3 rows, median of 300 fits", milliseconds, limit, "ms")


def test_a_thousand_rows_against_scipys_student_t(benchmark):
    x = data("student_t", FEW)
    X = x[:, None]
    times = interleave(5, fit=lambda: NaturalMLE("student_t").fit(X), peer=lambda: stats.t.fit(x))
    benchmark.pedantic(NaturalMLE("student_t").fit, (X,), rounds=10)
    record(benchmark, "student_t, 1e3 rows, fit in times scipy fit", ratio(times, "fit", "peer"))


@pytest.mark.parametrize("columns", [5, 20])
def test_multivariate_normal(columns, benchmark):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200_000, columns)) @ rng.normal(size=(columns, columns))
    times = interleave(
        5,
        fit=lambda: NaturalGaussianMLE().fit(X),
        peer=lambda: (X.mean(axis=0), np.cov(X.T, bias=True)),
    )
    benchmark.pedantic(NaturalGaussianMLE().fit, (X,), rounds=1)
    what = f"multivariate normal, 2e5 x {columns}, fit in times mean and cov"
    record(benchmark, what, ratio(times, "fit", "peer"))


def test_weights_cost_little(benchmark):
    x = data("gamma", MANY)[:, None]
    w = np.random.default_rng(3).random(MANY) + 0.5
    times = interleave(
        ROUNDS,
        weighted=lambda: NaturalMLE("gamma").fit(x, sample_weight=w),
        plain=lambda: NaturalMLE("gamma").fit(x),
    )
    benchmark.pedantic(NaturalMLE("gamma").fit, (x,), {"sample_weight": w}, rounds=3)
    record(benchmark, "gamma, 1e6 rows, weighted over plain", ratio(times, "weighted", "plain"))


@pytest.mark.parametrize("name", ["gamma", "student_t"])
def test_score(name, benchmark):
    x = data(name, MANY)
    X = x[:, None]
    model = NaturalMLE(name).fit(X)
    times = interleave(ROUNDS, score=lambda: model.score(X), density=log_density_pass(model, x))
    benchmark.pedantic(model.score, (X,), rounds=3)
    record(benchmark, f"{name}, 1e6 rows, score in passes", ratio(times, "score", "density"))


@pytest.mark.parametrize("metric", ["exact", "observed", "empirical", "monte_carlo"])
def test_metrics(metric, benchmark):
    X = data("student_t", 100_000)[:, None]
    model = NaturalMLE("student_t", metric=metric, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        benchmark.pedantic(model.fit, (X,), rounds=3, warmup_rounds=1)
    milliseconds = 1e3 * benchmark.stats.stats.median / model.n_iter_
    what = f"student_t, 1e5 rows, {metric}, {model.n_iter_} iterations, each"
    record(benchmark, what, milliseconds, unit="ms")


@pytest.mark.parametrize("n", [MANY, 5 * MANY])
def test_skew_normal_against_student_t(n, benchmark):
    rng = np.random.default_rng(4)
    x = 3.0 * np.abs(rng.standard_normal(n)) + rng.standard_normal(n)
    heavy = data("student_t", n)
    times = interleave(
        3,
        skew=lambda: NaturalMLE("skew_normal").fit(x[:, None]),
        student=lambda: NaturalMLE("student_t").fit(heavy[:, None]),
    )
    benchmark.pedantic(NaturalMLE("skew_normal").fit, (x[:, None],), rounds=1)
    what = f"skew_normal, {n:.0e} rows, fit in times student_t"
    record(benchmark, what, ratio(times, "skew", "student"), 3.0)
