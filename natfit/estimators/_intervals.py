"""What intervals are made of: covariances, derivatives, replicates and inverted tests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.linalg import block_diag
from sklearn.utils.validation import check_is_fitted

from natfit._validation import check_option
from natfit.distributions.contract.frozen import Frozen
from natfit.estimators._replicates import Replicates
from natfit.inference import Estimate, bootstrap, delta, quantity, units
from natfit.inference import covariance as cov
from natfit.inference.profile import profile_interval
from natfit.inference.quantity import Quantity
from natfit.inference.score_interval import score_interval
from natfit.optimize import Status

#: Ends of a fit at which there is no optimum, and no interval around it.
_MEANINGLESS = (Status.UNBOUNDED, Status.NON_FINITE, Status.SINGULAR)


#: What inverts a test: ``(estimate, value, gradient, level) -> Interval``.
_INVERSIONS = {"profile": profile_interval, "score": score_interval}

#: Points of a search for an end of an interval, at which values of a function are kept.
_KEPT = 256


class Intervals(Replicates):
    """The part of a fitted density that its statements of precision are made of."""

    params_: dict[str, np.ndarray]

    @property
    def _labels(self) -> list[Any]:
        # A family of vectors has one estimate of all columns.
        n = len(self._eta)
        return list(range(n)) if self._names is None or n == 1 else list(self._names)

    def _covariances(
        self, cov_type: str, X: Any, sample_weight: Any, groups: Any
    ) -> tuple[list[Estimate], list[np.ndarray]]:
        """Return the estimates, with data where they are needed, and the covariances of theta."""
        check_is_fitted(self, "_eta")
        if isinstance(cov_type, str) and cov_type.upper() == "HC0":
            raise ValueError(
                f"cov_type must be one of {list(cov.COV_TYPES)}, got {cov_type!r}; 'robust' is HC0"
            )
        check_option(cov_type, "cov_type", cov.COV_TYPES)
        if groups is not None and cov_type != "cluster":
            raise ValueError(
                f"groups is for cov_type='cluster' only, got cov_type={cov_type!r}; write "
                "cov_type='cluster', or leave groups out"
            )
        of_scores = cov_type in cov.OF_SCORES
        if of_scores and X is None:
            raise ValueError(
                f"cov_type={cov_type!r} needs the scores of the rows; pass the data of the fit as X"
            )
        if X is None and sample_weight is not None:
            raise ValueError("sample_weight belongs to X, got weights alone; pass X too")
        # Rows that are given are compared with those of the fit also where nothing needs them.
        estimates = self._estimates(X, sample_weight)
        codes = None if groups is None else self._codes(groups, X, sample_weight)
        return estimates, [cov.covariance(e, cov_type, codes) for e in estimates]

    def _codes(self, groups: Any, X: Any, sample_weight: Any) -> np.ndarray:
        """Return the groups of the rows that count, as whole numbers from 0."""
        data, _, _ = self._seen(X, sample_weight)
        given = np.asarray(groups)
        n = len(data.values) if data.kept is None else len(data.kept)
        if given.shape != (n,):
            raise ValueError(
                f"groups must have one entry for each of the {n} rows of X, got the shape "
                f"{given.shape}"
            )
        given = given if data.kept is None else given[data.kept]
        missing = np.array([g is None or g != g for g in given]) if given.dtype == object else None
        missing = np.isnan(given) if given.dtype.kind == "f" else missing
        if missing is not None and missing.any():
            raise ValueError(
                f"groups must not be missing, got {given[missing][0]} for "
                f"{int(missing.sum())} rows; give each row that belongs to no other a group of its "
                "own"
            )
        try:
            return np.unique(given, return_inverse=True)[1]
        except TypeError as error:
            raise ValueError(f"groups must be of one type that can be sorted: {error}") from None

    # ------------------------------------------------------------------------ what both share

    @property
    def _theta(self) -> np.ndarray:
        """The parameters of all columns, one after the other, (D K,)."""
        return self._eta.reshape(-1)

    def _frozen_at(self, theta: Any) -> Frozen:
        return Frozen(self.distribution_, theta.reshape(self._eta.shape))

    def _parameters_at(self, theta: Any) -> dict[str, Any]:
        """Return native values by name, in the shapes of ``params_``."""
        values = self.distribution_.native(theta.reshape(self._eta.shape))
        by_column = self.distribution_.event_shape == ()
        names = self.distribution_.params
        return {n: v if by_column else v[0] for n, v in zip(names, values, strict=True)}

    @property
    def _limits(self) -> tuple[np.ndarray, np.ndarray]:
        low, high, _ = self.distribution_.limits
        n = len(self._eta)
        return np.tile(low, n), np.tile(high, n)

    def _derivatives(self, asked: Quantity, matrices: list[np.ndarray]) -> np.ndarray:
        family = self.distribution_
        pairs = zip(self._eta, matrices, strict=True)
        spread = np.concatenate([units.steps(family, eta, m) for eta, m in pairs])
        return asked.jacobian(self._theta, spread, self._limits)

    def _errors(
        self, asked: Quantity, matrices: list[np.ndarray]
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return standard errors (M,) of a quantity by the delta method, and why some are inf."""
        slopes, matrix = self._derivatives(asked, matrices), block_diag(*matrices)
        names = self.distribution_.eta_names()
        if len(matrices) > 1:
            names = [f"{name}[{label}]" for label in self._labels for name in names]
        unit = None
        if np.isinf(np.diagonal(matrix)).any():
            unit = np.concatenate([units.units(self.distribution_, eta) for eta in self._eta])
        errors = delta.standard_errors(slopes, matrix, unit)
        size = self.distribution_.n_params
        limits = {j * size + k for j, held in enumerate(self._at_bound) for k in held}
        return errors, delta.lost_notes(slopes, matrix, names, unit, limits)

    def _refuse_no_optimum(self) -> None:
        """Raise ValueError where a fit ended at no optimum, so that no interval has a meaning."""
        check_is_fitted(self, "_eta")
        bad = [
            (c, s) for c, s in zip(self._labels, self._statuses, strict=True) if s in _MEANINGLESS
        ]
        if bad:
            column, status = bad[0]
            where = "" if len(self._eta) == 1 else f" of column {column!r}"
            raise ValueError(
                f"an interval needs an optimum that the data determine, but the fit{where} ended "
                f"as {str(status)!r}: {self._message}; {status.remedy}; identifiability() names "
                "the directions that the data leave open"
            )

    @property
    def _statuses(self) -> list[Status]:
        return list(getattr(self, "statuses_", [Status.CONVERGED] * len(self._eta)))

    @property
    def _message(self) -> str:
        return str(getattr(self, "message_", ""))

    def _notes(self) -> tuple[str, ...]:
        """Return what a reader of an interval must know of the fit."""
        ended = {s for s in self._statuses if not s.good}
        return tuple(f"the fit ended as {str(s)!r}" for s in sorted(ended))

    def _check_method(self, method: str, X: Any, cov_type: str, scale: str = "auto") -> None:
        """Raise ValueError for data that a method lacks, and options that are not its own."""
        if method in ("wald", "delta"):
            return
        if X is None:
            raise ValueError(f"method={method!r} needs the rows; pass the data of the fit as X")
        if cov_type != "observed":
            raise ValueError(
                f"cov_type={cov_type!r} is for Wald's intervals, got method={method!r}, which rests"
                " on no covariance matrix; leave cov_type out, or use method='wald'"
            )
        if scale != "auto":
            raise ValueError(
                f"scale={scale!r} is for method='delta', got method={method!r}, whose interval is "
                "the same on every scale; leave scale out"
            )

    # ------------------------------------------------------------------------------ bootstrap

    def _bootstrapped(
        self,
        asked: Quantity,
        estimates: list[Estimate],
        level: float,
        given: tuple[Any, Any],
        options: dict[str, Any],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the ends (M,) of the bootstrap's intervals, and its standard errors."""
        check_option(options["kind"], "kind", ("bca", "percentile"))
        value = asked.value(self._theta).ravel()
        # What cannot be is said before the first refit.
        skew = None if options["kind"] == "percentile" else self._acceleration(asked, estimates)
        etas = self._replicates(*given, options)
        each = [asked.value(eta.reshape(-1), finite=False).ravel() for eta in etas]
        found = np.stack(each)
        finite = np.isfinite(found).all(axis=0)
        errors = np.full(found.shape[1], np.inf)
        errors[finite] = found[:, finite].std(axis=0, ddof=1)
        if skew is None:
            return *bootstrap.percentile_ends(found, level), errors
        return *bootstrap.bca_ends(found, value, skew, level), errors

    def _acceleration(self, asked: Quantity, estimates: list[Estimate]) -> np.ndarray:
        """Return the acceleration (M,) of BCa; ValueError for a quantity without derivatives."""
        if not asked.smooth:
            raise ValueError(
                f"{asked.name} moves in steps, so that BCa has no acceleration; use "
                "method='bootstrap', kind='percentile', X=X"
            )
        # The influence of rows is that in the model's own covariance.
        own = [e.covariance() for e in estimates]
        spread = np.sqrt(np.maximum(np.concatenate([np.diagonal(v) for v in own]), 0.0))
        # Coordinates that no row determines are moved by none.
        spread = np.where(np.isinf(spread), 0.0, spread)
        try:
            slopes = asked.jacobian(self._theta, spread, self._limits)
        except ValueError as error:
            raise ValueError(
                f"BCa needs derivatives, and {str(error).rsplit(';', 1)[0]}; use kind='percentile'"
            ) from None
        return bootstrap.acceleration(estimates, slopes, own)

    def _split(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Return a flat array (M, 2) by name, in the shapes of ``params_``."""
        out, start = {}, 0
        for name, value in self._parameters_at(self._theta).items():
            size = int(np.size(value))
            out[name] = flat[start : start + size].reshape(*np.shape(value), 2)
            start += size
        return out

    def _by_name(self, columns: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Return the intervals of columns by name; what was given has its value at both ends."""
        if self.distribution_.event_shape == ():
            out = {name: np.stack([c[name] for c in columns]) for name in columns[0]}
        else:
            out = columns[0]
        for name in getattr(self, "fixed", None) or {}:
            out[name] = np.stack([self.params_[name]] * 2, axis=-1)
        return out

    # ----------------------------------------------------------------- inversion of a test

    def _inverted(
        self, columns: list[Quantity], estimates: list[Estimate], level: float, method: str
    ) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
        """Return the ends (..., D) of the values that a test accepts in each column, and notes."""
        pairs = [
            self._ends_of(q, e, level, method) for q, e in zip(columns, estimates, strict=True)
        ]
        notes = tuple(dict.fromkeys(note for one in pairs for end in one for note in end[2]))
        low = np.stack([[end[0] for end in one] for one in pairs], axis=-1)
        high = np.stack([[end[1] for end in one] for one in pairs], axis=-1)
        return low.ravel(), high.ravel(), notes

    def _by_column(self, function: Any, args: tuple[Any, ...], n: int, method: str) -> list:
        """Return a quantity of each column, whose test knows the rows of this column only."""
        if not isinstance(function, str):
            raise ValueError(
                f"method={method!r} is for one column of data, got a function of {n}; fit the "
                "columns one by one, or ask for a method by its name"
            )
        family = self.distribution_

        def frozen(theta: Any) -> Frozen:
            return Frozen(family, theta.reshape(1, -1))

        def parameters(theta: Any) -> dict[str, Any]:
            return dict(zip(family.params, family.native(theta.reshape(1, -1)), strict=True))

        return [quantity.of(function, args, family, frozen, parameters)] * n

    def _ends_of(self, asked: Quantity, own: Estimate, level: float, method: str) -> list[Any]:
        """Return the ends, and notes, of each value of a quantity of one column."""
        errors = units.steps(self.distribution_, own.theta, own.covariance())
        slopes = asked.slopes(own.theta, errors, self.distribution_.limits[:2])

        @lru_cache(maxsize=_KEPT)
        def values(theta: bytes) -> np.ndarray:
            # A search compares the same points again and again, and a quantile is a search itself.
            found = asked.value(np.frombuffer(theta), finite=False).ravel()
            if np.isinf(found).any():
                raise ValueError(
                    f"{asked.name} is infinite at parameters that the data do not exclude, so that "
                    f"its interval by method={method!r} has no end there; use method='bootstrap', "
                    "or ask for a quantile"
                )
            return found

        found = []
        for m in range(asked.value(own.theta).size):
            now = values(own.theta.tobytes())[m]
            # On the scale of its range a function is nearer to a straight line, and has no ends.
            inside = asked.low < now < asked.high
            low, high = (asked.low, asked.high) if inside else (-np.inf, np.inf)

            def value(theta: np.ndarray, m: int = m, low: float = low, high: float = high) -> float:
                return delta.to_line(values(theta.tobytes())[m], low, high)[0]

            def gradient(
                theta: np.ndarray, m: int = m, low: float = low, high: float = high
            ) -> np.ndarray:
                return slopes(theta)[m] * delta.to_line(values(theta.tobytes())[m], low, high)[1]

            end = _INVERSIONS[method](own, value, gradient, level)
            pair = (delta.from_line(place, low, high) for place in (end.low, end.high))
            found.append((*pair, end.notes))
        return found

    def _inverted_parameters(
        self, own: Estimate, level: float, method: str
    ) -> dict[str, np.ndarray]:
        """Return the ends (*shape, 2) of the native values that a test accepts, by name."""
        family, out = self.distribution_, {}
        known = set(own.information.known)
        for name, constraint in family.params.items():
            block = family.blocks[name]
            now = np.asarray(family.native_dict(own.theta)[name], dtype=float)
            if set(range(block.start, block.stop)) <= known:
                out[name] = np.stack([now, now], axis=-1)
                continue
            ends = np.empty((now.size, 2))
            at = list(range(now.size))
            if constraint.entries is not None:
                ends[:] = now.reshape(-1, 1)
                at = [
                    int(np.ravel_multi_index(p, now.shape))
                    for p in zip(*constraint.entries, strict=True)
                ]
            for index in at:
                value, gradient = quantity.entry(constraint, block, index)
                found = _INVERSIONS[method](own, value, gradient, level)
                ends[index] = found.low, found.high
                # Where no value is refused the interval is the rest of the range: a limit in the
                # unconstrained parameters may stand for infinity.
                if not found.reached_low:
                    ends[index, 0] = np.fmin(found.low, constraint.native_bounds[0])
                if not found.reached_high:
                    ends[index, 1] = np.fmax(found.high, constraint.native_bounds[1])
            table = ends.reshape(*now.shape, 2)
            if getattr(constraint, "symmetric", False):
                low = np.tril_indices(len(now), -1)
                table[low[1], low[0]] = table[low]
            out[name] = table
        return out
