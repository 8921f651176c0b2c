"""The table of scipy's own distributions: how many fits reach the best known likelihood.

Every distribution of ``scipy.stats._distr_params`` is drawn from at its example shapes and fitted
by ``from_scipy``. The best known log-likelihood is the largest of three: scipy's own fit, a
simplex search from the true parameters on scipy's log-density, and natfit's fit. A value does not
count if the function has more than all of the mass, or if its likelihood grows without limit on the
way of an end of the support to a row, where it ended by rounding::

    python tests/benchmarks/scipy_families.py --seed 1 --rows 300 --scale 2
    python tests/benchmarks/scipy_families.py --mode location --only gamma,beta

Modes: ``scale`` (shapes and scale are free), ``location`` (the location too), ``discrete`` (the
shapes). Whole-numbered shapes are held at the truth, unless a discrete distribution has no others:
then the profile over them is searched. The word for a fit is one of

- ``right``: it is within 1e-6 nats of the best known value, or it says that the density is infinite
  at an end of the support, and the likelihood is seen to grow on the way to this end;
- ``low by x``: it is x nats below the best known value, and does not claim otherwise;
- ``untruthful``: it claims an optimum (``converged``, ``rounding_floor``, ``boundary``) more than
  1e-4 nats below the best known value, or a growth that is not seen;
- ``raises``, and ``slow`` if it takes longer than ``--patience``.

The results of the two others are kept in ``--cache``, because most of the time is theirs.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import optimize, stats
from scipy.stats._distr_params import distcont, distdiscrete

import natfit
from natfit.distributions import from_scipy

#: Log-densities that take seconds for a few hundred rows.
SLOW = ("levy_stable", "studentized_range")

#: Accepted distance to the best known value, in nats, and the distance from which a verdict that
#: claims an optimum is untruthful.
SLACK, UNTRUE = 1e-6, 1e-4

#: Ends of supports that scipy does not state.
UNDECLARED = {
    "pearson3": lambda skew: (
        -2.0 / skew if skew > 0 else -np.inf,
        -2.0 / skew if skew < 0 else np.inf,
    )
}
CLAIMS = ("converged", "rounding_floor", "boundary", "gradient_small")


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block after some seconds of processor time."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def cases(mode: str) -> list[tuple[str, Any, tuple]]:
    """Return a label, the distribution and its example shapes, for each entry of scipy's table."""
    table = distdiscrete if mode == "discrete" else distcont
    seen: dict[str, int] = {}
    out = []
    for name, shapes in table:
        seen[name] = seen.get(name, 0) + 1
        label = name if seen[name] == 1 else f"{name}_{seen[name]}"
        out.append((label, getattr(stats, name), tuple(shapes)))
    return out


def draw(dist: Any, shapes: tuple, mode: str, args: argparse.Namespace) -> np.ndarray:
    """Return the rows (N,)."""
    rng = np.random.default_rng(args.seed)
    if mode == "discrete":
        return np.asarray(dist.rvs(*shapes, size=args.rows, random_state=rng), dtype=float)
    return np.asarray(dist.rvs(*shapes, scale=args.scale, size=args.rows, random_state=rng))


def loglik(dist: Any, y: np.ndarray, values: tuple) -> float:
    """Return the log-likelihood of scipy's own density, -inf where it is not a number."""
    log = dist.logpmf if hasattr(dist, "logpmf") else dist.logpdf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        total = float(np.sum(log(y, *values)))
        if np.isnan(total) or (hasattr(dist, "logpdf") and not believable(dist, y, values, total)):
            return -np.inf
    return total


def believable(dist: Any, y: np.ndarray, values: tuple, total: float, strict: bool = False) -> bool:
    """Tell whether a log-likelihood above that of the spacings of the rows is one of a density.

    scipy's formulas may lose all digits: what is left may be any number. Between the rows the
    function is integrated by Gauss's rule; a density has a mass of at most one, and twice that
    allows for peaks at rows. With ``strict`` all values are checked, against 1.05.
    """
    rows = np.unique(y[np.isfinite(y)])
    gaps = np.diff(rows)
    level = -np.sum(np.log(len(y) * gaps)) * len(y) / max(len(gaps), 1)
    if len(rows) < 8 or not (strict or total > level):
        return True
    nodes, weights = np.polynomial.legendre.leggauss(3)
    inside = rows[:-1, None] + gaps[:, None] * (0.5 + 0.5 * nodes)
    with np.errstate(all="ignore"):
        mass = np.exp(dist.logpdf(inside, *values)) @ (0.5 * weights) @ gaps
    return bool(mass <= (1.05 if strict else 2.0))


