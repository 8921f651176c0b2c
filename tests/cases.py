"""What the suites know about a family beyond what it declares: rows and their optimum.

A family's test file, tests/distributions/<wing>/test_<name>.py, may hold ``CASE = Case(...)``.
Where there is no such file, or no CASE in it, the rows come from the family's own sampler and the
optimum from a search of scipy's over its log-density, so that a new file is tested as it is.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

from natfit._component import component_class
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.wrappers.base import Wrapper
from natfit.rows import Block, Memory
from natfit.testing.data import points, some_rows
from tests.fits import fitted, log_uniform

TESTS = Path(__file__).parent

#: Rows and units of the random sets.
SIZES, UNITS = (20, 100_000), (1e-3, 1e6)

#: The power of y's unit in a parameter's unit, by its role; for other roles it is not known.
UNIT_OF = {Role.LOCATION: 1, Role.SCALE: 1, Role.RATE: -1, Role.POWER: 0, Role.SHAPE: 0}


@dataclass(frozen=True)
class Draws:
    """Random sets of a univariate family, and the likelihood that another program finds.

    Attributes
    ----------
    draw : callable
        ``draw(rng, n)``: n values of unit 1 at parameters drawn from a broad range.
    loglik : callable
        ``loglik(params, x)``: total log-likelihood at natfit's parameters by scipy.
    peer : callable
        ``peer(x)``: total log-likelihood at the peer's estimate, the same parameters fixed.
    scales : dict
        Parameter to the power of the unit that it carries; empty where y has no unit.
    moved : bool
        Whether y may be moved by a constant.
    off : str
        The parameter whose start is off by 1e4 among bad starts.

    The last three follow from the roles of the parameters where they are not given.
    """

    draw: Callable
    loglik: Callable
    peer: Callable
    scales: dict[str, int] | None = None
    moved: bool | None = None
    off: str | None = None


@dataclass(frozen=True)
class Case:
    """Rows of a family, their optimum by other code than the package's, and random sets.

    Attributes
    ----------
    data : ndarray of shape (n, ...)
        Rows with an optimum inside the family.
    optimum : callable
        ``optimum(data)``: the native values there, flat, in the order of the parameters.
    family : Distribution, optional
        What is fitted; the class called without arguments by default.
    draws : Draws, optional
        Random sets of a univariate family whose parameters are single numbers.
    kinked : bool
        Whether the score jumps: steps end within rounding of the best row, not at it.
    edged : bool
        Whether the support moves with theta: a step that leaves a row outside is halved.
    at_limit : bool
        Whether the optimum of any exact rows is at a limit of a parameter.
    """

    data: np.ndarray
    optimum: Callable
    family: Any = None
    draws: Draws | None = None
    kinked: bool = False
    edged: bool = False
    at_limit: bool = False


@functools.cache
def case(name: str) -> Case:
    """The CASE of the family's test file, completed by what the family says itself."""
    cls = component_class(name, Distribution)
    found = _written(name) or _derived(cls)
    family = cls() if found.family is None else found.family
    draws = found.draws
    if draws is None and must_be_drawn(family.bind(Memory(found.data))):
        draws = _sampled(family)
    return replace(found, family=family, draws=draws and _completed(draws, family))


def must_be_drawn(family: Distribution) -> bool:
    """Whether a family has random sets: y (n,), parameters that are single numbers, a sampler.

    What is made of another family need not have a maximum wherever that one has: its random
    sets are those that its CASE gives.
    """
    single = all(constraint.shape == () for constraint in family.params.values())
    made = isinstance(family, Wrapper)
    return family.event_shape == () and single and family.can_sample and not made


def _written(name: str) -> Case | None:
    for path in TESTS.joinpath("distributions").rglob(f"test_{name}.py"):
        dotted = ".".join(path.relative_to(TESTS.parent).with_suffix("").parts)
        return getattr(importlib.import_module(dotted), "CASE", None)
    return None


# ------------------------------------------------------------------- what a family says itself


def _derived(cls: type[Distribution]) -> Case:
    """Two hundred rows of the first example, and the best that scipy finds from the truth."""
    family = cls.examples()[0]
    truth = points(family, 1)[0]
    data = some_rows(family, truth, 200)

    def optimum(y: np.ndarray) -> np.ndarray:
        best = searched(family, y, truth)
        return np.concatenate([np.ravel(v) for v in family.native_dict(best).values()])

    return Case(data, optimum, family, kinked=len(family.kinks(truth)) > 0)


