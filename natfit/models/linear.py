"""The linear model: eta = x' W + b, a generalised linear model in every parameter."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_bool
from natfit.models._conditional import Conditional
from natfit.models._layers import Layers, with_ones


class Linear(Conditional):
    """A linear map: eta_varying = x' W + b.

    theta = (W (D, Kv) row by row, b (Kv,), constants (Kc,)). It starts at W = 0.

    Parameters
    ----------
    intercept : bool, default=True
        Whether there is an intercept b. Without it eta_varying starts at 0, whatever eta0 is.
    """

    linear = True
    layered = True

    def __init__(self, intercept: bool = True):
        self.intercept = intercept

    @classmethod
    def examples(cls) -> list[Linear]:
        """Return one with and one without an intercept."""
        return [cls(), cls(intercept=False)]

    @property
    def starts_at_eta(self) -> bool:  # type: ignore[override]  # ``intercept`` decides
        """Whether there is an intercept, which can take the value eta0."""
        return bool(self.intercept)

    def _prepare(self) -> None:
        check_bool(self.intercept, "intercept")

    def _map_size(self) -> int:
        return (self.n_features + self.intercept) * len(self.varying)

    def _map_init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        theta = np.zeros(self._map_size())
        if self.intercept:
            theta[-len(eta0) :] = eta0
        return theta

    def _map_names(self, eta_names: list[str]) -> list[str]:
        inputs = [f"x{d}" for d in range(self.n_features)] + ["intercept"] * self.intercept
        return [f"{name}[{x}]" for x in inputs for name in eta_names]

    def _map_rows(self, theta: np.ndarray, X: np.ndarray) -> LinearRows:
        inputs = with_ones(X) if self.intercept else X
        return LinearRows(inputs, theta.reshape(-1, len(self.varying)))

    def _map_eta(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        weights = theta.reshape(-1, len(self.varying))
        if not self.intercept:
            return X @ weights
        out = X @ weights[:-1]
        out += weights[-1]
        return out


class LinearRows(Layers):
    """The linear model on a chunk of rows: one layer, whose outputs are those of the map.

    Parameters
    ----------
    inputs : ndarray of shape (n, A)
        x, followed by 1 if there is an intercept.
    weights : ndarray of shape (A, K)
        W, and b if there is an intercept.
    """

    def __init__(self, inputs: np.ndarray, weights: np.ndarray):
        self.inputs = [inputs]
        self._shape = weights.shape
        self.eta = inputs @ weights

    def deltas(self, b: np.ndarray, part: slice) -> list[np.ndarray]:
        """Return the combinations B (m, K, R) themselves, transposed to (m, R, K)."""
        return [np.swapaxes(b, 1, 2)]

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return (x, 1)' V of every row, (n, K)."""
        return self.inputs[0] @ v.reshape(self._shape)

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of (x, 1) (x) u_i, (P,)."""
        return (self.inputs[0].T @ u).ravel()

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of (x, 1)(x, 1)' (x) C_i, (P, P), column by column of C."""
        a, (width, k) = self.inputs[0], self._shape
        out = np.empty((width, k, width, k))
        for col in range(k):
            weighted = a[:, :, None] * c[:, None, :, col]
            out[:, :, :, col] = (weighted.reshape(len(a), -1).T @ a).reshape(width, k, width)
        return out.reshape(width * k, width * k)

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of (x, 1)^2 (x) diag C_i, (P,)."""
        return (np.square(self.inputs[0]).T @ np.einsum("nkk->nk", c)).ravel()
