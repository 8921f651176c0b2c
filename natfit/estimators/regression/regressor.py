"""NaturalRegressor: every parameter of a distribution on features."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks

from natfit._component import resolve
from natfit._numbers import Numbers
from natfit._validation import answers_keywords, one_window_a_row
from natfit.distributions import Censored, Ordinal
from natfit.distributions.base import Distribution
from natfit.estimators.regression._features import Chosen
from natfit.estimators.regression._ordered import (
    categories_of,
    ordered_codes,
    refuse_other_categories,
    with_categories,
)
from natfit.estimators.regression._response import complete_rows, read_response
from natfit.estimators.regression.base import Data, RegressionEstimator
from natfit.fitting.options import Adjusted, adjust
from natfit.rows import Memory


class NaturalRegressor(RegressorMixin, RegressionEstimator):
    """Regression of every parameter of a distribution on features, by natural gradients.

    Each coordinate of a parameter has a predictor: ``eta_k = b_k + sum_j beta_kj x_j + offset_k``.
    A location is its predictor, a scale its exponential, a probability its logistic function. The
    objective is ``-1/W sum_i w_i log p(y_i | eta_i) + sum_k alpha_k / 2 |beta_k|^2`` in nats per
    row, where W is the sum of weights.

    What other packages call a generalised linear model, a generalised additive model for location,
    scale and shape (with linear terms), a beta or a negative binomial regression, and an
    accelerated failure time model (``distribution="weibull"`` with censored rows) are this one with
    another family.

    Parameters
    ----------
    distribution : str or Distribution, default="normal"
        The family of y: a name in the table of distributions, or an object of
        ``natfit.distributions``.
    predictor : {"linear", "mlp"} or Model, default="linear"
        The map from x to eta.
    features_for : None, "all" or dict, default=None
        Which parameters depend on which features. None is the location or the mean alone (a scale
        of families that have neither), "all" every parameter. A dict says it by name, and
        parameters that it leaves out have an intercept alone: ``"all"``, ``"intercept"``, a list of
        names or indices of columns of X, or a formula such as ``"x1 + C(g)"``, which needs
        formulaic (``pip install "natfit[formula]"``). Columns of arrays are called x0, x1, ...
    link : None, str or dict, default=None
        The function by which a parameter becomes its predictor: ``identity``, ``log``, ``inverse``,
        ``inverse_squared``, ``sqrt``, ``softplus``, ``logit``, ``probit``, ``cloglog``, ``loglog``,
        or a bijector; a dict has one by name of the parameter. None is the family's own, and log
        or logit where features drive a parameter with a half-line. ``link_`` says which it was.
    alpha : float or dict, default=0.0
        Strength of the ridge penalty on the coefficients of x in its own units, >= 0, for all
        parameters or by name. Intercepts are not penalised. As in ``PoissonRegressor``; it is
        ``1 / (C N)`` in ``LogisticRegression``.
    fit_intercept : bool or dict, default=True
        Whether predictors have an intercept, by name where it is a dict. One without features
        always has.
    prior : None or "jeffreys", default=None
        "jeffreys" adds half the log-determinant of the Fisher information (Firth, 1993).
    metric, solver, step, damping
        As in :class:`NaturalMLE`.
    tol : float, default=1e-5
        Distance to the optimum, in standard errors, at which the fit has converged. A network
        counts it in units of 1e5 standard errors: the default ends its training at one.
    max_iter : int, default=100
        Maximum number of iterations.
    truncation : (low, high), optional
        A window outside which no y is ever seen; None is an open end. If an end is an array (N,),
        each row has its own: (entry, None) is delayed entry. Where rows are split, as in
        cross-validation, y carries its windows: ``natfit.Censored.exact(y, truncation=...)``.
    batch_size : int, optional
        Number of rows in each step of a network; None is all rows. Batches are drawn by
        ``random_state`` alone and read one by one. The curvature is that of a quarter of a batch's
        rows, but of 512 at least.
    early_stopping : bool, default=False
        Whether training stops when the likelihood of rows that are set apart no longer grows. A
        network takes its parameters without features, a scale for instance, from these rows.
    validation_fraction : float, default=0.1
        Share of the rows that are set apart.
    warm_start : bool, default=False
        Whether to start from the coefficients of the previous fit, if it had the same family and
        features.
    random_state : None, int, RandomState or Generator
        Seed of all that is random; it is read once per fit. With None the seed is a fixed one.
    n_jobs : int, optional
        Number of processes that share the rows in fits; -1 is one per core. Results are the same
        bits for any number.

    Attributes
    ----------
    coef_ : dict of ndarray
        Coefficients of x for each parameter, in the order of ``features_for_``: shape (F,), or
        (m, F) of a parameter with m coordinates.
    intercept_ : dict of float or ndarray of shape (m,)
        Intercepts; 0 where there is none.
    features_for_ : dict of tuple of str
        Names of the features of each parameter. Numbers are features as they are; a column g of
        categories or strings gives ``g[b]`` for each category b but the first.
    distribution_ : Distribution
        The family, bound to the shape of y.
    metric_, solver_, step_, damping_
        The components that were used.
    n_obs_ : float
        Sum of weights.
    loglik_ : float
        Log-likelihood of all rows, nats, without the penalty.
    null_log_likelihood_ : float
        The same of the model with intercepts alone, with the same rows, offsets and weights.
    n_iter_ : int
        Number of iterations.
    status_ : Status
        As in :class:`NaturalMLE`.
    message_ : str
        The status in words, with the parameters concerned and the remedy.
    history_ : History
        Columns of numbers, one row per iterate.
    n_features_in_, feature_names_in_
        Number and names of the columns of X, as in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalRegressor
    >>> dose = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = NaturalRegressor("poisson").fit(dose, [1, 2, 5, 8])
    >>> model.status_ == "converged"
    True
    >>> [round(float(mean), 2) for mean in model.predict(dose)]
    [1.11, 2.19, 4.29, 8.41]
    """

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

    #: The mean log-likelihood, and not RegressorMixin's R^2.
    score = RegressionEstimator.score

    #: The ordered categories of y, None where y are numbers.
    _categories: list | None = None
    coef_: dict[str, np.ndarray]
    intercept_: dict[str, Any]

    @answers_keywords
    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
    ) -> NaturalRegressor:
        """Fit the model to rows.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (N, D)
            The features. Categories and strings in a frame become columns ``g[b]``, one for each
            category but the first. Sparse matrices are never made dense.
        y : array-like of shape (N,) or (N, D), Censored, scipy.stats.CensoredData or records
            What is explained. Durations with an event indicator are
            ``natfit.Censored.right(time, event)``, or records of an event (bool) and a time. For
            ``"ordinal"`` the numbers 0, 1, ..., an ordered pandas categorical or a polars Enum.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row: a weight of 2 has the effect of the same row given twice, in
            estimates and standard errors. Rows of weight zero are dropped.
        offset : array-like of shape (N,), dict or frame, optional
            What is added to the predictor of the mean parameter; of each parameter by its name.
        exposure : array-like of shape (N,), optional
            By which the mean is multiplied: its logarithm is an offset.

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
        """
        with self._all_or_nothing():
            return self._fit(X, y, sample_weight, offset, exposure)

    @answers_keywords
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
        forgetting: float = 1.0,
    ) -> NaturalRegressor:
        """Go on with the fit with the rows of a batch, as if they had been there before.

        The first rows, 1,000 of them or 20 for each coefficient, are fitted together. Then the
        estimate moves to the optimum of the batch's likelihood and the quadratic of the rows
        before, whose information is added up: within a small part of a standard error of the fit
        to all rows.

        Parameters
        ----------
        X, y, sample_weight, offset, exposure
            As in :meth:`fit`, with the columns of the first batch. No row changes nothing.
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
        given = {"X": X, "y": y, "sample_weight": sample_weight}
        given = {**given, "offset": offset, "exposure": exposure}
        with self._all_or_nothing():
            self._refuse_batch(given)
            self._go_on(given, forgetting)
        return self

    def _fit_held(self, rows: dict[str, Any]) -> None:
        self.fit(**rows)

    def _response(self, y: Any) -> Numbers | Censored:
        codes = ordered_codes(y) if self._is_ordinal and y is not None else y
        return read_response(codes, type(self).__name__)

    @property
    def _is_ordinal(self) -> bool:
        """Whether the family is one of ordered classes."""
        named = isinstance(self.distribution, str) and self.distribution == "ordinal"
        return named or isinstance(self.distribution, Ordinal)

    def _adjusted(self, data: Data, y: Any) -> tuple[Adjusted, np.ndarray]:
        values = data.y
        single = data.seen_as is not None or values.shape[1] == 1
        self._categories = categories_of(y) if self._is_ordinal else None
        named = resolve(self.distribution, Distribution)
        family = with_categories(named, self._categories, values).bind(
            Memory(values[:, 0] if single else values)
        )
        if data.seen_as is None:
            values = complete_rows(values, family, y)
        options = dict.fromkeys(("fixed", "bounds", "prior", "bijectors"))
        # Rows carry windows of their own.
        window = None if one_window_a_row(self.truncation) else self.truncation
        return adjust(family, 1, data.seen_as, truncation=window, **options), values

    def _seen_rows(self, data: Data, y: Any) -> tuple[Distribution, np.ndarray]:
        if self._is_ordinal:
            refuse_other_categories(self._categories, y)
        if data.seen_as is not None:
            return data.seen_as(self.distribution_).checked(), data.y
        return self.distribution_, complete_rows(data.y, self.distribution_, y)

    def _published(
        self, family: Distribution, chosen: Chosen, model: Any, theta: np.ndarray
    ) -> tuple[dict, dict]:
        raw = model.raw(theta)
        coef, intercept = {}, {}
        for name, block in family.blocks.items():
            own = chosen.own(name)
            coef[name] = _stacked([c[own] for c, _ in raw[block]])
            intercept[name] = _stacked([b for _, b in raw[block]])
        return coef, intercept

    def __sklearn_tags__(self) -> Any:
        """Declare that X may be sparse, whether y must be positive, and that no score is an R^2."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        # The score is a log-likelihood, for which no value is good by itself.
        tags.regressor_tags.poor_score = True
        try:
            support = resolve(self.distribution, Distribution).support
        except (TypeError, ValueError):
            return tags
        tags.target_tags.positive_only = support is not None and support.low >= 0
        return tags


def _stacked(values: list) -> Any:
    return values[0] if len(values) == 1 else np.stack(values)
