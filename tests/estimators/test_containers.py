"""Every container that fit takes, in every method of the fitted object; those that it refuses."""

import array
import collections
import datetime
import decimal
import itertools

import matplotlib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse, stats
from sklearn.model_selection import cross_val_score

import natfit
from natfit import Censored, NaturalMLE
from natfit.display import (
    ConvergenceDisplay,
    DensityDisplay,
    GradientFieldDisplay,
    PathDisplay,
    ProbabilityPlotDisplay,
)

matplotlib.use("Agg")

#: Half units, so that every dtype below holds them exactly.
RAIN = np.round(np.random.default_rng(0).gamma(4.0, 2.0, 40) * 2.0 + 1.0) / 2.0
WIND = RAIN[::-1] + 1.0
WEIGHT = np.arange(1.0, 41.0)


class Labelled:
    """An array of another library, such as xarray's: it has ``__array__`` and little more."""

    def __init__(self, values):
        self.values, self.shape, self.ndim = values, values.shape, values.ndim

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)

    def __len__(self):
        return len(self.values)


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def mapped(x, tmp_path):
    np.save(tmp_path / "x.npy", x)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


VECTORS = {
    "array": lambda x: x,
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x),
    "float16": lambda x: x.astype(np.float16),
    "float32": lambda x: x.astype(np.float32),
    "longdouble": lambda x: x.astype(np.longdouble),
    "objects": lambda x: x.astype(object),
    "decimals": lambda x: [decimal.Decimal(v) for v in x],
    "array.array": lambda x: array.array("d", x),
    "deque": lambda x: collections.deque(x),
    "strided": lambda x: np.repeat(x, 2)[::2],
    "read-only": read_only,
    "masked nowhere": lambda x: np.ma.array(x, mask=np.zeros(len(x), bool)),
    "Series": lambda x: pd.Series(x, name="rain"),
    "Series with gaps in its index": lambda x: pd.Series(x, index=np.arange(len(x)) * 3),
    "Float64": lambda x: pd.Series(x, dtype="Float64", name="rain"),
    "Index": lambda x: pd.Index(x),
    "polars": lambda x: pl.Series("rain", x),
    "polars, 32 bits": lambda x: pl.Series("rain", x).cast(pl.Float32),
    "polars, decimals": lambda x: pl.Series("rain", x).cast(pl.Decimal(10, 1)),
    "column": lambda x: x[:, None],
    "frame": lambda x: pd.DataFrame({"rain": x}),
    "frame of Float64": lambda x: pd.DataFrame({"rain": x}).astype("Float64"),
    "polars frame": lambda x: pl.DataFrame({"rain": x}),
    "labelled": Labelled,
}

#: Tables of two columns.
TABLES = {
    "array": lambda x: x,
    "lists": lambda x: x.tolist(),
    "rows": lambda x: list(x),
    "Fortran": np.asfortranarray,
    "reversed": lambda x: x[::-1][::-1],
    "frame": lambda x: pd.DataFrame(x, columns=["rain", "wind"]),
    "numbered frame": lambda x: pd.DataFrame(x),
    "two dtypes": lambda x: pd.DataFrame({"rain": pd.array(x[:, 0], "Float64"), "wind": x[:, 1]}),
    "polars": lambda x: pl.DataFrame({"rain": x[:, 0], "wind": x[:, 1]}),
    "masked nowhere": lambda x: np.ma.array(x),
    "labelled": Labelled,
}


def results(model, X, weight=None):
    """What every public method that takes data returns."""
    return [
        np.concatenate([v.ravel() for v in model.params_.values()]),
        model.cov_params(),
        model.cov_params("expected"),
        model.cov_params("robust", X, weight),
        model.score_samples(X),
        model.score(X),
        model.score(X, sample_weight=weight),
    ]


def assert_same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


PLAIN = natfit.fit("gamma", RAIN)
PLAIN_RESULTS = results(PLAIN, RAIN[:, None])


@pytest.mark.parametrize("form", VECTORS)
def test_vectors_after_fit(form):
    x = VECTORS[form](RAIN)
    assert_same(results(natfit.fit("gamma", x), x), PLAIN_RESULTS)
    # A container of one kind in the fit, of another in the score.
    assert_same(results(PLAIN, x if not hasattr(x, "columns") else x.to_numpy()), PLAIN_RESULTS)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, "Int64", "boolean"])
