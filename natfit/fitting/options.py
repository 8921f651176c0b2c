"""Phase 1: options change a family, by constraints, limits, a window, known values, priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._validation import check_truncation
from natfit.distributions.base import Distribution
from natfit.distributions.contract.columns import OfColumns
from natfit.distributions.contract.elsewhere import unknown_parameter
from natfit.distributions.contract.support import OutsideSupport
from natfit.distributions.wrappers.base import Wrapper
from natfit.distributions.wrappers.fixed import Fixed, as_known
from natfit.objectives import Prior


@dataclass(frozen=True)
class Adjusted:
    """A family as it is published, the family that is fitted to each column, and the priors.

    Attributes
    ----------
    family : Distribution
        The family that becomes ``distribution_``.
    fitted : list of Distribution
        The family for each column, through censoring and without the fixed parameters.
    prior : dict or None
        A :class:`natfit.objectives.Prior` for each parameter name.
    """

    family: Distribution
    fitted: list[Distribution]
    prior: dict[str, Prior] | None


def adjust(
    family: Distribution,
    n_columns: int,
    seen_as: type[Wrapper] | None,
    *,
    truncation: Any,
    fixed: Any,
    bounds: Any,
    prior: Any,
    bijectors: Any,
) -> Adjusted:
    """Return a bound family as the options of an estimator change it.

    Parameters
    ----------
    family : Distribution
        The family, bound to the data.
    n_columns : int
        Number of columns that are fitted separately.
    seen_as : type or None
        The wrapper through which rows that are not complete see the family.
    truncation, fixed, bounds, prior, bijectors
        The options of the estimator.

    Returns
    -------
    Adjusted
        The family that is published, those that are fitted, and the priors.

    Raises
    ------
    ValueError
        If an option names no parameter, or has a value that is not allowed.
    TypeError
        If an option has a wrong type.
    """
    if n_columns > 1 and not family.information.complete:
        raise ValueError(
            f"X must be natfit.Censored, or one column of complete values, for "
            f"{type(family).__name__}, got {n_columns} columns; pass Censored(lower, upper) for "
            "the ends of intervals, or the family inside for several columns"
        )
    named = {"fixed": fixed, "bounds": bounds, "prior": prior, "bijectors": bijectors}
    for name, option in named.items():
        _refuse_names(family, name, option)
    # Wrappers are imported where an option asks for them.
    if bijectors:
        from natfit.distributions.wrappers.constrained import Constrained

        family = Constrained(family, bijectors).checked()
    if bounds:
        from natfit.distributions.wrappers.bounded import Bounded

        family = Bounded(family, bounds).checked()
    if truncation is not None:
        from natfit.distributions.wrappers.truncated import Truncated

        family = Truncated(family, *check_truncation(truncation)).checked()
    seen = family if seen_as is None else seen_as(family).checked()
    fitted = [seen] * n_columns
    if fixed:
        each = [_of_column(fixed, j, n_columns, seen) for j in range(n_columns)]
        fitted = [Fixed(seen, values).checked() for values in each]
    return Adjusted(family, fitted, priors(prior, fitted[0]) if prior else None)


def _refuse_names(family: Distribution, name: str, option: Any) -> None:
    """Raise an error if an option by names is no dict, or a key is no parameter's name."""
    if option is None:
        return
    if not isinstance(option, dict):
        raise TypeError(
            f"{name} must be a dict whose keys are among the parameters {list(family.params)}, "
            f"got {option!r}"
        )
    for key in option:
        if key not in family.params:
            rule = f"{name} must name some of the parameters of {type(family).__name__}"
            raise ValueError(unknown_parameter(family, str(key), rule))


def _of_column(values: dict, column: int, n: int, family: Distribution) -> dict[str, Any]:
    """Return native values for one column, taken from vectors with one number per column."""
    out = {}
    for name, value in values.items():
        array = as_known(name, value)
        scalar = name in family.params and family.params[name].shape == ()
        out[name] = array[column] if scalar and array.shape == (n,) else array
    return out


def priors(prior: dict, family: Distribution) -> dict[str, Prior]:
    """Return the priors, which free parameters that are single numbers may have."""
    free = [name for name, c in family.params.items() if c.elementwise]
    wrong = [name for name in prior if name not in free]
    if wrong:
        raise ValueError(
            f"prior must name some of {free}, which are the single numbers that are estimated, "
            f"got {wrong[0]!r}"
        )
    found = {name: Prior(name, density) for name, density in prior.items()}
    for name, density in found.items():
        density.check_ends(family.params[name].native_bounds)
    return found


def column_label(column: int, names: Sequence[str] | None) -> str:
    """Return a column in words: by its name where it has one."""
    return f"column {column}" if names is None else f"column {str(names[column])!r}"


def located(
    error: ValueError,
    X: np.ndarray,
    family: Distribution,
    column: int,
    names: Sequence[str] | None = None,
) -> str:
    """Return the message with the column that it concerns, in scikit-learn's words if X is < 0."""
    words = str(error)
    if names is not None and error.args and isinstance(error.args[0], OfColumns):
        words = error.args[0].named(names)
    support = family.support
    univariate = family.event_shape == () and support is not None
    univariate = univariate and family.information.complete
    if univariate and column == 1 and X.shape[1] == 2 and np.isin(X[:, 1], (0.0, 1.0)).all():
        time, event = (repr(n) for n in names) if names is not None else (":, 0", ":, 1")
        words += (
            "; if the second column says whether an event was seen at the time in the first, pass "
            f"natfit.Censored.right(X[{time}], X[{event}])"
        )
    if univariate and (X.shape[1] > 1 or names is not None):
        words = f"{column_label(column, names)} of X: {words}"
    said = isinstance(error, OutsideSupport) and error.negative
    positive = support is not None and support.low == 0
    if univariate and positive and np.any(X < 0) and not said:
        words = f"Negative values in data: {words}"
    return words
