"""What to do where a profile finds a likelihood that is higher than that of the fit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone

from natfit.inference.interval import EndNotFound
from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors

#: What a fit with ``warm_start`` reads of the one before.
_STATE = ("_model", "distribution_", "_choice", "classes_")

#: Iterations of a fit that begins elsewhere, at least: a likelihood without a maximum grows slowly.
_MOST = 300

#: Ends of a fit at which its likelihood is a maximum, perhaps at a limit.
_MAXIMUM = (Status.CONVERGED, Status.BOUNDARY)


def with_refit(owner: Any, error: EndNotFound, given: Any, name: str | None) -> EndNotFound:
    """Return an error with a remedy that a regression has, from a fit that begins higher up.

    Parameters
    ----------
    owner : RegressionEstimator
        Fitted.
    error : EndNotFound
        Of an end of a profile.
    given : Given
        The data of the fit; none stands for those that are still in memory.
    name : str or None
        The coefficient.

    Returns
    -------
    EndNotFound
        With the fit as ``refit``. Without a theta that is more likely, the error itself.
    """
    if error.higher is None:
        return error
    refit = _refit(owner, error.higher, given)
    found = EndNotFound(error.reason, _remedy(owner, refit, name), error.higher)
    found.interval, found.refit = error.interval, refit
    return found


def _remedy(owner: Any, refit: Any, name: str | None) -> str:
    """Return what a fit from a higher likelihood came to, and what follows from it."""
    if refit is None:
        return "fit again with a smaller tol"
    if refit.status_ in _MAXIMUM:
        where = "this error" if name is None else f"the error of conf_int(of={name!r}, ...)"
        return (
            f"a fit that starts there ends as {str(refit.status_)!r} with loglik_ = "
            f"{refit.loglik_:.10g} in place of {owner.loglik_:.10g}: ask that fit for the "
            f"interval, which is the attribute refit of {where}"
        )
    what = f"a fit that starts there ends as {str(refit.status_)!r}"
    if refit.status_ is Status.UNBOUNDED:
        what += ", because the likelihood has no maximum, so that the estimate is a local one"
    return f"{what}; use method='wald' or another family"


def _refit(owner: Any, theta: np.ndarray, given: Any) -> Any:
    """Return a fit of the same rows that begins at a theta; None where none can."""
    if not isinstance(owner._model, LinearPredictors):
        return None
    given = given or owner._remembered.given()
    parts = {"offset": given.offset, "exposure": given.exposure}
    known = {key: value for key, value in parts.items() if value is not None}
    other: Any = clone(owner)
    other.set_params(warm_start=True, max_iter=max(owner.max_iter, _MOST))
    for key in _STATE:
        if hasattr(owner, key):
            setattr(other, key, getattr(owner, key))
    other._theta = theta
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other.fit(given.X, given.y, sample_weight=given.sample_weight, **known)
    except ValueError:
        return None
    # What was asked of the owner is asked of this one.
    return other.set_params(warm_start=owner.warm_start, max_iter=owner.max_iter)
