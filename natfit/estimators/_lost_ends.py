"""What is said of ends of intervals that were not found: an error for one, else a warning."""

from __future__ import annotations

from natfit._warnings import warn
from natfit.inference.interval import EndNotFound


def named(name: str, error: EndNotFound) -> EndNotFound:
    """Return an error with the name of the number whose interval has no end.

    Returns
    -------
    EndNotFound
    """
    out = EndNotFound(f"{name}: {error.reason}", error.remedy, error.higher)
    out.interval, out.refit = error.interval, error.refit
    return out


def say_lost(lost: dict[str, EndNotFound], asked: int) -> None:
    """Raise the error of the only number that was asked for, else warn with all names.

    Parameters
    ----------
    lost : dict of EndNotFound
        The numbers whose intervals lack an end, by name.
    asked : int
        How many numbers were asked for.

    Raises
    ------
    EndNotFound
        If one was.

    Warns
    -----
    UserWarning
        If several were: those that were not found are NaN.
    """
    if not lost:
        return
    if asked == 1:
        error = named(*next(iter(lost.items())))
        raise error
    said = ". ".join(f"{name}: {error}" for name, error in lost.items())
    warn(
        f"the intervals of {', '.join(lost)} have ends that were not found, which are NaN. {said}",
        UserWarning,
    )
