"""Goodness of fit, influence, identifiability and Laplace's approximation of a fit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit import inference
from natfit._validation import answers_keywords, check_number, check_option
from natfit.estimators._bootstrap import Draws, bootstrap_pvalue, failures, refits
from natfit.estimators._data import Data
from natfit.estimators._estimates import Estimates
from natfit.estimators._goodness import goodness
from natfit.inference import Estimate, Identifiability, Influence
from natfit.iterate import Status
from natfit.models import Constant

#: Ends of a fit that is no estimate, so that nothing can be said of its neighbourhood.
_NOWHERE = (Status.UNBOUNDED, Status.NON_FINITE)

#: Relative difference of log-likelihoods at which data are not the fit's.
_SAME = 1e-8


class Diagnostics(Estimates):
    """Goodness of fit, influence, identifiability and Laplace's approximation of a fit."""

    statuses_: list[Status]
    message_: str

    @answers_keywords
    def goodness_of_fit(
        self,
        X: Any,
        method: str = "auto",
        *,
        sample_weight: Any = None,
        n_resamples: int = 999,
        random_state: Any = 0,
        n_jobs: int | None = None,
        bins: Any = None,
    ) -> Any:
        """Test whether rows come from the fitted family.

        The parameters were estimated from the same rows, so that no table of critical values
        holds. The p-value is that of the parametric bootstrap: the family is fitted to each of
        ``n_resamples`` sets of draws from the fit, and
        ``p = (1 + #{T* >= T}) / (n_resamples + 1)`` (Stute, Gonzalez Manteiga & Presedo Quindimil,
        Metrika 40, 1993; Davison & Hinkley, 1997, equation 4.11).

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit. Right-censored rows are compared by their Kaplan-Meier estimate.
        method : str, default="auto"
            ``anderson_darling``, ``kolmogorov_smirnov`` or ``cramer_von_mises`` for densities,
            ``chi_square`` for any univariate family. ``auto`` is ``anderson_darling``, for counts
            ``chi_square``, and for right-censored rows ``cramer_von_mises``.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit; a weight of 2 is the same row given twice.
        n_resamples : int, default=999
            Number of refits. With 0 ``chi_square`` takes the chi-square distribution.
        random_state : None, int, RandomState or Generator, default=0
            Seed of the draws.
        n_jobs : int, optional
            Number of processes that share the refits; results are the same for any number.
        bins : int or array-like, optional
            For ``chi_square``: the number of cells, or the ends between them.

        Returns
        -------
        Outcome
            One for each column, in a list, where several columns were fitted separately.

        Raises
        ------
        ValueError
            If X is not the data of the fit, or the method is not defined for the family or the
            rows: interval- and left-censored rows, and rows with windows, have no such test.
        """
        self._refuse_statuses("goodness_of_fit")
        estimates = self._estimates(X, sample_weight)
        data = self._seen(X, sample_weight)[0]
        found = goodness(self, data, estimates, method, bins, n_resamples, random_state, n_jobs)
        return found[0] if len(found) == 1 else found

    @answers_keywords
    def white_test(
        self,
        X: Any,
        sample_weight: Any = None,
        *,
        pvalue: str = "chi_square",
        n_resamples: int = 199,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> Any:
        """Test by White's information matrix whether rows come from the fitted family.

        In the family the mean outer product of scores equals the observed information. The
        statistic is ``W R^2`` of the regression of ones on the scores and on the indicators
        ``vech(s_i s_i' + H_i)`` (White, 1982; Chesher, 1983; Lancaster, 1984). It rejects far too
        often by its chi-square distribution if there are not thousands of rows; use
        ``pvalue="bootstrap"`` then (Horowitz, J. Econometrics 61, 1994).

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.
        pvalue : {"chi_square", "bootstrap"}
            Whether the statistic is compared with its limiting distribution or with refits to
            draws from the fit.
        n_resamples, random_state, n_jobs
            As in :meth:`goodness_of_fit`; they matter with ``pvalue="bootstrap"``.

        Returns
        -------
        Outcome
            One for each column, in a list, where several columns were fitted separately.

        Raises
        ------
        ValueError
            If X is not the data of the fit, the data do not determine the parameters, the family
            has kinks, the fit has a prior, or all indicators vanish in the family.
        """
        check_option(pvalue, "pvalue", ("chi_square", "bootstrap"))
        self._refuse_statuses("white_test")
        found = [inference.white(estimate) for estimate in self._estimates(X, sample_weight)]
        if pvalue == "bootstrap":
            draws = Draws.of(self, self._seen(X, sample_weight)[0], "white_test")
            dfs = [outcome.df for outcome in found]
            measure = partial(_white_statistics, dfs)
            drawn, failed = refits(draws, measure, n_resamples, random_state, n_jobs)
            said = f"{len(drawn)} refits to draws from the fit"
            found = [
                replace(
                    outcome,
                    pvalue=bootstrap_pvalue(outcome.statistic, drawn[:, j]),
                    reference=said,
                    notes=failures(failed),
                )
                for j, outcome in enumerate(found)
            ]
        return found[0] if len(found) == 1 else found

    @answers_keywords
    def influence(self, X: Any, sample_weight: Any = None) -> Influence:
        """Return how much the estimate would change if a row were left out, without refits.

        The change is ``-V s_i`` to first order, where ``s_i`` is the score of row i and V the
        covariance matrix of the estimate. It needs one pass over the rows. A row of weight w is w
        rows, of which one is left out.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.

        Returns
        -------
        Influence
            Changes of the parameters, and Cook's distance of each row in nats.

        Raises
        ------
        ValueError
            If X is not the data of the fit, the data do not determine the parameters, or the fit
            found no estimate.
        """
        self._refuse_statuses("influence")
        data, estimates = self._by_row(X, sample_weight)
        terms = [inference.row_terms(estimate) for estimate in estimates]
        self._refuse_other_data(data, [log for log, _ in terms], estimates)
        parts = [
            inference.influence(estimate, scores)
            for estimate, (_, scores) in zip(estimates, terms, strict=True)
        ]
        n = len(parts[0][2])
        rows = np.arange(n) if data.kept is None else np.flatnonzero(data.kept)
        distance = np.sum([d for *_, d in parts], axis=0)
        if self.distribution_.event_shape != ():
            params, theta, _ = parts[0]
            return Influence(params, theta, distance, rows)
        params = {name: np.stack([p[name] for p, *_ in parts], 1) for name in parts[0][0]}
        theta = parts[0][1] if len(parts) == 1 else np.stack([t for _, t, _ in parts], 1)
        return Influence(params, theta, distance, rows)

    @answers_keywords
    def identifiability(self, target: float = 0.1) -> Any:
        """Return which combinations of parameters the data do not determine, in words and numbers.

        It needs no data: it is the spectrum of the information of the fit, in unconstrained
        coordinates. It is defined for every fit, also where the information is singular.

        Parameters
        ----------
        target : float, default=0.1
            The standard error, in unconstrained coordinates, for which numbers of rows are given.

        Returns
        -------
        Identifiability
            One for each column, in a list, where several columns were fitted separately.

        Raises
        ------
        ValueError, TypeError
            If target is not a positive number.
        """
        check_is_fitted(self, "_eta")
        error = check_number(target, "target", low=0.0, closed_low=False)
        found: list[Identifiability] = [
            inference.identifiability(estimate, error) for estimate in self._estimates()
        ]
        return found[0] if len(found) == 1 else found

    # --------------------------------------------------------------------------- in common

    def _refuse_statuses(self, what: str) -> None:
        """Raise ValueError if a fit ended where nothing can be said of its neighbourhood."""
        check_is_fitted(self, "_eta")
        bad = [str(status) for status in self.statuses_ if status in _NOWHERE]
        if bad:
            raise ValueError(
                f"{what} needs an estimate, got a fit that ended as {bad[0]!r}: {self.message_}"
            )

    def _by_row(self, X: Any, sample_weight: Any) -> tuple[Data, list[Estimate]]:
        """Return the rows that count, and the estimates with objectives that summarise nothing.

        Returns
        -------
        data : Data
        estimates : list of Estimate

        Raises
        ------
        ValueError
            If the sum of weights is not that of the fit.
        """
        data, family, by_column = self._seen(X, sample_weight)
        found = []
        for j, estimate in enumerate(self._estimates()):
            rows = self._rows(data, j if by_column else None)
            objective = inference.Rowwise(family, Constant().bind(0, family), rows)
            found.append(replace(estimate, objective=objective))
        total = rows.total
        if not np.isclose(total, self.n_obs_, rtol=_SAME):
            raise ValueError(
                f"X must be the data of the fit, which had {self.n_obs_:g} observations, got "
                f"{total:g}; pass the X and the sample_weight of the fit"
            )
        return data, found

    def _refuse_other_data(
        self, data: Data, logs: list[np.ndarray], estimates: list[Estimate]
    ) -> None:
        """Raise ValueError unless rows have the log-likelihood of the fit, (N,) per column."""
        finite = all(np.isfinite(log).all() for log in logs)
        for estimate in estimates:
            if not finite and estimate.objective is not None:
                estimate.objective.distribution.check(estimate.objective.rows)
        weight = np.ones(len(logs[0])) if data.weight is None else data.weight
        loglik = float(sum(weight @ log for log in logs))
        if not np.isclose(loglik, self.loglik_, rtol=_SAME, atol=_SAME * self.n_obs_):
            raise ValueError(
                f"X must be the data of the fit, whose log-likelihood was {self.loglik_:.10g}, got "
                f"data with {loglik:.10g}; pass the X and the sample_weight of the fit"
            )


def _white_statistics(dfs: list[float | None], model: Any, rows: Any) -> np.ndarray:
    """Return the statistics of a refit; one with other degrees of freedom does not compare."""
    found = [inference.white(estimate) for estimate in model._estimates(rows)]
    if [outcome.df for outcome in found] != dfs:
        raise ValueError("the refit must have the degrees of freedom of the fit")
    return np.array([outcome.statistic for outcome in found])
