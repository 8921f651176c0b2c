"""Random data sets of every univariate family, and the likelihood that scipy finds for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import optimize, special, stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Binomial

#: Rows and units of the random sets.
SIZES, UNITS = (20, 100_000), (1e-3, 1e6)


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


@dataclass(frozen=True)
class Drawn:
    """A family, draws at random parameters, and the peer's fit.

    Attributes
    ----------
    family : str or Distribution
        What natfit fits.
    draw : callable
        ``draw(rng, n)``: n values of unit 1 at parameters drawn from a broad range.
    loglik : callable
        ``loglik(params, x)``: total log-likelihood at natfit's parameters by scipy.
    peer : callable
        ``peer(x)``: total log-likelihood at scipy's estimate, the same parameters fixed.
    scales : dict
        Parameter to the power of the unit that it carries; empty where y has no unit.
    moved : bool
        Whether y may be moved by a constant.
    off : str
        The parameter whose start is off by 1e4 among bad starts.
    """

    family: Any
    draw: Callable
    loglik: Callable
    peer: Callable
    scales: dict[str, int] = field(default_factory=dict)
    moved: bool = False
    off: str = "scale"


def numbers(params: dict) -> dict[str, float]:
    """Values (1,) as numbers."""
    return {name: float(np.ravel(v)[0]) for name, v in params.items()}


def _continuous(family, draw, dist, frozen, fit=None, **rest):
    """A case whose peer is the fit of scipy's ``dist``; ``frozen`` takes natfit's parameters."""
    options = fit or {}

    def loglik(params, x):
        return float(frozen(**params).logpdf(x).sum())

    def peer(x):
        return float(dist(*dist.fit(x, **options)).logpdf(x).sum())

    return Drawn(family, draw, loglik, peer, **rest)


def _counts(family, draw, logpmf, search, off, **rest):
    """A case whose peer searches: ``search(x)`` gives keyword sets, one for each start."""

    def peer(x):
        return max(float(logpmf(x, **p).sum()) for p in search(x))

    return Drawn(family, draw, lambda p, x: float(logpmf(x, **p).sum()), peer, off=off, **rest)


# ----------------------------------------------------------------------------- their draws


def _exponentiated(rng, n):
    power = log_uniform(rng, 0.2, 20.0)
    w = -np.log1p(-np.exp(-rng.exponential(size=n) / power))
    return w ** (1.0 / log_uniform(rng, 0.5, 8.0))


def _beta(rng, n):
    y = rng.beta(log_uniform(rng, 0.2, 1e3), log_uniform(rng, 0.2, 1e3), n)
    return np.clip(y, 1e-300, 1.0 - 1.2e-16)


def _negative_binomial(rng, n):
    size, mean = log_uniform(rng, 0.05, 300.0), log_uniform(rng, 0.5, 1e3)
    return _one(rng.poisson(rng.gamma(size, mean / size, n)))


def _zero_share(rng, n):
    return rng.random(n) > rng.uniform(0.05, 0.8)


def _one(counts):
    """Counts with a one among them: data of zeros alone are another matter."""
    counts = np.asarray(counts, dtype=float)
    if counts.max() < 2.0:
        counts[:2] = 1.0, 2.0
    return counts


# --------------------------------------------------------------------- the peers of counts


def _nbinom(x, mean, n):
    """log p from the product n (n + 1) ... (n + x - 1): scipy's loses digits at a large n."""
    rising = np.r_[0.0, np.cumsum(np.log1p(np.arange(x.max()) / n))][x.astype(int)]
    start = x * np.log(mean) - special.gammaln(x + 1.0)
    return start + rising - (x * np.log1p(mean / n) + _scaled_log1p(n, mean))


def _scaled_log1p(n, mean):
    """n log(1 + mean / n), mean at n = infinity."""
    return mean if np.isinf(n) else n * np.log1p(mean / n)


def _search_nbinom(x):
    mean = x.mean()

    def loss(log_n):
        return -_nbinom(x, mean, np.exp(log_n)).sum()

    found = optimize.minimize_scalar(loss, bounds=(-8.0, 16.0), method="bounded")
    return [{"mean": mean, "n": np.exp(found.x)}, {"mean": mean, "n": np.inf}]


def _inflated(x, zero_prob, rate):
    some = stats.poisson.logpmf(x, rate)
    share = zero_prob + (1.0 - zero_prob) * np.exp(-rate)
    return np.where(x == 0, np.log(share), np.log1p(-zero_prob) + some)


def _truncated_rate(positive):
    """Rate of Poisson counts cut off at zero: mean = rate / (1 - exp(-rate))."""
    mean = positive.mean()
    return optimize.brentq(lambda r: r / -np.expm1(-r) - mean, 1e-12, mean + 1.0, xtol=1e-14)


