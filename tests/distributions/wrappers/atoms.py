"""Exact, interval and open rows with an atom: the sum over rows, and a search of its maximum."""

import numpy as np
from scipy import optimize, stats

import natfit
from natfit import Censored
from tests.fits import native

_PRIOR = stats.gamma(9.0, scale=0.2)

#: The options of a fit, the values that they hold, and the log-density that they add.
OPTIONS = {
    "free": ({}, {}, lambda p: 0.0),
    "shape known": ({"fixed": {"shape": 1.4}}, {"shape": 1.4}, lambda p: 0.0),
    "prior of shape": (
        {"prior": {"shape": _PRIOR}},
        {},
        lambda p: _PRIOR.logpdf(p["shape"]),
    ),
}


def weibull_rows(rng, n, atom, at):
    """Rows (N,) lower and upper, of which a share ``atom`` lies at 0 or inf, and their weights."""
    y = np.where(rng.random(n) < atom, at, 2.0 * rng.weibull(1.4, n))
    kind, width = rng.integers(0, 4, n), rng.uniform(0.2, 1.5, n)
    low = np.select([kind == 0, kind == 1], [y, np.floor(y / width) * width], -np.inf)
    high = np.select([kind == 0, kind == 1], [y, (np.floor(y / width) + 1.0) * width], np.inf)
    # Open rows end on the side on which the value lies.
    cut = rng.uniform(0.5, 4.0, n)
    low = np.where((kind > 1) & (y > cut), cut, low)
    high = np.where((kind > 1) & (y <= cut), cut, high)
    # Nobody sees infinity itself.
    last = np.isinf(y)
    return np.where(last, 4.0, low), np.where(last, np.inf, high), rng.integers(1, 4, n) * 0.5


def log_likelihood(p, rows, name, at):
    """The weighted sum over rows by the definition, with the atom's probability p[name]."""
    low, high, weight = rows
    z, k, scale = p[name], p["shape"], p["scale"]
    exact = low == high
    seen = (low <= at) & (at <= high)
    with np.errstate(all="ignore"):
        above = [np.exp(-((np.maximum(end, 0.0) / scale) ** k)) for end in (low, high)]
        inside = np.where(seen, z, 0.0) + (1.0 - z) * (above[0] - above[1])
        density = np.log(k / scale) + (k - 1.0) * np.log(low / scale) - (low / scale) ** k
        alone = np.where(low == at, np.log(z), np.log1p(-z) + density)
        return float(weight @ np.where(exact, alone, np.log(inside)))


def compare(family, rows, name, at, option, rel=1e-4):
    """Assert that a fit has the maximum that a search by scipy finds."""
    options, known, prior = OPTIONS[option]
    names = [n for n in (name, "shape", "scale") if n not in known]

    def values(x):
        native_of = {name: lambda v: 1.0 / (1.0 + np.exp(-v))}
        return {**known, **{n: native_of.get(n, np.exp)(v) for n, v in zip(names, x, strict=True)}}

    def loss(x):
        found = -log_likelihood(values(x), rows, name, at) - prior(values(x))
        return found if np.isfinite(found) else 1e9

    search = {"xatol": 1e-7, "fatol": 1e-10, "maxiter": 1_000}
    best = optimize.minimize(loss, np.zeros(len(names)), method="Nelder-Mead", options=search)
    model = natfit.fit(family, Censored(*rows[:2]), sample_weight=rows[2], **options)
    mine = {**native(model), **known}
    reached = log_likelihood(mine, rows, name, at) + prior(mine)
    assert reached >= -best.fun - 1e-6
    # The search runs along its logit to zero where the atom's best probability is none.
    none = values(best.x)[name] < 1e-3
    assert model.status_ == ("boundary" if none else "converged")
    for n, value in values(best.x).items():
        np.testing.assert_allclose(mine[n], value, rtol=rel, atol=1e-3 if none else 0.0)
    total = model.score(Censored(*rows[:2]), sample_weight=rows[2]) * rows[2].sum()
    np.testing.assert_allclose(total, log_likelihood(mine, rows, name, at), rtol=1e-9)
