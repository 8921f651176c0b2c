"""Sums of a design over rows, against the standardised rows themselves in extended precision."""

import numpy as np
import pytest

from natfit.models._design import Design

FORMS = {
    "near": lambda X: X,
    "one far": lambda X: X + np.append(1e6, np.zeros(X.shape[1] - 1)),
    "some apart": lambda X: X + 1e3 * (np.arange(X.shape[1]) < 2),
    "all far": lambda X: X + 1e6,
    "columns first": np.asfortranarray,
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
}


def design_of(form, n, d, kind):
    rng = np.random.default_rng(3)
    X = FORMS[form](rng.standard_normal((n, d))).astype(kind, copy=False)
    shift, scale = X.mean(axis=0, dtype=np.float64), rng.uniform(0.5, 2.0, d)
    flat = np.arange(d) == 2
    Z = np.ones((n, d + 1), dtype=np.longdouble)
    Z[:, :-1] = (X.astype(np.longdouble) - shift) / scale
    return X, Design(shift, scale, flat), Z, rng


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(40, 4), (4_500, 5), (1_700, 40)])
@pytest.mark.parametrize("form", list(FORMS))
def test_sums_are_those_of_the_standardised_rows(form, shape, kind):
    X, design, Z, rng = design_of(form, *shape, kind)
    n, d = shape
    flat = np.append(design.flat, False)
    for k in (1, 2, 3, 5):
        b, u = rng.standard_normal((d + 1, k)), rng.standard_normal((n, k))
        b[:-1, 1:2] = 0.0
        np.testing.assert_allclose(design.matmul(X, b), (Z @ b).astype(float), atol=1e-7)
        want = (Z.T @ u).astype(float)
        want[flat] = 0.0
        np.testing.assert_allclose(design.rmatmul(X, u), want, atol=1e-7 * n)
        some = design.rmatmul(X, u, np.array([0]))
        np.testing.assert_allclose(some[:, 0], want[:, 0], atol=1e-7 * n)
        assert not some[:-1, 1:].any()
        np.testing.assert_allclose(some[-1], want[-1], atol=1e-7 * n)
    for c in (None, rng.uniform(0.0, 2.0, n), rng.standard_normal(n)):
        want = (Z.T @ (Z if c is None else Z * c[:, None])).astype(float)
        want[flat] = want[:, flat] = 0.0
        for single, digits in ((False, 1e-11), (True, 1e-5)):
            found = design.gram(X, c, single)
            np.testing.assert_allclose(found, want, atol=digits * n)
            np.testing.assert_allclose(found, found.T, rtol=1e-12, atol=1e-12 * n)
