"""Standard errors, covariance matrices and intervals of a fitted density."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit import inference
from natfit._validation import answers_keywords, check_option
from natfit.estimators._estimates import Estimates
from natfit.inference import covariance as cov
from natfit.models import Constant
from natfit.objectives import Likelihood


class Uncertainty(Estimates):
    """What a fitted density says of the precision of its estimates."""

    @property
    def standard_errors_(self) -> dict[str, np.ndarray]:
        """Standard errors of the values in ``params_``, in the same units and shapes."""
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
        """Names of the rows and columns of :meth:`cov_params`."""
        check_is_fitted(self)
        names = cov.native_names(self.distribution_)
        if len(self._eta) == 1:
            return names
        labels = range(len(self._eta)) if self._names is None else self._names
        return [f"{name}[{label}]" for label in labels for name in names]

    def _eta_covariance(self, column: int, kind: str = "observed") -> np.ndarray:
        """Return the covariance matrix (K, K) of the estimate of eta."""
        info, at_bound = self._information[column], self._at_bound[column]
        if kind == "expected" and not info.complete:
            raise ValueError(
                "cov_type='expected' is not defined for censored rows, because it is not known how "
                "the exact rows would have been censored; use cov_type='observed'"
            )
        if kind == "expected" and info.kind != "expected":
            matrix = self.distribution_.fisher(self._eta[column][None])[0]
            matrix = matrix if info.prior is None else matrix + info.prior
            return cov.inverse(matrix, at_bound, info.known, info.exact) / self.n_obs_
        if kind == "robust":
            # The scores of the rows are those in eta, and have lost what the inverse has.
            return cov.inverse(info.matrix, at_bound, info.known, info.exact) / self.n_obs_
        return info.covariance(at_bound) / self.n_obs_

    def _native_covariance(self, column: int, matrix: np.ndarray) -> np.ndarray:
        return cov.to_native(self.distribution_, self._eta[column], matrix)

    @answers_keywords
    def cov_params(
        self, cov_type: str = "observed", X: Any = None, sample_weight: Any = None
    ) -> np.ndarray:
        """Return the covariance matrix of the estimates of the native parameters.

        Parameters
        ----------
        cov_type : {"observed", "expected", "robust"}
            ``observed`` is the inverse of the observed information, the negative Hessian of the
            log-likelihood at the data. ``expected`` is the inverse of the expected information;
            for exponential families the two agree at the optimum. ``robust`` is Huber's sandwich
            estimate, which holds even if the data do not come from the family.
        X, sample_weight : optional
            The data and the weights of the fit. Only ``robust`` needs them, because the
            estimator does not keep the scores of the rows.

        Returns
        -------
        ndarray of shape (M, M)
            ``param_names_`` names the rows and columns. Columns of data that were fitted
            separately are independent blocks. An entry of inf on the diagonal marks a
            parameter that the data do not determine or that rests at a limit.

        Raises
        ------
        ValueError
            If ``cov_type`` is not one of the three, or is ``robust`` without X.
        """
        check_is_fitted(self)
        check_option(cov_type, "cov_type", ("observed", "expected", "robust"))
        if cov_type == "robust" and X is None:
            raise ValueError(
                "cov_type='robust' needs the scores of the rows; pass the data of the fit as X"
            )
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
        data, family, by_column = self._seen(X, sample_weight)
        rows = self._rows(data, column if by_column else None)
        if not np.isclose(rows.total, self.n_obs_, rtol=1e-9):
            raise ValueError(
                f"X must be the data of the fit, which had {self.n_obs_:g} observations, got "
                f"{rows.total:g}; pass the X and the sample_weight of the fit"
            )
        family.check(rows)
        objective = Likelihood(family, Constant().bind(0, family), rows)
        return inference.robust(objective, self._eta[column], matrix)
