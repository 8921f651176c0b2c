"""BLAS is limited to one thread while anyone asks for it."""

import threading

import pytest

from natfit.numerics import threads
from natfit.numerics.threads import one_thread


class Library:
    """Counts threads as threadpoolctl's controllers do."""

    def __init__(self, num_threads):
        self.num_threads = num_threads

    def set_num_threads(self, count):
        self.num_threads = count


@pytest.fixture
def libraries(monkeypatch):
    found = [Library(4), Library(1), Library(2)]
    monkeypatch.setattr(threads, "_libraries", lambda: found)
    return found


def counts(libraries):
    return [library.num_threads for library in libraries]


def test_one_thread_inside_and_what_was_before_outside(libraries):
    for _ in range(2):
        with one_thread():
            assert counts(libraries) == [1, 1, 1]
            with one_thread():
                assert counts(libraries) == [1, 1, 1]
            assert counts(libraries) == [1, 1, 1]
        assert counts(libraries) == [4, 1, 2]


def test_an_error_restores(libraries):
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert counts(libraries) == [4, 1, 2]


def test_the_last_to_leave_restores(libraries):
    """The caller that set the limit leaves before another one does."""
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with one_thread():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=stay)
    with one_thread():
        other.start()
        assert entered.wait(10)
    assert counts(libraries) == [1, 1, 1]
    leave.set()
    other.join()
    assert counts(libraries) == [4, 1, 2]


def test_the_libraries_are_those_of_numpy_and_scipy():
    import numpy as np

    assert np.dot(np.ones(3), np.ones(3)) == 3.0
    assert all(library.user_api == "blas" for library in threads._libraries())
    before = counts(threads._libraries())
    with one_thread():
        assert set(counts(threads._libraries())) <= {1}
    assert counts(threads._libraries()) == before
