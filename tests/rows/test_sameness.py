"""Rows of a stream that are others at a later pass are refused, and those that are the same are not."""

import datetime

import numpy as np
import pandas
import polars
import pytest
from scipy import sparse

import natfit
from natfit.distributions import Censored
from natfit.rows import Given
from natfit.rows._sameness import sums_of

RNG = np.random.default_rng(6)
N = 140_000
X, Y = RNG.standard_normal((N, 2)), RNG.poisson(1.0, N).astype(float)
WEIGHT = RNG.integers(1, 4, N).astype(float)


def changing(change, after):
    """Return a stream whose second batch is another one after some readings."""
    calls = [0]

    def batches():
        calls[0] += 1
        whole = {"X": X, "y": Y, "sample_weight": WEIGHT}
        if calls[0] > after:
            whole |= change(whole)
        for start in (0, 100_000):
            yield {name: part[start : start + 100_000] for name, part in whole.items()}

    return natfit.Stream(batches)


def _late(values, made):
    out = values.copy()
    out[131_072:] = made(out[131_072:])
    return out


CHANGES = {
    "scale": lambda g: {"X": _late(g["X"], lambda x: x * 1.01)},
    "one column": lambda g: {"X": g["X"] * [1.0, 1.001]},
    "order": lambda g: {name: _late(part, lambda p: p[::-1]) for name, part in g.items()},
    "y": lambda g: {"y": _late(g["y"], lambda y: y + 1)},
    "weight": lambda g: {"sample_weight": _late(g["sample_weight"], lambda w: w[::-1])},
    "columns": lambda g: {"X": g["X"][:, :1]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_rows_that_change_between_passes_are_refused(change):
    stream = changing(change, after=3)
    with pytest.raises(ValueError, match=r"same at every pass, got other rows in rows .* batch"):
        natfit.NaturalRegressor("poisson").fit(stream)


def test_the_batches_that_changed_are_named():
    stream = changing(CHANGES["scale"], after=1)
    list(stream.lazily(lambda index, given: None))
    with pytest.raises(ValueError, match="rows 131072 to 139999, batch 1, than in the first pass"):
        list(stream.lazily(lambda index, given: None))


@pytest.mark.parametrize("after", [0, 1])
def test_random_batches_are_refused_with_the_remedy(after):
    rng = np.random.default_rng(0)

    def batches():
        yield rng.standard_normal((5_000, 1))

    stream = natfit.Stream(batches)
    use = stream.head if after == 0 else lambda: list(stream.lazily(lambda i, g: None))
    use()
    with pytest.raises(ValueError, match="generator anew, with a seed, at every call; .*partial_"):
        list(stream.lazily(lambda index, given: None))


@pytest.mark.parametrize(
    "change",
    [lambda x: x, lambda x: np.nextafter(x, 9.0), lambda x: x.astype(np.float32).astype(float)],
    ids=["the same", "last bits", "single precision"],
)
def test_rows_that_differ_by_rounding_are_the_same(change):
    fit = natfit.NaturalRegressor("poisson").fit(changing(lambda g: {"X": change(g["X"])}, 3))
    assert fit.status_ == "converged"


def _frames(text):
    yield pandas.DataFrame({"a": [1.0, np.nan, np.inf], "t": [text, "v", None]})
    yield pandas.DataFrame({"a": [1, 2], "t": pandas.Categorical([text, "v"])})
    yield pandas.DataFrame({"a": pandas.array([1, None], dtype="Int64"), "t": [text, object()]})
    yield pandas.DataFrame({"t": [text, datetime.date(2020, 1, 1)]})
    yield polars.DataFrame({"a": [1.0, None], "t": [text, "v"]})
    yield pandas.Series([text, "v"], name="t")
    yield np.array([[text, "v"]])


@pytest.mark.parametrize("k", range(7))
def test_texts_and_missing_values_are_compared(k):
    (one, _), (same, _), (other, _) = (sums_of(Given(list(_frames(t))[k])) for t in ("u", "u", "w"))
    assert np.isfinite(one).all()
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_dates_sparse_and_censored_rows_are_compared():
    days = pandas.DataFrame({"day": pandas.date_range("2020-01-01", periods=9)})
    table = sparse.random_array((300, 900), density=0.05, format="csr", rng=0)
    times = Censored.right(np.arange(1.0, 10.0), np.arange(9) % 2 == 0)
    for part, other in (
        (days, days + pandas.Timedelta(days=1)),
        (table, 2.0 * table),
        (times, Censored.right(np.arange(1.0, 10.0), np.arange(9) % 3 == 0)),
    ):
        (a, _), (b, _) = sums_of(Given(part)), sums_of(Given(other))
        assert np.isfinite(a).all() and len(a) <= 256 and not np.array_equal(a, b)


def test_sums_of_wide_rows_are_few():
    wide = np.random.default_rng(0).standard_normal((40, 700))
    found, sizes = sums_of(Given(wide, wide[:, 0]))
    assert found.shape == sizes.shape == (257,)
    assert np.all(np.abs(found) <= sizes)
