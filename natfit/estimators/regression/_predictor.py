"""predictor=: linear predictors, a network, or a map of one's own, and how it is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from natfit import fitting
from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.fitting import training
from natfit.fitting.kernel import fit_regression
from natfit.models import MLP, Constant, Model
from natfit.models.standardised import Standardised


def predictor_of(
    asked: Any, family: Distribution, features: Mapping[str, Any], intercept: Mapping[str, bool]
) -> tuple[Model, tuple[str, ...]]:
    """Return the model of a regression, and the parameters that are constants of it.

    Parameters
    ----------
    asked : str or Model
        ``predictor`` of an estimator, not "linear".
    family : Distribution
        The family.
    features : dict
        The indices of the features of each parameter that has some.
    intercept : dict
        Whether each parameter has an intercept.

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
    model = resolve(asked, Model)
    name = type(model).__name__
    if isinstance(model, Constant):
        raise ValueError(
            "predictor must depend on x, got 'constant'; use natfit.NaturalMLE, or "
            "features_for={} with predictor='linear'"
        )
    driven = [k for k, own in features.items() if own is None or len(own)]
    if len({tuple(features[k] or ()) for k in driven}) > 1:
        raise ValueError(
            f"features_for must give {' and '.join(driven)} the same features with "
            f"predictor={name}, which is one map of all of them; use predictor='linear'"
        )
    bare = [k for k in driven if not intercept.get(k, True)]
    if bare:
        raise ValueError(
            f"fit_intercept must be True with predictor={name}, got False for {bare[0]}"
        )
    constant = tuple(k for k in family.params if k not in driven)
    if isinstance(model, MLP):
        model = Standardised(model)
    return model, constant


def trained(estimator: Any, task: fitting.Task) -> fitting.Result:
    """Return the result of a fit, by training where the options or the model ask for it."""
    how = training.Training(
        estimator.batch_size, estimator.early_stopping, estimator.validation_fraction
    )
    how.check()
    vars(estimator).pop("validation_scores_", None)
    if not training.needed(task.model, how):
        return fit_regression(task)
    result, held_out = training.train(task, how)
    if how.early_stopping:
        estimator.validation_scores_ = np.asarray(held_out)
    return result


class Predicted:
    """What estimators say about coefficients that a network does not have."""

    def __getattr__(self, name: str) -> Any:
        """Say why there is no ``coef_``; other names do not exist."""
        model = vars(self).get("_model")
        if name in ("coef_", "intercept_") and model is not None and not model.linear:
            raise AttributeError(_no_coefficients(model))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _no_coefficients(model: Model) -> str:
    inner = model.model if isinstance(model, Standardised) else model
    return (
        f"coef_ and intercept_ exist for predictor='linear' alone, and this fit has the predictor "
        f"{type(inner).__name__}; use predict, predict_dist or linear_predictor"
    )
