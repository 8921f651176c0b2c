"""Rows that several processes read: what travels, files, errors."""

import gc
import os
import pickle
import signal
import threading
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest

from natfit.rows import BLOCK, CHUNK, Memory, rows_of
from natfit.rows.processes import Processes, _mapped

N = 9 * BLOCK + 3


def total(block, power):
    return (block.y**power).sum()


def where(block):
    return np.full(block.n, os.getpid())


def fails_late(block):
    if block.start:
        raise ValueError(f"the block at {block.start} is bad")
    return 0.0


def divides(block):
    return (1.0 / (block.y - block.y)).sum()


def made(y, n_jobs=2, **options):
    return Processes(y, n_jobs=n_jobs, chunk=BLOCK, **options)


@pytest.mark.slow
def test_a_task_holds_no_data(monkeypatch):
    """A million rows, and tasks of a few hundred bytes."""
    sizes = []

    class Watched(joblib.Parallel):
        def __call__(self, tasks):
            tasks = list(tasks)
            sizes.extend(len(pickle.dumps(t)) for t in tasks)
            return super().__call__(tasks)

    monkeypatch.setattr(joblib, "Parallel", Watched)
    y = np.arange(1e6)
    rows = Processes(y, y[:, None], y + 1.0, y, n_jobs=2).joined(y)
    assert rows.sum(total, 1.0) == Memory(y).sum(total, 1.0)
    assert len(sizes) == 2
    assert max(sizes) < 10_000


def test_several_processes_work():
    found = made(np.zeros(N), 2).map(where)
    assert os.getpid() not in found
    assert len(np.unique(found)) <= 2


@pytest.mark.parametrize(("n", "n_jobs"), [(BLOCK, 2), (N, 1), (N, None)])
def test_one_chunk_or_one_job_stays_here(n, n_jobs):
    np.testing.assert_array_equal(made(np.zeros(n), n_jobs).map(where), os.getpid())


def test_errors_come_back_as_they_are():
    with pytest.raises(ValueError, match="the block at 1024 is bad"):
        made(np.zeros(N)).sum(fails_late)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_errstate_travels(n_jobs):
    rows = made(np.ones(N), n_jobs)
    with np.errstate(all="ignore"):
        assert rows.sum(divides) == np.inf
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        rows.sum(divides)


def test_files_are_written_once_and_removed(monkeypatch, tmp_path):
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    y = np.arange(float(N))
    rows = made(y, weight=y + 1.0)
    assert list(tmp_path.iterdir()) == []
    rows.sum(total, 1.0)
    (folder,) = (f for f in tmp_path.iterdir() if f.name.startswith("natfit-"))
    assert sum(f.stat().st_size for f in folder.iterdir()) == 2 * 8 * N
    before = {f: f.stat().st_mtime_ns for f in folder.iterdir()}
    rows.sum(total, 2.0)
    more = rows.joined(y + 2.0)
    more.sum(total, 2.0)
    assert {f: f.stat().st_mtime_ns for f in before} == before
    assert sum(f.stat().st_size for f in folder.iterdir()) == 3 * 8 * N
    del rows
    gc.collect()
    assert folder.exists()
    del more
    gc.collect()
    assert not folder.exists()


def test_a_mapped_file_is_not_copied(tmp_path):
    path = tmp_path / "y"
    np.arange(2.0 * N).tofile(path)
    mapped = np.memmap(path, dtype=np.float64, mode="r", shape=(N, 2))
    rows = made(mapped[:, 1])
    assert rows.sum(total, 1.0) == Memory(np.arange(1.0, 2 * N, 2), chunk=BLOCK).sum(total, 1.0)
    assert rows.reference().columns[0].name == str(path)


def test_a_changed_copy_of_a_file_is_what_is_read(tmp_path):
    path = tmp_path / "y"
    np.zeros(N).tofile(path)
    mapped = np.memmap(path, dtype=np.float64, mode="c")
    mapped[:] = 1.0
    assert made(mapped).sum(total, 1.0) == N


def test_a_file_of_the_same_name_is_read_anew(tmp_path):
    path = tmp_path / "y"
    for value in (1.0, 2.0):
        Path(path).unlink(missing_ok=True)
        np.full(N, value).tofile(path)
        mapped = np.memmap(path, dtype=np.float64, mode="r")
        assert made(mapped).sum(total, 1.0) == value * N


