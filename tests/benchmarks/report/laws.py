"""Families of the battery as scipy has them: densities, tails, truths, natfit's parameters.

A law's arguments are those of scipy: shapes, then loc and scale where it is continuous. The
likelihood that judges every tool is scipy's at the arguments that its estimate amounts to.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import special, stats

from natfit.distributions import ZeroInflated
from tests.benchmarks.report.rows import Rows

Args = tuple[float, ...]

#: An infinite parameter stands for this value: farther than any rows here can tell.
FAR = 1e9


@dataclass(frozen=True)
class Law:
    """A family.

    Attributes
    ----------
    native : callable
        ``native(p)``: the arguments that natfit's parameters p, a dict, amount to.
    charts : str
        A letter for each argument: + is positive, r real, u in (0, 1), = known.
    truths : dict
        What is said of it to the arguments from which rows are drawn, the usual ones first.
    sizes : tuple of int
        Numbers of rows.
    dist : str
        scipy's name; empty for a law of counts that has a ``logp`` of its own.
    held : dict
        What scipy's fit must be told: ``{"floc": 0}``.
    family : Any
        What natfit fits; the law's name by default.
    logp : callable, optional
        ``logp(y, *args)`` where scipy has none.
    draw : callable, optional
        ``draw(rng, n, *args)`` where scipy has none.
    inside : callable
        ``inside(*args)``: whether the likelihood has a maximum in this region.
    own : Any
        Densities and tails where scipy's are not those of all members, as methods like scipy's.
    read : callable
        ``read(*fit)``: the arguments that the result of scipy's fit amounts to.
    count : bool
        Whether y is a count.
    """

    native: Callable[[dict[str, float]], Args]
    charts: str
    truths: dict[str, Args]
    sizes: tuple[int, ...] = (10, 60, 1000)
    dist: str = ""
    held: dict[str, float] = field(default_factory=dict)
    family: Any = None
    logp: Callable | None = None
    draw: Callable | None = None
    inside: Callable[..., bool] = lambda *args: True
    own: Any = None
    read: Callable[..., Args] = lambda *args: args
    count: bool = False

    @property
    def scipy(self) -> Any:
        return getattr(stats, self.dist) if self.dist else None

    @property
    def has_unit(self) -> bool:
        return not self.count and self.charts[-1] != "="

    @property
    def can_shift(self) -> bool:
        return self.has_unit and self.charts[-2] == "r"

    def rows(self, rng: np.random.Generator, n: int, args: Args) -> np.ndarray:
        """Return n values (n,)."""
        if self.draw is not None:
            return np.asarray(self.draw(rng, n, *args), dtype=float)
        return np.asarray(self.scipy.rvs(*args, size=n, random_state=rng), dtype=float)

    def loglik(self, args: Args, rows: Rows) -> float:
        """Return the log-likelihood in nats; -inf where it is no number or the region ends."""
        value = float(np.sum(self.each(args, rows)))
        return value if np.isfinite(value) else -np.inf

    def each(self, args: Args, rows: Rows) -> np.ndarray:
        """Return the log-likelihood of each row (n,); -inf outside of the region."""
        args = tuple(float(np.clip(a, -FAR, FAR) if np.isinf(a) else a) for a in args)
        if not np.isfinite(args).all() or not self.inside(*args):
            return np.full(rows.n, -np.inf)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.concatenate(self._parts(args, rows))

    def _parts(self, args: Args, rows: Rows) -> list[np.ndarray]:
        parts, dist = [], self.own or self.scipy
        if len(rows.exact):
            log = self.logp or (dist.logpmf if self.count else dist.logpdf)
            parts.append(log(rows.exact, *args))
        if len(rows.right):
            parts.append(_each(dist.logsf, rows.right, args))
        if len(rows.left):
            parts.append(_each(dist.logcdf, rows.left, args))
        if len(rows.low):
            below = _each(dist.cdf, rows.low, args)
            under = _each(dist.cdf, rows.high, args) - below
            over = _each(dist.sf, rows.low, args) - _each(dist.sf, rows.high, args)
            parts.append(np.log(np.where(below < 0.5, under, over)))
        return parts

    def moved(self, args: Args, shift: float, unit: float) -> Args:
        """Return the arguments after a shift of the origin, in another unit."""
        if not self.has_unit:
            return args
        return (*args[:-2], unit * (args[-2] + shift), unit * args[-1])

    # ------------------------------------------------------------------ coordinates of a search

    def to_line(self, args: Args) -> np.ndarray:
        """Return the free arguments on the line."""
        with np.errstate(all="ignore"):
            maps = {"+": np.log, "r": float, "u": special.logit}
            free = [(c, a) for c, a in zip(self.charts, args, strict=True) if c != "="]
            return np.array([maps[c](a) for c, a in free])

    def from_line(self, u: np.ndarray, args: Args) -> Args:
        """Return the arguments at a point of the line, those that are known from ``args``."""
        maps = {"+": lambda v: np.exp(min(v, 700.0)), "r": float, "u": special.expit}
        free = iter(u)
        pairs = zip(self.charts, args, strict=True)
        return tuple(float(a if c == "=" else maps[c](next(free))) for c, a in pairs)


def _each(function: Callable, y: np.ndarray, args: Args) -> np.ndarray:
    """Return a function of each value; most limits are the same, and some tails are integrals."""
    values, where = np.unique(y, return_inverse=True)
    return function(values, *args)[where]


def _law(dist: str, native: Callable, charts: str, truths: dict[str, Args], **rest: Any) -> Law:
    """A continuous law; a location that is known is zero."""
    if charts[-2:] == "=+":
        rest.setdefault("held", {"floc": 0})
    return Law(native, charts, truths, dist=dist, **rest)


def _places(**more: Any) -> dict[str, Any]:
    return {"charts": "r+", "native": lambda p: (p["loc"], p["scale"]), **more}


def _scales(dist: str, native: Callable, *shapes: float, **rest: Any) -> Law:
    """A law of positive numbers with one shape: a usual one and extreme ones."""
    truths = {f"shape {s:g}": (s, 0.0, 1.0) for s in shapes}
    return _law(dist, native, "+=+", truths, **rest)


# ------------------------------------------------------------------------------ their parameters


def _skew(p: dict) -> Args:
    a = float(np.clip(p["shape"], -FAR, FAR))
    delta = a / np.hypot(1.0, a)
    scale = p["sd"] / np.sqrt(1.0 - 2.0 * delta**2 / np.pi)
    return a, p["mean"] - scale * delta * np.sqrt(2.0 / np.pi), scale


def _exponnorm(p: dict) -> Args:
    scale = p["sd"] / np.hypot(1.0, p["shape"])
    return p["shape"], p["mean"] - p["shape"] * scale, scale


def _rice(p: dict) -> Args:
    return p["shape"], 0.0, p["rms"] / np.hypot(np.sqrt(2.0), p["shape"])


def _lomax(p: dict) -> Args:
    c = min(p["shape"], FAR)
    return c, 0.0, p["median"] / np.expm1(np.log(2.0) / c)


def _gompertz(p: dict) -> Args:
    c = min(p["shape"], FAR)
    return c, 0.0, p["median"] / np.log1p(np.log(2.0) / c)


def _burr(p: dict) -> Args:
    d = min(p["shape"], FAR)
    return p["power"], d, 0.0, p["median"] * np.expm1(np.log(2.0) / d) ** (-1.0 / p["power"])


class Prentice:
    """The generalized gamma distribution by q and sigma, which scipy cannot say near q = 0.

    With w = log(y / scale) / sigma and k = 1 / q^2, k exp(q w) has a gamma distribution of shape k;
    the lognormal distribution, q = 0, is a limit.
    """

    @staticmethod
    def _gamma(y: np.ndarray, q: float, sigma: float, scale: float) -> tuple:
        """Return q, k and z = q w; nearer to the limit than 1e-4 a few hundred rows tell nothing."""
        q = np.copysign(max(abs(q), 1e-4), q)
        return q, 1.0 / q**2, q * np.log(y / scale) / sigma

    @classmethod
    def logpdf(cls, y: np.ndarray, q: float, sigma: float, loc: float, scale: float) -> np.ndarray:
        q, k, z = cls._gamma(y, q, sigma, scale)
        series = z * z * (0.5 + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z / 120.0)))
        fall = np.where(np.abs(z) < 1e-3, series, np.expm1(z) - z)
        # log |q| + k log k - k - log Gamma(k), by Stirling's series where it has all digits.
        if k > 1e3:
            norm = -0.5 * np.log(2.0 * np.pi) - 1.0 / (12.0 * k)
        else:
            norm = np.log(abs(q)) + k * np.log(k) - k - special.gammaln(k)
        return norm - np.log(sigma) - np.log(y) - k * fall

    @classmethod
    def sf(cls, y: np.ndarray, q: float, sigma: float, loc: float, scale: float) -> np.ndarray:
        q, k, z = cls._gamma(y, q, sigma, scale)
        return (special.gammaincc if q > 0 else special.gammainc)(k, k * np.exp(z))

    @classmethod
    def cdf(cls, y: np.ndarray, q: float, sigma: float, loc: float, scale: float) -> np.ndarray:
        return cls.sf(y, -q, -sigma, loc, scale)

    @classmethod
    def logsf(cls, *args: Any) -> np.ndarray:
        return np.log(cls.sf(*args))

    @classmethod
    def logcdf(cls, *args: Any) -> np.ndarray:
        return np.log(cls.cdf(*args))


def _from_scipy(a: float, c: float, loc: float, scale: float) -> Args:
    """Return q, sigma, loc and scale of scipy's gengamma."""
    q = np.copysign(1.0 / np.sqrt(a), c)
    sigma = q / c
    return q, sigma, loc, np.exp(np.log(scale) - 2.0 * sigma / q * np.log(abs(q)))


