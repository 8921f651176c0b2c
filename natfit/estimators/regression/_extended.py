"""A regression with more coefficients, at the estimate of the smaller one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import hstack, issparse

from natfit.estimators.regression._options import mean_parameter
from natfit.inference import Estimate
from natfit.inference.coefficients import Coefficients
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression


@dataclass(frozen=True)
class Larger:
    """A model that holds the fitted one, at the same eta.

    Attributes
    ----------
    objective : Regression
    model : LinearPredictors
    theta : ndarray of shape (P,)
        The estimate of the smaller model, with zeros for the added coefficients.
    coefficients : Coefficients
    null : dict
        What is tested, by name.
    """

    objective: Regression
    model: LinearPredictors
    theta: np.ndarray
    coefficients: Coefficients
    null: dict[str, Any]


def larger(owner: Any, estimate: Estimate, null: Any, extra: Any) -> Larger:
    """Return the model that has all coefficients of a hypothesis.

    Parameters
    ----------
    owner : RegressionEstimator
        The fit.
    estimate : Estimate
        With its objective.
    null : dict, str or sequence of str
        Values by name, or names of coefficients that are zero.
    extra : array-like or dict
        Columns that are no features, for one parameter or by parameter.

    Returns
    -------
    Larger

    Raises
    ------
    ValueError
        If a name is none of a parameter and a feature, or a value of an added one is not zero.
    """
    objective: Any = estimate.objective
    model = owner._linear_model()
    family = model.family
    names = list(owner._features)
    asked = dict(null) if isinstance(null, Mapping) else {}
    if not isinstance(null, Mapping):
        asked = dict.fromkeys([null] if isinstance(null, str) else list(null), 0.0)
    own = owner._coefficients()
    columns = {n: list(_chosen(model, n)) for n in family.params}
    for name, value in asked.items():
        if name in own.index:
            continue
        parameter, feature = _parsed(name, family, names)
        if feature is None:
            continue
        if value != 0.0:
            raise ValueError(f"{name!r} is not in the model, where it is zero, got {value!r}")
        columns[parameter].append(feature)
    X, shift, scale = objective.rows.X, model.design.shift, model.design.scale
    for parameter, block in _extra(extra, family, objective.rows.n).items():
        start = len(names)
        more = [f"extra{start + j - len(owner._features)}" for j in range(block.shape[1])]
        names += more
        columns[parameter] += list(range(start, start + len(more)))
        asked.update(dict.fromkeys([f"{_label(model, parameter)}[{n}]" for n in more], 0.0))
        spread = block.std(axis=0)
        shift = np.append(shift, block.mean(axis=0))
        scale = np.append(scale, np.where(spread > 0, spread, 1.0))
        X = hstack([X, block], format="csr") if issparse(X) else np.hstack([X, block])
    intercept = {n: any(model._predictors[k][1] for k in _of(family, n)) for n in columns}
    chosen = {n: sorted(own) for n, own in columns.items()}
    grown = LinearPredictors(chosen, intercept, shift, scale).bind(len(names), family)
    zeros = np.zeros(len(names) - model.n_features)
    theta = grown.of_raw([(np.append(coef, zeros), b) for coef, b in model.raw(estimate.theta)])
    rows = objective.rows
    if X is not rows.X:
        rows = rows.holding(rows.y, X, rows.weight, rows.offset)
    classes = owner._classes_of()
    found = Coefficients.of(grown, theta, names, classes)
    return Larger(Regression(family, grown, rows), grown, theta, found, asked)


def _of(family: Any, name: str) -> range:
    block = family.blocks[name]
    return range(block.start, block.stop)


def _chosen(model: LinearPredictors, name: str) -> list[int]:
    """Return the features of a parameter."""
    first = _of(model.family, name)[0]
    return [int(j) for j in model._predictors[first][0]]


def _label(model: LinearPredictors, name: str) -> str:
    return list(model.family.eta_names())[_of(model.family, name)[0]]


def _parsed(name: str, family: Any, features: list[str]) -> tuple[str, int | None]:
    """Return the parameter and the feature of a name such as ``scale[x1]``."""
    for parameter in family.params:
        if name.startswith(f"{parameter}[") and name.endswith("]"):
            feature = name[len(parameter) + 1 : -1]
            if feature in features:
                return parameter, features.index(feature)
    # A name of the model itself, in a short form; one that is none is refused with the others.
    return "", None


def _extra(extra: Any, family: Any, n: int) -> dict[str, np.ndarray]:
    """Return the added columns (n, e) by parameter."""
    if extra is None:
        return {}
    parts = extra if isinstance(extra, Mapping) else {mean_parameter(family): extra}
    found = {}
    for name, values in parts.items():
        if name not in family.params:
            raise ValueError(
                f"extra must name parameters of the family, {list(family.params)}, got {name!r}"
            )
        block = np.asarray(values, dtype=np.float64)
        block = block[:, None] if block.ndim == 1 else block
        if block.ndim != 2 or len(block) != n or not np.isfinite(block).all():
            raise ValueError(
                f"extra must have one row of finite numbers for each of the {n} rows of X that "
                f"count, got the shape {block.shape}"
            )
        found[str(name)] = block
    return found
