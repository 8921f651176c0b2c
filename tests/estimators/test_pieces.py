"""Fits, scores and predictions of rows in pieces are those of the rows in memory."""

import functools
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import Censored
from natfit.models import MLP

#: Ends of batches: one without rows, one of a single row, and neither at the ends of chunks.
ENDS = (0, 40_000, 40_000, 40_001, 90_000)


def _batches(columns, ends):
    for first, last in zip(ends[:-1], ends[1:], strict=True):
        yield {k: _cut(v, first, last) for k, v in columns.items()}


def _cut(column, first, last):
    return column.iloc[first:last] if hasattr(column, "iloc") else column[first:last]


def stream(ends=ENDS, **columns):
    """Return a stream of some columns."""
    return natfit.Stream(functools.partial(_batches, columns, ends))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(20)
    X = rng.standard_normal((90_000, 3))
    eta = 0.3 + X @ [0.5, -0.3, 0.1]
    return {
        "X": X,
        "counts": rng.poisson(np.exp(eta)).astype(float),
        "positive": rng.gamma(2.0, np.exp(eta)),
        "real": eta + 0.5 * rng.standard_normal(90_000),
        "weight": rng.integers(0, 3, 90_000).astype(float),
        "offset": 0.1 * rng.standard_normal(90_000),
    }


@pytest.mark.parametrize("family", ["normal", "gamma", "weibull", "student_t", "gumbel"])
def test_densities_are_those_in_memory(data, family):
    y = data["positive"][:, None]
    here = natfit.NaturalMLE(family).fit(y, sample_weight=data["weight"])
    there = natfit.NaturalMLE(family).fit(stream(X=y, sample_weight=data["weight"]))
    assert there.status_ == here.status_
    assert there.n_obs_ == here.n_obs_
    for name, value in here.params_.items():
        error = here.standard_errors_[name]
        assert there.params_[name] == pytest.approx(value, abs=1e-4 * float(error[0]))
        assert there.standard_errors_[name] == pytest.approx(error, rel=1e-5)
    assert there.score(stream(X=y)) == pytest.approx(here.score(y), abs=1e-7)


def test_scores_of_rows_come_piece_by_piece(data):
    y = data["real"][:, None]
    fit = natfit.NaturalMLE("normal").fit(y)
    found = np.concatenate(list(fit.score_samples(stream(X=y))))
    np.testing.assert_array_equal(found, fit.score_samples(y))


