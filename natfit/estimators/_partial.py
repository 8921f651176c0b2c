"""Densities that go on as rows arrive: partial_fit and merge."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from natfit import fitting
from natfit._component import resolve
from natfit._numbers import refuse_other_order
from natfit._validation import answers_keywords, check_jobs, check_number
from natfit.coordinates import Coordinates
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.distributions.contract.united import represents
from natfit.estimators._data import Data, NoRowsLeft, read_rows, refuse_not_finite
from natfit.estimators._merging import Merging, compared, own_maximum, refuse_different, tested
from natfit.estimators._partial_checks import (
    HELD,
    free_of,
    is_empty,
    pasts_of,
    penalties_of,
    reduced,
    refuse_elsewhere,
    refuse_ends,
    refuse_held,
    weightless,
    within,
)
from natfit.estimators._partial_states import (
    Batch,
    OfQuadratics,
    OfSummaries,
    Running,
    added,
    summaries,
)
from natfit.fitting.drift import Test, drift_table
from natfit.fitting.options import priors
from natfit.fitting.past import Summary, left_between, stand_in
from natfit.fitting.running import ending, merged
from natfit.inference import Information
from natfit.iterate import Status
from natfit.models import Constant
from natfit.optimize import History
from natfit.rows import Rows, rows_of

#: What a fit publishes, and a batch makes out of date.
_PUBLISHED = frozenset(
    {
        *("distribution_", "metric_", "solver_", "step_", "damping_", "params_", "theta_"),
        *("n_obs_", "n_iter_", "loglik_", "status_", "statuses_", "message_", "history_"),
        *("coordinates_", "information_kind_", "_eta", "_information", "_at_bound"),
    }
)

#: Numbers up to which a fit keeps its summary.
_KEPT = 1 << 16


class PartialDensity(Merging):
    """What a density does with rows that come later, and with other fits."""

    missing: str
    truncation: Any
    n_jobs: int | None
    n_features_in_: int
    _running: Running | None
    n_obs_: float
    loglik_: float
    params_: dict[str, np.ndarray]
    _eta: np.ndarray
    _information: list[Information]
    _at_bound: list[tuple[int, ...]]

    @answers_keywords
    def partial_fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, forgetting: float = 1.0
    ) -> Any:
        """Go on with the fit with the rows of a batch, as if they had been there before.

        Families with a summary (normal, gamma, Poisson, ...) give the estimate of :meth:`fit` for
        all rows, in any order and in any batches. Others keep the first 1,000 rows and fit them
        together; then the estimate moves to the optimum of the batch's likelihood and the
        quadratic of the rows before, whose information is added up. The estimate is computed when
        it is asked for.

        Parameters
        ----------
        X : array-like of shape (n, D) or Censored
            The rows of the batch, with the columns of the first one. None of them changes nothing.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), optional
            Repetitions of each row.
        forgetting : float, default=1.0
            What is left of the weight of all rows before, in (0, 1].

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data, weights or options cannot be used. The estimator stays as it was before.
        """
        share = check_number(forgetting, "forgetting", low=0.0, high=1.0, closed_low=False)
        refuse_elsewhere(X=X, sample_weight=sample_weight)
        with self._all_or_nothing():
            running = self.__dict__.get("_running")
            self._keep_options(anew=running is None)
            data = self._batch(X, sample_weight, first=running is None)
            if data is None:
                return self
            self._go_on(running, data, share)
        return self

    def _go_on(self, running: Running | None, data: Data, share: float) -> None:
        n_jobs = check_jobs(self.n_jobs)
        if running is None:
            self._engine()
            if "_eta" in self.__dict__:
                raise ValueError(
                    f"partial_fit cannot go on from this {type(self).__name__}, whose fit kept no "
                    "state: fit it again, or keep it with pickle instead of to_json"
                )
            running = self._beginning(data, n_jobs)
        if isinstance(running, OfQuadratics) and running.pasts is None and running.held is None:
            running = self._after_fit(running)
        batch = self._columns(data, running)
        running = self._representing(running, data, batch)
        if isinstance(running, OfQuadratics) and running.pasts is None:
            for family, column in zip(running.fitted, batch.columns, strict=True):
                fitting.data.check(family, rows_of(column, weight=batch.weight), None)
            running = running.holding(batch, share)
            self._outdated(running)
            if running.enough:
                # Rows that determine no estimate are held, with those of batches that come.
                with contextlib.suppress(NotFittedError):
                    self._settle()
            return
        if not isinstance(running, OfSummaries | OfQuadratics):
            refuse_ends(running.fitted, always=True)
            return
        running = self._absorbing(running, batch, share, n_jobs)
        if running.waits:
            self._outdated(running)
        else:
            self._running = running
            if isinstance(running, OfQuadratics):
                self._moved(running)

    def _representing(self, running: Any, data: Data, batch: Batch) -> Any:
        """Return the same with families that represent the rows of a batch, too."""
        if not any(map(represents, running.fitted)):
            return running
        _, plan = self._plan(data)
        rows = [rows_of(column, weight=batch.weight) for column in batch.columns]
        bound = [own.bind(r) for own, r in zip(plan.fitted, rows, strict=True)]
        return running.with_families(plan.family, bound, batch.total)

    def _after_fit(self, running: OfQuadratics) -> OfQuadratics:
        """Return the quadratic of the rows of a fit; before any, what is known of none."""
        if "_eta" not in self.__dict__:
            return running
        at_bound = zip(running.fitted, self._at_bound, strict=True)
        active = tuple(within(own, at, self.fixed) for own, at in at_bound)
        return replace(running, pasts=pasts_of(self, running), active=active)

    def _absorbing(self, running: Any, batch: Batch, share: float, n_jobs: int | None) -> Any:
        """Return what is known with the rows of a batch."""
        if isinstance(running, OfSummaries):
            return running.batch(batch, share, n_jobs)
        return running.batch(batch, share, n_jobs, penalties_of(self, running))

    def _columns(self, data: Data, running: Running) -> Batch:
        by_column = running.fitted[0].event_shape == () and data.seen_as is None
        X = data.values
        columns = [X[:, j] for j in range(X.shape[1])] if by_column else [X]
        return Batch(columns, data.weight)

    def _beginning(self, data: Data, n_jobs: int | None) -> Running:
        """Return what is known before the first batch: the families, and how they go on."""
        places, plan = self._plan(data)
        columns = [data.values if j is None else data.values[:, j] for j in places]
        rows = [rows_of(column, weight=data.weight) for column in columns]
        fitted = [own.bind(r) for own, r in zip(plan.fitted, rows, strict=True)]
        refuse_ends(fitted)
        for own in fitted:
            Constant(resolve(self.coordinates, Coordinates)).bind(0, own)
        known = summaries(fitted, Batch(columns, data.weight), n_jobs)
        kind = OfQuadratics if known is None else OfSummaries
        return kind(plan.family, tuple(fitted), data.seen_as)

    # ------------------------------------------------------------------------------ reading

    def _batch(self, X: Any, sample_weight: Any, first: bool) -> Data | None:
        """Return the rows of a batch; None if none counts."""
        refuse_other_order(X, sample_weight, "sample_weight")
        censored = Censored.of(X)
        if censored is not None:
            if not first and not len(censored.rows):
                return None
            given: Any = self._censored(censored, first)
        elif not first and is_empty(X, self.n_features_in_):
            return None
        else:
            given = self._validated(X, 1, reset=first)
        values = given.rows if isinstance(given, Censored) else given.values
        if weightless(sample_weight, len(values)):
            return None
        try:
            data = read_rows(given, sample_weight, self.missing, self.truncation)
        except NoRowsLeft:
            if first:
                raise
            return None
        if data.seen_as is None:
            refuse_not_finite(data.values, self._names)
        running = self.__dict__.get("_running")
        if running is not None and running.seen_as is not data.seen_as:
            raise ValueError(
                "X must be of the kind of the first batch: pass natfit.Censored in all batches, "
                "Censored.exact(x) for one of complete rows, or in none"
            )
        return data

    def _censored(self, censored: Censored, first: bool) -> Censored:
        if first:
            self.n_features_in_ = 1
            self.__dict__.pop("feature_names_in_", None)
        elif self.n_features_in_ > 1:
            raise ValueError(
                f"X must have {self.n_features_in_} columns as in the first batch, got Censored, "
                "which has one"
            )
        return censored

    # ----------------------------------------------------------------------------- estimate

    def __getattr__(self, name: str) -> Any:
        """Compute the estimate of the rows so far when it is first asked for."""
        if name in _PUBLISHED:
            running = self.__dict__.get("_running")
            if running is not None and running.waits:
                self._settle()
                if name in self.__dict__:
                    return self.__dict__[name]
        # Which raises what a property has raised.
        return object.__getattribute__(self, name)

    def _outdated(self, running: Running) -> None:
        for name in _PUBLISHED:
            self.__dict__.pop(name, None)
        self._running = running

    def _settle(self) -> None:
        """Publish the estimate of the rows so far."""
        running: Any = self._running
        # What asks for the estimate meanwhile is told that there is none.
        self._running = replace(running, waits=False)
        try:
            if isinstance(running, OfSummaries):
                self._of_summaries(running.together())
            elif isinstance(running, OfQuadratics):
                self._of_held(running)
        except BaseException as error:
            self._running = running
            held = getattr(running, "held", None)
            if not isinstance(error, ValueError):
                raise
            if isinstance(error, NotFittedError) or (held is not None and held.n > HELD):
                raise
            raise NotFittedError(
                f"the rows of partial_fit so far do not determine this {type(self).__name__}: "
                f"{error}"
            ) from error

    def _of_summaries(self, running: OfSummaries) -> None:
        assert running.known is not None
        rows = []
        for j, (family, own) in enumerate(zip(running.fitted, running.known, strict=True)):
            eta = None if running.etas is None else running.etas[j]
            found = stand_in(family, own, eta)
            if found is None:
                # No estimate has been found yet, so that rows are still there.
                assert running.first is not None
                first = running.first
                scale = own.total / first.total
                weight = scale * (np.ones(first.n) if first.weight is None else first.weight)
                found = rows_of(first.columns[j], weight=weight)
            rows.append(found)
        engine, results = self._results(running, rows, running.known, running.known[0].left)
        names = self._names
        self._publish(running.family, engine, fitting.join(running.family, results, names))
        etas = tuple(
            reduced(own, r.eta, self.fixed) for own, r in zip(running.fitted, results, strict=True)
        )
        self._running = replace(running, etas=etas, first=None, waits=False)
        self._warn(self.status_, self.message_, engine)

    def _results(
        self, running: Running, rows: Sequence[Rows], known: Sequence[Summary] | None, left: float
    ) -> tuple[Any, list]:
        """Return the fits of all columns, to summaries where known; ``left`` is that of rows."""
        engine = self._engine()
        prior = priors(self.prior, running.family) if getattr(self, "prior", None) else None
        common: dict[str, Any] = {"prior": prior, "whole": bool(self.fixed)}
        common["model"] = Constant(resolve(self.coordinates, Coordinates))
        starts = running.etas
        if starts is None:
            starts = self._starts(running.family, running.fitted)
        results = []
        for j, (own, part) in enumerate(zip(running.fitted, rows, strict=True)):
            summary = None if known is None else known[j].values
            rng = self._generator()
            task = fitting.Task(own, part, engine, rng, start=starts[j], summary=summary, **common)
            result = fitting.fit(task)
            if known is not None:
                # Rows that stand in for others do not tell the likelihood, the summary does.
                eta = reduced(own, result.eta, self.fixed)[None]
                total, weight = known[j].total, np.array([known[j].total])
                with np.errstate(all="ignore"):
                    loglik = float(own.sum_value_and_score(summary, weight, eta)[0])
                result = replace(result, log_likelihood=loglik, total=total)
            if left < 1.0:
                result = replace(result, information=replace(result.information, left=left))
            results.append(result)
        return engine, results

    def _of_held(self, running: OfQuadratics) -> None:
        """Fit the first rows together, and keep their quadratic if they are enough."""
        held = running.held
        assert held is not None
        rows = [rows_of(column, weight=held.weight) for column in held.columns]
        engine, results = self._results(running, rows, None, held.left)
        names = self._names
        refuse_held(results)
        self._publish(running.family, engine, fitting.join(running.family, results, names))
        good = all(r.fit.status.good or r.fit.status is Status.BOUNDARY for r in results)
        running = replace(running, waits=False)
        # A quadratic does not say how the likelihood falls off from a limit.
        settled = not any(r.at_bound for r in results) or held.n > HELD
        if running.enough and good and settled:
            running = replace(running, at_rest=tuple(r.past for r in results))
            running = replace(self._after_fit(running), held=None)
        self._running = running
        self._warn(self.status_, self.message_, engine)

    def _moved(self, running: OfQuadratics) -> None:
        """Publish the estimate that a batch has moved."""
        assert running.pasts is not None
        etas, infos, at_bound, thetas = [], [], [], []
        total = running.pasts[0].total
        penalties = penalties_of(self, running)
        parts: Any = (running.fitted, running.pasts, running.active, penalties)
        for own, past, active, penalty, coordinates in zip(*parts, self.coordinates_, strict=True):
            free = free_of(own, self.fixed)
            info = past.published(penalty, own.information.complete)
            eta = past.theta
            if free is not None:
                eta, active = own.full(eta[None])[0], tuple(free[list(active)].tolist())
                info = info.embedded(free, len(eta))
            infos.append(info)
            etas.append(eta)
            at_bound.append(active)
            thetas.append(coordinates.from_eta(past.theta))
        self._eta, self._information, self._at_bound = np.stack(etas), infos, at_bound
        self.theta_ = np.concatenate(thetas)
        self.distribution_ = running.family
        self.params_ = self._native_values(running.family, self._eta)
        self.n_obs_, self.loglik_ = total, float(sum(p.log_likelihood for p in running.pasts))
        self.information_kind_ = [info.kind for info in infos]
        self._judged(running)

    def _judged(self, running: OfQuadratics) -> None:
        """Say how the last batch ended."""
        self.statuses_ = [m.status for m in running.last]
        self.status_, self.n_iter_, self.message_ = ending(running.last, running.batches)
        if self.status_ is not Status.CONVERGED:
            self._warn(self.status_, self.message_, self._engine())

    def _began(self, family: Distribution, results: list, seen_as: Any) -> None:
        """Keep what is known of the rows of a fit, so that it can go on."""
        self.__dict__.pop("_merged", None)
        self._keep_options(anew=True)
        bound = tuple(r.model.family for r in results)
        etas = tuple(reduced(own, r.eta, self.fixed) for own, r in zip(bound, results, strict=True))
        whole = [r.summary for r in results]
        common: dict[str, Any] = {"family": family, "fitted": bound, "seen_as": seen_as}
        common |= {"batches": 1, "etas": etas}
        if all(isinstance(s, tuple) and sum(map(np.size, s)) <= _KEPT for s in whole):
            known = tuple(Summary(s, r.total) for s, r in zip(whole, results, strict=True))
            self._running = OfSummaries(**common, known=known, before=known)
        elif any(f.held_coordinates or f.row_ends for f in bound):
            self._running = Running(**common)
        else:
            # The quadratic is that of the fit, which is made when a batch comes.
            self._running = OfQuadratics(**common, at_rest=tuple(r.past for r in results))

    def _merge(self, other: Any) -> Test | str:
        states: list[Any] = [each.__dict__.get("_running") for each in (self, other)]
        if None not in states:
            refuse_ends([*states[0].fitted, *states[1].fitted])
            refuse_different("kinds of rows", states[0].seen_as, states[1].seen_as)
        if getattr(self, "prior", None) and not isinstance(states[0], OfSummaries):
            raise ValueError(
                "merge would count the prior twice, because this family has no summary; leave "
                "prior out of all fits but one, or use partial_fit"
            )
        apart = [own_maximum(each) for each in (self, other)]
        one, two = self._known(), other._known()
        one = one.with_families(two.family, two.fitted, two.total)
        size = sum(family.n_params for family in one.fitted)
        if isinstance(one, OfSummaries):
            self._outdated(one.merged(two))
            parts = [each.known[0] for each in (one, two) if each.known is not None]
            return compared(apart, self, size, left_between(*parts) if len(parts) == 2 else 1.0)
        if one.pasts is None and two.pasts is None:
            running = one.holding(two.held, 1.0)
            running = replace(running, batches=one.batches + two.batches)
            self._outdated(running)
            if running.enough:
                self._settle()
            return compared(apart, self, size, left_between(one.held, two.held))
        if one.pasts is None or two.pasts is None:
            kept, rows = (two, one.held) if one.pasts is None else (one, two.held)
            if kept is two:
                for name in _PUBLISHED & set(other.__dict__):
                    setattr(self, name, other.__dict__[name])
            running = self._absorbing(kept, rows, 1.0, check_jobs(self.n_jobs))
            test = running.tests[-1][2]
        else:
            terms = zip(one.pasts, two.pasts, one.fitted, strict=True)
            pairs = [merged(a, b, family.limits) for a, b, family in terms]
            moved = tuple(each for each, _ in pairs)
            pasts, active = tuple(m.past for m in moved), tuple(m.active for m in moved)
            batches = one.batches + two.batches
            running = replace(one, pasts=pasts, active=active, last=moved, batches=batches)
            running = replace(running, held=None)
            test = added([t for _, t in pairs])
        self._running = running
        self._moved(running)
        return tested(test, type(self).__name__)

    def _known(self) -> Any:
        """Return what is known of the rows so far, for a merge."""
        running = self.__dict__.get("_running")
        if running is None:
            raise ValueError(
                f"merge needs two {type(self).__name__} with the state of a fit, which to_json "
                "does not keep; fit again, or keep the fits with pickle"
            )
        refuse_ends(running.fitted)
        if isinstance(running, OfSummaries):
            return running.tested().together()
        if isinstance(running, OfQuadratics):
            return self._after_fit(running) if running.held is None else running
        return refuse_ends(running.fitted, always=True)

    # ------------------------------------------------------------------------------- drift

    @property
    def drift_(self) -> History:
        """Score tests of batches, each against the estimate from the rows before it.

        The columns are ``batch``, ``n`` (rows), ``statistic``, ``df``, ``p_value`` and ``nats``,
        half the statistic: what parameters of the batch's own would add to the log-likelihood. The
        error of the estimate is allowed for. The first batch has no test, nor has one that comes
        while a family without a summary holds its first rows.
        """
        check_is_fitted(self, "n_features_in_")
        running = self.__dict__.get("_running")
        if running is None:
            return drift_table(())
        self._running = running = running.tested()
        return drift_table(running.tests)

    def __getstate__(self) -> Any:
        """Return what is pickled, with the estimate of the rows so far."""
        running = self.__dict__.get("_running")
        if running is not None and running.waits:
            try:
                self._settle()
            except NotFittedError:
                pass
        return super().__getstate__()
