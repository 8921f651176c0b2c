"""Whether one fitted regression lies inside another one: read from families, links and features."""

from __future__ import annotations

from typing import Any

from natfit.distributions.contract.declared import Role
from natfit.distributions.wrappers.constrained import Constrained
from natfit.fitting.links import driven_by
from natfit.inference import Outcome
from natfit.inference.likelihood_ratio import likelihood_ratio
from natfit.inference.nested import Nesting, nesting, refuse_windows, title
from natfit.iterate import Status

#: Roles of parameters that are multiples of each other, or of each other's inverse.
_MULTIPLES = {Role.SCALE, Role.RATE, Role.MEAN}

#: Ends of a fit at which the likelihood is not its maximum.
_NO_MAXIMUM = (
    *(Status.UNBOUNDED, Status.NON_FINITE, Status.MAX_ITER, Status.NO_DESCENT),
    *(Status.EARLY_STOPPED, Status.STOPPED_BY_CALLBACK),
)


def inside(larger: Any, smaller: Any, moved: bool = False) -> Nesting | None:
    """Return how a regression lies inside another one that is fitted to the same rows.

    Parameters
    ----------
    larger, smaller : RegressionEstimator
        Fitted.
    moved : bool
        Whether they were fitted with an offset.

    Returns
    -------
    Nesting or None
        None where it does not, or nobody knows: features, intercepts and links of each parameter
        must be among those of the larger one, and its family must hold that of the smaller one.
    """
    linear = larger._model.linear and smaller._model.linear
    plain = not any(m._has_ridge() or m.prior is not None for m in (larger, smaller))
    if not (linear and plain) or not larger.n_parameters_ > smaller.n_parameters_:
        return None
    big, small = (_unlinked(m.distribution_) for m in (larger, smaller))
    try:
        found = nesting(big, small)
    except ValueError:
        return None
    pairs = _pairs(larger, smaller, big, small, moved)
    if not found.known or pairs is None:
        return None
    held = all(_holds(larger, mine, smaller, theirs) for mine, theirs in pairs.items())
    # Along features many coefficients would be at the end of the range at once.
    free = all(not larger.features_for_[name] for name in found.bounded)
    return found if held and free else None


def _unlinked(family: Any) -> Any:
    """Return a family without the links of its parameters."""
    return family.inner if isinstance(family, Constrained) else family


def _pairs(larger: Any, smaller: Any, big: Any, small: Any, moved: bool) -> dict[str, str] | None:
    """Return the parameter of the larger family for each of the smaller one that has features."""
    driven = driven_by(smaller._choice.features)
    apart = type(big) is not type(small)
    if apart and any(small.roles.get(name) in (Role.SHAPE, Role.POWER) for name in driven):
        # The shapes of two families with the same name need not be the same.
        return None
    if set(small.params) <= set(big.params):
        return {name: name for name in small.params}
    mine, theirs = big.driven, small.driven
    roles = {big.roles.get(mine), small.roles.get(theirs)}
    alike = len(roles) == 1 or (roles <= _MULTIPLES and larger.link_[mine] == "log")
    turned = moved and len(roles) > 1 and Role.RATE in roles
    if not alike or turned or not set(driven) <= {theirs}:
        return None
    # The two may differ by a factor, or by a constant, which an intercept takes up.
    return {mine: theirs} if larger._choice.intercept.get(mine, True) else None


def _holds(larger: Any, mine: str, smaller: Any, theirs: str) -> bool:
    """Tell whether the predictor of one parameter has all that another one has."""
    features = set(smaller.features_for_[theirs])
    if not features <= set(larger.features_for_[mine]):
        return False
    if not features:
        # A constant is one on any scale.
        return bool(not larger.features_for_[mine] or larger._choice.intercept[mine])
    has = larger._choice.intercept[mine] or not smaller._choice.intercept[theirs]
    return bool(has and larger.link_[mine] == smaller.link_[theirs])


def ratio_of(first: Any, second: Any, moved: bool = False) -> Outcome | None:
    """Return the likelihood-ratio test of two regressions of which one lies inside the other.

    Parameters
    ----------
    first, second : RegressionEstimator
        Fitted to the same rows.
    moved : bool
        Whether they were fitted with an offset.

    Returns
    -------
    natfit.inference.Outcome or None
        None where neither is known to lie inside the other, or a fit is at no maximum.
    """
    if any(m.status_ in _NO_MAXIMUM for m in (first, second)):
        return None
    for larger, smaller in ((first, second), (second, first)):
        found = inside(larger, smaller, moved)
        if found is None:
            continue
        try:
            return compared(larger, smaller, found)
        except ValueError:
            # The larger one was not fitted well enough.
            return None
    return None


def refuse_other_family(larger: Any, smaller: Any) -> None:
    """Raise ValueError if the family of a smaller regression is not known to lie in a larger one's.

    Raises
    ------
    ValueError
        With both families; or if they are mixtures, or in different windows.
    """
    refuse_windows(larger.distribution_, smaller.distribution_)
    big, small = (_unlinked(m.distribution_) for m in (larger, smaller))
    if type(big) is not type(small) and not nesting(big, small).known:
        raise ValueError(
            f"null must be a special case of the fit, and {title(small)} is not known to be one of "
            f"{title(big)}; natfit.compare(X, [one, other], y=y) compares any two"
        )


def compared(larger: Any, smaller: Any, found: Nesting | None) -> Outcome:
    """Return the likelihood-ratio test of a regression inside a larger one.

    Parameters
    ----------
    larger, smaller : RegressionEstimator
        Fitted to the same rows.
    found : Nesting or None
        How one lies inside the other; None where it is not known that it does.

    Returns
    -------
    natfit.inference.Outcome

    Raises
    ------
    ValueError
        If the smaller one is more likely.
    """
    notes, shares = [], [1.0]
    if found is None:
        notes.append("the chi-square holds only if the smaller model lies inside the larger one")
    elif found.bounded:
        shares = [0.5, 0.5]
        notes.append(f"{', '.join(found.bounded)} at the end of its range (Self & Liang 1987)")
    at_limit = [m for m in (larger, smaller) if m.status_ is Status.BOUNDARY]
    if at_limit and not (found and found.bounded):
        words = at_limit[0].message_
        notes.append(f"a fit ended at a limit, where p is too large: {words}")
    df = larger.n_parameters_ - smaller.n_parameters_
    said = f"{title(smaller.distribution_)} on {smaller.n_parameters_} coefficients"
    return likelihood_ratio(larger.loglik_, smaller.loglik_, df, said, shares, notes)
