"""What families that wrap another one share: everything that they do not change is its own."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Role, Width


class Wrapper(Distribution):
    """A family made of another one, with the same y and, unless overridden, the same eta.

    Parameters
    ----------
    family : str or Distribution
        The family inside.
    """

    def __init__(self, family: str | Distribution):
        self.family = family

    @cached_property
    def inner(self) -> Distribution:
        """The family inside, as an object."""
        return resolve(self.family, Distribution)

    def full(self, eta: np.ndarray) -> np.ndarray:
        """The inner family's eta (n, K) of this one's."""
        return eta

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """Invert :meth:`full` at one point (K,)."""
        return eta

    def _with(self, family: Distribution) -> Distribution:
        """The same wrapper around another family."""
        return type(self)(**{**self.get_params(deep=False), "family": family})

    def bind(self, y: np.ndarray) -> Distribution:
        """Bind the inner family to the data's shape."""
        bound = self.inner.bind(y)
        return self if bound is self.family else self._with(bound)

    # ------------------------------------------------------------------ what stays the same

    @property
    def params(self) -> dict[str, Bijector]:
        """The inner family's."""
        return self.inner.params

    @property
    def support(self) -> Any:
        """The inner family's."""
        return self.inner.support

    @property
    def event_shape(self) -> tuple:
        """The inner family's."""
        return self.inner.event_shape

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The inner family's."""
        return self.inner.limit_meaning

    @property
    def zero_ends(self) -> tuple[tuple[str, str], ...]:
        """The inner family's."""
        return self.inner.zero_ends

    @property
    def roles(self) -> dict[str, Role]:
        """The inner family's, of the parameters that are left."""
        return {name: role for name, role in self.inner.roles.items() if name in self.params}

    @property
    def widths(self) -> dict[str, Width]:
        """The inner family's, of the parameters that are left."""
        return {name: width for name, width in self.inner.widths.items() if name in self.params}

    @property
    def information(self) -> InformationKind:
        """The inner family's, without the claim that the observed information agrees."""
        return replace(self.inner.information, agrees=False)

    @property
    def has_cdf(self) -> bool:
        """The inner family's."""
        return self.inner.has_cdf

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """The inner family's."""
        return self.inner.log_cdf(y, self.full(eta))

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """The inner family's."""
        return self.inner.log_sf(y, self.full(eta))

    @property
    def has_kl(self) -> bool:
        """The inner family's."""
        return self.inner.has_kl

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """The inner family's."""
        return self.inner.kl(self.full(eta), self.full(eta2))

    @property
    def can_sample(self) -> bool:
        """The inner family's."""
        return self.inner.can_sample

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """The inner family's."""
        return self.inner.sample(self.full(eta), rng, size)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return self.inner._log_prob_eta(y, self.full(eta))

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """The inner family's."""
        return self.inner.log_prob(y, self.full(eta))

    def check(self, y: np.ndarray) -> None:
        """Ask the inner family."""
        self.inner.check(y)

    def check_degenerate(self, y: np.ndarray, summary: Any | None) -> None:
        """Ask the inner family."""
        self.inner.check_degenerate(y, summary)

    def bounded(self, summary: Any) -> tuple[Any, str | None]:
        """Ask the inner family."""
        return self.inner.bounded(summary)

    def sufficient(self, y: np.ndarray, weight: np.ndarray | None) -> Any | None:
        """The inner family's."""
        return self.inner.sufficient(y, weight)

    def initial(
        self, y: np.ndarray, weight: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """The inner family's."""
        return self.reduce(self.inner.initial(y, weight, rng))

    def check_start(self, y: np.ndarray, eta: np.ndarray) -> None:
        """Ask the inner family."""
        self.inner.check_start(y, self.full(eta[None])[0])

    def refine_start(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """The inner family's."""
        return self.reduce(self.inner.refine_start(y, weight, self.full(eta[None])[0]))

    def nested_start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """The inner family's; a candidate for this one."""
        start = self.inner.nested_start(y, weight)
        return None if start is None else self.reduce(start)

    def no_maximum(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> str | None:
        """The inner family's."""
        return self.inner.no_maximum(y, weight, self.full(eta[None])[0])

    def _inner_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        """Weighted sums of the inner family's log p, score (K,) and negative Hessian (K, K)."""
        if self.inner.sum_terms is not None:
            return self.inner.sum_terms(y, weight, eta)
        pair = self.inner.sum_value_and_score(y, weight, eta)
        return *pair, self.inner.sum_observed(y, weight, eta)

    def sum_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        raise NotImplementedError
