"""Known parts of eta: offsets, and the exposure of counts and rates."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from natfit._numbers import as_numbers, is_frame, refuse_other_order
from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.estimators.regression._options import mean_parameter, refuse_names

#: What to write where cross-validation has split X and not the offsets.
_OF_A_DICT = "; cross-validation does not split a dict: pass a frame with a column a parameter"


def refuse_other_orders(X: Any, offset: Any, exposure: Any, truncation: Any = None) -> None:
    """Raise ValueError if labels of rows say that a known part belongs to other rows of X.

    Raises
    ------
    ValueError
        With the argument and the first row at which the labels differ.
    """
    refuse_other_order(X, exposure, "exposure")
    if isinstance(offset, Mapping):
        for name, value in offset.items():
            refuse_other_order(X, value, f"offset[{name!r}]")
    else:
        refuse_other_order(X, offset, "offset")
    if isinstance(truncation, tuple):
        for end in truncation:
            refuse_other_order(X, end, "truncation")


def warn_of_forgotten(owner: Any, offset: Any, exposure: Any) -> None:
    """Warn of a score without offsets or exposures where the fit had some.

    Parameters
    ----------
    owner : RegressionEstimator
        Fitted.
    offset, exposure : object
        Those of the score.
    """
    had = getattr(owner, "_known_parts", ())
    if had and offset is None and exposure is None:
        name = had[0]
        warnings.warn(
            f"the fit had {' and '.join(had)} and this score has none, so that it is that of "
            f"another model; pass {name}= here too (cross-validation passes it on where metadata "
            f"routing is enabled and set_score_request({name}=True) asks for it), or zeros as "
            "offset if none is meant",
            UserWarning,
            stacklevel=4,
        )


def offsets_of(family: Distribution, n: int, offset: Any, exposure: Any) -> np.ndarray | None:
    """Return what is added to eta in each row, (n, K), or None.

    Parameters
    ----------
    family : Distribution
        The family, bound.
    n : int
        Number of rows.
    offset : array-like of shape (n,), dict or frame
        Of the mean parameter's predictor; or of each parameter, by name.
    exposure : array-like of shape (n,)
        By which the mean is multiplied.

    Returns
    -------
    ndarray of shape (n, K) or None

    Raises
    ------
    ValueError
        If a length is wrong, a value is not finite, an exposure is not positive, or the mean
        parameter has no logarithm to which that of the exposure could be added.
    """
    if offset is None and exposure is None:
        return None
    out = np.zeros((n, family.n_params))
    mean = mean_parameter(family)
    if is_frame(offset):
        offset = {name: offset[name] for name in offset.columns}
    if isinstance(offset, Mapping):
        refuse_names(offset, "offset", family)
        for name, value in offset.items():
            block = family.blocks[name]
            size = block.stop - block.start
            out[:, block] += _column(value, f"offset[{name!r}]", n, size)
    elif offset is not None:
        block = family.blocks[mean]
        out[:, block] += _column(offset, "offset", n, block.stop - block.start)
    if exposure is not None:
        out[:, family.blocks[mean]] += _log_exposure(family, mean, exposure, n)
    return out


def class_offsets(family: Distribution, n: int, offset: Any) -> np.ndarray | None:
    """Return what is added to eta (n, K) of classes: of all K + 1 logits, or of the second of two.

    Parameters
    ----------
    family : Distribution
        Bernoulli, or the categorical family with log odds against its last class.
    n : int
        Number of rows.
    offset : array-like of shape (n,) or (n, K + 1), or None
        Logits.

    Returns
    -------
    ndarray of shape (n, K) or None

    Raises
    ------
    ValueError
        If the shape is another one, or a value is not finite.
    """
    if offset is None:
        return None
    size = family.n_params
    if size == 1:
        return _column(offset, "offset", n, 1)
    found = _column(offset, "offset", n, size + 1)
    if found.shape[1] == 1:
        raise ValueError(
            f"offset must have a column for each of the {size + 1} classes, got shape "
            f"{np.shape(offset)}: what is added to all logits changes no probability"
        )
    return found[:, :-1] - found[:, -1:]


def _log_exposure(family: Distribution, mean: str, exposure: Any, n: int) -> np.ndarray:
    """Return what an exposure (n,) adds to the predictor of the mean, (n, 1)."""
    if family.params[mean].label != Positive.label:
        raise ValueError(
            f"exposure must belong to a parameter whose logarithm is predicted, and the features "
            f"of {type(family).__name__} drive {mean!r}, which is not; pass offset=, which is "
            "added to its predictor"
        )
    found = _column(exposure, "exposure", n, 1)
    low = found[:, 0] <= 0.0
    if low.any():
        row = int(np.argmax(low))
        raise ValueError(
            f"exposure must be > 0, got {found[row, 0]:g} at row {row}; remove such rows"
        )
    # The mean is the inverse of a rate.
    return np.log(found) * (-1.0 if family.roles.get(mean) is Role.RATE else 1.0)


def _column(value: Any, name: str, n: int, size: int) -> np.ndarray:
    """Return finite numbers (n, size), or (n, 1), or refuse them."""
    try:
        found = as_numbers(value, name).values
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers, one for each row: {error}") from None
    if found.ndim == 1:
        found = found[:, None]
    if found.ndim != 2 or found.shape[0] != n or found.shape[1] not in (1, size):
        wanted = f"({n},)" if size == 1 else f"({n},) or ({n}, {size})"
        raise ValueError(
            f"{name} must have one value for each row of X, of shape {wanted}, got shape "
            f"{np.shape(value)}{_OF_A_DICT if name.startswith('offset[') else ''}"
        )
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} must be finite, got {found[row]} at row {row}; remove such rows")
    return found
