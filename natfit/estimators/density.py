"""A fitted density: what it says of itself and of data."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from natfit import inference
from natfit._validation import check_jobs, check_number, check_option, check_weights
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.estimators.base import NaturalEstimator
from natfit.inference import covariance as cov
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rng import bridge_rng
from natfit.rows import Block, Rows, dot, rows_of


class DensityEstimator(DensityMixin, NaturalEstimator):
    """Standard errors, scores and draws of a fitted distribution.

    A fit leaves ``distribution_``, ``n_obs_``, eta (one row for each column of data that was
    fitted by itself), the information at it and the coordinates that rest at a limit.
    """

    n_jobs: int | None
    distribution_: Distribution
    n_obs_: float
    _eta: np.ndarray
    _information: list
    _at_bound: list[tuple[int, ...]]

    # ----------------------------------------------------------------------- statements

    @property
    def standard_errors_(self) -> dict[str, np.ndarray]:
        """Standard errors of ``params_``, of the same shapes."""
        check_is_fitted(self)
        family = self.distribution_
        errors = [
            cov.standard_errors(family, self._native_covariance(j, self._eta_covariance(j)))
            for j in range(len(self._eta))
        ]
        if family.event_shape == ():
            return {name: np.array([e[name] for e in errors]) for name in family.params}
        return errors[0]

    @property
    def param_names_(self) -> list[str]:
        """Names of the rows of :meth:`cov_params`."""
        check_is_fitted(self)
        names = cov.native_names(self.distribution_)
        if len(self._eta) == 1:
            return names
        return [f"{name}[{j}]" for j in range(len(self._eta)) for name in names]

    def _eta_covariance(self, column: int, kind: str = "observed") -> np.ndarray:
        """Covariance of the estimate in eta."""
        info = self._information[column]
        matrix = info.matrix
        if kind == "expected" and not info.complete:
            raise ValueError(
                "cov_type='expected' is not defined for censored rows: how the exact ones would "
                "have been censored is not known; use 'observed'"
            )
        if kind == "expected" and info.kind != "expected":
            matrix = self.distribution_.fisher(self._eta[column][None])[0]
            matrix = matrix if info.prior is None else matrix + info.prior
        return cov.inverse(matrix, self._at_bound[column], info.known) / self.n_obs_

    def _native_covariance(self, column: int, matrix: np.ndarray) -> np.ndarray:
        return cov.to_native(self.distribution_, self._eta[column], matrix)

    def cov_params(
        self, cov_type: str = "observed", X: Any = None, sample_weight: Any = None
    ) -> np.ndarray:
        """Covariance matrix of the estimates, in native parameters (``param_names_``).

        Parameters
        ----------
        cov_type : {"observed", "expected", "robust"}
            Inverse of the observed information (the negative Hessian; for full exponential
            families equal to the expected at the optimum), of the expected one, or Huber's
            sandwich of both, which holds when the family is wrong.
        X, sample_weight : optional
            The data of the fit; needed for ``robust`` alone, whose scores the estimator does
            not keep.

        Returns
        -------
        ndarray of shape (M, M)
            Columns of data fitted independently are independent blocks. inf on the diagonal
            marks what the data do not determine or what rests at a limit.

        Raises
        ------
        ValueError
            For another cov_type, or robust without X.
        """
        check_is_fitted(self)
        check_option(cov_type, "cov_type", ("observed", "expected", "robust"))
        if cov_type == "robust" and X is None:
            raise ValueError("cov_type='robust' needs the scores of the rows: pass the fit's X")
        blocks = []
        for j in range(len(self._eta)):
            matrix = self._eta_covariance(j, cov_type)
            if cov_type == "robust":
                matrix = self._robust(j, matrix, X, sample_weight)
            blocks.append(self._native_covariance(j, matrix))
        size = sum(len(b) for b in blocks)
        out, start = np.zeros((size, size)), 0
        for block in blocks:
            out[start : start + len(block), start : start + len(block)] = block
            start += len(block)
        return out

    def _robust(self, column: int, matrix: np.ndarray, X: Any, sample_weight: Any) -> np.ndarray:
        X, family, by_column = self._seen(X)
        data = X[:, column] if by_column else X
        rows = self._rows(data, sample_weight)
        if not np.isclose(rows.total, self.n_obs_, rtol=1e-9):
            raise ValueError(
                f"X must be the data of the fit, {self.n_obs_:g} observations, got {rows.total:g}; "
                "pass the fit's X and sample_weight"
            )
        family.check(rows)
        objective = Likelihood(family, Constant().bind(0, family), rows)
        return inference.robust(objective, self._eta[column], matrix)

    # --------------------------------------------------------------------------- scoring

    def score_samples(self, X: Any) -> np.ndarray:
        """Log-density of each row, (N,) nats; -inf outside the support.

        Of a censored row (:class:`natfit.Censored`) the log-probability of its interval.

        With a univariate family the columns are independent, and their log-densities add.

        Returns
        -------
        ndarray of shape (N,)
            In nats.
        """
        check_is_fitted(self, "_eta")
        X, family, by_column = self._seen(X)
        return self._rows(X).map(_density_part, family, self._eta, by_column)

    def _rows(self, X: np.ndarray, sample_weight: Any = None) -> Rows:
        """Rows with their weights, shared by the estimator's processes."""
        weight = check_weights(sample_weight, len(X))
        return rows_of(X, weight=weight, n_jobs=check_jobs(self.n_jobs))

    def _seen(self, X: Any) -> tuple[np.ndarray, Distribution, bool]:
        """Rows (N, D), or the ends of censored ones (N, 2), and the family that they have.

        Returns
        -------
        X : ndarray of shape (N, D) or (N, 2)
            The rows.
        family : Distribution
            What they are rows of.
        by_column : bool
            Whether each column is y (N,), with an eta of its own.

        Raises
        ------
        ValueError
            If censored rows have another number of columns than the fit.
        """
        censored, family = Censored.of(X), self.distribution_
        if censored is None:
            rows = validate_data(self, X, dtype=np.float64, reset=False)
            return rows, family, family.event_shape == ()
        if len(self._eta) > 1:
            raise ValueError(f"X must have {len(self._eta)} columns as in the fit, got Censored")
        return censored.rows, CensoredFamily(family).checked(), False

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Mean log-likelihood per row, nats; higher is better.

        Parameters
        ----------
        X : array-like of shape (N, D), or Censored
            Rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row.

        Returns
        -------
        float
            In nats per row.
        """
        check_is_fitted(self, "_eta")
        X, family, by_column = self._seen(X)
        rows = self._rows(X, sample_weight)
        return float(rows.sum(_score_part, family, self._eta, by_column)) / rows.total

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Draw rows from the fitted distribution, (n_samples, D)."""
        check_is_fitted(self, "_eta")
        n = int(check_number(n_samples, "n_samples", low=1, integer=True))
        rng = bridge_rng(self.random_state if random_state is None else random_state)
        family = self.distribution_
        if family.event_shape != ():
            return family.sample(self._eta, rng, n)
        return np.stack([family.sample(eta[None], rng, n) for eta in self._eta], axis=1)


def _density_part(
    block: Block, family: Distribution, eta: np.ndarray, by_column: bool
) -> np.ndarray:
    """Log-densities of a block's rows, at a row of eta for each column or for all of them."""
    if not by_column:
        return family.log_density(block.y, eta)
    total: Any = sum(family.log_density(block.y[:, j], row[None]) for j, row in enumerate(eta))
    return total


def _score_part(block: Block, family: Distribution, eta: np.ndarray, by_column: bool) -> float:
    """Weighted sum of the log-densities."""
    values = _density_part(block, family, eta, by_column)
    return float(values.sum()) if block.weight is None else dot(block.weight, values)


def native_values(family: Distribution, eta: np.ndarray) -> dict[str, np.ndarray]:
    """Native values: (D,) for a univariate family with D rows of eta, else its own shapes."""
    values = family.native(eta)
    if family.event_shape == ():
        return {name: np.asarray(v) for name, v in zip(family.params, values, strict=True)}
    return {name: np.asarray(v[0]) for name, v in zip(family.params, values, strict=True)}
