"""Rows that are read batch by batch: any cut of the batches, and what cannot be read again."""

import gc
import threading

import numpy as np
import pandas
import polars
import pytest
from scipy import sparse

import natfit
from natfit.rows import Given, Memory, source_of

RNG = np.random.default_rng(5)
N = 150_000
X, Y = RNG.standard_normal((N, 2)), RNG.standard_normal(N)


def read(given):
    return given.y, given.X, given.sample_weight, given.offset


def part(block):
    return block.y @ np.asarray(block.X), float(np.sin(block.y).sum())


def batches_of(size, X=X, y=Y):
    for start in range(0, len(y), size):
        yield X[start : start + size], y[start : start + size]


def threads():
    return [t for t in threading.enumerate() if t.name == "natfit-ahead"]


def n_of(index, given):
    return len(given.X)


@pytest.mark.parametrize("size", [1_000, 77_777, N])
def test_sums_are_those_in_memory_however_batches_are_cut(size):
    for wide in (False, True):
        found = natfit.Stream(lambda: batches_of(size)).rows(read).sum(part, wide=wide)
        want = Memory(Y, X).sum(part, wide=wide)
        assert np.array_equal(found[0], want[0]) and found[1] == want[1]


def frame():
    return pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})


@pytest.mark.parametrize(
    "make",
    [
        lambda: natfit.Stream(X, y=Y),
        lambda: natfit.Stream(polars.from_pandas(frame()).lazy(), y="y"),
        lambda: natfit.Stream(lambda: [frame()[:70_000], frame()[70_000:]], y="y"),
        lambda: natfit.Stream(lambda: [{"X": X[:9], "y": Y[:9]}, {"X": X[9:], "y": Y[9:]}]),
        lambda: natfit.Stream(lambda: [frame()], columns=["a", "b"], y=lambda f: f["y"]),
    ],
    ids=["array", "query", "frames", "dicts", "function"],
)
def test_containers_hold_the_same_rows(make):
    def as_arrays(given):
        return np.asarray(given.y), np.ascontiguousarray(given.X), None, None

    rows = make().rows(as_arrays)
    want = Memory(Y, X).sum(part)
    found = rows.sum(part)
    assert np.array_equal(found[0], want[0]) and found[1] == want[1]
    assert rows.n == N and rows.n_features == 2
    assert rows.row(140_000).y == Y[140_000]


def test_a_memory_mapped_file_is_a_stream(tmp_path):
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=np.float64, mode="r", shape=(N, 2))
    assert sum(natfit.Stream(mapped).lazily(n_of)) == N


def test_single_precision_censored_and_sparse_rows_are_kept():
    one = next(natfit.Stream(X.astype(np.float32)).lazily(lambda i, g: g.X.dtype))
    assert one == np.float32
    seen = RNG.random(N) < 0.5

    def batches():
        for cut in (slice(0, 60_000), slice(60_000, N)):
            yield sparse.csr_array(X[cut]), natfit.Censored.right(np.exp(Y[cut]), seen[cut])

    stream = natfit.Stream(batches)
    rows = np.concatenate(list(stream.lazily(lambda i, g: g.y.rows)))
    assert np.array_equal(rows, natfit.Censored.right(np.exp(Y), seen).rows)
    assert sum(stream.lazily(lambda i, g: g.X.sum())) == pytest.approx(X.sum(), abs=1e-8)


def test_batches_that_are_filled_again_are_copied():
    def batches():
        store = np.empty((1_000, 2))
        for start in range(0, N, 1_000):
            store[:] = X[start : start + 1_000]
            yield store

    assert np.array_equal(np.concatenate(list(natfit.Stream(batches).lazily(lambda i, g: g.X))), X)


def test_wide_rows_come_in_smaller_pieces():
    stream = natfit.Stream(X, memory=2**22)
    assert list(stream.lazily(n_of))[0] == 16_384
    assert list(natfit.Stream(X).lazily(n_of)) == [131_072, N - 131_072]


def test_columns_of_a_frame_are_put_in_order():
    stream = natfit.Stream(lambda: [frame()[:10], frame()[["b", "y", "a"]][10:]], y="y")
    (found,) = set(stream.lazily(lambda i, g: tuple(g.X.columns)))
    assert found == ("a", "b")
    assert np.array_equal(np.concatenate(list(stream.lazily(lambda i, g: g.X))), X)


