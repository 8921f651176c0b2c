"""The loop: one generator of frozen iterates, its history, its reasons to stop."""

from natfit.iterate import Iterate, Local
from natfit.iterate.status import Status
from natfit.optimize.history import History
from natfit.optimize.loop import Fit, advance, descend, run

__all__ = ["Fit", "History", "Iterate", "Local", "Status", "advance", "descend", "run"]
