"""predictor=: linear predictors, a network, or a map of one's own, and how it is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError

from natfit import fitting
from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.estimators.regression._features import Chosen
from natfit.fitting import training
from natfit.fitting.kernel import fit_regression
from natfit.models import MLP, Constant, Model
from natfit.models.standardised import Standardised


def predictor_of(
    estimator: Any, family: Distribution, chosen: Chosen
) -> tuple[Model, tuple[str, ...]]:
    """Return the model of a regression, and the parameters that are constants of it.

    Parameters
    ----------
    estimator : RegressionEstimator
        Its ``predictor`` is not "linear".
    family : Distribution
        The family.
    chosen : Chosen
        The features of each parameter, and which have an intercept.

    Returns
    -------
    model : Model
        Not yet bound.
    constant : tuple of str
        Names of parameters.

    Raises
    ------
    ValueError
        If ``predictor`` or an option that goes with it is not valid.
    """
    try:
        model = resolve(estimator.predictor, Model)
    except (TypeError, ValueError) as error:
        raise type(error)(f"predictor is not valid: {error}") from None
    features = chosen.features
    name = type(model).__name__
    if isinstance(model, Constant):
        raise ValueError(
            "predictor must depend on x, got 'constant'; use natfit.NaturalMLE, or "
            "features_for={} with predictor='linear'"
        )
    driven = [k for k, own in features.items() if own is None or len(own)]
    if not driven:
        raise ValueError(
            f"features_for must give a parameter features with predictor={name}, got none for "
            f"{' or '.join(family.params)}; use predictor='linear'"
        )
    every = tuple(range(len(chosen.layout.names)))
    asked = {k: every if features[k] is None else tuple(features[k] or ()) for k in driven}
    columns = asked[driven[0]]
    if set(asked.values()) != {columns}:
        raise ValueError(
            f"features_for must give {' and '.join(driven)} the same features with "
            f"predictor={name}, which is one map of all of them; use predictor='linear'"
        )
    if columns != every and not isinstance(model, MLP):
        raise ValueError(
            f"features_for must be 'all' with predictor={name}, which is given the whole of X, "
            f"got {[chosen.layout.names[j] for j in columns]}; choose the columns in its function"
        )
    if estimator.warm_start:
        raise ValueError(
            f"warm_start must be False with predictor={name}, whose start is drawn anew; use "
            "predictor='linear'"
        )
    bare = [k for k in driven if not chosen.intercept.get(k, True)]
    if bare:
        raise ValueError(
            f"fit_intercept must be True with predictor={name}, got False for {bare[0]}"
        )
    constant = tuple(k for k in family.params if k not in driven)
    if isinstance(model, MLP):
        model = Standardised(model, columns=None if columns == every else columns)
    return model, constant


def trained(estimator: Any, task: fitting.Task) -> fitting.Result:
    """Return the result of a fit, by training where the options or the model ask for it."""
    how = training.Training(
        estimator.batch_size,
        estimator.early_stopping,
        estimator.validation_fraction,
        stratify=is_classifier(estimator),
    )
    how.check()
    if task.prior == "jeffreys" and training.needed(task.model, how):
        raise ValueError(
            "prior='jeffreys' needs all rows at once, because its weight beside the likelihood is "
            "theirs; leave out batch_size and early_stopping, or use alpha"
        )
    vars(estimator).pop("validation_scores_", None)
    if not training.needed(task.model, how):
        return fit_regression(task)
    result, held_out = training.train(task, how)
    if how.early_stopping:
        estimator.validation_scores_ = np.asarray(held_out)
    return result


#: Attributes that only fits with linear predictors have.
_OF_COEFFICIENTS = ("coef_", "intercept_", "standard_errors_", "intercept_standard_errors_")


class Predicted:
    """What estimators say about coefficients that a network does not have."""

    def __getattr__(self, name: str) -> Any:
        """Say why there is no ``coef_`` and what belongs to it; other names do not exist."""
        model = vars(self).get("_model")
        if name in _OF_COEFFICIENTS and model is not None and not model.linear:
            raise AttributeError(without_coefficients(model))
        waits = vars(self).get("_waits")
        if waits and model is None and name.endswith("_") and not name.startswith("_"):
            name = type(self).__name__
            raise NotFittedError(
                f"the rows of partial_fit do not determine this {name} yet: {waits}"
            )
        # Which raises what a property has raised.
        return object.__getattribute__(self, name)


def without_coefficients(model: Model) -> str:
    """Return why a fit with this model has no coefficients, and what there is instead."""
    inner = model.model if isinstance(model, Standardised) else model
    return (
        "coefficients, their standard errors and what follows from them exist for "
        f"predictor='linear' alone, and this fit has the predictor {type(inner).__name__}: the "
        "data do not determine its weights one by one, and no information is computed; use "
        "predict, predict_dist or linear_predictor"
    )