@pytest.mark.parametrize(
    ("second", "match"),
    [
        ((X[:5, :1], Y[:5]), r"batch 1: X must have the shape \(n, 2\) of the first batch"),
        ((X[:5], Y[:4]), "batch 1: parts of a batch .* 5 rows of X, 4 rows of y"),
        (X[:5], "batch 1: y must be in all batches or in none: this has no, the first has one"),
        (
            (frame(), Y),
            "batch 1: X must be of the same kind .*, got a DataFrame of pandas and an ar",
        ),
        (
            (X[:5].astype(str), Y[:5]),
            "batch 1: X must be of the same kind .*, got an array of text",
        ),
        ((X[:5].astype("f4"), Y[:5].astype(int)), None),
        ({"X": X, "z": Y}, "batch 1: keys of a batch must be .* got 'z'"),
        ((X, Y, Y, Y), "batch 1: a batch must be .* got 4 parts"),
    ],
)
def test_a_batch_unlike_the_first_is_named(second, match):
    stream = natfit.Stream(lambda: [(X[:5], Y[:5]), second])
    if match is None:
        # Numbers of all types are one kind.
        assert sum(stream.lazily(n_of)) == 10
        return
    with pytest.raises(ValueError, match=match):
        list(stream.lazily(n_of))
    assert not threads()


def test_other_columns_are_named():
    stream = natfit.Stream(lambda: [frame()[:9], frame()[9:].rename(columns={"b": "c"})])
    with pytest.raises(ValueError, match=r"batch 1: the columns of X .* \['a', 'b', 'y'\], got"):
        list(stream.lazily(n_of))
    with pytest.raises(ValueError, match=r"batch 0: y must be one of the columns .* got 'z'"):
        natfit.Stream(lambda: [frame()], y="z").head()
    with pytest.raises(ValueError, match="batch 0: y='z' must be a column of a frame"):
        natfit.Stream(lambda: [X], y="z").head()


def test_what_can_be_read_once_is_refused():
    once = batches_of(1_000)
    with pytest.raises(TypeError, match="got generator; .*partial_fit"):
        natfit.Stream(once)
    with pytest.raises(TypeError, match="got generator, an iterator; .*partial_fit"):
        source_of(X=once)
    stream = natfit.Stream(lambda: once)
    stream.head()
    with pytest.raises(ValueError, match="the same generator twice; .*partial_fit"):
        list(stream.lazily(n_of))
    # A fresh generator over an iterator that is exhausted.
    parts = iter(list(batches_of(1_000)))
    stream = natfit.Stream(lambda: (part for part in parts))
    assert sum(stream.lazily(n_of)) == N
    with pytest.raises(ValueError, match=f"got {N} rows in the first and 0 in a later one"):
        list(stream.lazily(n_of))


class Once:
    """Batches that give the same iterator whenever they are iterated over."""

    def __init__(self, parts):
        self.parts = iter(parts)

    def __iter__(self):
        return self.parts


def once(kind):
    """Return a callable that can be read once, in three guises."""
    left = [(X, Y)]
    if kind == "exhausted":

        def batches():
            taken = left[:]
            left.clear()
            return iter(taken)

        return batches
    held = Once(left)
    return (lambda: held) if kind == "iterable" else (lambda: (part for part in held))


@pytest.mark.parametrize("kind", ["exhausted", "iterable", "generators"])
@pytest.mark.parametrize(
    "use",
    [
        lambda stream: natfit.NaturalRegressor("normal").fit(stream),
        lambda stream: natfit.NaturalMLE("normal").fit(stream),
        lambda stream: (stream.head(), list(stream.lazily(n_of))),
        lambda stream: (list(stream.lazily(n_of)), stream.head()),
    ],
    ids=["regression", "density", "head first", "head last"],
)
def test_a_callable_whose_data_are_exhausted_is_refused(kind, use):
    with pytest.raises(ValueError, match=r"(at every pass|at every call), got .*partial_fit"):
        use(natfit.Stream(once(kind)))


def test_rows_that_were_added_between_passes_are_noticed():
    grown = [(X, Y)]
    rows = natfit.Stream(lambda: list(grown)).rows(read)
    rows.sum(part)
    grown.append((X, Y))
    with pytest.raises(ValueError, match="the same at every pass"):
        rows.sum(part)


