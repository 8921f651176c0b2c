"""Streams of Parquet files, which pyarrow reads."""

import time
from pathlib import Path

import numpy as np
import pandas
import pytest

import natfit
from natfit.rows import source_of

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

RNG = np.random.default_rng(2)
N = 30_000
X = RNG.standard_normal((N, 2)).astype(np.float32)
FRAME = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1]})
FRAME["y"] = RNG.poisson(np.exp(X @ [0.2, -0.1]))


@pytest.fixture
def folder(tmp_path):
    for k in range(3):
        FRAME[10_000 * k : 10_000 * (k + 1)].to_parquet(tmp_path / f"part-{k:03}.parquet")
    return tmp_path


def test_a_fit_of_files_is_that_of_the_frame(folder):
    want = natfit.NaturalRegressor("poisson").fit(FRAME[["a", "b"]], FRAME["y"])
    dataset = pytest.importorskip("pyarrow.dataset").dataset(folder)
    for X, y in ((natfit.Stream(str(folder), y="y"), None), (folder, "y"), (dataset, "y")):
        found = natfit.NaturalRegressor("poisson").fit(X, y)
        assert np.allclose(found.coef_["rate"], want.coef_["rate"], rtol=1e-9)
        assert list(found.feature_names_in_) == ["a", "b"]


def test_only_the_columns_that_are_named_are_read_in_single_precision(folder):
    head = natfit.Stream(folder, columns=["b"], y="y").head()
    assert list(head.X.columns) == ["b"] and head.X["b"].dtype == np.float32
    assert np.array_equal(head.y, FRAME["y"][: len(head.y)])


def test_an_error_names_the_file(folder):
    bad = folder / "part-001.parquet"
    FRAME.drop(columns="y").assign(y="many")[:5].to_parquet(bad)
    with pytest.raises((ValueError, TypeError, OSError), match=r"batch 1: file part-001.parquet: "):
        list(natfit.Stream(folder, y="y").lazily(lambda index, given: index))


def test_a_row_that_cannot_be_read_is_named_with_its_file(folder):
    bad = folder / "part-001.parquet"
    FRAME[10_000:20_000].replace(FRAME["b"][12_345], np.nan).to_parquet(bad)
    with pytest.raises(ValueError, match=r"row 12345 \(batch 1 in file part-001.parquet\)"):
        natfit.NaturalRegressor("poisson").fit(natfit.Stream(folder, y="y"))


def test_a_path_that_leads_nowhere():
    with pytest.raises(FileNotFoundError, match="nowhere"):
        source_of(X=Path("nowhere"))


def test_batches_are_not_decoded_ahead_of_their_use(tmp_path):
    table = arrow.table({"x": np.zeros(6_000_000)})
    parquet.write_table(table, tmp_path / "x.parquet", compression="none", row_group_size=2**17)
    del table
    held = arrow.total_allocated_bytes()
    found = natfit.Stream(tmp_path / "x.parquet").lazily(lambda index, given: len(given.X))
    assert next(found) == 131_072
    time.sleep(0.3)
    # Four pieces and what one read has buffered, of 48 MB.
    assert arrow.total_allocated_bytes() - held < 2e7
    found.close()


@pytest.fixture
def trips(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        columns = {name: rng.normal(size=500) for name in ("km", "hour")}
        columns["y"] = rng.poisson(1.0, 500).astype(float)
        pandas.DataFrame(columns).to_parquet(tmp_path / f"p{i}.parquet")
    return tmp_path


def test_files_that_lack_a_column_are_refused(trips):
    odd = pandas.read_parquet(trips / "p1.parquet").rename(columns={"km": "KM"})
    odd.to_parquet(trips / "p1.parquet")
    for options in ({"columns": ["km"]}, {"y": "y"}):
        stream = natfit.Stream(trips, **options)
        with pytest.raises(ValueError, match=r"batch 1: p1\.parquet must have .* without 'km'"):
            list(stream.each(lambda index, given: None))
    model = natfit.NaturalMLE("normal").fit(natfit.Stream(trips, columns=["hour"]))
    assert model.n_obs_ == 1_500


@pytest.mark.parametrize("columns", ["hour", ("hour",), pandas.Index(["hour"]), ["hour"]], ids=type)
def test_names_of_columns_come_in_any_container(trips, columns):
    model = natfit.NaturalRegressor("poisson").fit(natfit.Stream(trips, y="y", columns=columns))
    assert model.feature_names_in_.tolist() == ["hour"]


def test_unknown_columns_are_named_with_all_that_are_known(trips):
    known = r"must be one of the columns \['km', 'hour', 'y'\], got"
    with pytest.raises(ValueError, match=f"columns {known} 'kmm'"):
        natfit.Stream(trips, y="y", columns=["kmm"])
    with pytest.raises(ValueError, match=f"y {known} 'yy'"):
        natfit.Stream(trips, y="yy")
