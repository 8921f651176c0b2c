"""Regressions as the candidates of a comparison."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.estimators._compare import numbers, refuse_infinite
from natfit.estimators._comparison import Candidate
from natfit.estimators.regression._nested import ratio_of
from natfit.estimators.regression._statements_estimates import Given
from natfit.estimators.regression.base import RegressionEstimator
from natfit.estimators.regression.regressor import NaturalRegressor
from natfit.rows import source_of

__all__ = ["Given", "describe", "fitted", "ratio_of", "regressor"]


def regressor(spec: Any) -> Any:
    """Return a regression, not fitted, of what was given as a candidate.

    Parameters
    ----------
    spec : str, Distribution or RegressionEstimator
        The name of a family or the family, for a regression of its mean on all features; or a
        regression with its options.

    Returns
    -------
    RegressionEstimator

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(spec, RegressionEstimator):
        return clone(spec)
    family = isinstance(spec, type) and issubclass(spec, Distribution)
    if family or isinstance(spec, str | Distribution):
        return NaturalRegressor(resolve(spec, Distribution))
    raise TypeError(
        "candidates beside y must be names, distributions or regressions, got "
        f"{type(spec).__name__}; pass a list such as ['normal', NaturalRegressor('student_t')]"
    )


def fitted(model: Any, given: Given) -> None:
    """Fit a candidate to the rows."""
    model.fit(given.X, given.y, sample_weight=given.sample_weight, **_known(given))


def describe(out: Candidate, model: Any, given: Given) -> None:
    """Fill in the numbers of a fit."""
    refuse_infinite(model)
    out.numbers = numbers(model)
    known = _known(given)
    try:
        weight = given.sample_weight
        out.numbers["tic"] = model.tic(given.X, given.y, sample_weight=weight, **known)
    except ValueError:
        # Where the data do not determine the coefficients, or there are too many, it has none.
        out.numbers["tic"] = None
    # Rows in pieces are compared by a pass.
    if source_of(**vars(given)) is None:
        out.log_density = model.score_samples(given.X, given.y, **known)
    if not model.status_.good:
        out.mark, out.note = str(model.status_), model.message_
    out.model = model


def _known(given: Given) -> dict[str, Any]:
    options = {"offset": given.offset, "exposure": given.exposure}
    return {name: value for name, value in options.items() if value is not None}
