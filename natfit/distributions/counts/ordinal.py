"""The ordinal distribution: one of n ordered classes, by cuts of a continuous variable."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit._validation import check_number, check_option
from natfit.bijectors import Bijector, Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import COUNTS, Support
from natfit.distributions.counts.categorical import classes_in
from natfit.numerics.mills import density, log_ndtr
from natfit.rows import Block, Rows

#: Ends of classes without an end, far outside of the latent variable.
_FAR = 1e3


class Ordinal(Distribution):
    """The ordinal distribution of an ordered class y = 0, 1, ..., n - 1: a cumulative link model.

    ``P(y <= j) = F(c_j - loc)`` with cuts c_0 = 0 < c_1 < ... < c_(n-2), F the logistic ("logit",
    proportional odds) or the normal ("probit") distribution function: y is the number of cuts below
    a latent variable about loc. The parameters are loc and the n - 2 gaps between cuts;
    eta = (loc, log gaps).

    The first cut is zero, and loc has an intercept instead: in a regression
    ``loc = b + x' beta``, the coefficients are those of ``polr`` in R and ``OrderedModel`` in
    statsmodels, whose cuts are ``-b, -b + gap_1, ...``: see :meth:`cuts`. Features drive loc alone
    unless they are named for the gaps too.

    If a class never occurs, a gap or loc has no maximum: such data are refused.

    In R: ``MASS::polr``.

    Parameters
    ----------
    n : int, optional
        Number of classes, >= 2. Without it, :meth:`bind` takes the largest index + 1; before that
        the family has no parameters.
    link : {"logit", "probit"}, default="logit"
        F.
    """

    #: An integer once bound, None before.
    n: Any

    driven = "loc"

    def __init__(self, n: int | None = None, link: str = "logit"):
        self.n = n
        self.link = link

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return two, three and four classes."""
        return [cls(2), cls(3), cls(4, "probit")]

    # ------------------------------------------------------------------ the parameter block

    def bind(self, rows: Rows) -> Ordinal:
        """Return the family with n classes, the largest index in y + 1 (2 at least).

        Returns
        -------
        Ordinal
            With K = n - 1.

        Raises
        ------
        ValueError
            If n is no whole number >= 2, the link has another name, or an index is so large that
            it must be a code.
        """
        check_option(self.link, "link", tuple(_LINKS))
        if self.n is not None:
            check_number(self.n, "n", low=2, integer=True)
            return self
        return type(self)(max(classes_in(rows, type(self).__name__)), self.link)

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The location, and the gaps once n is known to be above two."""
        if self.n is None:
            raise ValueError(
                "Ordinal has no parameters before its number of classes is known; call bind(y) "
                "with class indices, or pass n"
            )
        own: dict[str, Bijector] = {"loc": Real()}
        if self.n > 2:
            own["gaps"] = Positive((self.n - 2,), low=1e-8, high=1e8)
        return own

    @property
    def roles(self) -> dict[str, Role]:
        """All are shapes of the distribution of classes."""
        return dict.fromkeys(self.params, Role.SHAPE)

    @property
    def usual(self) -> dict[str, float]:  # type: ignore[override]  # the number of classes decides
        """Amid the cuts: every class occurs."""
        return {} if self.n is None else {"loc": 0.5 * (self.n - 2)}

    @property
    def support(self) -> Support:
        """0, 1, ..., n - 1; all counts before n is known."""
        if self.n is None:
            return COUNTS
        return Support(low=0.0, high=float(self.n - 1), closed=True, integer=True)

    @property
    def _formula(self) -> tuple[Callable, Callable, Callable]:
        return _LINKS[self.link]

    # -------------------------------------------------------------------------- the classes

    def cuts(self, eta: np.ndarray) -> np.ndarray:
        """Cuts minus loc of each row of eta (n, K), (n, classes - 1): F of them is P(y <= j).

        Returns
        -------
        ndarray of shape (n, classes - 1)
            At x = 0 of a regression these are the cuts of ``polr``.
        """
        return self._cuts(*self.native(np.asarray(eta)))

    def probabilities(self, eta: np.ndarray) -> np.ndarray:
        """Probability of each class for each row of eta (n, K), (n, classes)."""
        cuts = self.cuts(eta)
        return np.exp(self._each(lambda j: self._log_prob(np.array([float(j)]), cuts)))

    def _each(self, of: Callable) -> np.ndarray:
        return np.stack([of(j) for j in range(self.n)], axis=-1)

    def _cuts(self, loc: Any, *gaps: Any) -> Any:
        """Cuts minus loc, (n, classes - 1); differentiable."""
        base = -anp.reshape(loc, (-1, 1))
        if not gaps:
            return base
        return anp.concatenate([base, base + anp.cumsum(gaps[0], axis=1)], axis=1)

    def _arguments(self, eta: Any) -> tuple:
        """The cuts minus loc."""
        return (self._cuts(*self.native(eta)),)

    def _ends(self, y: Any, cuts: Any) -> tuple[Any, Any, np.ndarray, np.ndarray]:
        """The cuts above and below y, and where there are such; differentiable."""
        y = np.asarray(y)
        at = y[:, None] == np.arange(self.n - 1.0)
        after = y[:, None] == np.arange(1.0, self.n)
        has_upper, has_lower = y < self.n - 1, y > 0
        upper = anp.sum(anp.where(at, cuts, 0.0), axis=1)
        lower = anp.sum(anp.where(after, cuts, 0.0), axis=1)
        return upper, lower, has_upper, has_lower

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return self._log_prob(y, *self._arguments(eta))

    def _log_prob(self, y: Any, cuts: Any) -> Any:
        return self._formula[0](*self._ends(y, cuts))

    # ------------------------------------------------------------- derivatives in the two ends

    def _steps(self, y: np.ndarray, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the upper and of the lower cut of y in eta, (n, K) each."""
        y = np.asarray(y)[:, None]
        gaps = np.diff(cuts, axis=1)
        first = -np.ones((len(cuts), 1))
        steps = np.concatenate([first, gaps], axis=1)
        order = np.arange(self.n - 1.0)
        return (
            np.where((order <= y) & (y < self.n - 1), steps, 0.0),
            np.where((order <= y - 1.0) & (y > 0), steps, 0.0),
        )

    def _score(self, y: Any, cuts: np.ndarray) -> np.ndarray:
        upper, lower = self._formula[1](*self._ends(y, cuts))
        a, b = self._steps(y, cuts)
        return a * upper[:, None] + b * lower[:, None]

    def _observed(self, y: Any, cuts: np.ndarray) -> np.ndarray:
        ends = self._ends(y, cuts)
        upper, lower = self._formula[1](*ends)
        both = self._formula[2](*ends)
        a, b = self._steps(y, cuts)
        out = np.zeros((len(a), self.n - 1, self.n - 1))
        for factor, left, right in zip(both, (a, a, b), (a, b, b), strict=True):
            square = factor[:, None, None] * left[:, :, None] * right[:, None, :]
            out -= square if left is right else square + np.swapaxes(square, 1, 2)
        # The second derivative of a gap in its logarithm is the gap.
        score = a * upper[:, None] + b * lower[:, None]
        each = np.arange(1, self.n - 1)
        out[:, each, each] -= score[:, 1:]
        return out

    def _fisher(self, cuts: np.ndarray) -> np.ndarray:
        out = np.zeros((len(cuts), self.n - 1, self.n - 1))
        for j in range(self.n):
            y = np.array([float(j)])
            score = self._score(y, cuts)
            # A class whose probability is zero in doubles may have an infinite score.
            p = np.exp(self._log_prob(y, cuts))
            root = np.where(p[:, None] > 0, np.sqrt(p)[:, None] * score, 0.0)
            out += root[:, :, None] * root[:, None, :]
        return out

    def _kl(self, cuts: np.ndarray, cuts2: np.ndarray) -> np.ndarray:
        total: Any = 0.0
        for j in range(self.n):
            y = np.array([float(j)])
            log, log2 = self._log_prob(y, cuts), self._log_prob(y, cuts2)
            p = np.exp(log)
            total = total + np.where(p > 0, p * (log - log2), 0.0)
        return np.asarray(total)

    # -------------------------------------------------------------------- tails, moments, draws

    def _log_cdf(self, y: np.ndarray, *native: Any) -> np.ndarray:
        cuts = self._cuts(*native)
        at = np.minimum(np.floor(y), self.n - 2.0)[:, None] == np.arange(self.n - 1.0)
        return np.asarray(self._formula[0](*_only(np.where(at, cuts, 0.0).sum(axis=1), True)))

    def _log_sf(self, y: np.ndarray, *native: Any) -> np.ndarray:
        cuts = self._cuts(*native)
        at = np.minimum(np.floor(y), self.n - 2.0)[:, None] == np.arange(self.n - 1.0)
        return np.asarray(self._formula[0](*_only(np.where(at, cuts, 0.0).sum(axis=1), False)))

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (n,) of the index of the class."""
        p, index = self.probabilities(eta), np.arange(float(self.n))
        mean = p @ index
        return mean, (p * (index - mean[:, None]) ** 2).sum(axis=1)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return np.argmax(self.probabilities(eta), axis=1).astype(np.float64)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Refuse classes that never occur."""
        count = rows.sum(self._count_part, wide=True)
        missing = np.flatnonzero(count == 0.0).tolist()
        if missing:
            raise ValueError(
                f"y must have rows of each of the {self.n} classes of {type(self).__name__}, got "
                f"none of class(es) {missing}, whose cuts are not determined; number the classes "
                "that occur 0, 1, 2, ... without gaps"
            )

    def _count_part(self, block: Block) -> np.ndarray:
        """Weight of each class."""
        return np.bincount(block.y.astype(np.intp), block.weight, self.n).astype(np.float64)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # Laplace's rule: one more row of each class.
        count = np.bincount(np.asarray(y).astype(np.intp), weight, self.n)
        share = (np.cumsum(count / count.sum() * len(y) + 1.0) / (len(y) + self.n))[:-1]
        cuts = special.logit(share) if self.link == "logit" else special.ndtri(share)
        own: dict[str, Any] = {"loc": -cuts[0]}
        return {**own, "gaps": np.diff(cuts)} if self.n > 2 else own

    def _sample(self, rng: np.random.Generator, size: int, *native: Any) -> np.ndarray:
        latent = rng.logistic(size=size) if self.link == "logit" else rng.standard_normal(size)
        return (latent[:, None] > self._cuts(*native)).sum(axis=1).astype(np.float64)

    def _to_scipy(self, *native: Any) -> Any:
        from scipy.stats import rv_discrete

        eta = self.eta(**dict(zip(self.params, native, strict=True)))
        return rv_discrete(values=(np.arange(self.n), self.probabilities(eta[None])[0]))


