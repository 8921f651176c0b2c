"""Warnings that point at the user's line, once for each of the user's calls."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

#: Packages whose frames lie between a warning and the line of the user's code that led to it.
_PASSED = ("natfit", "sklearn", "joblib")

#: The name under which the frame of a call keeps what was said during it.
_SAID = "__natfit_said__"


def warn(message: str, category: type[Warning], key: object = None) -> None:
    """Warn at the line that called natfit, directly or through a pipeline or a search.

    A search of scikit-learn fits many times in one call of the user: what has the same ``key`` is
    said once in each such call. Workers in other processes have no line of the user's; there it
    is said once for each batch of fits.

    Parameters
    ----------
    message : str
        What is said.
    category : type
        A subclass of Warning.
    key : hashable, optional
        What is said once; the message itself by default.
    """
    frame: FrameType | None = sys._getframe(1)
    call, level = frame, 2
    while frame is not None and _is_passed(frame):
        # What runs a worker lives as long as the process: it is no call of the user's.
        if not frame.f_globals.get("__name__", "").startswith("joblib.externals"):
            call = frame
        frame, level = frame.f_back, level + 1
    if call is not None:
        # The locals of a frame live as long as its call: unlike an id they cannot be taken for
        # those of a later call.
        said = call.f_locals.setdefault(_SAID, set())
        if (category, key or message) in said:
            return
        said.add((category, key or message))
    warnings.warn(message, category, stacklevel=level)


def passed_on_by() -> str:
    """Return the module outside natfit that called it; scikit-learn's wrapper of fit is skipped."""
    frame: FrameType | None = sys._getframe(1)
    name = ""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("natfit", "sklearn.callback")):
            return name
        frame = frame.f_back
    return name


def _is_passed(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").split(".")[0] in _PASSED
