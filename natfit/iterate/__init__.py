"""One state of the loop: the frozen iterate, the problem as seen from it, and the statuses.

Step rules use these classes: they get a :class:`Local`, try points, keep a :class:`Trial` for each
point that they refuse, and return the next :class:`Iterate`, or the same one with a
:class:`Status`.
"""

from natfit.iterate.iterate import Iterate
from natfit.iterate.local import Local
from natfit.iterate.rounding import noise, refined, rounding_at
from natfit.iterate.status import Status
from natfit.iterate.trial import Trial, Why

__all__ = ["Iterate", "Local", "Status", "Trial", "Why", "noise", "refined", "rounding_at"]
