"""What a family declares of its limits in a window."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class End:
    """A limit at which one parameter runs to an end of its range in a window.

    Attributes
    ----------
    name : str
        The parameter.
    side : str
        ``lower`` or ``upper``: the end of its range.
    needs : str
        Which end of the window must cut the support: ``low``, ``high`` or ``either``.
    words : str
        The family at the limit.
    power : float
        Power of the unit of y in the parameter: 0 for a shape, 1 for a scale, -1 for a rate.
    """

    name: str
    side: str
    needs: str
    words: str
    power: float = 0.0
