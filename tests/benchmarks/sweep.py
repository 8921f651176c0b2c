"""A broad sweep through the public interface: store what it gives, compare it later.

A change of the code's structure must not change a result. ``--write`` runs several hundred fits,
minimisations and trainings and stores their numbers exactly, their texts (statuses, messages,
warnings, errors) and their seconds; ``--compare`` runs them again and says what differs::

    python tests/benchmarks/sweep.py --write before.json
    python tests/benchmarks/sweep.py --compare before.json
    python tests/benchmarks/sweep.py --compare before.json --only families/gamma
    python tests/benchmarks/sweep.py --list

A comparison fails (exit code 1) where a text, a number of iterations or an estimate differs, the
latter by more than ``--tol``, or where a stored case is gone. What a step looked like on the way
(lengths, divergences, the distance to the optimum) is compared bit by bit and reported, but fails
only with ``--tol 0``: at an optimum these are rounding errors.

Numbers are bit-equal on one machine with one set of libraries only. Seconds are processor time of
one thread; even so they are best measured where nothing else runs.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import functools
import json
import platform
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autograd.numpy as anp
import numpy as np
import scipy
from scipy import stats

import natfit
from natfit import Censored, NaturalGaussianMLE, NaturalMLE, NaturalPolicyEstimator
from natfit import distributions as D
from natfit._component import registered
from natfit.metrics import MonteCarloFisher, TensorMetric
from natfit.rows import Block, Memory
from natfit.solvers import CGSolver, CholeskySolver, WoodburySolver
from natfit.steps import BacktrackingStep, ExactLineSearch, FixedStep, KLStep, TrustRegionStep

#: Rows of a usual fit, and those of the fits that measure speed.
ROWS, MANY = 1_000, 1_000_000

#: Calls shorter than this are timed three times, and the best counts.
SHORT = 0.05

#: Columns that measure the clock.
CLOCKS = ("seconds", "seconds_rollout", "seconds_update")

#: Where an address would be part of a text.
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes
    ----------
    name : str
        Its place in the sweep, with slashes.
    make : callable
        Prepares, untimed, and returns the call that is timed.
    read : callable
        ``read(result)``: texts and arrays by name.
    """

    name: str
    make: Callable[[], Callable[[], Any]]
    read: Callable[[Any], dict[str, Any]]


# ------------------------------------------------------------------------------------- the draws


def _generator(*key: Any) -> np.random.Generator:
    """A generator of its own for each key."""
    return np.random.default_rng(list(repr(key).encode()))


def _some_zeros(rng: np.random.Generator, y: np.ndarray, share: float = 0.3) -> np.ndarray:
    return np.where(rng.random(len(y)) < share, 0.0, y)


