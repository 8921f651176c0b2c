"""The loop of the optimiser: a generator of frozen iterates, their history, reasons to stop."""

from natfit.iterate import Iterate, Local, Status
from natfit.optimize.engine import Engine
from natfit.optimize.history import History
from natfit.optimize.loop import advance, descend
from natfit.optimize.messages import Verdict
from natfit.optimize.outlook import Outlook, outlook
from natfit.optimize.run import Fit, run

__all__ = [
    "Engine",
    "Fit",
    "History",
    "Iterate",
    "Local",
    "Outlook",
    "Status",
    "Verdict",
    "advance",
    "descend",
    "outlook",
    "run",
]
