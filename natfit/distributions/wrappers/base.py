"""What families made of another family share: what they do not change is the inner family's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from natfit._component import resolve
from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Role, Width
from natfit.distributions.contract.regular import Regular
from natfit.rows import Block, Rows


class _Inner:
    """An attribute of the family inside, as it is."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, wrapper: Any, owner: type | None = None) -> Any:
        return self if wrapper is None else getattr(wrapper.inner, self.name)


def passed_on() -> Any:
    """An attribute or a method that is the inner family's, under the same name."""
    return _Inner()


class Wrapper(Distribution):
    """A family made of another one, ``inner``.

    What a wrapper does not change is passed on in this file and nowhere else. There are two kinds:
    an :class:`Extended` family has one parameter more; a :class:`Restricted` one has the same y,
    and no parameter that the inner family does not have. A running fit is not compared with the
    inner family's nested optimum, which need not be an optimum of this family: ``compare_after``
    stays None.

    Parameters
    ----------
    family : str or Distribution
        The family inside.
    """

    differentiable = passed_on()
    by_differences = passed_on()
    circular = passed_on()
    atoms = passed_on()
    closed_velocity = passed_on()
    has_cdf = passed_on()
    has_given_limits = passed_on()
    limit_cost = passed_on()
    can_sample = passed_on()

    def __init__(self, family: str | Distribution):
        self.family = family

    @cached_property
    def _resolved(self) -> Distribution:
        return resolve(self.family, Distribution)

    @cached_property
    def inner(self) -> Distribution:
        """The family inside, as an object.

        A ValueError says why this family cannot be made of it, or which other argument does not
        fit it.
        """
        self._accept(self._resolved)
        return self._resolved

    def _accept(self, inner: Distribution) -> None:
        """Raise ValueError where this kind of wrapper cannot hold the family, or as _admit."""
        self._admit(inner)

    def _admit(self, inner: Distribution) -> None:
        """Raise ValueError if the arguments do not fit; by default all do."""

    def checked(self) -> Distribution:
        """Check the arguments, which is otherwise done on first use, and return the family."""
        self._accept(self._resolved)
        return self

    @property
    def has_kl(self) -> bool:
        """Whether the inner family has a divergence, and this one a way to its own.

        Where the support of the inner family moves, the divergence is infinite in one direction:
        a step rule that keeps to a radius could not move an end at all.
        """
        return self.inner.has_kl and super().has_kl

    def bind(self, rows: Rows) -> Distribution:
        """Bind the inner family to the data's shape."""
        bound = self._resolved.bind(rows)
        if bound is self._resolved:
            return self.checked()
        return type(self)(**{**self.get_params(deep=False), "family": bound}).checked()

    @property
    def event_shape(self) -> tuple:
        """Shape of one value: the inner family's."""
        return self._resolved.event_shape

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The inner family's, for the parameters that are left."""
        return {
            end: words for end, words in self.inner.limit_meaning.items() if end[0] in self.params
        }

    @property
    def row_ends(self) -> dict[str, Literal["lower", "upper"]]:
        """The inner family's, for the parameters that are left."""
        return {name: side for name, side in self.inner.row_ends.items() if name in self.params}


class Extended(Wrapper):
    """A family with one parameter more: eta = (its own coordinate, the inner family's eta).

    A subclass declares the parameter's name, constraint and role.
    """

    own_params: ClassVar[dict[str, Bijector]]
    own_roles: ClassVar[dict[str, Role]]

    def _accept(self, inner: Distribution) -> None:
        super()._accept(inner)
        # The parameters of a family of vectors are known once it is bound.
        twice = (
            [] if None in inner.event_shape else [n for n in self.own_params if n in inner.params]
        )
        if twice:
            raise ValueError(
                f"{type(self).__name__} adds a parameter {twice[0]!r}, which {inner!r} has "
                "already: the data cannot tell them apart; wrap the family inside"
            )

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The additional parameter, then those of the inner family."""
        return {**self.own_params, **self.inner.params}

    @property
    def roles(self) -> dict[str, Role]:
        """The role of the additional parameter, then those of the inner family."""
        return {**self.own_roles, **self.inner.roles}

    @property
    def driven(self) -> str:
        """The inner family's: what is added concerns few rows, or where the density begins."""
        return self.inner.driven

    def _split(self, eta: Any) -> tuple[Any, Any]:
        """Native value (n,) of the additional parameter, and the inner eta (n, K - 1)."""
        (constraint,) = self.own_params.values()
        return constraint.to_native(eta[:, :1]), eta[:, 1:]

    def unnormalised(self, eta: np.ndarray) -> str | None:
        """What the density adds to if that is not one, in words: the inner family's answer."""
        return self.inner.unnormalised(eta[1:])


