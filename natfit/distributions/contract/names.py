"""Names of families elsewhere: those that stand for a family here, and those that do not."""

from __future__ import annotations

import sys
from typing import Any

from natfit._component import Component, available, of_another_kind

#: Names of ``scipy.stats`` that stand for the family of the same densities. Its parameters keep
#: their names here; ``to_scipy`` of a fit has scipy's.
ALIASES = {
    "burr": "dagum",
    "expon": "exponential",
    "exponnorm": "exponentially_modified_normal",
    "exponweib": "exponentiated_weibull",
    "fatiguelife": "birnbaum_saunders",
    "fisk": "log_logistic",
    "genextreme": "gev",
    "gengamma": "generalized_gamma",
    "genpareto": "generalized_pareto",
    "gumbel_l": "gumbel_min",
    "gumbel_r": "gumbel",
    "halfnorm": "half_normal",
    "invgamma": "inverse_gamma",
    "invgauss": "inverse_gaussian",
    "johnsonsu": "johnson_su",
    "lognorm": "lognormal",
    "logser": "log_series",
    "nbinom": "negative_binomial",
    "norm": "normal",
    "powerlaw": "power_law",
    "skewnorm": "skew_normal",
    "t": "student_t",
    "vonmises": "von_mises",
    "weibull_min": "weibull",
}

#: Names that are answered with the name used here: what textbooks and other packages call a
#: family, and names of scipy's whose density is another one without further arguments (``geom``
#: begins at one, ``binom`` needs the number of trials).
ALSO_CALLED = {
    "beta_regression": "beta_mean",
    "betabinom": "beta_binomial",
    "betareg": "beta_mean",
    "binom": "binomial",
    "burr3": "dagum",
    "burr_xii": "burr12",
    "clm": "ordinal",
    "chi_squared": "chi2",
    "chisquare": "chi2",
    "cumulative_logit": "ordinal",
    "emg": "exponentially_modified_normal",
    "exgaussian": "exponentially_modified_normal",
    "extreme_value": "gev",
    "gaussian": "normal",
    "gamma_glm": "gamma_mean",
    "geom": "geometric",
    "loglogistic": "log_logistic",
    "mvn": "multivariate_normal",
    "nb2": "negative_binomial",
    "negbin": "negative_binomial",
    "ordered": "ordinal",
    "ordered_logit": "ordinal",
    "ordered_model": "ordinal",
    "polr": "ordinal",
    "singh_maddala": "burr12",
    "student": "student_t",
}

#: How scipy's density of a name differs from that of the family with which it is answered.
CAUTIONS = {
    "geom": " scipy's geom begins at 1, it at 0: pass y - 1",
    "binom": " it takes the number of trials: natfit.distributions.Binomial(n)",
    "betabinom": " it takes the number of trials: natfit.distributions.BetaBinomial(n)",
}


def instead_of(kind: type[Component], spec: Any) -> str:
    """Return what to write instead of a distribution of scipy or a function, or an empty string.

    Parameters
    ----------
    kind : type
        The base class of all families.
    spec : object
        What was given as a family.

    Returns
    -------
    str
        A call, in words.
    """
    # Where it is scipy's object, its module is loaded already; an import would take long.
    stats = sys.modules.get("scipy.stats")
    generic = () if stats is None else (stats.rv_continuous, stats.rv_discrete)
    frozen = isinstance(getattr(spec, "dist", None), generic)
    made = spec.dist if frozen else spec
    if not isinstance(made, generic):
        if callable(spec) and not isinstance(spec, type):
            return (
                "for a log-density of your own write "
                "natfit.distributions.from_log_prob(log_prob, params)"
            )
        return of_another_kind(kind, spec)
    name = str(made.name)
    public = type(getattr(stats, name, None)) is type(made)
    call = _call(f"stats.{name}" if public else "it", isinstance(made, generic[:1]))
    own = ALIASES.get(name, ALSO_CALLED.get(name, name))
    first = f"write {own!r} for the built-in family, or " if own in available(kind) else "write "
    last = "; values that are known are given by fixed={...}" if frozen else ""
    return f"{first}{call} for scipy's{last}"


def elsewhere(kind: type[Component], name: str) -> str:
    """Return what to write for a name of scipy's that no family here has, or an empty string.

    Parameters
    ----------
    kind : type
        The base class of all families.
    name : str
        What was given as a family.

    Returns
    -------
    str
        A call, in words.
    """
    from scipy import stats

    made = getattr(stats, name, None)
    if not isinstance(made, stats.rv_continuous | stats.rv_discrete):
        return ""
    call = _call(f"stats.{name}", isinstance(made, stats.rv_continuous))
    return f"for scipy's write {call} after 'from scipy import stats'"


def _call(what: str, continuous: bool) -> str:
    """The call that makes a family of a distribution of scipy's, a density's with loc and scale."""
    options = ", loc=True, scale=True" if continuous else ""
    return f"natfit.distributions.from_scipy({what}{options})"
