import pickle
import re

import numpy as np
import pandas as pd
import pytest

from natfit.distributions import MultivariateNormal, Normal, Real, from_log_prob
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.objectives import Function
from natfit.optimize import History
from natfit.optimize.history import COLUMNS
from natfit.steps.backtracking import BacktrackingStep
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep
from natfit.testing.problems import likelihood, rosenbrock
from natfit.testing.steps import trace

Y = 12.0 + 4.0 * np.random.default_rng(0).standard_normal(200)


@pytest.fixture(scope="module")
def fitted():
    return trace(BacktrackingStep(), likelihood(Normal(), Y), [0.0, 0.0], "exact")


def test_it_is_a_mapping_of_arrays(fitted):
    fit, iterates = fitted
    history = fit.history
    assert list(history) == list(COLUMNS)
    assert len(history) == len(COLUMNS)
    assert "objective" in history
    assert dict(history).keys() == COLUMNS.keys()
    for values in history.values():
        assert values.shape == (len(iterates),)
    assert history.n_rows == len(iterates)
    with pytest.raises(KeyError, match="history has columns"):
        history["loss"]


def test_columns_are_those_of_the_iterates(fitted):
    fit, iterates = fitted
    history = fit.history
    np.testing.assert_array_equal(history["objective"], [i.value for i in iterates])
    np.testing.assert_array_equal(history.theta, [i.theta for i in iterates])
    np.testing.assert_allclose(history["gradient_norm"], [np.linalg.norm(i.grad) for i in iterates])
    assert np.all(history["evaluations"] >= 1)
    assert history["evaluations"].dtype.kind == "i"
    assert history["solver_iterations"].dtype.kind == "i"
    assert np.all(history["seconds"] > 0)
    assert np.isnan(history["step_length"][0])
    assert not np.isnan(history["step_length"][1:]).any()


def test_predicted_and_realised_divergence_agree_near_the_end(fitted):
    history = fitted[0].history
    assert history["kl"][-1] == pytest.approx(history["predicted_kl"][-1], rel=0.1)


def test_it_prints_as_a_table(fitted):
    lines = repr(fitted[0].history).splitlines()
    assert len(lines) == fitted[0].history.n_rows + 2
    assert "objective" in lines[0] and "distance" in lines[0]
    assert lines[-1] == f"[{fitted[0].history.n_rows} rows]"
    # A column without a number is left out, and a number that does not exist is no nan.
    assert "metric_error" not in lines[0]
    assert "nan" not in repr(fitted[0].history)
    assert len(repr(fitted[0].history.head(2)).splitlines()) == 4
    assert repr(fitted[0].history.head(0)) == "[0 rows]"


def test_a_long_one_prints_twelve_rows_and_says_how_many_there_are():
    history = trace(FixedStep(0.1), likelihood(Normal(), Y), [9.0, 1.0], "exact", max_iter=40)
    history = history[0].history
    assert history.n_rows == 41
    lines = repr(history).splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == [
        *map(str, range(6)),
        "...",
        *map(str, range(35, 41)),
    ]
    assert lines[-1] == "[41 rows, of which the first 6 and the last 6 are shown]"
    assert len(history.to_frame()) == 41


def test_a_notebook_gets_the_same_rows_as_html():
    history = trace(FixedStep(0.1), likelihood(Normal(), Y), [9.0, 1.0], "exact", max_iter=40)
    shown = history[0].history._repr_html_()
    rows = re.findall("<tr>(.*?)</tr>", shown)
    assert len(rows) == 1 + 6 + 1 + 6
    objective = [re.findall("<td[^>]*>(.*?)</td>", row)[1] for row in rows[1:7]]
    expected = history[0].history["objective"][:6]
    np.testing.assert_allclose([float(v) for v in objective], expected, rtol=1e-8)
    assert "41 rows" in shown


def test_it_converts_to_a_frame(fitted):
    frame = fitted[0].history.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(COLUMNS)
    np.testing.assert_array_equal(frame["objective"], fitted[0].history["objective"])


