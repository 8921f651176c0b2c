"""Rows that are all equal: whether a fit has shrunk onto them, or something keeps it wide."""

from __future__ import annotations

import numpy as np

from natfit.iterate import Status
from natfit.objectives import Likelihood
from natfit.optimize import Fit

#: Ratio of the width of the density to that at the start of the fit at which it has shrunk onto the
#: rows: where the fit has found no optimum, and where it claims one, which is then mere rounding.
_SHRUNK, _ROUNDING = 1e-8, 2e-15

#: Number of rows that are looked at first.
_FEW = 100


def collapsed(objective: Likelihood, result: Fit) -> str | None:
    """Return in words that the likelihood grows without limit at rows that are all equal, or None.

    The density shrinks onto the rows by the parameters that its family declares as ``widths``. A
    fit that claims an optimum with a width below rounding has followed rounding errors there.

    Parameters
    ----------
    objective : Likelihood
        The objective, with a constant model.
    result : Fit
        The end of the fit.

    Returns
    -------
    str or None
        None also if the fit was kept from shrinking by a known value, a limit or a prior.
    """
    family, rows = objective.distribution, objective.rows
    if family.event_shape != () or not family.information.complete or not objective.model.shared:
        return None
    few = rows.few(_FEW).y
    if few.min() != few.max():
        return None
    low, high = (float(end) for end in rows.extent())
    if low != high or not family.widths:
        return None
    name, ratio = _narrowest(objective, result)
    least = _ROUNDING if result.status.good else _SHRUNK
    if not name or not (ratio < least or _at_narrow_limit(objective, result)):
        return None
    side = "lower" if family.widths[name].power > 0 else "upper"
    if family.params[name].decreasing:
        side = "upper" if side == "lower" else "lower"
    way = objective.bound(family.blocks[name].start, side)
    return f"all {rows.n} rows equal {low:g}: the likelihood grows without limit as {way}"


def _narrowest(objective: Likelihood, result: Fit) -> tuple[str, float]:
    """Return the parameter that has made the density narrowest since the start, and how narrow.

    Returns
    -------
    name : str
        Empty where no parameter of the family says how wide the density is.
    ratio : float
        The width at the end in units of that at the start; 1 if it has not become narrower.
    """
    family, found = objective.distribution, ("", 1.0)
    ends = [
        objective.model.eta(theta, None)[0] for theta in (result.history.theta[0], result.theta)
    ]
    before, after = (family.native_dict(eta) for eta in ends)
    with np.errstate(all="ignore"):
        for name, width in family.widths.items():
            if np.ndim(after[name]) == 0:
                ratio = float((after[name] / before[name]) ** width.power)
                if ratio < found[1] or not found[0]:
                    found = name, min(ratio, 1.0)
    return found


def _at_narrow_limit(objective: Likelihood, result: Fit) -> bool:
    """Tell whether a width rests at the limit of its family at which the density is narrowest."""
    family = objective.distribution
    if result.status is not Status.BOUNDARY or family.has_given_limits:
        return False
    low, _, _ = family.limits
    for name, width in family.widths.items():
        at = family.blocks[name].start
        if at in result.iterate.active:
            lower = (result.theta[at] <= low[at]) != family.params[name].decreasing
            if lower == (width.power > 0):
                return True
    return False
