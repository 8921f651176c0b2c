"""Kernel solves against ten conjugate-gradient products on a network of 992,502 parameters."""

import statistics

import numpy as np
import pytest
from measure import interleave, ratio, record

from natfit.distributions import Normal
from natfit.linops import Damped, Sandwich
from natfit.models.mlp import MLP
from natfit.solvers.cg import CGSolver
from natfit.solvers.woodbury import WoodburySolver

#: Of the time of ten products. Measured with one thread: see natfit/solvers/auto.py.
LIMIT = {1_000: 0.7, 3_000: 1.0}


def damped(n, seed=0):
    """F of a normal's location by a network, all else constant, plus 0.1 I: P = 992,502."""
    rng = np.random.default_rng(seed)
    model = MLP((700, 700, 650)).bind(64, Normal(), constant=("scale",))
    theta = model.init(rng, np.zeros(2))
    lin = model.linearize(theta, rng.standard_normal((n, 64)))
    c = np.zeros((n, 2, 2))
    c[:, 0, 0], c[:, 1, 1] = 1.0 / n, 2.0 / n
    size = model.n_params
    # diag(F) and the factor's root are kept by an operator: each solve gets a new one.
    return lambda: Damped(Sandwich([(lin, c, None)], size), np.full(size, 0.1))


@pytest.mark.parametrize("n_columns", LIMIT)
def test_kernel_against_ten_products(n_columns, benchmark):
    operator = damped(n_columns // 2)
    g = np.random.default_rng(1).standard_normal(operator().size)
    times = interleave(
        2,
        kernel=lambda: WoodburySolver().solve(operator(), g),
        products=lambda: CGSolver(tol=0.0, max_iter=10).solve(operator(), g),
    )
    benchmark.pedantic(lambda: operator() @ g, rounds=3)
    what = f"{len(g)} parameters, N K = {n_columns}, kernel solve in"
    record(benchmark, f"{what} s", statistics.median(times["kernel"]), unit="s")
    found = ratio(times, "kernel", "products")
    record(benchmark, f"{what} 10 CG products", found, LIMIT[n_columns])
