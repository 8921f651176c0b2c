"""Linear dynamics with quadratic costs, whose optimal policy is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import solve_discrete_are

from natfit._validation import check_number
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box

#: A mass on a line, pushed for 0.1 s at a time; the state is position and speed.
_DT = 0.1
_A = np.array([[1.0, _DT], [0.0, 1.0]])
_B = np.array([[0.5 * _DT**2], [_DT]])


class LQR(Environment):
    """Linear-quadratic regulator: x' = A x + B u + noise, reward -(x^T Q x + u^T R u).

    The reward is that of the state before the step. The start is drawn from N(0, start_scale^2 I).
    The noise of an episode is drawn at its start, so that it depends on the seed alone. The task
    never terminates and is truncated after ``time_limit`` steps.

    Parameters
    ----------
    A : array-like of shape (D, D), optional
        By default that of a double integrator with steps of 0.1 s, D = 2.
    B : array-like of shape (D, U), optional
        By default that of the double integrator, U = 1.
    Q : array-like of shape (D, D), optional
        Symmetric, positive semidefinite; by default the identity.
    R : array-like of shape (U, U), optional
        Symmetric, positive definite; by default 0.1 times the identity.
    noise : float, default=0.0
        Standard deviation of the noise in each coordinate of x.
    start_scale : float, default=1.0
        Standard deviation of each coordinate at the start.
    time_limit : int, default=50
        Number of steps of an episode.
    """

    name = "lqr"

    time_limit: int

    def __init__(
        self,
        A: Any = None,
        B: Any = None,
        Q: Any = None,
        R: Any = None,
        noise: float = 0.0,
        start_scale: float = 1.0,
        time_limit: int = 50,
    ):
        self.A = A
        self.B = B
        self.Q = Q
        self.R = R
        self.noise = noise
        self.start_scale = start_scale
        self.time_limit = time_limit

    @classmethod
    def examples(cls) -> list[LQR]:
        """Return one without and one with noise."""
        return [cls(), cls(noise=0.1)]

    def _matrices(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return A, B, Q and R in float64, with defaults filled in."""
        a, b = _matrix(self.A, _A), _matrix(self.B, _B)
        q, r = _matrix(self.Q, np.eye(len(a))), _matrix(self.R, 0.1 * np.eye(b.shape[1]))
        return a, b, q, r

    def check(self) -> None:
        """Check shapes and numbers, and that the costs have a minimum."""
        a, b, q, r = self._matrices()
        d, u = len(a), b.shape[1]
        wanted = {"A": (a, (d, d)), "B": (b, (d, u)), "Q": (q, (d, d)), "R": (r, (u, u))}
        for name, (matrix, shape) in wanted.items():
            if matrix.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {matrix.shape}")
            if not np.isfinite(matrix).all():
                raise ValueError(f"{name} must be finite, got {matrix.tolist()}")
        for name, matrix, rule in (("Q", q, "semidefinite"), ("R", r, "definite")):
            symmetric = np.allclose(matrix, matrix.T)
            low = np.linalg.eigvalsh(matrix)[0]
            slack = 1e-12 * np.abs(matrix).max() if name == "Q" else 0.0
            if not symmetric or low < -slack or (name == "R" and low <= 0.0):
                raise ValueError(
                    f"{name} must be symmetric and positive {rule}, got {matrix.tolist()}"
                )
        check_number(self.noise, "noise", low=0.0)
        check_number(self.start_scale, "start_scale", low=0.0)
        check_number(self.time_limit, "time_limit", low=1, integer=True, unit="steps")

    @property
    def observation_space(self) -> Box:  # type: ignore[override]  # A and B decide, nobody sets
        """Box of all x in R^D."""
        bound = np.full(len(self._matrices()[0]), np.inf)
        return Box(-bound, bound)

    @property
    def action_space(self) -> Box:  # type: ignore[override]  # A and B decide, nobody sets it
        """Box of all u in R^U."""
        bound = np.full(self._matrices()[1].shape[1], np.inf)
        return Box(-bound, bound)

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return x, followed by the noise of all steps if there is any: (n, D (1 + steps))."""
        d = len(self._matrices()[0])
        # Drawn row by row, so that a seed gives the same episode for any n.
        columns = d * (1 + self.time_limit) if self.noise > 0 else d
        state = rng.standard_normal((n, columns))
        state[:, :d] *= self.start_scale
        state[:, d:] *= self.noise
        return state

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Apply controls (n, U); return states, rewards (n,) and terminations (n,), all False."""
        a, b, q, r = self._matrices()
        d = len(a)
        x = state[:, :d]
        # The caller checks the results, and reports an overflow with its row.
        with np.errstate(over="ignore", invalid="ignore"):
            cost = np.sum((x @ q) * x, axis=1) + np.sum((action @ r) * action, axis=1)
            new = x @ a.T + action @ b.T
            if state.shape[1] > d:
                used = state[:, d : 2 * d]
                new = np.concatenate([new + used, state[:, 2 * d :], used], axis=1)
        return new, -cost, np.zeros(len(x), dtype=bool)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return x of each episode, (n, D)."""
        return state[:, : len(self._matrices()[0])].copy()

    def value_matrix(self, discount: float = 1.0) -> np.ndarray:
        """Return P (D, D): without noise and time limit the least cost from x is x^T P x.

        P = Q + g A^T P A - g^2 A^T P B (R + g B^T P B)^-1 B^T P A with the discount g, which is
        the Riccati equation of sqrt(g) A and sqrt(g) B.

        Parameters
        ----------
        discount : float, default=1.0
            In (0, 1].

        Returns
        -------
        ndarray of shape (D, D)
            P, symmetric.

        Raises
        ------
        ValueError
            If the discount is outside (0, 1].
        numpy.linalg.LinAlgError
            If no control keeps the cost finite.
        """
        self.check()
        discount = check_number(discount, "discount", low=0.0, high=1.0, closed_low=False)
        a, b, q, r = self._matrices()
        root = np.sqrt(discount)
        return solve_discrete_are(root * a, root * b, q, r)

    def optimal_gain(self, discount: float = 1.0) -> np.ndarray:
        """Return K (U, D) of the optimal control u = -K x without a time limit, for any noise.

        K = g (R + g B^T P B)^-1 B^T P A with P and the discount g of :meth:`value_matrix`, which
        raises the same errors.

        Returns
        -------
        ndarray of shape (U, D)
            The gain K.
        """
        p = self.value_matrix(discount)
        a, b, _, r = self._matrices()
        return np.linalg.solve(r + discount * b.T @ p @ b, discount * b.T @ p @ a)


def _matrix(value: Any, default: np.ndarray) -> np.ndarray:
    """Return a matrix in float64, or the default for None; a number is 1 x 1."""
    return default if value is None else np.atleast_2d(np.asarray(value, dtype=np.float64))
