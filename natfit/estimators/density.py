"""The methods of a fitted density: standard errors, scores and draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from natfit._numbers import (
    Numbers,
    as_numbers,
    column_names,
    is_frame,
    is_vector,
    one_column,
    refuse_other_order,
)
from natfit._validation import answers_keywords, check_jobs, check_number
from natfit._warnings import warn
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators._data import Data, read_rows, refuse_not_finite
from natfit.estimators._diagnostics import Diagnostics
from natfit.estimators._hypotheses import HypothesisTests
from natfit.estimators._sources import Elsewhere, by_pieces, read_pieces
from natfit.estimators._statements import Statements
from natfit.estimators._uncertainty import Uncertainty
from natfit.estimators.base import NaturalEstimator
from natfit.rng import bridge_rng
from natfit.rows import Block, Rows, source_of, weighted_total


class DensityEstimator(
    Uncertainty, HypothesisTests, Diagnostics, Statements, DensityMixin, NaturalEstimator
):
    """Base of estimators of a distribution: standard errors, scores and draws.

    A fit sets ``distribution_`` and ``n_obs_``. It also stores eta (one row for each column of
    data that was fitted separately), the information there, and which coordinates rest at a
    limit.
    """

    n_jobs: int | None
    missing: str
    truncation: Any
    n_features_in_: int

    # ------------------------------------------------------------------------------ names

    @property
    def _names(self) -> list[str] | None:
        """Names of the columns of the data of the fit, None where they have none."""
        found = getattr(self, "feature_names_in_", None)
        return None if found is None else [str(name) for name in found]

    # --------------------------------------------------------------------------- scoring

    @answers_keywords
    @by_pieces
    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log-density of each row, in nats; -inf outside the support.

        For a censored row (:class:`natfit.Censored`) it is the log-probability of the interval.

        With a univariate family the columns are independent, and their log-densities add.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The rows; a vector is one column.

        Returns
        -------
        ndarray of shape (N,)
            The log-densities, in nats. With ``missing="drop"`` rows with missing values are left
            out.
        """
        check_is_fitted(self, "_eta")
        data, family, by_column = self._seen(X)
        return self._rows(data).map(_density_part, family, self._eta, by_column)

    def _rows(self, data: Data, column: int | None = None) -> Rows:
        """Return the rows, or a column of them, shared by the estimator's processes."""
        return data.rows(column, check_jobs(self.n_jobs))

    def _seen(self, X: Any, sample_weight: Any = None) -> tuple[Data, Distribution, bool]:
        """Return the rows of data that are not those of a fit, and their family.

        Returns
        -------
        data : Data
            The rows that count, with their weights.
        family : Distribution
            The family of these rows.
        by_column : bool
            Whether each column is a y (N,) of its own, with its own eta.

        Raises
        ------
        ValueError
            If rows have another number of columns than the fit, or are not finite.
        """
        family = self.distribution_
        source = source_of(X=X, sample_weight=sample_weight)
        data: Any
        if source is None:
            data = self._seen_rows(X, sample_weight)
        else:
            found = read_pieces(self, source, lambda few: self._seen_rows(few.X, None))
            data = Elsewhere(found)
        if data.seen_as is not None:
            return data, data.seen_as(family).checked(), False
        return data, family, family.event_shape == ()

    def _seen_rows(self, X: Any, sample_weight: Any) -> Data:
        """Return rows in memory that are not those of a fit."""
        given = Censored.of(X)
        refuse_other_order(X, sample_weight, "sample_weight")
        if given is None:
            given = self._numbers(X)
        elif self.n_features_in_ > 1:
            raise ValueError(
                f"X must have {self.n_features_in_} columns as in the fit, got Censored, which has "
                "one"
            )
        data = read_rows(given, sample_weight, self.missing, self.truncation)
        if data.seen_as is None:
            refuse_not_finite(data.values, self._names)
        return data

    def _numbers(self, X: Any) -> Numbers:
        """Return rows (N, D) as read, with the columns of the fit; a vector is one column."""
        vector = self.n_features_in_ == 1 and is_vector(X)
        found = as_numbers(one_column(X) if vector else X, "X")
        if not vector:
            self._check_names(X)
        values = check_array(
            found.values, dtype=np.float64, ensure_all_finite=False, input_name="X", estimator=self
        )
        if values.shape[1] != self.n_features_in_:
            # The words are those that scikit-learn's own checks look for.
            raise ValueError(
                f"X must have {self.n_features_in_} columns as in the fit: X has "
                f"{values.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return Numbers(values, found.masked)

    def _check_names(self, X: Any) -> None:
        """Compare the names of columns with those of the fit, as scikit-learn does."""
        fitted, names = self._names, column_names(X)
        if is_frame(X) and (names is None) == (fitted is None):
            validate_data(self, X, reset=False, skip_check_array=True)
        elif names is not None and fitted is None:
            said = (
                f"X has feature names, but {type(self).__name__} was fitted without feature names"
            )
            warn(said, UserWarning)
        elif fitted is not None and self.n_features_in_ > 1:
            # One column cannot be taken for another.
            warn(
                f"X does not have valid feature names, but {type(self).__name__} was fitted with "
                "feature names",
                UserWarning,
            )

    @answers_keywords
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the mean log-likelihood per row, in nats; higher is better.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N,), or Censored
            The rows; a vector is one column.
        y : None
            Ignored.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row.

        Returns
        -------
        float
            The mean log-likelihood, in nats per row.
        """
        check_is_fitted(self, "_eta")
        data, family, by_column = self._seen(X, sample_weight)
        rows = self._rows(data)
        return float(rows.sum(_score_part, family, self._eta, by_column)) / rows.total

    @answers_keywords
    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """Return rows drawn from the fitted distribution, (n_samples, D), in the data's unit."""
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
    """Return log-densities of a block's rows, with one row of eta per column or one for all."""
    if not by_column:
        return family.log_density(block.y, eta)
    total: Any = sum(family.log_density(block.y[:, j], row[None]) for j, row in enumerate(eta))
    return total


def _score_part(block: Block, family: Distribution, eta: np.ndarray, by_column: bool) -> float:
    """Return the weighted sum of the log-densities of a block."""
    values = _density_part(block, family, eta, by_column)
    return weighted_total(values, block.weight)


def native_values(family: Distribution, eta: np.ndarray) -> dict[str, np.ndarray]:
    """Return native values by name: (D,) for a univariate family with D rows of eta."""
    values = family.native(eta)
    if family.event_shape == ():
        return {name: np.asarray(v) for name, v in zip(family.params, values, strict=True)}
    return {name: np.asarray(v[0]) for name, v in zip(family.params, values, strict=True)}
