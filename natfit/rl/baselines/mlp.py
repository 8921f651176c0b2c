"""A multilayer perceptron, fitted by natural-gradient steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._validation import check_number
from natfit.bijectors import Real
from natfit.damping.fixed import FixedDamping
from natfit.distributions.base import Distribution
from natfit.metrics.exact import ExactFisher
from natfit.models.mlp import MLP
from natfit.objectives import Likelihood
from natfit.optimize import Engine, run
from natfit.rl.baselines.base import Baseline, mean_of
from natfit.rng import bridge_rng
from natfit.rows import Memory
from natfit.solvers.cg import CGSolver
from natfit.steps.backtracking import BacktrackingStep

#: Distance to the optimum, in standard errors, at which a fit stops.
_TOL = 0.1

#: Lambda in F + lambda I. Inputs and targets are standardised, so that weights have a common unit.
#: A share of diag(F) would not restrain the hidden weights while output weights are small.
_DAMPING = 1e-3


class MLPBaseline(Baseline):
    """A multilayer perceptron of the standardised columns, for standardised targets.

    Least squares is the likelihood of a normal distribution with fixed scale. Its Fisher
    information is the Gauss-Newton matrix F, and each iteration solves with F + 1e-3 I by conjugate
    gradients. A fit starts from the weights of the last one, so that a few iterations are enough.

    Parameters
    ----------
    hidden : sequence of int, default=(32, 32)
        Width of each hidden layer.
    activation : str, default="tanh"
        As in :class:`natfit.models.mlp.MLP`.
    max_iter : int, default=10
        Maximum number of iterations per fit, >= 1; a fit stops earlier if the weights are within
        0.1 standard errors of the optimum.
    cg_iter : int, default=20
        Maximum number of products with the Fisher information per iteration, >= 1.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (32, 32),
        activation: str = "tanh",
        max_iter: int = 10,
        cg_iter: int = 20,
    ):
        self.hidden = hidden
        self.activation = activation
        self.max_iter = max_iter
        self.cg_iter = cg_iter

    def check(self) -> None:
        """Check the two numbers of iterations; the network checks its own options."""
        check_number(self.max_iter, "baseline__max_iter", low=1, integer=True, hint="10")
        check_number(self.cg_iter, "baseline__cg_iter", low=1, integer=True, hint="20")

    def _network(self, z: np.ndarray) -> MLP:
        return MLP(self.hidden, self.activation).bind(z.shape[1], _UnitNormal())

    def _fit(
        self, z: np.ndarray, target: np.ndarray, before: dict | None, rng: Any
    ) -> dict[str, np.ndarray]:
        network, rng = self._network(z), bridge_rng(rng)
        mean = mean_of(target)
        scale = float(np.sqrt(np.mean((target - mean) ** 2))) or 1.0
        if before is not None and len(before["theta"]) == network.n_params:
            theta = before["theta"]
        else:
            theta = network.init(rng, np.zeros(1))
        engine = Engine(
            ExactFisher(),
            CGSolver(tol=1e-3, max_iter=self.cg_iter, precondition=False),
            BacktrackingStep(),
            FixedDamping(_DAMPING),
            _TOL,
            self.max_iter,
        )
        objective = Likelihood(_UnitNormal(), network, Memory((target - mean) / scale, z))
        fit = run(objective, engine, theta, rng)
        return {"theta": fit.theta, "mean": np.array(mean), "scale": np.array(scale)}

    def _predict(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        eta = self._network(z).eta(parts["theta"], z)
        return parts["mean"] + parts["scale"] * eta[:, 0]


class _UnitNormal(Distribution):
    """N(loc, 1) without its constant: minus the log-density is half the squared error."""

    params = {"loc": Real()}

    def _log_prob(self, y: Any, loc: np.ndarray) -> np.ndarray:
        return -0.5 * (y - loc) ** 2

    def _score(self, y: Any, loc: np.ndarray) -> np.ndarray:
        return (y - loc)[:, None]

    def _fisher(self, loc: np.ndarray) -> np.ndarray:
        return np.ones((len(loc), 1, 1))

    def _kl(self, loc: np.ndarray, loc2: np.ndarray) -> np.ndarray:
        return 0.5 * (loc - loc2) ** 2