# --------------------------------------------------------------------------------- the two others


def _chart(info: Any) -> tuple[Callable, Callable]:
    """Return the maps of a shape to the line and back."""
    low, high = info.domain
    if np.isfinite(low) and np.isfinite(high):
        return (
            lambda v: np.log((v - low) / (high - v)),
            lambda u: low + (high - low) / (1 + np.exp(-u)),
        )
    if np.isfinite(low):
        return lambda v: np.log(max(v - low, 1e-12)), lambda u: low + np.exp(min(u, 700.0))
    return lambda v: v, lambda u: u


def simplex(dist: Any, y: np.ndarray, shapes: tuple, mode: str, scale: float) -> float:
    """Return the log-likelihood that simplex searches reach from the truth; whole numbers held."""
    infos = dist._shape_info() if hasattr(dist, "_shape_info") else []
    vector = bool(shapes) and np.ndim(shapes[0]) > 0
    if vector:
        shapes, infos = tuple(shapes[0]), [SimpleNamespace(domain=(0, 1), integrality=False)]
        infos *= len(shapes)
    free = [i for i, info in enumerate(infos) if not info.integrality]
    charts = [_chart(infos[i]) for i in free]
    start = [charts[k][0](shapes[i]) for k, i in enumerate(free)]
    discrete = mode == "discrete"
    start += [] if discrete else [np.log(scale)]
    start += [0.0] if mode == "location" else []
    if not start:
        return loglik(dist, y, shapes)

    def values(u: np.ndarray) -> tuple:
        out = list(shapes)
        for k, i in enumerate(free):
            out[i] = charts[k][1](u[k])
        if discrete:
            return (np.array(out),) if vector else tuple(out)
        return (*out, u[-1] * scale if mode == "location" else 0.0, np.exp(u[len(free)]))

    def lower(u: np.ndarray) -> float:
        value = -loglik(dist, y, values(u))
        return value if np.isfinite(value) else 1e12

    u = np.array(start, dtype=float)
    for _ in range(4):
        options = {"maxfev": 400 * (len(u) + 1), "xatol": 1e-9, "fatol": 1e-10, "adaptive": True}
        found = optimize.minimize(lower, u, method="Nelder-Mead", options=options)
        gained, u = lower(u) - found.fun, found.x
        if gained < 1e-9:
            break
    return -lower(u) if discrete or counts(dist, y, values(u)) else -np.inf


def scipys(dist: Any, y: np.ndarray, shapes: tuple, mode: str) -> float:
    """Return the log-likelihood of scipy's own fit; -inf where it fails or there is none."""
    if mode == "discrete":
        return -np.inf
    held = {} if mode == "location" else {"floc": 0.0}
    infos = dist._shape_info() if hasattr(dist, "_shape_info") else []
    held |= {f"f{i.name}": s for i, s in zip(infos, shapes, strict=False) if i.integrality}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = dist.fit(y, **held)
            return loglik(dist, y, found) if counts(dist, y, found) else -np.inf
    except TimeoutError:
        raise
    except Exception:
        return -np.inf


def peers(label: str, dist: Any, shapes: tuple, y: np.ndarray, mode: str, args: Any) -> list[float]:
    """Return the log-likelihoods of scipy's fit and of the simplex search, from the cache."""
    key = f"{mode}-{label}-{args.seed}-{args.rows}-{args.scale:g}.json"
    file = Path(args.cache) / key
    if file.exists():
        return json.loads(file.read_text())
    out = []
    for call in (
        lambda: scipys(dist, y, shapes, mode),
        lambda: simplex(dist, y, shapes, mode, args.scale),
    ):
        try:
            with limited(args.patience):
                out.append(call())
        except TimeoutError:
            out.append(-np.inf)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(out))
    return out


