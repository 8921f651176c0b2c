"""Weights of mixtures of chi-squares against closed forms, and tails against scipy."""

import numpy as np
import pytest
from scipy import stats

from natfit.inference import chi_bar


def test_one_parameter():
    np.testing.assert_allclose(chi_bar.weights(np.array([[7.0]])), [0.5, 0.5])


@pytest.mark.parametrize("r", [-0.9, 0.0, 0.5])
def test_two_parameters(r):
    # The angle of the cone: arccos(-r) of 2 pi for both positive, the rest of pi for none.
    found = chi_bar.weights(np.array([[4.0, 2.0 * r], [2.0 * r, 1.0]]))
    both = np.arccos(-r) / (2.0 * np.pi)
    np.testing.assert_allclose(found, [0.5 - both, 0.5, both], atol=1e-12)


def test_three_parameters():
    # Uncorrelated ones are positive independently of each other.
    np.testing.assert_allclose(
        chi_bar.weights(np.diag([1.0, 4.0, 9.0])), np.array([1, 3, 3, 1]) / 8, atol=0.01
    )
    # Kudo (1963): w3 = 1/2 - sum of arccos(-partial correlations) ... by the volume of the orthant.
    v = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]])
    orthant = 1.0 / 8 + np.arcsin([0.5, 0.2, -0.3]).sum() / (4.0 * np.pi)
    found = chi_bar.weights(v)
    assert found[3] == pytest.approx(orthant, abs=0.01)
    # The weights of an even and of an odd number of parameters both add to one half.
    assert found[0] + found[2] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_array_equal(found, chi_bar.weights(v))


def test_tails():
    assert chi_bar.upper_tail(3.0, 2) == pytest.approx(stats.chi2.sf(3.0, 2))
    assert chi_bar.upper_tail(3.0, 1, (0.5, 0.5)) == pytest.approx(0.5 * stats.chi2.sf(3.0, 1))
    assert chi_bar.upper_tail(3.0, 3, (0.5, 0.5)) == pytest.approx(
        0.5 * stats.chi2.sf(3.0, 2) + 0.5 * stats.chi2.sf(3.0, 3)
    )
    assert chi_bar.upper_tail(0.0, 1, (0.5, 0.5)) == 1.0


def test_projection_onto_a_cone():
    # Independent entries: each counts if it points into the range.
    v = np.diag([4.0, 1.0, 1.0])
    z = np.array([2.0, -3.0, -1.0])
    at = np.array([0, 1])
    assert chi_bar.projected(z, v, at) == pytest.approx(1.0 + 0.0 + 1.0)
    assert chi_bar.projected(z, v, np.array([], dtype=int)) == pytest.approx(1.0 + 9.0 + 1.0)
    # Of correlated ones, by a search over the quadrant.
    v = np.array([[1.0, 0.6], [0.6, 2.0]])
    z = np.array([1.5, -1.0])
    grid = np.stack(np.meshgrid(np.linspace(0, 4, 801), np.linspace(0, 4, 801)), -1).reshape(-1, 2)
    away = np.einsum("ni,ij,nj->n", z - grid, np.linalg.inv(v), z - grid).min()
    want = z @ np.linalg.solve(v, z) - away
    assert chi_bar.projected(z, v, at) == pytest.approx(want, abs=1e-4)


def test_words():
    assert chi_bar.words(1, (1.0,)) == "chi-square with 1 degree of freedom"
    assert chi_bar.words(2, (0.5, 0.5)) == "chi-bar-square, 0.5 chi-square(1) + 0.5 chi-square(2)"