def searched(family: Distribution, y: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The eta (K,) that is most probable by scipy: a simplex search, then the score's root."""

    def loss(eta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            value = -family.log_density(y, eta[None]).mean()
        return value if np.isfinite(value) else 1e300

    def score(eta: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return family.score(y, eta[None]).mean(axis=0)

    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 2_000}
    best = optimize.minimize(loss, start, method="Nelder-Mead", options=options).x
    root = optimize.root(score, best, tol=1e-13)
    return root.x if root.success and loss(root.x) <= loss(best) else best


def _sampled(family: Distribution) -> Draws:
    """Draws by the family's sampler; the peer is a search of scipy's."""

    def draw(rng: np.random.Generator, n: int) -> np.ndarray:
        eta = points(family, 1, seed=int(rng.integers(2**32)))
        return family.sample(eta, rng, n)

    def loglik(params: dict, x: np.ndarray) -> float:
        return float(family.log_density(x, family.eta(**params)[None]).sum())

    def peer(x: np.ndarray) -> float:
        best = searched(family, x, family.initial(Block(x), np.random.default_rng(0)))
        return float(family.log_density(x, best[None]).sum())

    return Draws(draw, loglik, peer)


def _completed(draws: Draws, family: Distribution) -> Draws:
    """What the roles of the parameters say of units, places and bad starts."""
    roles = {name: family.roles.get(name, Role.SHAPE) for name in family.params}
    stretched = [name for name, role in roles.items() if role in (Role.SCALE, Role.RATE)]
    known = stretched and set(roles.values()) <= set(UNIT_OF)
    derived = {
        "scales": {name: UNIT_OF[role] for name, role in roles.items()} if known else {},
        "moved": Role.LOCATION in roles.values(),
        "off": [*stretched, *roles][0],
    }
    return replace(draws, **{k: v for k, v in derived.items() if getattr(draws, k) is None})


# ---------------------------------------------------------------------- what a test file writes


def continuous(dist: Any, logpdf: Callable, draw: Callable, fit: dict | None = None, **rest: Any):
    """Draws whose peer is the fit of scipy's ``dist``.

    ``logpdf(x, **params)`` takes natfit's parameters. A frozen distribution would give the same,
    but to freeze one costs more than a likelihood of a few rows, and searches ask for thousands.
    """
    options = fit or {}

    def loglik(params: dict, x: np.ndarray) -> float:
        return float(logpdf(x, **params).sum())

    def peer(x: np.ndarray) -> float:
        return float(dist(*dist.fit(x, **options)).logpdf(x).sum())

    return Draws(draw, loglik, peer, **rest)


def counts(draw: Callable, logpmf: Callable, search: Callable, off: str | None = None) -> Draws:
    """Draws whose peer searches: ``search(x)`` gives keyword sets, one for each start."""

    def loglik(params: dict, x: np.ndarray) -> float:
        return float(logpmf(x, **params).sum())

    def peer(x: np.ndarray) -> float:
        return max(loglik(params, x) for params in search(x))

    return Draws(draw, loglik, peer, off=off)


def with_a_one(counts: Any) -> np.ndarray:
    """Return counts with at least one that is 1: counts that are all zero have another optimum."""
    counts = np.asarray(counts, dtype=float)
    if counts.max() < 2.0:
        counts[:2] = 1.0, 2.0
    return counts


# ------------------------------------------------------------------------------ what tests ask


def random_rows(name: str, seed: int, sizes: tuple = SIZES, units: tuple = UNITS) -> np.ndarray:
    """Random set ``seed`` of a family (n,): size, unit, place and parameters at random."""
    draws, rng = case(name).draws, np.random.default_rng([seed, *name.encode()])
    n, unit = round(log_uniform(rng, *sizes)), log_uniform(rng, *units)
    y = draws.draw(rng, n)
    if draws.moved:
        y = y + rng.normal(0.0, 10.0)
    return unit * y if draws.scales else y


def fit_case(name: str, x: np.ndarray, **options: Any) -> Any:
    """Return the fit of a case's family, without a warning if it did not converge."""
    return fitted(case(name).family, x, **options)


def loglik(name: str, params: dict, x: np.ndarray) -> float:
    """Total log-likelihood at natfit's parameters by the case's peer, nats."""
    with np.errstate(all="ignore"):
        return case(name).draws.loglik(params, x)


def peer(name: str, x: np.ndarray) -> float:
    """Total log-likelihood at the peer's estimate; -inf where the peer fails."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = case(name).draws.peer(x)
        except (ValueError, RuntimeError, stats.FitError):
            return -np.inf
    return value if np.isfinite(value) else -np.inf
