"""One point of the loop: the frozen iterate, the problem as seen from it, why a fit ended."""

from natfit.iterate.iterate import Iterate
from natfit.iterate.local import Local
from natfit.iterate.rounding import noise
from natfit.iterate.status import Status

__all__ = ["Iterate", "Local", "Status", "noise"]