def test_whole_numbers_and_truth_values(dtype):
    x = np.array([0, 1, 1, 0, 1])
    held = pd.Series(x).astype(dtype) if isinstance(dtype, str) else x.astype(dtype)
    assert natfit.fit("bernoulli", held).params_["prob"][0] == pytest.approx(0.6)
    assert natfit.fit("bernoulli", x).score(held) == pytest.approx(
        stats.bernoulli(0.6).logpmf(x).mean()
    )


def test_a_memory_map_is_not_copied(tmp_path):
    x = mapped(RAIN, tmp_path)
    assert_same(results(natfit.fit("gamma", x), x), PLAIN_RESULTS)


@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("family", ["gamma", "multivariate_normal"])
def test_tables_after_fit(family, form):
    X = TABLES[form](np.stack([RAIN, WIND], axis=1))
    plain = np.stack([RAIN, WIND], axis=1)
    assert_same(
        results(NaturalMLE(family).fit(X), X), results(NaturalMLE(family).fit(plain), plain)
    )


WEIGHTS = ["array", "list", "tuple", "float16", "Series", "Float64", "polars", "labelled"]


@pytest.mark.parametrize("form", WEIGHTS)
def test_weights_in_every_container(form):
    held = VECTORS[form](WEIGHT)
    wanted = results(natfit.fit("gamma", RAIN, sample_weight=WEIGHT), RAIN, WEIGHT)
    assert_same(results(natfit.fit("gamma", RAIN, sample_weight=held), RAIN, held), wanted)


# ------------------------------------------------------------------------------ censored

ENTRY, EVENT = RAIN / 3.0, np.arange(40) % 4 > 0

ROWS = {
    "right": (RAIN, np.where(EVENT, RAIN, np.inf), None),
    "left": (np.where(EVENT, RAIN, -np.inf), RAIN, None),
    "interval": (RAIN - 0.25, RAIN + 0.25, None),
    "exact, late": (RAIN, RAIN, ENTRY),
    "right, late": (RAIN, np.where(EVENT, RAIN, np.inf), ENTRY),
}


def made(kind, hold):
    """Rows of one kind, made of containers."""
    late = (hold(ENTRY), None)
    return {
        "right": lambda: Censored.right(hold(RAIN), hold(EVENT)),
        "left": lambda: Censored.left(hold(RAIN), hold(EVENT)),
        "interval": lambda: Censored.interval(hold(RAIN - 0.25), hold(RAIN + 0.25)),
        "exact, late": lambda: Censored.exact(hold(RAIN), truncation=late),
        "right, late": lambda: Censored.right(hold(RAIN), hold(EVENT), truncation=late),
    }[kind]()


def log_likelihoods(kind, shape, scale):
    """Of every row, by scipy."""
    lower, upper, entry = ROWS[kind]
    frozen = stats.gamma(shape, scale=scale)
    with np.errstate(divide="ignore"):
        values = np.where(
            lower == upper, frozen.logpdf(lower), np.log(frozen.cdf(upper) - frozen.cdf(lower))
        )
    return values if entry is None else values - frozen.logsf(entry)


@pytest.mark.parametrize("hold", [np.asarray, list, pd.Series, pl.Series], ids=lambda h: h.__name__)
@pytest.mark.parametrize("kind", ROWS)
def test_censored_rows_in_every_method(kind, hold):
    rows = made(kind, hold)
    model = natfit.fit("gamma", rows, tol=1e-9)
    shape, scale = model.params_["shape"][0], model.params_["scale"][0]
    wanted = log_likelihoods(kind, shape, scale)
    np.testing.assert_allclose(model.score_samples(rows), wanted, rtol=1e-9)
    assert model.score(rows, sample_weight=WEIGHT) == pytest.approx(
        np.average(wanted, weights=WEIGHT)
    )
    robust = model.cov_params("robust", rows)
    assert robust.shape == (2, 2) and (np.linalg.eigvalsh(robust) > 0).all()
    for step in ([1e-3, 0], [-1e-3, 0], [0, 1e-3], [0, -1e-3]):
        a, b = np.exp(step)
        assert log_likelihoods(kind, shape * a, scale * b).sum() < wanted.sum() + 1e-9
    # Complete rows, too, and others than those of the fit.
    assert model.score(RAIN) == pytest.approx(stats.gamma(shape, scale=scale).logpdf(RAIN).mean())
    assert model.score_samples(rows[3:5]) == pytest.approx(wanted[3:5])


