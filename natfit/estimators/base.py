"""What all estimators share: components resolved in fit, callbacks, warnings, clean failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning

from natfit._component import Component, resolve
from natfit._validation import check_parameters, keywords
from natfit._warnings import warn
from natfit.coordinates import Coordinates
from natfit.damping.base import Damping
from natfit.distributions.base import Distribution
from natfit.estimators._keywords import check_options
from natfit.metrics.base import Metric
from natfit.models import Model
from natfit.optimize import Status
from natfit.optimize.engine import Engine, resolve_damping, resolve_engine
from natfit.rows import Pieces, Rows
from natfit.solvers.base import Solver
from natfit.steps.base import Step

#: The kinds of components that all estimators take.
KINDS: dict[str, type[Component]] = {
    "distribution": Distribution,
    "metric": Metric,
    "solver": Solver,
    "step": Step,
    "damping": Damping,
    "coordinates": Coordinates,
    "policy": Model,
}


class NaturalEstimator(CallbackSupportMixin, BaseEstimator):
    """Base of all estimators."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Refuse a keyword that the constructor does not take, and say which is meant."""
        estimator = super().__new__(cls)
        if kwargs:
            known = keywords(cls.__init__) or ()
            given = {**dict(zip(known, args, strict=False)), **kwargs}
            check_options(cls.__init__, given, cls.__name__, estimator._kinds())
        return estimator

    def _kinds(self) -> dict[str, type[Component]]:
        """Parameters for which a string may stand for an object, and the kind of each."""
        return KINDS

    def set_params(self, **params: Any) -> NaturalEstimator:
        """Set parameters; a nested name such as ``step__epsilon`` also works if step is a string.

        ``step="backtracking"`` is shorthand for an object. If one of its options is set, the object
        replaces the string.

        Returns
        -------
        self
            The estimator.
        """
        check_parameters(self, params)
        nested = {k: v for k, v in params.items() if "__" in k}
        super().set_params(**{k: v for k, v in params.items() if k not in nested})
        for name in {k.split("__")[0] for k in nested}:
            value = getattr(self, name, None)
            if name == "damping" and not isinstance(value, Damping):
                self.damping = resolve_damping(value)
            elif name in self._kinds() and isinstance(value, str):
                setattr(self, name, resolve(value, self._kinds()[name]))
        return super().set_params(**nested)

    def _engine(self) -> Engine:
        """Return the resolved options; the constructor's arguments are not changed."""
        return resolve_engine(
            self.metric, self.solver, self.step, self.damping, self.tol, self.max_iter
        )

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Restore the state before the fit if anything is raised, including by Ctrl-C."""
        before = dict(self.__dict__)
        try:
            yield
            self.__dict__.pop("_reached", None)
        except BaseException:
            kept = {k: v for k, v in self.__dict__.items() if k.startswith("_callback_fit_ctx")}
            kept |= {k: v for k, v in self.__dict__.items() if k.startswith("_skl_callbacks")}
            # Where a fit to rows elsewhere had got to when they were lost.
            kept |= {k: v for k, v in self.__dict__.items() if k == "_reached"}
            self.__dict__.clear()
            self.__dict__.update(before | kept)
            raise

    def _iteration_hook(
        self, context: Any, X: Any, y: Any, metadata: Any, fitted: Callable[[Any], dict]
    ) -> Callable | None:
        """Return a hook of the loop that reports each iteration to scikit-learn's callbacks.

        Each iteration is a subtask. Every subtask that begins also ends, even if its step was not
        found. Without callbacks the hook is None, so that a fit pays nothing for it.

        Returns
        -------
        callable or None
            ``hook(iterate, done) -> bool``, which returns True to stop the fit.
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

    def _keeping(self, rows: Rows, hook: Callable | None, reached: Callable[[Any], Any]) -> Any:
        """Return a hook that also keeps where a fit to rows in pieces is, for a warm start.

        Parameters
        ----------
        rows : Rows
            The rows of the fit; for those in this process the hook stays as it is.
        hook : callable or None
            As :meth:`_iteration_hook` returns it.
        reached : callable
            What to keep of an iterate.

        Returns
        -------
        callable or None
        """
        if not isinstance(rows, Pieces):
            return hook

        def keeping(iterate: Any, done: bool) -> bool:
            self._reached = reached(iterate)
            return bool(hook is not None and hook(iterate, done))

        return keeping

    def _warn(self, status: Status, message: str, engine: Engine) -> None:
        """Warn unless the fit reached an optimum or ended as the caller asked."""
        if not engine.ended_as_asked(status):
            name = type(self).__name__
            warn(f"{name}: {message}", ConvergenceWarning, (name, str(status)))
