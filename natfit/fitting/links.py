"""Links: on which scale of a parameter the linear predictors of a regression lie.

The eta of a family is a map of its native parameters already: the logarithm of a positive number,
the log odds of a probability, a real number itself. A link replaces the map of one parameter.

===================  ====================================  =========================
link                 linear predictor of a value m         fits values
===================  ====================================  =========================
identity             m                                     in any range
log                  log m                                 in (0, inf), real
inverse              1 / m                                 in (0, inf), real
inverse_squared      1 / m^2                               in (0, inf), real
sqrt                 square root of m                      in (0, inf), real
softplus             log(exp(m) - 1)                       in (0, inf), real
logit                log(m / (1 - m))                      in (0, 1)
probit               normal quantile of m                  in (0, 1)
cloglog              log(-log(1 - m))                      in (0, 1)
loglog               -log(-log(m))                         in (0, 1)
===================  ====================================  =========================

Under a link whose map is not defined on the whole line, rows at which the linear predictor leaves
it have no density: a step that would make one is shortened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from natfit._validation import nearest
from natfit.bijectors import (
    Bijector,
    Cloglog,
    Identity,
    Loglog,
    Positive,
    Power,
    Probit,
    Real,
    Softplus,
    Unit,
)
from natfit.bijectors.base import Elementwise
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers._windowed import WindowedFamily
from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.distributions.wrappers.constrained import Constrained

_LINE, _HALF, _BETWEEN = (-np.inf, np.inf), (0.0, np.inf), (0.0, 1.0)


def _log(own: Elementwise) -> Bijector:
    """The logarithm, with the practical limits that the family's own constraint has."""
    low, high = own.native_limits if own.domain == _HALF else _HALF
    return Positive(own.shape, max(low, 0.0), high)


def _logit(own: Elementwise) -> Bijector:
    return Unit(own.shape)


def _identity(own: Elementwise) -> Bijector:
    return Real(own.shape) if own.domain == _LINE else Identity(*own.domain, own.shape)


#: Link to the ranges that it fits and the constraint that it is.
_LINKS: dict[str, tuple[tuple, Callable[[Elementwise], Bijector]]] = {
    "identity": ((_LINE, _HALF, _BETWEEN), _identity),
    "log": ((_HALF, _LINE), _log),
    "inverse": ((_HALF, _LINE), lambda own: Power(-1.0, own.shape)),
    "inverse_squared": ((_HALF, _LINE), lambda own: Power(-0.5, own.shape)),
    "sqrt": ((_HALF, _LINE), lambda own: Power(2.0, own.shape)),
    "softplus": ((_HALF, _LINE), lambda own: Softplus(own.shape)),
    "logit": ((_BETWEEN,), _logit),
    "probit": ((_BETWEEN,), lambda own: Probit(own.shape)),
    "cloglog": ((_BETWEEN,), lambda own: Cloglog(own.shape)),
    "loglog": ((_BETWEEN,), lambda own: Loglog(own.shape)),
}

#: What rows of their own need, by the range of the values: a map that is defined on the whole line.
_BY_ROW = {_HALF: _log, _BETWEEN: _logit}


def linked(family: Distribution, link: Any = None, driven: Collection[str] = ()) -> Distribution:
    """Return the family whose linear predictors lie on the scales of these links.

    Parameters
    ----------
    family : Distribution
        The family, bound.
    link : str, Bijector or dict, optional
        A link by its name or as a constraint: of the parameter that features drive by default, or
        a dict by parameter. What is left out keeps the family's own.
    driven : collection of str
        Parameters that features drive. Where their own scale is not the whole line, as that of
        degrees of freedom, whose limits at infinity are ordinary points, theirs is the logarithm
        or the log odds.

    Returns
    -------
    Distribution
        The family itself where nothing changes.

    Raises
    ------
    ValueError
        If a name is no parameter or no link, or the link does not fit the values of the parameter.
    TypeError
        If a link is neither a name nor a constraint.
    """
    if isinstance(family, CensoredFamily | WindowedFamily):
        inner = linked(family.inner, link, driven)
        return family if inner is family.inner else type(family)(inner)
    chosen: dict[str, Bijector] = {}
    asked = _by_name(family, link)
    for name, own in family.params.items():
        found = own
        if asked.get(name) is not None:
            found = _constraint(name, own, asked[name])
        elif name in driven and isinstance(own, Elementwise) and own.open_ends != _LINE:
            found = _BY_ROW[own.domain](own) if own.domain in _BY_ROW else own
        if found is not own:
            chosen[name] = found
    return Constrained(family, chosen) if chosen else family


def driven_by(columns: Mapping[str, Any]) -> list[str]:
    """Return the parameters that have features, of the columns of each: None for all."""
    return [name for name, own in columns.items() if own is None or len(own)]


def link_names(family: Distribution) -> dict[str, str]:
    """Return for each parameter the name of its link; that of the map itself if it has no name."""
    if isinstance(family, CensoredFamily | WindowedFamily):
        return link_names(family.inner)
    return {name: _name(name, constraint) for name, constraint in family.params.items()}


def _by_name(family: Distribution, link: Any) -> dict[str, Any]:
    if link is None:
        return {}
    if not isinstance(link, Mapping):
        return {family.driven: link}
    unknown = [name for name in link if name not in family.params]
    if unknown:
        raise ValueError(
            f"link must map names of {list(family.params)} to links, got {unknown[0]!r}; these are "
            f"the parameters of {type(family).__name__}"
        )
    return dict(link)


def _constraint(name: str, own: Bijector, link: Any) -> Bijector:
    """The constraint of a link; the parameter's own where it is the same map."""
    if not isinstance(link, str | Bijector):
        raise TypeError(
            f"link of {name!r} must be one of {sorted(_LINKS)} or a constraint of "
            f"natfit.bijectors, got {link!r}"
        )
    if not isinstance(own, Elementwise):
        raise ValueError(
            f"link of {name!r} cannot be chosen, got {link!r}: its values depend on each other, "
            "and so do their linear predictors; leave it out"
        )
    if isinstance(link, Bijector):
        if not isinstance(link, Elementwise) or (link.shape, link.size) != (own.shape, own.size):
            raise ValueError(
                f"link of {name!r} must be an elementwise constraint of shape {own.shape}, got "
                f"{link!r}"
            )
        return link
    fits = [each for each, (ranges, _) in _LINKS.items() if own.domain in ranges]
    fits = fits or ["identity"]
    if link not in fits:
        low, high = own.domain
        near = nearest(link, fits)
        tail = f"; did you mean {near!r}?" if near else ""
        raise ValueError(
            f"link of {name!r}, whose values lie in ({low:g}, {high:g}), must be one of "
            f"{sorted(fits)}, got {link!r}{tail}"
        )
    # With its own map a parameter keeps its practical limits.
    return own if _name(name, own) == link else _LINKS[link][1](own)


def _name(name: str, constraint: Bijector) -> str:
    plain = {Positive: "log", Unit: "logit", Real: "identity", Identity: "identity"}
    named = {Probit: "probit", Cloglog: "cloglog", Loglog: "loglog", Softplus: "softplus"}
    found = {**plain, **named}.get(type(constraint))
    if isinstance(constraint, Power):
        found = {-1.0: "inverse", -0.5: "inverse_squared", 2.0: "sqrt"}.get(constraint.exponent)
    return found or constraint.label.format(name)
