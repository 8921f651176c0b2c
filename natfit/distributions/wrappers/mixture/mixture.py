"""Weighted components: the parameters are weights and those of each component, numbered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import logsumexp

from natfit._validation import check_number
from natfit.bijectors import Bijector, Weights
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Role, Width, Yardstick
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.intervals import Moments
from natfit.distributions.contract.sums import summed_value_and_score
from natfit.distributions.contract.support import Support
from natfit.distributions.forms.joined import joined_tables, rows_of_table
from natfit.distributions.forms.tabulated_counts import count_summary, tabulated_sum
from natfit.distributions.wrappers.mixture import _rows as per_row
from natfit.distributions.wrappers.mixture._components import resolved
from natfit.distributions.wrappers.mixture._draws import drawn
from natfit.distributions.wrappers.mixture._groups import Groups
from natfit.distributions.wrappers.mixture._guard import RATIO, clustered, guards
from natfit.distributions.wrappers.mixture._intervals import interval_moments
from natfit.distributions.wrappers.mixture._labels import in_order
from natfit.distributions.wrappers.mixture._moments import total_moments
from natfit.distributions.wrappers.mixture._nodes import nodes
from natfit.distributions.wrappers.mixture._single import singles
from natfit.distributions.wrappers.mixture._start import several, start
from natfit.rows import Block, Rows, n_distinct, rows_where

#: Number of parameters up to which one pass gives the Hessian too: its cost per row grows as the
#: square of the number.
_SMALL = 32

#: Numbers of starts by default; fewer where autograd computes second derivatives.
_N_INIT, _N_INIT_SLOW = 15, 3

#: Number of rows that are cut into clusters for further starts.
_PARTITIONED = 2_000

#: Number of parameters above which there are no further starts: a short descent from each would
#: cost more than the fit.
_MOST_PARAMETERS = 200

#: Rows that are farther outside a moving support, relative to its end, are those of others.
_EDGE = 1e-9


class Mixture(Groups):
    """A mixture of C components: ``p(y) = sum_k w_k p_k(y)``.

    Parameters are ``weights`` (C,), which sum to one, and each component's own with its number:
    ``loc_0``, ``scale_0``, ``loc_1``, ...; eta = (log(w_k / w_C) for k < C, each component's eta).
    With the responsibilities ``r_k = w_k p_k(y) / p(y)``, s_k and O_k a component's score and
    observed information, the score is ``r_k - w_k`` in the weights and ``r_k s_k`` in a
    component's eta. With ``u_k`` = (1 in place k of the weights, s_k in block k, 0 elsewhere), the
    observed information is, minus the covariance of u_k under r,::

        blockdiag(diag(w) - w w', r_k O_k) - sum_k r_k u_k u_k' + ubar ubar',  ubar = sum_k r_k u_k

    The natural gradient is that of this likelihood itself, not of the function that EM maximises.
    The Fisher information is computed by quadrature between the nodes of all components, for
    counts by enumeration, and for vectors by Monte Carlo.

    Where the density of a component can shrink to a point, the likelihood grows without limit.
    :meth:`bind` therefore gives widths a lower limit, ``least_width`` times the widest component
    on the clusters of k-means, so that the limit follows the unit and the spread of the data; with
    fewer than two rows a component, times the width of the family on all rows. A fit that rests
    there ends as ``boundary`` and names the component that collapsed onto a few rows.
    Which parameters the width follows, a component declares in ``widths``; a family that declares
    none there, and no location with a scale, gets no such limit.
    Where fewer components are enough, a weight goes to its limit 0, or two components become the
    same and the fit ends as ``singular``. The end is compared with each family alone, and if that
    is more likely, the fit goes on from there.

    An exchange of components does not change the density. Equal families are numbered by their
    medians, from low to high (vectors by their first column), as the best start leaves them.

    The likelihood may have several maxima. A fit of a constant model makes a short descent from
    each of ``n_init`` starts: one on the best of several clusterings, two of three others on
    clusters of k-means with other seeds of k-means++, and the rest on random partitions. Clusters
    are found on roots of counts and on logarithms of positive numbers; censored rows are imputed
    for them from their nonparametric estimate. The fit begins where the best descent ended, as the
    whole likelihood says (of at most 20,000 rows). A maximum at which a component has collapsed is
    taken only if there is no other, or if many equal rows ask for it. The seeds are fixed: neither
    ``random_state`` nor ``n_jobs`` changes an estimate. With more than 200 parameters, with
    ``start_params`` and in conditional models there is one start.

    Parameters
    ----------
    components : sequence of str or Distribution, or one of these, default=("normal", "normal")
        Univariate families, all of densities or all of counts, or multivariate ones of one
        dimension. A component has no density outside its own support.
    n_components : int, optional
        How many, where ``components`` is one family; 1 gives the family itself.
    n_init : int, optional
        Number of starts; by default 15, or 3 where a component has no closed form of its second
        derivatives, and not more than there are rows.
    least_width : float, default=1e-3
        Smallest width of a component, relative to the widest one on the clusters of k-means;
        between 0 and 1. As ``reg_covar`` of scikit-learn, but in the unit of the data.

    Raises
    ------
    ValueError
        On first use, if there are no components, or they do not fit together.

    References
    ----------
    McLachlan and Peel (2000), Finite Mixture Models. Hathaway (1985), Annals of Statistics 13.
    """

    compare_after = 25

    #: Constraints with a limit that keeps a component from collapsing, once data are known.
    _guards: dict[tuple[int, str], Bijector] | None = None

    #: The last eta whose expectations were asked for, as bytes, and its nodes.
    _kept: tuple[bytes, Expectation] | None = None

    def __init__(
        self,
        components: str | Distribution | Sequence[str | Distribution] = ("normal", "normal"),
        n_components: int | None = None,
        *,
        n_init: int | None = None,
        least_width: float = RATIO,
    ):
        self.components = components
        self.n_components = n_components
        self.n_init = n_init
        self.least_width = least_width

    @classmethod
    def examples(cls) -> list[Mixture]:
        """Return densities on the line and the half-line, counts and vectors."""
        from natfit.distributions.vectors.multivariate_normal import MultivariateNormal

        return [
            cls(),
            cls(("normal", "student_t")),
            cls("gamma", 2),
            cls("poisson", 2),
            cls(MultivariateNormal("diag", 2), 2),
        ]

    # ------------------------------------------------------------------------- components

    @cached_property
    def parts(self) -> tuple[Distribution, ...]:
        """The components, as objects."""
        return resolved(self.components, self.n_components)

    @cached_property
    def cuts(self) -> list[slice]:
        """The slice of eta that each component owns."""
        ends = np.cumsum([len(self.parts) - 1, *(part.n_params for part in self.parts)]).tolist()
        return [slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]

    @property
    def event_shape(self) -> tuple:
        """Shape of one value: that of every component."""
        return self.parts[0].event_shape

    @cached_property
    def support(self) -> Support:
        """From the lowest end of the components' to the highest."""
        all_ = [part.known_support for part in self.parts]
        if all(own == all_[0] for own in all_):
            return all_[0]
        low, high = min(s.low for s in all_), max(s.top for s in all_)
        return Support(low, high, all(s.closed for s in all_), all_[0].integer)

    @property
    def has_kl(self) -> bool:
        """Whether there is a divergence: none where the support of a component moves."""
        return all(part.has_kl for part in self.parts) and super().has_kl

    def seen(self, k: int, y: np.ndarray) -> np.ndarray | None:
        """Which rows lie in component k's support; None where all of them must."""
        own, whole = self.parts[k].known_support, self.support
        if self.event_shape != () or (own.low, own.high) == (whole.low, whole.high):
            return None
        return own.contains(y)

    def bind(self, rows: Rows) -> Mixture:
        """Return the mixture bound to the data's shape, with limits on widths from the data.

        A univariate mixture takes its limits from one column, (n,) or (n, 1).

        Returns
        -------
        Mixture
            The mixture itself where nothing changes.
        """
        parts = tuple(part.bind(rows) for part in self.parts)
        same = all(a is b for a, b in zip(parts, self.parts, strict=True))
        if same and self._guards is not None:
            return self
        bound = self if same else self._of(parts)
        etas = clustered(bound, rows)
        if etas is None:
            return bound
        bound = self._of(parts)
        ratio = check_number(
            self.least_width, "least_width", low=0.0, high=1.0, closed_low=False, hint="1e-3"
        )
        bound._guards = guards(parts, etas, ratio)
        return bound

    def _of(self, parts: tuple[Distribution, ...]) -> Mixture:
        """Return a mixture of other components with the same options."""
        return type(self)(parts, n_init=self.n_init, least_width=self.least_width)

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """``weights``, and each component's with its number."""
        out: dict[str, Bijector] = {"weights": Weights(len(self.parts))}
        known = self._guards or {}
        for k, part in enumerate(self.parts):
            out |= {f"{n}_{k}": known.get((k, n), c) for n, c in part.params.items()}
        return out

    @property
    def roles(self) -> dict[str, Role]:
        """What each parameter is for its own component."""
        out = {"weights": Role.SHARE}
        for k, part in enumerate(self.parts):
            out |= {f"{n}_{k}": role for n, role in part.roles.items()}
        return out

    @property
    def widths(self) -> dict[str, Width]:
        """None: the components are limited one by one."""
        return {}

    @property
    def information(self) -> InformationKind:
        """The yardstick is the observed information if it is the yardstick of any component."""
        observed = any(p.information.yardstick is Yardstick.OBSERVED for p in self.parts)
        found = super().information
        return replace(found, yardstick=Yardstick.OBSERVED) if observed else found

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """Weights at zero, components that collapsed, and the components' own."""
        last = len(self.parts) - 1
        first = "component 0" if last == 1 else "a component"
        out = {}
        if last:
            out["weights", "lower"] = f"{first} is not needed"
            out["weights", "upper"] = f"component {last} is not needed"
        for k, part in enumerate(self.parts):
            out |= {(f"{n}_{k}", side): v for (n, side), v in part.limit_meaning.items()}
        for k, name in self._guards or {}:
            side = "lower" if self.parts[k].widths[name].power > 0 else "upper"
            out[f"{name}_{k}", side] = (
                f"component {k} collapsed onto a few rows, {self.least_width:g} times as wide "
                "as the widest component at the start, the least allowed; use fewer components"
            )
        return out

    # ------------------------------------------------------------------------ rows and sums

    def log_weights(self, eta: Any) -> Any:
        """Log weights (n, C) of eta (n, K); differentiable."""
        free = eta[:, : len(self.parts) - 1]
        if isinstance(free, np.ndarray):
            # Autograd's functions take longer than a pass over a few hundred rows.
            logits = np.zeros((len(free), len(self.parts)))
            logits[:, :-1] = free
            return logits - per_row.log_total(logits)[:, None]
        logits = anp.concatenate([free, anp.zeros((eta.shape[0], 1))], axis=1)
        return logits - logsumexp(logits, axis=1, keepdims=True)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself."""
        return (eta,)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        values = []
        for k, (part, cut) in enumerate(zip(self.parts, self.cuts, strict=True)):
            inside, safe = per_row.rows_of(self, k, y)
            value = part._log_prob_eta(safe, eta[:, cut])
            values.append(value if inside is None else anp.where(inside, value, -np.inf))
        joint = anp.transpose(anp.stack(values)) + self.log_weights(eta)
        return logsumexp(joint, axis=1)

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats."""
        return per_row.log_total(per_row.log_joint(self, y, eta))

    def _score(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        return self.log_prob_and_score(y, eta)[1]

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        log_p, share, score = per_row.terms(self, y, eta)
        return log_p, per_row.mean_score(self, eta, share, score)

    def _observed(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        return per_row.observed(self, y, eta)

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums of log p and its score (K,), for eta (1, K)."""
        return tabulated_sum(partial(summed_value_and_score, self), y, weight, eta)

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum of the negative Hessian, (K, K), for eta (1, K)."""
        return self._sum_terms(y, weight, eta)[2]

    @property
    def sum_terms(self) -> Callable | None:  # type: ignore[override]  # K decides
        """Weighted sums of log p, score and negative Hessian in one pass; None if that is slow."""
        return self._sum_terms if self.n_params <= _SMALL and self._closed else None

    @cached_property
    def _closed(self) -> bool:
        """Whether all components have closed forms of their second derivatives."""
        return all(p._observed is not None or p.sum_terms is not None for p in self.parts)

    def _sum_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        return tabulated_sum(partial(per_row.sums, self), y, weight, eta)

    # ------------------------------------------------------------------------ probabilities

    def interval_moments(self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> Moments:
        """Log P(lower <= Y <= upper) and its derivatives, from those of the components."""
        return interval_moments(self, lower, upper, eta)

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes that are close where a narrow component lies, and their probabilities."""
        # The trials of a step ask for divergences from one eta.
        key, kept = eta.tobytes(), self._kept
        if kept is None or kept[0] != key:
            kept = self._kept = (key, nodes(self, eta))
        return kept[1]

    @property
    def has_cdf(self) -> bool:
        """Whether all components have a distribution function."""
        return all(part.has_cdf for part in self.parts)

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats."""
        return self._mixed("log_cdf", y, eta)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats."""
        return self._mixed("log_sf", y, eta)

    def _mixed(self, name: str, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        each = [
            getattr(p, name)(y, eta[:, cut]) for p, cut in zip(self.parts, self.cuts, strict=True)
        ]
        return np.minimum(per_row.log_total(np.stack(each, axis=1) + self.log_weights(eta)), 0.0)

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (n,), from those of the components."""
        return total_moments(self, eta)

    @property
    def can_sample(self) -> bool:
        """Whether all components can."""
        return all(part.can_sample for part in self.parts)

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw a component for each row, then a value of it: (n, *event_shape).

        Returns
        -------
        ndarray of shape (n, *event_shape)
            In float64.

        Raises
        ------
        ValueError
            If a component has no sampler.
        """
        return drawn(self, eta, rng, len(eta) if size is None else size)

    # ---------------------------------------------------------------------------- the data

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside the support."""
        if all(part.support == self.support for part in self.parts):
            for part in self.parts:
                part.check(rows)
        else:
            super().check(rows)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Refuse data with fewer distinct rows than components."""
        few = rows.few().y if summary is None else summary[0][0]
        n = len(self.parts)
        if len(np.unique(few, axis=0)) < n and (found := n_distinct(rows, n)) < n:
            raise ValueError(
                f"y must have at least {n} distinct rows for {n} components, got {found}; use "
                "fewer components"
            )

    @property
    def summary_proves_support(self) -> bool:  # type: ignore[override]  # the parts decide
        """Whether y are counts: a table with a value outside the support consists of NaN."""
        return self.event_shape == () and self.support.integer

    def sufficient(self, rows: Rows) -> tuple | None:
        """Distinct values of counts and their shares, (1, M) each; None for densities."""
        return count_summary(rows, self.support) if self.summary_proves_support else None

    joined_summaries = staticmethod(joined_tables)
    tabulated = staticmethod(rows_of_table)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """Each component's start on a cluster of the rows, (K,)."""
        return start(self, few.y, few.weight, rng)

    def starts(self, rows: Rows) -> list[np.ndarray]:
        """Starts on ``n_init - 1`` partitions of a few rows by k-means and at random."""
        few = rows.few(_PARTITIONED)
        n_init = min(_N_INIT if self._closed else _N_INIT_SLOW, len(few.y))
        if self.n_init is not None:
            n_init = int(check_number(self.n_init, "n_init", low=1, integer=True, hint="10"))
        if n_init == 1 or len(self.parts) == 1 or self.n_params > _MOST_PARAMETERS:
            return []
        if len(few.y) < 2 * len(self.parts):
            return []
        return several(self, few.y, few.weight, n_init - 1)

    @property
    def limit_cost(self) -> float:  # type: ignore[override]  # the weights decide
        """What the least weights of all components but one take from its density."""
        return (len(self.parts) - 1) * float(np.exp(-self.limits[1][:1].min(initial=np.inf)))

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The optimum of each different component alone, as a member of the mixture, (M, K)."""
        if len(self.parts) == 1 or self.n_params > _MOST_PARAMETERS:
            return None
        return singles(self, rows)

    def alike(self, eta: np.ndarray) -> np.ndarray:
        """Eta with equal families in the order of their medians."""
        return in_order(self, eta)

    def collapsed(self, eta: np.ndarray) -> float:
        """Share of the weight of components that are as narrow as they may be."""
        share = np.exp(self.log_weights(eta[None]))[0]
        low, high, _ = self.limits
        at_limit = (eta <= low) | (eta >= high)
        narrow = {k for k, name in self._guards or {} if at_limit[self.blocks[f"{name}_{k}"]].any()}
        return float(sum(share[k] for k in narrow))

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Why a component whose support moves has no maximum on the rows inside it, or None."""
        if self.event_shape != ():
            return None
        for k, (part, cut) in enumerate(zip(self.parts, self.cuts, strict=True)):
            own, ends = part.known_support, part.support_at(eta[None, cut])
            low, high = (float(end[0]) for end in ends)
            if (low, high) == (own.low, own.top):
                continue
            inside = rows_where(rows, _inside_part, low, high)
            why = part.no_maximum(inside, eta[cut]) if inside.n else None
            if why is not None:
                return f"component {k}: {why}"
        return None

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The start unchanged; if a row has no density there, each component corrects its own."""
        with np.errstate(all="ignore"):
            total = rows.sum(self._log_prob_part, eta)
        if np.isfinite(total):
            return eta
        out = eta.copy()
        for k, (part, cut) in enumerate(zip(self.parts, self.cuts, strict=True)):
            out[cut] = part.refine_start(rows_where(rows, self._seen_part, k), eta[cut])
        return out

    def _log_prob_part(self, block: Block, eta: np.ndarray) -> float:
        """Sum of log p over a block, each row once."""
        return self.log_prob(block.y, eta[None]).sum()

    def _seen_part(self, block: Block, k: int) -> np.ndarray:
        """Which rows of a block lie in component k's support, (n,)."""
        seen = self.seen(k, block.y)
        return np.ones(block.n, dtype=bool) if seen is None else seen


def _inside_part(block: Block, low: float, high: float) -> np.ndarray:
    """Which rows of a block lie between two ends up to rounding, (n,)."""
    slack = _EDGE * max(abs(end) for end in (low, high, 0.0) if np.isfinite(end))
    return (block.y >= low - slack) & (block.y <= high + slack)
