"""Warnings: where they point, and how often they are said."""

import inspect
import warnings
from concurrent.futures import ThreadPoolExecutor

import autograd.numpy as anp
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import natfit
from natfit import NaturalGaussianMLE, NaturalMLE
from natfit.distributions import Positive, from_log_prob

X = np.random.default_rng(0).standard_t(4.0, size=(60, 1))
STOPPED = NaturalMLE("student_t", max_iter=1)
GRID = {"tol": [1e-4, 1e-5, 1e-6, 1e-7]}


def search():
    return GridSearchCV(STOPPED, GRID, cv=4)


CALLS = {
    "natfit.fit": lambda: natfit.fit("student_t", X[:, 0], max_iter=1),
    "fit": lambda: clone(STOPPED).fit(X),
    "gaussian": lambda: NaturalGaussianMLE(metric="euclidean", max_iter=1).fit(X),
    "columns": lambda: clone(STOPPED).fit(np.hstack([X, X])),
    "pipeline": lambda: make_pipeline(StandardScaler(), STOPPED).fit(X),
    "search": lambda: search().fit(X),
    "search in a pipeline": lambda: GridSearchCV(
        make_pipeline(StandardScaler(), STOPPED), {"naturalmle__tol": GRID["tol"]}, cv=4
    ).fit(X),
    "cross-validation": lambda: cross_val_score(STOPPED, X, cv=6),
    "minimize": lambda: natfit.minimize(lambda x: anp.sum(x**4), [2.0, 3.0], max_iter=1),
}


def said_by(call):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        call()
    return said


@pytest.mark.parametrize("name", CALLS)
def test_a_warning_points_at_the_users_line_and_is_said_once_a_call(name):
    call = CALLS[name]
    (one,) = said_by(call)
    assert one.category is ConvergenceWarning
    lines, first = inspect.getsourcelines(call)
    assert one.filename == __file__
    assert first <= one.lineno < first + len(lines)


def test_every_search_says_it_again():
    assert len(said_by(lambda: [search().fit(X) for _ in range(2)])) == 2
    again = search()
    assert len(said_by(lambda: [again.fit(X) for _ in range(3)])) == 3
    assert len(said_by(lambda: [clone(STOPPED).fit(X) for _ in range(3)])) == 3


def test_other_ends_are_said_beside_it():
    flat = np.random.default_rng(1).uniform(-1.0, 1.0, size=(60, 1))
    found = said_by(lambda: GridSearchCV(STOPPED, {"max_iter": [1, 100]}, cv=3).fit(flat))
    kinds = {str(w.message).split(": ")[1] for w in found}
    assert kinds == {"max_iter", "boundary"} and len(found) == 2


def test_the_workers_of_a_search_say_it_once_each():
    def threads():
        with joblib.parallel_backend("threading", n_jobs=2):
            search().fit(X)

    # Two workers, and the refit in this thread.
    assert 1 <= len(said_by(threads)) <= 3


def test_threads_of_the_user_are_calls_of_their_own():
    with ThreadPoolExecutor(1) as pool:
        found = said_by(lambda: list(pool.map(lambda _: clone(STOPPED).fit(X), range(3))))
    assert len(found) == 3
    assert {w.filename for w in found} == {__file__}


def test_a_y_that_is_ignored_is_said_once():
    y = np.arange(60)
    (one,) = said_by(lambda: NaturalMLE().fit(X, y))
    assert "NaturalMLE.fit ignores y" in str(one.message) and "sample_weight=" in str(one.message)
    assert one.filename == __file__
    (one,) = said_by(lambda: GridSearchCV(NaturalMLE(), GRID, cv=4).fit(X, y))
    assert one.filename == __file__
    assert len(said_by(lambda: cross_val_score(NaturalMLE(), X, y, cv=4))) == 1
    # The other steps of a pipeline may need it.
    assert said_by(lambda: make_pipeline(StandardScaler(), NaturalMLE()).fit(X, y)) == []
    assert said_by(lambda: NaturalMLE().fit(X, None)) == []


def test_the_choice_of_a_metric_points_at_the_users_line():
    family = from_log_prob(lambda y, rate: anp.log(rate) - rate * y, {"rate": Positive()})
    found = said_by(lambda: natfit.fit(family, np.abs(X[:, 0])))
    chosen = [w for w in found if "empirical Fisher is used" in str(w.message)]
    assert len(chosen) == 1 and chosen[0].filename == __file__
