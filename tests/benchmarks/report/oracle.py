"""The judge of every tool: the best known log-likelihood, and what an answer is called.

The best known value is the largest that simplex searches of scipy's density reach from the true
parameters and from the best answer of any tool, or that any answer has itself. An answer fails if
it is not finite or more than TOLERANCE below. It fails *silently* if nothing was said either: no
error, no warning of any kind, no flag of the result.
"""

from __future__ import annotations

import io
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from tests.benchmarks.report.laws import Args, Law
from tests.benchmarks.report.rows import Rows

#: Nats in total below the best known value at which an answer fails: a likelihood ratio of 1.01,
#: which no interval or test would notice.
TOLERANCE = 0.01

#: Nats that the last restart of a search may gain if there is to be a maximum.
SETTLED = 1e-3

#: What answers are called: the last three failed.
WORDS = ("right", "right, but warned", "failed and said so", "no answer in time", "silent failure")

#: Warnings that say nothing of a fit.
OF_CODE = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning)


@dataclass(frozen=True)
class Answer:
    """What a tool returned.

    Attributes
    ----------
    args : tuple of float or None
        The law's arguments at the estimate; None if there is none.
    said : str
        The first line of errors, warnings and flags; empty if nothing was said.
    late : bool
        Whether it was stopped.
    seconds : float
        Seconds of the processor.
    """

    args: Args | None
    said: str = ""
    late: bool = False
    seconds: float = 0.0


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block after some seconds of processor time."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def asked(fit: Callable[[], tuple[Args, str]], patience: float = 20.0) -> Answer:
    """Return what ``fit() -> (arguments, flag)`` answers, and all that it says on the way."""
    args, said, late = None, "", False
    began = time.process_time()
    quiet = io.StringIO()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            with limited(patience), redirect_stdout(quiet), redirect_stderr(quiet):
                args, said = fit()
        except TimeoutError as error:
            late, said = True, str(error)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
    seconds = time.process_time() - began
    told = [f"{w.category.__name__}: {w.message}" for w in seen if not told_of_code(w.category)]
    told += [line for line in quiet.getvalue().splitlines() if "WARNING" in line.upper()]
    said = said or next(iter(told), "")
    return Answer(args, " ".join(said.split())[:160], late, seconds)


def told_of_code(category: type[Warning]) -> bool:
    """Tell whether a warning is about code to come, not about a fit."""
    return issubclass(category, OF_CODE)


def verdict(answer: Answer, value: float, best: float, tolerance: float = TOLERANCE) -> str:
    """Return the word for an answer whose log-likelihood is ``value``."""
    if answer.late:
        return "no answer in time"
    if answer.args is not None and np.isfinite(value) and best - value <= tolerance:
        return "right, but warned" if answer.said else "right"
    return "failed and said so" if answer.said else "silent failure"


def polished(law: Law, rows: Rows, start: Args) -> tuple[float, Args, bool]:
    """Search by simplexes, each from where the last one ended.

    Parameters
    ----------
    law, rows : Law, Rows
        The likelihood.
    start : tuple of float
        Arguments at which the search begins.

    Returns
    -------
    float, tuple, bool
        The log-likelihood, its arguments, and whether the last simplex gained next to nothing.
    """

    def lower(u: np.ndarray) -> float:
        value = -law.loglik(law.from_line(u, start), rows)
        return value if np.isfinite(value) else 1e12

    u, gained = law.to_line(start), 0.0
    if not len(u) or not np.isfinite(u).all():
        return law.loglik(start, rows), start, True
    for _ in range(5):
        options = {"maxfev": 200 * (len(u) + 1), "xatol": 1e-7, "fatol": 1e-7, "adaptive": True}
        found = optimize.minimize(lower, u, method="Nelder-Mead", options=options)
        gained, u = lower(u) - found.fun, found.x
        if gained < 1e-5:
            break
    return -lower(u), law.from_line(u, start), gained < SETTLED


def best_known(law: Law, rows: Rows, truth: Args, answers: list[Args]) -> tuple[float, Args, bool]:
    """Return the best known log-likelihood, its arguments, and whether there seems to be one.

    The search from the best answer is left out where that from the truth ended at the same value.
    """
    found = polished(law, rows, truth)
    values = [(law.loglik(args, rows), args) for args in answers]
    value, args = max(values, key=lambda pair: pair[0], default=(-np.inf, truth))
    if abs(value - found[0]) > TOLERANCE / 10.0 and np.isfinite(value):
        other = polished(law, rows, args)
        found = max(found, other, key=lambda end: end[0])
    settled = found[2] and not at_the_end(law, found[1])
    return max(found[0], value), found[1], settled


def at_the_end(law: Law, args: Args) -> bool:
    """Tell whether the region in which the law has maxima ends beside the arguments."""
    u = law.to_line(args)
    steps = 0.02 * np.vstack([np.eye(len(u)), -np.eye(len(u))])
    return not all(law.inside(*law.from_line(u + step, args)) for step in steps)
