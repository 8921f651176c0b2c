"""NaturalClassifier: classes on features, by the logit of each."""

from __future__ import annotations

from sklearn.base import ClassifierMixin

from natfit.estimators.regression.base import RegressionEstimator


class NaturalClassifier(ClassifierMixin, RegressionEstimator):
    """Regression of the probabilities of classes on features, by natural gradients."""
