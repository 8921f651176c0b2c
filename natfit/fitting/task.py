"""What a fit is asked for, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.models import Constant, Model
from natfit.objectives import Prior
from natfit.optimize.engine import Engine


@dataclass(frozen=True)
class Task:
    """One fit: which family, through which model, on which rows, by which engine.

    Attributes
    ----------
    family : Distribution
        The family as it is fitted: the options are part of it already (phase 1).
    y : ndarray of shape (N,) or (N, D)
        The observed values.
    engine : Engine
        Metric, solver, step, damping, tolerance and the maximum number of iterations.
    rng : numpy.random.Generator
        For metrics that draw and for models that start at random.
    X : ndarray of shape (N, D), optional
        Features of a conditional model; None for a constant one.
    weight : ndarray of shape (N,), optional
        Repetitions of each row, all positive.
    model : Model
        Not yet bound to the family: ``Constant(coordinates)``, or a conditional model.
    constant : tuple of str
        Parameters that do not depend on x in a conditional model.
    prior : dict, optional
        Parameter name to :class:`natfit.objectives.Prior`.
    start : ndarray of shape (K,), optional
        Where to start, in eta; None for the family's own start.
    hook : callable, optional
        ``hook(iterate, done) -> bool`` at every iterate; True stops the fit. The iterate also
        has ``eta``.
    """

    family: Distribution
    y: np.ndarray
    engine: Engine
    rng: np.random.Generator
    X: Any = None
    weight: np.ndarray | None = None
    model: Model = Constant()
    constant: tuple[str, ...] = ()
    prior: dict[str, Prior] | None = None
    start: np.ndarray | None = None
    hook: Callable | None = None

    @property
    def n_features(self) -> int:
        """D, columns of X; 0 where the model takes none."""
        return 0 if self.X is None else self.X.shape[1]
