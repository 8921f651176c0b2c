"""Distributions from a user-supplied log-density: ``from_log_prob``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.linalg import block_diag

from natfit._validation import check_option
from natfit.bijectors import Bijector, Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.cumulative import Cumulative
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import Unnormalised
from natfit.distributions.contract.support import BY_NAME, POSITIVE, Support
from natfit.distributions.custom._names import usual_roles
from natfit.distributions.custom._signature import takes_names
from natfit.distributions.custom._start import best_start
from natfit.numerics import autodiff
from natfit.rows import Block, Rows

__all__ = ["CustomDistribution", "from_log_prob"]

#: Number of rows on which the derivative of a user-supplied function is tried.
_TRIAL_ROWS = 8


class CustomDistribution(Distribution):
    """A distribution made of functions; see :func:`from_log_prob`, which checks them.

    Parameters
    ----------
    log_prob_fn, params, sample_fn, fisher_fn, initial_fn, domain, event_ndim, name
        The arguments of :func:`from_log_prob`, in its order.
    dim : int, optional
        D of a multivariate family; :meth:`bind` takes it from the data.
    declared_roles : dict, optional
        Parameter name to role, for parameters whose role does not follow from their name.
    """

    # Functions of users are called for one eta at a time.
    fisher_by_rows = False

    params: dict[str, Bijector]

    def __init__(
        self,
        log_prob_fn: Callable,
        params: dict[str, Bijector],
        sample_fn: Callable | None = None,
        fisher_fn: Callable | None = None,
        initial_fn: Callable | None = None,
        domain: str | Support | None = None,
        event_ndim: int = 0,
        name: str | None = None,
        dim: int | None = None,
        declared_roles: dict[str, Role] | None = None,
    ):
        self.log_prob_fn = log_prob_fn
        self.params = params
        self.sample_fn = sample_fn
        self.fisher_fn = fisher_fn
        self.initial_fn = initial_fn
        self.domain = domain
        self.event_ndim = event_ndim
        self.name = name
        self.dim = dim
        self.declared_roles = declared_roles

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return a univariate family with every function, and a bivariate one with few."""
        scalar = {"loc": Real(), "scale": Positive()}
        return [
            cls(_logistic_log_prob, scalar, _logistic_sample, _logistic_fisher, domain="real"),
            cls(_logistic_log_prob, scalar, domain="real"),
            cls(_ring_log_prob, {"loc": Real((2,)), "scale": Positive()}, event_ndim=1, dim=2),
        ]

    @cached_property
    def roles(self) -> dict[str, Role]:
        """As declared, else by the usual meaning of the names."""
        return usual_roles(self.params, self.declared_roles)

    @property
    def support(self) -> Support | None:
        """Where y may lie, or None if it was not given."""
        return BY_NAME[self.domain] if isinstance(self.domain, str) else self.domain

    @property
    def event_shape(self) -> tuple:
        """Shape of one value: () for a number, (D,) for a vector."""
        return (self.dim,) if self.event_ndim else ()

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.name or str(getattr(self.log_prob_fn, "__name__", "log_prob"))

    def bind(self, rows: Rows) -> CustomDistribution:
        """Return the family with D taken from y (n, D), where rows are vectors.

        Returns
        -------
        CustomDistribution
            With a dimension.

        Raises
        ------
        ValueError
            If rows are vectors and y is not (n, D), or D is another one.
        """
        if not self.event_ndim:
            return self
        shape = rows.event_shape
        if len(shape) != 1 or self.dim not in (None, shape[0]):
            raise ValueError(
                f"y must have shape (n, {self.dim or 'D'}) for {self.label}, got {(rows.n, *shape)}"
            )
        values = self.get_params(deep=False)
        return self if self.dim is not None else type(self)(**{**values, "dim": shape[0]})

    # ------------------------------------------------------------------ the user's functions

    @cached_property
    def _named(self) -> dict[str, bool]:
        """Whether each function takes native values by name."""
        functions = {"log_prob": (self.log_prob_fn, 1), "sample": (self.sample_fn, 2)}
        functions["fisher"] = (self.fisher_fn, 0)
        return {
            key: takes_names(function, key, lead, self.params)
            for key, (function, lead) in functions.items()
            if function is not None
        }

    def _call(self, key: str, function: Any, lead: tuple, native: tuple) -> Any:
        if self._named[key]:
            return function(*lead, **dict(zip(self.params, native, strict=True)))
        return function(*lead, *native)

    def _log_prob(self, y: Any, *native: Any) -> Any:
        return self._call("log_prob", self.log_prob_fn, (y,), native)

    @property
    def _sample(self) -> Callable | None:  # type: ignore[override]  # what the user gave
        return None if self.sample_fn is None else self._draw

    def _draw(self, rng: np.random.Generator, n: int, *native: Any) -> np.ndarray:
        draws = np.asarray(self._call("sample", self.sample_fn, (rng, n), native), dtype=float)
        if draws.shape != (n, *self.event_shape):
            raise ValueError(
                f"sample must return shape {(n, *self.event_shape)} for n = {n}, "
                f"got {draws.shape} from {self.label}"
            )
        return draws

    @property
    def _fisher(self) -> Callable | None:  # type: ignore[override]  # what the user gave
        return None if self.fisher_fn is None else self._native_fisher

    def _native_fisher(self, *native: Any) -> np.ndarray:
        """Fisher in the native parameters, one row at a time: (n, K', K')."""
        size = sum(c.native_size for c in self.params.values())
        out = np.empty((max(len(v) for v in native), size, size))
        for i in range(len(out)):
            row = tuple(v[i % len(v)] for v in native)
            value = np.asarray(self._call("fisher", self.fisher_fn, (), row), dtype=float)
            if value.shape != (size, size) or not np.all(np.isfinite(value)):
                raise ValueError(
                    f"fisher must return a finite ({size}, {size}) matrix in the native "
                    f"parameters {list(self.params)}, got {value} from {self.label}"
                )
            out[i] = value
        return out

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information in eta, (n, K, K): J' F J of the user-supplied F, or derived."""
        if self.fisher_fn is None:
            return super().fisher(eta)
        native = self._native_fisher(*self.native(eta))
        out = np.empty((len(eta), self.n_params, self.n_params))
        for i, row in enumerate(eta):
            blocks = [c.jacobian(row[self.blocks[key]]) for key, c in self.params.items()]
            jacobian = block_diag(*blocks)
            out[i] = jacobian.T @ native[i] @ jacobian
        return out

    # ---------------------------------------------------------------------- data, start

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside the support."""
        if self.support is not None:
            self.support.check(rows, self.label)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """Start (K,): user-supplied, or the best of a few guesses; the functions are checked there.

        Returns
        -------
        ndarray of shape (K,)
            Where the log-density of all rows given is finite.

        Raises
        ------
        ValueError
            If ``log_prob`` breaks its contract at the start; see :meth:`check_start`.
        """
        if self.initial_fn is not None:
            eta = self._given(self.initial_fn(few.y, few.weight))
        else:
            eta = self._best(few.y, few.weight)
        self.check_start(few, eta)
        return eta

    def _given(self, values: Any) -> np.ndarray:
        """The start (K,) from what the user-supplied ``initial`` returned."""
        if not isinstance(values, dict):
            raise ValueError(
                f"initial must return a dict of {list(self.params)}, got {values!r} from "
                f"{self.label}"
            )
        try:
            return self.eta(**values)
        except ValueError as error:
            raise ValueError(f"initial of {self.label} is not valid: {error}") from error

    def _best(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Guess with the highest mean log-density; the first where none is finite."""
        positive = self.support == POSITIVE
        values = partial(self._values, y)
        return best_start(values, self.params, self.roles, y, weight, positive)[0]

    def _values(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density (n,) at eta (K,), its shape checked."""
        value = self.log_prob(y, eta[None])
        if np.shape(value) != (len(y),):
            raise ValueError(
                f"log_prob must return one number per row, shape {(len(y),)} for y of shape "
                f"{y.shape}, got shape {np.shape(value)} from {self.label}; do not sum over rows, "
                "and let parameters of shape (1,) broadcast against y"
            )
        return np.asarray(value, dtype=float)

    def check_start(self, few: Block, eta: np.ndarray) -> None:
        """Raise if ``log_prob`` breaks its contract for a few rows at eta (K,).

        Raises
        ------
        ValueError
            If its values are not (n,), if one is NaN or infinite, or if autograd cannot
            differentiate it.
        """
        with np.errstate(all="ignore"):
            value = self._values(few.y, eta)
        self._refuse(few.y, eta, ~np.isfinite(value), value, "return finite numbers")
        some = few.y[:_TRIAL_ROWS]
        each = np.repeat(eta[None], len(some), axis=0)
        try:
            with np.errstate(all="ignore"):
                score = autodiff.row_grad(lambda e: self._log_prob_eta(some, e), each)
        except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
            raise ValueError(
                f"log_prob must be differentiable by autograd, got {type(error).__name__} from "
                f"{self.label}: {error}; write it in autograd.numpy and autograd.scipy, without "
                "float(), scipy.stats or assignment to items"
            ) from error
        bad = ~np.isfinite(score).all(axis=1)
        self._refuse(some, eta, bad, score, "have a finite derivative")

    def unnormalised(self, eta: np.ndarray) -> str | None:
        """What the density at eta (K,) adds to if that is not one, in words, else None.

        Only a univariate family with a support can be asked.

        Returns
        -------
        str or None
        """
        if self.event_ndim or self.support is None or not np.all(np.isfinite(eta)):
            return None
        try:
            with np.errstate(all="ignore"):
                Cumulative(self, eta[None])
        except Unnormalised as error:
            whole = self.support.integer
            if whole and not error.total > 1.0:
                # What is missing may lie among whole numbers that were not found.
                return None
            how = "sums" if whole else "integrates"
            return f"{self.label} {how} to {error.total:.6g} instead of 1 at the estimate"
        return None

    def _refuse(self, y: Any, eta: Any, bad: np.ndarray, value: np.ndarray, rule: str) -> None:
        """Raise for the first bad row."""
        if bad.any():
            row = int(np.argmax(bad))
            at = {k: np.round(v, 6).tolist() for k, v in self.native_dict(eta).items()}
            raise ValueError(
                f"log_prob must {rule}, got {value[row]} at row {row} (y = {y[row]}) with {at} "
                f"from {self.label}; check the formula there (np.where does not keep NaN out of "
                "a derivative), pass support=... if such y is impossible, or initial=..."
            )


def from_log_prob(
    log_prob: Callable,
    params: dict[str, Bijector],
    *,
    sample: Callable | None = None,
    fisher: Callable | None = None,
    initial: Callable | None = None,
    support: str | Support | None = None,
    event_ndim: int = 0,
    name: str | None = None,
    roles: dict[str, Role | str] | None = None,
) -> CustomDistribution:
    r"""Make a distribution from a function that computes log p(y).

    Score and observed information are derived by autograd, hence ``log_prob`` is written in
    ``autograd.numpy`` and ``autograd.scipy``. To pickle a fit, pass functions defined in a
    module, not lambdas.

    Parameters
    ----------
    log_prob : callable
        ``log_prob(y, **native) -> (n,)`` nats for rows y (n,) or (n, D). A native value has the
        shape (n, \*shape), or (1, \*shape) where all rows share it. The values are passed by
        name if the function has parameters of these names, else by position.
    params : dict
        Parameter name to constraint: ``{"rate": Positive()}``.
    sample : callable, optional
        ``sample(rng, n, **native) -> (n,)`` draws, or (n, D).
    fisher : callable, optional
        ``fisher(**native) -> (K, K)``, the Fisher information of one row **in the native
        parameters**, in the order of ``params``, each passed without the axis of rows. It is
        carried over to eta by the chain rule.
    initial : callable, optional
        ``initial(y, weight) -> dict`` of native values to start from; weight is (n,) or None.
        Without it the start is the best of a few guesses by the parameters' roles.
    support : str or Support, optional
        Where y may lie: "real", "positive", "non_negative", "counts", "binary", "unit" or an
        object. With it, expectations of a univariate family are computed by quadrature or
        enumeration; without, they need ``fisher`` or ``sample``.
    event_ndim : {0, 1}
        0 if y is one number per row, 1 if it is a vector (D,) per row.
    name : str, optional
        What messages call it; default the name of ``log_prob``.
    roles : dict, optional
        Parameter name to what it is: "location", "scale", "rate", "covariance", "power", "mean",
        "share", "shape", or a ``natfit.distributions.Role``. Starts, quadrature and mixtures
        use them. Without it ``loc`` and ``location`` are locations, ``mean`` and ``mu`` means,
        ``scale``, ``sigma``, ``sd`` and ``std`` scales, ``rate`` and ``rates`` rates, and any
        other name is a shape.

    Returns
    -------
    CustomDistribution

    Raises
    ------
    ValueError
        If an argument breaks its rule, or ``log_prob`` takes the parameters neither by the names
        in ``params`` nor, in their order, by position.
    TypeError
        If one that must be a function is not callable.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> from natfit.distributions import Positive, from_log_prob
    >>> def log_prob(y, rate):
    ...     return np.log(rate) - rate * y
    >>> family = from_log_prob(log_prob, {"rate": Positive()}, support="non_negative")
    >>> family.n_params
    1
    """
    if not isinstance(params, dict) or not params:
        raise ValueError(f'params must be a dict such as {{"rate": Positive()}}, got {params!r}')
    for key, constraint in params.items():
        if not isinstance(constraint, Bijector):
            raise ValueError(
                f"params[{key!r}] must be a constraint such as Real() or Positive(), "
                f"got {constraint!r}"
            )
    for key, value in {"sample": sample, "fisher": fisher, "initial": initial}.items():
        if value is not None and not callable(value):
            raise TypeError(f"{key} must be a function or None, got {value!r}")
    if not callable(log_prob):
        raise TypeError(f"log_prob must be a function, got {log_prob!r}")
    if isinstance(support, str):
        check_option(support, "support", tuple(BY_NAME))
    elif support is not None and not isinstance(support, Support):
        raise ValueError(f"support must be a name, a Support or None, got {support!r}")
    if event_ndim not in (0, 1):
        raise ValueError(f"event_ndim must be 0 or 1, got {event_ndim!r}")
    declared = None if roles is None else _checked_roles(roles, params)
    family = CustomDistribution(
        log_prob,
        params,
        sample,
        fisher,
        initial,
        support,
        event_ndim,
        name,
        declared_roles=declared,
    )
    takes_names(log_prob, "log_prob", 1, params)
    return family


def _checked_roles(roles: dict[str, Role | str], params: dict[str, Bijector]) -> dict[str, Role]:
    """User-supplied roles, checked and as :class:`Role`.

    Returns
    -------
    dict
        Parameter name to :class:`Role`.

    Raises
    ------
    ValueError
        If a name is no parameter, or a value no role.
    """
    known = [role.value for role in Role]
    if not isinstance(roles, dict) or not set(roles) <= set(params):
        raise ValueError(f"roles must be a dict by parameter name ({list(params)}), got {roles!r}")
    for name, role in roles.items():
        if role not in known:
            raise ValueError(f"roles[{name!r}] must be one of {known}, got {role!r}")
    return {name: Role(role) for name, role in roles.items()}


def _logistic_log_prob(y: Any, loc: Any, scale: Any) -> Any:
    z = (y - loc) / scale
    return -z - anp.log(scale) - 2.0 * anp.logaddexp(0.0, -z)


def _logistic_sample(rng: np.random.Generator, n: int, loc: Any, scale: Any) -> np.ndarray:
    return rng.logistic(loc, scale, n)


def _logistic_fisher(loc: float, scale: float) -> np.ndarray:
    return np.diag([1.0 / 3.0, (3.0 + np.pi**2) / 9.0]) / scale**2


def _ring_log_prob(y: Any, loc: Any, scale: Any) -> Any:
    # Bivariate Cauchy: 1 / (2 pi scale^2) (1 + |z|^2)^(-3/2).
    square = anp.sum((y - loc) ** 2, axis=1) / scale**2
    return -np.log(2.0 * np.pi) - 2.0 * anp.log(scale) - 1.5 * anp.log1p(square)
