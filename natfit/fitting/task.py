"""The description of a fit, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from natfit.distributions.base import Distribution
from natfit.models import Constant, Model
from natfit.objectives import Prior
from natfit.optimize.engine import Engine
from natfit.rows import Rows


@dataclass(frozen=True)
class Task:
    """The description of one fit: its family, rows, model, engine, prior and start.

    Attributes
    ----------
    family : Distribution
        The family as it is fitted; the options have changed it already (phase 1).
    rows : Rows
        The observed values, the features of a conditional model, and weights.
    engine : Engine
        Metric, solver, step, damping, tolerance and the maximum number of iterations.
    rng : numpy.random.Generator
        The generator of metrics that draw and of models that start at random.
    model : Model
        A model that is not yet bound: ``Constant(coordinates)``, or a conditional model.
    constant : tuple of str
        Parameters that do not depend on x in a conditional model.
    prior : dict or "jeffreys", optional
        A :class:`natfit.objectives.Prior` for each parameter name; of a conditional model Jeffreys'
        prior.
    ridge : dict, optional
        The strength alpha of a ridge penalty, ``alpha / 2 |beta|^2`` beside the mean, for each
        parameter of a conditional model that has one.
    whole : bool
        Whether the result includes the parameters that phase 1 has fixed.
    start : ndarray of shape (K,) or dict, optional
        The eta of the start, or native values of some parameters by name; None for the family's
        own start.
    raw : sequence of (ndarray, float), optional
        Coefficients (D,) of x and the intercept of each entry of eta at which linear predictors
        start, as ``model.raw`` returns them.
    summary : tuple, optional
        What ``family.sufficient`` returned for all rows, where they are no longer there: ``rows``
        then only serve starts, and have the weight of all rows.
    name : str
        What messages call the observed values: X of a density, y of a regression.
    hook : callable, optional
        ``hook(iterate, done) -> bool`` is called at every iterate and stops the fit by returning
        True. The iterate also has ``eta``.
    """

    family: Distribution
    rows: Rows
    engine: Engine
    rng: np.random.Generator
    model: Model = Constant()
    constant: tuple[str, ...] = ()
    prior: dict[str, Prior] | Literal["jeffreys"] | None = None
    ridge: Mapping[str, float] | None = None
    whole: bool = False
    start: np.ndarray | Mapping[str, np.ndarray] | None = None
    raw: Sequence[tuple[np.ndarray, float]] | None = None
    hook: Callable | None = None
    summary: Any | None = None
    name: str = "X"
