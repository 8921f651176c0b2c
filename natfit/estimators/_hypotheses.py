"""Tests of hypotheses about the parameters of a fitted density."""

from __future__ import annotations

from natfit.estimators._estimates import Estimates


class HypothesisTests(Estimates):
    """Tests of hypotheses about the parameters of a fitted density."""
