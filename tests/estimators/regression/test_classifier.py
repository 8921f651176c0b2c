"""NaturalClassifier beside scikit-learn's LogisticRegression, whose arrays it has."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.sparse import csc_matrix, csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from natfit import NaturalClassifier


def classes(n_classes, n=400, seed=3):
    """Features of several sizes, labels of classes, and weights of which some are zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 50.0, 0.0, -1.0]
    logits = (X - X.mean(0)) / X.std(0) @ rng.normal(size=(4, n_classes))
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return X, np.array(["ash", "birch", "cedar", "fir"])[y], rng.integers(0, 4, n).astype(float)


def reference(X, y, weight, alpha):
    total = len(y) if weight is None else weight.sum()
    C = np.inf if alpha == 0 else 1.0 / (alpha * total)
    model = LogisticRegression(C=C, tol=1e-12, solver="newton-cholesky", max_iter=1000)
    return model.fit(X, y, weight)


@pytest.mark.parametrize("alpha", [0.0, 0.02])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_arrays_are_those_of_logistic_regression(n_classes, weighted, alpha):
    X, y, weight = classes(n_classes)
    weight = weight if weighted else None
    model = NaturalClassifier(alpha=alpha, tol=1e-8).fit(X, y, weight)
    other = reference(X, y, weight, alpha)
    assert model.status_ == "converged"
    assert model.coef_.shape == other.coef_.shape
    assert model.intercept_.shape == other.intercept_.shape
    np.testing.assert_array_equal(model.classes_, other.classes_)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, other.intercept_, atol=1e-6)
    for method in ("decision_function", "predict_proba", "predict_log_proba"):
        mine, theirs = getattr(model, method)(X), getattr(other, method)(X)
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    assert model.score(X, y, weight) == other.score(X, y, weight)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_intercept(n_classes):
    X, y, _ = classes(n_classes)
    X = X - X.mean(axis=0)
    model = NaturalClassifier(fit_intercept=False, alpha=0.01, tol=1e-8).fit(X, y)
    C = 1.0 / (0.01 * len(y))
    other = LogisticRegression(
        C=C, tol=1e-12, solver="newton-cholesky", fit_intercept=False, max_iter=1000
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-6)
    assert not model.intercept_.any()


def test_probabilities_far_out_are_finite():
    X, y, _ = classes(2)
    model = NaturalClassifier().fit(X, y)
    far = np.vstack([X.mean(0) + 1e4, X.mean(0) - 1e4])
    assert np.isfinite(model.predict_log_proba(far)).all()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1.0)


@pytest.mark.parametrize("make", [csr_array, csc_matrix])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_sparse_x(make, n_classes):
    X, y, weight = classes(n_classes)
    X = np.where(np.abs(X - X.mean(axis=0)) > 0.5 * X.std(axis=0), X, 0.0)
    dense = NaturalClassifier(tol=1e-8).fit(X, y, weight)
    sparse = NaturalClassifier(tol=1e-8).fit(make(X), y, weight)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-9)
    np.testing.assert_allclose(sparse.predict_proba(make(X)), dense.predict_proba(X), atol=1e-9)


@pytest.mark.parametrize(
    "labels", [[0, 1, 2], [-1, 5, 7], [1.0, 2.0, 3.0], ["x", "y", "z"], list("xyz")]
)
def test_labels_of_any_type(labels):
    X, y, _ = classes(3)
    codes = np.searchsorted(np.unique(y), y)
    plain = NaturalClassifier().fit(X, y)
    for made in (np.array(labels), np.array(labels, dtype=object)):
        model = NaturalClassifier().fit(X, made[codes])
        np.testing.assert_array_equal(model.coef_, plain.coef_)
        np.testing.assert_array_equal(
            model.predict(X), made[np.searchsorted(np.unique(y), plain.predict(X))]
        )
    model = NaturalClassifier().fit(X, pd.Series(made[codes]).astype("category"))
    np.testing.assert_array_equal(model.classes_, np.array(labels, dtype=object))


def test_truth_values_are_two_classes():
    X, y, _ = classes(2)
    model = NaturalClassifier().fit(X, y == "birch")
    assert model.classes_.dtype == bool and model.coef_.shape == (1, 4)


def test_one_label_is_refused():
    X, y, weight = classes(2)
    with pytest.raises(ValueError, match="at least two classes, got one class, 'ash'"):
        NaturalClassifier().fit(X, np.full(len(y), "ash"))
    only = np.where(y == "ash", 1.0, 0.0)
    with pytest.raises(ValueError, match="one class in rows of positive weight, 'ash'"):
        NaturalClassifier().fit(X, y, only)


