"""What batches of a regression may be: their containers, offsets, columns and rows."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, sparse
from sklearn.exceptions import NotFittedError

from natfit import Censored, NaturalClassifier, NaturalRegressor, from_json
from natfit.distributions import Bounded

RNG = np.random.default_rng(16)
X = RNG.normal(size=(400, 2))
Y = RNG.poisson(np.exp(X @ [0.3, 0.2])).astype(float)
ONE, TWO = slice(0, 200), slice(200, 400)
WANT = NaturalRegressor("poisson").fit(X, Y)


def named(package, rows):
    return package.DataFrame({"a": X[rows, 0], "b": X[rows, 1]})


def values(model):
    return list(model.coefficients_.values())


@pytest.mark.parametrize(
    "first, second",
    [
        (X[ONE], sparse.csr_matrix(X[TWO])),
        (sparse.csr_array(X[ONE]), X[TWO]),
        (X[ONE].tolist(), X[TWO].astype(np.float64)),
        (named(pd, ONE), named(pd, TWO)),
        (named(pl, ONE), named(pl, TWO)),
        (pd.DataFrame(X[ONE]), X[TWO]),
        (X[ONE], pd.DataFrame(X[TWO])),
        (X[ONE].tolist(), pd.DataFrame(X[TWO])),
    ],
)
def test_batches_come_in_any_container(first, second):
    model = NaturalRegressor("poisson").partial_fit(first, Y[ONE]).partial_fit(second, Y[TWO])
    assert_allclose(values(model), values(WANT), rtol=1e-6)


@pytest.mark.parametrize("kinds", [(pd, pl), (pl, pd)])
def test_frames_of_two_packages_are_named(kinds):
    model = NaturalRegressor("poisson").partial_fit(named(kinds[0], ONE), Y[ONE])
    with pytest.raises(TypeError, match="X must be of the same kind .* a DataFrame of p"):
        model.partial_fit(named(kinds[1], TWO), Y[TWO])


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("package", [pd, pl])
def test_arrays_after_a_frame_take_its_names(package):
    model = NaturalRegressor("poisson").partial_fit(named(package, ONE), Y[ONE])
    model.partial_fit(X[TWO], Y[TWO])
    assert list(model.coefficients_)[:2] == ["rate[a]", "rate[b]"]
    assert_allclose(values(model), values(WANT), rtol=1e-6)


def test_columns_of_a_frame_may_become_integers():
    for package in (pd, pl):
        frame = package.DataFrame({"a": np.arange(200) % 5, "b": np.arange(200) % 3})
        model = NaturalRegressor("poisson").partial_fit(named(package, ONE), Y[ONE])
        model.partial_fit(frame, Y[TWO])
        assert model.n_obs_ == 400.0


@pytest.mark.parametrize("second", [pd.Series(Y[TWO]), Y[TWO].tolist(), pl.Series(Y[TWO])])
def test_the_response_comes_in_any_container(second):
    for first in (Y[ONE], pd.Series(Y[ONE]), Y[ONE].tolist()):
        model = NaturalRegressor("poisson").partial_fit(X[ONE], first)
        assert_allclose(values(model.partial_fit(X[TWO], second)), values(WANT), rtol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_a_column_is_a_vector():
    model = NaturalRegressor("poisson").partial_fit(X[ONE], Y[ONE, None])
    assert_allclose(values(model.partial_fit(X[TWO], Y[TWO])), values(WANT), rtol=1e-6)


def test_censored_rows_and_others_are_mixed():
    times = np.random.default_rng(1).weibull(2.0, 400) + 1e-3
    seen = np.arange(400) % 3 > 0
    parts = Censored.right(times[ONE], event=seen[ONE]), times[TWO]
    want = NaturalRegressor("weibull").fit(X, Censored.right(times, event=seen | (X[:, 0] > 9)))
    for order in ((0, 1), (1, 0)):
        model = NaturalRegressor("weibull")
        for k in order:
            model.partial_fit(X[(ONE, TWO)[k]], parts[k])
        exact = seen.copy()
        exact[TWO] = True
        want = NaturalRegressor("weibull").fit(X, Censored.right(times, event=exact))
        assert_allclose(values(model), values(want), rtol=1e-5)


@pytest.mark.parametrize("kind", ["frame", "sparse", "list", "censored", "offset"])
def test_what_the_caller_changes_later_changes_nothing(kind):
    rows, y, options = X[ONE].copy(), pd.Series(Y[ONE]), {}
    if kind == "frame":
        rows = pd.DataFrame(rows)
    elif kind == "sparse":
        rows = sparse.csr_array(rows)
    elif kind == "offset":
        options["offset"] = {"rate": np.full(200, 0.1)}
    elif kind == "list":
        y = Y[ONE].tolist()
    else:
        y = Censored.exact(np.exp(Y[ONE]))
    name = "poisson" if kind != "censored" else "weibull"
    model = NaturalRegressor(name).partial_fit(rows, y, **options)
    rest = (X[TWO], Y[TWO] if name == "poisson" else np.exp(Y[TWO]))
    more = {"offset": {"rate": np.full(200, 0.1)}} if options else {}
    want = values(
        NaturalRegressor(name).partial_fit(X[ONE], y, **options).partial_fit(*rest, **more)
    )
    if kind == "frame":
        rows.iloc[:, :] = 0.0
    elif kind == "sparse":
        rows.data[:] = 0.0
    elif kind == "censored":
        y.rows[:] = 1.0
    elif kind == "offset":
        options["offset"]["rate"][:] = 5.0
    if kind != "censored":
        y[:] = [0.0] * 200
    assert_allclose(values(model.partial_fit(*rest, **more)), want, rtol=1e-12)


BAD = [
    ({"sample_weight": [1.0, 2.0, 3.0]}, r"sample_weight.shape == \(3,\), expected \(200,\)"),
    ({"y": None}, "requires y to be passed"),
    ({"X": np.where(np.arange(200)[:, None] == 3, np.nan, X[TWO])}, "NaN at row 3"),
    ({"y": np.where(np.arange(200) == 3, -1.0, Y[TWO])}, "got -1.0 at row 3"),
    ({"offset": np.ones(200)}, "offset must be given with all batches or with none: .* has one"),
    ({"exposure": np.ones(200)}, "exposure must be given with all batches or with none"),
    ({"X": X[TWO].astype("M8[s]")}, "X"),
]


@pytest.mark.parametrize("times", [1, 6])
@pytest.mark.parametrize("wrong, words", BAD)
def test_a_batch_that_cannot_be_used_is_named_and_changes_nothing(wrong, words, times):
    """While rows are held, and when they are a quadratic."""
    model = NaturalRegressor("poisson").partial_fit(np.tile(X, (times, 1)), np.tile(Y, times))
    before = values(model)
    given = {"X": X[TWO], "y": Y[TWO], **wrong}
    with pytest.raises((ValueError, TypeError), match=words):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *args, **kwargs: None)
            model.partial_fit(**given)
    assert values(model) == before
    model.partial_fit(X[TWO], Y[TWO])


@pytest.mark.parametrize(
    "name, value, words",
    [
        (
            "offset",
            np.where(np.arange(200) == 3, np.nan, 0.1),
            r"offset must be finite, .* at row 3",
        ),
        ("offset", np.ones(150), r"of shape \(200,\), got shape \(150,\)"),
        ("offset", {"rate": np.ones(200)}, "same kind|same parameters|one column|dict"),
        (
            "exposure",
            np.where(np.arange(200) == 3, -1.0, 0.1),
            "exposure must be > 0, got -1 at row 3",
        ),
    ],
)
def test_an_offset_is_named_by_its_row_in_the_batch(name, value, words):
    model = NaturalRegressor("poisson").partial_fit(X[ONE], Y[ONE], **{name: np.ones(200)})
    with pytest.raises((ValueError, TypeError), match=words):
        model.partial_fit(X[TWO], Y[TWO], **{name: value})


def test_offsets_of_parameters_and_a_column_do_not_mix():
    model = NaturalRegressor("poisson").partial_fit(X[ONE], Y[ONE], offset={"rate": np.ones(200)})
    with pytest.raises(ValueError, match="offset must name the same parameters in all batches"):
        model.partial_fit(X[TWO], Y[TWO], offset=np.ones(200))


@pytest.mark.parametrize("fitted", [False, True])
def test_an_offset_is_in_all_batches(fitted):
    rows = np.tile(X, (6, 1)), np.tile(Y, 6)
    model = NaturalRegressor("poisson")
    go = model.fit if fitted else model.partial_fit
    go(*rows, exposure=np.full(2_400, 2.0))
    with pytest.raises(ValueError, match="this batch has none, rows before it have one"):
        model.partial_fit(X, Y)
    model.partial_fit(X, Y, exposure=np.full(400, 2.0))


@pytest.mark.parametrize("classes", [[0, 1, np.nan], ["a", None, "b"]])
def test_classes_are_not_missing(classes):
    with pytest.raises(ValueError, match="classes must not hold missing labels"):
        NaturalClassifier().partial_fit(X, np.arange(400) % 2, classes=classes)


# ------------------------------------------------------------------ columns that begin to vary


@pytest.mark.parametrize("constant", [0.0, 3.0, -2e7, 1.7e9])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("begin", ["fit", "partial_fit", "stored"])
def test_a_column_that_was_constant_may_vary_later(constant, alpha, begin):
    """Whatever its size: seconds since 1970, say."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 2))
    X[:1_500, 1] = 0.0
    y = rng.poisson(np.exp(X @ [0.3, 0.2] - 0.5)).astype(float)
    X[:, 1] += constant
    want = NaturalRegressor("poisson", alpha=alpha).fit(X, y)
    model = NaturalRegressor("poisson", alpha=alpha)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        (model.partial_fit if begin == "partial_fit" else model.fit)(X[:1_500], y[:1_500])
    if begin == "stored":
        model = from_json(model.to_json())
    for start in range(1_500, 6_000, 1_500):
        model.partial_fit(X[start : start + 1_500], y[start : start + 1_500])
    errors = np.sqrt(np.diag(want.cov_params()))
    # An intercept at zero is known as well as the slope times the distance to it.
    assert np.all(np.abs(np.subtract(values(model), values(want))) < 0.3 * errors)
    assert_allclose(np.sqrt(np.diag(model.cov_params())), errors, rtol=0.05)
    # The first rows tell nothing of the column, so that no test is one of it.
    assert model.drift_["p_value"].min() > 1e-4


