"""Statements about the coefficients of a regression: the summary, criteria, and diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from natfit._validation import answers_keywords, check_number
from natfit.estimators.regression._statements_estimates import Given
from natfit.estimators.regression._statements_tests import RegressionTests
from natfit.inference import Identifiability, criteria, identifiability_of
from natfit.inference.deletion import Deletion, deletion_of
from natfit.inference.delta import check_level

if TYPE_CHECKING:
    from natfit.estimators.regression._statements_summary import RegressionSummary


class RegressionStatements(RegressionTests):
    """The part of a regression that tells how well its coefficients are known."""

    @answers_keywords
    def summary(
        self,
        level: float = 0.95,
        cov_type: str = "observed",
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> RegressionSummary:
        """Return what the fit says: a table in a terminal, HTML in a notebook.

        It has a row for each coefficient with its standard error, z, p-value and interval by Wald's
        test. Parameters without features are there in native units, without a test of zero.

        Parameters
        ----------
        level : float, default=0.95
            The probability that an interval covers the coefficient, in (0, 1).
        cov_type, groups
            Which covariance matrix, as in :meth:`cov_params`.
        X, y, sample_weight, offset, exposure : optional
            The data of the fit, for types of covariance that need them. With them, a note names
            coefficients whose Wald statistic falls as they grow (Hauck & Donner 1977).

        Returns
        -------
        RegressionSummary
            ``print(...)`` and ``to_frame()`` show it, ``table`` has the rows and ``facts`` the
            numbers that belong to the whole fit.

        Raises
        ------
        ValueError
            If an option is none of those, or the data are needed or are not those of the fit.
        """
        from natfit.estimators.regression._statements_summary import summarised

        check_is_fitted(self, "_theta")
        given = Given(X, y, sample_weight, offset, exposure)
        return summarised(self, check_level(level), cov_type, given, groups)

    def to_json(self) -> str:
        """Return the fit as JSON, which :func:`natfit.from_json` reads bit for bit.

        It holds the options, the family, the features with their names and categories, the
        coefficients, the information, the history, the status and the version of natfit, and no
        data: what needs the rows takes them again.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If a part cannot be written: another predictor than a linear one, formulas, functions
            and objects of one's own.
        """
        from natfit.estimators.regression._stored import to_json

        check_is_fitted(self, "_theta")
        return to_json(self)

    # -------------------------------------------------------------------------- criteria

    @answers_keywords
    def aic(self) -> float:
        """Return Akaike's criterion of the fit, ``2 P - 2 log L``, in nats; lower is better."""
        return criteria.aic(self.loglik_, self.n_parameters_)

    @answers_keywords
    def aicc(self) -> float:
        """Return Akaike's criterion for few rows, ``AIC + 2 P (P + 1) / (n - P - 1)``."""
        return criteria.aicc(self.loglik_, self.n_parameters_, self.n_obs_)

    @answers_keywords
    def bic(self) -> float:
        """Return Schwarz's criterion of the fit, ``P log n - 2 log L``, in nats."""
        return criteria.bic(self.loglik_, self.n_parameters_, self.n_obs_)

    @answers_keywords
    def tic(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> float:
        """Return Takeuchi's criterion, ``2 tr(S J^-1) - 2 log L``, from the data of the fit.

        Parameters
        ----------
        X, y, sample_weight, offset, exposure
            The data of the fit.

        Returns
        -------
        float
            In nats.

        Raises
        ------
        ValueError
            If the data are not those of the fit.
        """
        estimate = self._estimate(Given(X, y, sample_weight, offset, exposure), rows=True)
        return criteria.tic(self.loglik_, [estimate])

    # ----------------------------------------------------------------------- diagnostics

    @answers_keywords
    def influence(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> Deletion:
        """Return how the coefficients change when each row is left out, by one pass, no refits.

        Parameters
        ----------
        X, y, sample_weight, offset, exposure
            The data of the fit.

        Returns
        -------
        Deletion
            ``params`` has the changes by the names of coefficients, ``leverage``, ``distance`` and
            ``cooks_distance`` one number a row; ``top(k)`` lists the most influential rows.

        Raises
        ------
        ValueError
            If the fit is at no optimum, or the data are not those of the fit.
        """
        self._need_maximum("influence")
        estimate = self._estimate(Given(X, y, sample_weight, offset, exposure), rows=True)
        found = self._coefficients()
        return deletion_of(estimate, found.names, found.jacobian)

    @answers_keywords
    def identifiability(
        self,
        target: float = 0.1,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> Identifiability:
        """Return which combinations of coefficients the data determine, and how well.

        The coefficients are those of features that are centred and have the standard deviation 1,
        so that the spectrum does not depend on the units of X.

        Parameters
        ----------
        target : float, default=0.1
            The standard error for which numbers of rows are given.
        X, y, sample_weight, offset, exposure : optional
            The data of the fit, if the information was not computed yet.

        Returns
        -------
        natfit.inference.Identifiability

        Raises
        ------
        ValueError
            If the target is not positive.
        """
        check_number(target, "target", low=0.0, closed_low=False)
        estimate = self._estimate(Given(X, y, sample_weight, offset, exposure))
        caution = "" if self.status_.good else f"the fit ended as {str(self.status_)!r}"
        return identifiability_of(estimate, float(target), caution)
