"""scipy's distributions under censoring, wrappers and options, against brute force with scipy.

The shapes are those of scipy's own table of examples, ``scipy.stats._distr_params``. The oracle is
a simplex search from the truth on a likelihood composed of scipy's logpdf, cdf and sf. The script
``tests/benchmarks/scipy_composed.py`` does so for the whole table.
"""

import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.stats import _distr_params as table
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Censored, Shifted, Truncated, from_scipy

ROWS, SCALE, MOVED = 60, 2.0, 5.0
KINDS = ("right", "interval", "truncated", "shifted", "fixed", "bounds")
#: Those whose density is positive at an end of the support: where rows are censored, the end is held
#: at a row, or is free, or both are tried.
ENDED = {
    "uniform": ("right", "left", "interval", "shifted", "shifted right", "shifted interval"),
    "pareto": ("right", "left", "interval", "shifted"),
    "powerlaw": ("right", "left", "interval"),
    "expon": ("shifted", "shifted right", "shifted left"),
    "halfnorm": ("shifted", "shifted right"),
}
#: Those whose shapes are positive numbers, or that have none.
CONTINUOUS = ("fisk", "gamma", "gumbel_r", "invgamma", "laplace", "logistic", "lognorm", "norm")
DISCRETE = ("geom", "poisson")
#: A location is for densities on the positive numbers, and for counts there is none.
UNSHIFTED = ("gumbel_r", "laplace", "logistic", "norm", *DISCRETE)
#: Those with one parameter leave nothing free beside one that is fixed.
SINGLE = ("gumbel_r", "laplace", "logistic", "norm", *DISCRETE)
#: The quadrature over a window, or the sum over one that does not end, takes seconds.
LONG = {("invgamma", "truncated"), ("poisson", "interval")}
CASES = [
    (name, kind)
    for name in CONTINUOUS + DISCRETE
    for kind in KINDS
    if not (kind == "shifted" and name in UNSHIFTED)
    and not (kind == "fixed" and name in SINGLE)
    and (name, kind) not in LONG
] + [(name, kind) for name, kinds in ENDED.items() for kind in kinds]


def drawn(name):
    """The distribution, its native values and rows of it."""
    dist = getattr(stats, name)
    shapes = next(
        tuple(args) for label, args in table.distcont + table.distdiscrete if label == name
    )
    truth = dict(zip((dist.shapes or "").replace(",", " ").split(), shapes, strict=True))
    if name not in DISCRETE:
        truth["scale"] = SCALE
    y = dist.rvs(**truth, size=ROWS, random_state=np.random.default_rng(1)).astype(float)
    return dist, truth, y


def edged(kind, y, step):
    """Ends (n,) of rows of which only a part is known, and what lies below each."""
    low, high = y.copy(), y.copy()
    if kind == "left":
        end = np.quantile(y, 0.3, method="inverted_cdf")
        low, high = np.where(y <= end, -np.inf, y), np.maximum(y, end)
    if kind == "right":
        end = np.quantile(y, 0.7, method="inverted_cdf")
        low, high = np.minimum(y, end), np.where(y >= end, np.inf, y)
    elif kind == "interval":
        edges = np.unique(np.quantile(y, np.linspace(0.1, 0.9, 7), method="inverted_cdf"))
        at = np.searchsorted(edges, y)
        low = np.concatenate([[-np.inf], edges + step])[at]
        high = np.concatenate([edges, [np.inf]])[at]
    return low, high


def log_probability(dist, low, high, native):
    """log P(low < Y <= high), from the tails that lose fewer digits."""
    below = dist.cdf(high, **native) - dist.cdf(low, **native)
    above = dist.sf(low, **native) - dist.sf(high, **native)
    return np.log(np.maximum(below, above))


def composed(name, kind):
    """What is fitted, to which rows, with which options, scipy's log-likelihood and the truth."""
    dist, truth, y = drawn(name)
    discrete = name in DISCRETE
    step, density = float(discrete), dist.logpmf if discrete else dist.logpdf
    family = from_scipy(dist, scale=not discrete)
    options = {}

    def plain(native):
        return density(y, **native).sum()

    moved = kind.startswith("shifted")
    if moved:
        y, family, truth = y + MOVED, Shifted(family), {"loc": MOVED, **truth}
    kind = kind.removeprefix("shifted ")
    if kind in ("right", "left", "interval"):
        low, high = edged(kind, y, step)
        some, exact = low != high, y[low == high]

        def censored(native):
            part = log_probability(dist, low[some] - step, high[some], native).sum()
            return density(exact, **native).sum() + part

        return family, Censored(low, high), options, censored, truth
    if kind == "truncated":
        low, high = np.quantile(y, [0.05, 0.9], method="inverted_cdf")
        inside = y[(y >= low) & (y <= high)]

        def truncated(native):
            window = log_probability(dist, low - step, high, native)
            return density(inside, **native).sum() - len(inside) * window

        return Truncated(family, low, high), inside, options, truncated, truth
    if moved:
        return family, y, options, plain, truth
    first = next(iter(truth))
    if kind == "fixed":
        options["fixed"] = {first: truth[first]}
    else:
        options["bounds"] = {first: (0.8 * truth[first], 1.2 * truth[first])}
    return family, y, options, plain, truth


def brute(loglik, truth, options):
    """The largest log-likelihood that a simplex search over native values finds."""
    free = [k for k in truth if k not in options.get("fixed", {})]
    ends = [
        options.get("bounds", {}).get(k, (-np.inf if k == "loc" else 1e-9, np.inf)) for k in free
    ]
    known = {k: v for k, v in truth.items() if k not in free}

    def lower(values):
        with np.errstate(all="ignore"):
            found = -loglik({**known, **dict(zip(free, values, strict=True))})
        return found if np.isfinite(found) else 1e12

    at = np.array([truth[k] for k in free])
    for _ in range(2):
        found = optimize.minimize(
            lower, at, method="Nelder-Mead", bounds=ends, options={"xatol": 1e-7, "fatol": 1e-9}
        )
        at = found.x
    return -found.fun


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_composition_reaches_the_largest_likelihood_of_scipy(name, kind):
    family, rows, options, loglik, truth = composed(name, kind)
    with warnings.catch_warnings():
        # The estimate may lie at a bound.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit(family, rows, **options)
    native = {k: float(np.ravel(v)[0]) for k, v in model.params_.items()}
    here = loglik(native)
    assert model.status_ in ("converged", "boundary")
    assert here >= brute(loglik, truth, options) - 1e-5
    given = rows if isinstance(rows, Censored) else rows[:, None]
    assert len(rows) * model.score(given) == pytest.approx(here, abs=1e-5)
