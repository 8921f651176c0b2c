"""A family with other constraints."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, Positive, Probit, Reciprocal
from natfit.bijectors.base import Elementwise
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers._mapped import Mapped
from natfit.linops.row_curvature import Entries, RowCurvature
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
        """Return a gamma whose shape has a regular point at infinity, and two with links."""
        return [
            cls("gamma", {"shape": Reciprocal(low=1e-3, high=1e9)}),
            cls("negative_binomial", {"n": Positive(low=1e-8, high=1e20)}),
            cls("bernoulli", {"prob": Probit()}),
        ]

    @property
    def params(self) -> dict[str, Bijector]:
        """The family's constraints, some of them replaced by the given ones."""
        return {**self.inner.params, **self.given}

    def full(self, eta: Any) -> Any:
        """The family's own eta (n, K); differentiable."""
        parts = [
            self._own(n, c, eta[:, self.blocks[n]]) if n in self.given else eta[:, self.blocks[n]]
            for n, c in self.params.items()
        ]
        return anp.concatenate(parts, axis=1)

    def _own(self, name: str, constraint: Bijector, eta: Any) -> Any:
        """The family's own eta of one parameter."""
        own = self.inner.params[name]
        if isinstance(constraint, Elementwise) and isinstance(own, Elementwise):
            return constraint.onto(own, eta)
        return own.to_eta(constraint.to_native(eta))

    @cached_property
    def _single(self) -> list[tuple[slice, Elementwise, Elementwise]] | None:
        """Block, constraint and the family's own of each that is given; None if not elementwise."""
        found = []
        for name, constraint in self.given.items():
            own = self.inner.params[name]
            if not isinstance(constraint, Elementwise) or not isinstance(own, Elementwise):
                return None
            found.append((self.blocks[name], constraint, own))
        return found

    def _slopes(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Both derivatives of ``full``, (n, K) each, where no coordinate depends on another."""
        if self._single is None:
            return None
        first, second = np.ones_like(eta), np.zeros_like(eta)
        for block, constraint, own in self._single:
            first[:, block], second[:, block] = constraint.onto_slopes(own, eta[:, block])
        return first, second

    # ------------------------------------------------------- rows that leave a link's range

    @cached_property
    def _ended(self) -> list[tuple[slice, float, float]]:
        """Blocks whose constraint is not defined on the whole line, and its ends."""
        ends = [(block, *c.open_ends) for block, c, _ in self._single or []]
        return [each for each in ends if each[1:] != (-np.inf, np.inf)]

    def _within(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Eta inside the ends, and which rows (n,) are not; None where all are."""
        outside: np.ndarray | None = None
        for block, low, high in self._ended:
            own = eta[:, block]
            beyond = np.logical_not(np.logical_and(own > low, own < high).all(axis=1))
            if beyond.any():
                outside = beyond if outside is None else outside | beyond
        if outside is None:
            return eta, None
        inside = np.flatnonzero(~outside)
        eta = eta.copy()
        # Any other row will do: what is computed of it is not used.
        eta[outside] = eta[inside[0]] if len(inside) else self.reduce(np.zeros(self.n_params))
        return eta, outside

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats; -inf where eta has no native value."""
        eta, outside = self._within(eta)
        value = super().log_prob(y, eta)
        return value if outside is None else np.where(outside, -np.inf, value)

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats; -inf outside the support and the ends of eta."""
        eta, outside = self._within(eta)
        value = super().log_density(y, eta)
        return value if outside is None else np.where(outside, -np.inf, value)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K); -inf and zero where eta has no native value."""
        eta, outside = self._within(eta)
        value, score = super().log_prob_and_score(y, eta)
        if outside is None:
            return value, score
        return np.where(outside, -np.inf, value), np.where(outside[:, None], 0.0, score)

    # --------------------------------------------------------------------------- curvature

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """J' C J of rows, by the entries that the family has."""
        slopes = self._slopes(eta)
        if slopes is None:
            return super().curvature(eta)
        return self._pulled(self.inner.curvature(self.full(eta)), slopes[0])

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of rows in this eta, by the entries that the family has."""
        slopes = self._slopes(eta)
        if slopes is None:
            return super().observed_curvature(y, eta)
        full = self.full(eta)
        found = self._pulled(self.inner.observed_curvature(y, full), slopes[0])
        score = self.inner.score(y, full)
        for block, _, _ in self._single or []:
            for k in range(block.start, block.stop):
                own = found.entries.get((k, k), 0.0)
                found.entries[k, k] = own - score[:, k] * slopes[1][:, k]
        return found

    def _pulled(self, c: RowCurvature, first: np.ndarray) -> Entries:
        given = {k for block, _, _ in self._single or [] for k in range(block.start, block.stop)}
        entries = {}
        for k, m, entry in c.items():
            for each in (k, m):
                if each in given:
                    entry = entry * first[:, each]
            entries[k, m] = entry
        return Entries(self.n_params, entries)

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
        slopes = self._slopes(eta)
        if slopes is not None:
            return score * slopes[0]
        jac = self._jacobian(eta)
        return score @ jac[0] if len(jac) == 1 else np.einsum("ni,nij->nj", score, jac)

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        slopes = self._slopes(eta)
        if slopes is not None:
            out = slopes[0][:, :, None] * matrix * slopes[0][:, None, :]
            if score is not None:
                out = np.array(np.broadcast_to(out, (max(len(out), len(score)), *out.shape[1:])))
                diagonal = np.arange(self.n_params)
                out[:, diagonal, diagonal] -= score * slopes[1]
            return out
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
