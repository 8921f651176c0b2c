"""Errors of rows in pieces name the row among all rows, and the batch."""

import numpy as np
import pytest

import natfit
from natfit.rows._naming import Naming

RNG = np.random.default_rng(8)
N, BAD = 150_000, 140_000
X, Y = RNG.standard_normal((N, 2)), RNG.poisson(1.0, N).astype(float)
HOLED = X.copy()
HOLED[BAD, 1] = np.nan
#: Row 140,000 is in the second of two batches, and in the second of two pieces.
ENDS = (0, 135_000, N)
WHERE = rf"at row {BAD} \(batch 1\)"


def stream(**columns):
    """Return a stream of some columns, in two batches."""

    def batches():
        for a, b in zip(ENDS[:-1], ENDS[1:], strict=True):
            yield {name: column[a:b] for name, column in columns.items()}

    return natfit.Stream(batches)


def regression():
    return natfit.NaturalRegressor("poisson").fit(X[:500], Y[:500])


@pytest.mark.parametrize(
    "call",
    [
        lambda: natfit.NaturalMLE("normal").fit(stream(X=HOLED[:, 1:])),
        lambda: natfit.NaturalMLE("gumbel").fit(stream(X=HOLED)),
        lambda: natfit.NaturalMLE("normal").fit(X[:99]).score(stream(X=HOLED)),
        lambda: list(natfit.NaturalMLE("normal").fit(X[:99]).score_samples(stream(X=HOLED))),
        lambda: natfit.NaturalRegressor("poisson").fit(stream(X=HOLED, y=Y)),
        lambda: natfit.NaturalClassifier().fit(stream(X=HOLED, y=Y > 0)),
        lambda: regression().score(stream(X=HOLED, y=Y)),
        lambda: list(regression().predict(stream(X=HOLED))),
        lambda: regression().score(stream(X=X, y=np.where(np.arange(N) == BAD, np.nan, Y))),
        lambda: natfit.NaturalRegressor("poisson").fit(
            stream(X=X, y=Y, sample_weight=np.where(np.arange(N) == BAD, -1.0, 1.0))
        ),
    ],
    ids=[
        *("density", "densities", "score", "score_samples", "regression", "classifier"),
        *("score of a regression", "predict", "y", "weight"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_among_all_rows(call):
    with pytest.raises(ValueError, match=WHERE):
        call()


@pytest.mark.parametrize("at", [0, 65, 134_999, 135_000])
def test_the_batch_is_that_of_the_row(at):
    def bad(index, given):
        places = np.flatnonzero(given.X[:, 0] == X[at, 0])
        if len(places):
            raise ValueError(f"bad row {places[0]}")

    with pytest.raises(ValueError, match=rf"^bad row {at} \(batch {int(at >= 135_000)}\)$"):
        list(stream(X=X).lazily(bad))


def test_one_piece_names_its_rows_too():
    def bad(index, given):
        raise TypeError("row 5 is odd")

    with pytest.raises(TypeError, match=r"^row 131077 \(batch 0\) is odd$"):
        stream(X=X).one(1, bad)


def test_a_function_of_a_batch_names_the_row_among_all():
    def weights(batch):
        if batch[0, 0] == X[135_000, 0]:
            raise ValueError("odd at row 3")
        return np.ones(len(batch))

    found = natfit.Stream(lambda: [X[:135_000], X[135_000:]], sample_weight=weights)
    with pytest.raises(ValueError, match="^batch 1: odd at row 135003$"):
        list(found.lazily(lambda index, given: None))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ValueError("odd"), ValueError, "odd (in piece 7)"),
        (ValueError("row 1 and row 2"), ValueError, "row 11 and row 12"),
        (ValueError("row 200 of a table"), ValueError, "row 200 of a table (in piece 7)"),
        (ValueError("odd in piece 7"), ValueError, "odd in piece 7"),
        (ZeroDivisionError(), ZeroDivisionError, "ZeroDivisionError (in piece 7)"),
        (KeyError("a"), ValueError, "a (in piece 7)"),
        (FileNotFoundError(2, "gone"), OSError, "[Errno 2] gone (in piece 7)"),
    ],
)
def test_messages_name_the_piece_once(error, kind, words):
    def row(k):
        return f"row {k + 10}" if k < 100 else None

    with pytest.raises(kind) as caught, Naming("piece 7", row), Naming("piece 7", row):
        raise error
    assert str(caught.value) == words


def test_errors_of_memory_stay_as_they_are():
    with pytest.raises(MemoryError) as caught, Naming("piece 7", lambda k: None):
        raise MemoryError
    assert not caught.value.args and caught.value.__notes__ == ["in piece 7"]