def _binomial(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return rng.binomial((1, 10)[k], 0.3, n)


def _counted(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Counts of two categories with a total of 7, or three with totals 2 and 5."""
    if k == 0:
        return rng.multinomial(7, rng.dirichlet([3.0, 2.0], n))
    return rng.multinomial(rng.choice([2, 5], n), rng.dirichlet([2.0, 1.0, 3.0], n))


def _multinomial(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    if k == 0:
        return rng.multinomial(7, [0.4, 0.6], n)
    return rng.multinomial(rng.choice([2, 5], n), [0.2, 0.3, 0.5])


def _vectors(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Correlated normal rows (n, d)."""
    mix = np.eye(d) + 0.4 * np.tri(d, k=-1)
    return rng.normal(size=(n, d)) @ mix.T + np.arange(d)


def _multivariate_t(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return _vectors(rng, n, k + 1) / np.sqrt(rng.chisquare(5.0, n) / 5.0)[:, None]


def _mixture(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    low = rng.random(n) < 0.4
    if k == 2:
        return np.where(low, rng.gamma(2.0, 0.5, n), rng.gamma(30.0, 0.3, n))
    if k == 3:
        return np.where(low, rng.poisson(2.0, n), rng.poisson(12.0, n))
    if k == 4:
        return np.where(low[:, None], rng.normal(-2.0, 1.0, (n, 2)), rng.normal(2.0, 0.7, (n, 2)))
    return np.where(low, rng.normal(-2.0, 1.0, n), 3.0 + 0.7 * rng.standard_t(6.0, n))


def _truncated(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    if k == 0:
        y = rng.normal(0.5, 1.0, 8 * n)
    elif k == 1:
        y = rng.gamma(2.0, 2.0, 8 * n)
    else:
        y = rng.poisson(1.5, 8 * n)
    low, high = ((0.0, np.inf), (1.0, 8.0), (1.0, np.inf))[k]
    return y[(y >= low) & (y <= high)][:n]


def _shifted(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return 5.0 + (rng.lognormal(0.0, 0.5, n) if k == 0 else 1.0 / rng.gamma(4.0, size=n))


#: Family to ``draw(rng, n, k)`` for its k-th example.
DRAWS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "bernoulli": lambda rng, n, k: rng.binomial(1, 0.3, n),
    "beta": lambda rng, n, k: rng.beta(2.0, 3.5, n),
    "binomial": _binomial,
    "categorical": lambda rng, n, k: rng.choice(
        (2, 4)[k], n, p=([0.3, 0.7], [0.1, 0.2, 0.3, 0.4])[k]
    ),
    "cauchy": lambda rng, n, k: 2.0 + rng.standard_cauchy(n),
    "dirichlet": lambda rng, n, k: rng.dirichlet([2.0, 3.0, 1.0][: k + 2], n),
    "dirichlet_multinomial": _counted,
    "exponential": lambda rng, n, k: rng.exponential(2.0, n),
    "exponentiated_weibull": lambda rng, n, k: (-np.log1p(-(rng.random(n) ** 0.5))) ** (1 / 1.5),
    "gamma": lambda rng, n, k: rng.gamma(2.5, 1.5, n),
    "generalized_pareto": lambda rng, n, k: stats.genpareto.rvs(0.2, size=n, random_state=rng),
    "geometric": lambda rng, n, k: rng.geometric(0.2, n) - 1,
    "gev": lambda rng, n, k: stats.genextreme.rvs(-0.1, 3.0, size=n, random_state=rng),
    "gumbel": lambda rng, n, k: rng.gumbel(3.0, 2.0, n),
    "hurdle": lambda rng, n, k: _some_zeros(
        rng, 1 + (rng.poisson(2.0, n) if k == 0 else rng.geometric(0.4, n))
    ),
    "inverse_gamma": lambda rng, n, k: 1.0 / rng.gamma(3.0, size=n),
    "inverse_gaussian": lambda rng, n, k: rng.wald(2.0, 3.0, n),
    "laplace": lambda rng, n, k: rng.laplace(1.0, 2.0, n),
    "logistic": lambda rng, n, k: rng.logistic(1.0, 2.0, n),
    "lognormal": lambda rng, n, k: rng.lognormal(0.5, 0.8, n),
    "mixture": _mixture,
    "multi_bernoulli": lambda rng, n, k: (rng.random((n, (1, 3)[k])) < 0.4).astype(float),
    "multi_categorical": lambda rng, n, k: np.stack(
        [rng.integers(c, size=n) for c in ((2, 3), (3,))[k]], axis=1
    ),
    "multinomial": _multinomial,
    "multivariate_normal": lambda rng, n, k: _vectors(rng, n, (2, 3)[k % 2]),
    "multivariate_t": _multivariate_t,
    "negative_binomial": lambda rng, n, k: rng.negative_binomial(3, 0.3, n),
    "normal": lambda rng, n, k: rng.normal(3.0, 2.0, n),
    "poisson": lambda rng, n, k: rng.poisson(4.0, n),
    "scaled": lambda rng, n, k: rng.gamma(2.0, 3.0, n) if k == 0 else 3.0 * rng.standard_t(5.0, n),
    "shifted": _shifted,
    "skew_normal": lambda rng, n, k: stats.skewnorm.rvs(4.0, size=n, random_state=rng),
    "student_t": lambda rng, n, k: 1.0 + 2.0 * rng.standard_t(5.0, n),
    "truncated": _truncated,
    "von_mises": lambda rng, n, k: rng.vonmises(0.5, 2.0, n),
    "weibull": lambda rng, n, k: 2.0 * rng.weibull(1.7, n),
    "zero_inflated": lambda rng, n, k: _some_zeros(
        rng, rng.poisson(3.0, n) if k == 0 else rng.geometric(0.2, n) - 1.0
    ),
}


@functools.lru_cache(maxsize=64)
def _draw(name: str, k: int = 0, n: int = ROWS) -> np.ndarray:
    """Rows of a family's k-th example as float64."""
    return np.asarray(DRAWS[name](_generator(name, k, n), n, k), dtype=np.float64)


def _weights(n: int) -> np.ndarray:
    """Weights in [0, 2], some of them zero."""
    weight = _generator("weights", n).uniform(0.0, 2.0, n)
    weight[::17] = 0.0
    return weight


# --------------------------------------------------------------------------------- what is stored


def _failure(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _tried(out: dict[str, Any], name: str, call: Callable[[], Any]) -> None:
    """Store what a call gives, or how it fails."""
    try:
        out[name] = call()
    except Exception as error:
        out[name] = _failure(error)


def _path(out: dict[str, Any], history: Any) -> None:
    """The columns of a history: the objective, and under ``path`` all that describe steps."""
    for name in history:
        if name == "objective":
            out["history.objective"] = history[name]
        elif name not in CLOCKS:
            out[f"path.{name}"] = history[name]
    out["history.notes"] = " | ".join(history.notes)


def _matrix(X: Any) -> Any:
    """Rows as estimators want them."""
    return X if isinstance(X, Censored) or np.ndim(X) != 1 else np.reshape(X, (-1, 1))


def _read_fit(model: Any, X: Any = None, weight: Any = None) -> dict[str, Any]:
    """Everything that a fitted density says of itself and of its data."""
    out: dict[str, Any] = {
        "status": str(model.status_),
        "message": model.message_,
        "n_iter": int(model.n_iter_),
        "theta": model.theta_,
        "n_obs": model.n_obs_,
        "parts": " ".join(
            repr(getattr(model, name)) for name in ("metric_", "solver_", "step_", "damping_")
        ),
        "distribution": repr(model.distribution_),
        "coordinates": repr(model.coordinates_),
        "statuses": " ".join(map(str, model.statuses_)),
        "names": " ".join(model.param_names_),
    }
    out |= {f"params.{name}": value for name, value in model.params_.items()}
    try:
        out |= {f"errors.{name}": value for name, value in model.standard_errors_.items()}
    except Exception as error:
        out["errors"] = _failure(error)
    _path(out, model.history_)
    for kind in ("observed", "expected"):
        _tried(out, f"cov.{kind}", functools.partial(model.cov_params, kind))
    if X is not None:
        rows = _matrix(X)
        _tried(out, "cov.robust", lambda: model.cov_params("robust", rows, weight))
        _tried(out, "loglik", lambda: model.score(rows, sample_weight=weight))
        _tried(out, "rows", lambda: model.score_samples(rows[:20]))
    _tried(out, "sample", lambda: model.sample(5, random_state=0))
    return out


def _read_minimum(result: Any) -> dict[str, Any]:
    out = {"status": str(result.status), "message": result.message, "n_iter": int(result.nit)}
    out |= {"x": result.x, "fun": result.fun, "evaluations": int(result.nfev)}
    # The gradient at an optimum is a rounding error.
    out["path.jac"] = result.jac
    _path(out, result.history)
    return out


def _read_policy(agent: Any) -> dict[str, Any]:
    out = {"status": str(agent.status_), "message": agent.message_, "n_iter": int(agent.n_iter_)}
    out |= {"theta": agent.theta_, "env_steps": int(agent.n_env_steps_)}
    out |= {
        f"history.{name}": agent.history_[name] for name in agent.history_ if name not in CLOCKS
    }
    out["history.notes"] = " | ".join(agent.history_.notes)
    out["parts"] = " ".join(
        repr(getattr(agent, name))
        for name in ("metric_", "solver_", "step_", "damping_", "baseline_")
    )

    def returns(**options: Any) -> np.ndarray:
        played = agent.evaluate(4, **options)
        return np.stack([played.returns, played.lengths])

    _tried(out, "evaluation", returns)
    _tried(out, "evaluation.drawn", lambda: returns(greedy=False, random_state=1))
    return out


def _stored(value: Any) -> Any:
    """A value as JSON has it: texts and whole numbers as they are, floats bit by bit."""
    if isinstance(value, str):
        return ADDRESS.sub("", value)
    if isinstance(value, int) or value is None:
        return value
    if isinstance(value, list | tuple):
        value = np.concatenate([np.ravel(np.asarray(v, dtype=float)) for v in value])
    array = np.asarray(value, dtype=np.float64)
    return {"shape": list(array.shape), "hex": " ".join(v.hex() for v in array.ravel().tolist())}


def _numbers(stored: dict) -> np.ndarray:
    return np.array([float.fromhex(v) for v in stored["hex"].split()]).reshape(stored["shape"])


def run(case: Case) -> dict[str, Any]:
    """What a case gives, and its seconds of processor time."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        out: dict[str, Any] = {}
        seconds = 0.0
        try:
            call = case.make()
            start = time.process_time()
            try:
                result = call()
            finally:
                seconds = time.process_time() - start
            out |= case.read(result)
        except Exception as error:
            out["error"] = _failure(error)
        texts = [f"{w.category.__name__}: {w.message}" for w in seen]
        if seconds < SHORT and "error" not in out:
            for _ in range(2):
                again = case.make()
                start = time.process_time()
                again()
                seconds = min(seconds, time.process_time() - start)
    out["warnings"] = "\n".join(texts)
    return {"values": {name: _stored(value) for name, value in out.items()}, "seconds": seconds}


# -------------------------------------------------------------------------------------- the cases


def _fit(name: str, family: Any, data: Callable[[], Any], **options: Any) -> Case:
    """A case of :func:`natfit.fit`; ``weight=True`` gives weights."""
    weighted = options.pop("weight", False)
    # Where a family has no information in closed form, the metric draws.
    options.setdefault("random_state", 0)

    def weight() -> Any:
        return _weights(len(data())) if weighted else None

    def make() -> Callable[[], Any]:
        x, w = data(), weight()
        return lambda: natfit.fit(family, x, sample_weight=w, **options)

    return Case(name, make, lambda model: _read_fit(model, data(), weight()))


def families() -> Iterator[Case]:
    """Every registered family: usual data, few rows, other units, weights, a bad start."""
    for name, k, family in _examples():
        key = f"families/{name}-{k}"
        data = functools.partial(_draw, name, k)
        yield _fit(f"{key}/default", family, data)
        yield _fit(f"{key}/weights", family, data, weight=True)
        yield _fit(f"{key}/30-rows", family, functools.partial(_draw, name, k, 30))
        for unit in (1e-6, 1e2 if (name, k) in _LARGE_COUNTS else 1e6):
            yield _fit(f"{key}/unit-{unit:g}", family, lambda d=data, u=unit: u * d())
        far = 3.0 * (-1.0) ** np.arange(family.n_params)
        yield _fit(f"{key}/far-start", family, data, start_params=far)
        yield _fit(f"{key}/by-name", name, data, max_iter=3)


#: Families whose counts in the millions take ten seconds or more.
_LARGE_COUNTS = {("hurdle", 0), ("hurdle", 1), ("zero_inflated", 0), ("zero_inflated", 1)}
_LARGE_COUNTS |= {("mixture", 3), ("truncated", 2)}


def _examples() -> Iterator[tuple[str, int, Any]]:
    """Name, number and object of every example of every family."""
    count: dict[str, int] = {}
    for name, family in registered(D.Distribution):
        count[name] = count.get(name, -1) + 1
        yield name, count[name], family


def methods() -> Iterator[Case]:
    """The contract of every family at a fixed point, method by method."""
    for name, k, family in _examples():
        yield Case(
            f"methods/{name}-{k}",
            lambda family=family, name=name, k=k: lambda: _contract(family, _draw(name, k)[:50]),
            lambda out: out,
        )


def _contract(family: Any, y: np.ndarray) -> dict[str, Any]:
    out: dict[str, Any] = {}
    family = family.bind(Memory(y))
    eta = family.initial(Block(y), np.random.default_rng(0))
    low, high, step = family.limits
    other = np.clip(eta + 0.1 * np.minimum(1.0, step), low, high)
    at, to = eta[None], other[None]
    for method in ("log_prob", "score", "log_prob_and_score", "observed", "log_cdf", "log_sf"):
        _tried(out, method, lambda m=method: getattr(family, m)(y, at))
    for method in ("fisher", "mode", "entropy"):
        _tried(out, method, lambda m=method: getattr(family, m)(at))
    _tried(out, "kl", lambda: family.kl(at, to))
    _tried(out, "sample", lambda: family.sample(at, np.random.default_rng(1), 20))
    _tried(out, "native", lambda: list(family.native_dict(eta).values()))
    _tried(out, "start", lambda: eta)
    _tried(out, "limits", lambda: [low, high, step])
    _tried(out, "names", lambda: " ".join(family.eta_names()))
    _tried(out, "traits", lambda: repr((family.support, _route(family), family.event_shape)))
    _tried(out, "flags", lambda: repr((family.has_cdf, family.can_sample, family.has_kl)))
    _tried(out, "params", lambda: repr(family.params))
    _tried(out, "limit_meaning", lambda: repr(family.limit_meaning))
    return out


def _route(family: Any) -> str | None:
    """How the Fisher information is had, None where it is not."""
    kind = family.information
    return kind.route.value if kind.exists else None


_METRICS = ("auto", "exact", "monte_carlo", "empirical", "observed", "euclidean", "tensor")
_SOLVERS = ("auto", "cholesky", "cg", "woodbury")
_STEPS = ("backtracking", "exact_line", "fixed", "kl", "trust_region")
_DAMPINGS = (None, 0.01, "fixed", "relative", "levenberg")
_COORDINATES = ("unconstrained", "native", "expectation")


def parts() -> Iterator[Case]:
    """Metric x solver x step x damping x coordinates, every pair of any two of them."""
    chosen = {"normal": 2, "gamma": 2, "weibull": 2, "student_t": 3, "multivariate_normal": 5}
    for name, size in chosen.items():
        # Rows (i, j) and columns i, j, i + j, i + 2j, i + 3j modulo a prime hold every pair.
        for i in range(7):
            for j in range(7):
                row = (i, j, (i + j) % 7, (i + 2 * j) % 7, (i + 3 * j) % 7)
                sets = (_METRICS, _STEPS, _DAMPINGS, _SOLVERS, _COORDINATES)
                picks = [levels[v % len(levels)] for levels, v in zip(sets, row, strict=True)]
                label = "+".join(map(str, picks))
                options = dict(
                    zip(("metric", "step", "damping", "solver", "coordinates"), picks, strict=True)
                )
                if options["metric"] == "tensor":
                    options["metric"] = TensorMetric(np.diag(1.0 + np.arange(size)))
                yield _fit(
                    f"parts/{name}/{i}{j}-{label}",
                    name,
                    functools.partial(_draw, name),
                    max_iter=40,
                    random_state=0,
                    **options,
                )
    yield from _single_parts()


def _single_parts() -> Iterator[Case]:
    """Options of parts, and parts that are refused."""
    own = {
        "monte-carlo-row": {"metric": MonteCarloFisher(n_draws=5, per="row"), "max_iter": 20},
        "monte-carlo-4000": {"metric": MonteCarloFisher(n_draws=4000), "step": KLStep(0.1)},
        "cg-loose": {"solver": CGSolver(tol=1e-3, precondition=False)},
        "cg-short": {"solver": CGSolver(max_iter=1), "damping": 0.1},
        "cholesky-rcond": {"solver": CholeskySolver(rcond=0.5)},
        "woodbury-shift": {"solver": WoodburySolver(relative_shift=1e-4), "metric": "empirical"},
        "backtracking-own": {"step": BacktrackingStep(epsilon=0.05, adaptive=False, shrink=0.3)},
        "exact-line-own": {"step": ExactLineSearch(tol=1e-4), "metric": "euclidean"},
        "fixed-short": {"step": FixedStep(length=0.2)},
        "fixed-long": {"step": FixedStep(length=5.0), "metric": "euclidean"},
        "trust-region-own": {"step": TrustRegionStep(epsilon=0.5, max_backtracks=1)},
        "tol-0": {"tol": 0.0, "max_iter": 12},
        "tol-loose": {"tol": 1e-1},
        "max-iter-1": {"max_iter": 1},
        "max-iter-bad": {"max_iter": 0},
        "tol-bad": {"tol": -1.0},
        "metric-unknown": {"metric": "exakt"},
        "metric-type": {"metric": 3},
        "tensor-without": {"metric": "tensor"},
        "solver-unknown": {"solver": "cholesk"},
        "step-unknown": {"step": "back"},
        "step-bad": {"step": KLStep(epsilon=-1.0)},
        "damping-bad": {"damping": -0.1},
        "damping-unknown": {"damping": "much"},
        "coordinates-unknown": {"coordinates": "polar"},
        "random-state-bad": {"metric": "monte_carlo", "random_state": "x"},
        "start-unknown": {"start_params": {"place": 1.0}},
        "start-size": {"start_params": [0.0] * 9},
        "start-named": {"start_params": {"shape": 50.0, "scale": 1e-3}},
        "start-invalid": {"start_params": {"shape": -1.0, "scale": 1.0}},
    }
    for label, options in own.items():
        options = {"random_state": 0, **options}
        yield _fit(f"parts/options/{label}", "gamma", functools.partial(_draw, "gamma"), **options)
    for unknown in ("gama", 3, None):
        yield _fit(f"parts/options/family-{unknown}", unknown, functools.partial(_draw, "gamma"))


def _gumbel(y, loc, scale):
    z = (y - loc) / scale
    return -z - anp.exp(-z) - anp.log(scale)


def _gumbel_start(y, weight):
    return {"loc": float(np.median(y)), "scale": float(np.std(y))}


def _gumbel_draws(rng, n, loc, scale):
    return rng.gumbel(loc, scale, n)


def _rate(y, rate):
    return anp.log(rate) - rate * y


def _vector(y, loc):
    return -0.5 * anp.sum((y - loc) ** 2, axis=1)


def _wrappers() -> dict[str, tuple[Any, str, dict[str, Any]]]:
    """Label to family, whose data it gets, and options."""
    lines = {"loc": D.Real(), "scale": D.Positive()}
    custom = D.from_log_prob(_gumbel, lines, support="real")
    normal_prior = stats.norm(0.0, 1.0)
    return {
        "truncated-normal": (D.Truncated("normal", -1.0, 6.0), "normal@-1:6", {}),
        "truncated-gamma": (D.Truncated("gamma", 0.5), "gamma@0.5:", {}),
        "truncated-miss": (D.Truncated("gamma", -3.0, -1.0), "gamma", {}),
        "truncated-outside": (D.Truncated("normal", 0.0, 4.0), "normal", {}),
        "truncated-vector": (D.Truncated("multivariate_normal", 0.0, 4.0), "normal", {}),
        "shifted-gamma": (D.Shifted("gamma"), "gamma+5", {}),
        "shifted-weibull": (D.Shifted("weibull"), "weibull+5", {}),
        "shifted-exponential": (D.Shifted("exponential"), "weibull+5", {}),
        "shifted-normal": (D.Shifted("normal"), "normal", {}),
        "scaled-beta": (D.Scaled("beta"), "beta", {}),
        "scaled-gamma": (D.Scaled("gamma"), "gamma", {}),
        "mixture-normal-3": (D.Mixture("normal", n_components=3), "mixture", {}),
        "mixture-weibull-gamma": (D.Mixture(["weibull", "gamma"]), "gamma", {}),
        "mixture-one": (D.Mixture(["normal"]), "normal", {}),
        "mixture-needless": (D.Mixture("normal", n_components=2), "normal", {}),
        "zero-inflated-nb": (D.ZeroInflated("negative_binomial"), "zero_inflated", {}),
        "zero-inflated-needless": (D.ZeroInflated("poisson"), "poisson", {}),
        "zero-inflated-gamma": (D.ZeroInflated("gamma"), "gamma", {}),
        "hurdle-nb": (D.Hurdle("negative_binomial"), "hurdle", {}),
        "hurdle-no-zeros": (D.Hurdle("poisson"), "poisson+1", {}),
        "fixed-df": ("student_t", "student_t", {"fixed": {"df": 4.0}}),
        "fixed-loc": ("normal", "normal", {"fixed": {"loc": 0.0}}),
        "fixed-all": ("normal", "normal", {"fixed": {"loc": 0.0, "scale": 1.0}}),
        "fixed-unknown": ("normal", "normal", {"fixed": {"place": 0.0}}),
        "fixed-invalid": ("normal", "normal", {"fixed": {"scale": -1.0}}),
        "bounds-rest": ("gamma", "gamma", {"bounds": {"shape": (3.0, None)}}),
        "bounds-free": ("gamma", "gamma", {"bounds": {"shape": (1.0, 9.0)}}),
        "bounds-order": ("gamma", "gamma", {"bounds": {"shape": (9.0, 1.0)}}),
        "bounds-unknown": ("gamma", "gamma", {"bounds": {"form": (1.0, None)}}),
        "bijectors-reciprocal": ("gamma", "gamma", {"bijectors": {"shape": D.Reciprocal()}}),
        "bijectors-real": ("gumbel", "gumbel", {"bijectors": {"scale": D.Real()}}),
        "bijectors-limits": ("gamma", "gamma", {"bijectors": {"shape": D.Positive(low=3.0)}}),
        "bijectors-type": ("gamma", "gamma", {"bijectors": {"shape": "positive"}}),
        "prior-scipy": ("normal", "normal", {"prior": {"loc": normal_prior}}),
        "prior-family": ("gamma", "gamma", {"prior": {"shape": ("lognormal", {"shape": 0.1, "scale": 1.0})}}),
        "prior-unknown": ("normal", "normal", {"prior": {"place": normal_prior}}),
        "prior-type": ("normal", "normal", {"prior": {"loc": 3.0}}),
        "truncation": ("normal", "normal@1:", {"truncation": (1.0, None)}),
        "truncation-counts": ("poisson", "poisson@1:8", {"truncation": (1, 8)}),
        "truncation-order": ("normal", "normal", {"truncation": (2.0, 1.0)}),
        "truncation-no-cdf": ("categorical", "categorical", {"truncation": (0, 1)}),
        "custom": (custom, "gumbel", {}),
        "custom-start": (D.from_log_prob(_gumbel, lines, support="real", initial=_gumbel_start), "gumbel", {}),
        "custom-sample": (D.from_log_prob(_gumbel, lines, sample=_gumbel_draws), "gumbel", {"random_state": 0}),
        "custom-bare": (D.from_log_prob(_gumbel, lines), "gumbel", {}),
        "custom-fisher": (D.from_log_prob(_rate, {"rate": D.Positive()}, support="non_negative", fisher=lambda rate: np.array([[1.0 / rate**2]])), "exponential", {}),
        "custom-vector": (D.from_log_prob(_vector, {"loc": D.Real(shape=(2,))}, event_ndim=1), "multivariate_normal", {}),
        "custom-outside": (D.from_log_prob(_rate, {"rate": D.Positive()}, support="non_negative"), "normal", {}),
        "scipy-nakagami": (D.from_scipy(stats.nakagami, scale=True), "weibull", {}),
        "scipy-genlogistic": (D.from_scipy(stats.genlogistic, loc=True, scale=True), "logistic", {}),
        "scipy-betabinom": (D.from_scipy(stats.betabinom, n=10), "binomial", {}),
        "scipy-own-shape": (D.from_scipy(stats.gamma, scale=True, a=2.5), "gamma", {}),
        "truncated+shifted": (D.Truncated(D.Shifted("lognormal"), 5.5, 9.0), "shifted@5.5:9", {}),
        "truncated+mixture": (D.Truncated(D.Mixture(["normal", "normal"]), -4.0, 5.0), "mixture@-4:5", {}),
        "truncated+custom": (D.Truncated(custom, 0.0), "gumbel@0:", {}),
        "truncated+scipy": (D.Truncated(D.from_scipy(stats.logistic, loc=True, scale=True), 0.0), "logistic@0:", {}),
        "mixture+truncated": (D.Mixture([D.Truncated("normal", -4.0, 9.0)] * 2), "mixture@-4:9", {}),
        "mixture+shifted": (D.Mixture(["normal", D.Shifted("lognormal")]), "shifted", {}),
        "mixture+scipy": (D.Mixture(["normal", D.from_scipy(stats.logistic, loc=True, scale=True)]), "mixture", {}),
        "zero-inflated+truncated": (D.ZeroInflated(D.Truncated("poisson", 0.0, 20.0)), "zero_inflated", {}),
        "zero-inflated+mixture": (D.ZeroInflated(D.Mixture("poisson", n_components=2)), "zero_inflated", {}),
        "hurdle+zero-inflated": (D.Hurdle(D.ZeroInflated("poisson")), "hurdle", {}),
        "shifted+scaled": (D.Shifted(D.Scaled("exponentiated_weibull")), "weibull+5", {}),
        "scaled+truncated": (D.Scaled(D.Truncated("beta", 0.0, 0.9)), "beta@0:0.8", {}),
        "scaled+fixed": (D.Scaled("gamma"), "gamma", {"fixed": {"scale": 1.0}}),
        "mixture+bounds": (D.Mixture(["normal", "normal"]), "mixture", {"bounds": {"scale_0": (2.0, None)}}),
        "shifted+fixed": (D.Shifted("gamma"), "gamma+5", {"fixed": {"loc": 5.0}}),
        "mixture+fixed": (D.Mixture(["normal", "normal"]), "mixture", {"fixed": {"scale_0": 1.0}}),
        "fixed+bounds": ("student_t", "student_t", {"fixed": {"df": 4.0}, "bounds": {"loc": (None, 0.5)}}),
        "fixed+prior": ("student_t", "student_t", {"fixed": {"df": 4.0}, "prior": {"loc": normal_prior}}),
        "fixed+truncation": ("student_t", "student_t@0:", {"fixed": {"df": 4.0}, "truncation": (0.0, None)}),
        "bounds+prior": ("normal", "normal", {"bounds": {"scale": (None, 1.5)}, "prior": {"loc": normal_prior}}),
        "bounds+truncation": ("normal", "normal@0:", {"bounds": {"loc": (3.5, None)}, "truncation": (0.0, None)}),
        "bijectors+fixed": ("gamma", "gamma", {"bijectors": {"shape": D.Reciprocal()}, "fixed": {"scale": 1.5}}),
        "bijectors+prior": ("gamma", "gamma", {"bijectors": {"shape": D.Reciprocal()}, "prior": {"shape": stats.gamma(2.0)}}),
        "bounds+native": ("gamma", "gamma", {"bounds": {"shape": (3.0, None)}, "coordinates": "native"}),
        "fixed+expectation": ("normal", "normal", {"fixed": {"scale": 2.0}, "coordinates": "expectation"}),
        "truncation+empirical": ("normal", "normal@0:", {"truncation": (0.0, None), "metric": "empirical"}),
        "custom+prior": (custom, "gumbel", {"prior": {"loc": normal_prior}}),
        "custom+fixed": (custom, "gumbel", {"fixed": {"scale": 2.0}}),
    }  # fmt: skip


def _described(text: str) -> np.ndarray:
    """Data by a short text: a family, ``+5`` moved by five, ``@1:8`` the rows in a window."""
    text, _, window = text.partition("@")
    name, _, shift = text.partition("+")
    y = _draw(name, 1) if name == "binomial" else _draw(name)
    if shift:
        y = y + float(shift)
    if window:
        low, high = (
            float(end) if end else side
            for end, side in zip(window.split(":"), (-np.inf, np.inf), strict=True)
        )
        y = y[(y >= low) & (y <= high)]
    return y


def wrappers() -> Iterator[Case]:
    """Wrappers, options that change a family, families of a user's own, two of them at once."""
    for label, (family, text, options) in _wrappers().items():
        data = functools.partial(_described, text)
        yield _fit(f"wrappers/{label}", family, data, **options)
        if "+" in label:
            yield _fit(f"wrappers/{label}/weights", family, data, weight=True, **options)
    makers = {
        "log-prob-type": lambda: D.from_log_prob(3, {"a": D.Real()}),
        "log-prob-params": lambda: D.from_log_prob(_rate, {}),
        "log-prob-names": lambda: D.from_log_prob(_rate, {"rate": D.Positive(), "more": D.Real()}),
        "log-prob-support": lambda: D.from_log_prob(_rate, {"rate": D.Positive()}, support="line"),
        "scipy-frozen": lambda: D.from_scipy(stats.norm(0.0, 1.0)),
        "scipy-shape": lambda: D.from_scipy(stats.gamma, b=2.0),
        "scipy-discrete": lambda: D.from_scipy(stats.betabinom, loc=True, n=10),
        "scipy-nothing": lambda: D.from_scipy(stats.norm),
    }
    for label, maker in makers.items():
        yield Case(
            f"wrappers/refused/{label}", lambda m=maker: m, lambda family: {"made": repr(family)}
        )


def _censored(name: str, kind: str) -> Censored:
    """Rows of a family of which some are known by an interval only."""
    y = _draw(name)
    middle, hidden = np.quantile(y, 0.6), _generator("hidden").random(len(y)) < 0.3
    whole = np.all(y == np.floor(y))
    if kind == "right":
        return Censored(np.minimum(y, middle), np.where(y > middle, np.inf, y))
    if kind == "left":
        return Censored(np.where(y < middle, -np.inf, y), np.maximum(y, middle))
    if kind == "none":
        return Censored(y, y)
    if kind == "interval":
        width = 2.0 if whole else 0.5
        low = width * np.floor(y / width)
        return Censored(np.where(hidden, low, y), np.where(hidden, low + width - whole, y))
    low, high = (
        np.where(hidden, -np.inf, y),
        np.where(_generator("more").random(len(y)) < 0.2, np.inf, y),
    )
    return Censored(np.where(np.isinf(high), y, low), high)


def censoring() -> Iterator[Case]:
    """Censored rows: left, right, in an interval, all of them, with other options."""
    names = ("normal", "gamma", "weibull", "exponential", "lognormal", "student_t", "gumbel", "poisson", "logistic", "negative_binomial")  # fmt: skip
    for name in names:
        for kind in ("right", "left", "interval", "mixed", "none"):
            data = functools.partial(_censored, name, kind)
            yield _fit(f"censoring/{name}/{kind}", name, data)
    right = functools.partial(_censored, "weibull", "right")
    yield _fit("censoring/options/weights", "weibull", right, weight=True)
    yield _fit("censoring/options/fixed", "weibull", right, fixed={"shape": 2.0})
    yield _fit("censoring/options/bounds", "weibull", right, bounds={"shape": (2.0, None)})
    yield _fit("censoring/options/prior", "weibull", right, prior={"shape": stats.gamma(2.0)})
    yield _fit("censoring/options/truncation", "weibull", right, truncation=(0.0, 50.0))
    for metric in ("exact", "empirical", "observed", "monte_carlo", "euclidean"):
        yield _fit(f"censoring/metric/{metric}", "weibull", right, metric=metric, random_state=0)
    mixture = functools.partial(_censored, "mixture", "right")
    yield _fit("censoring/mixture", D.Mixture(["normal", "normal"]), mixture)
    shifted = functools.partial(_censored, "shifted", "right")
    yield _fit("censoring/shifted", D.Shifted("lognormal"), shifted)
    inflated = functools.partial(_censored, "zero_inflated", "right")
    yield _fit("censoring/zero-inflated", "zero_inflated", inflated)
    yield _fit("censoring/no-cdf", "categorical", lambda: Censored([0.0, 1.0], [1.0, 1.0]))
    yield _fit("censoring/scipy", "normal", lambda: Censored.from_scipy(stats.CensoredData.right_censored(_draw("normal"), _draw("normal") > 4.0)))  # fmt: skip
    ends = {"nan": ([np.nan, 1.0], [1.0, 2.0]), "order": ([2.0, 1.0], [1.0, 2.0]), "open": ([-np.inf, 1.0], [np.inf, 2.0]), "shape": ([1.0], [1.0, 2.0])}  # fmt: skip
    for label, (low, high) in ends.items():
        yield _fit(f"censoring/refused/{label}", "normal", lambda a=low, b=high: Censored(a, b))
    yield _fit("censoring/refused/one-row", "normal", lambda: Censored([1.0], [1.0]))
    yield _fit(
        "censoring/refused/all-open", "exponential", lambda: Censored([1.0, 2.0], [np.inf] * 2)
    )


class _Stop:
    """A callback that stops after three iterations."""

    def setup(self, estimator, context):
        self.seen = 0

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        if context.task_name == "iteration":
            self.seen += 1
            self.last = fitted_estimator.score(X)
            return self.seen >= 3

    def teardown(self, estimator, context):
        pass


def _estimator(name: str, build: Callable[[], Any], data: Callable[[], Any]) -> Case:
    """A case that builds an estimator anew, untimed, and fits it."""

    def make() -> Callable[[], Any]:
        model, X = build(), data()
        return lambda: model.fit(X)

    return Case(name, make, lambda model: _read_fit(model, data()))


def _warm(first: dict[str, Any], then: dict[str, Any]) -> Callable[[], Any]:
    """An estimator that has a fit behind it."""

    def build() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = NaturalMLE("student_t", warm_start=True, **first).fit(_columns(2))
        return model.set_params(**then)

    return build


def _columns(d: int, name: str = "student_t") -> np.ndarray:
    """d columns of a family in units of their own."""
    return np.stack([10.0**j * np.roll(_draw(name), 7 * j) + j for j in range(d)], axis=1)


def estimators() -> Iterator[Case]:
    """Several columns, warm starts, callbacks, nested parameters."""
    for name in ("normal", "gamma", "student_t", "weibull", "poisson", "gev"):
        for d in (2, 5):
            data = functools.partial(_columns, d, name)
            yield _fit(f"estimators/columns/{name}-{d}", name, data)
    three = functools.partial(_columns, 3)
    yield _fit("estimators/columns/weights", "student_t", three, weight=True)
    yield _fit(
        "estimators/columns/fixed", "student_t", three, fixed={"df": 4.0, "loc": [1.0, 12.0, 100.0]}
    )
    yield _fit("estimators/columns/starts", "student_t", three, start_params={"loc": [1.0, 2.0, 3.0], "scale": 1.0, "df": 3.0})  # fmt: skip
    yield _fit("estimators/columns/bounds", "student_t", three, bounds={"df": (6.0, None)})
    yield _fit("estimators/columns/prior", "student_t", three, prior={"df": stats.gamma(2.0)})
    yield _fit(
        "estimators/columns/mixture",
        D.Mixture(["normal", "normal"]),
        lambda: _columns(2, "mixture"),
    )
    yield _fit(
        "estimators/columns/constant", "normal", lambda: np.c_[_draw("normal"), np.ones(ROWS)]
    )
    yield _fit(
        "estimators/columns/outside", "gamma", lambda: np.c_[_draw("gamma"), _draw("normal")]
    )
    two = functools.partial(_columns, 2)
    yield _estimator("estimators/warm/again", _warm({}, {}), two)
    yield _estimator("estimators/warm/on", _warm({"max_iter": 2}, {"max_iter": 50}), two)
    yield _estimator("estimators/warm/fixed", _warm({}, {"fixed": {"df": 4.0}}), two)
    yield _estimator("estimators/warm/family", _warm({}, {"distribution": "normal"}), two)
    yield _estimator("estimators/warm/columns", _warm({}, {}), three)
    yield _estimator("estimators/callback/stop", lambda: NaturalMLE("student_t", metric="euclidean").set_callbacks(_Stop()), two)  # fmt: skip
    yield _estimator(
        "estimators/callback/short", lambda: NaturalMLE("normal").set_callbacks(_Stop()), two
    )
    nested = {"step__epsilon": 0.1, "metric__n_draws": 200, "damping__strength": 0.1}
    yield _estimator("estimators/nested", lambda: NaturalMLE("gamma", metric="monte_carlo", step="kl", damping="relative", random_state=0, max_iter=15).set_params(**nested), lambda: _columns(1, "gamma"))  # fmt: skip
    yield _estimator(
        "estimators/integers",
        lambda: NaturalMLE("normal"),
        lambda: _draw("poisson").astype(int)[:, None],
    )
    yield _estimator(
        "estimators/float32",
        lambda: NaturalMLE("normal"),
        lambda: _draw("normal").astype(np.float32)[:, None],
    )
    yield _estimator("estimators/vector", lambda: NaturalMLE("normal"), lambda: _draw("normal"))
    yield _estimator(
        "estimators/text", lambda: NaturalMLE("normal"), lambda: np.array([["a"], ["b"]])
    )


def data() -> Iterator[Case]:
    """Degenerate data and bad weights: what is said of them."""
    vectors = ("multivariate_normal", "multivariate_t", "dirichlet", "multinomial", "multi_bernoulli", "multi_categorical", "dirichlet_multinomial")  # fmt: skip
    for name, k, family in _examples():
        if k:
            continue
        y = functools.partial(_draw, name, 0, 100)
        far = 1e3 if (name, k) in _LARGE_COUNTS else 1e12
        kinds: dict[str, Callable[[], Any]] = {
            "constant": lambda y=y: np.repeat(y()[:1], 50, axis=0),
            "two-values": lambda y=y: np.repeat(y()[:2], 25, axis=0),
            "two-rows": lambda y=y: y()[:2],
            "one-row": lambda y=y: y()[:1],
            "negative": lambda y=y: -1.0 - np.abs(y()),
            "infinite": lambda y=y: _spoiled(y(), np.inf),
            "nan": lambda y=y: _spoiled(y(), np.nan),
            "outside": lambda y=y: _spoiled(y(), -7.25),
            "ties": lambda y=y: np.round(y()),
            "zeros": lambda y=y: np.zeros_like(y()),
            "outlier": lambda y=y, far=far: _spoiled(y(), far),
        }
        for label, rows in kinds.items():
            yield _fit(f"data/{name}/{label}", family, rows, max_iter=30)
        if name in vectors:
            yield _fit(f"data/{name}/columns", family, lambda y=y: np.c_[y(), y()], max_iter=30)
    weights = {"negative": [-1.0, 1.0, 1.0], "nan": [np.nan, 1.0, 1.0], "zero": [0.0, 0.0, 0.0], "short": [1.0], "one": [1.0, 0.0, 0.0], "huge": [1e300, 1e300, 1.0]}  # fmt: skip
    for label, weight in weights.items():
        yield Case(
            f"data/weights/{label}",
            lambda w=weight: lambda: natfit.fit("normal", [1.0, 2.0, 4.0], sample_weight=w),
            _read_fit,
        )


def _spoiled(y: np.ndarray, value: float) -> np.ndarray:
    y = y.copy()
    y[17] = value
    return y


def gaussians() -> Iterator[Case]:
    """The Gaussian estimator in every form, with fewer rows than columns too."""
    for kind in ("full", "diag", "spherical"):
        for d in (1, 3, 8):
            for n in sorted({ROWS, 20, 3, d}):
                rows = functools.partial(_gaussian_rows, n, d)
                yield _gaussian(f"gaussians/{kind}-{d}-{n}", {"covariance_type": kind}, rows)
        rows = functools.partial(_gaussian_rows, ROWS, 3)
        for coordinates in ("native", "expectation"):
            for metric in ("exact", "empirical", "observed"):
                options = {"covariance_type": kind, "coordinates": coordinates, "metric": metric}
                yield _gaussian(f"gaussians/{kind}/{coordinates}-{metric}", options, rows)
    yield _gaussian("gaussians/unknown", {"covariance_type": "tied"}, lambda: _gaussian_rows(50, 3))
    yield _gaussian("gaussians/collinear", {}, lambda: np.repeat(_gaussian_rows(50, 2), 2, axis=1))
    yield _gaussian("gaussians/start", {"start_params": {"loc": [9.0, 9.0, 9.0], "covariance": 0.01 * np.eye(3)}}, lambda: _gaussian_rows(ROWS, 3))  # fmt: skip


def _gaussian_rows(n: int, d: int) -> np.ndarray:
    return _vectors(_generator("gaussian", n, d), n, d)


def _gaussian(name: str, options: dict[str, Any], rows: Callable[[], np.ndarray]) -> Case:
    def read(model: Any) -> dict[str, Any]:
        out = _read_fit(model, rows())
        return out | {"mean": model.mean_, "covariance": model.covariance_, "scale": model.scale_}

    def make() -> Callable[[], Any]:
        X = rows()
        return lambda: NaturalGaussianMLE(**options).fit(X)

    return Case(name, make, read)


# ------------------------------------------------------------------------------------ minimisation


def _rosenbrock(x):
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2


def _rosenbrock_tensor(x):
    J = np.array([[-1.0, 0.0], [-20.0 * x[0], 10.0]])
    return 2.0 * J.T @ J


_HESSIAN = np.array([[3.0, 1.0, 0.2], [1.0, 2.0, 0.1], [0.2, 0.1, 50.0]])


def _quadratic(x):
    return 0.5 * anp.dot(x, anp.dot(_HESSIAN, x)) - x[0] + 2.0 * x[2]


def _quadratic_both(x):
    return _quadratic(x), _HESSIAN @ x - np.array([1.0, 0.0, -2.0])


def minimisation() -> Iterator[Case]:
    """Functions with every metric, solver, step and damping; bounds; what is refused."""

    def case(label: str, fun: Any, x0: Any, **options: Any) -> Case:
        options = {"max_iter": 60, "random_state": 0, **options}
        return Case(
            f"minimize/{label}",
            lambda: lambda: natfit.minimize(fun, x0, **options),
            _read_minimum,
        )

    start = [3.0, -2.0, 1.0]
    metrics = {"auto": "auto", "euclidean": "euclidean", "observed": "observed", "matrix": _HESSIAN, "callable": lambda x: _HESSIAN}  # fmt: skip
    for label, metric in metrics.items():
        for step in _STEPS:
            for solver in _SOLVERS:
                yield case(f"quadratic/{label}+{step}+{solver}", _quadratic, start, metric=metric, step=step, solver=solver)  # fmt: skip
        for damping in _DAMPINGS:
            yield case(
                f"quadratic/{label}+{damping}", _quadratic, start, metric=metric, damping=damping
            )
    for metric in ("exact", "empirical", "monte_carlo", "tensor"):
        yield case(f"quadratic/{metric}", _quadratic, start, metric=metric)
    banana = {"auto": "auto", "observed": "observed", "tensor": _rosenbrock_tensor}
    for label, metric in banana.items():
        for step in _STEPS:
            yield case(f"rosenbrock/{label}+{step}", _rosenbrock, [-1.2, 1.0], metric=metric, step=step, max_iter=200)  # fmt: skip
    for label, bounds in {
        "free": [(None, None), (None, None)],
        "upper": [(None, 0.5), (None, None)],
        "both": [(-2.0, 0.5), (0.5, 2.0)],
        "point": [(0.3, 0.3), (None, None)],
        "order": [(1.0, 0.0), (None, None)],
        "count": [(0.0, 1.0)],
    }.items():
        for metric_label, metric in banana.items():
            yield case(f"bounds/{label}+{metric_label}", _rosenbrock, [-1.2, 1.0], metric=metric, bounds=bounds)  # fmt: skip
    yield case("jac/true", _quadratic_both, start, jac=True)
    yield case("jac/callable", _quadratic, start, jac=lambda x: _quadratic_both(x)[1])
    yield case("jac/bad", _quadratic, start, jac="2-point")
    yield case("args", lambda x, a, b: a * (x[0] - b) ** 2, [0.0], args=(2.0, 3.0))
    yield case("tol-0", _quadratic, start, metric=_HESSIAN, tol=0.0)
    yield case("callback", _quadratic, start, callback=lambda x: x[0] < 2.0)
    yield case("not-finite", lambda x: anp.log(x[0]), [-1.0])
    yield case("unbounded", lambda x: -x[0] + 0.0 * x[0] ** 2, [0.0])
    yield case("start-nan", _quadratic, [np.nan, 0.0, 0.0])
    yield case("not-callable", 3.0, [0.0])
    yield case("matrix-shape", _quadratic, start, metric=np.eye(2))
    yield Case(
        "minimize/scipy-method",
        lambda: (
            lambda: scipy.optimize.minimize(
                _rosenbrock,
                [-1.2, 1.0],
                method=natfit.natural_gradient,
                options={"metric": _rosenbrock_tensor},
            )
        ),  # fmt: skip
        _read_minimum,
    )


# ---------------------------------------------------------------------------------------- policies

_ENVIRONMENTS = ("cartpole", "drift", "lqr", "pendulum", "two_state")


def policies() -> Iterator[Case]:
    """Every environment with several policies and presets; options; logged episodes."""

    def case(label: str, build: Callable[[], Any], X: Any = None) -> Case:
        def make() -> Callable[[], Any]:
            agent = build()
            return lambda: agent.fit(X)

        return Case(f"policies/{label}", make, _read_policy)

    usual = {"max_iter": 20, "random_state": 0, "batch_size": 512}
    for env in _ENVIRONMENTS:
        for policy in ("mlp", "linear", "constant"):
            yield case(
                f"{env}/{policy}", lambda e=env, p=policy: NaturalPolicyEstimator(e, p, **usual)
            )
        for preset in ("reinforce", "npg", "trpo", "nac"):
            yield case(f"{env}/{preset}", lambda e=env, p=preset: NaturalPolicyEstimator.preset(p, e, n_jobs=1, **usual))  # fmt: skip
    short = {**usual, "max_iter": 8}
    options: dict[str, dict[str, Any]] = {
        "total-return": {"advantage": "total_return", "batch_unit": "episodes", "batch_size": 10},
        "total-return-steps": {"advantage": "total_return"},
        "reward-to-go": {"advantage": "reward_to_go"},
        "episodes": {"batch_unit": "episodes", "batch_size": 10},
        "entropy": {"entropy_bonus": 0.01},
        "raw": {"normalize_advantage": False, "normalize_observations": False},
        "cholesky": {"solver": "cholesky"},
        "woodbury": {"solver": "woodbury"},
        "empirical": {"metric": "empirical"},
        "monte-carlo": {"metric": "monte_carlo"},
        "exact-line": {"step": "exact_line"},
        "levenberg": {"damping": "levenberg"},
        "relative": {"damping": "relative"},
        "few-envs": {"n_envs": 3},
        "cap": {"max_env_steps": 2000},
        "target": {"target_return": 15.0},
        "unknown-advantage": {"advantage": "best"},
        "unknown-baseline": {"baseline": "linear"},
        "discount": {"discount": 1.5},
        "backtracking": {"step": "backtracking"},
        "observed": {"metric": "observed"},
    }
    options |= {f"baseline-{b}": {"baseline": b} for b in ("none", "constant", "quadratic", "mlp")}
    for label, own in options.items():
        for env in ("cartpole", "lqr"):
            yield case(f"options/{env}/{label}", lambda e=env, o=own: NaturalPolicyEstimator(e, "linear", **{**short, **o}))  # fmt: skip
    yield case("unknown", lambda: NaturalPolicyEstimator("cartpol", **short))
    yield case("unknown-policy", lambda: NaturalPolicyEstimator("cartpole", "deep", **short))
    yield case("seeds", lambda: NaturalPolicyEstimator("cartpole", "linear", **short), np.arange(5))
    yield case("seeds-bad", lambda: NaturalPolicyEstimator("cartpole", "linear", **short), [-1])
    yield case("std-bounds", lambda: NaturalPolicyEstimator("pendulum", "linear", init_std=3.0, std_bounds=(0.5, 4.0), **short))  # fmt: skip
    yield case("warm", lambda: NaturalPolicyEstimator("pendulum", "linear", warm_start=True, **{**short, "max_iter": 3}).fit().set_params(max_iter=6))  # fmt: skip
    yield case(
        "callback",
        lambda: NaturalPolicyEstimator("drift", "linear", **short).set_callbacks(_StopEarly()),
    )
    for env in ("cartpole", "lqr", "two_state"):
        yield _logged(env)
        yield _acting(env)


class _StopEarly(_Stop):
    """A callback for policies, which are not scored."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "iteration":
            self.seen += 1
            return self.seen >= 3


def _observations(env: str, n: int) -> np.ndarray:
    rng = _generator("observations", env)
    if env == "two_state":
        return rng.integers(2, size=n)
    return rng.uniform(-0.05, 0.05, size=(n, 4 if env == "cartpole" else 2))


def _logged(env: str) -> Case:
    """Learning from 200 short episodes of another policy."""

    def make() -> Callable[[], Any]:
        first = NaturalPolicyEstimator(env, "linear", max_iter=1, random_state=0).fit()
        states = _observations(env, 1000)
        actions = first.sample(states, 0)
        reward = -np.abs(
            np.reshape(states, (1000, -1))[:, 0] - np.reshape(actions, (1000, -1))[:, 0]
        )
        log_prob = first.log_prob(states, actions)
        ids = np.repeat(np.arange(200), 5)
        agent = NaturalPolicyEstimator(env, "linear", max_iter=10, random_state=0)
        return lambda: agent.fit_logged(states, actions, reward, ids, log_prob)

    def read(agent: Any) -> dict[str, Any]:
        return _read_policy(agent) | {"effective": agent.effective_episodes_}

    return Case(f"policies/{env}/logged", make, read)


def _acting(env: str) -> Case:
    """What a trained policy does with given observations."""

    def make() -> Callable[[], Any]:
        agent = NaturalPolicyEstimator(env, max_iter=3, random_state=0).fit()
        states = _observations(env, 50)

        def act() -> dict[str, Any]:
            out: dict[str, Any] = {}
            _tried(out, "predict", lambda: agent.predict(states))
            _tried(out, "predict_proba", lambda: agent.predict_proba(states))
            _tried(out, "sample", lambda: agent.sample(states, 0))
            _tried(out, "log_prob", lambda: agent.log_prob(states, agent.predict(states)))
            _tried(out, "score", lambda: agent.score([3, 4, 5]))
            _tried(out, "shape", lambda: agent.predict(np.zeros((2, 99))))
            return out

        return act

    return Case(f"policies/{env}/acting", make, lambda out: out)


def speed() -> Iterator[Case]:
    """Fits of a million rows."""
    for name in ("normal", "gamma", "weibull", "student_t", "beta", "negative_binomial"):
        yield Case(
            f"speed/{name}",
            lambda name=name: functools.partial(natfit.fit, name, _draw(name, 0, MANY)),
            lambda model, name=name: _read_fit(model, _draw(name, 0, MANY)),
        )


GROUPS = (families, methods, parts, wrappers, censoring, estimators, data, gaussians, minimisation, policies, speed)  # fmt: skip


def cases(only: str = "") -> list[Case]:
    """All cases whose names contain a text."""
    every = [case for group in GROUPS for case in group()]
    names = [case.name for case in every]
    twice = (
        {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    )
    if twice:
        raise SystemExit(f"these names occur twice: {sorted(twice)}")
    return [case for case in every if only in case.name]


# ---------------------------------------------------------------------------------- the comparison


def difference(name: str, a: dict, b: dict) -> float:
    """Largest relative difference of two arrays, inf where their shapes or infinities differ.

    Parameters and standard errors are relative each to itself, other arrays to their largest
    number: an entry of a covariance or of a gradient may be zero but for rounding.
    """
    if a["shape"] != b["shape"]:
        return np.inf
    x, y = _numbers(a), _numbers(b)
    odd = ~(np.isfinite(x) & np.isfinite(y))
    if not np.array_equal(x[odd], y[odd], equal_nan=True):
        return np.inf
    x, y = x[~odd], y[~odd]
    size = np.maximum(np.abs(x), np.abs(y))
    if not name.startswith(("params.", "errors.")):
        size = np.full_like(size, size.max(initial=0.0))
    apart = np.abs(x - y)
    return float(np.max(apart[apart > 0] / size[apart > 0], initial=0.0))


@dataclass
class Verdict:
    """How one case compares: lines to print, the largest difference, whether bits differ."""

    lines: list[str]
    worst: float = 0.0
    equal: bool = True


def compared(old: dict[str, Any], new: dict[str, Any]) -> Verdict:
    """Everything in which two results of a case differ."""
    verdict, way = Verdict([]), []
    for name in {**old, **new}:
        a, b = old.get(name), new.get(name)
        if a == b:
            continue
        verdict.equal = False
        if isinstance(a, dict) and isinstance(b, dict):
            far = difference(name, a, b)
            if name.startswith("path."):
                way.append(f"{name.removeprefix('path.')} {far:.3g}")
            else:
                verdict.lines.append(f"{name}: relative difference {far:.3g}")
                verdict.worst = max(verdict.worst, far)
            continue
        verdict.worst = np.inf
        a, b = (_brief(v) for v in (a, b))
        verdict.lines.append(f"{name}:\n        before {a}\n        now    {b}")
    if way:
        verdict.lines.append(f"steps on the way, relative differences: {', '.join(way)}")
    return verdict


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return f"numbers of shape {value['shape']}"
    return "nothing" if value is None else repr(value)


def compare(stored: dict[str, Any], found: dict[str, Any], tol: float, only: str) -> bool:
    """Print what differs and how the times compare; whether all is well."""
    if stored["versions"] != versions():
        print(f"versions: {stored['versions']} before, {versions()} now")
    old = {name: v for name, v in stored["cases"].items() if only in name}
    counts = {"bit-equal": 0, "equal to 1e-12": 0, "equal to 1e-9": 0, "different": 0}
    failed = []
    for name in sorted({*old, *found}):
        if name not in found or name not in old:
            print(f"{name}: {'gone' if name in old else 'new'}")
            failed += [name] * (name in old)
            continue
        verdict = compared(old[name]["values"], found[name]["values"])
        if verdict.equal:
            counts["bit-equal"] += 1
            continue
        kind = "equal to 1e-12" if verdict.worst <= 1e-12 else "equal to 1e-9"
        counts[kind if verdict.worst <= 1e-9 else "different"] += 1
        bad = verdict.worst > tol or tol == 0.0
        failed += [name] * bad
        print(f"{name}: {'DIFFERS' if bad else 'differs within the tolerance'}")
        for line in verdict.lines:
            print(f"    {line}")
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    _times(old, found)
    print(f"{len(failed)} cases differ beyond {tol:g}" if failed else f"all within {tol:g}")
    return not failed


def _times(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Ratios of seconds, now to before."""
    both = [name for name in new if name in old]
    plain = [name for name in both if name.startswith("families/") and name.endswith("/default")]
    groups = sorted({name.split("/")[0] for name in both})
    sets = {"whole sweep": both, "1,000-row fits": plain}
    sets |= {group: [n for n in both if n.split("/")[0] == group] for group in groups}
    for label, names in sets.items():
        pairs = [(old[n]["seconds"], new[n]["seconds"]) for n in names]
        pairs = [(a, b) for a, b in pairs if a > 0 and b > 0]
        if pairs:
            before, now = sum(a for a, _ in pairs), sum(b for _, b in pairs)
            middle = statistics.median(b / a for a, b in pairs)
            print(f"seconds, {label}: {before:.2f} before, {now:.2f} now, ratio {now / before:.3f}, median ratio {middle:.3f}")  # fmt: skip


def versions() -> dict[str, str]:
    """What numbers depend on besides the code."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


def main() -> int:
    """Run the sweep as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", metavar="FILE", type=Path, help="store the results")
    action.add_argument("--compare", metavar="FILE", type=Path, help="compare with stored results")
    action.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--only", metavar="TEXT", default="", help="cases whose names contain it")
    parser.add_argument("--tol", type=float, default=1e-12, help="relative (default 1e-12)")
    parser.add_argument(
        "--slow", metavar="N", type=int, default=0, help="print the N slowest cases"
    )
    args = parser.parse_args()
    chosen = cases(args.only)
    if args.list:
        print("\n".join(case.name for case in chosen))
        return 0
    print(f"{len(chosen)} cases of {Path(natfit.__file__).parent}", flush=True)
    stored = json.loads(args.compare.read_text()) if args.compare else None
    # The first fit pays for what is imported on first use.
    natfit.fit("student_t", _draw("student_t"))
    found, walls, start = {}, {}, time.perf_counter()
    for case in chosen:
        before = time.perf_counter()
        found[case.name] = run(case)
        walls[case.name] = time.perf_counter() - before
    print(
        f"took {time.perf_counter() - start:.1f} s, {time.process_time():.1f} s of processor time"
    )
    for name in sorted(walls, key=walls.get, reverse=True)[: args.slow]:
        print(f"    {walls[name]:6.2f} s, timed {found[name]['seconds']:.3f} s: {name}")
    if args.write:
        args.write.write_text(json.dumps({"versions": versions(), "cases": found}, indent=0))
        return 0
    return 0 if compare(stored, found, args.tol, args.only) else 1


if __name__ == "__main__":
    sys.exit(main())
