"""A regression with more coefficients, at the estimate of the smaller one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import hstack, issparse

from natfit._numbers import is_frame
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


def larger(owner: Any, estimate: Estimate, null: Any, extra: Any, X: Any, keep: Any) -> Larger:
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
    X : object
        The rows as they were given, of whose columns some may be no features.
    keep : callable
        ``keep(values)`` returns those of the rows that count.

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
    family, asked = model.family, dict(null) if isinstance(null, Mapping) else _zeros(null)
    added = _Added(model, list(owner._features))
    for name, parameter, feature in _absent(asked, owner, X):
        if asked.pop(name) != 0.0:
            raise ValueError(f"{name!r} is not in the model, where it is zero, got {null[name]!r}")
        own = [(feature, None)] if feature in added.names else _columns(X, feature)
        for full, values in own:
            added.put(parameter, full, None if full in added.names else keep(values))
    for parameter, (labels, block) in _extra(extra, family, keep).items():
        for label, column in zip(labels, block.T, strict=True):
            label = label or f"extra{len(added.names) - len(owner._features)}"
            added.put(parameter, label, column)
    _refuse_at_limit({parameter for parameter, _ in added.places}, owner, model)
    rows, grown = added.model(objective.rows)
    zeros = np.zeros(len(added.names) - model.n_features)
    theta = grown.of_raw([(np.append(coef, zeros), b) for coef, b in model.raw(estimate.theta)])
    found = Coefficients.of(grown, theta, added.names, owner._classes_of())
    # Of a parameter with several entries, or of classes, each has a coefficient of the feature.
    both = zip(found.names, found.places, strict=True)
    asked |= {name: 0.0 for name, p in both if (p.parameter, p.feature) in added.places}
    return Larger(Regression(family, grown, rows), grown, theta, found, asked)


class _Added:
    """Coefficients that a model shall have beside its own."""

    def __init__(self, model: LinearPredictors, names: list[str]) -> None:
        self.old = model
        self.names = names
        self.columns = {n: list(_chosen(model, n)) for n in model.family.params}
        self.values: list[np.ndarray] = []
        self.places: list[tuple[str, int]] = []

    def put(self, parameter: str, feature: str, values: np.ndarray | None) -> None:
        """Add a feature to a parameter: a column (n,), or None for one that is among the names."""
        place = parameter, len(self.names) if values is not None else self.names.index(feature)
        if values is not None:
            self.values.append(values)
            self.names.append(feature)
        self.columns[parameter].append(place[1])
        self.places.append(place)

    def model(self, rows: Any) -> tuple[Any, LinearPredictors]:
        """Return the rows with the columns, and the model of them."""
        old, family = self.old, self.old.family
        intercept = {n: any(old._predictors[k][1] for k in _of(family, n)) for n in self.columns}
        chosen = {n: sorted(own) for n, own in self.columns.items()}
        rows, shift, scale = _with_columns(rows, old, self.values)
        grown = LinearPredictors(chosen, intercept, shift, scale, None, old.labels)
        return rows, grown.bind(len(self.names), family)


def _absent(asked: dict[str, Any], owner: Any, X: Any) -> Iterator[tuple[str, str, str]]:
    """Return the hypotheses on coefficients that the fit has not.

    A name that is a short form of a coefficient, or none at all, is left to those who read the
    names of the fit.

    Yields
    ------
    name : str
        As it was asked.
    parameter : str
    feature : str
    """
    family = owner._linear_model().family
    known = owner._coefficients()
    for name in [n for n in asked if n not in known.index]:
        parameter, feature = _parsed(name, family)
        if parameter is None and not known.meant(name):
            parameter, feature = mean_parameter(family), name
        if parameter is not None and (feature in owner._features or _has(X, feature)):
            yield name, parameter, feature


def _refuse_at_limit(parameters: set[str], owner: Any, model: LinearPredictors) -> None:
    """Raise ValueError if features are added to a parameter that rests at a limit."""
    for name in sorted(parameters):
        parts = [model.parts[k] for k in _of(model.family, name)]
        if any(part.start <= k < part.stop for part in parts for k in owner._at_bound):
            raise ValueError(
                f"a score test of features of {name} needs {name} inside its range, but the fit "
                f"ended as {owner.message_}"
            )


def _zeros(null: Any) -> dict[str, Any]:
    return dict.fromkeys([null] if isinstance(null, str) else list(null), 0.0)


def _has(X: Any, feature: str) -> bool:
    return is_frame(X) and feature in list(X.columns)


def _columns(X: Any, feature: str) -> list[tuple[str, Any]]:
    """Return a column of a frame as numbers, with its name; of categories one for each but one."""
    values = np.asarray(X[feature])
    try:
        return [(feature, values.astype(np.float64))]
    except (TypeError, ValueError):
        categories = list(dict.fromkeys(values.tolist()))
    return [(f"{feature}[{c}]", (values == c).astype(np.float64)) for c in categories[1:]]


def _with_columns(
    rows: Any, model: LinearPredictors, added: list[np.ndarray]
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return rows with more columns, and the centre and unit of all of them."""
    shift, scale = model.design.shift, model.design.scale
    if not added:
        return rows, shift, scale
    block = np.column_stack(added)
    if len(block) != rows.n or not np.isfinite(block).all():
        raise ValueError(
            f"added columns must have a finite number for each of the {rows.n} rows of X, got "
            f"{len(block)} rows"
        )
    spread = block.std(axis=0)
    shift = np.append(shift, block.mean(axis=0))
    scale = np.append(scale, np.where(spread > 0, spread, 1.0))
    X = rows.X
    X = hstack([X, block], format="csr") if issparse(X) else np.hstack([X, block])
    return rows.holding(rows.y, X, rows.weight, rows.offset), shift, scale


def _of(family: Any, name: str) -> range:
    block = family.blocks[name]
    return range(block.start, block.stop)


def _chosen(model: LinearPredictors, name: str) -> list[int]:
    """Return the features of a parameter."""
    first = _of(model.family, name)[0]
    return [int(j) for j in model._predictors[first][0]]


def _parsed(name: str, family: Any) -> tuple[str | None, str]:
    """Return the parameter and the feature of a name such as ``scale[x1]``."""
    for parameter in family.params:
        if name.startswith(f"{parameter}[") and name.endswith("]"):
            return parameter, name[len(parameter) + 1 : -1]
    return None, ""


def _extra(extra: Any, family: Any, keep: Any) -> dict[str, tuple[list[str | None], np.ndarray]]:
    """Return the names, as far as they have some, and the added columns (n, e) by parameter."""
    if extra is None:
        return {}
    parts = extra if isinstance(extra, Mapping) else {mean_parameter(family): extra}
    found = {}
    for name, values in parts.items():
        if name not in family.params:
            raise ValueError(
                f"extra must name parameters of the family, {list(family.params)}, got {name!r}"
            )
        block = keep(np.asarray(values, dtype=np.float64))
        block = block[:, None] if block.ndim == 1 else block
        own = list(values.columns) if is_frame(values) else [getattr(values, "name", None)]
        own = own if len(own) == block.shape[1] else [None] * block.shape[1]
        labels = [label if isinstance(label, str) else None for label in own]
        found[str(name)] = labels, block
    return found
