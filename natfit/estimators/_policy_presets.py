"""The presets of policy estimators: for each named method, the options that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from natfit.solvers.cg import CGSolver
from natfit.steps.adam import AdamStep
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep
from natfit.steps.trust_region import TrustRegionStep


def default_solver() -> CGSolver:
    """Return the solver of TRPO: at most ten products F v, without a preconditioner."""
    return CGSolver(tol=1e-2, max_iter=10, precondition=False)


#: For each named method, the options that it stands for.
PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    "reinforce": lambda: {
        "metric": "euclidean",
        "step": FixedStep(0.1),
        "damping": None,
        "advantage": "reward_to_go",
        "baseline": "constant",
    },
    "nac": lambda: {
        "metric": "empirical",
        "step": KLStep(0.01),
        "damping": "fixed",
        "advantage": "lstd_q",
    },
    "npg": lambda: {"metric": "exact", "step": KLStep(0.01), "damping": "fixed"},
    "trpo": lambda: {
        "metric": "exact",
        "solver": default_solver(),
        "step": TrustRegionStep(0.01),
        "damping": "fixed",
    },
    # Half of the square of a tenth of the unit of actions.
    "wasserstein": lambda: {
        "metric": "wasserstein",
        "solver": default_solver(),
        "step": TrustRegionStep(0.005),
        "damping": "fixed",
    },
    "ppo": lambda: {
        "metric": "euclidean",
        "step": AdamStep(learning_rate=1e-3, eps=1e-5, max_grad_norm=0.5),
        "damping": None,
        "objective": "clipped",
        "n_epochs": 10,
        "minibatch_size": 128,
    },
}
