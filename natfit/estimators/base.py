"""What every estimator shares: components resolved in fit, callbacks, warnings, clean failure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning

from natfit.optimize import Status
from natfit.optimize.engine import Engine, resolve_engine


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

        Every task that begins ends, also the one whose step was not found. Returns None when
        no callback is set, so that such a fit pays nothing.
        """
        if not getattr(self, "_skl_callbacks", None):
            return None
        data = {"estimator": self, "X": X, "y": y, "metadata": metadata}
        state: dict[str, Any] = {"task": None}

        def hook(iterate: Any, done: bool) -> bool:
            stop = False
            if state["task"] is not None:
                stop = state["task"].call_on_fit_task_end(
                    **data, reconstruction_attributes=lambda: fitted(iterate)
                )
                state["task"] = None
            if not (done or stop):
                state["task"] = context.subcontext(task_name="iteration")
                state["task"].call_on_fit_task_begin(**data)
            return bool(stop)

        return hook

    def _warn(self, status: Status, message: str, engine: Engine) -> None:
        """Warn unless the fit ended well, or as it was asked to."""
        if not engine.ended_as_asked(status):
            warnings.warn(f"{type(self).__name__}: {message}", ConvergenceWarning, stacklevel=5)
