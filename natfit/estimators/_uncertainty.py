"""Standard errors, covariance matrices and intervals of a fitted density."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import block_diag
from sklearn.utils.validation import check_is_fitted

from natfit._validation import answers_keywords, check_option
from natfit.estimators._intervals import Intervals
from natfit.inference import covariance as cov
from natfit.inference import delta, quantity
from natfit.inference.delta import Estimated

#: How an interval is made; ``delta`` is the name of Wald's for functions of the parameters.
_METHODS = ("wald", "delta", "profile", "score", "bootstrap")


class Uncertainty(Intervals):
    """What a fitted density says of the precision of its estimates."""

    @property
    def standard_errors_(self) -> dict[str, np.ndarray]:
        """Standard errors of the values in ``params_``, in the same units and shapes."""
        check_is_fitted(self, "_eta")
        family = self.distribution_
        errors = [
            cov.standard_errors(family, cov.to_native(family, e.theta, e.covariance()))
            for e in self._estimates()
        ]
        if family.event_shape == ():
            return {name: np.array([e[name] for e in errors]) for name in family.params}
        return errors[0]

    @property
    def param_names_(self) -> list[str]:
        """Names of the rows and columns of :meth:`cov_params`."""
        check_is_fitted(self, "_eta")
        names = cov.native_names(self.distribution_)
        if len(self._eta) == 1:
            return names
        return [f"{name}[{label}]" for label in self._labels for name in names]

    # ---------------------------------------------------------------------------- covariance

    @answers_keywords
    def cov_params(
        self,
        cov_type: str = "observed",
        X: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> np.ndarray:
        """Return the covariance matrix of the estimates of the native parameters.

        Parameters
        ----------
        cov_type : {"observed", "expected", "opg", "robust", "cluster"}
            ``observed`` is the inverse of the observed information, the negative Hessian of the
            log-likelihood at the data. ``expected`` is the inverse of the expected information;
            for exponential families the two agree at the optimum. ``opg`` is the inverse of the
            outer product of gradients, the sum of s s' over rows with the score s. ``robust`` is
            Huber's sandwich estimate, which holds even if the data do not come from the family
            (HC0 of statsmodels). ``cluster`` is the sandwich for rows that are independent between
            groups only, with the factor G / (G - 1) (W - 1) / (W - P) of statsmodels for G groups,
            a sum of weights W and P estimated parameters.
        X, sample_weight : optional
            The data and the weights of the fit. The last three types need them, because the
            estimator does not keep the scores of the rows.
        groups : array-like of shape (N,), optional
            The group of each row, in any type that can be sorted; for ``cluster`` only.

        Returns
        -------
        ndarray of shape (M, M)
            ``param_names_`` names the rows and columns. Columns of data that were fitted
            separately are independent blocks. An entry of inf on the diagonal marks a
            parameter that the data do not determine or that rests at a limit.

        Raises
        ------
        ValueError
            If ``cov_type`` is not one of the five, lacks the X or the groups that it needs, or X
            is not the data of the fit.
        """
        estimates, matrices = self._covariances(cov_type, X, sample_weight, groups)
        blocks = [
            cov.to_native(self.distribution_, e.theta, matrix)
            for e, matrix in zip(estimates, matrices, strict=True)
        ]
        return block_diag(*blocks)

    # ------------------------------------------------------------------------------ intervals

    @answers_keywords
    def estimate(
        self,
        function: Any,
        *args: Any,
        level: float = 0.95,
        cov_type: str = "observed",
        method: str = "delta",
        X: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        scale: str = "auto",
        n_resamples: int = 999,
        kind: str = "bca",
        resample: str = "rows",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> Estimated:
        """Return the value of a function of the parameters, its standard error and an interval.

        ``model.estimate("ppf", 0.1)`` and ``model.estimate(lambda d: d.ppf(0.1))`` are the same
        number. By its name the range of the quantity is known, and the interval stays inside it.

        Parameters
        ----------
        function : callable or str
            ``function(d, *args)`` of the frozen distribution d, which returns a number or an array;
            or the name of a method of ``frozen_``, or of a parameter.
        *args
            Arguments of the function or the method.
        level : float, default=0.95
            The probability with which the interval is to cover the true value.
        cov_type, groups
            As in :meth:`cov_params`, for the standard error and the interval of the delta method.
        method : {"delta", "profile", "score", "bootstrap"}
            As in :meth:`conf_int`; ``delta`` and ``wald`` are the same.
        X, sample_weight : optional
            The data and the weights of the fit, for other methods than ``delta``, and for types
            of covariance that need them.
        scale : {"auto", "identity", "log", "logit", "cloglog"}
            The scale on which the interval of the delta method is symmetric. ``auto`` is the one
            that belongs to the range: ``log`` for positive numbers, ``logit`` for shares,
            ``identity`` for functions. ``cloglog``, log(-log p), is common for probabilities of
            survival.
        n_resamples, kind, resample, random_state, n_jobs
            Options of the bootstrap, as in :meth:`conf_int`.

        Returns
        -------
        Estimated
            ``value``, ``standard_error``, ``low``, ``high``: numbers, or arrays of the function's
            shape; of D columns of data with the last axis D.

        Raises
        ------
        ValueError, TypeError
            If the function returns no finite number or has no derivative, if an option is not
            valid, or if the fit ended where there is no optimum.

        Examples
        --------
        >>> import natfit
        >>> found = natfit.fit("exponential", [1.0, 2.0, 3.0]).estimate("mean")
        >>> round(float(found.value), 6), round(float(found.standard_error), 6)
        (2.0, 1.154701)
        """
        level = delta.check_level(level)
        check_option(method, "method", _METHODS)
        check_option(scale, "scale", ("auto", *delta.SCALES))
        self._refuse_no_optimum()
        asked = quantity.of(
            function, args, self.distribution_, self._frozen_at, self._parameters_at
        )
        options = {
            "n_resamples": n_resamples,
            "kind": kind,
            "resample": resample,
            "random_state": random_state,
            "n_jobs": n_jobs,
        }
        self._check_method(method, X, cov_type, scale)
        given = (X, sample_weight)
        estimates, matrices = self._covariances(cov_type, *given, groups)
        value = asked.value(self._theta)
        notes = self._notes()
        if method != "bootstrap":
            error, lost = self._errors(asked, matrices)
            notes += lost
        said = scale
        if method in ("wald", "delta"):
            low, high = delta.ends(value.ravel(), error, level, asked.low, asked.high, scale)
            said = delta.scale_name(asked.low, asked.high) if scale == "auto" else scale
            method = "delta"
        elif method == "bootstrap":
            low, high, error = self._bootstrapped(asked, estimates, level, given, options)
        else:
            n = len(estimates)
            columns = [asked] if n == 1 else self._by_column(function, args, n, method)
            low, high, more = self._inverted(columns, estimates, level, method)
            notes += more
        value, error, low, high = (
            np.reshape(v, value.shape)[()] for v in (value, error, low, high)
        )
        return Estimated(asked.name, value, error, low, high, level, method, said, cov_type, notes)

    @answers_keywords
    def conf_int(
        self,
        level: float = 0.95,
        method: str = "wald",
        of: Any = None,
        X: Any = None,
        sample_weight: Any = None,
        cov_type: str = "observed",
        groups: Any = None,
        n_resamples: int = 999,
        kind: str = "bca",
        resample: str = "rows",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> Any:
        """Return confidence intervals of the native parameters, or of a function of them.

        Parameters
        ----------
        level : float, default=0.95
            The probability with which an interval is to cover the true value.
        method : {"wald", "profile", "score", "bootstrap"}
            ``wald`` is symmetric in the unconstrained parameters (log of a scale, logit of a
            share) and mapped back, so that it lies inside the range; it costs nothing. ``profile``
            holds the values that a likelihood-ratio test accepts, ``score`` those that a score
            test accepts; they need X. ``bootstrap`` fits resampled rows; it needs X.
        of : callable, str or tuple, optional
            A function of the frozen distribution, the name of one of its methods or of a
            parameter, or a tuple of either and its arguments: ``("ppf", 0.1)``. None stands for
            all parameters.
        X, sample_weight : optional
            The data and the weights of the fit.
        cov_type, groups
            As in :meth:`cov_params`, for ``wald``.
        n_resamples : int, default=999
            Number of bootstrap fits, at least 40.
        kind : {"bca", "percentile"}
            Quantiles of the bootstrap estimates, corrected for bias and skewness or not. They are
            not where all estimates lie on one side of the fit's, as may happen at a limit.
        resample : {"rows", "parametric"}
            Whether rows are drawn from the rows, with their weights as repetitions, or from the
            fitted distribution.
        random_state : None, int, RandomState or Generator
            Seed of the bootstrap; None is that of the estimator, or else a fixed one.
        n_jobs : int, optional
            Processes of the bootstrap, by joblib. The result does not depend on it. Callbacks of
            the estimator (``set_callbacks``) see one task, ``bootstrap``, with a subtask for each
            replicate.

        Returns
        -------
        dict of ndarray, or ndarray
            By name, of the shape of ``params_`` with a last axis (low, high). A parameter that
            was given has its value at both ends; one that is not determined or that rests at a
            limit has the ends of its range. With ``of``, an array (..., 2).

        Raises
        ------
        ValueError
            If the level is not in (0, 1), if a method lacks X, or if the fit ended where there is
            no optimum: ``unbounded``, ``singular`` or ``non_finite``.

        Examples
        --------
        >>> import natfit
        >>> natfit.fit("exponential", [1.0, 2.0, 3.0]).conf_int()["rate"].round(3)
        array([[0.161, 1.55 ]])
        """
        level = delta.check_level(level)
        check_option(method, "method", _METHODS)
        options = {
            "n_resamples": n_resamples,
            "kind": kind,
            "resample": resample,
            "random_state": random_state,
            "n_jobs": n_jobs,
        }
        if of is not None:
            function, *args = of if isinstance(of, tuple) and of else (of,)
            common = {"cov_type": cov_type, "groups": groups, "method": method, **options}
            found = self.estimate(
                function, *args, level=level, X=X, sample_weight=sample_weight, **common
            )
            return found.interval
        self._refuse_no_optimum()
        self._check_method(method, X, cov_type)
        given = (X, sample_weight)
        estimates, matrices = self._covariances(cov_type, *given, groups)
        if method == "bootstrap":
            family = self.distribution_
            asked = quantity.all_parameters(family, self._parameters_at)
            low, high, _ = self._bootstrapped(asked, estimates, level, given, options)
            return self._split(np.stack([low, high], axis=-1))
        if method in ("wald", "delta"):
            columns = [
                delta.parameter_intervals(self.distribution_, e.theta, matrix, level)
                for e, matrix in zip(estimates, matrices, strict=True)
            ]
        else:
            columns = [self._inverted_parameters(e, level, method) for e in estimates]
        return self._by_name(columns)