def _search_inflated(x):
    """The score's root: with the zeros free, the rate is that of the positive counts alone."""
    zeros, rate = np.mean(x == 0), _truncated_rate(x[x > 0])
    extra = (zeros - np.exp(-rate)) / -np.expm1(-rate)
    return [{"zero_prob": max(extra, 0.0), "rate": rate}, {"zero_prob": 0.0, "rate": x.mean()}]


def _hurdle(x, zero_prob, rate):
    some = stats.poisson.logpmf(x, rate) - np.log(-np.expm1(-rate))
    with np.errstate(divide="ignore"):
        return np.where(x == 0, np.log(zero_prob), np.log1p(-zero_prob) + some)


def _search_hurdle(x):
    return [{"zero_prob": np.mean(x == 0), "rate": _truncated_rate(x[x > 0])}]


# ------------------------------------------------------------------------------- the cases

_LOC = {"loc": 1, "scale": 1}
_POSITIVE = {"shape": 0, "scale": 1}
_MOVED = {"scales": _LOC, "moved": True}
_FIXED = {"floc": 0}

CASES: dict[str, Drawn] = {
    "normal": _continuous(
        "normal", lambda rng, n: rng.normal(size=n), stats.norm, stats.norm, **_MOVED
    ),
    "lognormal": _continuous(
        "lognormal",
        lambda rng, n: rng.lognormal(0.0, log_uniform(rng, 0.01, 5.0), n),
        stats.lognorm,
        lambda shape, scale: stats.lognorm(shape, scale=scale),
        _FIXED,
        scales=_POSITIVE,
    ),
    "exponential": _continuous(
        "exponential",
        lambda rng, n: rng.exponential(size=n),
        stats.expon,
        lambda rate: stats.expon(scale=1.0 / rate),
        _FIXED,
        scales={"rate": -1},
        off="rate",
    ),
    "gamma": _continuous(
        "gamma",
        lambda rng, n: np.maximum(rng.gamma(log_uniform(rng, 0.05, 300.0), size=n), 1e-290),
        stats.gamma,
        lambda shape, scale: stats.gamma(shape, scale=scale),
        _FIXED,
        scales=_POSITIVE,
    ),
    "inverse_gamma": _continuous(
        "inverse_gamma",
        lambda rng, n: 1.0 / rng.gamma(log_uniform(rng, 0.3, 300.0), size=n),
        stats.invgamma,
        lambda shape, scale: stats.invgamma(shape, scale=scale),
        _FIXED,
        scales=_POSITIVE,
    ),
    "inverse_gaussian": _continuous(
        "inverse_gaussian",
        lambda rng, n: rng.wald(1.0, log_uniform(rng, 1e-2, 1e4), n),
        stats.invgauss,
        lambda mean, shape: stats.invgauss(mean / shape, scale=shape),
        _FIXED,
        scales={"mean": 1, "shape": 1},
        off="mean",
    ),
    "weibull": _continuous(
        "weibull",
        lambda rng, n: rng.weibull(log_uniform(rng, 0.2, 50.0), n),
        stats.weibull_min,
        lambda shape, scale: stats.weibull_min(shape, scale=scale),
        _FIXED,
        scales=_POSITIVE,
    ),
    "exponentiated_weibull": _continuous(
        "exponentiated_weibull",
        _exponentiated,
        stats.exponweib,
        lambda shape, scale, power: stats.exponweib(power, shape, scale=scale),
        _FIXED,
        scales=_POSITIVE | {"power": 0},
    ),
    "beta": _continuous("beta", _beta, stats.beta, stats.beta, {"floc": 0, "fscale": 1}, off="a"),
    "von_mises": _continuous(
        "von_mises",
        lambda rng, n: rng.vonmises(rng.uniform(-3, 3), log_uniform(rng, 0.05, 1e4), n),
        stats.vonmises,
        lambda loc, kappa: stats.vonmises(kappa, loc),
        {"fscale": 1},
        off="kappa",
    ),
    "gumbel": _continuous(
        "gumbel", lambda rng, n: rng.gumbel(size=n), stats.gumbel_r, stats.gumbel_r, **_MOVED
    ),
    "gev": _continuous(
        "gev",
        lambda rng, n: stats.genextreme.rvs(rng.uniform(-0.6, 0.4), size=n, random_state=rng),
        stats.genextreme,
        lambda loc, scale, shape: stats.genextreme(-shape, loc, scale),
        scales=_LOC | {"shape": 0},
        moved=True,
    ),
    "generalized_pareto": _continuous(
        "generalized_pareto",
        lambda rng, n: stats.genpareto.rvs(rng.uniform(-0.2, 0.8), size=n, random_state=rng),
        stats.genpareto,
        lambda scale, shape: stats.genpareto(shape, scale=scale),
        _FIXED,
        scales=_POSITIVE,
    ),
    "logistic": _continuous(
        "logistic", lambda rng, n: rng.logistic(size=n), stats.logistic, stats.logistic, **_MOVED
    ),
    "laplace": _continuous(
        "laplace", lambda rng, n: rng.laplace(size=n), stats.laplace, stats.laplace, **_MOVED
    ),
    "cauchy": _continuous(
        "cauchy", lambda rng, n: rng.standard_cauchy(n), stats.cauchy, stats.cauchy, **_MOVED
    ),
    "student_t": _continuous(
        "student_t",
        lambda rng, n: rng.standard_t(log_uniform(rng, 0.8, 50.0), n),
        stats.t,
        lambda loc, scale, df: stats.t(df, loc, scale),
        scales=_LOC | {"df": 0},
        moved=True,
    ),
    "skew_normal": _continuous(
        "skew_normal",
        lambda rng, n: stats.skewnorm.rvs(rng.uniform(-9, 9), size=n, random_state=rng),
        stats.skewnorm,
        lambda **p: natfit.distributions.SkewNormal()._to_scipy(**p),
        scales={"mean": 1, "sd": 1, "shape": 0},
        moved=True,
        off="sd",
    ),
    "poisson": _counts(
        "poisson",
        lambda rng, n: _one(rng.poisson(log_uniform(rng, 0.3, 1e4), n)),
        lambda x, rate: stats.poisson.logpmf(x, rate),
        lambda x: [{"rate": x.mean()}],
        "rate",
    ),
    "negative_binomial": _counts(
        "negative_binomial", _negative_binomial, _nbinom, _search_nbinom, "n"
    ),
    "binomial": _counts(
        Binomial(10),
        lambda rng, n: _one(rng.binomial(10, rng.uniform(0.05, 0.95), n)),
        lambda x, prob: stats.binom.logpmf(x, 10, prob),
        lambda x: [{"prob": x.mean() / 10.0}],
        "prob",
    ),
    "geometric": _counts(
        "geometric",
        lambda rng, n: _one(rng.geometric(log_uniform(rng, 1e-4, 0.9), n) - 1.0),
        lambda x, prob: special.xlog1py(x, -prob) + np.log(prob),
        lambda x: [{"prob": 1.0 / (1.0 + x.mean())}],
        "prob",
    ),
    "bernoulli": _counts(
        "bernoulli",
        lambda rng, n: np.r_[0.0, 1.0, rng.random(n - 2) < rng.uniform(0.05, 0.95)],
        lambda x, prob: stats.bernoulli.logpmf(x, prob),
        lambda x: [{"prob": x.mean()}],
        "prob",
    ),
    "zero_inflated": _counts(
        "zero_inflated",
        lambda rng, n: _one(rng.poisson(log_uniform(rng, 0.3, 1e3), n) * _zero_share(rng, n)),
        _inflated,
        _search_inflated,
        "rate",
    ),
    "hurdle": _counts(
        "hurdle",
        lambda rng, n: _one((1 + rng.poisson(log_uniform(rng, 0.3, 1e3), n)) * _zero_share(rng, n)),
        _hurdle,
        _search_hurdle,
        "rate",
    ),
}


# ------------------------------------------------------------------------------- data, fits


def data(name: str, seed: int, sizes: tuple = SIZES, units: tuple = UNITS) -> np.ndarray:
    """Random set ``seed`` of a family (n,): size, unit, place and parameters at random."""
    case, rng = CASES[name], np.random.default_rng([seed, *name.encode()])
    n, unit = round(log_uniform(rng, *sizes)), log_uniform(rng, *units)
    y = case.draw(rng, n)
    if case.moved:
        y = y + rng.normal(0.0, 10.0)
    return unit * y if case.scales else y


def fitted(name: str, x: np.ndarray, **options) -> Any:
    """The fit; an end without convergence does not warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.fit(CASES[name].family, x, **options)


def loglik(name: str, model: Any, x: np.ndarray) -> float:
    """Total log-likelihood of a fit, by scipy, in nats."""
    with np.errstate(all="ignore"):
        return CASES[name].loglik(numbers(model.params_), x)


def peer(name: str, x: np.ndarray) -> float:
    """Total log-likelihood at the peer's estimate; -inf where the peer fails."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = CASES[name].peer(x)
        except (ValueError, RuntimeError, stats.FitError):
            return -np.inf
    return value if np.isfinite(value) else -np.inf
