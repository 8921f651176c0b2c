"""Predictions of a regression: the distribution of y for each row of X."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_number, check_weights
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._sources import by_pieces, mean_by_pieces
from natfit.inference.quantile_residuals import quantile_residuals
from natfit.rng import bridge_rng


class Predictions:
    """The part of a regression that says what y is to be expected for rows of X.

    A regression on censored or windowed rows predicts y itself, and not what would be seen of it.
    """

    distribution_: Distribution
    random_state: Any

    def _eta(self, X: Any, offset: Any = None, exposure: Any = None) -> np.ndarray:
        raise NotImplementedError

    def _scored(
        self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, exposure: Any = None
    ) -> tuple[Distribution, np.ndarray, np.ndarray, np.ndarray | None]:
        raise NotImplementedError

    # ------------------------------------------------------------------------- parameters

    @answers_keywords
    @by_pieces
    def linear_predictor(
        self, X: Any, *, offset: Any = None, exposure: Any = None
    ) -> dict[str, np.ndarray]:
        """Return the linear predictor of each parameter, on the scale of its link.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        offset, exposure : array-like, optional
            As in the fit; they are part of the predictor.

        Returns
        -------
        dict of ndarray
            By parameter, (n,) each; (n, k) of a parameter that takes k coordinates.
        """
        eta = self._eta(X, offset, exposure)
        blocks = {name: eta[:, block] for name, block in self.distribution_.blocks.items()}
        return {n: part[:, 0] if part.shape[1] == 1 else part for n, part in blocks.items()}

    @answers_keywords
    @by_pieces
    def predict_params(
        self, X: Any, *, offset: Any = None, exposure: Any = None
    ) -> dict[str, np.ndarray]:
        """Return the native parameters of the distribution of y for each row of X.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        dict of ndarray
            By name, (n,) each, or (n, ...) of a parameter that is no number.
        """
        return self.predict_dist(X, offset=offset, exposure=exposure).params

    @answers_keywords
    @by_pieces
    def predict_dist(self, X: Any, *, offset: Any = None, exposure: Any = None) -> Frozen:
        """Return the distribution of y for each row of X, with scipy's methods.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        Frozen
            One distribution a row. Points of shape (n,) belong to the rows; a column (m, 1) of
            points, or of probabilities, stands for all rows and gives (m, n).
        """
        eta = self._eta(X, offset, exposure)
        return Frozen(_of_whole_rows(self.distribution_), eta, by="row")

    # -------------------------------------------------------------------------- numbers

    @answers_keywords
    @by_pieces
    def predict(self, X: Any, *, offset: Any = None, exposure: Any = None) -> np.ndarray:
        """Return the mean of y for each row of X.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        ndarray of shape (n,)
            In the unit of y; infinite where the mean is.

        Raises
        ------
        ValueError
            If the mean of a row does not exist; :meth:`predict_quantile` always does.
        """
        return np.asarray(self.predict_dist(X, offset=offset, exposure=exposure).mean())

    @answers_keywords
    @by_pieces
    def predict_quantile(
        self, X: Any, q: Any = 0.5, *, offset: Any = None, exposure: Any = None
    ) -> np.ndarray:
        """Return quantiles of y for each row of X, the medians by default.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        q : float or array-like of shape (Q,), default=0.5
            Probabilities in [0, 1].
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        ndarray of shape (n,), or (n, Q) for a vector of probabilities
            In the unit of y.

        Raises
        ------
        ValueError
            If a probability is not in [0, 1], or y is a vector or a class.
        """
        try:
            levels = np.asarray(q, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"q must be probabilities in [0, 1], got {q!r}; try 0.5") from None
        if levels.ndim > 1:
            raise ValueError(
                f"q must be a number or a vector, got shape {levels.shape}; pass q.ravel()"
            )
        frozen = self.predict_dist(X, offset=offset, exposure=exposure)
        return frozen.ppf(levels if levels.ndim == 0 else levels[:, None]).T

    @answers_keywords
    @by_pieces
    def predict_interval(
        self, X: Any, coverage: float = 0.9, *, offset: Any = None, exposure: Any = None
    ) -> np.ndarray:
        """Return the interval in which y lies with a given probability, for each row of X.

        Both tails beyond it have the same probability. The parameters count as known: that they
        were estimated widens no interval.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        coverage : float, default=0.9
            The probability, in (0, 1).
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        ndarray of shape (n, 2)
            Lower and upper ends, in the unit of y.

        Raises
        ------
        ValueError
            If coverage is not in (0, 1), or y is a vector or a class.
        """
        share = check_number(
            coverage, "coverage", low=0.0, high=1.0, closed_low=False, closed_high=False, hint="0.9"
        )
        frozen = self.predict_dist(X, offset=offset, exposure=exposure)
        return np.stack(frozen.interval(share), axis=-1)

    # ----------------------------------------------------------------------------- scores

    @answers_keywords
    @by_pieces
    def score_samples(
        self, X: Any, y: Any = None, *, offset: Any = None, exposure: Any = None
    ) -> np.ndarray:
        """Return the log-likelihood of each row: of a censored one, that of its interval.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        y : array-like of shape (n,), or Censored
            What was seen.
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        ndarray of shape (n,)
            In nats; -inf for y outside the support.

        Raises
        ------
        ValueError
            If X and y have different numbers of rows, or y is not finite.
        """
        family, rows, eta, _ = self._scored(X, y, None, offset, exposure)
        return np.asarray(family.log_density(rows, eta))

    @answers_keywords
    @mean_by_pieces
    def score(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
    ) -> float:
        """Return the mean log-likelihood of the rows; higher is better.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        y : array-like of shape (n,), or Censored
            What was seen.
        sample_weight : array-like of shape (n,), optional
            Repetitions of each row.
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        float
            In nats per row; -inf if a row of positive weight lies outside the support.

        Raises
        ------
        ValueError
            As :meth:`score_samples`, or if weights are negative or all zero.
        """
        family, rows, eta, weight = self._scored(X, y, sample_weight, offset, exposure)
        return float(np.average(family.log_density(rows, eta), weights=weight))

    @answers_keywords
    def quantile_residuals(
        self,
        X: Any,
        y: Any = None,
        random_state: Any = None,
        *,
        offset: Any = None,
        exposure: Any = None,
    ) -> np.ndarray:
        """Return Dunn and Smyth's quantile residuals, standard normal under the fitted model.

        The residual of y is the normal quantile of P(Y <= y). Where y has a probability of its own
        (whole numbers, atoms), or is known up to an interval, a point within that probability is
        drawn: several draws show how much of a picture is due to it.

        Parameters
        ----------
        X : array-like of shape (n, D)
            The features.
        y : array-like of shape (n,), or Censored
            What was seen.
        random_state : None, int, RandomState or Generator
            Seed of the draws; None is that of the estimator.
        offset, exposure : array-like, optional
            As in the fit.

        Returns
        -------
        ndarray of shape (n,)
            In standard deviations.

        Raises
        ------
        ValueError
            As :meth:`score_samples`, or if the family has no distribution function.

        References
        ----------
        Dunn and Smyth (1996), Randomized quantile residuals, Journal of Computational and Graphical
        Statistics 5, 236-244.
        """
        _, rows, eta, _ = self._scored(X, y, None, offset, exposure)
        rng = bridge_rng(self.random_state if random_state is None else random_state)
        return quantile_residuals(_of_whole_rows(self.distribution_), rows, eta, rng)


def weighted_mean(values: np.ndarray, sample_weight: Any) -> float:
    """Return the mean of values (n,), in which rows of weight zero do not count.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If weights are negative, not finite or all zero, or of another length.
    """
    weight = check_weights(sample_weight, len(values))
    if weight is None:
        return float(np.mean(values))
    some = weight > 0.0
    return float(np.average(values[some], weights=weight[some]))


def _is_whole(family: Distribution) -> bool:
    """Whether rows are values of y, and not intervals in which it lies."""
    return family.event_shape != () or family.information.complete


def _of_whole_rows(family: Distribution) -> Distribution:
    """Return the family of y itself, of which a fit may have seen intervals."""
    return family if _is_whole(family) else family.inner
