"""Batches of rows: their order, their memory, and single steps on them."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_friedman1

import natfit
from natfit.distributions import Normal
from natfit.fitting import batches, training
from natfit.fitting.protocol import bind
from natfit.fitting.task import Task
from natfit.models import MLP
from natfit.models.standardised import Standardised
from natfit.optimize.engine import resolve_engine
from natfit.rows import Memory, rows_of

#: Fits of a few passes do not converge.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

#: More than one chunk, so that several processes share the rows.
MANY = 17_000


def data(n):
    return make_friedman1(n, n_features=6, noise=1.0, random_state=0)


def fitted(X, y, **options):
    options = {"predictor": MLP((4,)), "max_iter": 2, "batch_size": 2_000, **options}
    return natfit.NaturalRegressor(**options).fit(X, y)


def params(model):
    return np.concatenate(
        [np.ravel(model.predict_params(data(50)[0])[k]) for k in ("loc", "scale")]
    )


@pytest.mark.parametrize("early_stopping", [False, True])
def test_bits_depend_on_the_seed_alone(early_stopping, tmp_path):
    X, y = data(MANY)
    want = params(fitted(X, y, early_stopping=early_stopping))
    path = tmp_path / "X"
    X.tofile(path)
    forms = {
        "Fortran": np.asfortranarray(X),
        "mapped": np.memmap(path, mode="r", dtype=np.float64, shape=X.shape),
        "strided": np.repeat(X, 2, axis=0)[::2],
    }
    for form in forms.values():
        found = params(fitted(form, y, early_stopping=early_stopping))
        np.testing.assert_array_equal(found, want)
    found = params(fitted(X, y, early_stopping=early_stopping, n_jobs=2))
    np.testing.assert_array_equal(found, want)
    assert not np.array_equal(params(fitted(X, y, random_state=1)), want)


@pytest.mark.parametrize("predictor", ["linear", MLP((4,))])
def test_few_rows_of_any_layout_have_the_same_fit(predictor):
    X, y = data(900)
    options = {"predictor": predictor, "batch_size": 100}
    frame = pd.DataFrame(X, columns=list("abcdef"))
    want = fitted(frame, y, **options).predict(frame)
    assert np.isfinite(want).all()
    for form in (X, np.asfortranarray(X)):
        # All rows are one chunk, which is not copied: products in another order round otherwise.
        np.testing.assert_allclose(fitted(form, y, **options).predict(X), want, rtol=1e-12)


def test_batches_of_a_file_read_their_own_rows(tmp_path):
    n, d = 300_000, 20
    rng = np.random.default_rng(0)
    X = np.memmap(tmp_path / "X", mode="w+", dtype=np.float64, shape=(n, d))
    for part in np.array_split(X, 20):
        part[:] = rng.standard_normal(part.shape)
    X.flush()
    y = X[:, 0] + rng.standard_normal(n)
    mapped = np.memmap(tmp_path / "X", mode="r", dtype=np.float64, shape=(n, d))
    tracemalloc.start()
    try:
        fitted(mapped, y, max_iter=1, batch_size=10_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A tenth of them are the places of rows in their order, a few are batches and chunks.
    assert peak < 0.5 * X.nbytes


def task_of(X, y, engine):
    return Task(Normal(), rows_of(y, X), engine, np.random.default_rng(3), Standardised(MLP((4,))))


@pytest.mark.parametrize("step", ["backtracking", "kl", "adam"])
def test_steps_one_by_one_are_those_of_a_fit(step):
    X, y = data(1_000)
    engine = resolve_engine("auto", "auto", step, None, 1e-5, 2)
    how = training.Training(batch_size=100)
    want = training.train(task_of(X, y, engine), how)[0].fit.theta
    task = task_of(X, y, engine)
    task, problem, engine = training.posed(bind(task), task, how)
    state = batches.Descent(
        problem.theta0, engine.damping.start(), engine.step.radius(problem.objective)
    )
    for _ in range(2):
        for rows in task.rows.batches(100, task.rng):
            batch = problem.objective.at_rows(rows)
            state = batches.step_on(batch, engine, state, task.rng, per_pass=10)
    assert state.steps == 20
    np.testing.assert_array_equal(state.theta, want)


def test_batches_are_all_rows_once_and_here():
    X, y = data(MANY)
    for rows in (Memory(y, X), rows_of(y, X, n_jobs=2)):
        found = list(rows.batches(4_000, np.random.default_rng(0)))
        assert [b.n for b in found] == [4_250] * 4
        assert all(type(b) is Memory for b in found)
        np.testing.assert_array_equal(np.sort(np.concatenate([b.y for b in found])), np.sort(y))


def test_rows_in_order_may_be_set_apart_and_read_in_blocks():
    class InOrder(Memory):
        """Rows that are read in order, as those of a stream."""

        def take(self, index):
            raise AssertionError("rows are not taken")

        def batches(self, size, rng):
            for start in range(0, self.n, size):
                yield self.part(start, min(start + size, self.n))

        def held_out(self, most, rng, stratify=False):
            return self.part(0, self.n - most), self.part(self.n - most, self.n)

        def part(self, start, stop):
            block = self.block(start, stop)
            return InOrder(block.y, block.X)

    X, y = data(1_000)
    engine = resolve_engine("auto", "auto", "backtracking", None, 1e-5, 2)
    how = training.Training(batch_size=100, early_stopping=True)
    task = replace(task_of(X, y, engine), rows=InOrder(y, X))
    result, held_out = training.train(task, how)
    assert len(held_out) == 3
    assert held_out[-1] > held_out[0]
    assert result.total == 900


def test_the_curvature_of_large_batches_is_that_of_some_rows():
    X, y = data(4_000)
    engine = resolve_engine("auto", "auto", "backtracking", None, 1e-5, 2)
    how = training.Training(batch_size=4_000)
    task = task_of(X, y, engine)
    task, problem, engine = training.posed(bind(task), task, how)
    whole = problem.objective
    some = batches._curved(whole)
    assert some.rows.n <= 1_000 and some.rows.n > 980
    assert batches._curved(whole.at_rows(task.rows.take(np.arange(512)))).rows.n == 512
    # Random rows: a mean over a quarter of them is near that over all.
    every, part = (o.fisher(problem.theta0).diag() for o in (whole, some))
    assert part.sum() == pytest.approx(every.sum(), rel=0.1)
