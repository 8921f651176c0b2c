"""X of a regression: containers, categories, formulas, and which parameter has which columns."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf
from scipy.sparse import csc_array, csr_array, csr_matrix
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import NaturalRegressor


def frame(n=300, seed=1):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.integers(0, 5, n),
            # w never occurs.
            "g": pd.Categorical(rng.choice(list("zyx"), n), categories=list("zyxw")),
            "s": rng.choice(["u", "v"], n),
            "f": rng.random(n) > 0.5,
        }
    )
    y = 2 * X.a + 3 * (X.g == "y") + (X.s == "v") + (1 + X.f) * rng.normal(size=n)
    return X, y.rename("y")


def numbers(n=300, d=3, seed=1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 10.0 ** np.arange(d) + 5.0
    return X, X @ 0.1 ** np.arange(d) + rng.normal(size=n)


def as_polars(X):
    columns = {k: X[k].astype(str).to_list() if k in "gs" else X[k].to_numpy() for k in X}
    return pl.DataFrame(columns).with_columns(pl.col("g").cast(pl.Enum(["z", "y", "x", "w"])))


def test_categories_are_columns_of_their_own():
    X, y = frame()
    model = NaturalRegressor(tol=1e-9).fit(X, y)
    assert model.features_for_ == {"loc": ("a", "b", "g[y]", "g[x]", "s[v]", "f"), "scale": ()}
    assert model.feature_names_in_.tolist() == list(X) and model.n_features_in_ == 5
    other = smf.ols(
        "y ~ a + b + g + s + f", X.assign(g=X.g.cat.remove_unused_categories(), f=X.f * 1.0, y=y)
    ).fit()
    own = dict(zip(model.features_for_["loc"], model.coef_["loc"], strict=True))
    theirs = {"g[y]": "g[T.y]", "g[x]": "g[T.x]", "s[v]": "s[T.v]"}
    for name, value in own.items():
        assert value == pytest.approx(other.params[theirs.get(name, name)], abs=1e-9)
    assert model.intercept_["loc"] == pytest.approx(other.params["Intercept"], abs=1e-9)
    assert model.coef_["scale"].shape == (0,)
    assert model.loglik_ == pytest.approx(other.llf, rel=1e-12)


def test_polars_and_pandas_agree():
    X, y = frame()
    one = NaturalRegressor(features_for="all").fit(X, y)
    two = NaturalRegressor(features_for="all").fit(as_polars(X), pl.Series("y", y.to_numpy()))
    assert one.features_for_ == two.features_for_
    np.testing.assert_array_equal(one.coef_["scale"], two.coef_["scale"])
    np.testing.assert_array_equal(one.predict(X), two.predict(as_polars(X)))
    # A Categorical of polars has no order: that of the alphabet.
    loose = as_polars(X).with_columns(pl.col("g").cast(pl.String).cast(pl.Categorical))
    assert NaturalRegressor().fit(loose, y).features_for_["loc"][2:4] == ("g[y]", "g[z]")


def test_boolean_and_nullable_columns_are_numbers():
    X, y = frame()
    plain = X[["a", "b", "f"]]
    same = plain.astype({"b": "Int64", "f": "boolean"})
    one, two = (NaturalRegressor().fit(data, y) for data in (plain, same))
    np.testing.assert_allclose(one.coef_["loc"], two.coef_["loc"], rtol=1e-12)


def test_unseen_categories_are_refused():
    X, y = frame()
    model = NaturalRegressor().fit(X, y)
    X.loc[4, "g"] = "w"
    with pytest.raises(
        ValueError, match=r"column 'g' of X must hold categories of the fit, .*'w' at row 4"
    ):
        model.predict(X)
    X, _ = frame()
    with pytest.raises(ValueError, match="must not have missing values, got one at row 7"):
        model.predict(X.assign(s=X.s.where(X.index != 7)))
    with pytest.raises(ValueError, match="X must be a frame as in the fit, with the categories"):
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            model.predict(np.zeros((3, 5)))


def test_columns_in_another_order_are_refused():
    X, y = frame()
    model = NaturalRegressor().fit(X[["a", "b"]], y)
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.predict(X[["b", "a"]])
    with pytest.raises(ValueError, match="Feature names seen at fit time, yet now missing"):
        model.predict(X[["a", "f"]])


def test_categories_of_rows_of_weight_zero_do_not_count():
    X, y = frame()
    weight = (X.g != "y").astype(float)
    model = NaturalRegressor().fit(X, y, weight)
    assert model.features_for_["loc"] == ("a", "b", "g[x]", "s[v]", "f")
    assert model.n_obs_ == weight.sum()


@pytest.mark.parametrize("columns", [["intercept"], ["g", "g[b]"], ["g", "h"]])
def test_names_of_coefficients_are_never_those_of_two(columns):
    X = pd.DataFrame(dict.fromkeys(columns, [0.1, 0.4, 0.2, 0.9]))
    if columns[0] == "g":
        X["g"] = ["a", "b", "b][c", "a"]
    if columns[-1] == "h":
        X = X.assign(h=["a", "c", "a", "c"]).rename(columns={"h": "g[b]"})
    what = "called 'intercept'" if columns == ["intercept"] else r"got 'g\[b\].* rename one of them"
    with pytest.raises(ValueError, match=what):
        NaturalRegressor().fit(X, [1.0, 2.0, 3.0, 5.0])
    # A column that is not used gives no name.
    X["x"] = [1.0, 3.0, 2.0, 0.0]
    assert NaturalRegressor(features_for={"loc": ["x"]}).fit(X, [1.0, 2.0, 3.0, 5.0]).coef_


@pytest.mark.parametrize("formula", ["C(g)", "g", "C(g, Treatment('b'))", "x + C(g)"])
def test_a_variable_of_a_formula_stands_for_its_coefficients(formula):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=60), "g": list("abc") * 20})
    model = NaturalRegressor("poisson", features_for={"rate": formula})
    model.fit(X, rng.poisson(3.0, 60))
    names = [n for n in model.param_names_ if "g" in n]
    assert len(names) == 2
    found, want = model.wald_test("g"), model.wald_test(names)
    assert (found.statistic, found.df) == (want.statistic, 2)


CHOICES = [
    ({"loc": ["a", "g"], "scale": "intercept"}, ("a", "g[y]", "g[x]"), ()),
    ({"loc": [0, -1], "scale": ["f"]}, ("a", "f"), ("f",)),
    ({"loc": "a", "scale": None}, ("a",), ()),
    ({"loc": "a * s", "scale": ["a"]}, ("a", "s[T.v]", "a:s[T.v]"), ("a",)),
    ({"loc": "a + C(g)", "scale": "f"}, ("a", "C(g)[T.y]", "C(g)[T.x]"), ("f",)),
    ({"loc": "0 + g"}, ("g[z]", "g[y]", "g[x]"), ()),
    ({"scale": ["b"]}, (), ("b",)),
    ({}, (), ()),
]


@pytest.mark.parametrize("polars", [False, True])
@pytest.mark.parametrize("asked, loc, scale", CHOICES, ids=[str(c[0]) for c in CHOICES])
def test_features_of_each_parameter(asked, loc, scale, polars):
    X, y = frame()
    if polars:
        X = as_polars(X)
    model = NaturalRegressor(features_for=asked, tol=1e-8).fit(X, y)
    assert model.status_ == "converged"
    assert model.features_for_ == {"loc": loc, "scale": scale}
    assert model.coef_["loc"].shape == (len(loc),) and model.coef_["scale"].shape == (len(scale),)
    stored = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(stored.predict(X), model.predict(X))
    assert model.score(X, y) * len(y) == pytest.approx(model.loglik_, rel=1e-12)
    # Rows are predicted one by one, whatever else is there.
    np.testing.assert_allclose(model.predict(X[5:9]), model.predict(X)[5:9], rtol=1e-12)


def test_a_formula_is_that_of_statsmodels():
    X, y = frame()
    data = X.assign(y=y, g=X.g.cat.remove_unused_categories())
    for right in ("a * s + C(g)", "np.exp(a) + b", "g + a - 1"):
        model = NaturalRegressor(features_for={"loc": right}, tol=1e-9).fit(X, y)
        other = smf.ols(f"y ~ {right}", data).fit()
        assert model.loglik_ == pytest.approx(other.llf, rel=1e-12)
        np.testing.assert_allclose(model.predict(X), other.fittedvalues, atol=1e-7)


def test_a_formula_keeps_what_it_learnt():
    """Centring is by the mean of the fit, and not by that of the rows that are predicted."""
    X, y = frame()
    model = NaturalRegressor(features_for={"loc": "center(a)"}, tol=1e-9).fit(X, y)
    plain = NaturalRegressor(features_for={"loc": "a"}, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.predict(X[:3]), plain.predict(X[:3]), rtol=1e-9)
    with pytest.raises(ValueError, match=r"X has categories that the fit has not seen: \{'w'\}"):
        other = NaturalRegressor(features_for={"loc": "a + g"}).fit(X, y)
        other.predict(X.assign(g="w"))


def test_a_formula_of_an_array_names_its_columns_x0_x1():
    X, y = numbers()
    by_formula = NaturalRegressor(features_for={"loc": "x0 + x2", "scale": "all"}).fit(X, y)
    by_index = NaturalRegressor(features_for={"loc": [0, 2], "scale": "all"}).fit(X, y)
    np.testing.assert_allclose(by_formula.coef_["loc"], by_index.coef_["loc"], rtol=1e-9)
    with pytest.raises(ValueError, match="lists of columns if X is sparse"):
        NaturalRegressor(features_for={"loc": "x0 + x1"}).fit(csr_array(X), y)


def test_without_an_intercept():
    X, y = frame()
    model = NaturalRegressor(features_for={"loc": "a + g"}, fit_intercept={"loc": False}).fit(X, y)
    assert set(model.features_for_["loc"]) == {"g[z]", "g[y]", "g[x]", "a"}
    assert model.intercept_["loc"] == 0.0 and model.intercept_["scale"] != 0.0


BAD = [
    ({"loc": "a + zz"}, ValueError, "Unable to evaluate factor `zz`"),
    ({"loc": "a +"}, ValueError, "insuffient arguments"),
    ({"loc": "y ~ a"}, ValueError, "cannot be computed"),
    ({"loc": "a | g"}, ValueError, "formulas of one side"),
    ({"loc": "alll"}, ValueError, "did you mean 'all'"),
    ({"loc": ["aa"]}, ValueError, "got 'aa'; did you mean 'a'"),
    ({"lok": "all"}, ValueError, "must name parameters of Normal, got 'lok'; did you mean 'loc'"),
    ({"loc": ["a", "a"]}, ValueError, "name columns once, got 'a' twice"),
    ({"loc": [9]}, ValueError, "indices of the 5 columns of X, got 9"),
    ({"loc": [True]}, TypeError, "names or indices of columns"),
    ({"loc": 3}, TypeError, r"try \[3\]"),
    (["a"], TypeError, r"try \{'loc': \['a'\]\}"),
    ("a + b", TypeError, "must be None, 'all', or a dict"),
]


@pytest.mark.parametrize("asked, kind, words", BAD, ids=[str(b[0]) for b in BAD])
def test_features_that_cannot_be_are_refused(asked, kind, words):
    X, y = frame()
    with pytest.raises(kind, match=words):
        NaturalRegressor(features_for=asked).fit(X, y)


OPTIONS = [
    ({"alpha": -1}, ValueError, "alpha must be >= 0"),
    ({"alpha": {"loc": "x"}}, TypeError, r"alpha\['loc'\] must be a number"),
    ({"alpha": {"lok": 1.0}}, ValueError, "alpha must name parameters of Normal, got 'lok'"),
    ({"fit_intercept": "yes"}, ValueError, "fit_intercept must be True or False"),
    ({"fit_intercept": {"loc": 2}}, ValueError, r"fit_intercept\['loc'\] must be True or False"),
    ({"warm_start": 3}, ValueError, "warm_start must be True or False"),
    ({"n_jobs": 0}, ValueError, "n_jobs must not be 0"),
    ({"distribution": "nomral"}, ValueError, "did you mean 'normal'"),
]


@pytest.mark.parametrize("options, kind, words", OPTIONS, ids=[str(o[0]) for o in OPTIONS])
def test_options_are_checked(options, kind, words):
    X, y = numbers()
    with pytest.raises(kind, match=words):
        NaturalRegressor(**options).fit(X, y)


KEYWORDS = [
    ({"alfa": 1}, "did you mean 'alpha'"),
    ({"C": 1}, r"pass alpha=1 / \(C \* N\)"),
    ({"family": "normal"}, "pass distribution="),
    ({"exposure": [1]}, "pass it to fit"),
    ({"event": [1]}, "natfit.Censored.right"),
    ({"epsilon": 1}, "TrustRegionStep"),
]


@pytest.mark.parametrize("options, words", KEYWORDS, ids=[str(k[0]) for k in KEYWORDS])
def test_other_keywords_are_answered(options, words):
    with pytest.raises(TypeError, match=words):
        NaturalRegressor(**options)


# ---------------------------------------------------------------------------- containers


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("features_for", [None, "all"])
def test_orders_of_memory_agree(order, features_for):
    X, y = numbers()
    one = NaturalRegressor(features_for=features_for, tol=1e-8).fit(X, y)
    two = NaturalRegressor(features_for=features_for, tol=1e-8).fit(np.array(X, order=order), y)
    np.testing.assert_allclose(one.coef_["loc"], two.coef_["loc"], rtol=1e-10)


def test_single_precision_is_not_copied_as_a_whole():
    """float32 rows are those of float64 with the same values, and no copy of X is made."""
    import tracemalloc

    X, y = numbers(100_000, 40)
    X = (X / np.abs(X).max(axis=0)).astype(np.float32)
    exact = NaturalRegressor(tol=1e-8).fit(X.astype(np.float64), y)
    tracemalloc.start()
    model = NaturalRegressor(tol=1e-8).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(model.coef_["loc"], exact.coef_["loc"], rtol=1e-6)
    assert peak < X.nbytes


@pytest.mark.parametrize("make", [csr_array, csc_array, csr_matrix])
def test_sparse_x_is_never_made_dense(make, monkeypatch):
    X, y = numbers(2_000, 4)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.3, X, 0.0)
    dense = NaturalRegressor("normal", features_for="all", tol=1e-8).fit(X, y)
    for name in ("toarray", "todense"):
        real = getattr(csr_array, name)

        def small(self, *args, real=real, **options):
            assert self.shape[0] < 100, "made dense"
            return real(self, *args, **options)

        monkeypatch.setattr(csr_array, name, small)
    sparse = NaturalRegressor("normal", features_for="all", tol=1e-8).fit(make(X), y)
    np.testing.assert_allclose(sparse.coef_["loc"], dense.coef_["loc"], rtol=1e-7)
    np.testing.assert_allclose(sparse.coef_["scale"], dense.coef_["scale"], rtol=1e-6)
    np.testing.assert_allclose(sparse.predict(make(X)), dense.predict(X), rtol=1e-7)


def test_sparse_x_with_repeated_entries():
    X, y = numbers(50, 3)
    whole = csr_matrix(X)
    halves = csr_matrix(
        (np.repeat(whole.data / 2, 2), np.repeat(whole.indices, 2), whole.indptr * 2), whole.shape
    )
    stored = halves.data.copy()
    one, two = (NaturalRegressor(tol=1e-9).fit(data, y) for data in (whole, halves))
    np.testing.assert_allclose(one.coef_["loc"], two.coef_["loc"], rtol=1e-9)
    np.testing.assert_array_equal(halves.data, stored)


def test_sparse_objects_are_refused():
    X, y = numbers(10, 2)
    rows = csr_array(X)
    rows.data = rows.data.astype(object)
    with pytest.raises(ValueError, match="sparse matrix of the dtype object"):
        NaturalRegressor().fit(rows, y)


def test_memory_mapped_rows(tmp_path):
    X, y = numbers()
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    one, two = (NaturalRegressor().fit(data, y) for data in (X, mapped))
    np.testing.assert_array_equal(one.coef_["loc"], two.coef_["loc"])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_values_are_named(bad):
    X, y = frame()
    words = "NaN" if np.isnan(bad) else "infinity"
    with_bad = X.assign(a=X.a.where(X.index != 9, bad))
    with pytest.raises(ValueError, match=f"Input X contains {words} at row 9 in column 'a'"):
        NaturalRegressor().fit(with_bad, y)
    plain = with_bad[["b", "a"]].to_numpy()
    with pytest.raises(ValueError, match=f"Input X contains {words} at row 9 in column 'x1'"):
        NaturalRegressor().fit(plain, y)
    with pytest.raises(ValueError, match=f"Input X contains {words} at row 9 in column 'x1'"):
        NaturalRegressor().fit(csr_array(plain), y)
    model = NaturalRegressor().fit(X[["b", "a"]].to_numpy(), y)
    with pytest.raises(ValueError, match=f"Input X contains {words} at row 9"):
        model.predict(plain)


def test_missing_values_in_rows_of_weight_zero_do_not_matter():
    X, y = numbers()
    weight = np.ones(len(y))
    weight[9] = 0.0
    clean = NaturalRegressor().fit(np.delete(X, 9, 0), np.delete(y, 9))
    X[9], y[9] = np.nan, np.nan
    np.testing.assert_allclose(
        NaturalRegressor().fit(X, y, weight).coef_["loc"], clean.coef_["loc"], rtol=1e-10
    )


def test_masked_and_text_arrays_are_refused():
    X, y = numbers(10, 2)
    masked = np.ma.masked_greater(X, np.sort(X.ravel())[-2])
    with pytest.raises(ValueError, match="X must not be masked"):
        NaturalRegressor().fit(masked, y)
    with pytest.raises(ValueError, match="could not convert string to float: 'a'"):
        NaturalRegressor().fit(np.full((10, 2), "a"), y)
    twice = pd.DataFrame(X, columns=["a", "a"])
    with pytest.raises(ValueError, match="different names, got 'a' 2 times"):
        NaturalRegressor().fit(twice, y)
    dates = pd.DataFrame({"when": pd.date_range("2020", periods=10)})
    with pytest.raises(ValueError, match="column 'when' of X holds datetimes"):
        NaturalRegressor().fit(dates, y)
    # Columns that no parameter has are not read.
    some = dates.assign(x=X[:, 0])
    assert NaturalRegressor(features_for={"loc": ["x"]}).fit(some, y).status_ == "converged"


def test_labels_in_another_order_are_refused():
    X, y = frame()
    with pytest.raises(ValueError, match="y must have the rows of the data in the same order"):
        NaturalRegressor().fit(X[["a"]], y[::-1])


def test_in_a_pipeline():
    X, y = numbers()
    pipeline = make_pipeline(StandardScaler(), NaturalRegressor())
    scores = cross_val_score(pipeline, X, y)
    plain = cross_val_score(NaturalRegressor(), X, y)
    np.testing.assert_allclose(scores, plain, rtol=1e-6)
