"""What NaturalRegressor and NaturalClassifier share: the fit and its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from natfit import fitting
from natfit._numbers import Numbers, refuse_other_order
from natfit._validation import check_bool, check_jobs
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Wrapper
from natfit.estimators._data import read_rows
from natfit.estimators.base import NaturalEstimator
from natfit.estimators.regression._features import Chosen, Layout, choose, read_container
from natfit.estimators.regression._offsets import offsets_of
from natfit.estimators.regression._options import intercepts, strengths
from natfit.estimators.regression._predictions import Predictions
from natfit.estimators.regression._statements import RegressionStatements
from natfit.fitting.kernel import fit_regression
from natfit.fitting.links import driven_by, link_names, linked
from natfit.fitting.options import Adjusted
from natfit.models import Model
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Jeffreys, Regression
from natfit.rng import LazyGenerator, bridge_rng
from natfit.rows import Rows, rows_of


@dataclass(frozen=True)
class Data:
    """Rows as they were given, without those of weight zero.

    Attributes
    ----------
    X : frame, ndarray or csr_array
        As :func:`read_container` returns it.
    y : ndarray of shape (N,), (N, D), (N, 2) or (N, 4)
        The rows of a family as they are seen, or labels of classes.
    weight : ndarray of shape (N,) or None
        Repetitions of each row, all positive.
    seen_as : type or None
        The wrapper through which rows that are not complete see the family.
    kept : ndarray of int or None
        Which of the rows that were given these are; None for all.
    n : int
        Number of rows that were given.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    seen_as: type[Wrapper] | None
    kept: np.ndarray | None
    n: int


