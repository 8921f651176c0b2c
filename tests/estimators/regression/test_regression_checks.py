"""scikit-learn's own checks of the estimators of regression: how many ran, and each result."""

import os
import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

from natfit import NaturalClassifier, NaturalRegressor

#: Needs scipy's array API mode, which is fixed when scipy is imported.
ARRAY_API = "check_array_api_input"


def _hidden(self):
    raise AttributeError("score_samples needs y")


class Regressor(NaturalRegressor):
    """NaturalRegressor without score_samples, which checks call with X alone: here it takes y."""

    score_samples = property(_hidden)


class Classifier(NaturalClassifier):
    """The same of NaturalClassifier."""

    score_samples = property(_hidden)


#: The estimators, and how many checks there are in scikit-learn 1.9.
CASES = [
    (Regressor(), 60),
    (Regressor(features_for="all", alpha=0.1), 60),
    (Regressor("logistic"), 60),
    (Classifier(), 63),
    (Classifier(alpha=0.1), 63),
]


@pytest.mark.parametrize("estimator, n_checks", CASES, ids=[repr(e) for e, _ in CASES])
def test_check_estimator(estimator, n_checks):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Some checks give separated classes, or more features than rows.
        warnings.simplefilter("ignore", ConvergenceWarning)
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    bad = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert bad == []
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped == (set() if os.environ.get("SCIPY_ARRAY_API") == "1" else {ARRAY_API})
    assert len(results) >= n_checks


# These are in scikit-learn's test suite for its own estimators, not in check_estimator.
EXTRA = ("check_dataframe_column_names_consistency", "check_non_transformer_estimators_n_iter")


@pytest.mark.parametrize("check", EXTRA)
@pytest.mark.parametrize("estimator", [Regressor(), Classifier(alpha=0.1)], ids=repr)
def test_checks_of_sklearns_own_suite(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        getattr(estimator_checks, check)(type(estimator).__name__, estimator)
