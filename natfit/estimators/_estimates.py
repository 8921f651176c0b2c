"""What the methods of a fitted density ask: the distribution, and its estimates with the data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from natfit import inference
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._data import Data
from natfit.fitting.options import priors
from natfit.inference import Estimate
from natfit.models import Constant
from natfit.objectives import Likelihood, Penalised
from natfit.rows import Rows

#: Relative difference of log-likelihoods, and of sums of weights, at which data are not the fit's.
_SAME = 1e-8


class Estimates:
    """The part of a fitted density that all statements about it rest on.

    A univariate family that was fitted to each of D columns has D estimates; a multivariate one,
    and censored rows, have one.
    """

    distribution_: Distribution
    n_obs_: float
    loglik_: float
    prior: Any
    _eta: np.ndarray
    _information: list[inference.Information]
    _at_bound: list[tuple[int, ...]]

    @property
    def _names(self) -> list[str] | None:
        raise NotImplementedError

    def _seen(self, X: Any, sample_weight: Any = None) -> tuple[Data, Distribution, bool]:
        raise NotImplementedError

    def _rows(self, data: Data, column: int | None = None) -> Rows:
        raise NotImplementedError

    @property
    def frozen_(self) -> Frozen:
        """The fitted distribution, with the methods of a frozen distribution of ``scipy.stats``.

        It has ``pdf logpdf cdf logcdf sf logsf ppf isf mean var std median mode entropy interval
        support rvs``. If D columns were fitted separately, values have a last axis of D.
        """
        check_is_fitted(self, "_eta")
        return Frozen(self.distribution_, self._eta)

    def to_json(self) -> str:
        """Return the fit as JSON, which :func:`natfit.from_json` reads bit for bit.

        It holds the options, the family, the parameters, the information, the history, the status
        and the version of natfit, and no data.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the family or an option is no registered component, such as a function.
        """
        from natfit.estimators._stored import to_json

        check_is_fitted(self, "_eta")
        return to_json(self)

    def _estimates(self, X: Any = None, sample_weight: Any = None) -> list[Estimate]:
        """Return the estimate of each column that was fitted; with X, also its objective.

        Returns
        -------
        list of Estimate

        Raises
        ------
        ValueError
            If X and the weights are not those of the fit.
        """
        check_is_fitted(self, "_eta")
        objectives: list[Likelihood | None] = [None] * len(self._eta)
        if X is not None:
            objectives = list(self._objectives(X, sample_weight))

        def frozen(theta: np.ndarray) -> Frozen:
            return Frozen(self.distribution_, theta[None])

        return [
            Estimate(self.distribution_, eta, info, tuple(at), self.n_obs_, frozen, objective)
            for eta, info, at, objective in zip(
                self._eta, self._information, self._at_bound, objectives, strict=True
            )
        ]

    def _refit(self, X: Any, sample_weight: Any = None) -> Any:
        """Return an estimator like this one, fitted to other rows from this estimate, silently.

        Returns
        -------
        NaturalMLE

        Raises
        ------
        ValueError
            If the rows cannot be fitted.
        """
        other: Any = clone(self)
        other.set_params(warm_start=True)
        other.distribution_, other._eta = self.distribution_, self._eta
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return other.fit(X, sample_weight=sample_weight)

    def _objectives(self, X: Any, sample_weight: Any) -> list[Likelihood]:
        """Return the objective of each column at the data of the fit, in eta of all parameters."""
        data, family, by_column = self._seen(X, sample_weight)
        own = priors(self.prior, family) if getattr(self, "prior", None) else None
        found: list[Likelihood] = []
        loglik = 0.0
        for j, eta in enumerate(self._eta):
            rows = self._rows(data, j if by_column else None)
            if not np.isclose(rows.total, self.n_obs_, rtol=_SAME):
                raise ValueError(
                    f"X must be the data of the fit, which had {self.n_obs_:g} observations, got "
                    f"{rows.total:g}; pass the X and the sample_weight of the fit"
                )
            family.check(rows)
            # Ends of a support may not pass a row, which only the rows tell.
            bound = family.bind(rows)
            terms = bound, Constant().bind(0, bound), rows
            objective = Likelihood(*terms) if own is None else Penalised(own, *terms)
            loglik += objective.log_likelihood(eta, objective.value(eta))
            found.append(objective)
        if not np.isclose(loglik, self.loglik_, rtol=_SAME, atol=_SAME * self.n_obs_):
            raise ValueError(
                f"X must be the data of the fit, whose log-likelihood was {self.loglik_:.10g}, got "
                f"data with {loglik:.10g}; pass the X and the sample_weight of the fit"
            )
        return found
