"""Families in fewer parameters, in other constraints, or inside a user's limits."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, Limited
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind
from natfit.distributions.wrappers.base import Wrapper
from natfit.numerics import autodiff


class _Mapped(Wrapper):
    """A family whose eta is a function of another family's: all derivatives by the chain rule."""

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        """J' s of every row, (n, K')."""
        raise NotImplementedError

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        """J' M J of every row, minus the map's curvature times the score where one is given."""
        raise NotImplementedError

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """J' F J, (n, K', K')."""
        return self._pull_square(eta, self.inner.fisher(self.full(eta)))

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """J' s, (n, K')."""
        return self._pull(eta, self.inner.score(y, self.full(eta)))

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K')."""
        value, score = self.inner.log_prob_and_score(y, self.full(eta))
        return value, self._pull(eta, score)

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """The inner family's."""
        return self.inner.log_density(y, self.full(eta))

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian in this eta, (n, K', K')."""
        full = self.full(eta)
        return self._pull_square(eta, self.inner.observed(y, full), self.inner.score(y, full))

    def sum_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        """Weighted sums of log p, its score (K',) and its negative Hessian, eta (1, K')."""
        value, score, observed = self._inner_terms(y, weight, self.full(eta))
        square = self._pull_square(eta, observed[None], score[None])
        return value, self._pull(eta, score[None])[0], square[0]


class Fixed(_Mapped):
    """A family some of whose parameters are known: their blocks leave eta.

    Parameters
    ----------
    family : str or Distribution
    values : dict
        Native values by name.

    Raises
    ------
    ValueError
        If a name is unknown, a value violates its constraint, or nothing is left to fit.
    """

    def __init__(self, family: str | Distribution, values: dict[str, Any]):
        super().__init__(family)
        self.values = values
        names = list(self.inner.params)
        unknown = [n for n in values if n not in names]
        if unknown or len(set(values)) == len(names):
            rule = f"must name some of {names}" if unknown else "must leave a parameter to fit"
            raise ValueError(f"fixed {rule}, got {list(values)}")
        self._known = np.zeros(self.inner.n_params)
        free = np.ones(self.inner.n_params, dtype=bool)
        for name, value in values.items():
            block = self.inner.blocks[name]
            self._known[block] = _to_eta(name, value, self.inner.params[name])
            free[block] = False
        self.free = np.flatnonzero(free)
        self._place = np.eye(self.inner.n_params)[self.free]

    @property
    def params(self) -> dict[str, Bijector]:
        """Those that are left."""
        return {n: c for n, c in self.inner.params.items() if n not in self.values}

    def full(self, eta: np.ndarray) -> np.ndarray:
        """All of eta, (n, K); differentiable."""
        return anp.dot(eta, self._place) + self._known

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """Drop the known blocks, (K',)."""
        return np.asarray(eta)[self.free]

    def check_degenerate(self, y: np.ndarray, summary: Any | None) -> None:
        """Accept what the family refuses for lack of a maximum: a known scale provides one."""

    def nested_start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """The inner family's; none where its closed form leaves the family."""
        try:
            return super().nested_start(y, weight)
        except ValueError:
            return None

    def refine_start(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """The inner family's; as it was where the closed form leaves the family."""
        try:
            return super().refine_start(y, weight, eta)
        except ValueError:
            return eta

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        return score[:, self.free]

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        return matrix[:, self.free][:, :, self.free]


class Constrained(_Mapped):
    """A family with other constraints for some of its parameters; eta is theirs.

    For one eta for all rows, (1, K).

    Parameters
    ----------
    family : Distribution
    bijectors : dict
        Parameter name to constraint, of the parameter's shape.

    Raises
    ------
    ValueError
        If a name is unknown or a constraint has another shape.
    """

    def __init__(self, family: Distribution, bijectors: dict[str, Bijector]):
        super().__init__(family)
        self.bijectors = bijectors
        for name, constraint in bijectors.items():
            own = self.inner.params.get(name)
            if own is None or not isinstance(constraint, Bijector):
                raise ValueError(
                    f"bijectors must map names of {list(self.inner.params)} to objects of "
                    f"natfit.bijectors, got {name!r}: {constraint!r}"
                )
            if (constraint.shape, constraint.size) != (own.shape, own.size):
                raise ValueError(
                    f"bijectors[{name!r}] must have shape {own.shape} and size {own.size}, got "
                    f"{constraint.shape} and {constraint.size}"
                )

    @property
    def params(self) -> dict[str, Bijector]:
        """The family's, with the constraints given in their place."""
        return {**self.inner.params, **self.bijectors}

    def _map(self, eta: Any) -> Any:
        """The family's eta (K,) of this one's; differentiable."""
        parts = [
            anp.reshape(self.inner.params[n].to_eta(c.to_native(eta[None, self.blocks[n]])), (-1,))
            if n in self.bijectors
            else eta[self.blocks[n]]
            for n, c in self.params.items()
        ]
        return anp.concatenate(parts)

    def full(self, eta: np.ndarray) -> np.ndarray:
        """The family's own eta (1, K)."""
        return np.asarray(self._map(eta[0]))[None]

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """Invert the map at one point, (K,)."""
        return self.eta(**self.inner.native_dict(eta))

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        return score @ autodiff.jacobian(self._map, eta[0])

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        jac = autodiff.jacobian(self._map, eta[0])
        out = jac.T @ matrix @ jac
        if score is None:
            return out
        # Row by row the curvature is linear in the score.
        size = range(self.n_params)
        second = [autodiff.hessian(lambda e, k=k: self._map(e)[k], eta[0]) for k in size]
        return out - np.tensordot(score, np.stack(second), 1)


class Bounded(_Mapped):
    """A family whose named parameters stay inside a user's native limits; eta is the same.

    Parameters
    ----------
    family : Distribution
    bounds : dict
        Parameter name to (low, high); None for no limit.

    Raises
    ------
    ValueError
        If a name is unknown, a parameter is no number or vector of numbers, or a pair is not
        low < high.
    """

    def __init__(self, family: Distribution, bounds: dict[str, Any]):
        super().__init__(family)
        self.bounds = bounds
        self._limited = {}
        for name, pair in bounds.items():
            own = self.inner.params.get(name)
            if own is None or not hasattr(own, "first"):
                scalars = [n for n, c in self.inner.params.items() if hasattr(c, "first")]
                raise ValueError(f"bounds must name some of {scalars}, got {name!r}")
            self._limited[name] = Limited(own, *_pair(name, pair, own))

    @property
    def params(self) -> dict[str, Bijector]:
        """The family's, inside the limits."""
        return {**self.inner.params, **self._limited}

    @property
    def information(self) -> InformationKind:
        """The family's."""
        return self.inner.information

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The family's, but for ends that a limit replaces."""
        own = self.inner.limit_meaning
        return {k: v for k, v in own.items() if k[0] not in self.bounds or not self._cut(*k)}

    def _cut(self, name: str, side: str) -> bool:
        limit, own = self._limited[name], self.inner.params[name]
        return own.valid(np.full(own.shape, limit.low if side == "lower" else limit.high))

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        return score

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        return matrix


def _pair(name: str, pair: Any, own: Bijector) -> tuple[float, float]:
    """Limits as numbers, low < high, that overlap the constraint."""
    try:
        low, high = (
            default if v is None else float(v)
            for v, default in zip(pair, (-np.inf, np.inf), strict=True)
        )
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    inside = own.native_bounds
    if not (low < high and low < inside[1] and high > inside[0]):
        raise ValueError(
            f"bounds[{name!r}] must be (low, high), low < high, that overlap {inside}, got {pair!r}"
        )
    return low, high


def _to_eta(name: str, value: Any, constraint: Bijector) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.size != max(1, int(np.prod(constraint.shape, dtype=int))):
        raise ValueError(f"fixed[{name!r}] must have shape {constraint.shape}, got {array.shape}")
    array = array.reshape(constraint.shape)
    if not constraint.valid(array):
        raise ValueError(f"fixed[{name!r}] must be {type(constraint).__name__}, got {value}")
    return constraint.to_eta(array[None])[0]
