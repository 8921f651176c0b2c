"""Fits against scipy's and statsmodels' of the same data, in the same run."""

import json
import os
import statistics
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from measure import interleave, log_density_pass, ratio, record
from scipy import stats

import natfit
from natfit import NaturalMLE

MANY, FEW = 1_000_000, 1_000

DRAW = {
    "lognormal": lambda rng, n: rng.lognormal(1.0, 0.7, n),
    "beta": lambda rng, n: rng.beta(2.0, 5.0, n),
    "von_mises": lambda rng, n: rng.vonmises(0.5, 2.0, n),
    "gumbel": lambda rng, n: rng.gumbel(3.0, 2.0, n),
    "weibull": lambda rng, n: 3.0 * rng.weibull(1.7, n),
    "gev": lambda rng, n: stats.genextreme.rvs(-0.1, 3.0, 2.0, size=n, random_state=rng),
    "student_t": lambda rng, n: 10.0 + 2.0 * rng.standard_t(4.0, n),
    "negative_binomial": lambda rng, n: rng.poisson(rng.gamma(2.0, 2.0, n)).astype(float),
    "inverse_gamma": lambda rng, n: 1.0 / rng.gamma(3.0, size=n),
    "inverse_gaussian": lambda rng, n: rng.wald(1.0, 2.0, n),
    "geometric": lambda rng, n: rng.geometric(0.3, n) - 1.0,
    "logistic": lambda rng, n: rng.logistic(size=n),
    "laplace": lambda rng, n: rng.laplace(size=n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "generalized_pareto": lambda rng, n: stats.genpareto.rvs(0.2, size=n, random_state=rng),
    "exponentiated_weibull": lambda rng, n: rng.weibull(1.7, n) ** 0.8,
    "skew_normal": lambda rng, n: stats.skewnorm.rvs(3.0, size=n, random_state=rng),
    "zero_inflated": lambda rng, n: rng.poisson(3.0, n) * (rng.random(n) < 0.7) * 1.0,
    "hurdle": lambda rng, n: (1.0 + rng.poisson(3.0, n)) * (rng.random(n) < 0.7),
}

PEER = {
    "lognormal": lambda x: stats.lognorm.fit(x, floc=0),
    "beta": lambda x: stats.beta.fit(x, floc=0, fscale=1),
    "von_mises": lambda x: stats.vonmises.fit(x, fscale=1),
    "gumbel": stats.gumbel_r.fit,
    "weibull": lambda x: stats.weibull_min.fit(x, floc=0),
    "gev": stats.genextreme.fit,
    "student_t": stats.t.fit,
}

#: Of the peer's time at 1e6 rows, where the peer has a closed form or a root of one equation.
SHARE = {"lognormal": 1.1, "beta": 1.1, "von_mises": 1.1, "gumbel": 0.35}

#: How many times faster than the peer's search at 1e5 rows.
FASTER = {"weibull": 25.0, "gev": 100.0, "student_t": 200.0}

#: States of the heap. In a fresh process glibc returns scipy's temporaries of 0.8 MB to the
#: system and faults them in again; one that has freed larger arrays keeps them, and so does this
#: setting. scipy then takes half the time. The limits are for a fresh process; both are printed.
HEAPS = {
    "fresh": {},
    "warm": {"MALLOC_MMAP_THRESHOLD_": str(2**27), "MALLOC_TRIM_THRESHOLD_": str(2**29)},
}

#: A thousand rows: families whose data are read once.
SUFFICIENT = ("lognormal", "beta", "von_mises", "inverse_gamma", "inverse_gaussian", "geometric")


def data(name, n):
    return DRAW[name](np.random.default_rng(0), n)


def faster(benchmark, what, times, limit=None):
    """Record how many times faster; the limit is on its inverse."""
    share = ratio(times, "fit", "peer")
    benchmark.extra_info[what] = 1.0 / share
    record(benchmark, f"{what}, fit in ms", 1e3 * statistics.median(times["fit"]), unit="ms")
    record(benchmark, f"{what}, times faster", 1.0 / share)
    if limit is not None:
        assert share <= 1.0 / limit, f"{what}: {1.0 / share:.3g} times faster, wanted {limit:g}"


@pytest.mark.parametrize("name", SHARE)
def test_closed_forms_at_a_million_rows(name, benchmark):
    x = data(name, MANY)
    times = interleave(7, fit=lambda: natfit.fit(name, x), peer=lambda: PEER[name](x))
    benchmark.pedantic(natfit.fit, (name, x), rounds=3)
    what = f"{name}, 1e6 rows, fit in"
    record(benchmark, f"{what} ms", 1e3 * statistics.median(times["fit"]), unit="ms")
    record(benchmark, f"{what} times scipy fit", ratio(times, "fit", "peer"), SHARE[name])


@pytest.mark.parametrize("heap", HEAPS)
@pytest.mark.parametrize("name", FASTER)
def test_searches_at_a_hundred_thousand_rows(name, heap, benchmark):
    """In a process of its own: what ran before changes scipy's time by a factor of two."""
    code = (
        f"import json, natfit, measure, test_against_scipy as t; x = t.data({name!r}, 100_000);"
        f"print(json.dumps(measure.interleave(5, fit=lambda: natfit.fit({name!r}, x),"
        f" peer=lambda: t.PEER[{name!r}](x))))"
    )
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    env = os.environ | HEAPS[heap] | {"PYTHONPATH": path}
    run = [sys.executable, "-c", code]
    out = benchmark.pedantic(
        subprocess.check_output, (run,), {"env": env, "text": True}, rounds=1, iterations=1
    )
    limit = FASTER[name] if heap == "fresh" else None
    faster(benchmark, f"{name}, 1e5 rows, {heap} heap, scipy", json.loads(out), limit)


def test_weibull_at_a_million_rows(benchmark):
    """The one whose peer is quick enough to be asked."""
    x = data("weibull", MANY)
    times = interleave(2, fit=lambda: natfit.fit("weibull", x), peer=lambda: PEER["weibull"](x))
    benchmark.pedantic(natfit.fit, ("weibull", x), rounds=3)
    faster(benchmark, "weibull, 1e6 rows, scipy", times, FASTER["weibull"])


@pytest.mark.xfail(
    reason="about 140 times on a quiet machine: half its time is arithmetic on small tables"
)
def test_negative_binomial_against_statsmodels(benchmark):
    from statsmodels.discrete.discrete_model import NegativeBinomial

    y = data("negative_binomial", MANY)
    ones = np.ones((MANY, 1))

    def peer():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            NegativeBinomial(y, ones).fit(disp=0)

    times = interleave(1, fit=lambda: natfit.fit("negative_binomial", y), peer=peer)
    benchmark.pedantic(natfit.fit, ("negative_binomial", y), rounds=3)
    faster(benchmark, "negative_binomial, 1e6 rows, statsmodels", times, 250.0)


@pytest.mark.parametrize(("name", "limit"), [("dirichlet", 5.0), ("multivariate_t", 8.0)])
def test_vectors_in_passes(name, limit, benchmark):
    rng = np.random.default_rng(1)
    if name == "dirichlet":
        X = rng.dirichlet([2.0, 3.0, 5.0, 1.0], 200_000)
    else:
        X = stats.multivariate_t.rvs(np.zeros(4), np.eye(4) + 0.5, 5.0, 200_000, rng)
    model = NaturalMLE(name).fit(X)
    times = interleave(7, fit=lambda: NaturalMLE(name).fit(X), density=log_density_pass(model, X))
    benchmark.pedantic(NaturalMLE(name).fit, (X,), rounds=2)
    what = f"{name}, 2e5 x 4, {model.n_iter_} iterations, passes of the log-density"
    record(benchmark, what, ratio(times, "fit", "density"), limit)


@pytest.mark.parametrize("name", DRAW)
def test_a_thousand_rows(name, benchmark):
    x = data(name, FEW)
    benchmark.pedantic(natfit.fit, (name, x), rounds=200, warmup_rounds=20)
    milliseconds = 1e3 * benchmark.stats.stats.median
    limit = 2.0 if name in SUFFICIENT else 6.0
    record(benchmark, f"{name}, 1e3 rows, median of 200 fits", milliseconds, limit, "ms")
