"""A family with other constraints."""

from __future__ import annotations

from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, Reciprocal
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers._mapped import Mapped
from natfit.numerics import autodiff


class Constrained(Mapped):
    """A family with other constraints for some of its parameters; eta belongs to these.

    The density is the family's at the same native values.

    Parameters
    ----------
    family : str or Distribution, default="normal"
        The family inside.
    bijectors : dict
        Parameter name to constraint, of the parameter's shape.

    Raises
    ------
    ValueError
        On first use, if a name is unknown, a constraint has another shape, or none are given.
    """

    def __init__(
        self,
        family: str | Distribution = "normal",
        bijectors: dict[str, Bijector] | None = None,
    ):
        super().__init__(family)
        self.bijectors = bijectors

    @property
    def given(self) -> dict[str, Bijector]:
        """The other constraints by name.

        Raises
        ------
        ValueError
            If it is no dict.
        """
        if not isinstance(self.bijectors, dict):
            raise ValueError(
                f"bijectors must give the constraints of Constrained by name, got "
                f"{self.bijectors!r}; pass Constrained('student_t', {{'df': Positive()}}), or "
                "bijectors={'df': Positive()} to NaturalMLE"
            )
        return self.bijectors

    def _admit(self, inner: Distribution) -> None:
        given = self.given
        if None in inner.event_shape:
            return  # Its parameters are known once it is bound.
        for name, constraint in given.items():
            own = inner.params.get(name)
            if own is None or not isinstance(constraint, Bijector):
                raise ValueError(
                    f"bijectors must map names of {list(inner.params)} to objects of "
                    f"natfit.bijectors, got {name!r}: {constraint!r}"
                )
            if (constraint.shape, constraint.size) != (own.shape, own.size):
                raise ValueError(
                    f"bijectors[{name!r}] must have shape {own.shape} and size {own.size}, got "
                    f"{constraint.shape} and {constraint.size}"
                )

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return a gamma whose shape has a regular point at infinity."""
        return [cls("gamma", {"shape": Reciprocal(low=1e-3, high=1e9)})]

    @property
    def params(self) -> dict[str, Bijector]:
        """The family's constraints, some of them replaced by the given ones."""
        return {**self.inner.params, **self.given}

    def full(self, eta: Any) -> Any:
        """The family's own eta (n, K); differentiable."""
        parts = [
            self.inner.params[n].to_eta(c.to_native(eta[:, self.blocks[n]]))
            if n in self.given
            else eta[:, self.blocks[n]]
            for n, c in self.params.items()
        ]
        return anp.concatenate(parts, axis=1)

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """Invert the map at one point (K,), which is moved inside the other constraints."""
        native = self.inner.native_dict(eta)
        for name, constraint in self.given.items():
            native[name] = _inside(constraint, np.asarray(native[name]))
        return self.eta(**native)

    def _coordinate(self, k: int, eta: Any) -> Any:
        """Coordinate k of the family's own eta, (n,)."""
        return self.full(eta)[:, k]

    def _jacobian(self, eta: np.ndarray) -> np.ndarray:
        """d full / d eta of every row, (n, K, K)."""
        each = range(self.n_params)
        return np.stack([autodiff.row_grad(partial(self._coordinate, k), eta) for k in each], 1)

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        jac = self._jacobian(eta)
        return score @ jac[0] if len(jac) == 1 else np.einsum("ni,nij->nj", score, jac)

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        jac = self._jacobian(eta)
        out = np.swapaxes(jac, 1, 2) @ matrix @ jac
        if score is None:
            return out
        # The term of the map's second derivative is linear in the score of the row.
        each = range(self.n_params)
        second = np.stack(
            [autodiff.row_hessian(partial(self._coordinate, k), eta) for k in each], 1
        )
        if len(second) == 1:
            return out - np.tensordot(score, second[0], 1)
        return out - np.einsum("ni,nijk->njk", score, second)


def _inside(constraint: Bijector, value: np.ndarray) -> np.ndarray:
    """Return the native value, moved away from the ends of the constraint where it lies beyond."""
    low, high = constraint.domain
    if constraint.valid(value) or not constraint.elementwise:
        return value
    # A hundredth of the range, or of the end's own size where the other end is infinite.
    whole = high - low
    unit = (
        whole if np.isfinite(whole) else max(1.0, *(abs(e) for e in (low, high) if np.isfinite(e)))
    )
    return np.clip(value, low + 0.01 * unit, high - 0.01 * unit)
