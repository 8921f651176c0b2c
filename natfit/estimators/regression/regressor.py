"""NaturalRegressor: every parameter of a distribution on features."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from natfit.estimators.regression._response import Response, read_response
from natfit.estimators.regression.base import RegressionEstimator


class NaturalRegressor(RegressorMixin, RegressionEstimator):
    """Regression of every parameter of a distribution on features, by natural gradients."""

    def __init__(
        self,
        distribution: Any = "normal",
        *,
        predictor: Any = "linear",
        features_for: Any = None,
        link: Any = None,
        alpha: Any = 0.0,
        fit_intercept: Any = True,
        prior: Any = None,
        metric: Any = "auto",
        solver: Any = "auto",
        step: Any = "backtracking",
        damping: Any = None,
        tol: float = 1e-5,
        max_iter: int = 100,
        truncation: Any = None,
        batch_size: int | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.distribution = distribution
        self.predictor = predictor
        self.features_for = features_for
        self.link = link
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.prior = prior
        self.metric = metric
        self.solver = solver
        self.step = step
        self.damping = damping
        self.tol = tol
        self.max_iter = max_iter
        self.truncation = truncation
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs

    coef_: dict[str, np.ndarray]
    intercept_: dict[str, Any]

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
    ) -> NaturalRegressor:
        """Fit the model to rows."""
        with self._all_or_nothing():
            return self._fit(X, y, sample_weight, offset, exposure)

    def _response(self, y: Any) -> Response:
        return read_response(self.distribution, y)

    def _publish_coefficients(self) -> None:
        raw = self._model.raw(self._theta)
        blocks = {n: raw[block] for n, block in self.distribution_.blocks.items()}
        self.coef_ = {n: _stacked([coef for coef, _ in own]) for n, own in blocks.items()}
        self.intercept_ = {n: _stacked([base for _, base in own]) for n, own in blocks.items()}

    def predict(self, X: Any, *, offset: Any = None, exposure: Any = None) -> np.ndarray:
        """Return the mean of y for each row of X."""
        return self.predict_dist(X, offset=offset, exposure=exposure).mean()


def _stacked(values: list) -> Any:
    return values[0] if len(values) == 1 else np.stack(values)
