"""Calls that intervals refuse: method, arguments, options, error, words of the message."""

import numpy as np

DATA = {"X": "the data"}
BOOT = {"method": "bootstrap", "X": "the data"}
REJECTED = {
    "a level in percent": ("conf_int", (95,), {}, ValueError, "got 95; try 0.95"),
    "a level of one": ("estimate", ("mean",), {"level": 1.0}, ValueError, "level must be"),
    "a method": ("conf_int", (), {"method": "walt"}, ValueError, "did you mean 'wald'"),
    "a scale": ("estimate", ("mean",), {"scale": "ln"}, ValueError, "scale must be"),
    "no data for profiles": ("conf_int", (), {"method": "profile"}, ValueError, "as X"),
    "no data for a bootstrap": ("conf_int", (), {"method": "bootstrap"}, ValueError, "as X"),
    "no data for scores": ("conf_int", (), {"cov_type": "robust"}, ValueError, "as X"),
    "other data": (
        "conf_int",
        (),
        {"cov_type": "robust", "X": np.arange(1.0, 41.0)},
        ValueError,
        "must be the data of the fit",
    ),
    "groups without their type": (
        "conf_int",
        (),
        {"groups": np.zeros(40)},
        ValueError,
        "cov_type='cluster' only",
    ),
    "few resamples": ("conf_int", (), {**BOOT, "n_resamples": 5}, ValueError, "n_resamples"),
    "a kind": ("conf_int", (), {**BOOT, "kind": "basic"}, ValueError, "kind must be"),
    "a way of drawing": ("conf_int", (), {**BOOT, "resample": "r"}, ValueError, "resample must be"),
    "no processes": ("conf_int", (), {**BOOT, "n_jobs": 0}, ValueError, "n_jobs must not be 0"),
    "a misspelt keyword": ("conf_int", (), {"alpha": 0.05}, TypeError, "alpha"),
    "a misspelt name": ("estimate", ("pff", 0.1), {}, ValueError, "did you mean 'ppf'"),
    "a number": ("estimate", (0.1,), {}, TypeError, "must be a function"),
    "NaN": ("estimate", (lambda d: np.nan,), {}, ValueError, "must be finite"),
    "no number": ("estimate", (lambda d: "1",), {}, TypeError, "must be a number"),
    "a probability": ("estimate", ("ppf", 1.5), {}, ValueError, r"probabilities in \[0, 1\]"),
    "an end": ("estimate", ("ppf", 1.0), {}, ValueError, "must be finite"),
    "a value outside a scale": (
        "estimate",
        ("mean",),
        {"scale": "logit"},
        ValueError,
        "scale='logit' is for values inside",
    ),
    "a covariance that is not used": (
        "conf_int",
        (),
        {**BOOT, "cov_type": "robust"},
        ValueError,
        "rests on no covariance matrix",
    ),
    "a scale that is not used": (
        "estimate",
        ("mean",),
        {**BOOT, "scale": "log"},
        ValueError,
        "the same on every scale",
    ),
    "a tuple of nothing": ("conf_int", (), {"of": ()}, TypeError, "must be a function"),
}