@pytest.mark.parametrize("kind", ROWS)
def test_censored_rows_are_split(kind):
    rows = made(kind, np.asarray)
    scores = cross_val_score(NaturalMLE("gamma"), rows, cv=4)
    for fold, score in enumerate(scores):
        test = np.arange(10 * fold, 10 * fold + 10)
        model = NaturalMLE("gamma").fit(rows[np.setdiff1d(np.arange(40), test)])
        assert score == pytest.approx(model.score(rows[test]), rel=1e-12)


# ------------------------------------------------------------------------------- displays


def displays(model, X):
    return [
        *(
            DensityDisplay.from_estimator(model, X, kind=kind)
            for kind in ("hist", "rug", "qq", "pp", "return_level", "survival")
        ),
        ProbabilityPlotDisplay.from_estimator(model, X, paper="weibull"),
        PathDisplay.from_estimator(model, X, grid_resolution=3),
        GradientFieldDisplay.from_estimator(model, X, grid_resolution=2),
        ConvergenceDisplay.from_estimator(model),
    ]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("form", ["Series", "masked nowhere"])
def test_displays_of_vectors(form):
    x = VECTORS[form](RAIN)
    for one, other in zip(displays(natfit.fit("gamma", x), x), displays(PLAIN, RAIN), strict=True):
        for name in ("sample", "position", "share", "log_likelihood", "gradient"):
            if getattr(other, name, None) is not None:
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)


@pytest.mark.parametrize("kind", ["interval", "right, late"])
def test_displays_of_censored_rows(kind):
    rows = made(kind, np.asarray)
    drawn = displays(natfit.fit("gamma", rows), rows)
    assert len(drawn) == 10
    for density in drawn[:5]:
        assert (np.diff(density.sample) > 0).all()
        assert density.weight.sum() == pytest.approx(40.0 * density.drawn)
        if density.share is not None:
            assert (np.diff(density.share) > 0).all() and 0 < density.share[0]
            assert density.share[-1] < 1


def test_probabilities_of_censored_rows_are_kaplans_and_meiers():
    rows = made("right", np.asarray)
    display = DensityDisplay.from_estimator(natfit.fit("gamma", rows), rows, kind="pp")
    survival, steps = 1.0, []
    for value in np.unique(RAIN[EVENT]):
        deaths = ((value == RAIN) & EVENT).sum()
        steps.append(survival * deaths / (value <= RAIN).sum())
        survival -= steps[-1]
    np.testing.assert_allclose(display.weight / 40.0, steps, atol=1e-5)
    # A histogram's area is the share that was seen, so that the density fits it.
    hist = DensityDisplay.from_estimator(natfit.fit("gamma", rows), rows)
    area = sum(bar.get_height() * bar.get_width() for bar in hist.points_)
    assert area == pytest.approx(1.0 - survival, abs=1e-5)


# --------------------------------------------------------------------------------- names


