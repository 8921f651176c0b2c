"""What families of a density and one value of positive probability share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import autograd.numpy as anp
import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Width
from natfit.distributions.contract.intervals import Moments, moments
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.velocity import Velocity, from_intervals
from natfit.distributions.counts.bernoulli import divergence
from natfit.distributions.forms.joined import joined_means
from natfit.distributions.wrappers._zero_altered import SHARE, log_share, share_terms
from natfit.distributions.wrappers.base import Extended, passed_on
from natfit.rows import Block, Memory, Rows, rows_where


class WithAtom(Extended):
    """A value of probability z, the atom, and else the density of a family of positive numbers.

    With f that density, ``p(atom) = z`` and ``p(y) = (1 - z) f(y)`` elsewhere; eta =
    (arsinh(z / (1 - z)), the family's eta): the first is regular at z = 0. The log-likelihood of
    exact rows is a sum of two that share no parameter. A subclass says which value is the atom.

    Parameters
    ----------
    family : str or Distribution
        A univariate density on positive numbers.
    """

    knows_limits = False
    fisher_by_rows = passed_on()
    kl_by_rows = passed_on()

    #: The value that has a probability: 0 or inf.
    atom: ClassVar[float]

    def _admit(self, inner: Distribution) -> None:
        support = inner.support
        positive = support is not None and not support.integer and support.low == 0.0
        if inner.event_shape != () or not positive or inner.atoms:
            raise ValueError(
                f"family must be a density on the positive numbers for {type(self).__name__}, such "
                f"as 'gamma' or 'weibull', got {inner!r}"
            )

    @property
    def atoms(self) -> tuple[float, ...]:
        """The value that has a positive probability."""
        return (self.atom,)

    @property
    def widths(self) -> dict[str, Width]:
        """Widths of the inner family's density, which the atom does not change."""
        return self.inner.widths

    @property
    def information(self) -> InformationKind:
        """The inner family's: the two parts of the likelihood share no parameter."""
        return self.inner.information

    @property
    def has_kl(self) -> bool:
        """Whether the inner family has a divergence."""
        return self.inner.has_kl

    # ----------------------------------------------------------------------------- rows

    def _parts(self, y: Any) -> tuple[Any, Any]:
        """Whether each row is the atom, 0 or 1 (n,), and rows of the family, 1 in its place.

        Of a summary it is the share of such rows, and the family's own summary.

        Returns
        -------
        is_atom : ndarray of shape (n,)
            Between 0 and 1.
        rest : ndarray of shape (n,) or tuple
            What the family's methods take.
        """
        if isinstance(y, tuple):
            # Rows that are all the atom have no other part.
            return y[0], y[1:] or np.ones(1)
        is_atom = y == self.atom
        return is_atom.astype(np.float64), np.where(is_atom, 1.0, y)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        is_atom, rest = self._parts(y)
        log_z, log_rest = log_share(eta)
        inner = log_rest + self.inner._log_prob_eta(rest, eta[:, 1:])
        return anp.where(is_atom < 1.0, (1.0 - is_atom) * inner, 0.0) + is_atom * log_z

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, log-probability of the atom, (n,) nats."""
        is_atom, rest = self._parts(y)
        log_z, log_rest = log_share(eta)
        inner = log_rest + self.inner.log_prob(rest, eta[:, 1:])
        return np.where(is_atom < 1.0, (1.0 - is_atom) * inner, 0.0) + is_atom * log_z

    def _shares(self, is_atom: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score and observed information of the share's coordinate, (n,) each."""
        log_z, log_rest = log_share(eta)
        yes, none = share_terms(np.exp(log_rest - log_z), eta), share_terms(-np.ones(1), eta)
        score, observed = (
            is_atom * a + (1.0 - is_atom) * b for a, b in zip(yes, none, strict=True)
        )
        return score, observed

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself."""
        return (eta,)

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        is_atom, rest = self._parts(y)
        inner = (1.0 - is_atom)[:, None] * self.inner.score(rest, eta[:, 1:])
        first = self._shares(is_atom, eta)[0][:, None]
        return np.concatenate([np.broadcast_to(first, (len(inner), 1)), inner], axis=1)

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        is_atom, rest = self._parts(y)
        inner = (1.0 - is_atom)[:, None, None] * self.inner.observed(rest, eta[:, 1:])
        return self._blocks(self._shares(is_atom, eta)[1], inner)

    def _blocks(self, first: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """Matrices (n, K, K) of two blocks."""
        out = np.zeros((max(len(first), len(inner)), self.n_params, self.n_params))
        out[:, 0, 0], out[:, 1:, 1:] = first, inner
        return out

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information, (n, K, K): blocks of the share and of the inner family."""
        log_z, log_rest = log_share(eta)
        first = SHARE.rate(eta[:, 0]) ** 2 * np.exp(log_rest - log_z)
        return self._blocks(first, np.exp(log_rest)[:, None, None] * self.inner.fisher(eta[:, 1:]))

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Kullback-Leibler divergence KL(eta || eta2) of each row, (n,) nats."""
        (log_z, log_rest), (log_z2, log_rest2) = log_share(eta), log_share(eta2)
        inner = np.exp(log_rest) * self.inner.kl(eta[:, 1:], eta2[:, 1:])
        return divergence(log_z - log_rest, log_z2 - log_rest2) + inner

    # ------------------------------------------------------------------------ probabilities

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density, from intervals."""
        return from_intervals(self, y, eta)

    def interval_moments(self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> Moments:
        """Moments of intervals, of which some hold the atom and some a part of the density."""
        with np.errstate(all="ignore"):
            holds = ((lower <= self.atom) & (self.atom <= upper)).astype(np.float64)
            support, rest = self.inner.known_support, eta[:, 1:]
            some = (upper > support.low) & (lower < upper)
            inner = moments(self.inner, lower, np.where(some, upper, lower + 1.0), rest)
            # Beyond an end that moves there is no probability, and no derivative of its logarithm.
            some &= inner.log_mass > -np.inf
            log_mass = np.where(some, inner.log_mass, -np.inf)
            s = np.where(some[:, None], inner.score, 0.0)
            o = np.where(some[:, None, None], inner.observed, 0.0)
            log_z, log_rest = log_share(eta)
            joint = np.where(
                holds > 0.0, np.logaddexp(log_z, log_rest + log_mass), log_rest + log_mass
            )
            # The probability that a row of the interval is not the atom.
            v = np.exp(log_rest + log_mass - joint)
            first, second = share_terms((holds - np.exp(log_mass)) * np.exp(log_rest - joint), eta)
            cross = -SHARE.rate(eta[:, 0]) * holds * np.exp(log_rest + log_mass - 2.0 * joint)
            score = np.concatenate(
                [np.broadcast_to(first, v.shape)[:, None], v[:, None] * s], axis=1
            )
            outer = s[:, :, None] * s[:, None, :]
            observed = self._blocks(
                second, v[:, None, None] * o - (v * (1.0 - v))[:, None, None] * outer
            )
            observed[:, 0, 1:] = observed[:, 1:, 0] = -cross[:, None] * s
        return Moments.of(joint, score, observed)

    # ----------------------------------------------------------------------- data and start

    def _no_atom(self, block: Block) -> np.ndarray:
        return block.y != self.atom

    def _others(self, rows: Rows) -> Rows:
        """The rows that are not the atom."""
        return rows_where(rows, self._no_atom)

    def sufficient(self, rows: Rows) -> tuple | None:
        """Share of the atom and the inner family's summary of the other rows, if there are some.

        Returns
        -------
        tuple or None
            None where the inner family has no summary.
        """
        others = self._others(rows)
        if not others.n:
            # Whether there is a summary of other rows, if they come.
            with np.errstate(all="ignore"):
                known = self.inner.sufficient(Memory(np.array([0.25, 0.5])))
            return (np.ones(1),) if isinstance(known, tuple) else None
        summary = self.inner.sufficient(others)
        if not isinstance(summary, tuple):
            return None
        return (np.array([1.0 - others.total / rows.total]), *summary)

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """The share of the atom in both parts, and the inner family's summary of the other rows."""
        share = joined_means(one[:1], weight, two[:1], other)
        if not (one[1:] and two[1:]):
            return (*share, *(one[1:] or two[1:]))
        others = weight * (1.0 - float(one[0][0])), other * (1.0 - float(two[0][0]))
        rest = self.inner.joined_summaries(one[1:], others[0], two[1:], others[1])
        if rest is None:
            return None
        return (*share, *rest)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Raise ValueError where the other rows have no maximum in the inner family."""
        others = self._others(rows)
        if not others.n:
            raise ValueError(
                f"y must not be {self.atom:g} in all rows for {type(self).__name__}, got {rows.n}: "
                f"the parameters of {type(self.inner).__name__} are not determined; add other rows"
            )
        self.inner.check_degenerate(others, None if summary is None else summary[1:])

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """The share of the atom, and the inner family's start from the other rows."""
        y, weight, some = few.y, few.weight, few.y != self.atom
        share = (mean(~some, weight) * len(y) + 0.5) / (len(y) + 1.0)
        if some.any():
            few = Block(y[some], weight=None if weight is None else weight[some])
        else:
            few = Block(np.array([0.5, 1.0, 2.0]))
        rest = self.inner.initial(few, rng)
        return np.concatenate([SHARE.to_eta(np.array([[share]]))[0], rest])

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The inner family's, for the other rows."""
        others = self._others(rows)
        if not others.n:
            return eta
        return np.concatenate([eta[:1], self.inner.refine_start(others, eta[1:])])

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The inner family's, for the other rows, beside the share of the atom.

        Returns
        -------
        ndarray of shape (K,) or (M, K), or None
        """
        others = self._others(rows)
        found = self.inner.nested_start(others) if others.n else None
        if found is None:
            return None
        share = SHARE.to_eta(np.array([[1.0 - others.total / rows.total]]))[0]
        many = [np.concatenate([share, each]) for each in np.atleast_2d(found)]
        return np.array(many) if found.ndim > 1 else many[0]

    @property
    def has_limit_members(self) -> bool:  # type: ignore[override]  # the inner family decides
        """Whether the inner family has them."""
        return self.inner.has_limit_members

    @property
    def compare_after(self) -> int | None:  # type: ignore[override]  # the inner family decides
        """The inner family's, if its limits are looked for in the likelihood itself."""
        return self.inner.compare_after if self.has_limit_members else None

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """The inner family's, for the other rows, at the share of the fit and without the atom."""
        found, others = [], self._others(rows)
        for share in (eta[:1], self.limits[0][:1]) if others.n else ():

            def own(inner: np.ndarray, share: np.ndarray = share) -> float:
                return value(np.concatenate([share, inner]))

            members = self.inner.limit_members(others, eta[1:], own)
            found += [np.concatenate([share, each]) for each in members]
        return found

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The inner family's answer for the other rows."""
        return self.inner.no_maximum(self._others(rows), eta[1:])

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value per row of eta, or ``size`` values for eta (1, K): (n,)."""
        z, rest = self._split(eta)
        n = len(eta) if size is None else size
        atom = rng.random(n) < z
        return np.where(atom, self.atom, self.inner.sample(rest, rng, n))
