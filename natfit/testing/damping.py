"""Property checks of dampings."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.linops import Dense
from natfit.testing._core import NotApplicable, close, require, run_checks


def check_damping(damping: Any) -> dict[str, str]:
    """Run every check of :data:`DAMPING_CHECKS` on a damping.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(DAMPING_CHECKS, damping)


_MATRIX = np.array([[4.0, 1.0, 0.0], [1.0, 9.0, 2.0], [0.0, 2.0, 1.0]])


def adds_nonnegative_diagonal(damping: Any) -> None:
    """apply() adds a diagonal that is finite and >= 0, also where F has zeros."""
    for matrix in (_MATRIX, np.diag([1.0, 0.0, 4.0]), np.zeros((3, 3))):
        operator = Dense(matrix)
        damped = damping.apply(operator, damping.start()).dense()
        added = damping.added(operator, damping.start())
        added = np.zeros(3) if added is None else added
        require(added.shape == (3,), f"added has shape {added.shape}")
        require(np.all(np.isfinite(added)) and np.all(added >= 0), f"added is {added}")
        close("apply() against F + diag(added)", damped, matrix + np.diag(added), rtol=1e-14)


def regularises_singular(damping: Any) -> None:
    """What is added makes a singular matrix regular."""
    matrix = np.diag([1.0, 0.0, 4.0])
    if damping.added(Dense(matrix), damping.start()) is None:
        raise NotApplicable("nothing is added")
    damped = damping.apply(Dense(matrix), damping.start()).dense()
    require(np.linalg.eigvalsh(damped)[0] > 0, "the damped matrix is singular")


def starts_nonnegative(damping: Any) -> None:
    """The lambda of the first iteration is a finite number >= 0."""
    state = damping.start()
    require(np.isfinite(state) and state >= 0, f"the first state is {state}")


def adapts_in_order(damping: Any) -> None:
    """Rejected steps raise lambda, and good steps lower it to no damping."""
    if not damping.adaptive:
        raise NotApplicable("the damping does not adapt")
    state = damping.start()
    require(damping.rejected(state) > state, "a rejected step does not raise the damping")
    require(damping.rejected(0.0) > 0.0, "damping cannot rise from zero")
    require(damping.accepted(state, 1.0) < state, "a good step does not lower the damping")
    require(damping.accepted(state, 0.01) >= state, "a poor step lowers the damping")
    for _ in range(30):
        state = damping.accepted(state, 1.0)
    require(damping.added(Dense(_MATRIX), state) is None, "the damping does not die out")


def keeps_state(damping: Any) -> None:
    """A damping that does not adapt keeps its lambda."""
    if damping.adaptive:
        raise NotApplicable("the damping adapts")
    state = damping.start()
    kept = {damping.accepted(state, r) for r in (0.0, 1.0)} | {damping.rejected(state)}
    require(kept == {state}, f"the state changes to {kept} from {state}")


def invariant_to_units(damping: Any) -> None:
    """When the parameters' units change, F to D F D, what is added changes in the same way."""
    added = damping.added(Dense(_MATRIX), damping.start())
    if added is None:
        raise NotApplicable("nothing is added")
    units = np.array([1e-3, 1.0, 1e4])
    other = damping.added(Dense(_MATRIX * np.outer(units, units)), damping.start())
    if np.array_equal(added, other):
        raise NotApplicable("lambda I is tied to the parameters' units by definition")
    close("added in other units", other, added * units**2, rtol=1e-12)


#: Every check that :func:`check_damping` runs, each called with a damping.
DAMPING_CHECKS = [
    adds_nonnegative_diagonal,
    regularises_singular,
    starts_nonnegative,
    adapts_in_order,
    keeps_state,
    invariant_to_units,
]
