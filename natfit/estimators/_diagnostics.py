"""Goodness of fit, influence, identifiability and Laplace's approximation of a fit."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from natfit import inference
from natfit._validation import answers_keywords, check_number, check_option, one_window_a_row
from natfit._warnings import warn
from natfit.estimators._bootstrap import Draws, bootstrap_pvalue, failures, refits
from natfit.estimators._data import Data
from natfit.estimators._estimates import Estimates
from natfit.estimators._goodness import goodness
from natfit.fitting.options import priors
from natfit.inference import Estimate
from natfit.inference.pareto_smoothing import FEWEST, TRUSTED
from natfit.iterate import Status
from natfit.models import Constant
from natfit.rng import bridge_rng
from natfit.rows import weighted_total

if TYPE_CHECKING:
    from natfit.inference import Identifiability, Influence

#: Ends of a fit that is no estimate, so that nothing can be said of its neighbourhood.
_NOWHERE = (Status.UNBOUNDED, Status.NON_FINITE)

#: Relative difference of log-likelihoods at which data are not the fit's.
_SAME = 1e-8


class Diagnostics(Estimates):
    """Goodness of fit, influence, identifiability and Laplace's approximation of a fit."""

    statuses_: list[Status]
    message_: str
    truncation: Any

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
        found = [inference.white_of(estimate) for estimate in self._estimates(X, sample_weight)]
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
        covariance matrix of the estimate; of at most 20,000 rows with terms of second order. It
        needs one pass over the rows, or two. A row of weight w is w rows, of which one is left out.

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
        parts, logs = zip(*map(inference.influence_of, estimates), strict=True)
        self._refuse_other_data(data, list(logs), estimates)
        rows = parts[0].rows if data.kept is None else np.flatnonzero(data.kept)
        params = parts[0].params
        if len(parts) > 1:
            params = {name: np.stack([p.params[name] for p in parts], 1) for name in params}
            theta, distance = np.stack([p.theta for p in parts], 1), sum(p.distance for p in parts)
            return inference.Influence(params, theta, distance, rows, parts[0].order)
        if self.distribution_.event_shape == ():
            params = {name: values[:, None] for name, values in params.items()}
        return replace(parts[0], params=params, rows=rows)

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
        found: list[Identifiability] = []
        for estimate, status in zip(self._estimates(), self.statuses_, strict=True):
            said = ""
            if not (status.good or status in (Status.BOUNDARY, Status.SINGULAR)):
                said = f"the fit ended as {status}: what follows is about its last point"
            found.append(inference.identifiability_of(estimate, error, said))
        return found[0] if len(found) == 1 else found

    @answers_keywords
    def laplace(
        self,
        X: Any = None,
        prior: dict | None = None,
        sample_weight: Any = None,
        *,
        n_draws: int = 2_000,
        random_state: Any = 0,
    ) -> Any:
        """Return Laplace's approximation of the posterior: a Gaussian in unconstrained coordinates.

        The density that is approximated is that of eta,
        ``exp(log-likelihood) * prior(native) * |d native / d eta|``. Parameters without a prior
        have a flat one in eta. Its mode is found by Newton's method from the estimate.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit, whose likelihood is needed.
        prior : dict, optional
            Densities of native parameters by name, as in :class:`NaturalMLE`: frozen
            ``scipy.stats`` distributions or pairs ``(family, params)``. By default that of the fit.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.
        n_draws : int, default=2000
            Draws by whose importance ratios the approximation is checked, each of which costs a
            log-likelihood; 0 for no check, else at least 25.
        random_state : None, int, RandomState or Generator, default=0
            Seed of these draws.

        Returns
        -------
        Laplace
            With ``sample``, ``sample_eta``, ``log_evidence``, ``mean``, ``covariance`` and
            ``k_hat``. One for each column, in a list, where several were fitted separately.

        Raises
        ------
        ValueError
            If X is missing or is not the data of the fit, or the posterior has no mode at which it
            falls in each direction.
        TypeError
            If prior is no dict.

        Warns
        -----
        UserWarning
            If k-hat exceeds 0.7: the approximation is far from the posterior.
        """
        check_is_fitted(self, "_eta")
        if isinstance(X, dict) and prior is None:
            raise TypeError("X must be the rows, got a dict; write laplace(X, prior={...})")
        if X is None:
            raise ValueError("laplace needs the likelihood, got no X; pass the data of the fit")
        size = int(check_number(n_draws, "n_draws", low=0, integer=True))
        if 0 < size < FEWEST:
            raise ValueError(f"n_draws must be 0 or >= {FEWEST}, got {size}; pass n_draws=2000")
        fitted = getattr(self, "prior", None)
        chosen = fitted if prior is None else prior
        if chosen is not None and not isinstance(chosen, dict):
            raise TypeError(f"prior must be a dict from names to densities, got {chosen!r}")
        model: Any = self
        if prior is not None:
            model, X, sample_weight = self._with_prior(X, prior, sample_weight)
        model._refuse_statuses("laplace")
        own = priors(chosen, self.distribution_) if chosen else {}
        rng = bridge_rng(random_state)
        found = [
            inference.laplace_of(estimate, own, size, rng)
            for estimate in model._estimates(X, sample_weight)
        ]
        worst = max((part.k_hat for part in found if part.k_hat is not None), default=-np.inf)
        if worst > TRUSTED:
            warn(
                f"laplace: k-hat is {worst:.2g}, above {TRUSTED:g}: the posterior has heavier "
                "tails than the Gaussian, so that draws and evidence are not to be trusted; use a "
                "sampler, more rows, a stronger prior, or other constraints by bijectors=",
                UserWarning,
                "k_hat",
            )
        return found[0] if len(found) == 1 else found

    def _with_prior(self, X: Any, prior: dict, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return the fit of the same rows with another prior, silently, and its rows and weights.

        Returns
        -------
        model : estimator
        X : ndarray of shape (N, D) or Censored
        sample_weight : ndarray of shape (N,) or None

        Raises
        ------
        ValueError
            If the estimator takes no prior, or cannot be fitted with this one.
        """
        data, _ = self._by_row(X, sample_weight)
        other: Any = clone(self)
        if "prior" not in other.get_params(deep=False):
            raise ValueError(
                f"prior must be None for {type(self).__name__}, which takes no prior; fit "
                "NaturalMLE with the same distribution"
            )
        other.set_params(prior=prior)
        if one_window_a_row(self.truncation):
            # The rows carry their windows.
            other.set_params(truncation=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other.fit(data.public, sample_weight=data.weight)
        return other, data.public, data.weight

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
        loglik = sum(weighted_total(log, data.weight) for log in logs)
        for estimate in [] if np.isfinite(loglik) else estimates:
            if estimate.objective is not None:
                estimate.objective.distribution.check(estimate.objective.rows)
        if not np.isclose(loglik, self.loglik_, rtol=_SAME, atol=_SAME * self.n_obs_):
            raise ValueError(
                f"X must be the data of the fit, whose log-likelihood was {self.loglik_:.10g}, got "
                f"data with {loglik:.10g}; pass the X and the sample_weight of the fit"
            )


def _white_statistics(dfs: list[float | None], model: Any, rows: Any) -> np.ndarray:
    """Return the statistics of a refit; one with other degrees of freedom does not compare."""
    found = [inference.white_of(estimate) for estimate in model._estimates(rows)]
    if [outcome.df for outcome in found] != dfs:
        raise ValueError("the refit must have the degrees of freedom of the fit")
    return np.array([outcome.statistic for outcome in found])
