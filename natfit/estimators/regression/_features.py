"""X as the features of a model: arrays, frames, sparse matrices; which parameter has which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role


@dataclass(frozen=True)
class Design:
    """Rows of features.

    Attributes
    ----------
    X : ndarray or CSR array of shape (n, D)
    names : tuple of str
        A name for each of the D features.
    """

    X: Any
    names: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.X.shape[0]


def read_design(estimator: Any, X: Any, reset: bool) -> Design:
    """Return X as the features of a model."""
    found = validate_data(
        estimator, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32]
    )
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{j}" for j in range(found.shape[1])]
    return Design(found, tuple(str(name) for name in names))


def mean_parameter(family: Distribution) -> str:
    """Return the parameter that features drive by default: the location, the mean or the scale."""
    for role in (Role.LOCATION, Role.MEAN, Role.SHARE, Role.RATE, Role.SCALE):
        for name in family.params:
            if family.roles.get(name) is role:
                return name
    return next(iter(family.params))


def features_of(estimator: Any, family: Distribution, design: Design) -> dict[str, Any]:
    """Return for each parameter the indices of its features, None for all of them."""
    asked = estimator.features_for
    if asked is None:
        return {mean_parameter(family): None}
    if isinstance(asked, str) and asked == "all":
        return dict.fromkeys(family.params)
    assert isinstance(asked, Mapping)
    return {n: None if a == "all" else a for n, a in asked.items() if a != "intercept"}


def offsets_of(family: Distribution, n: int, offset: Any, exposure: Any) -> np.ndarray | None:
    """Return offsets (n, K) of eta, or None."""
    if offset is None and exposure is None:
        return None
    out = np.zeros((n, family.n_params))
    mean = family.blocks[mean_parameter(family)]
    if exposure is not None:
        out[:, mean] += np.log(np.asarray(exposure, dtype=float))[:, None]
    if isinstance(offset, Mapping):
        for name, value in offset.items():
            out[:, family.blocks[name]] += np.reshape(value, (n, -1))
    elif offset is not None:
        out[:, mean] += np.reshape(offset, (n, -1))
    return out


__all__ = ["Design", "features_of", "issparse", "mean_parameter", "offsets_of", "read_design"]
