"""The summary of a fitted density, information criteria, and the groups of a mixture."""

from __future__ import annotations

from natfit.estimators._estimates import Estimates


class Statements(Estimates):
    """The summary of a fitted density, information criteria, and the groups of a mixture."""