def _gengamma(rng: np.random.Generator, n: int, q: float, sigma: float, *rest: float) -> Any:
    k = 1.0 / q**2
    return np.exp(sigma / q * np.log(rng.gamma(k, size=n) / k))


CONTINUOUS: dict[str, Law] = {
    "normal": _law("norm", truths={"usual": (0.5, 1.0)}, **_places()),
    "logistic": _law("logistic", truths={"usual": (0.5, 1.0)}, **_places()),
    "laplace": _law("laplace", truths={"usual": (0.5, 1.0)}, **_places()),
    "gumbel": _law("gumbel_r", truths={"usual": (0.5, 1.0)}, **_places()),
    "gumbel_min": _law("gumbel_l", truths={"usual": (0.5, 1.0)}, **_places()),
    "cauchy": _law("cauchy", truths={"usual": (0.5, 1.0)}, **_places()),
    "student_t": _law(
        "t",
        lambda p: (p["df"], p["loc"], p["scale"]),
        "+r+",
        {f"df {df:g}": (df, 0.5, 1.0) for df in (4.0, 0.7, 200.0)},
        sizes=(20, 60, 1000),
        # Below this one row may have all of the likelihood.
        inside=lambda df, loc, scale: df > 0.1,
    ),
    "skew_normal": _law(
        "skewnorm",
        _skew,
        "rr+",
        {f"shape {a:g}": (a, 0.5, 1.0) for a in (3.0, 0.5, 20.0)},
        sizes=(60, 1000),
    ),
    "gev": _law(
        "genextreme",
        lambda p: (-p["shape"], p["loc"], p["scale"]),
        "rr+",
        {f"shape {-c:g}": (c, 0.5, 1.0) for c in (-0.2, 0.3, -0.9)},
        sizes=(60, 1000),
        inside=lambda c, loc, scale: c < 1.0,
    ),
    "exponentially_modified_normal": _law(
        "exponnorm",
        _exponnorm,
        "+r+",
        {f"shape {k:g}": (k, 0.5, 1.0) for k in (1.5, 0.3, 8.0)},
        sizes=(60, 1000),
    ),
    "pearson3": _law(
        "pearson3",
        lambda p: (p["skew"], p["loc"], p["scale"]),
        "rr+",
        {f"skew {s:g}": (s, 0.5, 1.0) for s in (0.8, -0.4, 0.05)},
        sizes=(60, 1000),
        inside=lambda skew, loc, scale: abs(skew) < 2.0,
    ),
    "exponential": _law("expon", lambda p: (0.0, 1.0 / p["rate"]), "=+", {"usual": (0.0, 1.0)}),
    "gamma": _scales("gamma", lambda p: (p["shape"], 0.0, p["scale"]), 2.5, 0.05, 3000.0),
    "weibull": _scales("weibull_min", lambda p: (p["shape"], 0.0, p["scale"]), 1.7, 0.15, 60.0),
    "lognormal": _scales("lognorm", lambda p: (p["shape"], 0.0, p["scale"]), 0.8, 6.0, 0.01),
    "inverse_gaussian": _scales(
        "invgauss", lambda p: (p["mean"] / p["shape"], 0.0, p["shape"]), 0.5, 30.0, 1e-3
    ),
    "inverse_gamma": _scales("invgamma", lambda p: (p["shape"], 0.0, p["scale"]), 3.0, 0.3, 500.0),
    "log_logistic": _scales("fisk", lambda p: (p["shape"], 0.0, p["scale"]), 2.5, 0.4, 50.0),
    "birnbaum_saunders": _scales(
        "fatiguelife", lambda p: (p["shape"], 0.0, p["scale"]), 0.5, 5.0, 0.01
    ),
    "nakagami": _scales("nakagami", lambda p: (p["shape"], 0.0, p["scale"]), 1.5, 0.06, 500.0),
    "rice": _scales("rice", _rice, 2.0, 0.3, 30.0, sizes=(60, 1000)),
    "lomax": _scales("lomax", _lomax, 3.0, 0.3, 60.0, sizes=(60, 1000)),
    "gompertz": _scales("gompertz", _gompertz, 0.3, 0.001, 5.0, sizes=(60, 1000)),
    "generalized_pareto": _law(
        "genpareto",
        lambda p: (p["shape"], 0.0, p["scale"]),
        "r=+",
        {f"shape {c:g}": (c, 0.0, 1.0) for c in (0.2, -0.3, 1.5)},
        sizes=(60, 1000),
        inside=lambda c, loc, scale: c > -1.0,
    ),
    "burr12": _law(
        "burr12",
        _burr,
        "++=+",
        {
            f"shapes {c:g}, {d:g}": (c, d, 0.0, 1.0)
            for c, d in ((3.0, 1.5), (0.5, 1.0), (3.0, 50.0))
        },
        sizes=(60, 1000),
    ),
    "exponentiated_weibull": _law(
        "exponweib",
        lambda p: (p["power"], p["shape"], 0.0, p["scale"]),
        "++=+",
        {
            f"shapes {a:g}, {c:g}": (a, c, 0.0, 1.0)
            for a, c in ((2.0, 1.5), (0.4, 0.8), (20.0, 0.7))
        },
        sizes=(60, 1000),
    ),
    "generalized_gamma": _law(
        "gengamma",
        lambda p: (p["q"], p["sigma"], 0.0, p["scale"]),
        "r+=+",
        {
            f"q {q:g}, sigma {sigma:g}": (q, sigma, 0.0, 1.0)
            for q, sigma in ((0.7, 0.5), (0.1, 0.3), (-1.0, 0.5))
        },
        sizes=(60, 1000),
        own=Prentice,
        read=_from_scipy,
        draw=_gengamma,
        inside=lambda q, sigma, loc, scale: sigma > 0.0 and scale > 0.0,
    ),
    "beta": Law(
        lambda p: (p["a"], p["b"], 0.0, 1.0),
        "++==",
        {
            f"shapes {a:g}, {b:g}": (a, b, 0.0, 1.0)
            for a, b in ((2.0, 3.5), (0.2, 0.3), (500.0, 2.0), (1e5, 1e5))
        },
        dist="beta",
        held={"floc": 0, "fscale": 1},
    ),
    "von_mises": Law(
        lambda p: (p["kappa"], p["loc"], 1.0),
        "+r=",
        {f"kappa {k:g}": (k, 0.5, 1.0) for k in (2.0, 0.05, 1e4)},
        dist="vonmises",
        held={"fscale": 1},
    ),
}