@pytest.mark.parametrize(
    ("family", "name"), [("normal", "real"), ("poisson", "counts"), ("gamma", "positive")]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_regressions_are_those_in_memory(data, family, name, weighted):
    given = {"y": data[name], "offset": data["offset"]}
    given |= {"sample_weight": data["weight"]} if weighted else {}
    here = natfit.NaturalRegressor(family).fit(data["X"], **given)
    rows = stream(X=data["X"], **given)
    there = natfit.NaturalRegressor(family).fit(rows)
    assert there.status_ == here.status_ == "converged"
    for part, coef in here.coef_.items():
        if not np.size(coef):
            continue
        error = here.standard_errors_[part]
        np.testing.assert_allclose(there.coef_[part], coef, atol=1e-4 * np.min(error))
        np.testing.assert_allclose(there.standard_errors_[part], error, rtol=1e-5)
    assert there.score(rows) == pytest.approx(here.score(data["X"], **given), abs=1e-8)
    assert there.null_log_likelihood_ == pytest.approx(here.null_log_likelihood_, rel=1e-9)
    found = np.concatenate(list(there.predict(rows)))
    np.testing.assert_array_equal(found, there.predict(data["X"], offset=data["offset"]))


def test_classes_that_come_late_are_seen(data):
    labels = np.array(["low", "middle", "high"])[np.minimum(data["counts"], 2).astype(int)]
    order = np.argsort(labels, kind="stable")
    X, labels = data["X"][order], labels[order]
    here = natfit.NaturalClassifier().fit(X, labels)
    there = natfit.NaturalClassifier().fit(stream(X=X, y=labels))
    assert there.classes_.tolist() == here.classes_.tolist()
    np.testing.assert_allclose(there.coef_, here.coef_, atol=1e-6)
    assert there.score(stream(X=X, y=labels)) == here.score(X, labels)


def test_categories_that_come_late_are_seen(data):
    group = np.repeat(["a", "b", "c"], 30_000)
    frame = pd.DataFrame({"x": data["X"][:, 0], "group": group})
    here = natfit.NaturalRegressor("normal", features_for="all").fit(frame, data["real"])
    there = natfit.NaturalRegressor("normal", features_for="all").fit(
        stream(X=frame, y=data["real"])
    )
    assert there.features_for_ == here.features_for_
    np.testing.assert_allclose(there.coef_["loc"], here.coef_["loc"], atol=1e-6)


def test_limits_that_come_late_are_seen():
    y = np.repeat([0.0, 1.0, 2.0], [60_000, 20_000, 10_000])[:, None]
    here = natfit.NaturalMLE("categorical").fit(y)
    there = natfit.NaturalMLE("categorical").fit(stream(X=y))
    for name, value in here.params_.items():
        np.testing.assert_allclose(there.params_[name], value, atol=1e-7)


def test_censored_rows_come_in_batches(data):
    times = data["positive"]
    rows = Censored.right(np.minimum(times, 3.0), times < 3.0)
    here = natfit.NaturalMLE("weibull").fit(rows)
    there = natfit.NaturalMLE("weibull").fit(stream(X=rows))
    for name, value in here.params_.items():
        assert there.params_[name] == pytest.approx(
            value, abs=1e-4 * float(here.standard_errors_[name][0])
        )


def test_bits_do_not_depend_on_the_batches(data):
    X, y = data["X"], data["counts"]
    fits = [
        natfit.NaturalRegressor("poisson").fit(stream(ends, X=X, y=y))
        for ends in (ENDS, (0, 90_000), (0, 1, 10_000, 90_000))
    ]
    for other in fits[1:]:
        np.testing.assert_array_equal(other.coef_["rate"], fits[0].coef_["rate"])


def test_a_nan_names_its_batch(data):
    y = data["positive"][:, None].copy()
    y[70_000] = np.nan
    with pytest.raises(ValueError, match="NaN at row 70000"):
        natfit.NaturalMLE("gamma").fit(stream(X=y))


def test_a_row_outside_the_support_is_named(data):
    y = data["positive"][:, None].copy()
    y[70_000] = -1.0
    with pytest.raises(ValueError, match="row 70000"):
        natfit.NaturalMLE("gamma").fit(stream(X=y))


def test_methods_that_need_rows_in_memory_say_so(data):
    y = data["real"][:, None]
    fit = natfit.NaturalMLE("normal").fit(y)
    with pytest.raises(ValueError, match="rows in memory"):
        fit.goodness_of_fit(stream(X=y))


class _Lost:
    """Batches that are lost during a pass."""

    def __init__(self, X, passes):
        self.X, self.left = X, passes

    def __call__(self):
        self.left -= 1
        if self.left < 0:
            raise OSError("the file is gone")
        yield self.X


def test_a_fit_whose_rows_were_lost_goes_on(data):
    y = data["positive"][:, None]
    fit = natfit.NaturalMLE("weibull", warm_start=True)
    with pytest.raises(OSError, match="gone"):
        fit.fit(natfit.Stream(_Lost(y, 5)))
    assert not hasattr(fit, "params_")
    fit.fit(stream(X=y))
    whole = natfit.NaturalMLE("weibull").fit(stream(X=y))
    assert fit.status_ == "converged"
    assert fit.n_iter_ < whole.n_iter_


def _close(found, want):
    """Compare two entries of a table, of which the best fit lacks some."""
    assert (found is None) == (want is None)
    if want is not None:
        assert found == pytest.approx(want, rel=1e-6)


def test_comparisons_of_densities_are_those_in_memory(data):
    y, families = data["positive"], ["gamma", "weibull", "lognormal"]
    here = natfit.compare(y, families)
    there = natfit.compare(stream(X=y[:, None]), families)
    for one, other in zip(there.table, here.table, strict=True):
        assert one["name"] == other["name"]
        for name in ("aic", "bic", "tic", "vuong_z", "vuong_p"):
            _close(one[name], other[name])
        assert one["fit"] is None


def test_comparisons_of_regressions_are_those_in_memory(data):
    given = {"y": data["positive"], "sample_weight": data["weight"]}
    families = ["gamma", "lognormal"]
    here = natfit.compare(data["X"], families, **given)
    there = natfit.compare(stream(X=data["X"], **given), families)
    for one, other in zip(there.table, here.table, strict=True):
        assert one["name"] == other["name"]
        for name in ("aic", "tic", "vuong_z", "vuong_p"):
            _close(one[name], other[name])


def test_inference_about_regressions_is_that_in_memory(data):
    rows = stream(X=data["X"], y=data["counts"])
    there = natfit.NaturalRegressor("poisson").fit(rows)
    here = natfit.NaturalRegressor("poisson").fit(data["X"], data["counts"])
    given = {"X": data["X"], "y": data["counts"]}
    for kind in ("observed", "expected", "opg", "robust"):
        found = there.cov_params(cov_type=kind, X=rows)
        np.testing.assert_allclose(found, here.cov_params(cov_type=kind, **given), rtol=1e-6)
    null = {"x0": 0.49}
    for test in ("likelihood_ratio_test", "score_test"):
        found = getattr(there, test)(null, X=rows).statistic
        assert found == pytest.approx(getattr(here, test)(null, **given).statistic, rel=1e-6)
    found = there.conf_int(method="profile", X=rows)["rate[x1]"]
    want = here.conf_int(method="profile", **given)["rate[x1]"]
    np.testing.assert_allclose(found, want, rtol=1e-6)
    assert there.tic(rows) == pytest.approx(here.tic(**given), rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 1_000, "max_iter": 2},
        {"batch_size": 1_000, "max_iter": 3, "early_stopping": True},
        {"max_iter": 6},
    ],
)
def test_networks_are_trained_on_streams(data, options):
    X, y = data["X"], data["real"] ** 2
    model = natfit.NaturalRegressor("normal", predictor=MLP((6,)), **options)
    with pytest.warns(ConvergenceWarning):
        there = model.fit(stream(X=X, y=y))
        theta, score = there._theta, there.score(X, y)
        again = model.fit(stream(X=X, y=y))
        here = natfit.NaturalRegressor("normal", predictor=MLP((6,)), **options).fit(X, y)
    # The same bits each time; as far as rows in memory come in as many passes.
    np.testing.assert_array_equal(again._theta, theta)
    assert score > here.score(X, y) - 0.1


