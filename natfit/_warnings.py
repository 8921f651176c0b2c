"""Warnings that point at the user's line, once for each of the user's calls."""

from __future__ import annotations

import sys
import time
import warnings
from types import FrameType

#: Packages whose frames lie between a warning and the line of the user's code that led to it.
_PASSED = ("natfit", "sklearn", "joblib")

#: What runs the workers of joblib: beyond it there is no line of the user's.
_RUNNERS = ("multiprocessing", "threading", "concurrent")

#: The name under which the frame of a call keeps what was said during it.
_SAID = "__natfit_said__"

#: Seconds without a warning after which a worker says it again. A worker outlives a search, and
#: does not know when the next one begins.
_QUIET = 10.0


def warn(message: str, category: type[Warning], key: object = None) -> None:
    """Warn at the line that called natfit, directly or through a pipeline or a search.

    A search of scikit-learn fits many times in one call of the user: what has the same ``key`` is
    said once in each such call, and once by each worker where threads or processes share it.

    Parameters
    ----------
    message : str
        What is said.
    category : type
        A subclass of Warning.
    key : hashable, optional
        What is said once; the message itself by default.
    """
    call, level, worker = _call()
    # The locals of a frame live as long as its call: unlike an id they cannot be taken for those
    # of a later call.
    said = call.f_locals.setdefault(_SAID, {})
    what, now = (category, key or message), time.monotonic()
    before = said.get(what)
    said[what] = now
    if before is None or (worker and now - before > _QUIET):
        warnings.warn(message, category, stacklevel=level)


def _call() -> tuple[FrameType, int, bool]:
    """Return the frame that the user's code called, the level of that code, and whether a worker.

    Returns
    -------
    frame : frame
        The outermost frame of natfit and of the packages that call it.
    level : int
        What ``warnings.warn`` in the caller of this function takes as ``stacklevel``.
    worker : bool
        Whether a worker of joblib made the call, which has no line of the user's.
    """
    call = sys._getframe(2)
    frame, level, by_joblib = call.f_back, 3, False
    while frame is not None:
        root = _module(frame).split(".")[0]
        if by_joblib and root in _RUNNERS:
            return frame, level, True
        if root not in _PASSED:
            break
        by_joblib |= root == "joblib"
        call, frame, level = frame, frame.f_back, level + 1
    return call, level, False


def passed_on_by() -> str:
    """Return the module outside natfit that called it; scikit-learn's wrapper of fit is skipped."""
    frame: FrameType | None = sys._getframe(1)
    name = ""
    while frame is not None:
        name = _module(frame)
        if not name.startswith(("natfit", "sklearn.callback")):
            break
        frame = frame.f_back
    return name


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