# ------------------------------------------------------------------------------------------ natfit


def family_of(dist: Any, shapes: tuple, mode: str) -> Any:
    """Return the family that is fitted; whole numbers are held beside other parameters."""
    infos = dist._shape_info() if hasattr(dist, "_shape_info") else []
    held = {i.name: s for i, s in zip(infos, shapes, strict=False) if i.integrality}
    if mode == "discrete" and len(held) == len(infos):
        held = {"n": len(shapes[0])} if np.ndim(shapes[0]) else {}
    if mode == "discrete":
        return from_scipy(dist, **held)
    return from_scipy(dist, scale=True, loc=mode == "location", **held)


def fitted(label: str, dist: Any, shapes: tuple, y: np.ndarray, mode: str, args: Any) -> dict:
    """Return natfit's log-likelihood, computed by scipy, its status, message and seconds."""
    out: dict[str, Any] = {"value": -np.inf, "status": "raised", "message": "", "values": ()}
    began = time.process_time()
    try:
        with limited(args.patience), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            family = family_of(dist, shapes, mode)
            model = natfit.fit(family, y)
            frozen = model.distribution_.counterpart(model._eta[0])
            log = frozen.logpmf if mode == "discrete" else frozen.logpdf
            with np.errstate(all="ignore"):
                value = float(np.sum(log(y)))
            # A value of what is no density is none.
            if mode != "discrete" and not believable(frozen, y, (), value, strict=True):
                value = -np.inf
            out |= {
                "value": value,
                "status": str(model.status_),
                "message": model.message_,
                "values": {k: np.ravel(v).tolist() for k, v in model.params_.items()},
                "n_iter": model.n_iter_,
            }
    except TimeoutError as error:
        out |= {"status": "timeout", "message": str(error)}
    except Exception as error:
        out |= {"message": f"{type(error).__name__}: {error}"}
        if args.trace:
            raise
    return out | {"seconds": time.process_time() - began}


def grows(dist: Any, y: np.ndarray, values: dict, message: str) -> bool:
    """Tell whether the likelihood grows without limit as a named end tends to the outermost row.

    Or as the scale tends to zero, or the location to the row nearest to it, if that is named.

    The end is moved away from the row by the location, or else by the scale. Where the density is
    infinite, each factor by which the distance falls adds the same to the log-likelihood, once the
    distance is small beside those of the other rows.
    """
    native = {k: float(np.ravel(v)[0]) for k, v in values.items()}
    loc, scale = native.pop("loc", None), native.pop("scale", 1.0)
    infos = dist._shape_info() if hasattr(dist, "_shape_info") else []
    shapes = [native[info.name] for info in infos if info.name in native]
    if len(shapes) < len(infos):
        return False
    if "scale -> 0" in message:
        at = 0.0 if loc is None else loc
        with np.errstate(all="ignore"):
            sums = [dist.logpdf(y, *shapes, at, scale * f).sum() for f in (1, 1e-2, 1e-4)]
        return bool(np.all(np.diff(sums) > len(y)))
    low, high = UNDECLARED.get(dist.name, dist.support)(*shapes)
    lower = "the lower end" in message and np.isfinite(low)
    upper = "the upper end" in message and np.isfinite(high)
    likelihoods = []
    for gap in (np.ptp(y) or 1.0) * np.array([1e-4, 1e-6, 1e-8, 1e-10]):
        bottom, top = y.min() - gap, y.max() + gap
        if "at the row" in message and loc is not None:
            likelihoods.append(loglik(dist, y, (*shapes, y[np.argmin(abs(y - loc))] + gap, scale)))
            continue
        if loc is None:
            end, goal = (low, bottom) if lower and low else (high, top)
            where = (0.0, goal / end if (lower or upper) and end else scale)
        elif lower and upper:
            width = (top - bottom) / (high - low)
            where = (bottom - width * low, width)
        else:
            where = (bottom - scale * low if lower else top - scale * high, scale)
        likelihoods.append(loglik(dist, y, (*shapes, *where)) if lower or upper else np.nan)
    with np.errstate(invalid="ignore"):
        gains = np.diff(likelihoods)
    return bool(np.isfinite(gains).all() and (gains > 0.01).all() and gains[-1] > 0.5 * gains[-2])


