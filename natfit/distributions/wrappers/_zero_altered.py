"""What zero-inflated and hurdle families share: a count family whose zeros are counted anew."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit._component import resolve
from natfit.bijectors import Bijector
from natfit.bijectors.base import Elementwise
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import Support
from natfit.distributions.forms.tabulated_counts import Tabulated


class Share(Elementwise):
    """Numbers in [0, 1) for which zero is an ordinary point: native / (1 - native) = sinh(eta).

    A share of zeros that is not needed is at zero; the score is finite there, so that a fit
    reaches the bound in a few steps. Near one it is a logit.
    """

    max_step = 3.0
    label = "arsinh odds of {}"
    low, high = 1e-15, 1.0 - 1e-12

    def _forward(self, eta: Any) -> Any:
        odds = anp.sinh(eta)
        return odds / (1.0 + odds)

    def _backward(self, native: Any) -> Any:
        return anp.arcsinh(native / (1.0 - native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """cosh / (1 + sinh)^2."""
        return np.cosh(eta) / (1.0 + np.sinh(eta)) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """sinh / (1 + sinh)^2 - 2 cosh^2 / (1 + sinh)^3."""
        one = 1.0 + np.sinh(eta)
        return np.sinh(eta) / one**2 - 2.0 * np.cosh(eta) ** 2 / one**3

    def valid(self, native: np.ndarray) -> bool:
        """Inside (0, 1)."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > 0) & (native < 1)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Of eta."""
        return tuple(float(np.arcsinh(z / (1.0 - z))) for z in (self.low, self.high))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and one."""
        return (0.0, 1.0)


SHARE = Share()


class ZeroAltered(Tabulated):
    """A count family with a probability of zeros z of its own; eta = (arsinh(z / (1 - z)), eta').

    The closed forms work in eta: they call the count family at eta' = eta[:, 1:].

    Parameters
    ----------
    family : str or Distribution
        A univariate family of whole numbers from 0 on.
    """

    compare_after = 25

    def __init__(self, family: str | Distribution = "poisson"):
        self.family = family

    @cached_property
    def base(self) -> Distribution:
        """The count family.

        Raises
        ------
        ValueError
            If ``family`` is no family of counts.
        """
        found = resolve(self.family, Distribution)
        support = found.support
        counts = support is not None and support.integer and support.low == 0
        if not counts or found.event_shape != () or isinstance(found, ZeroAltered):
            raise ValueError(
                f"family must be a family of counts from 0 on for {type(self).__name__}, such as "
                f"'poisson' or 'negative_binomial', got {found!r}"
            )
        return found

    def bind(self, y: np.ndarray) -> ZeroAltered:
        """Return the family with its count family bound to the data."""
        bound = self.base.bind(y)
        return self if bound is self.base else type(self)(bound)

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """zero_prob and the count family's parameters."""
        return {"zero_prob": SHARE, **self.base.params}

    @property
    def roles(self) -> dict[str, Role]:
        """A probability, and the count family's."""
        return {"zero_prob": Role.SHARE, **self.base.roles}

    @property
    def support(self) -> Support:
        """The count family's."""
        return self.base.support

    @classmethod
    def examples(cls) -> list[ZeroAltered]:
        """Return Poisson and geometric counts."""
        return [cls(), cls("geometric")]

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself."""
        return (eta,)

    def _at_zero(self, eta: Any) -> Any:
        """The count family's log-probability of zero (n,), for eta (n, K)."""
        return self.base._log_prob_eta(np.zeros(1), eta[:, 1:])

    @staticmethod
    def _log_share(eta: Any) -> tuple[Any, Any]:
        """log z and log(1 - z), (n,) each."""
        odds = anp.sinh(eta[:, 0])
        log_rest = -anp.log1p(odds)
        return anp.log(odds) + log_rest, log_rest

    @staticmethod
    def _share_terms(slope: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score and observed information in eta_0 of the derivative of log p in z, (n,) each.

        The second derivative in z is minus the first's square, for every row of both families:
        p is linear in z.
        """
        first, second = SHARE.first(eta[:, 0]), SHARE.second(eta[:, 0])
        score = first * slope
        return score, score**2 - second * slope

    def check_degenerate(self, y: np.ndarray, summary: Any | None) -> None:
        """All counts zero: nothing tells the count family's parameters."""
        self._refuse_all_zero(y, summary, "'bernoulli', whose fit ends at prob = 0")

    def nested_start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """The family's own start: from a rate far too small the way is long."""
        return self.eta(**self._initial(y, weight))

    def _positive_start(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        """The count family's start from the positive rows; from all where none is."""
        some = y > 0
        if not some.any():
            return self.base._initial(y, weight)
        return self.base._initial(y[some], None if weight is None else weight[some])

    def _zeros(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        """Share of zeros, half a row kept from either end."""
        return (mean(y == 0, weight) * len(y) + 0.5) / (len(y) + 1.0)

    def _draw_base(self, rng: np.random.Generator, n: int, native: tuple) -> np.ndarray:
        return self.base._sample(rng, n, *native)