def test_without_pandas_it_says_what_to_install(fitted, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install .natfit\[pandas\]"):
        fitted[0].history.to_frame()


def test_it_pickles(fitted):
    again = pickle.loads(pickle.dumps(fitted[0].history))
    np.testing.assert_array_equal(again["objective"], fitted[0].history["objective"])
    assert again.reasons == fitted[0].history.reasons


def log_prob(y, loc):
    return -0.5 * (y - loc) ** 2 - 0.9189385332046727


CASES = {
    "backtracking": (BacktrackingStep(), likelihood(Normal(), Y), [0.0, 0.0], "exact"),
    "fixed": (FixedStep(), likelihood(Normal(), Y), [10.0, 1.0], "exact"),
    "monte carlo": (KLStep(), likelihood(Normal(), Y), [9.0, 1.0], MonteCarloFisher()),
    "few draws": (
        BacktrackingStep(),
        likelihood(MultivariateNormal(dim=3), np.random.default_rng(0).standard_normal((40, 3))),
        np.zeros(9),
        MonteCarloFisher(4),
    ),
    "function": (BacktrackingStep(), rosenbrock(), [-1.2, 1.0], "observed"),
    "no divergence": (
        BacktrackingStep(),
        likelihood(from_log_prob(log_prob, {"loc": Real()}), Y),
        [0.0],
        "observed",
    ),
    "at the optimum": (BacktrackingStep(), rosenbrock(), [1.0, 1.0], "observed"),
}


@pytest.mark.parametrize("name", CASES)
def test_no_column_is_all_nan_without_a_reason(name):
    step, objective, start, metric = CASES[name]
    history = trace(step, objective, start, metric, max_iter=3)[0].history
    empty = {column for column, values in history.items() if np.all(np.isnan(values))}
    assert set(history.reasons) == empty
    assert all(history.reasons.values())


def test_reasons_name_the_cause():
    history = trace(*CASES["fixed"], max_iter=3)[0].history
    assert history.reasons["radius"] == "FixedStep has no trust radius"
    assert "draws no samples" in history.reasons["metric_error"]
    stay = trace(*CASES["at the optimum"], max_iter=3)[0].history
    assert stay.reasons["step_length"] == "no step was taken"


def test_histories_of_several_columns_are_joined(fitted):
    one = fitted[0].history
    other = trace(KLStep(), likelihood(Normal(), Y), [0.0, 0.0], "exact", max_iter=4)[0].history
    joined = History.concatenate([one, other])
    assert joined.n_rows == one.n_rows + other.n_rows
    np.testing.assert_array_equal(joined["column"], np.repeat([0, 1], [one.n_rows, other.n_rows]))
    np.testing.assert_array_equal(joined["objective"][one.n_rows :], other["objective"])
    assert joined["column"].dtype.kind == "i"
    # The first has a radius, so that the joined column is not all NaN.
    assert "radius" not in joined.reasons


def climbing(objective, start):
    """The history of a run whose first search fails: the gradient has the wrong sign."""
    upside_down = Function(lambda x: (objective(x)[0], -objective(x)[1]), len(start), jac=True)
    return trace(BacktrackingStep(), upside_down, start, "euclidean")[0].history


def bowl(x):
    return float(x @ x), 2.0 * x


def test_a_run_that_fails_where_it_goes_on_is_counted_in_the_joined_history():
    first = trace(BacktrackingStep(), Function(bowl, 2, jac=True), [3.0, 4.0], "euclidean")
    first = first[0].history
    failed = climbing(bowl, [1.0, 1.0])
    joined = first.then(failed)
    assert joined.n_rows == first.n_rows
    assert joined.trials == failed.trials != ()
    assert len(failed.trials) == 50
    # The other's start is no row of the joined history, and not counted.
    assert joined["evaluations"].sum() == first["evaluations"].sum() + 50
    assert joined.notes[-1].endswith(failed.notes[0])
    np.testing.assert_array_equal(joined["objective"], first["objective"])


def test_the_last_failed_search_is_kept_by_all_ways_to_join():
    good = trace(BacktrackingStep(), Function(bowl, 2, jac=True), [3.0, 4.0], "euclidean")
    good = good[0].history
    failed = climbing(bowl, [1.0, 1.0])
    assert good.trials == ()
    assert failed.then(good).trials == failed.trials
    assert failed.then(good)["evaluations"].tolist() == [51, *good["evaluations"][1:]]
    assert History.concatenate([failed, good]).trials == failed.trials
    assert History.concatenate([good, failed]).trials == failed.trials
    assert failed.head(1).trials == failed.trials
    assert repr(pickle.loads(pickle.dumps(failed)).trials) == repr(failed.trials)


def test_notes_record_fallbacks():
    def two(y, first, second):
        return -0.5 * (y - first - second) ** 2 - 0.9189385332046727

    family = from_log_prob(two, {"first": Real(), "second": Real()}, support="real")
    objective = likelihood(family, Y, origin=np.zeros(2))
    history = trace(BacktrackingStep(), objective, [1.0, 1.0], "exact", tol=1e-5)[0].history
    assert any("pseudo-inverse" in note for note in history.notes)