# ------------------------------------------------------------------------------------- of counts


def _nb(y: np.ndarray, mean: float, n: float) -> np.ndarray:
    """Negative binomial of a mean and n; the Poisson distribution far out, where n is not felt."""
    if n >= FAR:
        return stats.poisson.logpmf(y, mean)
    log = special.gammaln(y + n) - special.gammaln(n) - special.gammaln(y + 1.0)
    return log + special.xlogy(y, mean / (mean + n)) - n * np.log1p(mean / n)


def _gp(y: np.ndarray, mean: float, share: float) -> np.ndarray:
    """Consul's generalized Poisson distribution; the variance is mean / (1 - share)^2."""
    theta = mean * (1.0 - share)
    rate = theta + share * y
    return np.log(theta) + (y - 1.0) * np.log(rate) - rate - special.gammaln(y + 1.0)


def _zip(y: np.ndarray, zeros: float, rate: float) -> np.ndarray:
    log = np.log1p(-zeros) + stats.poisson.logpmf(y, rate)
    return np.where(y == 0, np.logaddexp(np.log(zeros), log), log)


def _mixed(rng: np.random.Generator, n: int, mean: float, size: float) -> np.ndarray:
    if size >= FAR:
        # Less variable than a Poisson distribution: the best law is the limit.
        return rng.binomial(round(2.0 * mean), 0.5, n)
    return rng.poisson(rng.gamma(size, mean / size, n))


