"""Every display draws a fitted estimator, or says in words which ones it draws."""

import inspect

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import natfit.display
from natfit import NaturalClassifier, NaturalMLE, NaturalRegressor

matplotlib.use("Agg")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
Y = np.exp(0.3 * X[:, 0] + 0.5 * RNG.normal(size=80))
LABELS = np.where(X[:, 1] + RNG.logistic(size=80) > 0, "b", "a")

FITS = {
    "density": (NaturalMLE("gamma"), (Y[:, None],)),
    "regressor": (NaturalRegressor("gamma_mean"), (X, Y)),
    "classifier": (NaturalClassifier(), (X, LABELS)),
}


@pytest.mark.parametrize("kind", FITS)
@pytest.mark.parametrize("name", natfit.display.__all__)
def test_a_display_draws_or_refuses_in_words(name, kind):
    display = getattr(natfit.display, name)
    estimator, data = FITS[kind]
    fit = estimator.fit(*data)
    positional = [
        p.name
        for p in inspect.signature(display.from_estimator).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    given = {"X": data[0], "y": data[-1]}
    options = {"of": "shape"} if name == "ProfileDisplay" else {}
    try:
        drawn = display.from_estimator(fit, *[given[key] for key in positional[1:]], **options)
    except (TypeError, ValueError) as error:
        words = str(error)
        assert not words.startswith("'")
        assert "attribute" not in words and "argument" not in words
        assert "must be" in words or "needs" in words or "draws" in words
    else:
        assert isinstance(drawn, display)
    finally:
        plt.close("all")
