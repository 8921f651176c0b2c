"""Whether a predictor is at a limit of its family in some row, which a longer step would leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula
from natfit.objectives.base import NoMinimum
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Distance of eta to a limit, as a share of its size and 1, at which steps have become too short.
_AT = 1e-4


def row_limit(objective: Regression, theta: np.ndarray) -> NoMinimum | None:
    """Return that a predictor with features is at a limit in a row, or None.

    No coordinate of theta is at a limit then, so that no active set can hold it.

    Returns
    -------
    NoMinimum or None
        Why the descent ended, and what to do.
    """
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors):
        return None
    for side, limit in zip(("lower", "upper"), family.row_limits, strict=True):
        if not np.isfinite(limit).any():
            continue
        gap = objective.rows.map(_gap_part, objective._formula, theta, limit)
        at = np.isfinite(limit) & (np.abs(gap) <= _AT * (1.0 + np.abs(limit)))
        for name, block in family.blocks.items():
            k = block.start
            if block.stop - k != 1 or len(model.at[k]) < 2 or not at[:, k].any():
                continue
            row = int(np.argmin(np.abs(gap[:, k])))
            driven = {n: "all" for n, b in family.blocks.items() if len(model.at[b.start]) > 1}
            driven.pop(name)
            remedy = f"features_for={driven}" if driven else "features_for=None"
            meaning = family.limit_meaning.get((name, side))
            return NoMinimum(
                f"in row {row} the predictor of {name} is at its limit, {limit[k]:g}"
                + (f" ({meaning})" if meaning else "")
                + ", and the steps that were tried pass it",
                f"give {name} no features or fewer of them ({remedy}), or a penalty alpha",
            )
    return None


def _gap_part(block: Block, formula: Formula, theta: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return how far eta of each row is from a limit, (n, K)."""
    return formula.linearize(theta, block).eta - limit
