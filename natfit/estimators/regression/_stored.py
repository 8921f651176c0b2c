"""Fitted regressions with linear predictors as JSON, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from natfit._stored import decode, encode, heading, only
from natfit.distributions.base import Distribution
from natfit.estimators._stored import (
    history_read,
    history_stored,
    information_read,
    information_stored,
)
from natfit.estimators.regression._columns import Column
from natfit.estimators.regression._features import Chosen, Layout
from natfit.estimators.regression._statements_estimates import Remembered
from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors

#: Fitted attributes that are numbers, strings, arrays and components.
_PLAIN = (
    *("distribution_", "_family", "_theta", "_at_bound", "n_obs_", "loglik_", "n_iter_"),
    *("message_", "metric_", "solver_", "step_", "damping_", "n_features_in_"),
)

#: What a linear model is made of.
_MODEL = ("columns", "intercept", "shift", "scale", "feature_names", "labels")

#: The keys of a stored regression.
_KEYS = {
    *("natfit", "format", "type", "options", "fitted", "model", "layout", "choice", "classes"),
    *("information", "status", "history", "null", "names", "validation"),
}

#: Kinds of arrays of labels: truth values, whole numbers, numbers, text, and objects.
_LABELS = "biufUO"


def to_json(model: Any) -> str:
    """Return a fitted regression as JSON.

    Parameters
    ----------
    model : NaturalRegressor or NaturalClassifier
        Fitted.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it has another predictor than a linear one or formulas, or an option or the family
        cannot be written.
    """
    linear = model._model
    if not isinstance(linear, LinearPredictors):
        inner = getattr(linear, "model", linear)
        raise ValueError(
            f"predictor must be 'linear' to be stored as JSON, got {type(inner).__name__}; keep "
            "other predictors with pickle or joblib"
        )
    names = getattr(model, "feature_names_in_", None)
    held_out = model.__dict__.get("validation_scores_")
    info = model._information
    stored = {
        **heading(type(model).__name__),
        "options": {k: encode(v, k) for k, v in model.get_params(deep=False).items()},
        "fitted": {k: encode(getattr(model, k), k) for k in _PLAIN},
        "model": {k: encode(_plain(getattr(linear, k)), k) for k in _MODEL},
        "layout": _layout_stored(model._layout),
        "choice": encode({"features": model._choice.features, "has": model._choice.intercept}, "_"),
        "classes": _classes_stored(_labels(model)),
        "information": None if info is None else information_stored(info),
        "status": str(model.status_),
        "history": history_stored(model.history_),
        "null": encode(_null(model), "null_log_likelihood_"),
        "names": None if names is None else encode(names, "feature_names_in_"),
        "validation": None if held_out is None else encode(held_out, "validation_scores_"),
    }
    return json.dumps(stored, allow_nan=False)


def _plain(value: Any) -> Any:
    """Return names as a list, and what else there is as it is."""
    return list(value) if isinstance(value, list | tuple) else value


def _null(model: Any) -> float | str:
    """Return the log-likelihood without features, or why there is none."""
    try:
        return float(model.null_log_likelihood_)
    except (AttributeError, ValueError) as error:
        return str(error)


def _layout_stored(layout: Layout) -> dict[str, Any]:
    """Return how columns become features, in terms of JSON."""
    if layout.formulas:
        raise ValueError(
            "features_for must name columns to be stored as JSON, got a formula, which is code; "
            "make its columns features of X, or keep the fit with pickle or joblib"
        )
    columns = None
    if layout.columns is not None:
        columns = [
            [c.index, encode(c.name, "X"), encode(c.levels, f"the categories of column {c.name!r}")]
            for c in layout.columns
        ]
    return {
        "n_columns": layout.n_columns,
        "given": encode(layout.given, "the names of the columns of X"),
        "columns": columns,
    }


def _layout_read(stored: Any) -> Layout:
    only(stored, {"n_columns", "given", "columns"}, "layout")
    columns = None
    if stored["columns"] is not None:
        columns = tuple(Column(index, decode(n), decode(v)) for index, n, v in stored["columns"])
    return Layout(stored["n_columns"], decode(stored["given"]), columns)


def _labels(model: Any) -> np.ndarray | None:
    """Return the labels of a classifier, or the ordered categories of a regressor's y."""
    known = getattr(model, "_categories", None)
    return getattr(model, "classes_", None) if known is None else np.array(known)


