"""Rows of dask collections, whichever way they were made, on each scheduler: `make test-dask`."""

import numpy as np
import pytest

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
pd = pytest.importorskip("pandas")
dd = pytest.importorskip("dask.dataframe")

from natfit import NaturalMLE, NaturalRegressor  # noqa: E402
from natfit.rows import source_of  # noqa: E402

# The cluster's own warnings (ports, imports of other packages) say nothing about natfit.
pytestmark = pytest.mark.filterwarnings("default")

N = 60
_RNG = np.random.default_rng(5)
X = _RNG.standard_normal((N, 2))
Y = _RNG.poisson(np.exp(0.3 * X[:, 0])).astype(np.float64)
FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})


@pytest.fixture(scope="module", params=["sync", "threads", "cluster"])
def scheduler(request):
    if request.param != "cluster":
        with dask.config.set(scheduler=request.param):
            yield request.param
        return
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield request.param


def _read(given):
    """Return the columns of a piece as float64."""
    assert given.y.ndim == 1
    return np.asarray(given.y, np.float64), np.asarray(given.X, np.float64), None, None


def _sums(block):
    return float(block.y.sum()), block.X.T @ block.X


def _itself(part):
    return part


# ------------------------------------------------------------------------------------ arrays


def _array(v):
    return da.from_array(v, chunks=(10, *v.shape[1:]))


def _delayed_blocks(v):
    return [dask.delayed(_itself)(v[i : i + 10]) for i in range(0, N, 10)]


def _from_delayed(v):
    blocks = [da.from_delayed(b, (10, *v.shape[1:]), v.dtype) for b in _delayed_blocks(v)]
    return da.concatenate(blocks)


def _chosen(v):
    """Rows chosen by a mask, so that their numbers are unknown."""
    twice = _array(np.concatenate([v, v]))
    return twice[da.arange(2 * N, chunks=10) < N]


ARRAYS = {
    "from_array": _array,
    "from_array without names": lambda v: da.from_array(v, (10, *v.shape[1:]), name=False),
    "from_delayed": _from_delayed,
    "concatenate": lambda v: da.concatenate([_array(v[:20]), _array(v[20:])]),
    "slice": lambda v: _array(np.concatenate([v[:5], v, v]))[5 : 5 + N],
    "index array": lambda v: _array(v[::-1])[np.arange(N)[::-1]],
    "mask": _chosen,
    "persist": lambda v: _array(v).persist(),
    "from_delayed, persist": lambda v: _from_delayed(v).persist(),
    "persist, slice": lambda v: _array(np.concatenate([v, v])).persist()[:N],
    "persist, map_blocks": lambda v: _array(v).persist().map_blocks(_itself, dtype=v.dtype),
    "mask, persist": lambda v: _chosen(v).persist(),
    "map_blocks": lambda v: _array(v).map_blocks(_itself, dtype=v.dtype),
    "rechunk": lambda v: _array(v).rechunk((15, *v.shape[1:])),
    "rechunk, persist": lambda v: _array(v).rechunk((15, *v.shape[1:])).persist(),
    "stack": lambda v: da.stack([_array(c) for c in np.atleast_2d(v.T)], axis=-1).reshape(v.shape),
    "astype": lambda v: _array(v).astype(np.float64) * 1.0,
    "asarray of delayed": lambda v: [b[:] for b in _delayed_blocks(v)],
    "list of delayed": _delayed_blocks,
    "list of persisted": lambda v: list(dask.persist(*_delayed_blocks(v))),
    "to_delayed": lambda v: _array(v).to_delayed().ravel().tolist(),
}


@pytest.mark.parametrize("way", ARRAYS)
def test_arrays(scheduler, way):
    rows = source_of(X=ARRAYS[way](X), y=ARRAYS[way](Y)).rows(_read)
    total, cross = rows.sum(_sums)
    assert rows.n == N
    np.testing.assert_allclose(total, Y.sum(), rtol=1e-12)
    np.testing.assert_allclose(cross, X.T @ X, rtol=1e-12)
    np.testing.assert_array_equal(rows.block(0, N).X, X)
    np.testing.assert_array_equal(rows.map(_values), Y)


def _values(block):
    return block.y