def test_a_class_of_weight_zero_is_left_out():
    X, y, _ = classes(3)
    model = NaturalClassifier(tol=1e-8).fit(X, y, np.where(y == "birch", 0.0, 1.0))
    left = y != "birch"
    same = NaturalClassifier(tol=1e-8).fit(X[left], y[left])
    assert model.classes_.tolist() == ["ash", "cedar"]
    np.testing.assert_allclose(model.coef_, same.coef_, rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_are_repetitions(n_classes):
    X, y, weight = classes(n_classes)
    times = weight.astype(int)
    weighted = NaturalClassifier(alpha=0.01, tol=1e-9).fit(X, y, weight)
    repeated = NaturalClassifier(alpha=0.01, tol=1e-9).fit(X.repeat(times, 0), y.repeat(times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8, atol=1e-10)
    assert weighted.n_obs_ == repeated.n_obs_ == times.sum()
    assert weighted.loglik_ == pytest.approx(repeated.loglik_, rel=1e-12)


@pytest.mark.parametrize("bad", [None, np.nan])
def test_missing_labels_are_refused(bad):
    X, y, _ = classes(2)
    labels = y.astype(object)
    labels[7] = bad
    with pytest.raises(ValueError, match="y must not have missing labels, got one at row 7"):
        NaturalClassifier().fit(X, labels)


def test_numbers_that_are_no_classes_are_refused():
    X, _, _ = classes(2)
    with pytest.raises(ValueError, match="Unknown label type"):
        NaturalClassifier().fit(X, X[:, 0])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_offset_is_added_to_logits(n_classes):
    """An offset X b moves the coefficients by -b, in K logits as in one."""
    X, y, _ = classes(n_classes)
    rng = np.random.default_rng(0)
    b = rng.normal(size=(4, 1 if n_classes == 2 else n_classes)) * 0.01
    offset = (X @ b)[:, 0] if n_classes == 2 else X @ b
    plain = NaturalClassifier(tol=1e-9).fit(X, y)
    moved = NaturalClassifier(tol=1e-9).fit(X, y, offset=offset)
    shift = b.T if n_classes == 2 else b.T - b.T.mean(axis=0)
    np.testing.assert_allclose(moved.coef_ + shift, plain.coef_, atol=1e-8)
    np.testing.assert_allclose(
        moved.predict_proba(X, offset=offset), plain.predict_proba(X), atol=1e-8
    )
    assert moved.score(X, y, offset=offset) == plain.score(X, y)


def test_offsets_of_another_form_are_refused():
    X, y, _ = classes(3)
    with pytest.raises(ValueError, match="a column for each of the 3 classes"):
        NaturalClassifier().fit(X, y, offset=X[:, 0])
    with pytest.raises(ValueError, match="one value for each row of X"):
        NaturalClassifier().fit(X, y, offset=X[:-1, :3])


def test_spector():
    """statsmodels' data: coefficients and log-likelihood of an independent Newton's method."""
    data = sm.datasets.spector.load_pandas()
    model = NaturalClassifier(tol=1e-9).fit(data.exog, data.endog)
    expected = [2.82611259, 0.09515766, 2.37868766]
    np.testing.assert_allclose(model.coef_[0], expected, atol=5e-9)
    np.testing.assert_allclose(model.intercept_, -13.02134686, atol=5e-9)
    assert model.loglik_ == pytest.approx(-12.88963422, abs=5e-9)
    assert model.features_for_ == {"prob": ("GPA", "TUCE", "PSI")}


def test_multinomial_of_anes96():
    data = sm.datasets.anes96.load_pandas()
    X = data.exog.assign(logpopul=np.log(data.data["popul"] + 0.1))
    X = X[["logpopul", "selfLR", "age", "educ", "income"]]
    model = NaturalClassifier(tol=1e-9).fit(X, data.endog)
    assert model.loglik_ == pytest.approx(-1461.922747, abs=5e-7)
    # statsmodels has log odds against the first class.
    other = sm.MNLogit(data.endog, sm.add_constant(X)).fit(disp=0, tol=1e-12)
    against = model.coef_[1:] - model.coef_[0]
    np.testing.assert_allclose(against, other.params.to_numpy()[1:].T, atol=1e-6)


def test_clone_has_no_fit():
    X, y, _ = classes(2)
    model = NaturalClassifier(alpha=0.1).fit(X, y)
    fresh = clone(model)
    assert fresh.alpha == 0.1 and not hasattr(fresh, "coef_")