class RegressionEstimator(RegressionStatements, Predictions, NaturalEstimator):
    """Base of estimators of p(y | x): the fit, and what follows from it."""

    predictor: Any
    features_for: Any
    alpha: Any
    fit_intercept: Any
    random_state: Any
    warm_start: bool
    n_jobs: int | None
    truncation: Any = None
    distribution_: Distribution
    link_: dict[str, str]
    #: The family as the rows of the fit see it: through intervals and windows, if these had any.
    _family: Distribution
    _layout: Layout
    _model: Model
    _theta: np.ndarray

    # ------------------------------------------------------------------- what kinds differ in

    def _response(self, y: Any) -> Numbers | Censored:
        """Return y as rows of a family; a classifier encodes its classes."""
        raise NotImplementedError

    def _adjusted(self, data: Data, y: Any) -> tuple[Adjusted, np.ndarray]:
        """Return the family as options change it, and the rows y as it takes them."""
        raise NotImplementedError

    def _publish_coefficients(self) -> None:
        raise NotImplementedError

    def _offsets(
        self, family: Distribution, n: int, offset: Any, exposure: Any
    ) -> np.ndarray | None:
        """Return what is added to eta, (n, K), or None."""
        return offsets_of(family, n, offset, exposure)

    # ----------------------------------------------------------------------------------- fit

    def _fit(self, X: Any, y: Any, sample_weight: Any, offset: Any, exposure: Any) -> Any:
        check_bool(self.warm_start, "warm_start")
        engine, n_jobs = self._engine(), check_jobs(self.n_jobs)
        data = self._data(X, y, sample_weight, reset=True)
        plan, values = self._adjusted(data, y)
        family = plan.fitted[0]
        chosen = choose(self.features_for, family, data.X, intercepts(self.fit_intercept, family))
        link, driven = getattr(self, "link", None), driven_by(chosen.features)
        family = linked(family, link, driven)
        ridge = strengths(self.alpha, family)
        offsets = self._offsets(family, data.n, offset, exposure)
        if offsets is not None and data.kept is not None:
            offsets = offsets[data.kept]
        rows = rows_of(values, chosen.layout.matrix(data.X), data.weight, offsets, n_jobs)
        task = fitting.Task(
            family,
            rows,
            engine,
            self._generator(),
            model=self._posed(chosen),
            ridge=ridge,
            prior=self._prior(family),
        )
        result = fit_regression(task)
        self._publish(linked(plan.family, link, driven), chosen, engine, result)
        self._remember(X, y, sample_weight, offset, exposure)
        self._warn(self.status_, self.message_, engine)
        return self

    def _posed(self, chosen: Chosen) -> Model:
        """Return the model of a fit, not yet bound."""
        names = chosen.layout.names
        return LinearPredictors(chosen.features, chosen.intercept, feature_names=names)

    def _generator(self) -> Any:
        """Return the generator of a fit; a fit without a seed gives the same estimate each time."""
        return LazyGenerator(0) if self.random_state is None else bridge_rng(self.random_state)

    def _data(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Data:
        """Return the rows of a fit or a score, without those of weight zero."""
        refuse_other_order(X, y, "y")
        refuse_other_order(X, sample_weight, "sample_weight")
        given = read_container(self, X, reset, 2 if reset else 1)
        response = self._response(y)
        values = response.rows if isinstance(response, Censored) else response.values
        check_consistent_length(given, values)
        data = read_rows(response, sample_weight, "error", self.truncation, name="y")
        kept = None
        if data.kept is not None:
            kept = np.flatnonzero(data.kept)
            given = _safe_indexing(given, kept)
        return Data(given, data.values, data.weight, data.seen_as, kept, len(values))

    def _publish(
        self, family: Distribution, chosen: Chosen, engine: Any, result: fitting.Result
    ) -> None:
        fit = result.fit
        self.distribution_, self._family = family, result.model.family
        self.link_ = link_names(family)
        self._layout, self.features_for_ = chosen.layout, chosen.named()
        self._model, self._theta = result.model, fit.theta
        self._information, self._at_bound = result.information, result.at_bound
        self.n_obs_, self.loglik_ = result.total, result.log_likelihood
        self.n_iter_, self.status_, self.message_ = fit.n_iter, fit.status, fit.message
        self.history_ = fit.history
        self.metric_, self.solver_ = result.metric, engine.solver
        self.step_, self.damping_ = engine.step, engine.damping
        self._publish_coefficients()

    # ------------------------------------------------------------------------- predictions

    def _eta(self, X: Any, offset: Any = None, exposure: Any = None) -> np.ndarray:
        """Return eta (n, K) of rows of X."""
        check_is_fitted(self, "_theta")
        given = read_container(self, X, reset=False)
        offsets = self._offsets(self.distribution_, given.shape[0], offset, exposure)
        return self._eta_of(given, offsets)

    def _eta_of(self, given: Any, offsets: np.ndarray | None) -> np.ndarray:
        eta = self._model.eta(self._theta, self._layout.matrix(given))
        return eta if offsets is None else eta + offsets

    def _scored(
        self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, exposure: Any = None
    ) -> tuple[Distribution, np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the family of rows, the rows, their eta (n, K) and their weights."""
        check_is_fitted(self, "_theta")
        data = self._data(X, y, sample_weight, reset=False)
        offsets = self._offsets(self.distribution_, data.n, offset, exposure)
        if offsets is not None and data.kept is not None:
            offsets = offsets[data.kept]
        eta = self._eta_of(data.X, offsets)
        family, values = self._seen_rows(data, y)
        return family, values, eta, data.weight

    def _seen_rows(self, data: Data, y: Any) -> tuple[Distribution, np.ndarray]:
        """Return the family of the rows of a score, and the rows as it takes them."""
        raise NotImplementedError

    def _objective(self, rows: Rows) -> Regression:
        """Return the objective of the fit at these rows, in theta."""
        family = self._family
        alpha = np.zeros(family.n_params)
        for name, strength in strengths(self.alpha, family).items():
            alpha[family.blocks[name]] = strength
        lam = self._model.penalty(alpha) if alpha.any() else None
        kind = Jeffreys if self._prior(family) else Regression
        return kind(family, self._model, rows, lam, family.contrast)
