"""A message is made from facts, and changes with them."""

from dataclasses import replace

import numpy as np
import pytest

from natfit.iterate import Iterate, Status
from natfit.objectives import Function
from natfit.optimize import Verdict

FACTS = Verdict(Status.MAX_ITER, np.zeros(2), 1.5, 0.25, 7, 1e-6, 7, probabilistic=True)


def test_another_maximum_of_iterations_is_another_field():
    text = (
        "max_iter: max_iter=7 was reached; the distance to the optimum is 0.25 standard errors, "
        "and tol is 1e-06; "
    )
    assert FACTS.message == text + Status.MAX_ITER.remedy
    assert replace(FACTS, max_iter=107).message == FACTS.message.replace("=7 ", "=107 ")


def test_a_reason_takes_the_place_of_what_was_found():
    known = replace(FACTS, status=Status.UNBOUNDED, reason="all rows are equal", rose_from=0.5)
    assert known.message == f"unbounded: all rows are equal; {Status.UNBOUNDED.remedy}"


def test_a_climb_is_said_last():
    words = replace(FACTS, status=Status.NO_DESCENT, rose_from=0.5).message
    assert words.endswith("; the objective rose from 0.5 to 1.5: shorten the step")


@pytest.mark.parametrize(
    ("status", "facts", "words"),
    [
        (Status.BOUNDARY, {"bounds": ("a -> 0",)}, "a -> 0: the best value lies at this limit"),
        (
            Status.BOUNDARY,
            {"bounds": ("a -> 0", "b -> 1")},
            "a -> 0, b -> 1: the best values lie at these limits",
        ),
        (
            Status.BOUNDARY,
            {"bound_note": "held at 1e-8"},
            "held at 1e-8; all other parameters are at",
        ),
        (Status.UNBOUNDED, {"runaway": "scale -> 0"}, "grows without limit as scale -> 0"),
        (Status.SINGULAR, {"unidentified": ("a", "b")}, "do not determine a, b: the information"),
        (Status.NON_FINITE, {"value": np.nan}, "near theta = [0. 0.], where the objective is nan"),
        (Status.STOPPED_BY_CALLBACK, {"n_iter": 1}, "stopped the fit after 1 iteration;"),
        (Status.STOPPED_BY_CALLBACK, {"n_iter": 3}, "stopped the fit after 3 iterations;"),
        (Status.CONVERGED, {}, "to the optimum is 0.25 standard errors, within tol=1e-06"),
        (Status.CONVERGED, {"probabilistic": False}, "0.25 in the metric's norm, within tol="),
    ],
)
def test_each_fact_is_said(status, facts, words):
    assert words in replace(FACTS, status=status, **facts).message


def test_a_bound_of_the_caller_needs_no_remedy():
    own = replace(FACTS, status=Status.BOUNDARY, bounds=("x[0] -> 2",), probabilistic=False)
    assert own.message.endswith("all other parameters are at their optimum")
    assert replace(own, probabilistic=True).message.endswith(Status.BOUNDARY.remedy)


def test_facts_are_gathered_from_the_last_iterate():
    objective = Function(lambda x: x @ x, 3, bounds=(np.array([-1.0] * 3), np.array([2.0] * 3)))
    last = Iterate(np.array([2.0, -1.0, 0.0]), 5.0, np.zeros(3), n_iter=4, distance=0.5)
    last = replace(last, active=(0, 1), unidentified=(2,))
    found = Verdict.of(Status.BOUNDARY, objective, last, 0.1, 9, lost=1, rose_from=4.0)
    assert found.bounds == ("x[0] -> 2", "x[1] -> -1")
    assert found.unidentified == ("x[2]",)
    assert found.runaway == "x[1] -> -1"
    assert (found.value, found.distance, found.n_iter) == (5.0, 0.5, 4)
    assert (found.tol, found.max_iter, found.rose_from) == (0.1, 9, 4.0)
    assert not found.probabilistic
