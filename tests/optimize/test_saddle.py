"""Saddles of plain functions: a run that a symmetry holds there goes on."""

import autograd.numpy as anp
import numpy as np
import pytest

import natfit


def valley(x):
    """Two minima, at (0, +-1 / sqrt 2), of value -1/4, and a saddle between them at 0."""
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


@pytest.mark.parametrize("metric", ["auto", np.diag([2.0, 3.0])], ids=["auto", "matrix"])
@pytest.mark.parametrize("start", [[1.0, 0.0], [0.0, 0.0]])
def test_a_run_on_a_line_of_symmetry_leaves_the_saddle(start, metric):
    seen = []
    result = natfit.minimize(valley, start, metric=metric, callback=lambda x: seen.append(x))
    assert result.status == "converged"
    assert result.fun == pytest.approx(-0.25, abs=1e-10)
    assert abs(result.x[1]) == pytest.approx(np.sqrt(0.5), abs=1e-5)
    assert len(seen) == result.nit
    assert len(result.history["objective"]) == result.nit + 1


def test_a_symmetry_across_the_axes_is_seen_after_some_iterations():
    # The same function turned by 45 degrees, from a point on its line of symmetry.
    result = natfit.minimize(
        lambda x: valley([(x[0] + x[1]) / np.sqrt(2.0), (x[0] - x[1]) / np.sqrt(2.0)]),
        [1.0, 1.0],
        metric=3.0 * np.eye(2),
    )
    assert result.fun == pytest.approx(-0.25, abs=1e-10)


def test_many_directions_fall_at_once():
    result = natfit.minimize(lambda x: anp.sum((x**2 - 1.0) ** 2), np.zeros(12))
    assert result.fun == pytest.approx(0.0, abs=1e-12)


def test_evaluations_are_counted_and_a_minimum_stays():
    calls = []

    def quartic(x):
        calls.append(1)
        return x[0] ** 2 + x[1] ** 4, np.array([2.0 * x[0], 4.0 * x[1] ** 3])

    result = natfit.minimize(quartic, [1.0, 0.0], jac=True)
    assert result.status == "converged"
    np.testing.assert_allclose(result.x, 0.0, atol=1e-8)
    assert result.nfev == len(calls)


def test_a_saddle_inside_bounds_is_left_within_them():
    result = natfit.minimize(valley, [1.0, 0.0], bounds=[(-2.0, 2.0), (-0.1, 0.5)])
    assert result.x[1] == 0.5
    assert result.fun == pytest.approx(-0.25 + 0.0625, abs=1e-6)
