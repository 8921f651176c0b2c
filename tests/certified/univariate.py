"""Means and standard deviations, by normal fits."""

from __future__ import annotations

from functools import partial

import numpy as np
from mpmath import mp, nstr

import natfit
from tests.certified.digits import Answer, Case, answer
from tests.certified.strd import LEVELS, Dataset, named


def constructed() -> dict[str, tuple[str, np.ndarray, str, str]]:
    """Datasets that NIST describes in words: level, rows, mean and standard deviation."""
    with mp.workdps(5010):
        pi = [float(d) for d in nstr(mp.pi, 5005, strip_zeros=False).replace(".", "")[:5000]]
    # NIST's file has another digit than pi here, and its certified values are those of the file.
    pi[956] -= 5.0
    made = {
        "PiDigits": ("lower", pi, "4.53480000000000", "2.86733906028871"),
        "NumAcc1": ("lower", [10000001.0, 10000003.0, 10000002.0], "10000002", "1"),
    }
    for name, level, whole in [
        ("NumAcc2", "average", "1"),
        ("NumAcc3", "average", "1000000"),
        ("NumAcc4", "higher", "10000000"),
    ]:
        middle, low, high = (float(f"{whole}.{digit}") for digit in (2, 1, 3))
        made[name] = (level, [middle, *[low, high] * 500], f"{whole}.2", "0.1")
    # They are exact: zeros follow.
    return {
        name: (level, np.array(rows), mean.ljust(16, "0") if "." in mean else f"{mean}.0000000", sd)
        for name, (level, rows, mean, sd) in made.items()
    }


def _stored(data: Dataset) -> tuple[str, np.ndarray, str, str]:
    """Return the same four of a file."""
    mean = data.number(r"(?:Sample Mean\s+ybar:|mean +=)")
    sd = data.number(r"(?:\(denom\. = n-1\)\s+s:|standardDeviation +=)")
    return data.level, data.rows[:, 0], mean, sd


def _fitted(rows: np.ndarray, mean: str, sd: str) -> Answer:
    model = natfit.fit("normal", rows, tol=1e-10)
    scale = model.params_["scale"] * np.sqrt(len(rows) / (len(rows) - 1))
    exact = sd if len(sd) > 10 else f"{float(sd):.15f}"
    return answer(model, mean=(model.params_["loc"], [mean]), standard_deviation=(scale, [exact]))


def cases() -> list[Case]:
    """Return a case for each dataset of univariate summaries."""
    found = {data.name: _stored(data) for data in named("Univariate")} | constructed()
    names = sorted(found, key=lambda name: LEVELS.index(found[name][0]))
    return [
        Case("univariate", (name, found[name][0]), partial(_fitted, *found[name][1:]))
        for name in names
    ]
