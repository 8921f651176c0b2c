"""The tools of the battery, each called as its manual says: what it offers, and how it is asked.

``fit(law name, rows)`` returns the law's arguments and a flag, empty where the result claims
success. A tool whose package is missing offers nothing and is named as not installed.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

import natfit
from tests.benchmarks.report.laws import LAWS, Args
from tests.benchmarks.report.rows import Rows

#: Verdicts of natfit that claim an optimum.
CLAIMS = ("converged", "rounding_floor", "boundary", "gradient_small")


@dataclass(frozen=True)
class Tool:
    """A tool that fits distributions.

    Attributes
    ----------
    package : str
        What must be installed.
    offers : callable
        ``offers(name, rows)``: whether it has the law and takes such rows.
    fit : callable
        ``fit(name, rows)``: the arguments and the flag.
    how : str
        What is called, for the page.
    """

    package: str
    offers: Callable[[str, Rows], bool]
    fit: Callable[[str, Rows], tuple[Args, str]]
    how: str

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


# --------------------------------------------------------------------------------------- natfit


def _natfit(name: str, rows: Rows) -> tuple[Args, str]:
    law = LAWS[name]
    model = natfit.fit(law.family or name, rows.for_natfit())
    native = {key: float(np.ravel(value)[0]) for key, value in model.params_.items()}
    claims = str(model.status_) in CLAIMS
    return law.native(native), "" if claims else model.message_


# ---------------------------------------------------------------------------------------- scipy


def _scipy(name: str, rows: Rows) -> tuple[Args, str]:
    law, data = LAWS[name], rows.exact
    if rows.censored:
        data = stats.CensoredData(
            rows.exact, left=rows.left, right=rows.right, interval=np.c_[rows.low, rows.high]
        )
    return tuple(map(float, law.read(*law.scipy.fit(data, **law.held)))), ""


# ---------------------------------------------------------------------------------- statsmodels


def _started(name: str, rows: Rows) -> np.ndarray:
    """Return where a user might begin: the median and the spread of the rows, and a usual shape.

    A positive shape begins at one, and one that may be negative at 0.1, nearly the symmetric or
    the light-tailed law.
    """
    law = LAWS[name]
    shapes = [1.0 if chart == "+" else 0.1 for chart in law.charts[:-2]]
    known = np.concatenate([rows.exact, rows.right, rows.left, 0.5 * (rows.low + rows.high)])
    place = [np.median(known), max(float(np.std(known)), np.finfo(float).tiny)]
    if law.charts.endswith("=+"):
        place = [0.0, max(float(np.mean(known)), np.finfo(float).tiny)]
    full = [*shapes, *place]
    if name == "von_mises":
        full = [1.0, place[0], 1.0]
    return np.array([v for v, chart in zip(full, law.charts, strict=True) if chart != "="])


def _generic(name: str, rows: Rows) -> tuple[Args, str]:
    from statsmodels.base.model import GenericLikelihoodModel

    law = LAWS[name]
    known = next(iter(law.truths.values()))

    def full(params: np.ndarray) -> Args:
        free = iter(params)
        pairs = zip(law.charts, known, strict=True)
        return tuple(v if chart == "=" else float(next(free)) for chart, v in pairs)

    class Model(GenericLikelihoodModel):
        def nloglikeobs(self, params: np.ndarray) -> np.ndarray:
            return -law.each(full(params), rows)

    start = _started(name, rows)
    # One parameter belongs to a column of ones, the others are extra.
    more = [f"p{k}" for k in range(1, len(start))]
    model = Model(np.zeros(rows.n), np.ones((rows.n, 1)), extra_params_names=more)
    found = model.fit(start_params=start, disp=0)
    return full(found.params), "" if found.mle_retvals["converged"] else "not converged"


def _counts(name: str, rows: Rows) -> tuple[Args, str]:
    from statsmodels.discrete.count_model import ZeroInflatedPoisson
    from statsmodels.discrete.discrete_model import GeneralizedPoisson, NegativeBinomial, Poisson

    y, ones = rows.exact, np.ones((rows.n, 1))
    if name == "poisson":
        found = Poisson(y, ones).fit(disp=0)
        args = (np.exp(found.params[0]),)
    elif name == "negative_binomial":
        found = NegativeBinomial(y, ones).fit(disp=0)
        args = np.exp(found.params[0]), 1.0 / found.params[1]
    elif name == "generalized_poisson":
        found = GeneralizedPoisson(y, ones).fit(disp=0)
        mean = np.exp(found.params[0])
        # GP-1 has the variance mean (1 + alpha)^2.
        args = mean, 1.0 - 1.0 / (1.0 + found.params[1])
    else:
        found = ZeroInflatedPoisson(y, ones).fit(disp=0)
        args = 1.0 / (1.0 + np.exp(-found.params[0])), np.exp(found.params[1])
    return tuple(map(float, args)), "" if found.mle_retvals["converged"] else "not converged"


STATSMODELS_COUNTS = ("poisson", "negative_binomial", "generalized_poisson", "zero_inflated")


def _statsmodels(name: str, rows: Rows) -> tuple[Args, str]:
    return (_counts if name in STATSMODELS_COUNTS else _generic)(name, rows)


def _statsmodels_offers(name: str, rows: Rows) -> bool:
    return not LAWS[name].count or name in STATSMODELS_COUNTS


# ----------------------------------------------------------------------------------- reliability

#: Class and what its result amounts to.
RELIABILITY: dict[str, tuple[str, Callable[..., Args]]] = {
    "exponential": ("Fit_Exponential_1P", lambda f: (0.0, 1.0 / f.Lambda)),
    "weibull": ("Fit_Weibull_2P", lambda f: (f.beta, 0.0, f.alpha)),
    "lognormal": ("Fit_Lognormal_2P", lambda f: (f.sigma, 0.0, np.exp(f.mu))),
    "gamma": ("Fit_Gamma_2P", lambda f: (f.beta, 0.0, f.alpha)),
    "normal": ("Fit_Normal_2P", lambda f: (f.mu, f.sigma)),
    "gumbel_min": ("Fit_Gumbel_2P", lambda f: (f.mu, f.sigma)),
    "log_logistic": ("Fit_Loglogistic_2P", lambda f: (f.beta, 0.0, f.alpha)),
    "beta": ("Fit_Beta_2P", lambda f: (f.alpha, f.beta, 0.0, 1.0)),
}


def _reliability(name: str, rows: Rows) -> tuple[Args, str]:
    from reliability import Fitters

    word, read = RELIABILITY[name]
    options = {"print_results": False, "show_probability_plot": False}
    censored = rows.right if len(rows.right) else None
    found = getattr(Fitters, word)(failures=rows.exact, right_censored=censored, **options)
    return tuple(map(float, read(found))), ""


def _reliability_offers(name: str, rows: Rows) -> bool:
    return name in RELIABILITY and len(rows.exact) + len(rows.right) == rows.n


# ------------------------------------------------------------------------------------- lifelines


LIFELINES: dict[str, tuple[str, Callable[..., Args]]] = {
    "exponential": ("ExponentialFitter", lambda f: (0.0, f.lambda_)),
    "weibull": ("WeibullFitter", lambda f: (f.rho_, 0.0, f.lambda_)),
    "lognormal": ("LogNormalFitter", lambda f: (f.sigma_, 0.0, np.exp(f.mu_))),
    "log_logistic": ("LogLogisticFitter", lambda f: (f.beta_, 0.0, f.alpha_)),
    "generalized_gamma": (
        "GeneralizedGammaFitter",
        lambda f: (f.lambda_, np.exp(f.ln_sigma_), 0.0, np.exp(f.mu_)),
    ),
}


def _lifelines(name: str, rows: Rows) -> tuple[Args, str]:
    import lifelines

    word, read = LIFELINES[name]
    fitter = getattr(lifelines, word)()
    if len(rows.left) or len(rows.low):
        lower = np.concatenate([rows.exact, rows.right, np.zeros(len(rows.left)), rows.low])
        endless = np.full(len(rows.right), np.inf)
        upper = np.concatenate([rows.exact, endless, rows.left, rows.high])
        fitter.fit_interval_censoring(lower, upper)
    else:
        known = np.r_[np.ones(len(rows.exact)), np.zeros(len(rows.right))]
        fitter.fit(np.concatenate([rows.exact, rows.right]), known)
    return tuple(map(float, read(fitter))), ""


# ------------------------------------------------------------------------------------------ all

TOOLS: dict[str, Tool] = {
    "natfit": Tool("natfit", lambda name, rows: True, _natfit, "`natfit.fit`"),
    "scipy": Tool(
        "scipy",
        lambda name, rows: not LAWS[name].count,
        _scipy,
        "`scipy.stats.<name>.fit`, with `floc=0` for families of positive values",
    ),
    "statsmodels": Tool(
        "statsmodels",
        _statsmodels_offers,
        _statsmodels,
        "`GenericLikelihoodModel` with scipy's density, started at the median and the spread;"
        " the classes of counts for counts",
    ),
    "reliability": Tool("reliability", _reliability_offers, _reliability, "`Fitters.Fit_*`"),
    "lifelines": Tool(
        "lifelines",
        lambda name, rows: name in LIFELINES,
        _lifelines,
        "the univariate fitters",
    ),
}


@functools.cache
def installed() -> tuple[str, ...]:
    """Return the names of the tools that can be asked."""
    return tuple(name for name, tool in TOOLS.items() if tool.installed)
