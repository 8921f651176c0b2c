"""scikit-learn's own checks: how many ran, and the result of each."""

import functools
import json
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from estimator_data import FAMILIES, OTHER_SUPPORT, quiet
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

import natfit.estimators.mle as mle
from natfit import NaturalGaussianMLE, NaturalMLE

#: Checks for an estimator on the real line in scikit-learn 1.9; positive_only tags add one.
FEWEST = 48

#: Needs scipy's array API mode, which is fixed when scipy is imported: see the subprocess.
ARRAY_API = "check_array_api_input"

REAL_ESTIMATORS = [
    NaturalGaussianMLE(),
    NaturalGaussianMLE("diag"),
    NaturalGaussianMLE("spherical"),
    NaturalMLE(),
    NaturalMLE("student_t"),
]


def run_checks(estimator):
    """Name, status and exception of every check; only a fit that did not converge may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # One check gives more columns than rows, whose Sigma is singular.
        warnings.simplefilter("ignore", ConvergenceWarning)
        results = check_estimator(estimator, on_skip=None, on_fail=None)
    return [(r["check_name"], r["status"], repr(r["exception"])) for r in results]


def assert_all_passed(results, skips):
    failed = [r for r in results if r[1] not in ("passed", "skipped")]
    assert failed == []
    assert {name for name, status, _ in results if status == "skipped"} == skips
    assert len(results) >= FEWEST
    assert sum(status == "passed" for _, status, _ in results) == len(results) - len(skips)


def array_api_on():
    return os.environ.get("SCIPY_ARRAY_API") == "1"


@pytest.mark.parametrize("estimator", REAL_ESTIMATORS, ids=repr)
def test_check_estimator(estimator):
    assert_all_passed(run_checks(estimator), set() if array_api_on() else {ARRAY_API})


def test_check_estimator_where_missing_values_are_dropped():
    results = run_checks(NaturalMLE(missing="drop"))
    assert [r for r in results if r[1] not in ("passed", "skipped")] == []
    # The check that NaN is refused does not apply.
    assert len(results) == FEWEST - 1


_SCRIPT = """
import json, sys
sys.path.insert(0, {here!r})
from test_sklearn_checks import REAL_ESTIMATORS, run_checks
print(json.dumps([run_checks(estimator) for estimator in REAL_ESTIMATORS]))
"""


@pytest.mark.slow
def test_check_estimator_with_array_api():
    here = os.path.dirname(__file__)
    out = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(here=here)],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    reports = json.loads(out.stdout)
    assert len(reports) == len(REAL_ESTIMATORS)
    for results in reports:
        assert_all_passed(results, set())


# Families with other supports get the same checks. They generate any real numbers; these are
# mapped into the support right after scikit-learn's validation, so that everything before it
# (frames, dtypes, NaN, sparse, complex, shapes) and after it (the fit) is what users run.

#: These give negative numbers on purpose, and must see them refused: they run unmapped.
UNMAPPED = ("check_positive_only_tag_during_fit", "check_fit_non_negative")


@pytest.fixture
def mapped(monkeypatch, request):
    real, into = mle.validate_data, FAMILIES[request.param].into

    def validate(*args, **options):
        X = np.array(real(*args, **options))
        finite = np.isfinite(X)  # NaN and inf stay, to be refused
        X[finite] = into(X[finite])
        return X

    monkeypatch.setattr(mle, "validate_data", validate)
    return request.param


@pytest.mark.parametrize("mapped", OTHER_SUPPORT, indirect=True)
def test_check_estimator_on_valid_data(mapped):
    results = [r for r in run_checks(NaturalMLE(mapped)) if r[0] not in UNMAPPED]
    failed = [r for r in results if r[1] not in ("passed", "skipped")]
    assert failed == []
    skipped = {name for name, status, _ in results if status == "skipped"}
    assert skipped == (set() if array_api_on() else {ARRAY_API})
    # 48 and the one that the tag adds, less the two that run unmapped.
    assert len(results) >= FEWEST + 1 - len(UNMAPPED)


@pytest.mark.parametrize("check", UNMAPPED)
@pytest.mark.parametrize("name", OTHER_SUPPORT)
def test_negative_data_are_refused(name, check):
    getattr(estimator_checks, check)("NaturalMLE", NaturalMLE(name))


# These are in scikit-learn's test suite for its own estimators, not in check_estimator.
EXTRA = ("check_dataframe_column_names_consistency", "check_non_transformer_estimators_n_iter")


@pytest.mark.parametrize("check", EXTRA)
@pytest.mark.parametrize("estimator", REAL_ESTIMATORS, ids=repr)
def test_checks_of_sklearns_own_suite(estimator, check):
    with quiet():
        getattr(estimator_checks, check)(type(estimator).__name__, estimator)


@pytest.mark.parametrize("mapped", OTHER_SUPPORT, indirect=True)
@pytest.mark.parametrize("check", EXTRA)
def test_checks_of_sklearns_own_suite_on_valid_data(mapped, check):
    with quiet():
        getattr(estimator_checks, check)("NaturalMLE", NaturalMLE(mapped))


@functools.cache
def _tags(name):
    return NaturalMLE(name).__sklearn_tags__()


@pytest.mark.parametrize("name", FAMILIES)
def test_no_tag_makes_checks_vanish(name):
    tags = _tags(name)
    assert not tags.no_validation
    assert not tags._skip_test
    assert tags.input_tags.two_d_array
    assert tags.input_tags.positive_only == (name in OTHER_SUPPORT)
