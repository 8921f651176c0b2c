"""Estimators that an earlier version stored can be loaded and give the same results."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

from tests import stored


def same(now, then):
    """Equal texts, and numbers up to the rounding of another machine's libraries."""
    if isinstance(then, dict):
        return now.keys() == then.keys() and all(same(now[k], then[k]) for k in then)
    if isinstance(then, str):
        return now == then
    return np.shape(now) == np.shape(then) and np.allclose(now, then, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """What this version stores."""
    folder = tmp_path_factory.mktemp("stored")
    stored.write(folder)
    return folder


def loaded(file):
    then = json.loads(file.with_suffix(".json").read_text())
    return stored.answers(pickle.loads(file.read_bytes())), then


def test_what_earlier_versions_stored_still_loads():
    for file in sorted(stored.STORE.glob("*/*.pickle")):
        now, then = loaded(file)
        assert same(now, then), file


def test_every_kind_of_estimator_survives(fresh):
    files = sorted(fresh.glob("*.pickle"))
    assert {file.stem for file in files} == set(stored.estimators())
    for file in files:
        now, then = loaded(file)
        assert same(now, then), file


@pytest.mark.slow
def test_they_load_in_another_process(fresh):
    code = (
        "import pickle, sys; model = pickle.load(open(sys.argv[1], 'rb'));"
        "print(model.score([[1.0], [2.0]]))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(fresh / "gamma.pickle")],
        capture_output=True,
        text=True,
        check=True,
        cwd=stored.STORE.parents[2],
    )
    model = pickle.loads((fresh / "gamma.pickle").read_bytes())
    assert float(found.stdout) == pytest.approx(model.score([[1.0], [2.0]]), rel=1e-12)


def test_the_comparison_can_fail(fresh):
    now, then = loaded(fresh / "gamma.pickle")
    then["params"]["shape"][0] *= 1.0 + 1e-6
    assert not same(now, then)
    assert not same({"status": "converged"}, {"status": "boundary"})
    assert not same({}, {"status": "boundary"})


def test_releases_from_0_2_0_on_have_stored_theirs():
    """The version at hand, unless it is not released yet."""
    import natfit

    numbers = tuple(int(part) for part in natfit.__version__.split(".")[:2])
    released = numbers >= (0, 2) and "dev" not in natfit.__version__
    assert not released or (stored.STORE / natfit.__version__).is_dir()
