"""A trial is a frozen record, and the trials of a search are told in words."""

import dataclasses

import numpy as np
import pytest

from natfit.iterate import Trial, Why
from natfit.iterate.trial import refusals


def test_words_of_trials():
    domain = Trial(1.0, np.nan, np.nan, Why.DOMAIN)
    lower = Trial(0.25, 3.0, 0.1, Why.NO_DECREASE)
    assert refusals([domain]) == "1 trial was refused (domain 1), length 1"
    assert (
        refusals([domain, lower, lower])
        == "3 trials were refused (no decrease 2, domain 1), lengths 1 to 0.25"
    )


def test_no_trial_has_words_too():
    assert refusals(()) == "nothing was tried: the objective does not fall along the direction"


def test_trials_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Trial(1.0, 2.0, 0.1, Why.ROUNDING).length = 0.5


def test_reasons_are_their_words():
    assert [str(why) for why in Why] == [
        "domain",
        "not finite",
        "no decrease",
        "divergence",
        "rounding",
    ]
