"""Distributions: log p(y | eta), its score and its Fisher information.

A distribution knows no data and no theta. Its K parameters eta are unconstrained; each
declared parameter owns a block of them. A family writes

    params       {name: constraint}
    roles        {name: what the parameter is}
    support      where y may lie
    _log_prob    log density in native terms, in ``autograd.numpy``
    _sample      draws
    _initial     a start from a few rows, one pass

and everything else is derived here: score and observed information by autograd, the Fisher
information and Kullback-Leibler divergence by quadrature or enumeration. A closed form may be
added for speed (``_score``, ``_observed``, ``_fisher``, ``_kl``); the registry's tests compare
it with what is derived. Entropy and mode exist where ``_entropy`` and ``_mode`` are written.

Shapes: N rows, K parameters. ``eta`` is (N, K), or (1, K) for "all rows alike": then nothing
of size N x K is made for it. Log-densities are in nats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit.distributions.contract.information import Informed
from natfit.numerics import autodiff


class Distribution(Informed):
    """Base of all families.

    Attributes
    ----------
    params : dict
        Parameter name to constraint, in the order of the blocks of eta.
    support : Support
        The values that y may take.
    event_shape : tuple
        ``()`` for a univariate family, ``(D,)`` for a multivariate one after :meth:`bind`.
    information : InformationKind
        What is known of its Fisher information.
    """

    _package = "natfit.distributions"
    _apart = ("contract", "forms", "custom")

    #: Whether finite sufficient statistics prove that all rows lie in the support.
    summary_proves_support: bool = False

    #: Iterations after which a fit without an end is compared with :meth:`nested_start` already:
    #: for families whose way to that bound is long. None compares ended fits alone.
    compare_after: int | None = None

    # Set by classes alone, as params and roles are.
    if TYPE_CHECKING:

        @property
        def limit_meaning(self) -> Mapping[tuple[str, str], str]:
            """(parameter, "lower" or "upper") to what the family becomes at that bound."""

        @property
        def zero_ends(self) -> tuple[tuple[str, str], ...]:
            """Bounds at which a family of counts has all of its probability on zero."""

    else:
        limit_meaning = {}
        zero_ends = ()

    # Optional closed forms, on native parameters; derived when they stay None.
    _score: Callable | None = None
    _observed: Callable | None = None
    _sample: Callable | None = None
    _to_scipy: Callable | None = None

    def bind(self, y: np.ndarray) -> Distribution:
        """Return the family with event_shape and K fixed by the data's shape.

        A univariate family is returned as it is.
        """
        return self

    # -------------------------------------------------------------------------- log-density

    def _log_prob(self, y: Any, *native: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define _log_prob")

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        """Log-density in terms of eta; override where that is what stays finite."""
        return self._log_prob(y, *self.native(eta))

    def _arguments(self, eta: np.ndarray) -> tuple:
        """What the closed forms take; native values unless a family works in eta."""
        return self.native(eta)

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats. No check of the support: see :meth:`check`."""
        return self._log_prob_eta(y, eta)

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, -inf outside the support, (n,) nats."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.log_prob(y, eta), dtype=np.float64)
        if self.support is None or (self.event_shape != () and not self.support.integer):
            return values
        inside = self.support.contains(y)
        within = inside if self.event_shape == () else inside.all(axis=1)
        return np.where(within, values, -np.inf)

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient of log p(y | eta) in eta, (n, K)."""
        if self._score is not None:
            return self._score(y, *self._arguments(eta))
        return self.log_prob_and_score(y, eta)[1]

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K); families override it to share work."""
        if self._score is not None:
            return self.log_prob(y, eta), self.score(y, eta)
        return autodiff.row_value_and_grad(lambda e: self._log_prob_eta(y, e), tile(eta, y))

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of log p(y | eta) in eta, (n, K, K)."""
        if self._observed is not None:
            return self._observed(y, *self._arguments(eta))
        return -autodiff.row_hessian(lambda e: self._log_prob_eta(y, e), tile(eta, y))

    # Sums over rows when all rows share eta. autograd then needs one pass on (1, K).

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums over rows of log p, a number, and of its score (K,), for eta (1, K)."""
        if self._score is None:
            return autodiff.value_and_grad(
                lambda e: weighted_sum(self._log_prob_eta(y, e[None]), weight), eta[0]
            )
        value, score = self.log_prob_and_score(y, eta)
        if weight is None:
            return value.sum(), score.sum(axis=0)
        return weight @ value, weight @ score

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K, K), for eta (1, K)."""
        if self._observed is None:
            return -autodiff.hessian(
                lambda e: weighted_sum(self._log_prob_eta(y, e[None]), weight), eta[0]
            )
        rows = self.observed(y, eta)
        return rows.sum(axis=0) if weight is None else np.tensordot(weight, rows, 1)

    #: Optional: ``sum_value_and_score`` and ``sum_observed`` from one pass over the rows.
    sum_terms: Callable | None = None

    # ----------------------------------------------------------------------- data, sampling

    def check(self, y: np.ndarray) -> None:
        """Raise ValueError for the first row outside the support."""
        self.known_support.check(y, type(self).__name__)

    def check_degenerate(self, y: np.ndarray, summary: Any | None) -> None:
        """Raise ValueError when the likelihood has no maximum inside the family for these data.

        ``summary`` is what :meth:`sufficient` returned: where it proves that all is well, no
        pass over y is made. The default accepts all data.
        """

    def bounded(self, summary: Any) -> tuple[Any, str | None]:
        """Summary whose likelihood has a maximum, and what was bounded to that end (or None)."""
        return summary, None

    def sufficient(self, y: np.ndarray, weight: np.ndarray | None) -> Any | None:
        """Summary that stands in for y as one row, or None where a family has none."""
        return None

    def initial(
        self, y: np.ndarray, weight: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """Start (K,) for a constant model: one pass over a few rows, no iteration."""
        return self.eta(**self._initial(y, weight))

    def refine_start(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """What the family's own start (K,) becomes once all rows are seen; itself by default.

        For families whose density vanishes, or overflows, at a row that the start did not see.
        """
        return eta

    def nested_start(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray | None:
        """Optimum (K,) of a simpler family inside this one, closed-form; None without one.

        A fit that ends below it, at another local maximum, starts again there.
        """
        return None

    def no_maximum(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> str | None:
        """Why the likelihood has no bound near eta (K,), where a fit ended; None where it has."""
        return None

    def check_start(self, y: np.ndarray, eta: np.ndarray) -> None:
        """Check the log-density itself at a start (K,); built-in families have no need to."""

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} must define _initial")

    @property
    def can_sample(self) -> bool:
        """Whether :meth:`sample` works."""
        return self._sample is not None

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one value a row of eta, or ``size`` values when eta is (1, K): (n, *event_shape).

        Raises
        ------
        ValueError
            If the family has no sampler.
        """
        if self._sample is None:
            raise ValueError(
                f"{type(self).__name__} has no sampler; pass sample=... to from_log_prob, or use "
                "a metric that draws nothing (exact, empirical, observed)"
            )
        n = len(eta) if size is None else size
        return self._sample(rng, n, *self.native(eta))

    def to_scipy(self, eta: np.ndarray) -> Any:
        """Frozen ``scipy.stats`` distribution at eta (K,).

        Raises
        ------
        ValueError
            If scipy has no such distribution.
        """
        if self._to_scipy is None:
            raise ValueError(f"{type(self).__name__} has no counterpart in scipy.stats")
        return self._to_scipy(*self.native_dict(np.asarray(eta)).values())

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Maps between eta and mean parameters E[T(y)].

        Raises
        ------
        ValueError
            If the inverse is not closed-form; the message says why.
        """
        raise ValueError(
            f"{type(self).__name__} has no expectation coordinates: it is no exponential family "
            "in its parameters; use coordinates='unconstrained' or 'native'"
        )


def tile(eta: np.ndarray, y: Any) -> np.ndarray:
    """Repeat eta (1, K) once for every row, for one backward pass over all rows."""
    n = n_rows(y)
    return eta if len(eta) == n else np.repeat(eta, n, axis=0)


def n_rows(y: Any) -> int:
    """Rows of an array, or of a summary (a tuple of arrays)."""
    return len(y[0]) if isinstance(y, tuple) else len(y)


def weighted_sum(values: Any, weight: np.ndarray | None) -> Any:
    """Sum of values (n,), weighted; differentiable."""
    import autograd.numpy as anp

    return anp.sum(values) if weight is None else anp.dot(weight, values)
