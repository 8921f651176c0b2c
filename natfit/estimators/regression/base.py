"""What NaturalRegressor and NaturalClassifier share: the fit and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit import fitting
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators.base import NaturalEstimator
from natfit.estimators.regression._features import Design, features_of, offsets_of, read_design
from natfit.estimators.regression._predictions import Predictions
from natfit.estimators.regression._response import Response
from natfit.estimators.regression._statements import RegressionStatements
from natfit.fitting.kernel import fit_regression
from natfit.models import Model
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Regression
from natfit.rng import LazyGenerator, bridge_rng
from natfit.rows import Rows, rows_of


class RegressionEstimator(RegressionStatements, Predictions, NaturalEstimator):
    """Base of estimators of p(y | x): the fit, and what follows from it."""

    predictor: Any
    features_for: Any
    alpha: Any
    fit_intercept: Any
    random_state: Any
    warm_start: bool
    distribution_: Distribution
    _model: Model
    _theta: np.ndarray

    def _response(self, y: Any) -> Response:
        """Return y as the rows of a family; a classifier encodes its classes."""
        raise NotImplementedError

    def _fit(self, X: Any, y: Any, sample_weight: Any, offset: Any, exposure: Any) -> Any:
        design = read_design(self, X, reset=True)
        response = self._response(y)
        family = response.family
        rows = self._regression_rows(design, response, sample_weight, offset, exposure)
        family = family.bind(rows)
        engine = self._engine()
        chosen = features_of(self, family, design)
        intercept = by_parameter(self.fit_intercept, family, True)
        model = LinearPredictors(chosen, intercept)
        rng: Any = LazyGenerator(0) if self.random_state is None else bridge_rng(self.random_state)
        task = fitting.Task(
            family, rows, engine, rng, model=model, ridge=self._ridge(family), start=None
        )
        result = fit_regression(task)
        self._publish(family, engine, result)
        self._warn(self.status_, self.message_, engine)
        return self

    def _ridge(self, family: Distribution) -> dict[str, float]:
        return {n: float(a) for n, a in by_parameter(self.alpha, family, 0.0).items() if a}

    def _regression_rows(
        self, design: Design, response: Response, sample_weight: Any, offset: Any, exposure: Any
    ) -> Rows:
        """Return the rows of a fit or of a score."""
        offsets = offsets_of(response.family, design.n, offset, exposure)
        return rows_of(response.y, design.X, sample_weight, offsets, n_jobs=self.n_jobs)

    def _publish(self, family: Distribution, engine: Any, result: fitting.Result) -> None:
        fit = result.fit
        self.distribution_ = family
        self._model, self._theta = result.model, fit.theta
        self._information, self._at_bound = result.information, result.at_bound
        self.n_obs_, self.loglik_ = result.total, result.log_likelihood
        self.n_iter_, self.status_, self.message_ = fit.n_iter, fit.status, fit.message
        self.history_ = fit.history
        self.metric_, self.solver_ = result.metric, engine.solver
        self.step_, self.damping_ = engine.step, engine.damping
        self._publish_coefficients()

    def _publish_coefficients(self) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------------- predictions

    def _eta(self, X: Any, offset: Any = None, exposure: Any = None) -> np.ndarray:
        """Return eta (n, K) of rows of X."""
        check_is_fitted(self, "_theta")
        design = read_design(self, X, reset=False)
        eta = self._model.eta(self._theta, design.X)
        offsets = offsets_of(self.distribution_, design.n, offset, exposure)
        return eta if offsets is None else eta + offsets

    def _frozen(self, eta: np.ndarray) -> Frozen:
        return Frozen(self.distribution_, eta, by="row")

    def _objective(self, rows: Rows) -> Regression:
        """Return the objective of the fit at these rows, in theta."""
        family = self.distribution_
        alpha = np.zeros(family.n_params)
        for name, strength in self._ridge(family).items():
            alpha[family.blocks[name]] = strength
        lam = self._model.penalty(alpha) if alpha.any() else None
        return Regression(family, self._model, rows, lam, family.contrast)


def by_parameter(value: Any, family: Distribution, default: Any) -> dict[str, Any]:
    """Return an option for each parameter: a dict by name, or one value for all."""
    if isinstance(value, Mapping):
        return {name: value.get(name, default) for name in family.params}
    return dict.fromkeys(family.params, value)
