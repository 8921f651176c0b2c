"""Scorers of predicted distributions, for cross-validation and grid search."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from natfit._numbers import refuse_other_order
from natfit._validation import answers_keywords, check_number, check_option
from natfit.estimators.regression._offsets import warn_of_forgotten
from natfit.estimators.regression._predictions import weighted_mean
from natfit.inference import scoring_rules

#: What scores predictions, and what option it takes.
RULES = ("log_score", "crps", "interval", "pinball")


class DistributionScorer(BaseEstimator):
    """A scorer of a regression's predicted distributions; the larger, the better.

    =========== ==============================================================================
    rule        the score of a row
    =========== ==============================================================================
    log_score   log p(y), nats
    crps        -(E|Y - y| - E|Y - Y'| / 2), in the unit of y
    interval    minus the interval score of the central interval with ``coverage``
    pinball     minus the pinball loss of the predicted quantile ``q``
    =========== ==============================================================================

    Made by :func:`natfit.make_scorer`. Called as ``scorer(estimator, X, y)``, it returns the mean
    over the rows. Weights, offsets and exposures may be routed to it:
    ``scorer.set_score_request(sample_weight=True, offset=True)``.

    Parameters
    ----------
    rule : {"log_score", "crps", "interval", "pinball"}, default="log_score"
    coverage : float, default=0.9
        Of ``interval``.
    q : float, default=0.5
        Of ``pinball``.
    """

    # scikit-learn reads from the signature of ``score`` what may be routed to a call.
    __metadata_request__score = {"estimator": UNUSED}

    def __init__(self, rule: str = "log_score", coverage: float = 0.9, q: float = 0.5):
        self.rule = rule
        self.coverage = coverage
        self.q = q

    def __call__(self, estimator: Any, X: Any, y_true: Any, **metadata: Any) -> float:
        """Return the weighted mean of the scores of the rows: the same as :meth:`score`."""
        return self.score(estimator, X, y_true, **metadata)

    def score(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
    ) -> float:
        """Return the weighted mean of the scores of the rows.

        Parameters
        ----------
        estimator : NaturalRegressor, Pipeline or meta-estimator
            Fitted, with the methods of :class:`natfit.NaturalRegressor`.
        X : array-like of shape (n, D)
            The features.
        y : array-like of shape (n,)
            What was seen; the log score also takes :class:`natfit.Censored` rows.
        sample_weight : array-like of shape (n,), optional
            Repetitions of each row.
        offset, exposure : array-like, optional
            Passed on to the estimator.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If an option is not valid, or y is censored where the rule needs a number.
        """
        refuse_other_order(X, y, "y")
        refuse_other_order(X, sample_weight, "sample_weight")
        both = {"offset": offset, "exposure": exposure}
        given = {name: value for name, value in both.items() if value is not None}
        return weighted_mean(self._of_rows(estimator, X, y, given), sample_weight)

    def _of_rows(self, estimator: Any, X: Any, y: Any, given: dict) -> np.ndarray:
        check_option(self.rule, "rule", RULES)
        # A pipeline has the methods of scikit-learn's own estimators alone.
        steps = getattr(estimator, "steps", None)
        if steps is not None:
            X, estimator = estimator[:-1].transform(X), steps[-1][1]
        if self.rule == "log_score":
            return np.asarray(estimator.score_samples(X, y, **given))
        warn_of_forgotten(estimator, given.get("offset"), given.get("exposure"))
        seen = np.asarray(getattr(y, "lower", y), dtype=np.float64).reshape(-1)
        if hasattr(y, "upper") and not np.array_equal(seen, y.upper):
            raise ValueError(f"y must be known exactly for rule={self.rule!r}; use 'log_score'")
        if self.rule == "crps":
            frozen = estimator.predict_dist(X, **given)
            return -scoring_rules.crps(frozen.family, seen, frozen.eta)
        if self.rule == "pinball":
            q = _share(self.q, "q")
            return -scoring_rules.pinball_loss(seen, estimator.predict_quantile(X, q, **given), q)
        share = _share(self.coverage, "coverage")
        low, high = estimator.predict_interval(X, share, **given).T
        return -scoring_rules.interval_score(seen, low, high, share)


def _share(value: Any, name: str) -> float:
    """Return a number between zero and one."""
    return check_number(value, name, low=0.0, high=1.0, closed_low=False, closed_high=False)


@answers_keywords
def make_scorer(
    rule: str = "log_score", coverage: float = 0.9, q: float = 0.5
) -> DistributionScorer:
    """Return a scorer of predicted distributions for ``scoring=`` of scikit-learn's searches.

    Parameters
    ----------
    rule : {"log_score", "crps", "interval", "pinball"}, default="log_score"
        The proper scoring rule, as in :class:`DistributionScorer`.
    coverage : float, default=0.9
        Of ``interval``.
    q : float, default=0.5
        Of ``pinball``.

    Returns
    -------
    DistributionScorer
        ``scorer(estimator, X, y, sample_weight=None, offset=None, exposure=None)``, larger is
        better.

    Raises
    ------
    ValueError
        If there is no such rule.

    Examples
    --------
    >>> import natfit
    >>> natfit.make_scorer("pinball", q=0.9)
    DistributionScorer(q=0.9, rule='pinball')
    """
    check_option(rule, "rule", RULES)
    return DistributionScorer(rule, coverage, q)
