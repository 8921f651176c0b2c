"""Options of a regression that are one value for all parameters, or a dict by parameter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from natfit._validation import check_bool, check_number
from natfit.distributions.base import Distribution
from natfit.distributions.contract.elsewhere import unknown_parameter


def mean_parameter(family: Distribution) -> str:
    """Return the parameter that features drive by default: the location, the mean or the scale."""
    return family.driven


def by_parameter(value: Any, option: str, family: Distribution, default: Any) -> dict[str, Any]:
    """Return an option for each parameter: a dict by name, or one value for all.

    Parameters
    ----------
    value : object or dict
        The option; parameters that a dict leaves out have the default.
    option : str
        Its name, for messages.
    family : Distribution
        The family.
    default : object
        The value of parameters that are left out.

    Returns
    -------
    dict
        A value for each parameter.

    Raises
    ------
    ValueError
        If a key is no parameter of the family.
    """
    if not isinstance(value, Mapping):
        return dict.fromkeys(family.params, value)
    refuse_names(value, option, family)
    return {name: value.get(name, default) for name in family.params}


def refuse_ends(family: Distribution, driven: Collection[str]) -> None:
    """Raise ValueError if features drive an end of the support that the rows themselves determine.

    The likelihood rises until such an end meets rows: its maximum lies in a corner, which no
    descent by derivatives finds.

    Parameters
    ----------
    family : Distribution
        The family.
    driven : collection of str
        The parameters that features drive.

    Raises
    ------
    ValueError
        If one of them is an end; the message names parameters that features may drive.
    """
    ends = [name for name in driven if name in family.row_ends]
    if not ends:
        return
    others = {name: "all" for name in family.params if name not in family.row_ends}
    name = type(family).__name__
    remedy = f"use features_for={others}" if others else "use a family whose density does not jump"
    raise ValueError(
        f"features_for must not drive {' and '.join(map(repr, ends))}, an end of the support of "
        f"{name}: the likelihood rises until the end meets rows, and has no derivative at its "
        f"maximum; {remedy}"
    )


def refuse_names(value: Mapping, option: str, family: Distribution) -> None:
    """Raise ValueError if a key is no parameter of a family."""
    for name in value:
        if name not in family.params:
            rule = f"{option} must name parameters of {type(family).__name__}"
            raise ValueError(unknown_parameter(family, str(name), rule))


def strengths(alpha: Any, family: Distribution) -> dict[str, float]:
    """Return the strength of the ridge penalty of each parameter that has one."""
    found = by_parameter(alpha, "alpha", family, 0.0)
    label = "alpha[{!r}]" if isinstance(alpha, Mapping) else "alpha"
    checked = {n: check_number(a, label.format(n), low=0.0) for n, a in found.items()}
    return {n: a for n, a in checked.items() if a}


def intercepts(fit_intercept: Any, family: Distribution) -> dict[str, bool]:
    """Return for each parameter whether it has an intercept."""
    found = by_parameter(fit_intercept, "fit_intercept", family, True)
    label = "fit_intercept[{!r}]" if isinstance(fit_intercept, Mapping) else "fit_intercept"
    return {n: check_bool(has, label.format(n)) for n, has in found.items()}
