"""Every wrapper around every wrapper, and its log-likelihood written without natfit.

``law(eta)`` of a combination is a pair of functions: the logarithm of the density (or of the
probability of a count), and the distribution function. Both are composed of scipy's and of the
definitions in the wrappers' docstrings.
"""

from itertools import product

import numpy as np
from scipy import stats

from natfit._component import resolve
from natfit.distributions import (
    Bounded,
    Constrained,
    CureFraction,
    Fixed,
    Hurdle,
    Mixture,
    Scaled,
    Shifted,
    Truncated,
    ZeroAdjusted,
    ZeroInflated,
)
from natfit.distributions.base import Distribution

WINDOW = (0.0, 9.0)

BASES = {
    "weibull": lambda e: _frozen(stats.weibull_min(np.exp(e[0]), scale=np.exp(e[1]))),
    "normal": lambda e: _frozen(stats.norm(e[0], np.exp(e[1]))),
    "poisson": lambda e: (stats.poisson(np.exp(e[0])).logpmf, stats.poisson(np.exp(e[0])).cdf),
}


def _frozen(dist):
    return dist.logpdf, dist.cdf


def _shifted(family, law, size):
    def moved(e):
        log, cdf = law(e[1:])
        return lambda y: log(y - e[0]), lambda y: cdf(y - e[0])

    return Shifted(family), moved, size + 1


def _scaled(family, law, size):
    def stretched(e):
        log, cdf = law(e[1:])
        return lambda y: log(y / np.exp(e[0])) - e[0], lambda y: cdf(y / np.exp(e[0]))

    return Scaled(family), stretched, size + 1


def _truncated(family, law, size):
    # Just below zero where zero may have a probability of its own, which the window includes.
    low = -1.0 if family.support.integer else -1e-9 if family.support.low == 0 else WINDOW[0]

    def cut(e):
        log, cdf = law(e)
        mass = cdf(WINDOW[1]) - cdf(low)
        inside = lambda y: (cdf(np.clip(y, low, WINDOW[1])) - cdf(low)) / mass  # noqa: E731
        return lambda y: log(y) - np.log(mass), inside

    return Truncated(family, *WINDOW), cut, size


def _mixture(family, law, size):
    def mixed(e):
        (log0, cdf0), (log1, cdf1) = law(e[1 : 1 + size]), law(e[1 + size :])
        w = 1.0 / (1.0 + np.exp(-e[0]))
        both = lambda y: np.logaddexp(np.log(w) + log0(y), np.log1p(-w) + log1(y))  # noqa: E731
        return both, lambda y: w * cdf0(y) + (1.0 - w) * cdf1(y)

    return Mixture(family, 2), mixed, 1 + 2 * size


def _zeros(kind):
    def altered(family, law, size):
        def zero(e):
            log, cdf = law(e[1:])
            z = np.sinh(e[0]) / (1.0 + np.sinh(e[0]))
            rest, at = (1.0 - z, 0.0) if kind is ZeroInflated else (1.0 - z, cdf(0.0))
            scale = rest / (1.0 - at)

            def log_p(y):
                zeros = z + (rest * np.exp(log(0.0)) if kind is ZeroInflated else 0.0)
                return np.where(y > 0, np.log(scale) + log(y), np.log(zeros))

            return log_p, lambda y: np.where(y < 0, 0.0, z + scale * (cdf(y) - at))

        return kind(family), zero, size + 1

    return altered


def _atom(kind):
    def made(family, law, size):
        def mixed(e):
            log, cdf = law(e[1:])
            z = np.sinh(e[0]) / (1.0 + np.sinh(e[0]))
            zero = z if kind is ZeroAdjusted else 0.0
            part = lambda y: np.where(y < 0, 0.0, zero + (1.0 - z) * cdf(y))  # noqa: E731
            return lambda y: np.log1p(-z) + log(y), part

        return kind(family), mixed, size + 1

    return made


def _fixed(family, law, size):
    name = list(family.params)[-1]
    eta = np.full(size, 0.4)
    known = family.blocks[name]
    keep = np.delete(np.arange(size), known)

    def held(e):
        whole = eta.copy()
        whole[keep] = e
        return law(whole)

    return Fixed(family, {name: family.native_dict(eta)[name]}), held, len(keep)


def _bounded(family, law, size):
    name, at = next((n, b.start) for n, b in family.blocks.items() if family.params[n].shape == ())
    ends = [family.native_dict(np.full(size, 0.4) + d * np.eye(size)[at])[name] for d in (-0.3, 3)]
    return Bounded(family, {name: tuple(float(v) for v in ends)}), law, size


def _constrained(family, law, size):
    return Constrained(family, {}), law, size


WRAPPERS = {
    "shifted": _shifted,
    "scaled": _scaled,
    "truncated": _truncated,
    "mixture": _mixture,
    "zero_inflated": _zeros(ZeroInflated),
    "hurdle": _zeros(Hurdle),
    "zero_adjusted": _atom(ZeroAdjusted),
    "cure_fraction": _atom(CureFraction),
    "fixed": _fixed,
    "bounded": _bounded,
    "constrained": _constrained,
}


def combination(outer, inner, base):
    """The family, its law and K; a ValueError says why there is no such family."""
    family = resolve(base, Distribution)
    made = family, BASES[base], family.n_params
    for name in (inner, outer):
        made = WRAPPERS[name](*made)
        made[0].params  # noqa: B018  # Arguments are checked on first use.
        made[0].checked() if hasattr(made[0], "checked") else None
    return made


def table():
    """{(outer, inner, base): combination, or the reason why there is none}."""
    found = {}
    for key in product(WRAPPERS, WRAPPERS, BASES):
        try:
            found[key] = combination(*key)
        except ValueError as error:
            found[key] = str(error)
    return found
