"""A family some of whose parameters are known."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.elsewhere import unknown_parameter
from natfit.distributions.wrappers._mapped import Mapped
from natfit.rows import Rows


class Fixed(Mapped):
    """A family some of whose parameters are known: these are no longer among its parameters.

    The density is the family's at the known values.

    Parameters
    ----------
    family : str or Distribution, default="normal"
        The family inside.
    values : dict
        Native values by name.

    Raises
    ------
    ValueError
        On first use, if a name is unknown, a value violates its constraint, nothing is left to
        fit, or no values are given.
    """

    def __init__(self, family: str | Distribution = "normal", values: dict[str, Any] | None = None):
        super().__init__(family)
        self.values = values

    @property
    def known(self) -> dict[str, Any]:
        """The known native values by name.

        Raises
        ------
        ValueError
            If it is no dict.
        """
        if not isinstance(self.values, dict):
            raise ValueError(
                f"values must give the known parameters of Fixed by name, got {self.values!r}; "
                "pass Fixed('normal', {'loc': 0.0}), or fixed={'loc': 0.0} to NaturalMLE"
            )
        return self.values

    def _admit(self, inner: Distribution) -> None:
        known = self.known
        if None in inner.event_shape:
            return  # Its parameters are known once it is bound.
        names = list(inner.params)
        unknown = [n for n in known if n not in names]
        if unknown:
            rule = f"fixed must name some of {names}"
            raise ValueError(unknown_parameter(inner, unknown[0], rule))
        if len(set(known)) == len(names):
            raise ValueError(f"fixed must leave a parameter to fit, got {list(known)}")
        for name, value in known.items():
            _to_eta(name, value, inner.params[name])
            if name in inner.row_ends:
                _check_end(name, value, inner)

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return a family with one parameter left, one with two, and one of vectors."""
        from natfit.distributions.vectors.multivariate_t import MultivariateT

        return [
            cls("student_t", {"df": 4.0}),
            cls("gamma", {"scale": 1.5}),
            cls(MultivariateT(2), {"df": 5.0}),
        ]

    @property
    def params(self) -> dict[str, Bijector]:
        """Constraints of the parameters that are left."""
        return {n: c for n, c in self.inner.params.items() if n not in self.known}

    @cached_property
    def free(self) -> np.ndarray:
        """Indices (K',) of the coordinates of the inner eta that are left."""
        kept = np.ones(self.inner.n_params, dtype=bool)
        for name in self.known:
            kept[self.inner.blocks[name]] = False
        return np.flatnonzero(kept)

    @cached_property
    def _known_eta(self) -> np.ndarray:
        """The inner eta (K,) of the known values, zero elsewhere."""
        known = np.zeros(self.inner.n_params)
        for name, value in self.known.items():
            known[self.inner.blocks[name]] = _to_eta(name, value, self.inner.params[name])
        return known

    @cached_property
    def _place(self) -> np.ndarray:
        return np.eye(self.inner.n_params)[self.free]

    def full(self, eta: np.ndarray) -> np.ndarray:
        """All of eta, (n, K); differentiable."""
        return anp.dot(eta, self._place) + self._known_eta

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """Drop the known blocks, (K',)."""
        return np.asarray(eta)[self.free]

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        return score[:, self.free]

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        return matrix[:, self.free][:, :, self.free]

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Accept most data: where the family has no maximum, a known scale may provide one.

        None does where equal rows lie at a known end, and the other end comes as near as it may.
        """
        ends = self.inner.row_ends
        if {"lower", "upper"} <= set(ends.values()):
            low, high = rows.extent()
            if low == high and any(float(v) == low for n, v in self.known.items() if n in ends):
                self.inner.check_degenerate(rows, summary)

    def alike(self, eta: np.ndarray) -> np.ndarray:
        """Eta itself: a known value belongs to one of the components of a mixture."""
        return eta

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The inner family's; None where its closed form is not valid in the family."""
        try:
            return super().nested_start(rows)
        except ValueError:
            return None

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """A limit of several parameters is none of those that are left, and None is returned."""
        return None

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The inner family's answer, unless a value at a limit is known: nothing runs there."""
        full, (low, high, _) = self._full(eta), self.inner.limits
        held = np.setdiff1d(np.arange(len(full)), self.free)
        if np.any((full[held] == low[held]) | (full[held] == high[held])):
            return None
        return super().no_maximum(rows, eta)

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The inner family's; unchanged where its closed form is not valid in the family."""
        try:
            return super().refine_start(rows, eta)
        except ValueError:
            return eta


def as_known(name: str, value: Any) -> np.ndarray:
    """Return a known value as an array in float64; a TypeError names one that is no number."""
    if value is None:
        raise TypeError(
            f"fixed[{name!r}] must be a number or an array of numbers, got None; leave {name!r} "
            "out of fixed to estimate it"
        )
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"fixed[{name!r}] must be a number or an array of numbers, got {value!r}"
        ) from None


def _to_eta(name: str, value: Any, constraint: Bijector) -> np.ndarray:
    """Unconstrained numbers (size,) of a known value.

    Returns
    -------
    ndarray of shape (size,)
        In the order of the constraint.

    Raises
    ------
    TypeError
        If it is no number.
    ValueError
        If it has another shape or violates the constraint.
    """
    array = as_known(name, value)
    if array.size != max(1, int(np.prod(constraint.shape, dtype=int))):
        raise ValueError(f"fixed[{name!r}] must have shape {constraint.shape}, got {array.shape}")
    array = array.reshape(constraint.shape)
    if not constraint.valid(array):
        raise ValueError(f"fixed[{name!r}] must be {constraint.rule}, got {value}")
    return constraint.to_eta(array[None])[0]


def _check_end(name: str, value: Any, inner: Distribution) -> None:
    """Raise ValueError where a known end of the support leaves a row outside."""
    low, high = inner.params[name].native_limits
    if not low <= float(value) <= high:
        upper = inner.row_ends[name] == "upper"
        rule = f">= {low:.10g}, the largest row" if upper else f"<= {high:.10g}, the smallest row"
        raise ValueError(
            f"{name} must be {rule}, got {value}: no row may lie beyond it; leave it free, or "
            "remove such rows"
        )