@pytest.mark.parametrize(
    ("data", "options", "error", "match"),
    [
        (3, {}, TypeError, "data must be a path.* got int"),
        ("nowhere.parquet", {}, FileNotFoundError, "got 'nowhere.parquet'"),
        (X, {"y": Y[:3]}, ValueError, f"y must be an array of {N} rows"),
        (X, {"columns": ["a"]}, ValueError, "columns must be None for an array"),
        (X, {"memory": 0}, ValueError, "memory must"),
    ],
)
def test_arguments_are_checked(data, options, error, match):
    with pytest.raises(error, match=match):
        natfit.Stream(data, **options)


def test_a_callable_that_returns_no_batches_is_refused():
    with pytest.raises(TypeError, match="must return an iterator of batches, got int"):
        natfit.Stream(lambda: 3).head()
    with pytest.raises(ValueError, match="data must have rows"):
        natfit.Stream(lambda: []).head()


def test_arguments_beside_a_stream_are_refused():
    with pytest.raises(ValueError, match="sample_weight must be None beside a Stream"):
        source_of(X=natfit.Stream(X), sample_weight=Y)


def test_containers_are_found():
    query = polars.from_pandas(frame()).lazy()
    source = source_of(X=query, y="y")
    assert isinstance(source, natfit.Stream) and source.head().X.columns == ["a", "b"]
    assert source_of(X=frame(), y=Y) is None


def test_errors_of_the_reader_and_of_a_part():
    def broken():
        yield X
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="batch 1: the disk is gone"):
        list(natfit.Stream(broken).lazily(n_of))

    def bad(index, given):
        raise ValueError("no number")

    with pytest.raises(ValueError, match=r"^no number \(in rows 0 to 131071, batch 0\)$"):
        list(natfit.Stream(X).lazily(bad))
    assert not threads()


def test_the_thread_ends_with_a_pass_that_is_left():
    def interrupted(index, given):
        raise KeyboardInterrupt

    # More pieces than wait, so that the thread is not at their end.
    found = natfit.Stream(lambda: (X[:131_072] for _ in range(9))).lazily(n_of)
    next(found)
    assert threads()
    found.close()
    assert not threads()
    with pytest.raises(KeyboardInterrupt):
        list(natfit.Stream(X).lazily(interrupted))
    gc.collect()
    assert not threads()


def test_only_a_few_pieces_are_read_ahead():
    read = []

    def batches():
        for index in range(40):
            read.append(index)
            yield X[:131_072]

    found = natfit.Stream(batches).lazily(n_of)
    for index, _ in enumerate(found):
        assert len(read) <= index + 6


def test_a_fit_is_that_of_the_rows_in_memory():
    y = RNG.poisson(np.exp(X @ [0.2, -0.1]))
    stream = natfit.Stream(lambda: batches_of(20_000, X, y))
    found, want = (natfit.NaturalRegressor("poisson").fit(*a) for a in ((stream,), (X, y)))
    assert np.allclose(found.coef_["rate"], want.coef_["rate"], rtol=1e-9)
    assert np.allclose(np.concatenate(list(found.predict(stream))), found.predict(X), rtol=1e-12)
    assert found.score(stream) == pytest.approx(found.score(X, y), rel=1e-12)


def test_gamma_takes_one_pass_beside_the_first_rows():
    opened = []
    x = RNG.gamma(3.0, 2.0, (N, 1))

    def batches():
        opened.append(0)
        for start in range(0, N, 50_000):
            opened[-1] += 1
            yield x[start : start + 50_000]

    found, want = natfit.NaturalMLE("gamma").fit(natfit.Stream(batches)), None
    # The look at the first rows opens one batch, and the pass all three.
    assert opened == [1, 3]
    want = natfit.NaturalMLE("gamma").fit(x)
    assert np.allclose(found.params_["shape"], want.params_["shape"], rtol=1e-6)


def test_given_is_what_is_read():
    assert natfit.Stream(X, y=Y).head().y is not None
    assert isinstance(natfit.Stream(X).head(), Given)
    assert repr(natfit.Stream(X)) == "Stream(arrays)"
