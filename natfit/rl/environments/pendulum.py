"""A pendulum to swing up with a torque that is too weak to lift it at once."""

from __future__ import annotations

import numpy as np

from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box

_GRAVITY, _DT, _MOST_SPEED, _MOST_TORQUE = 10.0, 0.05, 8.0, 2.0
_START = np.array([np.pi, 1.0])
_BOUND = np.array([1.0, 1.0, _MOST_SPEED])


class Pendulum(Environment):
    """Swing a pendulum up and hold it there for 200 steps.

    The state is (phi, phi'), the angle from upright (rad) and its speed; the observation is
    (cos phi, sin phi, phi'). The action u is a torque in [-2, 2] N m on a rod of mass 1 kg and
    length 1 m:

        reward = -(phi^2 + 0.1 phi'^2 + 0.001 u^2) before the step, with phi in [-pi, pi),
        phi'  <- clip(phi' + (3/2 g sin phi + 3 u) dt, -8, 8),   phi <- phi + phi' dt,

    with g = 10 and dt = 0.05 s. It never terminates. The start is uniform on
    [-pi, pi] x [-1, 1]. The dynamics equal Gymnasium's Pendulum-v1, in float64.
    """

    name = "pendulum"
    gymnasium_id = "Pendulum-v1"
    trusted = True

    observation_space = Box(-_BOUND, _BOUND)
    action_space = Box([-_MOST_TORQUE], [_MOST_TORQUE])
    time_limit = 200

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return states (n, 2) of any angle and a small speed."""
        return rng.uniform(-_START, _START, (n, 2))

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Apply torques (n, 1); return states (n, 2), rewards (n,) and terminations, all False."""
        angle, speed = state.T
        torque = action[:, 0]
        wrapped = (angle + np.pi) % (2.0 * np.pi) - np.pi
        cost = wrapped * wrapped + 0.1 * (speed * speed) + 0.001 * (torque * torque)
        new = np.empty((2, len(state)))
        speed = speed + (1.5 * _GRAVITY * np.sin(angle) + 3.0 * torque) * _DT
        new[1] = np.minimum(np.maximum(speed, -_MOST_SPEED), _MOST_SPEED)
        new[0] = angle + new[1] * _DT
        return new.T, -cost, np.zeros(len(state), dtype=bool)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return (cos phi, sin phi, phi') of each episode, (n, 3)."""
        angle, speed = state.T
        return np.stack([np.cos(angle), np.sin(angle), speed], axis=1)
