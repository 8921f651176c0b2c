"""Rows in partitions of dask, on a cluster of two processes and in threads: `make test-dask`."""

import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
pd = pytest.importorskip("pandas")
dd = pytest.importorskip("dask.dataframe")

from sklearn.base import clone  # noqa: E402

import natfit  # noqa: E402
from natfit import NaturalMLE, NaturalRegressor  # noqa: E402
from natfit.rows import Deferred, Memory, source_of  # noqa: E402
from natfit.rows._travel import packed, unpacked  # noqa: E402
from natfit.rows.dask import Dask  # noqa: E402
from natfit.testing.rows import ROWS_CHECKS  # noqa: E402

# The cluster's own warnings (ports, imports of other packages) say nothing about natfit.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _read(given):
    """Return the columns of a piece as float64."""
    y = np.asarray(given.y, dtype=np.float64)
    X = None if given.X is None else np.asarray(given.X, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise ValueError(f"y must be finite, got {y[bad[0]]} at row {bad[0]}")
    return y, X, None, None


def _moments(block, theta):
    values = block.y * np.exp(block.X @ theta)
    return float(values.sum()), block.X.T @ values, (block.X * block.X[:, :1]).T @ block.X


def _information(block, theta):
    """Return a number, a vector and an exactly symmetric matrix."""
    F = np.multiply.outer(theta, theta) * block.n
    return float(block.y.sum()), theta * block.n, F


def _die_once(block, path, theta):
    if block.y[0] > 0 and not Path(path).exists():
        Path(path).touch()
        os._exit(1)
    return _moments(block, theta)


def _slow_once(block, path, theta):
    if not Path(path).exists():
        Path(path).touch()
        time.sleep(0.5)
    return _moments(block, theta)


def _columns(n=20_000):
    rng = np.random.default_rng(3)
    return rng.standard_normal(n), rng.standard_normal((n, 3))


#: Partitions of 20,000 rows: ten of some size, one of one row, an empty one.
_CHUNKS = ((2_000,) * 9 + (1_999, 1, 0),)


def _rows(y, X, chunks=_CHUNKS):
    return source_of(
        X=da.from_array(X, chunks=(chunks[0], (3,))), y=da.from_array(y, chunks=chunks)
    ).rows(_read)


def _same(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


THETA = np.array([0.1, -0.2, 0.3])


@pytest.mark.parametrize("check", ROWS_CHECKS, ids=lambda c: c.__name__)
def test_properties_in_this_process(check):
    with dask.config.set(scheduler="sync"):
        check(Dask.examples()[0])


@pytest.mark.parametrize("name", ["sums_follow_the_tree", "columns_join", "first_is_the_first"])
def test_properties_on_a_cluster(client, name, monkeypatch):
    check = next(c for c in ROWS_CHECKS if c.__name__ == name)
    monkeypatch.setattr("natfit.testing.rows._SIZES", (1, 70 * 1_024 + 7))
    check(Dask.examples()[0])


def test_bits_do_not_depend_on_the_scheduler(client):
    y, X = _columns()
    want = _rows(y, X).sum(_moments, THETA)
    workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
    found = []
    with dask.config.set({"distributed.scheduler.work-stealing": False}):
        for address in workers:
            with dask.annotate(workers=[address], allow_other_workers=False):
                found.append(_rows(y, X).sum(_moments, THETA))
    for scheduler in ("threads", "sync"):
        with dask.config.set(scheduler=scheduler):
            rows = _rows(y, X)
            found.append(rows.sum(_moments, THETA))
            assert rows.counts == list(_CHUNKS[0])
    assert all(_same(one, want) for one in found)
    near = Memory(y, X).sum(_moments, THETA)
    for a, b in zip(want, near, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_killed_worker_gives_the_same_bits(client, tmp_path):
    y, X = _columns()
    rows = _rows(y, X)
    want = rows.sum(_moments, THETA)
    assert rows.source.notes == []
    assert _same(rows.sum(_die_once, str(tmp_path / "dead"), THETA), want)
    assert (tmp_path / "dead").exists()
    (note,) = rows.source.notes
    assert "1 worker" in note
    assert _same(rows.sum(_moments, THETA), want)


def test_slow_worker_gives_the_same_bits(client, tmp_path):
    y, X = _columns()
    rows = _rows(y, X)
    want = rows.sum(_moments, THETA)
    assert _same(rows.sum(_slow_once, str(tmp_path / "slow"), THETA), want)


def test_traffic_is_that_of_theta_down_and_half_the_information_up():
    P = 40
    y, X = _columns(4_000)
    theta = np.linspace(-1.0, 1.0, P)
    down, up = [], []

    def counting(graph, keys, **options):
        def counted(function):
            def call(*args):
                value = function(*args)
                if isinstance(value, bytes):
                    up.append(len(value))
                return value

            return call

        passes = [k for k in graph if k[0].startswith("natfit-pass")]
        down.extend(len(pickle.dumps(graph[k][0])) for k in passes if graph[k])
        tasks = {
            k: (counted(v[0]), *v[1:]) if isinstance(v, tuple) and k in passes else v
            for k, v in graph.items()
        }
        return dask.local.get_sync(tasks, keys)

    with dask.config.set(scheduler=counting):
        rows = _rows(y, X, ((1_000,) * 4,))
        assert rows.n == 4_000
        down.clear(), up.clear()
        rows.sum(_information, theta)
    # Four partitions, and the node that adds them.
    assert len(up) == 5
    assert max(up) <= 8 * (1 + P + P * (P + 1) // 2) + 700
    assert len(down) == 4 + 1
    # The node's task holds no theta.
    *tasks, node = sorted(down, reverse=True)
    assert node < 8 * P <= min(tasks)
    assert max(tasks) <= 8 * P + 1_000


def test_packing_keeps_bits():
    a = np.random.default_rng(0).standard_normal((30, 30))
    a = a + a.T
    a[0, 1] = a[1, 0] = np.nan
    signed = np.zeros((3, 3))
    signed[0, 1] = -0.0
    for value in (a, signed, np.eye(2), np.zeros((0, 0)), np.asfortranarray(a[:, :4])):
        got = unpacked(packed((1.0, [value])))[1][0]
        assert got.tobytes() == value.tobytes()
    b = np.where(np.isnan(a), 1.0, a)
    assert len(packed(b)) < 0.6 * len(pickle.dumps(b))


def test_errors_name_the_partition(client):
    y, X = _columns()
    y[5_003] = np.nan
    with pytest.raises(ValueError, match="got nan at row 1003 of partition 2"):
        _rows(y, X).sum(_moments, THETA)


def _fail(block, info=None):
    if info and info[0]["chunk-location"] == (2,):
        raise FileNotFoundError("part.2.parquet")
    return block


def test_partition_that_cannot_be_computed_is_named():
    y, X = _columns()

    def gone(block, block_info=None):
        return _fail(block, block_info)

    y = da.from_array(y, chunks=_CHUNKS).map_blocks(gone, dtype=np.float64)
    rows = source_of(y=y, X=da.from_array(X, chunks=(_CHUNKS[0], (3,)))).rows(_read)
    with (
        dask.config.set(scheduler="sync"),
        pytest.raises(RuntimeError, match=r"partition 2 could not be computed: FileNotFound"),
    ):
        rows.sum(_moments, THETA)


def test_other_versions_on_workers_are_refused(client, monkeypatch):
    from natfit.rows import _schedulers

    _schedulers._asked.clear()
    monkeypatch.setattr(natfit, "__version__", "0.0.0")
    y, X = _columns()
    with pytest.raises(RuntimeError, match=r"natfit 0\.0\.0 .* on worker tcp"):
        _rows(y, X).sum(_moments, THETA)


def test_closed_client_is_refused():
    y, X = _columns(2_000)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        rows = _rows(y, X, ((1_000,) * 2,))
        rows.sum(_moments, THETA)
    with pytest.raises(RuntimeError, match="closed .*connect anew"):
        rows.sum(_moments, THETA)


def test_partitions_that_do_not_match_are_refused():
    y, X = _columns(10)
    ours = da.from_array(X, chunks=(5, 3))
    with pytest.raises(ValueError, match=r"got 5 rows of X and 4 of y in partition 0"):
        source_of(X=ours, y=da.from_array(y, chunks=((4, 6),)))
    with pytest.raises(ValueError, match=r"2 of X and 5 of y"):
        source_of(X=ours, y=da.from_array(y, chunks=2))
    with pytest.raises(ValueError, match=r"from_array\(y"):
        source_of(X=ours, y=y)
    unknown = dd.from_pandas(pd.Series(y), npartitions=2).to_dask_array()
    rows = source_of(X=da.from_array(X, chunks=((4, 6), 3)), y=unknown).rows(_read)
    with (
        dask.config.set(scheduler="sync"),
        pytest.raises(ValueError, match=r"4 rows of X and 5 of y in partition 0"),
    ):
        rows.sum(_moments, THETA)


def test_containers_give_the_same_rows():
    y, X = _columns(100)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    blocks = [dask.delayed(X[i : i + 10]) for i in range(0, 100, 10)]
    with dask.config.set(scheduler="sync"):
        for given in (
            da.from_array(X, chunks=(10, 2)),
            blocks,
            dd.from_pandas(frame, npartitions=10),
            Deferred(np.multiply, (da.from_array(X, chunks=(10, 3)), 1.0)),
        ):
            rows = source_of(X=given, y=da.from_array(y, chunks=10)).rows(_read)
            assert rows.n == 100
            np.testing.assert_array_equal(rows.block(0, 100).X, X)


def test_fits_are_those_of_arrays(client):
    rng = np.random.default_rng(1)
    y = rng.gamma(2.0, size=(6_000, 1))
    cut = da.from_array(y, chunks=(((2_500, 0, 1, 3_499)), (1,)))
    far, near = (NaturalMLE("normal", tol=1e-13).fit(data) for data in (cut, y))
    np.testing.assert_allclose(far.theta_, near.theta_, rtol=1e-10)
    frame = pd.DataFrame(
        {
            "a": rng.standard_normal(6_000).astype(np.float32),
            "b": pd.array(rng.integers(0, 3, 6_000), dtype="Int64"),
        }
    )
    counts = pd.Series(rng.poisson(np.exp(0.3 * frame["a"])), name="y")
    X, c = dd.from_pandas(frame, npartitions=4), dd.from_pandas(counts, npartitions=4)
    far = NaturalRegressor("poisson", tol=1e-12).fit(X, c)
    near = NaturalRegressor("poisson", tol=1e-12).fit(frame, counts)
    np.testing.assert_allclose(far.coef_["rate"], near.coef_["rate"], rtol=1e-6)
    lazy = far.predict(X)
    assert dask.is_dask_collection(lazy)
    np.testing.assert_allclose(lazy.compute(), far.predict(frame), rtol=1e-12)


def test_blocks_are_all_delayed_or_none():
    X, y = np.ones((5, 2)), np.ones(5)
    with pytest.raises(TypeError, match="each is delayed, got block 1 in memory"):
        NaturalRegressor("poisson").fit([dask.delayed(X), X], [dask.delayed(y), y])
    with pytest.raises(TypeError, match="each is delayed, got block 0 in memory"):
        NaturalRegressor("poisson").fit([X, dask.delayed(X)], [y, dask.delayed(y)])


@pytest.mark.parametrize("model", [NaturalMLE("normal"), NaturalRegressor("poisson")])
@pytest.mark.parametrize("begun", [False, True])
def test_partial_fit_takes_batches_in_memory(model, begun):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 2)), rng.poisson(2.0, 100).astype(float)
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = clone(model)
    if begun:
        model.partial_fit(X, y)
    for given in (da.from_array(X, chunks=(50, 2)), dd.from_pandas(frame, npartitions=2)):
        with pytest.raises(TypeError, match="X must be in memory in partial_fit, .*got"):
            model.partial_fit(given, y)