def _classes_stored(classes: Any) -> dict[str, Any] | None:
    """Return labels in terms of JSON, with the type of their array."""
    if classes is None:
        return None
    if classes.dtype.kind not in _LABELS:
        raise ValueError(
            "classes must be numbers or text to be stored as JSON, got labels of the dtype "
            f"{classes.dtype}; keep the fit with pickle or joblib"
        )
    return {"labels": encode(classes.tolist(), "classes_"), "dtype": classes.dtype.str}


def _classes_read(stored: Any) -> np.ndarray:
    only(stored, {"labels", "dtype"}, "classes")
    kind = np.dtype(stored["dtype"])
    if kind.kind not in _LABELS:
        raise ValueError(f"dtype of classes must be of numbers or text, got {stored['dtype']!r}")
    return np.array(decode(stored["labels"]), dtype=kind)


def from_stored(stored: dict) -> Any:
    """Return the regression that :func:`to_json` has written.

    Parameters
    ----------
    stored : dict
        What was read of the JSON.

    Returns
    -------
    NaturalRegressor or NaturalClassifier

    Raises
    ------
    ValueError
        If keys are missing or unknown, or a part is not what it must be.
    """
    from natfit.estimators.regression.classifier import NaturalClassifier
    from natfit.estimators.regression.regressor import NaturalRegressor

    only(stored, _KEYS, "a fitted regression")
    cls: Any = {c.__name__: c for c in (NaturalRegressor, NaturalClassifier)}[stored["type"]]
    only(stored["options"], set(cls().get_params(deep=False)), "options")
    only(stored["fitted"], set(_PLAIN), "fitted")
    only(stored["model"], set(_MODEL), "model")
    found = cls(**{k: decode(v) for k, v in stored["options"].items()})
    fitted = {k: decode(v) for k, v in stored["fitted"].items()}
    _check_types(fitted)
    layout, choice = _layout_read(stored["layout"]), decode(stored["choice"])
    chosen = Chosen(layout, choice["features"], choice["has"])
    bare = LinearPredictors(**{k: decode(v) for k, v in stored["model"].items()})
    model = bare.bind(max(len(layout.names), 1), fitted["_family"])
    if fitted["_theta"].shape != (model.n_params,):
        raise ValueError(f"_theta must have {model.n_params} entries, got {fitted['_theta'].shape}")
    if stored["classes"] is not None:
        labels = _classes_read(stored["classes"])
        if cls is NaturalClassifier:
            found.classes_ = labels
        else:
            found._categories = labels.tolist()
    terms = fitted["distribution_"], fitted["_family"], chosen, model, fitted["_theta"]
    for name, value in {**fitted, **found._state(*terms)}.items():
        setattr(found, name, value)
    info = stored["information"]
    found._information = None if info is None else information_read(info)
    found._remembered = Remembered(X=None)
    found.status_, found.history_ = Status(stored["status"]), history_read(stored["history"])
    found._null = decode(stored["null"])
    if found._null != found._null:
        found._null = "null_log_likelihood_ is not among what was stored: fit again for it"
    for name, key in (("feature_names_in_", "names"), ("validation_scores_", "validation")):
        if stored[key] is not None:
            setattr(found, name, decode(stored[key]))
    return found


def _check_types(fitted: dict[str, Any]) -> None:
    """Raise ValueError where a stored value cannot be what its name says."""
    numbers = ("n_obs_", "loglik_", "n_iter_", "n_features_in_")
    kinds: dict[str, Any] = dict.fromkeys(numbers, int | float)
    kinds |= {"message_": str, "_theta": np.ndarray, "_at_bound": tuple}
    kinds |= dict.fromkeys(("distribution_", "_family"), Distribution)
    for name, kind in kinds.items():
        if not isinstance(fitted[name], kind):
            raise ValueError(f"{name} must have the type that to_json writes, got another")
