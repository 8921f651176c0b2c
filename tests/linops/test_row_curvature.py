"""Matrices of rows that are made positive, against eigenvalues of numpy."""

import numpy as np
import pytest

from natfit.linops.row_curvature import Entries, made_positive


@pytest.mark.parametrize("size", [1, 2, 3])
def test_absolute_values_of_eigenvalues(size):
    c = np.random.default_rng(0).standard_normal((200, size, size))
    c += np.swapaxes(c, 1, 2)
    c[0] = -2.0 * np.eye(size)
    c[1] = 1.0
    c[2] = np.diag(np.arange(1.0, size + 1.0))
    values, vectors = np.linalg.eigh(c)
    values = np.abs(values)
    values = np.maximum(values, 1e-3 * values.max(axis=1, keepdims=True))
    want = (vectors * values[:, None]) @ np.swapaxes(vectors, 1, 2)
    found = made_positive(Entries.of(c), len(c), 1e-3).dense(len(c))
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-12)


def test_entries_that_are_numbers():
    entries = Entries(2, {(0, 0): np.array([1.0, -3.0]), (0, 1): np.array([2.0, 0.0]), (1, 1): 2.0})
    want = made_positive(Entries.of(entries.dense(2)), 2, 1e-3).dense(2)
    np.testing.assert_allclose(made_positive(entries, 2, 1e-3).dense(2), want, rtol=1e-14)
    diagonal = made_positive(Entries(2, {(0, 0): -4.0, (1, 1): np.array([1.0, -1.0])}), 2, 1e-3)
    assert diagonal.dense(2).tolist() == [np.diag([4.0, 1.0]).tolist()] * 2