def _branched(rng: np.random.Generator, n: int, mean: float, share: float) -> np.ndarray:
    """Ancestors and all who descend from them, each with a Poisson number of children."""
    total = born = rng.poisson(mean * (1.0 - share), n)
    while born.any():
        born = rng.poisson(share * born)
        total = total + born
    return total


COUNTS: dict[str, Law] = {
    "poisson": Law(
        lambda p: (p["rate"],),
        "+",
        {f"mean {m:g}": (m,) for m in (4.0, 0.3, 1e6)},
        dist="poisson",
        count=True,
    ),
    "geometric": Law(
        lambda p: (p["prob"], -1.0),
        "u=",
        {f"prob {q:g}": (q, -1.0) for q in (0.2, 0.9, 1e-5)},
        dist="geom",
        count=True,
    ),
    "negative_binomial": Law(
        lambda p: (p["mean"], min(p["n"], FAR)),
        "++",
        {
            "mean 5, n 2": (5.0, 2.0),
            "mean 0.5, n 0.2": (0.5, 0.2),
            "mean 1e4, n 0.5": (1e4, 0.5),
            "nearly Poisson": (5.0, 200.0),
            "less variable than Poisson": (5.0, FAR),
        },
        sizes=(20, 60, 1000),
        logp=_nb,
        draw=_mixed,
        count=True,
    ),
    "generalized_poisson": Law(
        lambda p: (p["mean"], p["dispersion"]),
        "+u",
        {
            f"mean {m:g}, dispersion {d:g}": (m, d)
            for m, d in ((5.0, 0.4), (0.5, 0.3), (300.0, 0.9))
        },
        sizes=(60, 1000),
        logp=_gp,
        draw=_branched,
        count=True,
    ),
    "zero_inflated": Law(
        lambda p: (p["zero_prob"], p["rate"]),
        "u+",
        {
            "30 % zeros, rate 3": (0.3, 3.0),
            "few counts": (0.5, 0.4),
            "large counts": (0.3, 1e4),
            "no extra zeros": (1e-9, 3.0),
        },
        sizes=(60, 1000),
        family=ZeroInflated("poisson"),
        logp=_zip,
        draw=lambda rng, n, zeros, rate: rng.poisson(rate, n) * (rng.random(n) >= zeros),
        count=True,
    ),
}

LAWS: dict[str, Law] = CONTINUOUS | COUNTS
