"""What every estimator shares: components resolved in fit, callbacks, warnings, clean failure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning

from natfit._component import resolve
from natfit._validation import check_number
from natfit.metrics.base import Metric
from natfit.optimize import Status
from natfit.solvers.base import Solver
from natfit.solvers.damping.base import Damping
from natfit.steps.base import Step


@dataclass(frozen=True)
class Engine:
    """The resolved components and limits of one fit."""

    metric: Metric
    solver: Solver
    step: Step
    damping: Damping
    tol: float
    max_iter: int


def resolve_engine(
    metric: Any, solver: Any, step: Any, damping: Any, tol: Any, max_iter: Any
) -> Engine:
    """Resolve and validate what the loop needs.

    ``damping`` may be None (none) or a number (relative to diag(F)), besides a string or an
    object.
    """
    if damping is None:
        damping = "none"
    elif isinstance(damping, int | float) and not isinstance(damping, bool):
        from natfit.solvers.damping.relative import RelativeDamping

        damping = RelativeDamping(damping)
    chosen = resolve(step, Step)
    chosen.check()
    return Engine(
        resolve(metric, Metric),
        resolve(solver, Solver),
        chosen,
        resolve(damping, Damping),
        check_number(tol, "tol", low=0.0, unit="standard errors", hint="1e-5"),
        int(check_number(max_iter, "max_iter", low=1, integer=True, hint="100")),
    )


def bridge_rng(random_state: Any) -> np.random.Generator:
    """One Generator from None, an int, a RandomState or a Generator.

    scikit-learn's ``check_random_state`` refuses Generators; a RandomState is read once for a
    seed.

    Raises
    ------
    ValueError
        For anything else.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31, size=4))
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state >= 0:
            return np.random.default_rng(int(random_state))
    raise ValueError(
        "random_state must be None, an int >= 0, a RandomState or a Generator, "
        f"got {random_state!r}"
    )


class NaturalEstimator(CallbackSupportMixin, BaseEstimator):
    """Base of all estimators."""

    def _engine(self) -> Engine:
        """Resolve this estimator's options; the constructor's arguments stay as they are."""
        return resolve_engine(
            self.metric, self.solver, self.step, self.damping, self.tol, self.max_iter
        )

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Restore the state before the fit if anything is raised, Ctrl-C included."""
        before = dict(self.__dict__)
        try:
            yield
        except BaseException:
            kept = {k: v for k, v in self.__dict__.items() if k.startswith("_callback_fit_ctx")}
            kept |= {k: v for k, v in self.__dict__.items() if k.startswith("_skl_callbacks")}
            self.__dict__.clear()
            self.__dict__.update(before | kept)
            raise

    def _iteration_hook(
        self, context: Any, X: Any, y: Any, metadata: Any, fitted: Callable[[Any], dict]
    ) -> Callable | None:
        """Bridge from the loop to scikit-learn's callbacks: one subtask an iteration.

        Returns None when no callback is set, so that such a fit pays nothing.
        """
        if not getattr(self, "_skl_callbacks", None):
            return None
        state: dict[str, Any] = {}

        def begin() -> None:
            state["task"] = context.subcontext(task_name="iteration")
            state["task"].call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=metadata)

        def hook(iterate: Any) -> bool:
            if iterate.n_iter == 0:
                begin()
                return False
            stop = state["task"].call_on_fit_task_end(
                estimator=self,
                X=X,
                y=y,
                metadata=metadata,
                reconstruction_attributes=lambda: fitted(iterate),
            )
            if not stop and iterate.n_iter < self.max_iter:
                begin()
            return bool(stop)

        return hook

    def _warn(self, status: Status, message: str, engine: Engine) -> None:
        """Warn unless the fit ended well, or as it was asked to."""
        asked = status is Status.MAX_ITER and (engine.tol == 0.0 or not engine.step.converges)
        if status.good or asked or status is Status.STOPPED_BY_CALLBACK:
            return
        warnings.warn(f"{type(self).__name__}: {message}", ConvergenceWarning, stacklevel=4)
