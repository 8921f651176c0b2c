"""Fisher-vector products of conditional models against their gradients, in the same run."""

import statistics

import numpy as np
import pytest
from measure import interleave, ratio, record

from natfit.distributions import Normal
from natfit.models import MLP, Linear, Predictor
from natfit.models.mlp import cut, forward

ROWS = 1_024

#: Hidden widths, D and rounds of each network.
NETWORKS = {
    "4.6e3": ((64, 64), 4, 101),
    "26e3": ((150, 150), 17, 31),
    "995e3": ((1000, 975), 17, 5),
}


def problem(model, n_features):
    """A product F v, J'(C (J v)) with what a linearization keeps, and a gradient from nothing."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, n_features))
    theta = model.init(rng, np.zeros(2))
    v, u = rng.standard_normal(len(theta)), rng.standard_normal((ROWS, 2))
    c = np.tile(np.eye(2), (ROWS, 1, 1))
    lin = model.linearize(theta, X)
    return {
        "product": lambda: lin.vjp(np.einsum("nkl,nl->nk", c, lin.jvp(v))),
        "gradient": lambda: model.linearize(theta, X).vjp(u),
    }


def measured(benchmark, what, model, n_features, rounds, limit):
    calls = problem(model, n_features)
    times = interleave(rounds, **calls)
    benchmark.pedantic(calls["product"], rounds=3)
    what = f"{what}, {ROWS} rows, F v"
    milliseconds = 1e3 * statistics.median(times["product"])
    record(benchmark, f"{what} in ms", milliseconds, unit="ms")
    record(benchmark, f"{what} in gradients", ratio(times, "product", "gradient"), limit)


@pytest.mark.parametrize("size", NETWORKS)
def test_network(size, benchmark):
    hidden, n_features, rounds = NETWORKS[size]
    model = MLP(hidden).bind(n_features, Normal())
    measured(benchmark, f"MLP{hidden}, P = {size}", model, n_features, rounds, 1.5)


@pytest.mark.parametrize("size", NETWORKS)
def test_function(size, benchmark):
    hidden, n_features, rounds = NETWORKS[size]
    network = MLP(hidden).bind(n_features, Normal())
    start = network.init(np.random.default_rng(0), np.zeros(2))

    def fun(theta, X):
        return forward(cut(theta, network._shapes), X, "tanh")

    model = Predictor(fun, start).bind(n_features, Normal())
    measured(benchmark, f"Predictor, P = {size}", model, n_features, rounds, 2.0)


def test_linear(benchmark):
    model = Linear().bind(17, Normal())
    measured(benchmark, "Linear, D = 17", model, 17, 101, None)


def test_kernel(benchmark):
    """What Woodbury's identity needs at 995e3 parameters, where the columns take 16 GB."""
    hidden, n_features, _ = NETWORKS["995e3"]
    model = MLP(hidden).bind(n_features, Normal())
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, n_features))
    lin = model.linearize(model.init(rng, np.zeros(2)), X)
    b = rng.standard_normal((ROWS, 2, 2))
    u = rng.standard_normal((ROWS, 2))
    times = interleave(3, kernel=lambda: lin.kernel(b), pullback=lambda: lin.vjp(u))
    benchmark.pedantic(lin.kernel, (b,), rounds=1)
    what = f"MLP{hidden}, P = 995e3, kernel of 2 x {ROWS} columns"
    record(benchmark, f"{what} in ms", 1e3 * statistics.median(times["kernel"]), unit="ms")
    record(benchmark, f"{what} in pullbacks", ratio(times, "kernel", "pullback"))