def test_names_are_kept():
    frame = pd.DataFrame({"rain": RAIN, "wind": WIND})
    one, two = natfit.fit("gamma", frame["rain"]), natfit.fit("gamma", frame)
    assert list(one.feature_names_in_) == ["rain"]
    assert two.param_names_ == ["shape[rain]", "scale[rain]", "shape[wind]", "scale[wind]"]
    for kind, axis, label in (
        ("hist", "x", "wind"),
        ("rug", "x", "wind"),
        ("qq", "y", "empirical quantile of wind"),
        ("return_level", "y", "return level of wind"),
    ):
        drawn = DensityDisplay.from_estimator(two, frame, kind=kind, column="wind")
        assert getattr(drawn.ax_, f"get_{axis}label")() == label
    by_name = PathDisplay.from_estimator(two, frame, column="wind", grid_resolution=4)
    by_place = PathDisplay.from_estimator(two, frame, column=1, grid_resolution=4)
    np.testing.assert_array_equal(by_name.log_likelihood, by_place.log_likelihood)
    with pytest.raises(ValueError, match="got 'wnd'; did you mean 'wind'"):
        DensityDisplay.from_estimator(two, frame, column="wnd")


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_messages_name_the_column(library):
    bad = {"wind": WIND.tolist(), "rain": [*RAIN[:-1].tolist(), -1.0]}
    with pytest.raises(ValueError, match="column 'rain' of X: .*-1.0 at row 39"):
        NaturalMLE("gamma").fit(library.DataFrame(bad))
    with pytest.raises(ValueError, match="column 'rain' of X: "):
        natfit.fit("gamma", library.DataFrame(bad)["rain"])
    bad["rain"][-1] = np.nan
    with pytest.raises(ValueError, match="column 'rain' of X: .*NaN at row 39.*missing='drop'"):
        NaturalMLE("gamma").fit(library.DataFrame(bad))
    good = NaturalMLE("gamma").fit(library.DataFrame({"wind": WIND, "rain": RAIN}))
    with pytest.raises(ValueError, match="NaN at row 39 in column 'rain'.*missing='drop'"):
        good.score(library.DataFrame(bad))
    with pytest.warns(UserWarning, match="column 'flat': boundary: df -> inf"):
        flat = np.random.default_rng(0).uniform(-1, 1, 100)
        tails = np.random.default_rng(1).standard_t(2.0, 100)
        NaturalMLE("student_t").fit(library.DataFrame({"tails": tails, "flat": flat}))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_the_name_of_times_is_kept(library):
    frame = library.DataFrame({"days": RAIN, "seen": EVENT})
    rows = Censored.right(frame["days"], frame["seen"])
    assert rows[3:].name == Censored.exact(frame["days"]).name == "days"
    model = natfit.fit("gamma", rows)
    assert list(model.feature_names_in_) == ["days"]
    drawn = DensityDisplay.from_estimator(model, rows, kind="rug")
    assert drawn.ax_.get_xlabel() == "days"
    assert model.score(rows[:5]) == model.score(Censored(rows.lower[:5], rows.upper[:5]))
    assert not hasattr(natfit.fit("gamma", Censored(RAIN, RAIN)), "feature_names_in_")


