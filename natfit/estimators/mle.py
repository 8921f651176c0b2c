"""Maximum likelihood: fit a distribution to rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.callback import with_callbacks
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_array, validate_data

from natfit import fitting
from natfit._component import resolve
from natfit._numbers import Numbers, as_numbers, is_frame, refuse_other_order
from natfit._validation import (
    answers_keywords,
    check_bool,
    check_jobs,
    check_option,
    one_window_a_row,
)
from natfit._warnings import passed_on_by, warn
from natfit.coordinates import Coordinates
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators._data import Data, of_a_vector, of_one_row, of_too_few, read_rows
from natfit.estimators._partial import PartialDensity
from natfit.estimators._sources import InPieces, bound_by_rows, read_pieces
from natfit.estimators.density import DensityEstimator, native_values
from natfit.fitting.options import Adjusted, adjust, located
from natfit.fitting.starts import given_starts
from natfit.iterate import Status
from natfit.models import Constant
from natfit.rng import LazyGenerator, bridge_rng
from natfit.rows import Memory, source_of

#: Options that change the family, in the order of the arguments of :func:`adjust`.
_ADJUSTMENTS = ("truncation", "fixed", "bounds", "prior", "bijectors")


class NaturalMLE(PartialDensity, DensityEstimator):
    """Maximum-likelihood estimate of a distribution by natural-gradient descent.

    The objective is ``f(theta) = -1/W sum_i w_i log p(y_i | theta)`` in nats per row, where W is
    the sum of weights. Each step is ``theta <- theta - beta F^-1 grad f``, where F is the metric
    (the paper's Algorithm 2). A univariate family is fitted to each of the D columns separately;
    the values of ``params_`` then have shape (D,).

    Parameters
    ----------
    distribution : str or Distribution, default="normal"
        A name in the table of distributions, or an object of ``natfit.distributions``, such as one
        made by :func:`natfit.distributions.from_log_prob`.
    metric : str or Metric, default="auto"
        The matrix that measures the length of a step: ``exact``, ``monte_carlo``, ``empirical``,
        ``observed``, ``euclidean``, ``wasserstein``, ``crps`` or ``tensor``. ``auto`` is the
        best one that the family allows; ``metric_`` says which it was.
    solver : str or Solver, default="auto"
        How the gradient is multiplied by the inverse of the metric: ``cholesky``, ``cg``,
        ``woodbury``, or ``auto``, which depends on the size and rank of the metric.
    step : str or Step, default="backtracking"
        The rule that says how far to go: ``backtracking``, ``exact_line``, ``fixed``, ``kl`` or
        ``trust_region``.
    damping : None, float, str or Damping, default=None
        What is added to the metric F before the solve: None adds nothing, a number is a share of
        diag(F), and names are ``fixed``, ``relative`` and ``levenberg``.
    coordinates : str or Coordinates, default="unconstrained"
        What theta means: ``unconstrained`` (a scale enters by its logarithm), ``native`` (the
        parameters themselves, such as the paper's mu and sigma), or ``expectation`` (the means of
        the family's statistics, where native parameters are known as functions of them).
    tol : float, default=1e-5
        Distance to the optimum, in standard errors, at which the fit has converged. With 0 it
        stops only where the distance is exactly zero, or at ``max_iter``.
    max_iter : int, default=100
        Maximum number of iterations.
    start_params : dict or array-like, optional
        Where to start: native values by name, or a vector (K,) of unconstrained parameters. For
        names that are left out the family's own start is used.
    warm_start : bool, default=False
        Whether to start from the previous fit.
    truncation : (low, high), optional
        A window outside which no value is ever seen; None is an open end. The log-density becomes
        ``log p - log P(low <= Y <= high)``. The family must be univariate and have a distribution
        function. If an end is an array (N,), each row of X has its own window, in fits and scores;
        rows that are split carry their windows: ``Censored.exact(x, truncation=(low, high))``.
    fixed : dict, optional
        Native values, by name, of parameters that are known. They are not estimated, and their
        standard error is 0. A vector (D,) gives one number per column.
    bounds : dict, optional
        Limits of native parameters, ``{name: (low, high)}``, where None is no limit. A fit that
        rests at a limit ends as ``boundary``.
    prior : dict, optional
        Densities of native parameters by name: frozen ``scipy.stats`` distributions or pairs
        ``(family, params)``. The estimate is then the mode of the posterior density in the native
        parameters, and the standard errors come from the curvature of the posterior.
    bijectors : dict, optional
        Constraints of ``natfit.bijectors``, by name of the parameter, which replace the family's.
    missing : {"error", "drop"}, default="error"
        What happens to rows in which a value is missing (NaN, None, NA, masked): they are refused,
        or they count as if they had not been given, in fits, scores and displays.
    random_state : None, int, RandomState or Generator
        Seed of metrics that draw; it is read once per fit. With None the seed is a fixed one, so
        that a fit gives the same estimate each time.
    n_jobs : int, optional
        Number of processes that share the rows in fits and scores; -1 is one per core, and None is
        one unless joblib is configured otherwise. Results are the same bits for any number. A pass
        over the rows costs about 10 ms more, so that several processes are worth it from about a
        million rows on.

    Attributes
    ----------
    params_ : dict of ndarray
        Estimates of the native parameters by name, of shape (D,) for a univariate family.
    standard_errors_ : dict of ndarray
        Standard errors in the same units and shapes, from the observed information by the delta
        method. They are inf for parameters that the data do not determine or that rest at a limit.
    theta_ : ndarray
        The estimate in the chosen coordinates; if several columns were fitted separately, their
        estimates one after the other.
    distribution_ : Distribution
        The family, bound to the shape of the data.
    metric_, solver_, step_, damping_
        The components that were used.
    coordinates_ : list of Coordinates
        What ``theta_`` means; one object for each column that was fitted separately.
    n_obs_ : float
        Sum of weights.
    loglik_ : float
        Log-likelihood of all rows at the estimate, nats, without a prior.
    n_parameters_ : int
        Number of estimated parameters of all columns, the K of ``aic()`` and ``bic()``.
    n_iter_ : int
        Number of iterations; for several columns the largest of theirs.
    status_ : Status
        ``converged``, ``gradient_small``, ``rounding_floor``, ``boundary``, ``max_iter``,
        ``no_descent``, ``singular``, ``unbounded``, ``non_finite`` or
        ``stopped_by_callback``. For several columns it is the worst of theirs, and
        ``statuses_`` has all of them.
    message_ : str
        The status in words, with the parameters concerned and the remedy.
    history_ : History
        Columns of numbers, one row per iterate.
    n_features_in_, feature_names_in_
        Number and names of the columns of X, as in scikit-learn.

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
    missing = "error"

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
        missing: str = "error",
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
        self.missing = missing
        self.random_state = random_state
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------------------ fit

    @answers_keywords
    @with_callbacks
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> NaturalMLE:
        """Fit the distribution to rows.

        Parameters
        ----------
        X : array-like of shape (N, D), Censored or scipy.stats.CensoredData
            The data. The column names of pandas and polars frames are kept. Censored rows have
            one column, and their family needs a distribution function. Other methods of the
            estimator take what ``fit`` takes, and a vector if there is one column.
        y : None
            Ignored, with a warning.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row: a weight of 2 has the effect of the same row given twice, in
            estimates and standard errors. Rows of weight zero are dropped.

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
            return self._fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> NaturalMLE:
        if y is not None:
            self._say_that_y_is_ignored()
        check_option(self.missing, "missing", ("error", "drop"))
        data = self._read(X, sample_weight)
        engine, n_jobs = self._engine(), check_jobs(self.n_jobs)
        columns, plan = self._plan(data)
        family, starts = plan.family, self._starts(plan.family, plan.fitted)
        model = Constant(resolve(self.coordinates, Coordinates))
        rng = self._generator()
        context = self._init_callback_context(max_subtasks=None)
        shown = self._shown(X, data)
        # scikit-learn's ScoringMonitor scores nothing without a y, for which a density's X stands.
        target = shown if y is None else y
        metadata = None if sample_weight is None else {"sample_weight": data.weight}
        context.call_on_fit_task_begin(estimator=self, X=shown, y=target, metadata=metadata)
        done: list[fitting.Result] = []

        def fitted(iterate: Any) -> dict:
            return self._preview(family, done, iterate, len(columns))

        hook = self._iteration_hook(context, shown, target, metadata, fitted)
        common: dict[str, Any] = {"model": model, "prior": plan.prior, "whole": bool(self.fixed)}
        for column, start, own in zip(columns, starts, plan.fitted, strict=True):
            rows = data.rows(column, n_jobs)
            common["hook"] = self._keeping(
                rows, hook, lambda at: (family, [*(r.eta for r in done), at.eta])
            )
            task = fitting.Task(own, rows, engine, rng, start=start, **common)
            done.append(self._fit_column(task, data, len(done)))
        self._publish(family, engine, fitting.join(family, done, self._names))
        self._began(family, done, data.seen_as)
        context.call_on_fit_task_end(
            estimator=self,
            X=shown,
            y=target,
            metadata=metadata,
            reconstruction_attributes=lambda: self._fitted_state(),
        )
        self._warn(self.status_, self.message_, engine)
        self._warn_of_no_density()
        return self

    def _fit_column(self, task: fitting.Task, data: Data, column: int) -> fitting.Result:
        """Return the result for one column; the message of an error names it."""
        try:
            return fitting.fit(task).noted(task.rows.notes)
        except ValueError as error:
            words = located(error, data.values, task.family, column, self._names)
            raise ValueError(words) from error

    def _warn_of_no_density(self) -> None:
        """Warn if what was fitted does not add to one; an estimate at no optimum is not asked."""
        if self.status_ in (Status.UNBOUNDED, Status.NON_FINITE):
            return
        words = (self.distribution_.unnormalised(eta) for eta in self._eta)
        said = next(filter(None, words), None)
        if said is not None:
            warn(
                f"{said}: likelihoods and criteria are not those of a density, and neither are "
                "estimates unless this factor is the same for all parameters; add the normalising "
                "terms to log_prob, which is the logarithm of the density, or check support",
                UserWarning,
                ("unnormalised", said.split(" ")[0]),
            )

    def _generator(self) -> Any:
        """Return the generator of a fit; a fit without a seed gives the same estimate each time."""
        if self.random_state is None:
            return LazyGenerator(0)
        return bridge_rng(self.random_state)

    def _shown(self, X: Any, data: Data) -> Any:
        """Return the rows of the fit in a form that its methods take, with the names of columns."""
        if isinstance(data, InPieces):
            return X
        if data.seen_as is not None or not is_frame(X):
            return data.public
        return X if data.kept is None else _safe_indexing(X, np.flatnonzero(data.kept))

    def _say_that_y_is_ignored(self) -> None:
        """Warn of a y, once a call; pipelines pass the y of their other steps to the last one."""
        caller = passed_on_by()
        if caller.startswith("sklearn.model_selection") or not caller.startswith("sklearn."):
            warn(
                f"{type(self).__name__}.fit ignores y: a density is fitted to X alone; pass "
                "weights as sample_weight=, and further columns in X",
                UserWarning,
                "y",
            )

    def _plan(self, data: Data) -> tuple[list[int | None], Adjusted]:
        """Return the columns to fit, None for all as one, and the family as options change it."""
        X, complete = data.values, data.seen_as is None
        family = self._family(X if complete else X[:, :1])
        by_column = family.event_shape == () and complete
        columns: list[int | None] = [*range(X.shape[1])] if by_column else [None]
        options = {name: getattr(self, name) for name in _ADJUSTMENTS}
        if one_window_a_row(self.truncation):
            # The rows carry their windows.
            options["truncation"] = None
        return columns, adjust(family, len(columns), data.seen_as, **options)

    def _read(self, X: Any, sample_weight: Any) -> Data:
        """Return the rows of a fit; the pass that sums them checks that they are finite."""
        source = source_of(X=X, sample_weight=sample_weight)
        if source is not None:
            return read_pieces(self, source, lambda few: self._read(few.X, None))
        censored = Censored.of(X)
        refuse_other_order(X, sample_weight, "sample_weight")
        given = self._validated(X) if censored is None else self._validated_rows(censored)
        if censored is not None and censored.truncation is not None:
            if one_window_a_row(self.truncation):
                raise ValueError(
                    "truncation must give each row one window, got windows with X and as an "
                    "option; pass truncation=(low, high) to natfit.Censored only"
                )
        data = read_rows(given, sample_weight, self.missing, self.truncation)
        if self.missing == "drop" and len(data.values) < 2:
            raise ValueError(
                f"X must have at least 2 rows without missing values, got {len(data.values)}"
            )
        return data

    def _validated(self, X: Any, least: int = 2, reset: bool = True) -> Numbers:
        """Return rows in float64 (N, D), and record or compare their columns and the names."""
        found = as_numbers(X, "X")
        values = found.values
        if values.ndim == 1:
            raise ValueError(of_a_vector(len(values), getattr(self, "distribution", "normal")))
        if values.ndim == 2 and len(values) == 1 < values.shape[1] and least > 1:
            raise ValueError(of_one_row(values.shape[1], type(self).__name__))
        if values.ndim != 2 or len(values) < least:
            raise ValueError(of_too_few(values.shape, type(self).__name__))
        plain = values.shape[1] >= 1
        if plain and values is X:
            # There is nothing to convert; only the number and names of features are recorded.
            return Numbers(validate_data(self, X, reset=reset, skip_check_array=True))
        options = {"dtype": np.float64, "ensure_min_samples": least, "ensure_all_finite": False}
        if is_frame(X) and not reset:
            validate_data(self, X, reset=False, skip_check_array=True)
            return Numbers(check_array(values, **options), found.masked)
        values = validate_data(self, values, reset=reset, **options)
        if is_frame(X):
            validate_data(self, X, skip_check_array=True)
        return Numbers(values, found.masked)

    def _validated_rows(self, censored: Censored) -> Censored:
        """Return censored rows, which are one column under the name of its times."""
        if len(censored) < 2:
            raise ValueError(f"X must have at least 2 rows to be fitted, got {len(censored)}")
        self.n_features_in_ = 1
        self.__dict__.pop("feature_names_in_", None)
        if censored.name is not None:
            self.feature_names_in_ = np.array([censored.name], dtype=object)
        return censored

    def _bound_by_rows(self) -> bool:
        """Tell whether the family takes limits from its rows."""
        return bound_by_rows(self.distribution)

    def _family(self, X: np.ndarray) -> Distribution:
        """Return the distribution, resolved and bound to the shape of the data."""
        return resolve(self.distribution, Distribution).bind(Memory(X))

    def _starts(self, family: Distribution, fitted: list[Any]) -> list:
        """Return the start in eta for each column, or None for the family's own start."""
        check_bool(self.warm_start, "warm_start")
        known = self.__dict__.get("_reached")
        if known is None and hasattr(self, "_eta"):
            known = self.distribution_, list(self._eta)
        # The estimate of another family, or of other columns, has no meaning here.
        if self.warm_start and known is not None and known[0] == family:
            etas = known[1] + [None] * (len(fitted) - len(known[1]))
            if len(etas) == len(fitted):
                if not self.fixed:
                    return etas
                return [
                    None if eta is None else own.reduce(eta)
                    for own, eta in zip(fitted, etas, strict=True)
                ]
        if self.start_params is None:
            return [None] * len(fitted)
        return given_starts(self.start_params, fitted, self.fixed or ())

    def _publish(self, family: Distribution, engine: Any, result: Any) -> None:
        """Set all fitted attributes together."""
        self.distribution_ = family
        self.metric_, self.solver_ = result.metric, engine.solver
        self.step_, self.damping_ = engine.step, engine.damping
        self._eta = result.eta
        self._information = result.information
        self._at_bound = result.at_bound
        self.params_ = self._native_values(family, result.eta)
        for name, value in result.attributes.items():
            setattr(self, name, value)

    def _native_values(self, family: Distribution, eta: np.ndarray) -> dict[str, np.ndarray]:
        """Return native values by name; known ones as they were given, not as they come back."""
        params = native_values(family, eta)
        for name, value in (self.fixed or {}).items():
            params[name] = np.resize(np.float64(value), params[name].shape)
        return params

    def _fitted_state(self) -> dict:
        """Return the attributes that an estimator needs to score."""
        return {k: getattr(self, k) for k in ("distribution_", "_eta", "params_")}

    def _preview(self, family: Distribution, done: list, iterate: Any, n: int) -> dict:
        """Return the attributes of an estimator as if the fit had stopped at an iterate."""
        # A column whose fit has not begun gets the parameters of the current column.
        eta = np.stack([c.eta for c in done] + [iterate.eta] * (n - len(done)))
        return {"distribution_": family, "_eta": eta, "params_": native_values(family, eta)}

    def __sklearn_tags__(self) -> Any:
        """Declare whether the family takes positive data only, and whether NaN may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "drop"
        try:
            support = resolve(self.distribution, Distribution).support
        except (TypeError, ValueError):
            return tags
        tags.input_tags.positive_only = support is not None and support.low >= 0
        return tags
