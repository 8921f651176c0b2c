"""NaturalClassifier: classes on features, by the logit of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, log_expit
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from natfit._numbers import Numbers, TooFewRows, refuse_other_order
from natfit._validation import answers_keywords
from natfit.distributions import Bernoulli, Categorical
from natfit.distributions.base import Distribution
from natfit.estimators._sources import by_pieces, mean_by_pieces
from natfit.estimators.regression._features import Chosen
from natfit.estimators.regression._offsets import class_offsets, warn_of_forgotten
from natfit.estimators.regression._partial import Going, known_classes
from natfit.estimators.regression._response import read_classes, warn_of_many
from natfit.estimators.regression.base import Data, RegressionEstimator
from natfit.fitting.options import Adjusted


class NaturalClassifier(ClassifierMixin, RegressionEstimator):
    """Regression of the probabilities of classes on features, by natural gradients.

    The logit of each class is linear in x: ``log p(class k | x) = b_k + beta_k x + constant``. Two
    classes are a Bernoulli family with the logit of the second one, K of them a categorical family
    with K logits, whose sum is zero. The objective is the mean of ``-log p(y_i | x_i)`` in nats per
    row plus ``alpha / 2 |beta|^2``, that of ``LogisticRegression`` with ``C = 1 / (alpha N)``.

    Parameters
    ----------
    predictor : {"linear", "mlp"} or Model, default="linear"
        The map from x to the logits.
    features_for : None, "all", list, str or dict, default=None
        The features: all of them, a list of names or indices of columns of X, or a formula, as in
        :class:`NaturalRegressor`.
    link : None or str, default=None
        The function by which the probability of the second of two classes becomes its predictor;
        None is the logit.
    alpha : float, default=0.0
        Strength of the ridge penalty on the coefficients of x in its own units, >= 0. All classes
        are penalised alike, intercepts are not.
    fit_intercept : bool, default=True
        Whether there are intercepts.
    prior : None or "jeffreys", default=None
        "jeffreys" adds half the log-determinant of the Fisher information (Firth, 1993): estimates
        are finite where a class is separated from the others.
    metric, solver, step, damping, tol, max_iter
        As in :class:`NaturalRegressor`.
    batch_size, early_stopping, validation_fraction
        As in :class:`NaturalRegressor`.
    warm_start, random_state, n_jobs
        As in :class:`NaturalRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
        The labels, sorted; those of rows of weight zero do not count.
    coef_ : ndarray of shape (1, F) or (K, F)
        Coefficients of x: of the logit of the second of two classes, or of K logits, centred over
        classes.
    intercept_ : ndarray of shape (1,) or (K,)
        Intercepts, likewise.
    features_for_ : dict of tuple of str
        Names of the F features, as in :class:`NaturalRegressor`.
    distribution_ : Bernoulli or Categorical
        The family of the indices of classes. Categorical has log odds against the last class.
    null_log_likelihood_, loglik_, n_obs_, n_iter_, status_, message_, history_
        As in :class:`NaturalRegressor`.
    metric_, solver_, step_, damping_, n_features_in_, feature_names_in_
        As in :class:`NaturalRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalClassifier
    >>> height = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]])
    >>> model = NaturalClassifier().fit(height, ["no", "no", "yes", "no", "yes", "yes"])
    >>> str(model.predict([[4.4]])[0]), round(float(model.predict_proba([[4.4]])[0, 1]), 3)
    ('yes', 0.749)
    """

    def __init__(
        self,
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
        batch_size: int | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
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
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs

    classes_: np.ndarray
    coef_: np.ndarray

    _takes_labels = True

    def _bound_by_rows(self) -> bool:
        """Return False: the labels are looked for in any case."""
        return False

    intercept_: np.ndarray

    @answers_keywords
    @with_callbacks
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, offset: Any = None
    ) -> NaturalClassifier:
        """Fit the model to rows.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (N, D)
            The features, as in :meth:`NaturalRegressor.fit`.
        y : array-like of shape (N,)
            Labels of classes, of any type that can be sorted.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row. Rows of weight zero are dropped, and so are classes that have
            no other rows.
        offset : array-like of shape (N,) or (N, K), optional
            What is added to the logit of the second of two classes, or to those of all K.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data, weights or options cannot be used; the message says which, why, and what to
            do. The estimator stays as it was before.

        Warns
        -----
        ConvergenceWarning
            If the fit did not converge; ``status_`` and ``message_`` say why.
        UserWarning
            If labels are numbers with so many values that they look like a measured quantity.
        """
        with self._all_or_nothing():
            return self._fit(X, y, sample_weight, offset, None)

    @answers_keywords
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        classes: Any = None,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        forgetting: float = 1.0,
    ) -> NaturalClassifier:
        """Go on with the fit with the rows of a batch, as if they had been there before.

        The first rows, 1,000 of them or 20 for each coefficient, are fitted together. Then the
        estimate moves to the optimum of the batch's likelihood and the quadratic of the rows
        before, whose information is added up: within a small part of a standard error of the fit
        to all rows.

        Parameters
        ----------
        X, y, sample_weight, offset
            As in :meth:`fit`, with the columns of the first batch. No row changes nothing.
        classes : array-like of shape (K,), optional
            All classes that may come, needed at the first call. A batch need not have all of them;
            the first fit is made once each was seen.
        forgetting : float, default=1.0
            What is left of the weight of all rows before, in (0, 1].

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data, weights or options cannot be used. The estimator stays as it was before.
        """
        with self._all_or_nothing():
            given = {"X": X, "y": y, "sample_weight": sample_weight, "offset": offset}
            self._refuse_batch(given)
            known = known_classes(self, classes, read_classes(y, type(self).__name__))
            self._go_on({**given, "exposure": None}, forgetting, known)
        return self

    def _seen_all(self, rows: dict[str, Any], going: Going) -> bool:
        labels = read_classes(rows["y"], type(self).__name__)
        if rows["sample_weight"] is not None:
            labels = labels[np.asarray(rows["sample_weight"], np.float64) > 0.0]
        return going.classes is None or len(np.unique(labels)) == len(going.classes)

    def _fit_held(self, rows: dict[str, Any]) -> None:
        self.fit(**{name: value for name, value in rows.items() if name != "exposure"})

    def _response(self, y: Any) -> Numbers:
        # Labels are encoded when it is known which rows count.
        n = len(read_classes(y, type(self).__name__))
        return Numbers(np.broadcast_to(0.0, (n, 1)))

    def _labels(self, data: Data, y: Any) -> np.ndarray:
        labels = read_classes(y, type(self).__name__, checked=True)
        return labels if data.kept is None else labels[data.kept]

    def _labels_of_eta(self) -> list[str] | None:
        return [str(label) for label in self.classes_] if len(self.classes_) > 2 else None

    def _publish(self, *fitted: Any) -> None:
        super()._publish(*fitted)
        if "prob[" in self.message_ and len(self.classes_) == 2:
            self.message_ += f"; prob is that of class {self.classes_.tolist()[1]!r}"

    def _adjusted(self, data: Data, y: Any) -> tuple[Adjusted, np.ndarray]:
        classes, codes = np.unique(self._labels(data, y), return_inverse=True)
        if len(classes) < 2:
            more = "" if data.kept is None else " in rows of positive weight"
            raise TooFewRows(
                f"y must have at least two classes, got one class{more}, {classes.tolist()[0]!r}: "
                "its probability is 1 whatever X is"
            )
        warn_of_many(classes, len(codes))
        self.classes_ = classes
        family = Bernoulli() if len(classes) == 2 else Categorical(len(classes))
        return Adjusted(family, [family], None), codes.astype(np.float64)

    def _seen_rows(self, data: Data, y: Any) -> tuple[Distribution, np.ndarray]:
        labels = self._labels(data, y)
        codes = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        unknown = self.classes_[codes] != labels
        if unknown.any():
            row = int(np.argmax(unknown))
            raise ValueError(
                f"y must hold classes of the fit, {self.classes_.tolist()}, got "
                f"{labels[row : row + 1].tolist()[0]!r} at row {row}"
            )
        return self.distribution_, codes.astype(np.float64)

    def _offsets(
        self, family: Distribution, n: int, offset: Any, exposure: Any
    ) -> np.ndarray | None:
        if exposure is not None:
            raise ValueError("exposure must be None for classes; pass offset=, in logits")
        return class_offsets(family, n, offset)

    def _published(
        self, family: Distribution, chosen: Chosen, model: Any, theta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        raw = model.raw(theta)
        (name,) = family.params
        own = chosen.own(name)
        coef = np.stack([c[own] for c, _ in raw])
        base = np.array([b for _, b in raw])
        if family.n_params == 1:
            return coef, base
        return _centred(coef.T).T, _centred(base[None])[0]

    def _state(self, *fitted: Any) -> dict[str, Any]:
        return {**super()._state(*fitted), "classes_": self.classes_}

    # -------------------------------------------------------------------------- predictions

    @answers_keywords
    @by_pieces
    def decision_function(self, X: Any, *, offset: Any = None) -> np.ndarray:
        """Return the logits of rows of X, of which a prediction takes the largest.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (N, D)
            The features.
        offset : array-like of shape (N,) or (N, K), optional
            As in :meth:`fit`.

        Returns
        -------
        ndarray of shape (N,) or (N, K)
            The logit of the second of two classes; else K logits, whose sum is zero in each row.
        """
        eta = self._eta(X, offset)
        return eta[:, 0] if len(self.classes_) == 2 else _centred(eta)

    @answers_keywords
    @by_pieces
    def predict(  # type: ignore[override]  # classes have no exposure
        self, X: Any, *, offset: Any = None
    ) -> np.ndarray:
        """Return the most probable class of each row of X, (N,)."""
        scores = self.decision_function(X, offset=offset)
        if scores.ndim == 1:
            return self.classes_[(scores > 0.0).astype(np.intp)]
        return self.classes_[scores.argmax(axis=1)]

    @answers_keywords
    @by_pieces
    def predict_proba(self, X: Any, *, offset: Any = None) -> np.ndarray:
        """Return the probability of each class for each row of X, (N, K)."""
        scores = self.decision_function(X, offset=offset)
        if scores.ndim == 1:
            return np.stack([expit(-scores), expit(scores)], axis=1)
        return np.exp(_log_softmax(scores))

    @answers_keywords
    @by_pieces
    def predict_log_proba(self, X: Any, *, offset: Any = None) -> np.ndarray:
        """Return the log-probability of each class for each row of X, (N, K), in nats."""
        scores = self.decision_function(X, offset=offset)
        if scores.ndim == 1:
            return np.stack([log_expit(-scores), log_expit(scores)], axis=1)
        return _log_softmax(scores)

    @answers_keywords
    @mean_by_pieces
    def score(  # type: ignore[override]  # classes have no exposure
        self, X: Any, y: Any = None, sample_weight: Any = None, *, offset: Any = None
    ) -> float:
        """Return the accuracy: the share of rows whose most probable class is theirs.

        Parameters
        ----------
        X, y, sample_weight, offset
            As in :meth:`fit`.

        Returns
        -------
        float
        """
        check_is_fitted(self, "_theta")
        refuse_other_order(X, y, "y")
        refuse_other_order(X, sample_weight, "sample_weight")
        warn_of_forgotten(self, offset, None)
        found = self.predict(X, offset=offset)
        return float(accuracy_score(y, found, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        """Declare that X may be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _centred(eta: np.ndarray) -> np.ndarray:
    """Return K logits (n, K) with sum zero, of log odds (n, K - 1) against the last class."""
    out = np.zeros((len(eta), eta.shape[1] + 1))
    out[:, :-1] = eta
    out -= out.mean(axis=1, keepdims=True)
    return out


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    """Return log-probabilities (n, K) of logits."""
    below = scores - scores.max(axis=1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=1, keepdims=True))