def test_names_of_another_order_are_refused():
    frame = pd.DataFrame({"rain": RAIN, "wind": WIND})
    model = NaturalMLE("gamma").fit(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        model.score(frame[["wind", "rain"]])
    with pytest.warns(UserWarning, match="does not have valid feature names") as said:
        model.score(frame.to_numpy())
    assert said[0].filename == __file__
    with pytest.warns(UserWarning, match="X has feature names, but NaturalMLE was fitted without"):
        NaturalMLE("gamma").fit(frame.to_numpy()).score(frame)


# ------------------------------------------------------------------------ missing values

GAPS = np.array([3, 17])


def with_gaps(form):
    x = RAIN.copy()
    if form == "masked":
        return np.ma.array(
            np.where(np.isin(np.arange(40), GAPS), 1e9, x), mask=np.isin(np.arange(40), GAPS)
        )
    if form == "list of masked":
        return [np.ma.masked if i in GAPS else v for i, v in enumerate(x)]
    x[GAPS] = np.nan
    if form == "None":
        return [None if np.isnan(v) else v for v in x]
    if form == "NA":
        return pd.Series(x, dtype="Float64")
    if form == "null":
        return pl.Series("rain", x).fill_nan(None)
    return x


FORMS = ["nan", "masked", "list of masked", "None", "NA", "null"]


@pytest.mark.parametrize("form", FORMS)
def test_missing_values_are_dropped_only_on_request(form):
    x, kept = with_gaps(form), np.setdiff1d(np.arange(40), GAPS)
    with pytest.raises(ValueError, match="row 3.*missing='drop'"):
        natfit.fit("gamma", x)
    with pytest.raises(ValueError, match="row 3.*missing='drop'"):
        PLAIN.score(x)
    model = natfit.fit("gamma", x, sample_weight=WEIGHT, missing="drop")
    plain = natfit.fit("gamma", RAIN[kept], sample_weight=WEIGHT[kept])
    assert model.n_obs_ == WEIGHT[kept].sum()
    assert_same(results(model, x, WEIGHT), results(plain, RAIN[kept], WEIGHT[kept]))
    display = DensityDisplay.from_estimator(model, x, kind="rug")
    np.testing.assert_array_equal(display.sample, np.sort(RAIN[kept]))


@pytest.mark.parametrize("form", FORMS)
def test_missing_values_of_weight_zero_are_not_read(form):
    x, kept = with_gaps(form), np.setdiff1d(np.arange(40), GAPS)
    weight = np.ones(40)
    weight[GAPS] = 0.0
    model, plain = natfit.fit("gamma", x, sample_weight=weight), natfit.fit("gamma", RAIN[kept])
    assert model.score(x, sample_weight=weight) == pytest.approx(plain.score(RAIN[kept]))
    robust = model.cov_params("robust", x, weight)
    np.testing.assert_allclose(robust, plain.cov_params("robust", RAIN[kept]), rtol=1e-9)


def test_a_masked_value_is_not_data():
    x = np.ma.array([1.0, 2.0, 3.0, 1e9], mask=[0, 0, 0, 1])
    with pytest.raises(ValueError, match="must not be masked, got a masked value at row 3"):
        natfit.fit("normal", x)
    assert natfit.fit("normal", x, missing="drop").params_["loc"][0] == pytest.approx(2.0)
    with pytest.raises(ValueError, match="sample_weight must not be masked.*row 3.*filled"):
        natfit.fit("normal", [1.0, 2.0, 3.0, 4.0], sample_weight=x)


def test_a_row_is_dropped_for_any_of_its_columns():
    X = np.stack([RAIN, WIND], axis=1)
    X[3, 0] = X[17, 1] = np.nan
    kept = np.isfinite(X).all(axis=1)
    model = NaturalMLE("multivariate_normal", missing="drop").fit(X)
    assert_same(results(model, X), results(NaturalMLE("multivariate_normal").fit(X[kept]), X[kept]))
    with pytest.raises(ValueError, match="at least 2 rows without missing values, got 1"):
        natfit.fit("normal", [1.0, np.nan, np.nan], missing="drop")
    with pytest.raises(ValueError, match="none among 2 rows"):
        natfit.fit("normal", [np.nan, np.nan], missing="drop")
    with pytest.raises(ValueError, match="infinity"):
        natfit.fit("normal", [1.0, 2.0, np.inf], missing="drop")
    with pytest.raises(ValueError, match="missing must be one of .*'raise'"):
        natfit.fit("normal", RAIN, missing="raise")


# ------------------------------------------------------------------------------- refused

WHEN = np.array(["2020-01-01", "2020-01-03", "2020-01-07"], dtype="M8[D]")
STEP = np.array([1, 2, 5], dtype="m8[s]")
DAYS = [datetime.date(2020, 1, d) for d in (1, 3, 7)]

REFUSED = {
    "datetime64": (WHEN, "datetimes: subtract an origin and divide by a unit"),
    "timedelta64": (STEP, "timedeltas: divide by a unit"),
    "dates": (DAYS, "datetimes"),
    "Timestamps": ([*pd.to_datetime(WHEN)], "datetimes"),
    "time zone": (pd.Series(pd.to_datetime(WHEN)).dt.tz_localize("UTC"), "datetimes"),
    "Timedeltas": (pd.Series(pd.to_timedelta(STEP)), "timedeltas"),
    "polars dates": (pl.Series(DAYS), "datetimes"),
    "polars timedeltas": (pl.Series([datetime.timedelta(1)] * 3), "timedeltas"),
    "periods": (pd.Series(pd.period_range("2020", periods=3, freq="D")), "datetimes"),
    "intervals": (pd.Series(pd.interval_range(0, 3)), "Censored.interval"),
    "text": (["1.0", "2.0", "4.0"], "text: convert it to numbers"),
    "words": (["a", "b", "c"], "text: encode it as numbers"),
    "bytes": ([b"1", b"2", b"4"], "text"),
    "strings": (pd.Series(["1.0", "2.0", "4.0"]), "text"),
    "polars strings": (pl.Series(["1.0", "2.0", "4.0"]), "text"),
    "complex": ([1j, 2.0, 4.0], "Complex data not supported"),
    "complex objects": (np.array([1j, 2.0, 4.0], dtype=object), "Complex data not supported"),
    "categories": (pd.Series(["a", "b", "c"], dtype="category"), "categories"),
    "object column": (pd.Series([1.0, 2.0, 4.0], dtype=object), "dtype object.*astype"),
    "nested": (pl.Series([[1.0], [2.0], [4.0]]), "several entries"),
    "dict": ({"a": [1.0, 2.0, 4.0]}, "got dict; use pandas.DataFrame"),
    "set": ({1.0, 2.0, 4.0}, "no order"),
    "generator": ((float(i) for i in range(3)), "use list"),
    "iterator": (itertools.count(), "use list"),
    "nothing": (None, "got None"),
    "object": (object(), "got object"),
    "word": ("rain", "text"),
    "records": (np.array([(True, 1.0)], [("event", "?"), ("time", "f8")]), "Censored.right"),
    "sparse": (sparse.csr_array(np.eye(3)), "toarray"),
    "huge": ([1, 2, 10**400], "range of doubles"),
    "dicts": ([{"a": 1}, {"a": 2}], "not 'dict'"),
    "number": (3.0, "Expected 2D array, got scalar array"),
    "values of a dict": ({"a": 1.0}.values(), r"got dict_values; use list\(X\)"),
    "empty": ([], "0 sample"),
    "a row of values": ([[1.0, 2.0, 4.0]], r"its 3 values are rows of one column, pass X\.T"),
    "three dimensions": (np.ones((3, 2, 2)), "dim 3"),
    "no columns": (np.empty((3, 0)), "0 feature"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_numbers_is_refused_by_name(name):
    data, words = REFUSED[name]
    if name == "generator":
        data = (float(i) for i in range(3))
    with pytest.raises((TypeError, ValueError), match=words):
        natfit.fit("normal", data)
    if name == "generator":
        data = (float(i) for i in range(3))
    with pytest.raises((TypeError, ValueError)):
        PLAIN.score(data)


@pytest.mark.parametrize(
    "name", ["datetime64", "timedelta64", "words", "complex", "sparse", "dict"]
)
def test_weights_and_times_that_are_no_numbers(name):
    data = REFUSED[name][0]
    with pytest.raises(ValueError, match="sample_weight must be numeric"):
        natfit.fit("normal", [1.0, 2.0, 4.0], sample_weight=data)
    with pytest.raises((TypeError, ValueError), match="time"):
        Censored.right(data, [1, 0, 1])


def test_columns_of_one_name_are_refused():
    frame = pd.DataFrame(np.stack([RAIN, WIND], axis=1), columns=["rain", "rain"])
    with pytest.raises(ValueError, match="different names, got 'rain' 2 times; rename"):
        natfit.fit("gamma", frame)
    frame.columns = [7, 8]
    assert natfit.fit("gamma", frame).param_names_[2] == "shape[1]"


def test_a_frame_names_the_column_that_is_refused():
    for library, (bad, words) in itertools.product(
        (pd, pl), [(WHEN, "datetimes"), (STEP, "timedeltas"), (["a", "b", "c"], "text")]
    ):
        if library is pl and isinstance(bad, np.ndarray):
            bad = pl.Series([*pd.Series(bad)])
        frame = library.DataFrame({"size": [1.0, 2.0, 4.0], "other": bad})
        with pytest.raises(ValueError, match=f"column 'other' of X holds {words}"):
            natfit.fit("normal", frame)


def test_messages_on_several_columns_have_their_names():
    rng = np.random.default_rng(51)
    X = rng.normal(size=(50, 3))
    frame = pd.DataFrame(np.column_stack([X, X[:, 0] + X[:, 2]]), columns=list("abcd"))
    with pytest.warns(UserWarning, match=r"combination of the columns \['a', 'c', 'd'\]") as said:
        model = NaturalMLE("multivariate_normal").fit(frame)
    assert model.message_ in str(said[0].message)
    with pytest.raises(ValueError, match=r"one plane .* column\(s\) \['a', 'c', 'd'\]"):
        NaturalMLE("multivariate_t").fit(frame)
    frame["b"] = 1.0
    with pytest.raises(ValueError, match=r"no constant column .* column\(s\) \['b'\] with 50"):
        NaturalMLE("multivariate_normal").fit(frame[["a", "b"]])
    with pytest.raises(ValueError, match=r"column\(s\) \[1\] with 50"):
        NaturalMLE("multivariate_normal").fit(frame[["a", "b"]].to_numpy())
    classes = pd.DataFrame({"hair": rng.integers(0, 2, 50), "eyes": rng.choice([0, 2], 50)})
    with pytest.warns(UserWarning, match="boundary: column 'eyes': "):
        NaturalMLE("multi_categorical").fit(classes)


def test_words_about_columns_travel():
    import pickle

    from natfit.distributions.contract.columns import OfColumns

    words = pickle.loads(pickle.dumps(OfColumns("in ", 1, " and ", [0, 2], ".")))
    assert words == "in 1 and [0, 2]."
    assert words.named(["a", "b", "c"]) == "in 'b' and ['a', 'c']."
