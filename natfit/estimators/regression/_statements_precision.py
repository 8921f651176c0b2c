"""Standard errors, covariance matrices and intervals of the coefficients of a regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtri

from natfit._validation import answers_keywords, check_option
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._lost_ends import named, say_lost
from natfit.estimators.regression._features import read_container
from natfit.estimators.regression._lost_ends import with_refit
from natfit.estimators.regression._statements_estimates import Given
from natfit.estimators.regression._statements_replicates import RegressionReplicates
from natfit.inference import Estimate, delta, quantity
from natfit.inference.coefficients import (
    INTERCEPT,
    Coefficients,
    intercepts,
    shared_part,
    without_features,
)
from natfit.inference.delta import Estimated
from natfit.inference.interval import EndNotFound
from natfit.inference.profile import profile_interval
from natfit.inference.quantity import Quantity
from natfit.inference.score_interval import score_interval

#: How an interval is made; ``delta`` is the name of Wald's for functions of the coefficients.
METHODS = ("wald", "delta", "profile", "score", "bootstrap")

#: What inverts a test: ``(estimate, value, gradient, level) -> Interval``.
_INVERSIONS = {"profile": profile_interval, "score": score_interval}


class RegressionPrecision(RegressionReplicates):
    """What a regression says of the precision of its coefficients."""

    coef_: Any
    intercept_: Any

    # --------------------------------------------------------------------- standard errors

    @property
    def standard_errors_(self) -> Any:
        """Standard errors of ``coef_``, in the same shapes.

        They come from the observed information (for families and fits without one, from what
        ``summary`` says). The errors of intercepts are ``intercept_standard_errors_``, and those of
        parameters without features, in native units, are on the diagonal of ``cov_params``.
        """
        return self._errors_like(self.coef_, False)

    @property
    def intercept_standard_errors_(self) -> Any:
        """Standard errors of ``intercept_``, in the same shapes, on the scale of the link."""
        return self._errors_like(self.intercept_, True)

    def _errors_like(self, like: Any, of_intercepts: bool) -> Any:
        """Return standard errors in the shapes of ``coef_`` or ``intercept_``."""
        found = self._coefficients()
        estimate, theta = self._covariance("observed", Given())
        matrix = self._reported(found, estimate, theta, "observed")
        error = np.sqrt(np.maximum(np.diagonal(matrix), 0.0))
        own = np.sqrt(np.maximum(np.diagonal(theta), 0.0))[intercepts(self._linear_model())]
        parts = like if isinstance(like, dict) else dict.fromkeys(self.distribution_.params, like)
        alone, out = without_features(self._linear_model()), {}
        for name, values in parts.items():
            each = [
                value
                for place, value in zip(found.places, error, strict=True)
                if place.parameter == name and place.feature is not None
                if of_intercepts == (place.feature == INTERCEPT)
            ]
            if of_intercepts and name in alone:
                each = own[self.distribution_.blocks[name]].tolist()
            # Predictors that go through the origin have no intercept to be wrong about.
            each = each or [0.0] * np.size(values)
            out[name] = np.reshape(each, np.shape(values))[()]
        return out if isinstance(like, dict) else next(iter(out.values()))

    @answers_keywords
    def cov_params(
        self,
        cov_type: str = "observed",
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> np.ndarray:
        """Return the covariance matrix of the coefficients.

        It is computed for features that are centred and scaled, and mapped to those of x, so that
        it does not depend on the units of X.

        Parameters
        ----------
        cov_type : {"observed", "expected", "opg", "robust", "cluster"}
            As for densities: the inverse of the observed information, of the expected one (that of
            statsmodels' GLM), of the outer product of the scores, Huber's sandwich (HC0), and the
            sandwich of groups with the factor G / (G - 1) (W - 1) / (W - P).
        X, y, sample_weight, offset, exposure : optional
            The data of the fit, for types that need the rows: the estimator keeps none.
        groups : array-like of shape (N,), optional
            The group of each row, for ``cluster``.

        Returns
        -------
        ndarray of shape (M, M)
            ``param_names_`` names the rows and columns. An entry of inf on the diagonal marks what
            the data do not determine.

        Raises
        ------
        ValueError
            If there is no such type, rows are missing, or are not those of the fit.
        """
        given = Given(X, y, sample_weight, offset, exposure)
        estimate, theta = self._covariance(cov_type, given, groups)
        return self._reported(self._coefficients(), estimate, theta, cov_type)

    # --------------------------------------------------------------------------- intervals

    @answers_keywords
    def conf_int(
        self,
        level: float = 0.95,
        method: str = "wald",
        of: Any = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        cov_type: str = "observed",
        groups: Any = None,
        offset: Any = None,
        exposure: Any = None,
        n_resamples: int = 999,
        kind: str = "bca",
        resample: str = "rows",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> dict[str, np.ndarray]:
        """Return confidence intervals of the coefficients.

        Parameters
        ----------
        level : float, default=0.95
            The probability with which an interval is to cover the true value.
        method : {"wald", "profile", "score", "bootstrap"}
            ``wald`` is ``estimate +- z se``, for a parameter without features on the scale of its
            link. ``profile`` holds the values that a likelihood-ratio test accepts (``confint`` of
            R's glm), ``score`` those that a score test accepts; ``bootstrap`` fits resampled rows.
        of : str or sequence of str, optional
            Names of coefficients, or of features with all theirs; all by
            default. A profile of each costs some fits.
        X, y, sample_weight, offset, exposure : optional
            The data of the fit, for all methods but ``wald``.
        cov_type, groups
            As in :meth:`cov_params`, for ``wald``.
        n_resamples, kind, resample, random_state, n_jobs
            Options of the bootstrap: how many fits, ``bca`` or ``percentile``, whether ``rows`` are
            drawn with their x or y from the fit at the same x (``parametric``), the seed, and the
            number of processes that share the fits, on which the result does not depend.

        Returns
        -------
        dict of ndarray of shape (2,)
            From the names in ``param_names_`` to the ends.

        Raises
        ------
        ValueError
            If the fit ended at no optimum, the level is not in (0, 1), a method lacks the rows,
            there is no such coefficient, or the only one that was asked for has an end that was
            not found.

        Warns
        -----
        UserWarning
            If several were asked for and some have ends that were not found, which are NaN: with
            their names, why, and what to do.
        """
        level = delta.check_level(level)
        check_option(method, "method", METHODS)
        self._need_maximum("an interval")
        found, given = self._coefficients(), Given(X, y, sample_weight, offset, exposure)
        chosen = range(len(found.names)) if of is None else self._chosen(found, of)
        if method in ("wald", "delta"):
            estimate, theta = self._covariance(cov_type, given, groups)
            ends = self._wald_ends(found, estimate, theta, level)
        elif method == "bootstrap":
            options = {"n_resamples": n_resamples, "kind": kind, "resample": resample}
            options |= {"random_state": random_state, "n_jobs": n_jobs}
            ends = self._bootstrapped(level, given, options)
        else:
            estimate = self._estimate(given, rows=True)
            ends, lost = np.full((len(found.names), 2), np.nan), {}
            for m in chosen:
                *ends[m], error = self._inverted(found, estimate, m, level, method)
                if error is not None:
                    lost[found.names[m]] = with_refit(self, error, given, found.names[m])
            say_lost(lost, len(chosen))
        return {found.names[m]: ends[m] for m in chosen}

    def _wald_ends(
        self, found: Coefficients, estimate: Estimate, theta: np.ndarray, level: float
    ) -> np.ndarray:
        """Return Wald's intervals (M, 2)."""
        z = float(ndtri(0.5 + 0.5 * level))
        with np.errstate(all="ignore"):
            error = np.sqrt(np.maximum(np.diagonal(found.covariance(theta)), 0.0))
        ends = np.stack([found.values - z * error, found.values + z * error], axis=-1)
        names = without_features(self._linear_model())
        if names:
            shared = shared_part(estimate, self._linear_model(), theta)
            native = delta.parameter_intervals(self.distribution_, *shared, level)
            for m, place in enumerate(found.places):
                if place.feature is None:
                    constraint = self.distribution_.params[place.parameter]
                    own = native[place.parameter]
                    ends[m] = [constraint.pack(own[..., side])[place.output] for side in (0, 1)]
        return ends

    def _inverted(
        self, found: Coefficients, estimate: Estimate, m: int, level: float, method: str
    ) -> tuple[float, float, EndNotFound | None]:
        """Return the ends of the values of one coefficient that a test accepts, and what is lost.

        Returns
        -------
        low, high : float
            NaN for an end that was not found.
        lost : EndNotFound or None

        Raises
        ------
        EndNotFound
            If the other end was not looked for.
        """
        place, row = found.places[m], found.jacobian[m]
        family, model = self.distribution_, self._linear_model()
        constraint, block = family.params[place.parameter], family.blocks[place.parameter]
        native = place.feature is None
        value, gradient = (lambda t: float(row @ t)), (lambda t: row)
        if native:
            parts = slice(model.parts[block.start].start, model.parts[block.stop - 1].stop)
            value, gradient = quantity.entry(constraint, parts, place.output)
        lost = None
        try:
            got = _INVERSIONS[method](estimate, value, gradient, level)
        except EndNotFound as error:
            if error.interval is None:
                raise
            got, lost = error.interval, error
        low, high = got.low, got.high
        if native:
            ends = constraint.native_bounds
            low = low if got.reached_low else np.fmin(low, ends[0])
            high = high if got.reached_high else np.fmax(high, ends[1])
        return float(low), float(high), lost

    # --------------------------------------------------------------------------- functions

    @answers_keywords
    def estimate(
        self,
        function: Any,
        *args: Any,
        at: Any = None,
        level: float = 0.95,
        cov_type: str = "observed",
        method: str = "delta",
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        offset: Any = None,
        exposure: Any = None,
        offset_at: Any = None,
        exposure_at: Any = None,
        scale: str = "auto",
    ) -> Estimated:
        """Return the value of a function of the fit, its standard error and an interval.

        Without ``at`` it is a function of the coefficients, ``function(b)`` with the dict b from
        names to numbers: ``lambda b: b["loc[x1]"] / b["loc[x2]"]``. With rows ``at`` it is one of
        the distribution of y there: the name of a method such as ``"mean"`` or ``"ppf", 0.9``, or
        ``function(d)`` of the frozen distribution d that ``predict_dist(at)`` returns.

        Parameters
        ----------
        function : callable or str
            The function, the name of a method of the distribution, or the name of a coefficient.
        *args
            Arguments of the function or the method.
        at : array-like of shape (m, D), optional
            Rows of features.
        level : float, default=0.95
            The probability with which the interval is to cover the true value.
        cov_type, groups
            As in :meth:`cov_params`.
        method : {"delta", "profile"}
            ``profile`` holds the values that a likelihood-ratio test accepts.
        X, y, sample_weight, offset, exposure : optional
            The data of the fit, for ``profile`` and for types of covariance that need them.
        offset_at, exposure_at : optional
            Offset and exposure of the rows ``at``.
        scale : {"auto", "identity", "log", "logit", "cloglog"}
            The scale on which the interval of the delta method is symmetric.

        Returns
        -------
        Estimated
            ``value``, ``standard_error``, ``low``, ``high``, of the function's shape.

        Raises
        ------
        ValueError, TypeError
            If the function returns no finite number or has no derivative, an option is not valid,
            the fit ended where there is no optimum, or an end of a profile was not found.
        """
        level = delta.check_level(level)
        check_option(method, "method", ("delta", "wald", "profile"))
        check_option(scale, "scale", ("auto", *delta.SCALES))
        self._need_maximum("an interval")
        given = Given(X, y, sample_weight, offset, exposure)
        asked = self._asked(function, args, at, offset_at, exposure_at)
        estimate, theta = self._covariance(cov_type, given, groups)
        spread = np.sqrt(np.maximum(np.diagonal(theta), 0.0))
        spread = np.where(np.isinf(spread), 1e-2, spread)
        limits = self._linear_model().limits()[:2]
        value = asked.value(self._theta)
        errors = delta.standard_errors(asked.jacobian(self._theta, spread, limits), theta)
        if method == "profile":
            estimate = self._estimate(given, rows=True)
            name = function if at is None and isinstance(function, str) else None
            slopes = asked.slopes(self._theta, spread, limits)
            low, high = self._profiled(asked, slopes, estimate, level, given, name)
            said = scale
        else:
            method = "delta"
            low, high = delta.ends(value.ravel(), errors, level, asked.low, asked.high, scale)
            said = delta.scale_name(asked.low, asked.high) if scale == "auto" else scale
        value, errors, low, high = (
            np.reshape(v, value.shape)[()] for v in (value, errors, low, high)
        )
        return Estimated(asked.name, value, errors, low, high, level, method, said, cov_type)

    def _quantity(self, name: str) -> Quantity:
        """Return a coefficient as a function of theta, with the range of a native parameter."""
        here = self._coefficients()
        if name in self.distribution_.params and name not in here.index:
            raise ValueError(
                f"{name!r} depends on the features; pass at=rows of X, or the name of one of its "
                f"coefficients, {[n for n in here.names if n.startswith(f'{name}[')]}"
            )
        m = self._chosen_one(here, name)
        place, low, high = here.places[m], -np.inf, np.inf
        constraint = self.distribution_.params[place.parameter]
        if place.feature is None and constraint.entries is None:
            low, high = constraint.native_bounds
        return Quantity(
            here.names[m],
            lambda theta: self._at(theta).values[m],
            low,
            high,
            exact=lambda theta: self._at(theta).jacobian[[m]],
        )

    def _asked(
        self, function: Any, args: tuple[Any, ...], at: Any, offset: Any, exposure: Any
    ) -> Quantity:
        """Return a function of theta."""
        if at is None:
            if isinstance(function, str):
                return self._quantity(function)
            if not callable(function):
                raise TypeError(
                    "function must be a function of the coefficients, or the name of one, got "
                    f"{type(function).__name__}"
                )

            def of_coefficients(theta: Any) -> Any:
                found = self._at(np.asarray(theta, dtype=float))
                values = dict(zip(found.names, found.values, strict=True))
                try:
                    return function(values, *args)
                except AttributeError as error:
                    raise TypeError(
                        "a function without at= is called with a dict of coefficients by name, "
                        f"and this one failed: {error}; pass at=rows of X for a function of the "
                        "distribution there"
                    ) from error

            return Quantity(getattr(function, "__name__", "the function"), of_coefficients)
        model: Any = self
        here = model._eta(at, offset, exposure)
        base = here - model._eta(at)
        features = self._layout.matrix(read_container(self, at, reset=False))

        def frozen(theta: Any) -> Frozen:
            return Frozen(self.distribution_, self._model.eta(theta, features) + base, by="row")

        def parameters(theta: Any) -> dict[str, Any]:
            native = self.distribution_.native(frozen(theta).eta)
            return dict(zip(self.distribution_.params, native, strict=True))

        found = quantity.of(function, args, self.distribution_, frozen, parameters)
        # What is known in closed form is known in the eta of one row.
        return Quantity(found.name, found.function, found.low, found.high, smooth=found.smooth)

    def _profiled(
        self,
        asked: Quantity,
        slopes: Callable[[np.ndarray], np.ndarray],
        estimate: Estimate,
        level: float,
        given: Given,
        name: str | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the profile of each value of a function, or of a named coefficient.

        Returns
        -------
        low, high : ndarray of shape (M,)

        Raises
        ------
        EndNotFound
            With the name, if there is no such end.
        """
        pairs, lost = [], None
        if name is not None:
            found = self._coefficients()
            m = self._chosen_one(found, name)
            *ends, lost = self._inverted(found, estimate, m, level, "profile")
            pairs.append(ends)
        else:
            for m in range(asked.value(self._theta).size):

                def value(theta: np.ndarray, m: int = m) -> float:
                    return float(asked.value(theta, finite=False).ravel()[m])

                def gradient(theta: np.ndarray, m: int = m) -> np.ndarray:
                    return slopes(theta)[m]

                try:
                    got = profile_interval(estimate, value, gradient, level)
                except EndNotFound as error:
                    lost = error
                    break
                pairs.append([got.low, got.high])
        if lost is not None:
            missing = named(asked.name, with_refit(self, lost, given, asked.name if name else None))
            raise missing
        low, high = np.array(pairs).T
        return low, high