def counts(dist: Any, y: np.ndarray, values: tuple) -> bool:
    """Tell whether the likelihood at parameters is that of a density, and on no endless way."""
    return believable(dist, y, values, 0.0, strict=True) and not endless(dist, y, values)


def endless(dist: Any, y: np.ndarray, values: tuple) -> bool:
    """Tell whether parameters are on the way to an infinite likelihood: an end meets a row there.

    Or the location does, where the density is infinite at it.

    How far a search has come on this way is an accident of rounding, and no maximum.
    """
    native = dict(zip((i.name for i in dist._shape_info()), values, strict=False))
    native |= {"loc": values[-2], "scale": values[-1]}
    low, high = dist.support(*values)
    near = 1e-3 * np.ptp(y)
    gaps = {
        "the lower end": y.min() - low,
        "the upper end": high - y.max(),
        "at the row": np.abs(y - values[-2]).min(),
    }
    return any(gap < near and grows(dist, y, native, side) for side, gap in gaps.items())


def judged(found: dict, others: list[float], dist: Any, y: np.ndarray) -> dict:
    """Add the gap to the best known value, and the word for the fit."""
    best = max(*others, found["value"])
    gap = 0.0 if best == found["value"] else best - found["value"]
    claims = found["status"] == "unbounded" or "is infinite" in found["message"]
    infinite = claims and grows(dist, y, found["values"], found["message"])
    if found["status"] == "timeout":
        word = "slow"
    elif found["status"] == "raised":
        word = "raises"
    elif claims and not infinite:
        word = "untruthful"
    elif infinite or gap <= SLACK:
        word = "right"
    else:
        word = "untruthful" if found["status"] in CLAIMS and gap > UNTRUE else f"low by {gap:.2g}"
    return found | {"gap": gap, "word": word, "others": others}


def table(mode: str, args: argparse.Namespace) -> None:
    """Print a line for each distribution, and the counts."""
    rows = []
    for label, dist, shapes in cases(mode):
        if dist.name in SLOW and not args.slow or args.only and label not in args.only.split(","):
            continue
        y = draw(dist, shapes, mode, args)
        known = peers(label, dist, shapes, y, mode, args)
        found = judged(fitted(label, dist, shapes, y, mode, args), known, dist, y)
        rows.append(found)
        told = args.verbose or found["word"] != "right"
        print(
            f"{label:20s} {found['word']:16s} {found['status']:14s} {found['seconds']:6.2f} s, "
            f"others {[round(v - found['value'], 7) for v in known]}"
            + (f" {found['message'][:140]} {found['values']}" if told else ""),
            flush=True,
        )
    if rows:
        summarised(mode, args, rows)


def summarised(mode: str, args: argparse.Namespace, rows: list[dict]) -> None:
    """Print the counts of words and statuses."""
    theirs = sum(max(*r["others"], r["value"]) - r["others"][0] <= SLACK for r in rows)
    words, counts = (Counter(r[k].split(" by ")[0] for r in rows) for k in ("word", "status"))
    seconds = sorted(r["seconds"] for r in rows)
    print(
        f"{mode}, seed {args.seed}, {args.rows} rows, scale {args.scale:g}: {words['right']} of "
        f"{len(rows)} right (scipy {theirs}); {dict(words)}; {dict(counts)}; median "
        f"{seconds[len(rows) // 2]:.2f} s, all {sum(seconds):.0f} s"
    )


def main() -> None:
    """Read the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--scale", type=float, default=2.0)
    parser.add_argument("--mode", choices=("scale", "location", "discrete", "all"), default="all")
    parser.add_argument("--only", default="", help="labels, with commas between them")
    parser.add_argument("--slow", action="store_true", help="the slow ones too")
    parser.add_argument("--patience", type=float, default=20.0, help="seconds for one fit")
    parser.add_argument("--cache", default=".benchmarks/scipy_families")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--trace", action="store_true", help="let errors through")
    args = parser.parse_args()
    for mode in ("scale", "location", "discrete") if args.mode == "all" else (args.mode,):
        table(mode, args)


if __name__ == "__main__":
    main()
