"""A pole on a cart, balanced by pushing the cart left or right."""

from __future__ import annotations

import numpy as np

from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box, Discrete

_GRAVITY, _DT, _FORCE = 9.8, 0.02, 10.0
_CART, _POLE, _HALF_LENGTH = 1.0, 0.1, 0.5
_MASS = _CART + _POLE
_MOMENT = _POLE * _HALF_LENGTH
_FAR, _TILT = 2.4, np.deg2rad(12.0)
_BOUND = np.array([2 * _FAR, np.inf, 2 * _TILT, np.inf])


class CartPole(Environment):
    """Balance a pole on a cart for up to 500 steps.

    The state (x, x', phi, phi') holds the cart's position (m), the pole's angle from upright (rad)
    and their speeds; it is also the observation. Action 1 pushes with +10 N, action 0 with
    -10 N. With the pole's mass m = 0.1 kg and half-length l = 0.5 m, total mass M = 1.1 kg and
    u = (F + m l phi'^2 sin phi) / M,

        phi'' = (g sin phi - u cos phi) / (l (4/3 - m cos^2 phi / M)),
        x''   = u - m l phi'' cos phi / M,

    integrated by the explicit Euler method with steps of 0.02 s. Every step is rewarded with 1,
    the last one included. The episode terminates where abs(x) > 2.4 m or abs(phi) > 12 degrees.
    The start is uniform on [-0.05, 0.05]^4. The dynamics equal Gymnasium's CartPole-v1, in float64.

    References
    ----------
    Barto, Sutton, Anderson (1983), Neuronlike adaptive elements that can solve difficult
    learning control problems, IEEE Transactions on Systems, Man, and Cybernetics 13.
    """

    name = "cartpole"
    gymnasium_id = "CartPole-v1"
    trusted = True

    observation_space = Box(-_BOUND, _BOUND)
    action_space = Discrete(2)
    time_limit = 500

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return states (n, 4), uniform near the upright position."""
        return rng.uniform(-0.05, 0.05, (n, 4))

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Push each cart once; return states (n, 4), rewards (n,) of 1 and terminations (n,)."""
        # Each quantity is a row in memory, so that columns of the result are contiguous.
        now = state.T
        spin = now[3]
        cos, sin = np.cos(now[2]), np.sin(now[2])
        push = ((_MOMENT * spin * spin) * sin + (2 * _FORCE * action - _FORCE)) / _MASS
        turn = (_GRAVITY * sin - cos * push) / (
            _HALF_LENGTH * 4.0 / 3.0 - (_HALF_LENGTH * _POLE / _MASS) * (cos * cos)
        )
        rate = np.empty((4, len(state)))
        rate[0::2] = now[1::2]
        rate[1] = push - (_MOMENT / _MASS) * (turn * cos)
        rate[3] = turn
        rate *= _DT
        rate += now
        away = np.abs(rate[0::2])
        terminated = (away[0] > _FAR) | (away[1] > _TILT)
        return rate.T, np.ones(len(state)), terminated
