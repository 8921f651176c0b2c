"""How users say which rows are censored: times and events, ends, and mistakes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import natfit
from natfit import Censored

INF = np.inf
TIME, EVENT = [1.0, 2.5, 3.0], [1, 1, 0]


@pytest.mark.parametrize(
    "event",
    [
        [1, 1, 0],
        [1.0, 1.0, 0.0],
        [True, True, False],
        np.array([1, 1, 0], dtype=np.uint8),
        pd.Series([True, True, False]),
        pd.Series([1, 1, 0], dtype="Int64"),
        pd.Series([True, True, False], dtype="boolean"),
        pl.Series([True, True, False]),
    ],
)
def test_times_and_events(event):
    right, left = Censored.right(TIME, event), Censored.left(TIME, event)
    assert right.rows.tolist() == [[1, 1], [2.5, 2.5], [3, INF]]
    assert left.rows.tolist() == [[1, 1], [2.5, 2.5], [-INF, 3]]
    rate = natfit.fit("exponential", right).params_["rate"][0]
    assert rate == pytest.approx(2 / 6.5, rel=1e-6)


def test_ends_and_exact_values():
    assert Censored.interval([0, 1], [1, INF]).rows.tolist() == [[0, 1], [1, INF]]
    assert Censored.exact([0.5, 2]).rows.tolist() == [[0.5, 0.5], [2, 2]]
    # Ends of 0 and 1 are ends where they are said to be.
    assert Censored.interval([0.5, 0.0], [1, 0]).rows.tolist() == [[0.5, 1], [0, 0]]
    y = np.array([1.0, 2.0])
    rows = Censored(y, y)
    y[0] = 5.0
    assert rows.lower[0] == 1.0


MISTAKEN = [
    (TIME, [1, 1, 0]),
    (TIME, [1.0, 1.0, 0.0]),
    (TIME, [True, True, False]),
    ([0.2, 0.5, 0.9], [True, True, True]),
    ([0.2, 0.5, 0.9], np.array([1, 1, 1])),
    ([0.2, 0.5, 0.9], [1.0, 0.0, 1.0]),
    (pd.Series(TIME), pd.Series([True, None, False], dtype="boolean").fillna(True)),
    (pl.Series(TIME), pl.Series([True, True, False])),
    ([True, True, False], TIME),
    (np.array(TIME), np.array([0, 0, 0])),
]


@pytest.mark.parametrize("case", range(len(MISTAKEN)))
def test_a_time_and_an_event_are_recognised(case):
    with pytest.raises(ValueError, match=r"event indicator.*Censored.right\(time, event\)"):
        Censored(*MISTAKEN[case])


@pytest.mark.parametrize(
    "ends",
    [
        ([0.2, 0.5], [1.0, 1.0]),
        ([0, 0, 1], [1, 0, 1]),
        ([-INF, -0.5], [0.0, 1.0]),
        ([-1, 0], [0, 1]),
        ([0.0, 1.0], [1.5, INF]),
    ],
)
def test_ends_that_may_be_ends_are_taken_as_such(ends):
    assert Censored(*ends).rows.T.tolist() == np.array(ends, dtype=float).tolist()


@pytest.mark.parametrize(
    ("time", "event", "words"),
    [
        (TIME, [1, 2, 0], r"event must be 1 or True .* got 2 at row 1; for two ends"),
        (EVENT, TIME, "got 2.5 at row 1; time and event seem to be swapped"),
        (TIME, ["dead", "dead", "alive"], "event holds text"),
        (TIME, [1, 0], r"one length, got shapes \(3,\) and \(2,\)"),
        ([[1.0], [2.0], [3.0]], EVENT, "one length"),
        ([1.0, INF, 2.0], EVENT, "finite value"),
    ],
)
def test_times_and_events_that_cannot_be(time, event, words):
    for make in (Censored.right, Censored.left):
        with pytest.raises(ValueError, match=words):
            make(time, event)


def test_partial_starts_take_the_rest_from_the_family():
    x = np.random.default_rng(0).gamma(2.0, 3.0, 100)
    own = natfit.fit("gamma", x).history_.theta[0]
    for name, k in (("shape", 0), ("scale", 1)):
        start = natfit.fit("gamma", x, start_params={name: 5.0}).history_.theta[0]
        assert start[k] == pytest.approx(np.log(5.0))
        assert start[1 - k] == pytest.approx(own[1 - k])
    np.testing.assert_array_equal(natfit.fit("gamma", x, start_params={}).history_.theta[0], own)
    both = natfit.NaturalMLE("gamma", start_params={"shape": [5.0, 6.0]}).fit(np.stack([x, x], 1))
    first = both.history_.theta[np.flatnonzero(np.diff(both.history_["column"], prepend=-1))]
    np.testing.assert_allclose(first, np.stack([np.log([5.0, 6.0]), [own[1], own[1]]], axis=1))
    fixed = natfit.fit("student_t", x, start_params={"df": 3.0, "loc": 1.0}, fixed={"scale": 2.0})
    assert fixed.history_.theta[0, 0] == 1.0
    rows = Censored.right(x, x < 8.0)
    wanted = natfit.fit("weibull", rows).params_
    found = natfit.fit("weibull", rows, start_params={"shape": 3.0}).params_
    assert found["scale"] == pytest.approx(wanted["scale"], rel=1e-5)


def test_entry_is_short_for_a_window_that_is_open_above():
    time, event, entry = np.array([2.0, 3.0, 5.0]), np.array([1, 0, 1]), np.array([0.5, 1.0, 0.1])
    short = Censored.right(time, event, entry=entry)
    long = Censored.right(time, event, truncation=(entry, None))
    np.testing.assert_array_equal(short.rows, long.rows)
    with pytest.raises(ValueError, match="entry and truncation exclude each other"):
        Censored.right(time, event, entry=entry, truncation=(entry, None))


def test_the_distribution_comes_first():
    with pytest.raises(TypeError, match=r"write natfit\.fit\('gamma', x\)"):
        natfit.fit([1.0, 2.0], "gamma")


def test_zeros_beside_a_density_have_a_remedy():
    with pytest.raises(ValueError, match=r"ZeroAdjusted\(family\) gives zeros"):
        natfit.fit("gamma", [1.0, 0.0, 2.0])
