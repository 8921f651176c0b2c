"""Samples drawn from a fit in place of its data, and fits to them: the parametric bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._warnings import warn
from natfit.display._empirical import Points, empirical, points
from natfit.estimators._bootstrap import FAILED, Draws
from natfit.estimators._data import Data
from natfit.rng import bridge_rng

#: The share of fits that may fail before a warning says so.
_FAILED = 0.05


@dataclass(frozen=True)
class Resample:
    """The sorted rows of one column of a sample, and the parameters that were fitted to it.

    Attributes
    ----------
    points : Points
        The rows.
    eta : ndarray of shape (K,)
        The parameters.
    """

    points: Points
    eta: np.ndarray


def can_resample(data: Data) -> bool:
    """Tell whether samples like these rows can be drawn: they are exact or right-censored."""
    if data.seen_as is None:
        return True
    lower, upper, *window = data.values.T
    whole = data.weight is None or bool(np.all(data.weight == np.round(data.weight)))
    return whole and not window and bool(np.all((lower == upper) | (upper == np.inf)))


def resamples(
    fit: Any, data: Data, column: int, number: int, random_state: Any, refit: bool
) -> list[Resample]:
    """Draw samples of the size of the data from a fit, and fit each of them.

    Right-censored rows are drawn as those of the tests of goodness of fit: each keeps its time of
    censoring, and rows that were seen get one.

    Parameters
    ----------
    fit : NaturalMLE
        The fitted estimator.
    data : Data
        The rows of one column.
    column : int
        Which of the columns of the fit it is.
    number : int
        How many samples.
    random_state : None, int, RandomState or Generator
        The seed.
    refit : bool
        Whether each sample is fitted; otherwise all have the parameters of the fit.

    Returns
    -------
    list of Resample
        Without the samples that could not be fitted; a warning says so if they are many.

    Raises
    ------
    ValueError
        If the rows cannot be resampled, or no sample could be fitted.
    """
    if not can_resample(data):
        raise ValueError(
            "band='bootstrap' needs rows that are exact or right-censored, without windows and with"
            " whole weights, because it is not known how others would have been censored; use "
            "band='delta' or band=None"
        )
    rng, draws = bridge_rng(random_state), Draws.of(fit, data, "band='bootstrap'")
    support, found = fit.distribution_.support, []
    for _ in range(number):
        rows = draws.rows(rng)
        own = Data(rows.rows, seen_as=data.seen_as) if data.seen_as else Data(rows[:, column])
        try:
            other = fit._refit(rows) if refit else fit
            if other.statuses_[column] not in FAILED:
                sorted_rows = points(own, empirical(own, support), support)
                found.append(Resample(sorted_rows, other._eta[column]))
        except ValueError:
            continue
    if not found:
        raise ValueError("no sample from the fit could be fitted; use band='delta' or refit=False")
    if number - len(found) > _FAILED * number:
        warn(
            f"{number - len(found)} of {number} samples from the fit could not be fitted, and do "
            "not count in the band",
            UserWarning,
        )
    return found
