"""Distributions of actions with several parts, which are independent given the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role


class Product(Distribution):
    """Independent distributions side by side: y has the columns of all parts.

    ``log p(y) = sum_j log p_j(y_j)``; eta holds that of the parts one after the other. Score and
    mode stand side by side, divergences and entropies add up, and the Fisher information is block
    diagonal.

    Parameters
    ----------
    names : sequence of str
        A name for each part; its parameters are called ``name.parameter``.
    parts : sequence of Distribution
        The distributions, bound.
    """

    def __init__(self, names: Sequence[str] = (), parts: Sequence[Distribution] = ()):
        self.names = names
        self.parts = parts

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraints of the parameters of all parts."""
        return {f"{k}.{name}": c for k, p in self._named for name, c in p.params.items()}

    @property
    def roles(self) -> dict[str, Role]:
        """What the parameters of the parts are."""
        return {f"{k}.{name}": role for k, p in self._named for name, role in p.roles.items()}

    @property
    def _named(self) -> list[tuple[str, Distribution]]:
        return list(zip(self.names, self.parts, strict=True))

    @property
    def event_shape(self) -> tuple:
        """(A,), the number of columns of all parts."""
        return (sum(_width(part) for part in self.parts),)

    @cached_property
    def _slices(self) -> list[tuple[Distribution, slice, slice]]:
        """Each part with its columns of y and of eta."""
        found, y, eta = [], 0, 0
        for part in self.parts:
            ends = y + _width(part), eta + part.n_params
            found.append((part, slice(y, ends[0]), slice(eta, ends[1])))
            y, eta = ends
        return found

    def _pieces(self, y: Any, eta: Any) -> Iterator[tuple[Distribution, Any, Any]]:
        for part, columns, block in self._slices:
            own = y[:, columns]
            yield part, own[:, 0] if part.event_shape == () else own, eta[:, block]

    def by_parts(
        self, values: dict[str, Any], call: Callable[[Distribution, slice, dict], dict]
    ) -> dict[str, Any]:
        """Return native values by name, changed by ``call(part, columns of y, values)``."""
        out = dict(values)
        for (name, _), (part, columns, _) in zip(self._named, self._slices, strict=True):
            own = {k: values[f"{name}.{k}"] for k in part.params if f"{name}.{k}" in values}
            out.update({f"{name}.{k}": v for k, v in call(part, columns, own).items()})
        return out

    # -------------------------------------------------------------------------- closed forms

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself."""
        return (eta,)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return sum(part.log_prob(own, e) for part, own, e in self._pieces(y, eta))

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K), from one call of each part."""
        both = [part.log_prob_and_score(own, e) for part, own, e in self._pieces(y, eta)]
        return np.sum([v for v, _ in both], axis=0), np.concatenate([s for _, s in both], axis=1)

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return np.concatenate([p.score(own, e) for p, own, e in self._pieces(y, eta)], axis=1)

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        blocks = [part.observed(own, e) for part, own, e in self._pieces(y, eta)]
        return self._diagonal(len(y), blocks)

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        return self._diagonal(len(eta), [p.fisher(eta[:, b]) for p, _, b in self._slices])

    def _diagonal(self, n: int, blocks: list[np.ndarray]) -> np.ndarray:
        """Return matrices (n, K, K) with these blocks on their diagonals."""
        out = np.zeros((n, self.n_params, self.n_params))
        for (_, _, block), own in zip(self._slices, blocks, strict=True):
            out[:, block, block] = own
        return out

    @property
    def has_kl(self) -> bool:
        """Whether all parts have a divergence."""
        return all(part.has_kl for part in self.parts)

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        return np.sum([p.kl(eta[:, b], eta2[:, b]) for p, _, b in self._slices], axis=0)

    @property
    def has_entropy(self) -> bool:
        """Whether all parts have an entropy."""
        return all(part.has_entropy for part in self.parts)

    def _entropy(self, eta: Any) -> Any:
        return sum(p._need_entropy()(eta[:, b]) for p, _, b in self._slices)

    def entropy_and_grad(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entropy (n,) nats and its gradient (n, K)."""
        both = [p.entropy_and_grad(eta[:, b]) for p, _, b in self._slices]
        return np.sum([v for v, _ in both], axis=0), np.concatenate([g for _, g in both], axis=1)

    @property
    def has_mode(self) -> bool:
        """Whether all parts have a mode."""
        return all(part.has_mode for part in self.parts)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return _columns([p.mode(eta[:, b]) for p, _, b in self._slices])

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw for every row of eta, or ``size`` times for eta (1, K): (n, A) float64."""
        return self._sample(rng, len(eta) if size is None else size, eta)

    def _sample(self, rng: np.random.Generator, n: int, eta: np.ndarray) -> np.ndarray:
        size = None if len(eta) == n else n
        return _columns([p.sample(eta[:, b], rng, size) for p, _, b in self._slices])


def _width(part: Distribution) -> int:
    """Return the number of columns of a part's y."""
    return int(np.prod(part.event_shape, dtype=int))


def _columns(values: list[np.ndarray]) -> np.ndarray:
    """Return values (n,) or (n, A_j) of the parts side by side, (n, A)."""
    return np.concatenate([v.reshape(len(v), -1) for v in values], axis=1)