class Restricted(Wrapper):
    """A family of the same y whose parameters are among those of the inner family.

    Checks of the data, summaries and starts are the inner family's, and so is the density except
    for what a subclass changes. ``full`` maps eta to the inner family's eta; it is the identity
    unless a subclass has fewer or other coordinates.
    """

    knows_limits = False
    has_limit_members = passed_on()
    n_groups = passed_on()

    params = passed_on()
    support = passed_on()
    zero_ends = passed_on()
    check = passed_on()
    check_degenerate = passed_on()
    kink_sum = passed_on()
    bounded = passed_on()
    sufficient = passed_on()
    joined_summaries = passed_on()
    tabulated = passed_on()

    @property
    def compare_after(self) -> int | None:  # type: ignore[override]  # the inner family decides
        """The inner family's, if its limits are looked for in the likelihood itself."""
        return self.inner.compare_after if self.has_limit_members else None

    def full(self, eta: np.ndarray) -> np.ndarray:
        """The inner family's eta (n, K) of this one's; differentiable."""
        return eta

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """Invert :meth:`full` at one point (K,)."""
        return eta

    def _full(self, eta: np.ndarray) -> np.ndarray:
        """The inner family's eta (K,) of one point."""
        return self.full(np.reshape(eta, (1, -1)))[0]

    @property
    def roles(self) -> dict[str, Role]:
        """The inner family's, for the parameters that are left."""
        return {name: role for name, role in self.inner.roles.items() if name in self.params}

    @property
    def driven(self) -> str:
        """The inner family's, if it is left."""
        return self.inner.driven if self.inner.driven in self.params else super().driven

    @property
    def widths(self) -> dict[str, Width]:
        """The inner family's, for the parameters that are left."""
        return {name: width for name, width in self.inner.widths.items() if name in self.params}

    @property
    def information(self) -> InformationKind:
        """The inner family's, but the observed information need not agree with the expected one."""
        return replace(self.inner.information, agrees=False, exact=False)

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the interval in which the density is positive: the inner family's."""
        return self.inner.support_at(self.full(eta))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return self.inner._log_prob_eta(y, self.full(eta))

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats: the inner family's."""
        return self.inner.log_prob(y, self.full(eta))

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """A first start (K,) from a few rows: the inner family's, reduced."""
        return self.reduce(self.inner.initial(few, rng))

    def check_start(self, few: Block, eta: np.ndarray) -> None:
        """Ask the inner family."""
        self.inner.check_start(few, self._full(eta))

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A better start (K,) from all rows: the inner family's, reduced."""
        return self.reduce(self.inner.refine_start(rows, self._full(eta)))

    def starts(self, rows: Rows) -> list[np.ndarray]:
        """The inner family's, reduced."""
        return [self.reduce(eta) for eta in self.inner.starts(rows)]

    def alike(self, eta: np.ndarray) -> np.ndarray:
        """The inner family's, reduced; it may lie outside this family's limits."""
        return self.reduce(self.inner.alike(self._full(eta)))

    def collapsed(self, eta: np.ndarray) -> float:
        """The inner family's answer."""
        return self.inner.collapsed(self._full(eta))

    def starved(self, eta: np.ndarray, total: float) -> str | None:
        """Which component has too few rows, in words, or None: the inner family's answer."""
        return self.inner.starved(self._full(eta), total)

    def responsibilities(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Probability that each row came from each component, (n, C): the inner family's."""
        return self.inner.responsibilities(y, self.full(np.atleast_2d(eta)))

    def interval_responsibilities(
        self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
    ) -> np.ndarray:
        """The same for rows of which an interval was seen, (n, C): the inner family's."""
        return self.inner.interval_responsibilities(lower, upper, self.full(eta))

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The inner family's; a point to compare with, which need not be an optimum here."""
        start = self.inner.nested_start(rows)
        if start is None or start.ndim == 1:
            return None if start is None else self.reduce(start)
        return np.stack([self.reduce(each) for each in start])

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """The inner family's, for the likelihood of this one."""

        def own(inner: np.ndarray) -> float:
            return value(self.reduce(inner))

        return [self.reduce(e) for e in self.inner.limit_members(rows, self._full(eta), own)]

    def unnormalised(self, eta: np.ndarray) -> str | None:
        """What the density adds to if that is not one, in words: the inner family's answer."""
        return self.inner.unnormalised(self._full(eta))

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Why the likelihood has no maximum, in words, or None: the inner family's answer."""
        return self.inner.no_maximum(rows, self._full(eta))

    def _around(self, form: Regular | None) -> Regular | None:
        """The same wrapper around the inner family in regular coordinates, if these have tails."""
        if form is None or not form.family.has_cdf:
            return None
        own = {**self.get_params(deep=False), "family": form.family}
        return replace(form, family=type(self)(**own))

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Which limit the estimate has reached, in words, or None: the inner family's answer."""
        return self.inner.limit_at(rows, self._full(eta))

    def _inner_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        """Weighted sums of the inner family's log p, score (K,) and negative Hessian (K, K)."""
        if self.inner.sum_terms is not None:
            return self.inner.sum_terms(y, weight, eta)
        pair = self.inner.sum_value_and_score(y, weight, eta)
        return *pair, self.inner.sum_observed(y, weight, eta)
