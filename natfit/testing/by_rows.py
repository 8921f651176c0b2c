"""Property checks of distributions where every row has an eta of its own, as in a regression.

The oracle are the same rows one eta at a time: what a family gives for eta (1, K) is compared with
autograd, differences and quadrature by the other checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.testing._core import close
from natfit.testing.data import some_rows

#: Rows for each eta.
_ROWS = 12


def _stacked(family: Any, etas: np.ndarray) -> tuple[np.ndarray, np.ndarray, Callable]:
    """Return y (n, ...) and eta (n, K), in columns, and a function that asks eta by eta.

    Neighbouring rows have different eta; draws of one are rows of the next one too, where it has
    a density there.

    Returns
    -------
    y : ndarray of shape (n, ...)
    eta : ndarray of shape (n, K)
    singly : callable
        Of ``call(y, eta)`` for eta (1, K): the values of all rows, in their order.
    """
    y = np.concatenate([some_rows(family, eta, _ROWS) for eta in etas])
    y = y.reshape(len(etas), _ROWS, *y.shape[1:]).swapaxes(0, 1).reshape(y.shape)
    eta = np.asfortranarray(np.tile(etas, (_ROWS, 1)))

    def singly(call: Callable) -> np.ndarray:
        parts = [call(y[i :: len(etas)], etas[i : i + 1]) for i in range(len(etas))]
        parts = [np.broadcast_to(part, (_ROWS, *np.shape(part)[1:])) for part in parts]
        return np.stack(parts, axis=1).reshape(len(y), *parts[0].shape[1:])

    return y, eta, singly


def rows_have_their_own_eta(family: Any, etas: np.ndarray) -> None:
    """log p, score and observed information of each row are those at its own eta."""
    y, eta, singly = _stacked(family, etas)
    value, score = family.log_prob_and_score(y, eta)
    want = singly(family.log_prob)
    close("log_prob of rows", family.log_prob(y, eta), want, rtol=1e-11, scale=1.0 + np.abs(want))
    close("log_prob with the score", value, want, rtol=1e-11, scale=1.0 + np.abs(want))
    want = singly(family.score)
    size = 1.0 + np.abs(want).max(axis=0)
    close("score of rows", family.score(y, eta), want, rtol=1e-10, scale=size)
    close("score with log_prob", score, want, rtol=1e-10, scale=size)
    want = singly(family.observed)
    size = 1.0 + np.abs(want).max(axis=0)
    close("observed of rows", family.observed(y, eta), want, rtol=1e-9, scale=size)
    entries = family.observed_curvature(y, eta).dense(len(y))
    close("entries of the observed information", entries, want, rtol=1e-9, scale=size)


def curvature_of_rows_is_fisher(family: Any, etas: np.ndarray) -> None:
    """The entries of the information of rows are those of fisher, eta by eta."""
    if not (family.information.exists and family.fisher_by_rows):
        # Its entries are not asked for: a regression uses the observed information.
        return
    _, eta, singly = _stacked(family, etas)
    want = singly(lambda _, own: family.fisher(own))
    size = np.abs(want).max(axis=0) + 1e-300
    close("fisher of rows", family.fisher(eta), want, rtol=1e-9, scale=size)
    entries = family.curvature(eta).dense(len(eta))
    close("entries of the information", entries, want, rtol=1e-9, scale=size)


#: Checks of rows, each called with (family, etas).
ROW_CHECKS = [rows_have_their_own_eta, curvature_of_rows_is_fisher]
