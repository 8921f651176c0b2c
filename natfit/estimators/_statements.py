"""The summary of a fitted density, information criteria, and the groups of a mixture."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import _pprint
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from natfit._component import resolve
from natfit._tables import measured, number
from natfit._validation import answers_keywords, check_number
from natfit.distributions.base import Distribution
from natfit.estimators._estimates import Estimates
from natfit.estimators._sources import by_pieces
from natfit.inference import criteria
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.estimators._summary import Summary

#: Numbers that the repr of a fit shows of each parameter, parameters that it shows, and parameters
#: of a family up to which it has their standard errors, which need the inverse of a matrix.
_SHOWN, _PARAMETERS, _WITH_ERRORS = 3, 6, 50

#: Digits of estimates and of standard errors in the repr.
_DIGITS, _DIGITS_OF_ERROR = 3, 2


def _has_groups(estimator: Any) -> bool:
    """Tell whether the family of an estimator, fitted or not, is a mixture."""
    family = getattr(estimator, "distribution_", None)
    if family is None:
        try:
            family = resolve(getattr(estimator, "distribution", None), Distribution)
            return family.n_groups > 0
        except (TypeError, ValueError):
            # A fit says what is wrong with the family.
            return False
    return family.n_groups > 0


class Statements(Estimates):
    """The summary of a fitted density, information criteria, and the groups of a mixture."""

    n_features_in_: int

    # -------------------------------------------------------------------------- criteria

    @property
    def n_parameters_(self) -> int:
        """K of the information criteria: estimated parameters of all columns, without fixed ones.

        Parameters that rest at a limit count. A covariance matrix of D columns has D (D + 1) / 2
        parameters, the weights of C components are C - 1.
        """
        return criteria.n_parameters(self._estimates())

    @answers_keywords
    def aic(self, X: Any = None, sample_weight: Any = None) -> float:
        """Return Akaike's information criterion, ``2 K - 2 log L``; lower is better.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored, optional
            Rows on which the log-likelihood is taken; by default those of the fit.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row of X.

        Returns
        -------
        float
            In nats. K is ``n_parameters_``, and log L the log-likelihood ``loglik_``, without a
            prior. Akaike (1974), IEEE Transactions on Automatic Control 19; as
            ``GaussianMixture.aic`` of scikit-learn, which always takes X.
        """
        return criteria.aic(self._loglik_of(X, sample_weight)[0], self.n_parameters_)

    @answers_keywords
    def aicc(self, X: Any = None, sample_weight: Any = None) -> float:
        """Return Akaike's criterion for few rows, ``AIC + 2 K (K + 1) / (n - K - 1)``.

        Parameters
        ----------
        X, sample_weight
            As in :meth:`aic`.

        Returns
        -------
        float
            In nats; inf where n <= K + 1. Hurvich and Tsai (1989), Biometrika 76.
        """
        return criteria.aicc(*self._terms_of(X, sample_weight))

    @answers_keywords
    def bic(self, X: Any = None, sample_weight: Any = None) -> float:
        """Return Schwarz's (Bayesian) information criterion, ``K log n - 2 log L``.

        Parameters
        ----------
        X, sample_weight
            As in :meth:`aic`.

        Returns
        -------
        float
            In nats; n is the sum of weights. Schwarz (1978), Annals of Statistics 6; as
            ``GaussianMixture.bic`` of scikit-learn.
        """
        return criteria.bic(*self._terms_of(X, sample_weight))

    @answers_keywords
    def tic(self, X: Any, sample_weight: Any = None) -> float:
        """Return Takeuchi's information criterion, ``2 tr(S J^-1) - 2 log L``.

        It holds also where the family does not contain the truth: S is the mean outer product of
        the rows' scores, J the information per row.

        Parameters
        ----------
        X, sample_weight
            The data and the weights of the fit, because the estimator does not keep the scores.

        Returns
        -------
        float
            In nats; inf where the data do not determine the parameters. Takeuchi (1976); Burnham
            and Anderson (2002), Model Selection and Multimodel Inference, chapter 7.

        Raises
        ------
        ValueError
            If X and the weights are not those of the fit.
        """
        check_is_fitted(self, "_eta")
        return criteria.tic(self.loglik_, self._estimates(X, sample_weight))

    def _loglik_of(self, X: Any, sample_weight: Any) -> tuple[float, float]:
        """Return the log-likelihood of rows and their number; of the fit's own without X."""
        check_is_fitted(self, "_eta")
        if X is None:
            if sample_weight is not None:
                raise ValueError("sample_weight belongs to X, got weights alone; pass X too")
            return self.loglik_, self.n_obs_
        data, _, _ = self._seen(X, sample_weight)
        n = float(len(data.values) if data.weight is None else data.weight.sum())
        model: Any = self
        return n * model.score(X, sample_weight=sample_weight), n

    def _terms_of(self, X: Any, sample_weight: Any) -> tuple[float, int, float]:
        """Return log L, K and n."""
        loglik, n = self._loglik_of(X, sample_weight)
        return loglik, self.n_parameters_, n

    # ------------------------------------------------------------------- what is printed

    @answers_keywords
    def summary(
        self,
        level: float = 0.95,
        cov_type: str = "observed",
        X: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Summary:
        """Return what the fit says: a table in a terminal, HTML in a notebook.

        It has the estimates with standard errors, intervals, log-likelihood, criteria, number of
        rows, the information that was used, status and message. Without X it takes no pass over
        the rows.

        Parameters
        ----------
        level : float, default=0.95
            The probability that an interval covers the parameter, in (0, 1).
        cov_type : str, default="observed"
            Which covariance matrix, as in ``cov_params``.
        X, sample_weight, groups : optional
            The data, the weights and the groups of the fit, as in ``cov_params``. With X the
            summary has Takeuchi's criterion, too.

        Returns
        -------
        Summary
            ``print(...)`` and ``to_frame()`` show it, ``table`` has the rows and ``facts`` the
            numbers that belong to the whole fit.

        Raises
        ------
        ValueError
            If an option is none of those, or X is needed or is not that of the fit.
        """
        from natfit.estimators._summary import summarised

        check_is_fitted(self, "_eta")
        check_number(
            level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False, hint="0.95"
        )
        return summarised(self, float(level), cov_type, X, sample_weight, groups)

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:  # noqa: N803  # scikit-learn's name
        """Write the constructor; after a fit, also the estimates with their standard errors."""
        written = super().__repr__(N_CHAR_MAX)  # type: ignore[call-arg]  # BaseEstimator's
        if not hasattr(self, "_eta") or not hasattr(self, "status_"):
            return written
        return f"{written}  # {self._estimates_in_words()}"

    def _estimates_in_words(self) -> str:
        """Return estimates with standard errors, n and status, as ``shape=5.02 (0.51), n=178``."""
        model: Any = self
        values, errors = model.params_, {}
        if len(self._eta) * self._eta.shape[1] <= _WITH_ERRORS:
            # A repr must not fail, whatever state the estimator is in.
            with contextlib.suppress(ValueError, ArithmeticError, AttributeError):
                errors = model.standard_errors_
        said = [
            f"{name}={_in_words(np.asarray(v), errors.get(name))}"
            for name, v in list(values.items())[:_PARAMETERS]
        ]
        said += ["..."] if len(values) > _PARAMETERS else []
        return ", ".join([*said, f"n={self.n_obs_:g}", str(model.status_)])

    # ------------------------------------------------------------------------ mixtures

    @available_if(_has_groups)
    @answers_keywords
    @by_pieces
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability that each row came from each component of the mixture.

        ``w_k p_k(y) / sum_j w_j p_j(y)``; of a censored row, with the probabilities of its
        interval instead of densities. Only mixtures have this method.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The rows; a vector is one column.

        Returns
        -------
        ndarray of shape (N, C), or (N, D, C)
            The last axis sums to one. If a mixture of a univariate family was fitted to each of D
            columns, there is one for each. As ``GaussianMixture.predict_proba`` of scikit-learn.

        Raises
        ------
        ValueError
            If a row lies outside the support of all components.
        """
        check_is_fitted(self, "_eta")
        data, _, by_column = self._seen(X)
        part = _shares_part if data.seen_as is None else _interval_shares_part
        columns = range(len(self._eta)) if by_column else [None]
        found = []
        for eta, column in zip(self._eta, columns, strict=True):
            share = self._rows(data, column).map(part, self.distribution_, eta[None])
            lost = ~(share.sum(axis=1) > 0.0)
            if lost.any():
                raise ValueError(
                    "X must lie in the support of a component, got a row without any density: row "
                    f"{int(np.argmax(lost))}; remove such rows"
                )
            found.append(share)
        return found[0] if len(found) == 1 else np.stack(found, axis=1)

    @available_if(_has_groups)
    @answers_keywords
    @by_pieces
    def predict(self, X: Any) -> np.ndarray:
        """Return the component of the mixture from which each row most probably came.

        Only mixtures have this method.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            As in :meth:`predict_proba`, whose largest column is taken.

        Returns
        -------
        ndarray of shape (N,), or (N, D)
            Numbers from 0 on, as in the names of the parameters (``loc_0``); of equally probable
            components the lowest.
        """
        return self.predict_proba(X).argmax(axis=-1)


# scikit-learn breaks the lines of long constructors, also inside pipelines, only for classes whose
# repr it knows.
with contextlib.suppress(AttributeError):
    _pprint._EstimatorPrettyPrinter._dispatch[Statements.__repr__] = (
        _pprint._EstimatorPrettyPrinter._pprint_estimator
    )


def _in_words(value: np.ndarray, error: Any) -> str:
    """Return a parameter's estimate: a number with its standard error, the first of a vector."""
    if value.ndim > 1 and len(value) == 1:
        # One column of data.
        return _in_words(value[0], None if error is None else error[0])
    if value.ndim > 1:
        return "array(" + " x ".join(map(str, value.shape)) + ")"
    numbers = np.atleast_1d(value).tolist()
    errors = [None] * len(numbers) if error is None else np.atleast_1d(error).tolist()
    said = [_with_error(v, e) for v, e in list(zip(numbers, errors, strict=True))[:_SHOWN]]
    if len(numbers) == 1:
        return said[0]
    return "[" + ", ".join([*said, *(["..."] if len(numbers) > _SHOWN else [])]) + "]"


def _with_error(value: float, error: float | None) -> str:
    if error is None:
        return number(value, _DIGITS)
    said = measured(value, error, _DIGITS, _DIGITS_OF_ERROR)
    return f"{said} ({number(error, _DIGITS_OF_ERROR, padded=True)})"


def _shares_part(block: Block, family: Distribution, eta: np.ndarray) -> np.ndarray:
    return family.responsibilities(block.y, eta)


def _interval_shares_part(block: Block, family: Distribution, eta: np.ndarray) -> np.ndarray:
    lower, upper = block.y[:, 0], block.y[:, 1]
    if block.y.shape[1] > 2:
        # What lies outside a row's window was never seen.
        lower, upper = (np.clip(end, block.y[:, 2], block.y[:, 3]) for end in (lower, upper))
    return family.interval_responsibilities(lower, upper, eta)
