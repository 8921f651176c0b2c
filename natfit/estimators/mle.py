"""Maximum likelihood: fit a distribution to rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.callback import with_callbacks
from sklearn.utils.validation import validate_data

from natfit import fitting
from natfit._component import resolve
from natfit._validation import check_bool, check_jobs, check_weights, refuse_ragged
from natfit.coordinates import Coordinates
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.fixed import Fixed
from natfit.estimators.density import DensityEstimator, native_values
from natfit.fitting.options import Adjusted, adjust, located
from natfit.fitting.starts import given_starts
from natfit.models import Constant
from natfit.rng import FreshGenerator, bridge_rng
from natfit.rows import Memory, rows_of

#: Options that change the family, in the order in which :func:`adjust` takes them.
_ADJUSTMENTS = ("truncation", "fixed", "bounds", "prior", "bijectors")


class NaturalMLE(DensityEstimator):
    """Maximum-likelihood estimate of a distribution by natural-gradient descent.

    Minimises ``f(theta) = -1/W sum_i w_i log p(y_i | theta)`` (nats per row, W the sum of
    weights) by steps ``theta - beta F^-1 grad f`` (the paper's Algorithm 2). A univariate
    family given D columns fits each of them independently; the values of ``params_`` then
    have shape (D,).

    Parameters
    ----------
    distribution : str or Distribution, default="normal"
        A name (``natfit.distributions``), or an object, such as one made by
        :func:`natfit.distributions.from_log_prob`.
    metric : str or Metric, default="auto"
        ``exact``, ``monte_carlo``, ``empirical``, ``observed``, ``euclidean``, ``tensor``;
        ``auto`` is the best that the family allows. See ``metric_`` for the choice.
    solver : str or Solver, default="auto"
        ``cholesky``, ``cg``, ``woodbury`` or ``auto``.
    step : str or Step, default="backtracking"
        ``fixed``, ``kl``, ``backtracking`` or ``exact_line``.
    damping : None, float, str or Damping, default=None
        None; a number (relative to diag(F)); ``fixed``, ``relative``, ``levenberg``.
    coordinates : str or Coordinates, default="unconstrained"
        What theta means: ``unconstrained`` (log scale), ``native`` (the paper's mu, sigma),
        ``expectation`` (mean parameters, where their inverse is closed-form).
    tol : float, default=1e-5
        Distance to the optimum, in standard errors, at which the fit has converged. 0 stops
        only where the distance is exactly zero, or at ``max_iter``.
    max_iter : int, default=100
        Maximum number of iterations.
    start_params : dict or array-like, optional
        Where to start: native values by name, or an unconstrained vector (K,).
    warm_start : bool, default=False
        Start from the previous fit.
    truncation : (low, high), optional
        Window outside which no value is ever seen: ``log p - log P(low <= Y <= high)``. None
        for an open end. A univariate family with a distribution function.
    fixed : dict, optional
        Native values by name of parameters that are known: they leave theta, and their
        standard error is 0. A vector (D,) gives one number per column.
    bounds : dict, optional
        Native limits ``{name: (low, high)}``, None for none. A fit that rests at one ends as
        ``boundary``.
    prior : dict, optional
        Densities of native parameters, without Jacobian: frozen ``scipy.stats`` distributions
        or ``(family, params)``. The estimate is then the posterior's mode, standard errors are
        those of the posterior's curvature.
    bijectors : dict, optional
        Constraints (``natfit.bijectors``) in place of the family's own.
    random_state : None, int, RandomState or Generator
        For metrics that draw; read once a fit.
    n_jobs : int, optional
        Processes that share the rows in fits and scores; -1 is one a core, None is one unless
        joblib is configured otherwise. Results are the same bits for any number. A pass over
        the rows costs about 10 ms more: several processes pay from a million rows or so.

    Attributes
    ----------
    params_ : dict of ndarray
        Estimates by name, native: (D,) for a univariate family.
    standard_errors_ : dict of ndarray
        Of the same shapes, from the observed information (delta method); inf where the data
        do not determine a parameter or it rests at a limit.
    theta_ : ndarray
        The estimate in the chosen coordinates; columns of data one after the other.
    distribution_ : Distribution
        The family, bound to the data's shape.
    metric_, solver_, step_, damping_
        The components that were used.
    coordinates_ : list of Coordinates
        What ``theta_`` means, one for each column that was fitted by itself.
    n_obs_ : float
        Sum of weights.
    n_iter_ : int
        Iterations; the most over columns.
    status_ : Status
        ``converged``, ``gradient_small``, ``rounding_floor``, ``boundary``, ``max_iter``,
        ``no_descent``, ``singular``, ``unbounded``, ``non_finite`` or
        ``stopped_by_callback``; the worst over columns, ``statuses_`` has all.
    message_ : str
        The status in words, with the parameters concerned and the remedy.
    history_ : History
        Columns of numbers, one row per iterate.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalMLE
    >>> waits = np.array([[1.2], [0.4], [2.7], [0.9], [1.8]])
    >>> model = NaturalMLE("gamma").fit(waits)
    >>> model.status_ == "converged"
    True
    """

    # Subclasses may leave these options out of their constructors.
    truncation = fixed = bounds = prior = bijectors = None

    def __init__(
        self,
        distribution: str | Distribution = "normal",
        *,
        metric: Any = "auto",
        solver: Any = "auto",
        step: Any = "backtracking",
        damping: Any = None,
        coordinates: Any = "unconstrained",
        tol: float = 1e-5,
        max_iter: int = 100,
        start_params: Any = None,
        warm_start: bool = False,
        truncation: Any = None,
        fixed: dict | None = None,
        bounds: dict | None = None,
        prior: dict | None = None,
        bijectors: dict | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.distribution = distribution
        self.metric = metric
        self.solver = solver
        self.step = step
        self.damping = damping
        self.coordinates = coordinates
        self.tol = tol
        self.max_iter = max_iter
        self.start_params = start_params
        self.warm_start = warm_start
        self.truncation = truncation
        self.fixed = fixed
        self.bounds = bounds
        self.prior = prior
        self.bijectors = bijectors
        self.random_state = random_state
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------------------ fit

    @with_callbacks
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> NaturalMLE:
        """Fit the distribution to rows.

        Parameters
        ----------
        X : array-like of shape (N, D), Censored or scipy.stats.CensoredData
            The data. pandas and polars frames keep their column names. Of censored rows there
            is one column, and the family needs a distribution function.
        y : None
            Ignored.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row: weight 2 equals the row twice, in estimates and standard
            errors. Rows of weight zero are dropped.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For data, weights or options that cannot be used; the message says which, why and
            what to do. The estimator is then as it was before.

        Warns
        -----
        ConvergenceWarning
            If the fit did not converge; ``status_`` and ``message_`` say why.
        """
        with self._all_or_nothing():
            return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> NaturalMLE:
        censored = Censored.of(X)
        X = self._validated(X) if censored is None else self._validated_rows(censored)
        weight = check_weights(sample_weight, len(X))
        if weight is not None and not weight.all():
            X, weight = X[weight > 0], weight[weight > 0]
        engine, n_jobs = self._engine(), check_jobs(self.n_jobs)
        columns, plan = self._plan(X, censored is not None)
        family = plan.family
        starts = self._starts(family, plan.fitted)
        model = Constant(resolve(self.coordinates, Coordinates))
        rng: Any = FreshGenerator() if self.random_state is None else bridge_rng(self.random_state)
        context = self._init_callback_context(max_subtasks=None)
        # scikit-learn's ScoringMonitor scores nothing without a y; a density's is its X.
        target = X if y is None else y
        metadata = None if sample_weight is None else {"sample_weight": weight}
        context.call_on_fit_task_begin(estimator=self, X=X, y=target, metadata=metadata)
        done: list[fitting.Result] = []

        def fitted(iterate: Any) -> dict:
            return self._preview(family, done, iterate, len(columns))

        hook = self._iteration_hook(context, X, target, metadata, fitted)
        common: dict[str, Any] = {"model": model, "prior": plan.prior, "hook": hook}
        common["whole"] = bool(self.fixed)
        for data, start, own in zip(columns, starts, plan.fitted, strict=True):
            rows = rows_of(data, weight=weight, n_jobs=n_jobs)
            task = fitting.Task(own, rows, engine, rng, start=start, **common)
            try:
                done.append(fitting.fit(task))
            except ValueError as error:
                raise ValueError(located(error, X, own, len(done))) from error
        self._publish(family, engine, fitting.join(family, done))
        context.call_on_fit_task_end(
            estimator=self,
            X=X,
            y=target,
            metadata=metadata,
            reconstruction_attributes=lambda: self._fitted_state(),
        )
        self._warn(self.status_, self.message_, engine)
        return self

    def _plan(self, X: np.ndarray, censored: bool) -> tuple[list[np.ndarray], Adjusted]:
        """The columns to fit, and what the options make of the family."""
        family = self._family(X[:, :1] if censored else X)
        by_column = family.event_shape == () and not censored
        columns = [X[:, j] for j in range(X.shape[1])] if by_column else [X]
        options = {name: getattr(self, name) for name in _ADJUSTMENTS}
        return columns, adjust(family, len(columns), censored, **options)

    def _validated(self, X: Any) -> np.ndarray:
        """Rows as float64 (N, D). Whether they are finite is seen in the pass that sums them up."""
        plain = type(X) is np.ndarray and X.dtype == np.float64 and X.ndim == 2
        if plain and len(X) >= 2 and X.shape[1] >= 1:
            # Nothing to convert: only the number and names of features are recorded.
            return validate_data(self, X, skip_check_array=True)
        try:
            return validate_data(
                self, X, dtype=np.float64, ensure_min_samples=2, ensure_all_finite=False
            )
        except ValueError:
            refuse_ragged(X, "X")
            raise

    def _validated_rows(self, censored: Censored) -> np.ndarray:
        """Ends of the intervals, (N, 2): one column of data."""
        if len(censored) < 2:
            raise ValueError(f"X must have at least 2 rows, got {len(censored)}")
        self.n_features_in_ = 1
        self.__dict__.pop("feature_names_in_", None)
        return censored.rows

    def _family(self, X: np.ndarray) -> Distribution:
        """Resolve the distribution and bind it to the data's shape."""
        return resolve(self.distribution, Distribution).bind(Memory(X))

    def _starts(self, family: Distribution, fitted: list[Distribution]) -> list:
        """Starts in eta for each column, or None for the family's own."""
        check_bool(self.warm_start, "warm_start")
        if self.warm_start and hasattr(self, "_eta"):
            # Numbers of another family, or of other columns, mean nothing here.
            if self.distribution_ == family and len(self._eta) == len(fitted):
                return [
                    own.reduce(eta) if isinstance(own, Fixed) else eta
                    for own, eta in zip(fitted, self._eta, strict=True)
                ]
        if self.start_params is None:
            return [None] * len(fitted)
        return given_starts(self.start_params, fitted)

    def _publish(self, family: Distribution, engine: Any, result: Any) -> None:
        """Set the fitted attributes, all together."""
        self.distribution_ = family
        self.metric_, self.solver_ = result.metric, engine.solver
        self.step_, self.damping_ = engine.step, engine.damping
        self._eta = result.eta
        self._information = result.information
        self._at_bound = result.at_bound
        self.params_ = native_values(family, result.eta)
        for name, value in (self.fixed or {}).items():
            # As given, not as it comes back from eta.
            self.params_[name] = np.resize(np.float64(value), self.params_[name].shape)
        for name, value in result.attributes.items():
            setattr(self, name, value)

    def _fitted_state(self) -> dict:
        """What an estimator needs to score."""
        return {k: getattr(self, k) for k in ("distribution_", "_eta", "params_")}

    def _preview(self, family: Distribution, done: list, iterate: Any, n: int) -> dict:
        """Attributes of an estimator that can score, as if the fit had stopped at an iterate."""
        # A column that has not begun borrows the current one's parameters.
        eta = np.stack([c.eta for c in done] + [iterate.eta] * (n - len(done)))
        return {"distribution_": family, "_eta": eta, "params_": native_values(family, eta)}

    def __sklearn_tags__(self) -> Any:
        """Declare whether the family takes positive data only."""
        tags = super().__sklearn_tags__()
        try:
            support = resolve(self.distribution, Distribution).support
        except (TypeError, ValueError):
            return tags
        tags.input_tags.positive_only = support is not None and support.low >= 0
        return tags
