"""scipy's own distributions inside wrappers and options, against likelihoods written with scipy.

Every distribution of ``scipy.stats._distr_params`` is drawn from at its example shapes, and fitted
by ``from_scipy`` in one composition after the other. The best known log-likelihood is the largest
of natfit's and of simplex searches, from the truth and from natfit's end, on the likelihood that is
composed here of scipy's logpdf, cdf and sf::

    python tests/benchmarks/scipy_composed.py --rows 60 --seed 1
    python tests/benchmarks/scipy_composed.py --kind right,fixed --every 4

The words are those of ``scipy_families.py``, and ``wrong`` where natfit's log-likelihood is another
one than that of scipy at the same parameters.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, stats
from scipy_families import CLAIMS, SLACK, SLOW, UNTRUE, _chart, cases, family_of, limited

import natfit
from natfit.distributions import Censored, Mixture, Scaled, Shifted, Truncated, ZeroInflated

#: Distance to which Shifted moves the rows, and the true scale of a continuous distribution.
MOVED, SCALE = 5.0, 2.0

CONTINUOUS = (
    *("plain", "right", "left", "interval", "truncated", "shifted", "scaled"),
    *("mixture", "fixed", "bounds", "prior"),
)
DISCRETE = (
    "plain",
    "right",
    "interval",
    "truncated",
    "zero_inflated",
    "mixture",
    "bounds",
    "prior",
)

Law = Callable[..., np.ndarray]


class Case(NamedTuple):
    """One distribution in one composition.

    Attributes
    ----------
    family : Distribution
        What is fitted.
    rows : array-like
        To what.
    options : dict
        Options of the fit.
    loglik : callable
        ``loglik(native) -> float`` of native values by name, by scipy.
    truth : dict
        A start of the simplex search, native values by name.
    """

    family: Any
    rows: Any
    options: dict[str, Any]
    loglik: Callable[[dict[str, Any]], float]
    truth: dict[str, Any]


class Laws:
    """The log-density, cdf and sf of a distribution of scipy, of native values by name."""

    def __init__(self, dist: Any, family: Any):
        self.dist, self.family = dist, family
        self.log_name = "logpmf" if hasattr(dist, "logpmf") else "logpdf"

    def _of(self, name: str, y: Any, native: dict[str, Any]) -> Any:
        known = {**native, **(self.family.fixed or {})}
        shapes = [known[i.name] for i in self.dist._shape_info()]
        where = {k: known[k] for k in ("loc", "scale") if k in known}
        return getattr(self.dist, name)(y, *shapes, **where)

    def log(self, y: Any, native: dict[str, Any]) -> np.ndarray:
        """Log-density of each row."""
        return self._of(self.log_name, y, native)

    def between(self, low: Any, high: Any, native: dict[str, Any]) -> np.ndarray:
        """Probability of low < Y <= high, from the tails that lose fewer digits."""
        low, high = np.broadcast_arrays(low, high)
        below = self._of("cdf", high, native) - self._of("cdf", low, native)
        above = self._of("sf", low, native) - self._of("sf", high, native)
        return np.where(self._of("cdf", low, native) < 0.5, below, above)


def compose(kind: str, dist: Any, shapes: tuple, args: argparse.Namespace) -> Case | None:
    """Return the case; None where the composition does not exist for the distribution."""
    rng = np.random.default_rng([args.seed, 17])
    discrete = hasattr(dist, "logpmf")
    family = family_of(dist, shapes, "discrete" if discrete else "scale")
    law = Laws(dist, family)
    where = {} if discrete else {"scale": SCALE}
    y = np.asarray(dist.rvs(*shapes, **where, size=args.rows, random_state=rng), dtype=float)
    names = [i.name for i in dist._shape_info()]
    truth = {k: v for k, v in zip(names, shapes, strict=True) if k in family.params} | where
    plain = Case(family, y, {}, lambda v: law.log(y, v).sum(), truth)
    if kind == "plain":
        return plain
    if kind in ("right", "left", "interval"):
        return _censored(kind, plain, law, y, discrete)
    made = globals()[f"_{kind}"]
    return made(plain, law, y, discrete)


def _censored(kind: str, plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case:
    low, high = y.copy(), y.copy()
    if kind == "right":
        end = np.quantile(y, 0.7, method="inverted_cdf")
        low, high = np.minimum(y, end), np.where(y >= end, np.inf, y)
    elif kind == "left":
        end = np.quantile(y, 0.3, method="inverted_cdf")
        low, high = np.where(y <= end, -np.inf, y), np.maximum(y, end)
    else:
        inner = np.quantile(y, np.linspace(0.1, 0.9, 7), method="inverted_cdf")
        if discrete:
            edges = np.unique(inner)
            at = np.searchsorted(edges, y)
            low = np.concatenate([[-np.inf], edges + 1.0])[at]
            high = np.concatenate([edges, [np.inf]])[at]
        else:
            edges = np.concatenate([[-np.inf], np.unique(inner), [np.inf]])
            at = np.searchsorted(edges, y)
            low, high = edges[at - 1], edges[at]
    exact = low == high
    step = float(discrete)
    under, over, known = low[~exact] - step, high[~exact], y[exact]

    def loglik(v: dict[str, Any]) -> float:
        return law.log(known, v).sum() + np.log(law.between(under, over, v)).sum()

    return plain._replace(rows=Censored(low, high), loglik=loglik)


def _truncated(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case:
    low, high = np.quantile(y, [0.05, 0.9], method="inverted_cdf")
    if high <= low:
        return None
    inside = y[(y >= low) & (y <= high)]
    step = float(discrete)
    return plain._replace(
        family=Truncated(plain.family, low, high),
        rows=inside,
        loglik=lambda v: (
            law.log(inside, v).sum() - len(inside) * np.log(law.between(low - step, high, v))
        ),
    )


def _shifted(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case:
    return plain._replace(
        family=Shifted(plain.family),
        rows=y + MOVED,
        loglik=lambda v: law.log(y + MOVED, v).sum(),
        truth={"loc": MOVED, **plain.truth},
    )


def _scaled(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case | None:
    inner = type(plain.family)(plain.family.dist, fixed=plain.family.fixed)
    if not inner.params:
        return None
    family = Scaled(inner)
    unit = next(iter(family.params))
    rest = {k: v for k, v in plain.truth.items() if k != "scale"}

    def loglik(v: dict[str, Any]) -> float:
        v = {**v, "scale": v[unit]}
        return law.log(y, {k: x for k, x in v.items() if k != unit or k == "scale"}).sum()

    return plain._replace(family=family, loglik=loglik, truth={unit: SCALE, **rest})


def _mixture(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case:
    other = "poisson" if discrete else "gumbel"
    rng = np.random.default_rng(5)
    more = rng.poisson(9.0, len(y) // 2) if discrete else rng.gumbel(0.0, 1.0, len(y) // 2)
    spread = 1.0 if discrete else float(np.subtract(*np.quantile(y, [0.9, 0.1])))
    centre = 0.0 if discrete else float(np.quantile(y, 0.5))
    both = np.concatenate([y, centre + spread * (more + 3.0 * (not discrete))])
    family = Mixture([plain.family, other])

    def loglik(v: dict[str, Any]) -> float:
        share = v["weights"]
        inner = {k.removesuffix("_0"): x for k, x in v.items() if k.endswith("_0")}
        if discrete:
            log = stats.poisson.logpmf(both, v["rate_1"])
        else:
            log = stats.gumbel_r.logpdf(both, v["loc_1"], v["scale_1"])
        mixed = np.logaddexp(np.log(share) + law.log(both, inner), np.log1p(-share) + log)
        return mixed.sum()

    truth = {"weights": 2 / 3, **{f"{k}_0": v for k, v in plain.truth.items()}}
    truth |= {"rate_1": 9.0} if discrete else {"loc_1": centre + 3.0 * spread, "scale_1": spread}
    return plain._replace(family=family, rows=both, loglik=loglik, truth=truth)


def _zero_inflated(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case | None:
    if plain.family.support is None or plain.family.support.low != 0.0:
        return None
    rows = np.concatenate([y, np.zeros(len(y) // 3)])
    family = ZeroInflated(plain.family)
    name = next(iter(family.params))

    def loglik(v: dict[str, Any]) -> float:
        inner = {k: x for k, x in v.items() if k != name}
        log = law.log(rows, inner)
        mixed = np.where(
            rows == 0,
            np.logaddexp(np.log(v[name]), np.log1p(-v[name]) + log),
            np.log1p(-v[name]) + log,
        )
        return mixed.sum()

    return plain._replace(family=family, rows=rows, loglik=loglik, truth={name: 0.2, **plain.truth})


def _fixed(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case | None:
    names = list(plain.family.params)
    if len(names) < 2:
        return None
    known = {names[0]: float(plain.truth[names[0]])}
    return plain._replace(options={"fixed": known})


def _bounds(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case:
    name = list(plain.family.params)[0]
    value = float(plain.truth[name])
    limits = (value - 0.2 * abs(value), value + 0.2 * abs(value)) if value else (-0.1, 0.1)
    return plain._replace(options={"bounds": {name: limits}})


def _prior(plain: Case, law: Laws, y: np.ndarray, discrete: bool) -> Case | None:
    name = list(plain.family.params)[-1]
    if name in plain.family._whole:
        return None
    value = float(plain.truth[name])
    low, high = plain.family.params[name].native_bounds
    density = stats.norm(value, 0.3 * abs(value) or 1.0)
    if np.isfinite(low) and np.isfinite(high):
        density = stats.uniform(low, high - low)
    elif np.isfinite(low):
        density = stats.gamma(5.0, loc=low, scale=(value - low) / 4.0)
    inside = plain.loglik
    return plain._replace(
        options={"prior": {name: density}}, loglik=lambda v: inside(v) + density.logpdf(v[name])
    )


def charts(case: Case, dist: Any) -> dict[str, tuple[Callable, Callable]]:
    """Return maps of each free parameter to the line and back."""
    infos = {i.name: i for i in dist._shape_info()}
    infos |= {f"{k}_0": i for k, i in infos.items()}
    out = {}
    for name in case.truth:
        if name in case.options.get("fixed", {}) or (name in infos and infos[name].integrality):
            continue
        if name in case.options.get("bounds", {}):
            low, high = case.options["bounds"][name]
            out[name] = (
                lambda v, a=low, b=high: np.arcsin(np.clip(2 * (v - a) / (b - a) - 1, -1, 1)),
                lambda u, a=low, b=high: a + (b - a) * 0.5 * (1 + np.sin(u)),
            )
        elif name in infos:
            out[name] = _chart(infos[name])
        elif name.startswith("loc"):
            out[name] = (lambda v: v, lambda u: u)
        elif name.startswith(("zero", "weights")):
            out[name] = (lambda v: np.log(v / (1 - v)), lambda u: 1 / (1 + np.exp(-u)))
        else:
            out[name] = (np.log, lambda u: np.exp(min(u, 700.0)))
    return out


def simplex(case: Case, dist: Any, start: dict[str, Any]) -> float:
    """Return the log-likelihood that a simplex search reaches from native values."""
    maps = charts(case, dist)
    rest = {k: v for k, v in start.items() if k not in maps}

    def lower(u: np.ndarray) -> float:
        v = {**rest, **{k: maps[k][1](x) for k, x in zip(maps, u, strict=True)}}
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = -float(case.loglik(v))
        return value if np.isfinite(value) else 1e12

    with np.errstate(all="ignore"):
        u = np.array([float(maps[k][0](start[k])) for k in maps])
    if not len(u):
        return -lower(u)
    if not np.isfinite(u).all():
        return -np.inf
    for _ in range(3):
        options = {"maxfev": 250 * (len(u) + 1), "xatol": 1e-9, "fatol": 1e-10, "adaptive": True}
        found = optimize.minimize(lower, u, method="Nelder-Mead", options=options)
        gained, u = lower(u) - found.fun, found.x
        if gained < 1e-9:
            break
    return -lower(u)


def judged(case: Case, dist: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Fit and compare."""
    began = time.process_time()
    out: dict[str, Any] = {"status": "raised", "message": "", "word": "raises", "values": {}}
    try:
        with limited(args.patience), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = natfit.fit(case.family, case.rows, **case.options)
    except TimeoutError:
        return out | {"word": "slow", "seconds": time.process_time() - began}
    except Exception as error:
        if args.trace:
            raise
        return out | {
            "message": f"{type(error).__name__}: {error}",
            "seconds": time.process_time() - began,
        }
    seconds = time.process_time() - began
    native = {k: float(np.ravel(v)[0]) for k, v in model.params_.items()}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        here = float(case.loglik(native)) if case.loglik else np.nan
        rows = case.rows if isinstance(case.rows, Censored) else np.reshape(case.rows, (-1, 1))
        own = model.score(rows) * len(case.rows)
        for name, density in case.options.get("prior", {}).items():
            own += float(density.logpdf(native[name]))
    others = []
    if case.loglik:
        try:
            with limited(args.patience):
                others = [simplex(case, dist, case.truth), simplex(case, dist, native)]
        except TimeoutError:
            others = others or [-np.inf]
    best = max([here, *others])
    gap = best - here if np.isfinite(here) else np.nan
    status = str(model.status_)
    word = "right" if gap <= SLACK else f"low by {gap:.2g}"
    if status in CLAIMS and not gap <= UNTRUE:
        word = "untruthful"
    if status == "unbounded" or "is infinite" in model.message_:
        word = "right" if gap > 0.1 else "unbounded?"
    if case.loglik and not abs(here - own) < 1e-5 * (1 + abs(own)):
        word = "wrong"
    return {
        "status": status,
        "message": model.message_,
        "word": word,
        "values": native,
        "seconds": seconds,
        "gap": gap,
        "others": [round(v - here, 7) for v in others],
        "own": own - here,
    }


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--kind", default="", help="compositions, with commas between them")
    parser.add_argument("--only", default="", help="labels, with commas between them")
    parser.add_argument("--every", type=int, default=1, help="every so many entries of the table")
    parser.add_argument("--first", type=int, default=0, help="the first entry")
    parser.add_argument("--mode", choices=("scale", "discrete", "all"), default="all")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds for one fit")
    parser.add_argument("--trace", action="store_true", help="let errors through")
    args = parser.parse_args()
    for mode in ("scale", "discrete") if args.mode == "all" else (args.mode,):
        kinds = DISCRETE if mode == "discrete" else CONTINUOUS
        words: dict[str, Counter] = {}
        for label, dist, shapes in cases(mode)[args.first :: args.every]:
            if dist.name in SLOW or args.only and label not in args.only.split(","):
                continue
            for kind in args.kind.split(",") if args.kind else kinds:
                if kind not in kinds:
                    continue
                try:
                    case = compose(kind, dist, shapes, args)
                except Exception as error:
                    if args.trace:
                        raise
                    print(f"{label:18s} {kind:13s} not composed: {type(error).__name__} {error}")
                    continue
                if case is None:
                    continue
                found = judged(case, dist, args)
                words.setdefault(kind, Counter())[found["word"].split(" by")[0]] += 1
                told = found["word"] != "right"
                print(
                    f"{label:18s} {kind:13s} {found['word']:14s} {found['status']:14s} "
                    f"{found['seconds']:6.2f} s {found.get('others')}"
                    + (
                        f" own {found.get('own')} {found['message'][:150]} {found['values']}"
                        if told
                        else ""
                    ),
                    flush=True,
                )
        for kind, counts in words.items():
            print(f"{mode} {kind}: {dict(counts)}")


if __name__ == "__main__":
    main()