def _only(cut: np.ndarray, below: bool) -> tuple[Any, ...]:
    """The ends of a class that is all below, or all above, a cut."""
    yes, no = np.ones(len(cut), dtype=bool), np.zeros(len(cut), dtype=bool)
    return (cut, cut, yes, no) if below else (cut, cut, no, yes)


# Of a class between l and u each link has log P, its derivatives in u and in l, and the second
# ones (uu, ul, ll); an end that a class does not have is infinite.


def _width(u: Any, low: Any, inner: np.ndarray) -> Any:
    """u - l of classes with both ends, 1 for others."""
    return anp.where(inner, u - low, 1.0)


def _logit(u: Any, low: Any, has_u: np.ndarray, has_l: np.ndarray) -> Any:
    # F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)).
    inner = has_u & has_l
    value = anp.where(has_u, -anp.logaddexp(0.0, -u), 0.0)
    value = value + anp.where(has_l, -anp.logaddexp(0.0, low), 0.0)
    return value + anp.where(inner, anp.log(-anp.expm1(-_width(u, low, inner))), 0.0)


def _logit_slopes(u: Any, low: Any, has_u: np.ndarray, has_l: np.ndarray) -> tuple:
    inner = has_u & has_l
    gap = np.where(inner, 1.0 / np.expm1(np.minimum(_width(u, low, inner), 700.0)), 0.0)
    return (
        np.where(has_u, special.expit(-u) + gap, 0.0),
        np.where(has_l, -special.expit(low) - gap, 0.0),
    )


