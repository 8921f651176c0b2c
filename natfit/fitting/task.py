"""What a fit is asked for, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from natfit.distributions.base import Distribution
from natfit.models import Constant, Model
from natfit.objectives import Prior
from natfit.optimize.engine import Engine
from natfit.rows import Rows


@dataclass(frozen=True)
class Task:
    """One fit: which family, through which model, on which rows, by which engine.

    Attributes
    ----------
    family : Distribution
        The family as it is fitted: the options are part of it already (phase 1).
    rows : Rows
        The observed values, features of a conditional model, and weights.
    engine : Engine
        Metric, solver, step, damping, tolerance and the maximum number of iterations.
    rng : numpy.random.Generator
        For metrics that draw and for models that start at random.
    model : Model
        Not yet bound to the family: ``Constant(coordinates)``, or a conditional model.
    constant : tuple of str
        Parameters that do not depend on x in a conditional model.
    prior : dict, optional
        Parameter name to :class:`natfit.objectives.Prior`.
    whole : bool
        Whether the result is in all of eta, where phase 1 has fixed some parameters of it.
    start : ndarray of shape (K,), optional
        Where to start, in eta; None for the family's own start.
    hook : callable, optional
        ``hook(iterate, done) -> bool`` at every iterate; True stops the fit. The iterate also
        has ``eta``.
    """

    family: Distribution
    rows: Rows
    engine: Engine
    rng: np.random.Generator
    model: Model = Constant()
    constant: tuple[str, ...] = ()
    prior: dict[str, Prior] | None = None
    whole: bool = False
    start: np.ndarray | None = None
    hook: Callable | None = None
