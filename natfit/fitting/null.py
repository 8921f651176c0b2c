"""The model of a regression without features: intercepts alone, at the same rows and offsets."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.fitting.protocol import fit
from natfit.fitting.task import Task
from natfit.models import Model
from natfit.models.linear_predictors import LinearPredictors
from natfit.optimize.engine import resolve_engine
from natfit.rng import LazyGenerator
from natfit.rows import Memory, Rows


def without_features(y: np.ndarray, weight: np.ndarray | None, offset: np.ndarray | None) -> Rows:
    """Return the rows of a regression without their features.

    Parameters
    ----------
    y : ndarray of shape (N,) or (N, D)
        The rows.
    weight : ndarray of shape (N,) or None
        Repetitions of each row, all positive.
    offset : ndarray of shape (N, K) or None
        What is added to eta.

    Returns
    -------
    Rows
        With one feature that is zero where there are offsets, which a constant model does not take.
    """
    X = None if offset is None else np.broadcast_to(0.0, (len(y), 1))
    return Memory(y, X, weight, offset)


def null_log_likelihood(family: Distribution, rows: Rows) -> float:
    """Return the largest log-likelihood of rows with one value of each predictor, in nats.

    Without offsets it is that of the family itself, which sufficient statistics give at once where
    the family has some.

    Parameters
    ----------
    family : Distribution
        The family as the rows see it.
    rows : Rows
        As :func:`without_features` returns them.

    Returns
    -------
    float
    """
    engine = resolve_engine("auto", "auto", "backtracking", None, 1e-5, 100)
    options: dict[str, Model] = {"model": LinearPredictors({})} if rows.n_features else {}
    rng: Any = LazyGenerator(0)
    return fit(Task(family, rows, engine, rng, name="y", **options)).log_likelihood