@pytest.mark.parametrize("package", ["pandas", "polars"])
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_levels_that_are_declared_may_come_later(package, alpha):
    rng = np.random.default_rng(0)
    level = rng.choice(list("abc"), 6_000)
    level[:2_000] = rng.choice(list("ab"), 2_000)
    x = rng.normal(size=6_000)
    y = rng.poisson(np.exp(0.3 * x + 0.5 * (level == "c"))).astype(float)
    if package == "pandas":
        X = pd.DataFrame({"x": x, "g": pd.Categorical(level, list("abc"))})
    else:
        X = pl.DataFrame({"x": x, "g": pl.Series(level, dtype=pl.Enum(list("abc")))})
    want = NaturalRegressor("poisson", alpha=alpha).fit(X, y)
    model = NaturalRegressor("poisson", alpha=alpha)
    with pytest.MonkeyPatch.context() as patch:
        # It is singular as long as a level has not come.
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        for start in range(0, 6_000, 1_000):
            model.partial_fit(X[start : start + 1_000], y[start : start + 1_000])
    assert list(model.coefficients_) == list(want.coefficients_)
    assert_allclose(values(model), values(want), atol=2e-3)
    with pytest.raises(ValueError, match="must hold categories of the fit, .*got 'd'"):
        model.partial_fit(pd.DataFrame({"x": [1.0], "g": ["d"]}), [1.0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_level_that_never_comes_is_not_determined():
    rng = np.random.default_rng(0)
    x = rng.normal(size=4_500)
    X = pd.DataFrame({"x": x, "g": pd.Categorical(rng.choice(list("ab"), 4_500), list("abz"))})
    y = rng.poisson(np.exp(0.3 * x)).astype(float)
    model = NaturalRegressor("poisson")
    for start in range(0, 4_500, 1_500):
        model.partial_fit(X[start : start + 1_500], y[start : start + 1_500])
    want = NaturalRegressor("poisson").fit(X.assign(g=X.g.astype(str)), y)
    assert model.coefficients_["rate[g[z]]"] == 0.0
    assert np.isinf(model.cov_params()[2, 2])
    for name, value in want.coefficients_.items():
        assert model.coefficients_[name] == pytest.approx(value, abs=2e-3)
    assert model.drift_["df"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize("constant", [0.0, 3.0])
@pytest.mark.parametrize("alpha", [0.0, 0.001])
def test_a_column_that_stays_constant_takes_nothing_from_the_test(constant, alpha):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        models = [NaturalRegressor("poisson", alpha=alpha) for _ in range(2)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *args, **kwargs: None)
            for n, moved in ((1_200, 0.0), (300, 0.3)):
                X = np.c_[rng.normal(size=(n, 2)), np.full(n, constant)]
                y = rng.poisson(np.exp(0.3 * X[:, 0] + moved)).astype(float)
                models[0].partial_fit(X, y)
                models[1].partial_fit(X[:, :2], y)
        found, want = (model.drift_ for model in models)
        assert found["df"].tolist() == want["df"].tolist() == [3.0]
        assert_allclose(found["statistic"], want["statistic"], rtol=1e-4)


def test_what_has_no_fit_yet_says_why():
    rng = np.random.default_rng(0)
    model = NaturalRegressor("cauchy").partial_fit(X, rng.standard_cauchy(400) * 1e-150)
    with pytest.raises(NotFittedError, match="do not determine .* divide them by their size"):
        _ = model.coef_
    waits = NaturalClassifier().partial_fit(X, np.ones(400, int), classes=[0, 1])
    with pytest.raises(NotFittedError, match="some of the classes have not come"):
        _ = waits.coef_
    waits.partial_fit(X, np.zeros(400, int))
    assert waits.coef_.shape == (1, 2)


def test_other_units_take_more_steps():
    """A batch in which a feature is a hundred times as large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 2))
    y = rng.poisson(np.exp(X @ [0.3, 0.2])).astype(float)
    X[:1_500] /= 100.0
    model = NaturalRegressor("poisson")
    for start in range(0, 6_000, 1_500):
        model.partial_fit(X[start : start + 1_500], y[start : start + 1_500])
    want = NaturalRegressor("poisson").fit(X, y)
    assert_allclose(values(model)[:2], values(want)[:2], atol=0.05)


def test_a_batch_without_an_optimum_is_refused(monkeypatch):
    monkeypatch.setattr("natfit.fitting.running._STEPS", 1)
    model = NaturalRegressor("poisson").fit(np.tile(X, (4, 1)) / 100.0, np.tile(Y, 4))
    before = values(model)
    with pytest.raises(ValueError, match="the batch must lead to an estimate, got none in 1 steps"):
        model.partial_fit(X, Y)
    assert values(model) == before


# -------------------------------------------------------------------------------------- limits


def bounded(rng, X):
    mean = np.exp(0.3 * X[:, 0])
    return np.r_[rng.gamma(4.0, mean[:5_000] / 4.0), rng.gamma(1.2, mean[5_000:] / 1.2)]


def counts(rng, X):
    return np.r_[rng.binomial(6, 0.5, 5_000), rng.negative_binomial(4, 0.6, 1_000)].astype(float)


AT_LIMIT = {
    "gamma_mean": (Bounded("gamma_mean", bounds={"shape": (None, 1.8)}), bounded),
    "negative_binomial": ("negative_binomial", counts),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", AT_LIMIT)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_a_regression_at_a_limit_keeps_the_slope_there(name, alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6_000, 2))
    family, draw = AT_LIMIT[name]
    y = draw(rng, X)
    want = NaturalRegressor(family, alpha=alpha).fit(X, y)
    model = NaturalRegressor(family, alpha=alpha).fit(X[:5_000], y[:5_000])
    assert str(model.status_) == "boundary"
    model.partial_fit(X[5_000:], y[5_000:])
    assert model.score(X, y) * 6_000 == pytest.approx(want.loglik_, abs=2.0)
    assert model.loglik_ == pytest.approx(want.loglik_, abs=2.0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_fit_without_a_maximum_does_not_go_on():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 2))
    y = (X[:, 0] > 0).astype(int)
    model = NaturalClassifier().fit(X, y)
    other = NaturalClassifier().fit(X, rng.integers(0, 2, 3_000))
    for call in (lambda: model.partial_fit(X, y), lambda: other.merge(model)):
        with pytest.raises(
            ValueError, match="need a fit that has reached a maximum, got unbounded"
        ):
            call()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_ends_of_the_support_are_refused():
    y = np.random.default_rng(0).pareto(3.0, 400) + 1.0
    first, second = (NaturalRegressor("pareto").fit(X[rows], y[rows]) for rows in (ONE, TWO))
    for call in (
        lambda: NaturalRegressor("pareto").partial_fit(X, y),
        lambda: first.partial_fit(X, y),
        lambda: first.merge(second),
    ):
        with pytest.raises(ValueError, match="derivative in every parameter, which Pareto has not"):
            call()


# -------------------------------------------------------------------------------------- merges


def test_merged_penalties_count_once():
    """The penalised optimum of all rows, by scipy."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(3_000, 2))
    y = rng.poisson(np.exp(X @ [0.5, -0.3])).astype(float)
    one, two = (
        NaturalRegressor("poisson", alpha=0.5).fit(X[r], y[r]) for r in (ONE, slice(200, None))
    )
    one.merge(two)

    def value(theta):
        eta = X @ theta[:2] + theta[2]
        return np.mean(np.exp(eta) - y * eta) + 0.25 * np.sum(theta[:2] ** 2)

    want = optimize.minimize(value, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
    assert_allclose(values(one), want, atol=3e-3)
    assert one.loglik_ == pytest.approx(one.score(X, y) * 3_000, abs=0.2)


def test_options_that_make_another_model_are_compared():
    one = NaturalRegressor("poisson", fit_intercept=False).fit(X, Y)
    with pytest.raises(ValueError, match="merge needs fits with the same fit_intercept"):
        one.merge(NaturalRegressor("poisson").fit(X, Y))


def test_options_that_change_inside_are_noticed():
    chosen = {"rate": [0]}
    model = NaturalRegressor("poisson", features_for=chosen).partial_fit(X, Y)
    chosen["rate"].append(1)
    with pytest.raises(ValueError, match="features_for must stay as it was"):
        model.partial_fit(X, Y)


def test_fits_that_differ_are_merged_with_a_warning():
    from sklearn.exceptions import ConvergenceWarning

    one, two = (
        NaturalRegressor("poisson").fit(X, Y),
        NaturalRegressor("poisson").fit(X, Y[::-1] + 5),
    )
    with pytest.warns(ConvergenceWarning, match="joined fits that differ by .* nats"):
        one.merge(two)


def test_rows_of_other_totals_are_represented():
    """The numbers of trials of all rows, also after a merge."""
    rng = np.random.default_rng(3)

    def alike(*models):
        """The totals of a fit are those of a sample of its rows."""
        few = [model.distribution_.totals.count(5) for model in models]
        return (
            all(set(model.distribution_.totals) == {5, 50} for model in models)
            and abs(few[0] - few[1]) < 2
        )

    few, many = rng.binomial(5, 0.3, 200), rng.binomial(50, 0.3, 200)
    few, many = np.c_[few, 5 - few], np.c_[many, 50 - many]
    want = NaturalRegressor("binomial_rows").fit(X, np.r_[few, many])
    found = NaturalRegressor("binomial_rows").partial_fit(X[ONE], few).partial_fit(X[TWO], many)
    assert alike(found, want)
    one = NaturalRegressor("binomial_rows").fit(X[ONE], few)
    one.merge(NaturalRegressor("binomial_rows").fit(X[TWO], many))
    assert alike(one, want)
    assert_allclose(values(one), values(want), atol=0.02)
    whole = NaturalRegressor("binomial_rows")
    for _ in range(4):
        whole.partial_fit(X[ONE], few).partial_fit(X[TWO], many)
    assert alike(whole, want)


def test_a_response_of_another_width_is_refused():
    rows = np.tile(X, (4, 1))
    noise = np.random.default_rng(4).normal(size=rows.shape)
    model = NaturalRegressor("multivariate_normal").partial_fit(rows, rows + noise)
    with pytest.raises(ValueError, match="y must have 2 columns as in the first batch, got 3"):
        model.partial_fit(X, np.ones((400, 3)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_kink_that_hides_the_last_descent_does_not_end_it():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(4_000, 3))
    y = X @ np.ones(3) + rng.laplace(size=4_000)
    model = NaturalRegressor("laplace").partial_fit(X[:1_500], y[:1_500])
    for start in range(1_500, 3_500, 500):
        model.partial_fit(X[start : start + 500], y[start : start + 500])
    again = from_json(model.to_json()).partial_fit(X[3_500:], y[3_500:])
    model.partial_fit(X[3_500:], y[3_500:])
    assert_allclose(values(again), values(model), atol=0.02)


def test_offsets_are_those_of_both_parts_of_a_merge():
    one = NaturalRegressor("poisson").fit(X, Y, offset=np.ones(400))
    held = NaturalRegressor("poisson").partial_fit(X[ONE], Y[ONE], exposure=np.ones(200))
    for other in (NaturalRegressor("poisson").fit(X, Y), held):
        with pytest.raises(ValueError, match="same arguments among offset and exposure"):
            one.merge(other)


@pytest.mark.parametrize("kind", ["text", "fewer", "other order"])
@pytest.mark.parametrize("package", [pd, pl])
def test_levels_of_the_first_batch_are_those_of_held_rows(package, kind):
    rng = np.random.default_rng(0)
    level, x = rng.choice(list("ab"), 2_000), rng.normal(size=2_000)
    y = rng.poisson(np.exp(0.3 * x)).astype(float)

    def frame(rows, levels):
        if package is pd:
            g = (
                level[rows].astype(object)
                if levels is None
                else pd.Categorical(level[rows], levels)
            )
            return pd.DataFrame({"x": x[rows], "g": g})
        g = pl.Series(level[rows], dtype=pl.String if levels is None else pl.Enum(levels))
        return pl.DataFrame({"x": x[rows], "g": g})

    later = {"text": None, "fewer": list("ab"), "other order": list("cba")}[kind]
    model = NaturalRegressor("poisson", alpha=0.01)
    for start in range(0, 2_000, 400):
        rows = slice(start, start + 400)
        model.partial_fit(frame(rows, list("abc") if start == 0 else later), y[rows])
    assert list(model.coefficients_) == [f"rate[{n}]" for n in ("x", "g[b]", "g[c]", "intercept")]


def test_an_information_that_overflows_is_named():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1_500, 1))
    model = NaturalRegressor("gompertz").fit(X, rng.gamma(2.0, 1.0, 1_500))
    with pytest.raises(ValueError, match="standard errors away|finite"):
        model.partial_fit(X[:400], rng.gamma(2.0, 5_000.0, 400))
