"""What a family declares: facts, optional closed forms, and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from natfit.bijectors import Bijector
from natfit.distributions.contract.declared import InformationKind, Role, Route, Width
from natfit.distributions.contract.parameters import Parameters
from natfit.distributions.contract.support import Support

#: Roles of the parameter that features drive by default, in this order.
_DRIVEN = (Role.LOCATION, Role.MEAN, Role.MODE, Role.SHARE, Role.RATE, Role.SCALE)


class Facts:
    """The part of a distribution that is declared and not computed from rows.

    An optional closed form is None where a family writes none. The methods of
    :class:`natfit.distributions.base.Distribution` then derive what it would give, or say in an
    error that the family has none.
    """

    # Only classes declare these facts: as an attribute, or as a property that computes it.
    if TYPE_CHECKING:

        @property
        def params(self) -> Mapping[str, Bijector]:
            """Parameter name to constraint."""

        @property
        def roles(self) -> Mapping[str, Role]:
            """Parameter name to what the parameter is."""

        @property
        def support(self) -> Support | None:
            """Where y may lie, None where it is not known."""

        @property
        def event_shape(self) -> tuple:
            """Shape of one value."""

        @property
        def atoms(self) -> tuple[float, ...]:
            """Values that have a probability of their own, besides a density."""

        @property
        def limit_meaning(self) -> Mapping[tuple[str, str], str]:
            """(parameter, "lower" or "upper") to what the family becomes at that limit."""

        @property
        def row_ends(self) -> Mapping[str, Literal["lower", "upper"]]:
            """Parameters at which the support ends, estimated by the smallest or largest row."""

        @property
        def held_coordinates(self) -> tuple[int, ...]:
            """Coordinates of the whole family's eta that :meth:`held` took out of the fit."""

        @property
        def note(self) -> str | None:
            """What is held where the best value lies at a limit, in words."""

        @property
        def zero_ends(self) -> tuple[tuple[str, str], ...]:
            """Limits at which a family of counts has all of its probability on zero."""

    else:
        roles = {}
        support = None
        event_shape = ()
        atoms = ()
        limit_meaning = {}
        row_ends = {}
        held_coordinates = ()
        note = None
        zero_ends = ()

    #: Whether finite sufficient statistics prove that all rows lie in the support.
    summary_proves_support: bool = False

    #: Whether autograd can differentiate the log-density; else the family writes its derivatives.
    differentiable: bool = True

    #: Whether differences of the log-density are accurate enough for the derivatives of wrappers
    #: that autograd cannot follow.
    by_differences: bool = False

    #: Whether y are angles, of which the two ends of the support are one.
    circular: bool = False

    #: Whether users have given limits to parameters: data whose likelihood has no maximum otherwise
    #: may have one inside them.
    has_given_limits: bool = False

    #: Whether the log-density of every y is concave in eta: the observed information of rows is
    #: then positive semidefinite as it is.
    concave: bool = False

    #: Whether :meth:`moments` of a family of vectors are those of one number of a row, such as the
    #: share of successes.
    one_mean: bool = False

    #: Options that :meth:`bind` takes from rows, where they are not given, to represent these:
    #: draws and expectations rest on them, the likelihood does not.
    of_rows: tuple[str, ...] = ()

    #: Native values about which checks take their points, for parameters of which those at eta = 0
    #: are beyond what rows in double precision can show.
    usual: Mapping[str, float] = {}

    #: Iterations after which a running fit is compared with :meth:`nested_start`: for families in
    #: which the way to that point is long. With None only a fit that has ended is compared.
    compare_after: int | None = None

    # Optional closed forms, on what :meth:`_arguments` returns; native parameters by default.
    _score: Callable | None = None
    _observed: Callable | None = None
    _fisher: Callable | None = None
    _kl: Callable | None = None

    # Optional: the Wasserstein metric and the metric 2 integral dF dF' of the CRPS, (n, K, K) or by
    # their entries, and the divergences that belong to them, half the squared Wasserstein distance
    # and the integral of (F - F2)^2, (n,). Those of univariate families follow from quantiles.
    _wasserstein: Callable | None = None
    _half_square_wasserstein: Callable | None = None
    _energy: Callable | None = None
    _energy_distance: Callable | None = None

    #: Optional: weighted sums over rows of log p, score (K,) and negative Hessian (K, K) for
    #: eta (1, K), ``sum_terms(y, weight, eta)``, from one pass over the rows.
    sum_terms: Callable | None = None

    @property
    def driven(self) -> str:
        """The parameter that features of a regression drive where no other is named.

        The location, the mean, the mode, the probability, the rate or the scale, whichever there is
        first. A family says so itself where the roles of its parameters do not.
        """
        for role in _DRIVEN:
            for name in self.params:
                if self.roles.get(name) is role:
                    return name
        return next(iter(self.params))

    @property
    def contrast(self) -> np.ndarray | None:
        """S (K, K) of a ridge penalty theta' S theta that treats all classes alike; else None."""
        return None

    @property
    def fisher_by_rows(self) -> bool:
        """Whether :meth:`fisher` of rows with their own eta costs about as much as their score.

        Where it does not (it loops over rows, or integrates for each), a regression uses the
        observed information of the rows instead. A family that overrides ``fisher`` says so itself.
        """
        return self._fisher is not None

    @property
    def kl_by_rows(self) -> bool:
        """Whether :meth:`kl` of rows with their own eta is a closed form."""
        return self._kl is not None

    # Optional, of native parameters. Both tails are in nats, in plain numpy, and accurate where
    # they are near zero and where they are near one.
    _sample: Callable | None = None
    _log_cdf: Callable | None = None
    _log_sf: Callable | None = None
    _to_scipy: Callable | None = None

    #: Optional: ``interval_moments(lower, upper, eta)``, the probabilities of intervals and their
    #: derivatives, where they follow from those of other families.
    interval_moments: Callable | None = None

    #: Optional, of y and native parameters: velocities of quantiles in eta (K, n), and their
    #: derivatives in eta at fixed y (K, K, n), on and above the diagonal.
    _velocity: Callable | None = None

    #: Optional, of y and the arguments of closed forms: the derivatives of P(Y > y) in eta over the
    #: density, (K, n), and the second ones (K, K, n); those in a location and the logarithm of a
    #: scale may be left out where the family ``stretches``. Where many rows have the same shapes, a
    #: table of them serves.
    _tail_slopes: Callable | None = None

    #: Optional, ``_open_rows(end, exact, above, eta)``: log p (n,), score (K, n) and the entries of
    #: the observed information of rows that are exact, open above from ``end`` on, or else open
    #: below, where each has its own eta (n, K).
    _open_rows: Callable | None = None

    @property
    def closed_velocity(self) -> bool:
        """Whether velocities are closed forms; else they are derived for many rows at once."""
        return self._velocity is not None

    #: Whether y = loc + scale x, or scale x where there is no location, with x of the shapes alone,
    #: and eta holds loc itself and log scale: then velocities in these two are closed.
    stretches: bool = False

    #: Whether ``_log_cdf`` and ``_log_sf`` are smooth in eta to rounding, so that differences of
    #: them serve where a family writes no ``_velocity``; else the score is integrated.
    smooth_tails: bool = False

    #: Optional, ``kink_sum(y, weight, eta)`` for eta (1, K): of a sum over rows whose log-density
    #: has a kink in a parameter, half of the width of its subdifferential (K,), and the curvature
    #: (K,) that the kinks of other rows have on average.
    kink_sum: Callable | None = None

    #: Optional, of native parameters: means and variances (n,), infinite where the integral is, NaN
    #: where the formula has no digits left or there is no mean; these rows are integrated.
    _moments: Callable | None = None

    #: Optional, ``_quantile(p, upper, *native)`` of probabilities (n,) inside (0, 1): the y below
    #: which, or with ``upper`` above which, p lies; perhaps inexact. Of whole numbers a guess.
    _quantile: Callable | None = None

    #: Optional, of y and native parameters: the continuous ranked probability score (n,).
    _crps: Callable | None = None

    #: Optional: the entropy (n,) of eta (n, K), in ``autograd.numpy``.
    _entropy: Callable | None = None

    #: Optional: the most probable y (n, *event_shape) of eta (n, K).
    _mode: Callable | None = None

    #: Optional: what stands for the most probable y where some densities have no highest point.
    _typical: Callable | None = None

    # --------------------------------------------------------------- what the family declares

    @property
    def known_support(self) -> Support:
        """The support of a family that has one.

        Raises
        ------
        ValueError
            If the family has none.
        """
        if self.support is None:
            raise ValueError(f"{type(self).__name__} does not say where y may lie")
        return self.support

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the interval in which the density of each row of eta (n, K) is positive.

        :attr:`support` says where y may lie for some eta, as checks of the data must know. Where
        the density ends may depend on the parameters all the same: a shifted family ends at its
        location, a generalised Pareto density with a negative shape at -scale / shape. Integrals
        over y ask this method and stop there. By default the ends are those of the support.

        Returns
        -------
        low, high : ndarray of shape (n,)
            In the unit of y, low < high, infinite where there is no end.
        """
        low, high = (
            (-np.inf, np.inf) if self.support is None else (self.support.low, self.support.top)
        )
        return np.full(len(eta), float(low)), np.full(len(eta), float(high))

    @property
    def information(self) -> InformationKind:
        """What is known of the family's information: by default only how it is computed."""
        if self._fisher is not None:
            return InformationKind(Route.CLOSED_FORM)
        if not self._summable:
            return InformationKind(Route.NONE)
        counts = self.known_support.integer
        return InformationKind(Route.ENUMERATION if counts else Route.QUADRATURE)

    @property
    def _summable(self) -> bool:
        """Whether :meth:`expectation` has a support for its quadrature or enumeration."""
        return self.event_shape == () and self.support is not None

    @property
    def widths(self) -> dict[str, Width]:
        """Parameters that the width of the density follows, and how.

        By default these are the scales of a family with a location: such a density shrinks onto a
        row as its scale tends to zero. Other families declare what makes them narrow.
        """
        if Role.LOCATION not in self.roles.values():
            return {}
        spread = (Role.SCALE, Role.COVARIANCE)
        return {name: Width(1.0) for name, role in self.roles.items() if role in spread}

    # ------------------------------------------------------------------------ parameter blocks

    @cached_property
    def _parameters(self) -> Parameters:
        return Parameters(self.params)

    @property
    def n_params(self) -> int:
        """K, the number of unconstrained parameters."""
        return self._parameters.size

    @property
    def blocks(self) -> dict[str, slice]:
        """The slice of eta that belongs to each parameter."""
        return self._parameters.blocks

    def native(self, eta: Any) -> tuple:
        """Native values of every parameter: (n, *shape) each, for eta (n, K)."""
        return self._parameters.native(eta)

    def native_dict(self, eta: np.ndarray) -> dict[str, np.ndarray]:
        """Native values by name at one point eta (K,)."""
        values = self.native(np.reshape(eta, (1, -1)))
        return {name: v[0] for name, v in zip(self.params, values, strict=True)}

    def eta(self, **native: Any) -> np.ndarray:
        """Unconstrained vector (K,) of native values by name; ValueError where one is not valid."""
        return self._parameters.eta(native)

    def eta_names(self) -> list[str]:
        """A name for each of the K coordinates: ``loc``, ``scale``, ``covariance[0,1]``."""
        return self._parameters.names()

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate, (K,) each."""
        return self._parameters.limits

    @property
    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limit (K,) of eta in a row whose parameters follow features."""
        return self._parameters.row_limits

    @property
    def cut_together(self) -> list[slice]:
        """Blocks whose coordinates are shortened by one factor where a step is too long."""
        return self._parameters.cut_together
