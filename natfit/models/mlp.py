"""The multilayer perceptron, with hand-written derivatives in forward and reverse mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit._validation import check_number, check_option
from natfit.models._conditional import Conditional
from natfit.models._layers import Layers
from natfit.numerics import autodiff

# In place: z (n, H) becomes the slope phi'(z), and a receives phi(z).


def _tanh(z: np.ndarray, a: np.ndarray) -> None:
    np.tanh(z, out=a)
    np.multiply(a, a, out=z)
    np.subtract(1.0, z, out=z)


def _identity(z: np.ndarray, a: np.ndarray) -> None:
    a[...] = z
    z.fill(1.0)


def _relu(z: np.ndarray, a: np.ndarray) -> None:
    np.maximum(z, 0.0, out=a)
    np.greater(z, 0.0, out=z)


def _softplus(z: np.ndarray, a: np.ndarray) -> None:
    np.logaddexp(0.0, z, out=a)
    expit(z, out=z)


def _sigmoid(z: np.ndarray, a: np.ndarray) -> None:
    expit(z, out=a)
    np.subtract(1.0, a, out=z)
    np.multiply(a, z, out=z)


#: For each name: phi written in ``autograd.numpy``, and the function that computes phi and its
#: slope in place.
ACTIVATIONS: dict[str, tuple[Callable, Callable]] = {
    "tanh": (anp.tanh, _tanh),
    "relu": (lambda z: anp.maximum(z, 0.0), _relu),
    "softplus": (lambda z: anp.logaddexp(0.0, z), _softplus),
    "sigmoid": (lambda z: 0.5 + 0.5 * anp.tanh(0.5 * z), _sigmoid),
    "identity": (lambda z: z, _identity),
}

#: Gain of the output weights at the start: eta hardly depends on x, but all layers have gradients.
_OUTPUT_GAIN = 0.01


class MLP(Conditional):
    """A neural network: eta_varying = phi(... phi(x' W_1 + b_1) ...) W + b.

    theta = (W_1, b_1, ..., W, b, constants (Kc,)), matrices (inputs, outputs) row by row.

    Hidden weights start orthogonal with gain sqrt(2), or 1 for the identity (Saxe, McClelland and
    Ganguli, 2014), output weights orthogonal with gain 0.01, hidden biases zero, b at eta0. With
    the identity this is a deep linear network: eta is linear in x, but not in theta.

    Parameters
    ----------
    hidden : sequence of int, default=(32, 32)
        Width of each hidden layer; at least one layer.
    activation : {"tanh", "relu", "softplus", "sigmoid", "identity"}, default="tanh"
        The function phi.
    """

    layered = True

    def __init__(self, hidden: Sequence[int] = (32, 32), activation: str = "tanh"):
        self.hidden = hidden
        self.activation = activation

    @classmethod
    def examples(cls) -> list[MLP]:
        """Return one network for each activation."""
        found = [cls((4,), name) for name in ACTIVATIONS if name != "tanh"]
        return [cls((4, 3)), *found]

    def _prepare(self) -> None:
        check_option(self.activation, "activation", tuple(ACTIVATIONS))
        if isinstance(self.hidden, str) or not hasattr(self.hidden, "__len__"):
            raise TypeError(
                f"hidden must be a sequence of widths, got {self.hidden!r}; try (32, 32)"
            )
        widths = [check_number(h, "hidden", low=1, integer=True) for h in self.hidden]
        if not widths:
            raise ValueError(
                "hidden must have at least one width, got none; use the model 'linear'"
            )
        ends = [self.n_features, *widths, len(self.varying)]
        self._shapes = [(a + 1, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]

    def _map_size(self) -> int:
        return sum(a * b for a, b in self._shapes)

    def _map_init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        theta = np.zeros(self._map_size())
        layers = cut(theta, self._shapes)
        gain = 1.0 if self.activation == "identity" else np.sqrt(2.0)
        for layer in layers[:-1]:
            layer[:-1] = gain * _orthogonal(rng, *layer[:-1].shape)
        layers[-1][:-1] = _OUTPUT_GAIN * _orthogonal(rng, *layers[-1][:-1].shape)
        layers[-1][-1] = eta0
        return theta

    def _map_names(self, eta_names: list[str]) -> list[str]:
        names, before = [], [f"x{d}" for d in range(self.n_features)]
        for number, (_, width) in enumerate(self._shapes[:-1], 1):
            units = [f"h{number}.{j}" for j in range(width)]
            names += [f"{unit}[{x}]" for x in [*before, "intercept"] for unit in units]
            before = units
        return names + [f"{eta}[{x}]" for x in [*before, "intercept"] for eta in eta_names]

    def penalty(self, alpha: np.ndarray) -> np.ndarray:
        """Return lambda (P,): alpha_k for the weights of output k, the largest for hidden ones.

        Returns
        -------
        ndarray of shape (P,)
            Zero for biases and constants.
        """
        out = np.zeros(self.n_params)
        own = np.asarray(alpha, dtype=np.float64)[self.varying]
        layers = cut(out[: self._size], self._shapes)
        for layer in layers[:-1]:
            layer[:-1] = own.max()
        layers[-1][:-1] = own
        return out

    def _map_rows(self, theta: np.ndarray, X: np.ndarray) -> MLPRows:
        return MLPRows(theta, self._shapes, X, self.activation)

    def _map_eta(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        return forward(cut(theta, self._shapes), X, self.activation)


def cut(theta: Any, shapes: Sequence[tuple[int, int]]) -> list[Any]:
    """Return views of theta (P,), one matrix (W; b) per layer."""
    start, layers = 0, []
    for a, b in shapes:
        layers.append(theta[start : start + a * b].reshape((a, b)))
        start += a * b
    return layers


def forward(layers: Sequence[Any], X: np.ndarray, activation: str) -> Any:
    """Return the network's outputs (n, K) for X (n, D); differentiable in the layers."""
    phi = ACTIVATIONS[activation][0]
    a = X
    for layer in layers[:-1]:
        a = phi(anp.dot(a, layer[:-1]) + layer[-1])
    return anp.dot(a, layers[-1][:-1]) + layers[-1][-1]


def _orthogonal(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Draw a matrix with orthonormal columns (or rows, if there are fewer), uniformly."""
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    # Signs of r's diagonal make the draw uniform (Mezzadri, 2007).
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return q if rows >= columns else q.T


class _Space:
    """One memory allocation for many arrays.

    When several large arrays are freed, the operating system takes their pages back. The pages of
    a single array stay with the process for the next array of its size: a gradient of a 64 x 64
    network takes 0.9 ms instead of 2.3.
    """

    def __init__(self, size: int):
        self._flat = np.empty(size)

    def take(self, rows: int, columns: int) -> np.ndarray:
        """Return the next part of the space as a matrix."""
        part, self._flat = np.split(self._flat, [rows * columns])
        return part.reshape(rows, columns)


class MLPRows(Layers):
    """The network on a chunk of rows; each layer's inputs, slopes and work space are kept.

    Forward mode is one matrix product per layer: (a, 1, da) (V; c; W) = a V + c + da W. Therefore
    a layer's inputs share an array with their tangents, and a copy of its weights shares one with
    V. Two threads must not use one object at the same time.

    Parameters
    ----------
    theta : ndarray of shape (P,)
        Parameters; copied.
    shapes : sequence of (int, int)
        Shape of each layer's matrix (W; b).
    X : ndarray of shape (n, D)
        The rows.
    activation : str
        Name of phi.
    """

    linear = False

    def __init__(
        self,
        theta: np.ndarray,
        shapes: Sequence[tuple[int, int]],
        X: np.ndarray,
        activation: str,
    ):
        self._shapes, self._activation = shapes, activation
        layers = cut(theta, shapes)
        widths = [layer.shape[1] for layer in layers[:-1]]
        n = len(X)
        space = _Space(n * (X.shape[1] + 1 + sum(3 * w + 1 for w in widths) + max(widths)))
        self.inputs = [space.take(n, X.shape[1] + 1)]
        self.inputs[0][:, -1] = 1.0
        #: For each layer but the first: (a, 1, da), its part da, and (V; c; W).
        self._joint, self._tangents, self._mixed = [], [], []
        self._slopes = []
        for layer, after in zip(layers[:-1], layers[1:], strict=True):
            width = layer.shape[1]
            z = space.take(n, width)
            joint = space.take(n, 2 * width + 1)
            joint[:, width] = 1.0
            mixed = np.empty((2 * width + 1, after.shape[1]))
            self.inputs.append(joint[:, : width + 1])
            self._joint.append(joint)
            self._tangents.append(joint[:, width + 1 :])
            self._mixed.append(mixed)
            self._slopes.append(z)
        self._weights = [m[len(m) // 2 + 1 :] for m in self._mixed]
        work = space.take(n, max(widths)).reshape(-1)
        self._work = [work[: n * w].reshape(n, w) for w in widths]
        self.eta = np.empty((n, layers[-1].shape[1]))
        self._theta = np.empty_like(theta)
        #: Receives the results of :meth:`vjp` once :meth:`refill` was called.
        self._out: np.ndarray | None = None
        self._fill(theta, X)

    def _fill(self, theta: np.ndarray, X: np.ndarray) -> None:
        """Make the forward pass."""
        self._theta[:] = theta
        self.inputs[0][:, :-1] = X
        layers = cut(theta, self._shapes)
        phi = ACTIVATIONS[self._activation][1]
        for number, z in enumerate(self._slopes):
            np.matmul(self.inputs[number], layers[number], out=z)
            phi(z, self.inputs[number + 1][:, :-1])
            self._weights[number][:] = layers[number + 1][:-1]
        np.matmul(self.inputs[-1], layers[-1], out=self.eta)

    def refill(self, theta: np.ndarray, X: np.ndarray) -> bool:
        """Take another theta (P,) and as many other rows in the same memory."""
        if X.shape != (len(self.eta), self.inputs[0].shape[1] - 1):
            return False
        self._fill(theta, X)
        if self._out is None:
            self._out = np.empty(len(theta))
        return True

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), by forward mode."""
        moves = cut(v, self._shapes)
        z = np.matmul(self.inputs[0], moves[0], out=self._work[0])
        for number, (joint, mixed) in enumerate(zip(self._joint, self._mixed, strict=True)):
            np.multiply(z, self._slopes[number], out=self._tangents[number])
            mixed[: len(mixed) // 2 + 1] = moves[number + 1]
            last = number + 1 == len(self._joint)
            z = np.matmul(joint, mixed, out=None if last else self._work[number + 1])
        return z

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,), by reverse mode in the tangents' memory."""
        out = np.empty(len(self._theta)) if self._out is None else self._out
        parts = cut(out, self._shapes)
        delta = u
        for number in range(len(parts) - 1, 0, -1):
            np.matmul(self.inputs[number].T, delta, out=parts[number])
            below = self._tangents[number - 1]
            np.matmul(delta, self._weights[number - 1].T, out=below)
            delta = np.multiply(below, self._slopes[number - 1], out=below)
        np.matmul(self.inputs[0].T, delta, out=parts[0])
        return out

    def deltas(self, b: np.ndarray, part: slice) -> list[np.ndarray]:
        """Return each layer's deltas (m, R, H) of the combinations B (m, K, R) of outputs."""
        found = [np.ascontiguousarray(np.swapaxes(b, 1, 2))]
        for weights, slope in zip(self._weights[::-1], self._slopes[::-1], strict=True):
            m, r, width = found[-1].shape
            delta = (found[-1].reshape(m * r, width) @ weights.T).reshape(m, r, -1)
            delta *= slope[part, None]
            found.append(delta)
        return found[::-1]

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the sum of u_ik d2 eta_ik / d theta2, (P, P), by P products with autograd."""
        X = self.inputs[0][:, :-1]

        def inner(theta: Any) -> Any:
            return anp.sum(u * forward(cut(theta, self._shapes), X, self._activation))

        return autodiff.hessian(inner, self._theta)
