"""What NaturalRegressor and NaturalClassifier share: the fit and its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from natfit import fitting
from natfit._numbers import Numbers, refuse_other_order
from natfit._validation import check_bool, check_jobs, one_window_a_row
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Wrapper
from natfit.estimators._data import read_rows
from natfit.estimators._sources import (
    NAMES,
    bound_by_rows,
    read_regression,
    reader_of,
    repeated,
    standing_for,
)
from natfit.estimators.base import NaturalEstimator
from natfit.estimators.regression._features import Chosen, choose, read_container
from natfit.estimators.regression._held import parts_of
from natfit.estimators.regression._offsets import (
    offsets_of,
    refuse_other_orders,
    warn_of_forgotten,
)
from natfit.estimators.regression._options import intercepts, refuse_ends, strengths
from natfit.estimators.regression._partial import PartialRegression
from natfit.estimators.regression._predictions import Predictions
from natfit.estimators.regression._predictor import Predicted, predictor_of, trained
from natfit.estimators.regression._statements import RegressionStatements
from natfit.fitting.links import driven_by, link_names, linked
from natfit.fitting.null import null_log_likelihood, without_features
from natfit.fitting.options import Adjusted
from natfit.models import Model
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Jeffreys, Regression
from natfit.rng import LazyGenerator, bridge_rng
from natfit.rows import Given, Pieces, Rows, rows_of, source_of, wide_chunks


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

    def those_kept(self, values: np.ndarray | None) -> np.ndarray | None:
        """Return the values (N, ...) of the rows that are kept, of those (n, ...) of all."""
        return values if values is None or self.kept is None else values[self.kept]


@dataclass(frozen=True)
class _Fit:
    """The rows of a fit, the family that is fitted and the one that is published."""

    data: Data
    family: Distribution
    published: Distribution
    chosen: Chosen
    rows: Rows
    null: Rows
    parts: tuple[str, ...]


@dataclass(frozen=True)
class _End:
    """The model and the theta at the end of a fit."""

    model: Model
    theta: np.ndarray


class RegressionEstimator(
    PartialRegression, Predicted, RegressionStatements, Predictions, NaturalEstimator
):
    """Base of estimators of p(y | x): the fit, and what follows from it."""

    predictor: Any
    features_for: Any
    alpha: Any
    distribution: Any
    fit_intercept: Any
    random_state: Any
    warm_start: bool
    n_jobs: int | None
    truncation: Any = None
    distribution_: Distribution
    link_: dict[str, str]
    #: The family as the rows of the fit see it: through intervals and windows, if these had any.
    _family: Distribution
    _choice: Chosen
    _null: Any
    _model: Model
    _theta: np.ndarray

    # ------------------------------------------------------------------- what kinds differ in

    def _response(self, y: Any) -> Numbers | Censored:
        """Return y as rows of a family; a classifier encodes its classes."""
        raise NotImplementedError

    def _adjusted(self, data: Data, y: Any) -> tuple[Adjusted, np.ndarray]:
        """Return the family as options change it, and the rows y as it takes them."""
        raise NotImplementedError

    def _published(
        self, family: Distribution, chosen: Chosen, model: Model, theta: np.ndarray
    ) -> tuple[Any, Any]:
        """Return the coefficients of x and the intercepts as they are published."""
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
        before = dict(self.__dict__)
        self._forget()
        found = self._read_fit(Given(X, y, sample_weight, offset, exposure), n_jobs)
        data, family, published, chosen = found.data, found.family, found.published, found.chosen
        ridge = strengths(self.alpha, family)
        given = {"sample_weight": sample_weight, "offset": offset, "exposure": exposure}
        calls = self._calls(data, y, given)

        def fitted(iterate: Any) -> dict:
            return self._state(published, family, chosen, iterate.model, iterate.theta)

        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, **calls)
        hook = self._iteration_hook(context, calls["X"], calls["y"], calls["metadata"], fitted)
        model, constant = self._posed(chosen, family)
        options: dict[str, Any] = {"model": model, "constant": constant, "ridge": ridge}
        options["hook"] = self._keeping(
            found.rows, hook, lambda at: self._resumes(published, chosen, at)
        )
        options["prior"] = self._prior(family)
        options["raw"] = self._start(before, published, chosen)
        task = fitting.Task(family, found.rows, engine, self._generator(), name="y", **options)
        result = trained(self, task).noted(task.rows.notes)
        self._publish(published, chosen, engine, result)
        self._null = found.null
        self._known_parts = found.parts
        context.call_on_fit_task_end(
            estimator=self,
            **calls,
            reconstruction_attributes=lambda: fitted(_End(self._model, self._theta)),
        )
        if not isinstance(found.rows, Pieces):
            self._remember(X, y, sample_weight, offset, exposure)
        self._warn(self.status_, self.message_, engine)
        return self

    def _read_fit(self, given: Given, n_jobs: int | None) -> _Fit:
        """Return the rows of a fit, their family and their features."""
        source = source_of(**{name: getattr(given, name) for name in NAMES})
        few = given
        if source is not None:
            few = repeated(standing_for(source, self._bound_by_rows(), self._takes_labels))
        data = self._data(few.X, few.y, few.sample_weight, reset=True)
        plan, values = self._adjusted(data, few.y)
        family = plan.fitted[0]
        intercept = intercepts(self.fit_intercept, family)
        chosen = choose(self.features_for, family, data.X, intercept, self._goes_on)
        link, driven = getattr(self, "link", None), driven_by(chosen.features)
        refuse_ends(family, driven)
        family, published = linked(family, link, driven), linked(plan.family, link, driven)
        refuse_other_orders(few.X, few.offset, few.exposure, self.truncation)
        offsets = data.those_kept(self._offsets(family, data.n, few.offset, few.exposure))
        if source is not None:
            for formula in chosen.layout.formulas:
                formula.refuse_state()
            self._choice, self.distribution_ = chosen, published
            reader = reader_of(self)
            rows, null = (
                source.rows(partial(read_regression, reader, features, family))
                for features in (True, False)
            )
            return _Fit(data, family, published, chosen, rows, null, parts_of(vars(few)))
        rows = rows_of(values, chosen.layout.matrix(data.X), data.weight, offsets, n_jobs)
        rows = wide_chunks(rows, family.n_params) if n_jobs is None else rows
        null = without_features(values, data.weight, offsets)
        return _Fit(data, family, published, chosen, rows, null, parts_of(vars(few)))

    #: Whether y are labels of classes.
    _takes_labels = False

    def _bound_by_rows(self) -> bool:
        """Tell whether the family takes limits from its rows."""
        return bound_by_rows(self.distribution)

    def _calls(self, data: Data, y: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Return what callbacks are told of the rows, without those of weight zero."""
        shown = y if Censored.of(y) is None else Censored.of(y)
        metadata = {k: v for k, v in given.items() if v is not None}
        if data.kept is not None:
            shown = _safe_indexing(shown, data.kept)
            metadata = {
                k: _safe_indexing(v, data.kept) for k, v in metadata.items() if np.ndim(v) > 0
            }
        return {"X": data.X, "y": shown, "metadata": metadata or None}

    def _start(self, before: dict, family: Distribution, chosen: Chosen) -> Any:
        """Return the coefficients of the previous fit for a warm start, None for no such start."""
        known = {**before, **before.get("_reached", {})}
        model = known.get("_model")
        if not (self.warm_start and isinstance(model, LinearPredictors)):
            return None
        same = known["distribution_"] == family and known["_choice"].same(chosen)
        labels: tuple[Any, Any] = known.get("classes_"), self.__dict__.get("classes_")
        if not (same and np.array_equal(*labels)):
            # The estimate of another family, or of other features, has no meaning here.
            return None
        return model.raw(known["_theta"])

    def _resumes(self, family: Distribution, chosen: Chosen, at: Any) -> dict[str, Any]:
        """Return what a warm start needs of an iterate."""
        found = {"_model": at.model, "_theta": at.theta, "distribution_": family}
        return {**found, "_choice": chosen, "classes_": self.__dict__.get("classes_")}

    def _posed(self, chosen: Chosen, family: Distribution) -> tuple[Model, tuple[str, ...]]:
        """Return the model of a fit, not yet bound, and the parameters that are constants of it."""
        if not (isinstance(self.predictor, str) and self.predictor == "linear"):
            return predictor_of(self, family, chosen)
        layout = chosen.layout
        # Without names of their own features are x0, x1, ..., as the model calls them.
        plain = layout.given is None and layout.columns is None and not layout.formulas
        names = None if plain else layout.names
        labels = self._labels_of_eta()
        return LinearPredictors(chosen.features, chosen.intercept, None, None, names, labels), ()

    def _labels_of_eta(self) -> list[str] | None:
        """Return what messages call the entries of eta, None for the family's own names."""
        return None

    def _generator(self) -> Any:
        """Return the generator of a fit; a fit without a seed gives the same estimate each time."""
        return LazyGenerator(0) if self.random_state is None else bridge_rng(self.random_state)

    def _data(self, X: Any, y: Any, sample_weight: Any, reset: bool, least: int = 2) -> Data:
        """Return the rows of a fit or a score, without those of weight zero."""
        refuse_other_order(X, y, "y")
        refuse_other_order(X, sample_weight, "sample_weight")
        given = read_container(self, X, reset, least if reset else 1)
        response = self._response(y)
        values = response.rows if isinstance(response, Censored) else response.values
        carried = isinstance(response, Censored) and response.truncation is not None
        if reset and carried and one_window_a_row(self.truncation):
            raise ValueError(
                "truncation must give each row one window, got windows with y and as an option; "
                "pass truncation=(low, high) to natfit.Censored only"
            )
        if len(values) != given.shape[0]:
            # The first words are scikit-learn's.
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X and y must have "
                f"the same number of rows, got {given.shape[0]} and {len(values)}"
            )
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
        for name in ("coef_", "intercept_"):
            self.__dict__.pop(name, None)
        found = self._state(family, result.model.family, chosen, result.model, fit.theta)
        for name, value in found.items():
            setattr(self, name, value)
        self._information, self._at_bound = result.information, result.at_bound
        self._at_rest = result.past
        self.n_obs_, self.loglik_ = result.total, result.log_likelihood
        self.n_iter_, self.status_, self.message_ = fit.n_iter, fit.status, fit.message
        self.history_ = fit.history
        used = result.engine or engine
        self.metric_, self.solver_ = result.metric, used.solver
        self.step_, self.damping_ = used.step, used.damping

    def _state(
        self,
        family: Distribution,
        seen: Distribution,
        chosen: Chosen,
        model: Model,
        theta: np.ndarray,
    ) -> dict[str, Any]:
        """Return the attributes of an estimator that predicts with a theta."""
        found = {"distribution_": family, "_family": seen, "_choice": chosen, "_model": model}
        found |= {"_theta": theta, "_layout": chosen.layout, "link_": link_names(family)}
        if not model.linear:
            return found
        coef, intercept = self._published(family, chosen, model, theta)
        return {**found, "coef_": coef, "intercept_": intercept}

    @property
    def features_for_(self) -> dict[str, tuple[str, ...]]:
        """The names of the features of each parameter, in the order of its coefficients."""
        check_is_fitted(self, "_theta")
        return self._choice.named()

    @property
    def null_log_likelihood_(self) -> float:
        """The log-likelihood of the model with intercepts alone, at the rows of the fit, in nats.

        It has the same offsets and weights, and no penalty. It is computed when it is first asked
        for, or when the estimator is pickled.

        Raises
        ------
        AttributeError
            If the rows are no longer there, or if it cannot be computed; the message says why.
        """
        check_is_fitted(self, "_theta")
        if isinstance(self._null, Rows):
            self._null = null_log_likelihood(self._family, self._null)
        if isinstance(self._null, str):
            raise AttributeError(self._null)
        return self._null

    def __getstate__(self) -> dict:
        """Return what is pickled, which holds no rows."""
        if isinstance(self.__dict__.get("_null"), Rows):
            try:
                _ = self.null_log_likelihood_
            except (ValueError, RuntimeError, OSError) as error:
                self._null = f"null_log_likelihood_ could not be computed: {error}"
        return super().__getstate__()

    # ------------------------------------------------------------------------- predictions

    def _eta(self, X: Any, offset: Any = None, exposure: Any = None) -> np.ndarray:
        """Return eta (n, K) of rows of X."""
        check_is_fitted(self, "_theta")
        given = read_container(self, X, reset=False)
        refuse_other_orders(X, offset, exposure)
        offsets = self._offsets(self.distribution_, given.shape[0], offset, exposure)
        return self._eta_of(given, offsets)

    def _eta_of(self, given: Any, offsets: np.ndarray | None) -> np.ndarray:
        eta = self._model.eta(self._theta, self._choice.layout.matrix(given))
        return eta if offsets is None else eta + offsets

    def _scored(
        self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, exposure: Any = None
    ) -> tuple[Distribution, np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the family of rows, the rows, their eta (n, K) and their weights."""
        check_is_fitted(self, "_theta")
        warn_of_forgotten(self, offset, exposure)
        data = self._data(X, y, sample_weight, reset=False)
        refuse_other_orders(X, offset, exposure, self.truncation)
        offsets = data.those_kept(self._offsets(self.distribution_, data.n, offset, exposure))
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