def _logit_second(u: Any, low: Any, has_u: np.ndarray, has_l: np.ndarray) -> tuple:
    inner = has_u & has_l
    half = 0.5 * np.minimum(_width(u, low, inner), 700.0)
    gap = np.where(inner, 0.25 / np.sinh(half) ** 2, 0.0)
    return (
        np.where(has_u, -special.expit(u) * special.expit(-u) - gap, 0.0),
        gap,
        np.where(has_l, -special.expit(low) * special.expit(-low) - gap, 0.0),
    )


def _probit(u: Any, low: Any, has_u: np.ndarray, has_l: np.ndarray) -> Any:
    u, low = anp.where(has_u, u, _FAR), anp.where(has_l, low, -_FAR)
    # Both ends in the lower tail, where the logarithms of Phi have all of their digits.
    flip = u + low > 0.0
    a, b = anp.where(flip, -low, u), anp.where(flip, -u, low)
    top = log_ndtr(a)
    return top + anp.log(-anp.expm1(anp.minimum(log_ndtr(b) - top, -1e-300)))


def _probit_slopes(u: Any, low: Any, has_u: np.ndarray, has_l: np.ndarray) -> tuple:
    log = _probit(u, low, has_u, has_l)
    return (
        np.exp(np.where(has_u, _log_density(u) - log, -np.inf)),
        -np.exp(np.where(has_l, _log_density(low) - log, -np.inf)),
    )


def _probit_second(u: Any, low: Any, has_u: np.ndarray, has_l: np.ndarray) -> tuple:
    upper, lower = _probit_slopes(u, low, has_u, has_l)
    return -upper * (u + upper), -upper * lower, -lower * (low + lower)


def _log_density(x: np.ndarray) -> np.ndarray:
    return -0.5 * x * x + np.log(density(0.0))


#: Link to log P, its first and its second derivatives.
_LINKS: dict[str, tuple[Callable, Callable, Callable]] = {
    "logit": (_logit, _logit_slopes, _logit_second),
    "probit": (_probit, _probit_slopes, _probit_second),
}
