"""Regressions with more features than rows: an equivalent one with as many features as rows.

With a ridge penalty the coefficients lie in the span of the rows: beta = X' a. The rows are
therefore rotated to r <= N features whose inner products are those of the rows,

    X X' = U diag(l) U',  R = U diag(l)^1/2,  beta = X' U diag(l)^-1/2 gamma,  |beta| = |gamma|

with X centred if there are intercepts. Nothing of size D x D is formed, and the fit is the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from natfit.fitting.protocol import fit
from natfit.fitting.regression import standardised
from natfit.fitting.result import Result
from natfit.fitting.task import Task
from natfit.models.linear_predictors import LinearPredictors
from natfit.rows._rotation import Rotation, rotates


def fit_regression(task: Task) -> Result:
    """Fit a regression, through an equivalent one where there are more features than rows.

    Parameters
    ----------
    task : Task
        A task whose model is a :class:`natfit.models.LinearPredictors`, neither bound nor
        standardised, or another conditional model.

    Returns
    -------
    Result
        In theta of the task's model. Its information is None where it would be D x D.
    """
    if not isinstance(task.model, LinearPredictors):
        return fit(task)
    if not _rotates(task):
        return fit(replace(task, model=standardised(task.rows, task.model)))
    model = task.model.bind(task.rows.n_features, task.family, task.constant)
    rotation = Rotation(task.rows, centred=model.starts_at_eta)
    rows = rotation.rows
    driven = dict.fromkeys(task.model.columns or task.family.params)
    inner = standardised(
        rows, LinearPredictors(driven, task.model.intercept, labels=task.model.labels)
    )

    def back(bound: Any, theta: np.ndarray) -> np.ndarray:
        """Return the theta of x that belongs to that of the rotated features."""
        return model.of_raw([rotation.of_x(coef, base) for coef, base in bound.raw(theta)])

    def hook(iterate: Any, done: bool) -> Any:
        return task.hook(_OfX(iterate, model, back(iterate.model, iterate.theta)), done)  # type: ignore[misc]

    told = None if task.hook is None else hook
    found = fit(replace(task, rows=rows, model=inner, raw=None, hook=told))
    theta = back(found.model, found.fit.theta)
    iterate = replace(found.fit.iterate, theta=theta, unidentified=(), active=())
    run = replace(found.fit, iterate=iterate)
    return replace(found, fit=run, model=model, information=None, at_bound=())


class _OfX:
    """An iterate of the rotated features, for callbacks, with the model and the theta of x."""

    def __init__(self, iterate: Any, model: LinearPredictors, theta: np.ndarray):
        self._iterate, self.model, self.theta = iterate, model, theta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterate, name)


def _rotates(task: Task) -> bool:
    """Tell whether a fit has more features than rows, and is penalised in all of them."""
    model, rows = task.model, task.rows
    if not isinstance(model, LinearPredictors) or not task.ridge or task.prior:
        return False
    driven = list(task.family.params) if model.columns is None else list(model.columns)
    if any((model.columns or {}).get(name) is not None for name in driven):
        return False
    has = model.intercept
    intercepts = {has if isinstance(has, bool) else has.get(name, True) for name in driven}
    alphas = all(task.ridge.get(name, 0.0) > 0.0 for name in driven)
    return rotates(rows) and alphas and len(intercepts) == 1