def test_random_arrays(scheduler):
    x = da.random.default_rng(0).standard_normal((N, 2), chunks=(10, 1))
    rows = source_of(X=x, y=x[:, 0]).rows(_read)
    np.testing.assert_allclose(rows.sum(_sums)[1], (x.T @ x).compute(), rtol=1e-12)
    np.testing.assert_array_equal(rows.block(0, N).y, rows.block(0, N).X[:, 0])


# ------------------------------------------------------------------------------------ frames


def _pandas(path):
    return dd.from_pandas(FRAME, npartitions=4)


def _parquet(path):
    pytest.importorskip("pyarrow")
    if not (path / "rows").exists():
        _pandas(path).to_parquet(path / "rows")
    return dd.read_parquet(path / "rows")


def _delayed_frames(path):
    parts = [dask.delayed(_itself)(FRAME.iloc[i : i + 15]) for i in range(0, N, 15)]
    return dd.from_delayed(parts, meta=FRAME.iloc[:0])


def _filtered(frame):
    whole = dd.concat([frame, frame.assign(a=100.0)])
    return whole[whole["a"] < 50.0]


FRAMES = {
    "from_pandas": _pandas,
    "from_delayed": _delayed_frames,
    "read_parquet": _parquet,
    "filter": lambda path: _filtered(_pandas(path)),
    "read_parquet, filter": lambda path: _filtered(_parquet(path)),
    "assign": lambda path: _pandas(path).assign(b=lambda f: f["b"] * 1.0),
    "persist": lambda path: _pandas(path).persist(),
    "read_parquet, persist": lambda path: _parquet(path).persist(),
    "persist, filter": lambda path: _filtered(_pandas(path).persist()),
    "repartition": lambda path: _pandas(path).repartition(npartitions=3),
    "map_partitions": lambda path: _pandas(path).map_partitions(_itself),
    "from_map": lambda path: dd.from_map(_part_of, range(0, N, 20), meta=FRAME.iloc[:0]),
}


def _part_of(start):
    return FRAME.iloc[start : start + 20]


def _n_blocks(value):
    if isinstance(value, list):
        return len(value)
    return value.numblocks[0] if hasattr(value, "numblocks") else value.npartitions


@pytest.mark.parametrize("way", FRAMES)
def test_frames(scheduler, way, tmp_path):
    frame = FRAMES[way](tmp_path)
    want = Y.sum(), X.T @ X
    for columns, y in (
        (frame[["a", "b"]], frame["y"]),
        (frame[["a", "b"]].to_dask_array(), frame["y"].to_dask_array()),
        (frame[["a", "b"]], frame["y"].to_dask_array()),
        (frame[["a", "b"]].to_delayed(), frame["y"]),
    ):
        counts = {_n_blocks(columns), _n_blocks(y)}
        if len(counts) > 1:
            # Dask joins files of which few columns are read when it makes arrays or blocks of them.
            with pytest.raises(ValueError, match="must have the same partitions"):
                source_of(X=columns, y=y)
            continue
        rows = source_of(X=columns, y=y).rows(_read)
        total, cross = rows.sum(_sums)
        assert rows.n == N
        np.testing.assert_allclose(total, want[0], rtol=1e-12)
        np.testing.assert_allclose(cross, want[1], rtol=1e-12)


def test_frames_with_known_lengths(scheduler):
    frame = dd.from_pandas(FRAME, npartitions=4)
    x, y = (f.to_dask_array(lengths=True) for f in (frame[["a", "b"]], frame["y"]))
    np.testing.assert_allclose(source_of(X=x, y=y).rows(_read).sum(_sums)[1], X.T @ X, rtol=1e-12)


def test_fits_and_predictions(scheduler):
    frame = dd.from_pandas(FRAME, npartitions=3).persist()
    near = NaturalRegressor("poisson").fit(X, Y)
    far = NaturalRegressor("poisson").fit(frame[["a", "b"]].to_dask_array(), frame["y"])
    np.testing.assert_allclose(far.coef_["rate"], near.coef_["rate"], rtol=1e-6)
    ours = _from_delayed(X).persist()
    np.testing.assert_allclose(far.predict(ours).compute(), far.predict(X), rtol=1e-12)
    np.testing.assert_allclose(far.predict(_chosen(X)).compute(), far.predict(X), rtol=1e-12)
    density = NaturalMLE("normal").fit(ours[:, :1])
    np.testing.assert_allclose(density.theta_, NaturalMLE("normal").fit(X[:, :1]).theta_)
