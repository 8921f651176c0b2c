"""The loop: one generator of frozen iterates, its history, its reasons to stop."""

from natfit.optimize.history import History
from natfit.optimize.local import Iterate, Local
from natfit.optimize.loop import Fit, advance, descend, run
from natfit.optimize.stopping import Status

__all__ = ["Fit", "History", "Iterate", "Local", "Status", "advance", "descend", "run"]