@pytest.mark.parametrize("change", ["replaced", "shortened", "gone"])
def test_a_file_that_is_no_longer_the_one_that_was_mapped(tmp_path, change):
    """The mapping keeps the numbers; the name leads to others, or nowhere."""
    path = tmp_path / "y"
    np.arange(float(N)).tofile(path)
    mapped = np.memmap(path, dtype=np.float64, mode="r")
    path.unlink()
    if change != "gone":
        np.full(N if change == "replaced" else N - 1, 7.0).tofile(path)
    assert made(mapped).sum(total, 1.0) == Memory(np.arange(float(N)), chunk=BLOCK).sum(total, 1.0)


def test_a_file_replaced_between_two_passes_is_noticed(tmp_path):
    """By a worker that has not opened it yet; one that has keeps what it mapped."""
    path, later = tmp_path / "y", tmp_path / "later"
    np.arange(float(N)).tofile(path)
    np.full(N, 7.0).tofile(later)
    file = _mapped(np.memmap(path, dtype=np.float64, mode="r"))
    file.open()
    later.replace(path)
    with pytest.raises(RuntimeError, match="was replaced while its rows were in use; map the new"):
        file.open()


def holds(block, other):
    return other


@pytest.mark.slow
def test_what_does_not_pickle_is_said_and_harms_no_later_pass():
    rows = made(np.ones(N))
    with pytest.raises(TypeError, match=r"n_jobs=2 sends .* pickle \(.*lock.*\).* or use n_jobs=1"):
        rows.sum(holds, threading.Lock())
    assert rows.sum(total, 1.0) == N


class Awkward(Exception):
    """It cannot be made again from its arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


class Locked(Exception):
    def __init__(self, words):
        super().__init__(words)
        self.lock = threading.Lock()


def raises(block, kind):
    raise Awkward("this", "that") if kind == "awkward" else Locked("this and that")


def dies(block):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["awkward", "locked"])
def test_an_exception_that_does_not_travel_leaves_its_words(kind):
    with pytest.raises(RuntimeError, match=f"{kind.capitalize()}: this and that"):
        made(np.ones(N)).sum(raises, kind)


@pytest.mark.slow
def test_a_process_that_ends_is_said_and_harms_no_later_pass():
    with pytest.raises(RuntimeError, match="a process of n_jobs=2 ended .* or n_jobs=1"):
        made(np.ones(N)).sum(dies)
    assert made(np.ones(N)).sum(total, 1.0) == N


def test_passes_leave_no_folders_behind(tmp_path, monkeypatch):
    for variable in ("JOBLIB_TEMP_FOLDER", "TMPDIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    shared = Path("/dev/shm")

    def folders():
        places = [p for p in (tmp_path, shared) if p.exists()]
        mine = f"joblib_memmapping_folder_{os.getpid()}_"
        return {f for place in places for f in place.iterdir() if f.name.startswith(mine)}

    before, rows = folders(), made(np.ones(N))
    for _ in range(3):
        rows.sum(total, 1.0)
    assert folders() == before


def test_threads_of_joblib_serve_too():
    y = np.random.default_rng(0).standard_normal(N)
    with joblib.parallel_config(backend="threading"):
        assert made(y).sum(total, 2.0) == Memory(y, chunk=BLOCK).sum(total, 2.0)


def test_the_kind_is_chosen_by_size_and_jobs():
    small, large = np.zeros(CHUNK), np.zeros(CHUNK + 1)
    assert type(rows_of(large)) is Memory
    assert type(rows_of(large, n_jobs=1)) is Memory
    assert type(rows_of(small, n_jobs=2)) is Memory
    found = rows_of(large, large[:, None], large + 1.0, large, n_jobs=2)
    assert type(found) is Processes
    assert (found.n_jobs, found.n, found.n_features) == (2, CHUNK + 1, 1)
    with joblib.parallel_config(n_jobs=2):
        assert type(rows_of(large)) is Processes


def test_rows_pickle():
    y = np.arange(float(N))
    rows = made(y)
    want = rows.sum(total, 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pickle.loads(pickle.dumps(rows)).sum(total, 2.0) == want
