"""Answers to keywords that an estimator does not take: how natfit says what was meant."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from natfit._component import Component, available, component_class
from natfit._validation import check_keywords, keywords

#: Arguments of similar functions in other packages, and what to write here: of estimators of a
#: density, of a regression, and of those of a policy.
_OF_DENSITIES = {
    **dict.fromkeys(
        ("event", "events", "event_observed", "censored", "censoring", "status"),
        "pass natfit.Censored.right(time, event) as the data, or Censored.left for values below a "
        "limit",
    ),
    "entry": "pass truncation=(entry, None): each row was watched from its entry on",
    **dict.fromkeys(
        ("loc", "floc"),
        "natfit.distributions.Shifted(family) estimates one, which this family has not; pass "
        "fixed={'loc': value} beside it for a known one",
    ),
    **dict.fromkeys(
        ("n_init", "n_components"),
        "mixtures have it: pass natfit.distributions.Mixture(family, n, n_init=10) as the family",
    ),
    "family": "pass distribution=",
    "y": "a density is fitted to x alone",
    **dict.fromkeys(("weights", "weight", "w", "freq"), "pass sample_weight= with the data"),
}
_OF_REGRESSIONS = {
    **dict.fromkeys(("weights", "weight", "w", "freq"), "pass sample_weight= to fit"),
    **dict.fromkeys(("offset", "exposure", "offsets"), "pass it to fit, predict and score"),
    **dict.fromkeys(
        ("event", "events", "event_observed", "censored", "censoring", "status"),
        "pass natfit.Censored.right(time, event) as y",
    ),
    "entry": "pass natfit.Censored.right(time, event, entry=entry) as y",
    "C": "pass alpha=1 / (C * N) for N rows: the penalty stands beside the mean of the rows",
    **dict.fromkeys(
        ("penalty", "l2", "reg_param", "lambda_"),
        "pass alpha= for a ridge penalty alpha / 2 |beta|^2 beside the mean of the rows",
    ),
    "family": "pass distribution=",
    "formula": "pass features_for={parameter: formula}",
    "fixed": "every parameter is estimated; features_for says which depend on X",
    **dict.fromkeys(
        ("hidden_layer_sizes", "activation"),
        "pass predictor='mlp', or an object of natfit.models with this option",
    ),
}
_OF_POLICIES = {
    "gamma": "pass discount=",
    "total_timesteps": "pass max_env_steps=",
    "target_kl": "pass step=natfit.steps.TrustRegionStep(epsilon=...)",
}


def check_options(
    function: Any,
    given: Mapping[str, Any],
    name: str,
    kinds: Mapping[str, type[Component]],
    more: Iterable[str] = (),
) -> None:
    """Raise TypeError for a keyword that an estimator's constructor does not take.

    Parameters
    ----------
    function : callable
        The constructor.
    given : dict
        The keywords and their values.
    name : str
        What the message calls the function.
    kinds : dict
        The arguments that take a component, and the kind of each.
    more : iterable of str
        Further keywords that are taken.

    Raises
    ------
    TypeError
        For the first keyword that is not taken: what it is called here, the component that has it
        as an option, the nearest name, or all names.
    """
    known = keywords(function) or ()
    regression = "predictor" in known
    elsewhere = _OF_POLICIES if "env" in known else _OF_DENSITIES
    elsewhere = _OF_REGRESSIONS if regression else elsewhere
    kinds = {part: kind for part, kind in kinds.items() if part in known}
    for key in (k for k in given if k not in known and k not in more):
        fixed = "" if regression else _parameter(key, given, kinds)
        remedy = fixed or elsewhere.get(key) or _option(key, given, kinds)
        if remedy:
            raise TypeError(f"{name} has no argument {key!r}; {remedy}")
    check_keywords(function, given, name, more)


def _parameter(key: str, given: Mapping[str, Any], kinds: Mapping[str, type[Component]]) -> str:
    """Return how to give a value to a parameter of the family, or an empty string.

    Returns
    -------
    str
        Of ``floc`` and its like, scipy's names for known values, how to fix it.
    """
    family = given.get("distribution")
    if isinstance(family, str) and family in available(kinds["distribution"]):
        family = component_class(family, kinds["distribution"])()
    try:
        params = getattr(family, "params", {})
    except ValueError:  # the family has no parameters before it has seen rows
        params = {}
    if key in params:
        return (
            f"it is a parameter of the family: pass fixed={{{key!r}: value}} for a known one, "
            f"start_params={{{key!r}: value}} for a start"
        )
    return f"pass fixed={{{key[1:]!r}: value}}" if key[0] == "f" and key[1:] in params else ""


def _option(key: str, given: Mapping[str, Any], kinds: Mapping[str, type[Component]]) -> str:
    """Return how to write an option of a component, or an empty string.

    Returns
    -------
    str
        The components that were asked for come first, others only if none of them has it.
    """
    chosen = {
        part: [spec] if isinstance(spec := given.get(part), str) and spec in available(kind) else []
        for part, kind in kinds.items()
    }
    every = {part: available(kind) for part, kind in kinds.items()}
    for names in (chosen, every):
        written = [
            f"{part}={kinds[part]._package}.{of.__name__}({key}=...)"
            for part, found in names.items()
            for of in (component_class(n, kinds[part]) for n in found)
            if key in inspect.signature(of).parameters
        ]
        if written:
            return f"it is an option of a component: write {' or '.join(written[:3])}"
    return ""