@pytest.mark.parametrize("formula", ["scale(a) + b", "center(b)", "poly(a, 2)", "bs(a, df=4)"])
def test_formulas_that_need_all_rows_are_refused(data, formula):
    frame = pd.DataFrame(data["X"][:, :2], columns=["a", "b"]).clip(-1.0, 1.0)
    model = natfit.NaturalRegressor("normal", features_for={"loc": formula})
    with pytest.raises(ValueError, match="rows in pieces; add that column"):
        model.fit(stream(X=frame, y=data["real"]))


def test_formulas_of_each_row_are_taken(data):
    frame = pd.DataFrame(data["X"], columns=list("abc"))
    frame["g"] = np.repeat(["u", "v", "w"], 30_000)
    options = {"features_for": {"loc": "a + a:b + C(g) + np.log(abs(c))"}}
    here = natfit.NaturalRegressor("normal", **options).fit(frame, data["real"])
    there = natfit.NaturalRegressor("normal", **options).fit(stream(X=frame, y=data["real"]))
    np.testing.assert_allclose(there.coef_["loc"], here.coef_["loc"], atol=1e-6)


@pytest.mark.parametrize("form", ["full", "diag", "spherical"])
def test_gaussians_are_those_in_memory(data, form):
    X = data["X"]
    far = natfit.NaturalGaussianMLE(form).fit(stream(X=X))
    np.testing.assert_allclose(
        far.covariance_, natfit.NaturalGaussianMLE(form).fit(X).covariance_, rtol=1e-10
    )


def test_parameters_and_components_come_piece_by_piece(data):
    X, counts = data["X"], data["counts"]
    model = natfit.NaturalRegressor("poisson").fit(X, counts)
    far = [part["rate"] for part in model.predict_params(stream(X=X))]
    np.testing.assert_array_equal(np.concatenate(far), model.predict_params(X)["rate"])
    rows = np.concatenate([X[:, :1], X[:, :1] + 9.0])
    mixture = natfit.NaturalMLE(natfit.distributions.Mixture("normal", 2)).fit(rows)
    for method in (mixture.predict, mixture.predict_proba):
        far = np.concatenate(list(method(stream(X=rows, ends=(0, len(rows))))))
        np.testing.assert_array_equal(far, method(rows))


@pytest.mark.parametrize("absent", [None, np.nan])
@pytest.mark.parametrize("dtype", ["object", "category"])
def test_missing_levels_and_labels_are_named(data, absent, dtype):
    n = len(data["X"])
    levels = pd.Series(np.resize(["u", "v", "w"], n).astype(object))
    levels[n - 3] = absent
    frame, y = pd.DataFrame({"c": levels.astype(dtype)}), pd.Series(data["counts"])
    with pytest.raises(ValueError, match=rf"column 'c' of X must not .* row {n - 3}"):
        natfit.NaturalRegressor("poisson").fit(natfit.Stream(lambda: iter([(frame, y)])))
    with pytest.raises(ValueError, match=rf"y must not have missing labels.* row {n - 3}"):
        natfit.NaturalClassifier().fit(natfit.Stream(lambda: iter([(data["X"], levels)])))


@pytest.mark.parametrize("first, last", [(30_000, 90_000), (0, 60_000)])
def test_pieces_of_missing_values_are_no_rows(data, first, last):
    y = data["positive"][:, None].copy()
    y[first:last] = np.nan
    near, far = (
        natfit.NaturalMLE("gamma", missing="drop").fit(rows)
        for rows in (y, natfit.Stream(y, memory=2**16))
    )
    assert far.n_obs_ == near.n_obs_ == 30_000
    np.testing.assert_allclose(far.theta_, near.theta_, rtol=1e-10)
    near.partial_fit(np.full((3, 1), np.nan))
    assert near.n_obs_ == 30_000


def test_an_end_does_not_wait_for_a_slow_reader():
    def slow():
        yield np.ones((20_000, 1))
        time.sleep(6.0)
        yield np.ones((2_000, 1))

    began = time.monotonic()
    for _ in natfit.Stream(slow, memory=2**16).each(lambda index, given: None):
        break
    assert time.monotonic() - began < 5.0
