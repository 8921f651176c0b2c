"""The protocol of a fit: one frozen task, numbered phases, one result."""

from natfit.fitting.protocol import PHASES, fit
from natfit.fitting.result import Joined, Result, join
from natfit.fitting.task import Task

__all__ = ["PHASES", "Joined", "Result", "Task", "fit", "join"]
