"""Baselines that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.rl.baselines.fourier import FourierBaseline
from natfit.rl.baselines.quadratic import QuadraticBaseline
from tests.broken import caught_by

CHECKS = testing.BASELINE_CHECKS


@caught_by("zeros_before_fit")
class Eager(QuadraticBaseline):
    """Predicts before it has seen anything."""

    def predict(self, state, X):
        return np.ones(len(X)) if state is None else super().predict(state, X)


@caught_by("fits_one_row", "reproduces_constant_targets", "stays_in_range")
class OffByAHundredth(QuadraticBaseline):
    """A constant too much."""

    def predict(self, state, X):
        return super().predict(state, X) + (0.01 if state is not None else 0.0)


@caught_by("fits_linear_targets")
class Shrunk(QuadraticBaseline):
    """A penalty that is no longer small."""

    def __init__(self):
        super().__init__(penalty=1.0)


@caught_by("ignores_units_of_columns")
class TiedToUnits(QuadraticBaseline):
    """Columns are compressed in their own units."""

    def fit(self, X, target, state=None, rng=None):
        return super().fit(20.0 * np.arcsinh(X / 20.0), target, state, rng)

    def predict(self, state, X):
        return super().predict(state, 20.0 * np.arcsinh(X / 20.0))


@caught_by("ignores_constant_columns")
class TrustsConstants(QuadraticBaseline):
    """A column without spread gets an effect."""

    def predict(self, state, X):
        value = super().predict(state, X)
        if state is None:
            return value
        moved = (X - state.columns.mean) * ~state.columns.varies
        return np.clip(value + 1e-3 * moved.sum(axis=1), state.low, state.high)


@caught_by("stays_in_range")
class ExtrapolatesFreely(QuadraticBaseline):
    """Predictions are not cut, columns neither."""

    def predict(self, state, X):
        if state is None:
            return super().predict(state, X)
        z = (X - state.columns.mean) / state.columns.scale * state.columns.varies
        return self._predict(state.parts, z)


@caught_by("follows_seed", "ignores_units_of_columns")
class OwnFeatures(FourierBaseline):
    """Features are not drawn from the generator that is given."""

    def _draw(self, z, before, rng):
        return super()._draw(z, before, np.random.default_rng())


@caught_by("goes_on_from_pickle")
class Impermanent(QuadraticBaseline):
    """The state does not pickle."""

    def _draw(self, z, before, rng):
        return {"note": lambda: None}


@caught_by("leaves_arguments_alone")
class OverwritesState(QuadraticBaseline):
    """A fit modifies the state from which it continues."""

    def fit(self, X, target, state=None, rng=None):
        after = super().fit(X, target, state, rng)
        if state is not None:
            state.parts["weight"][:] = 0.0
        return after


@caught_by("refuses_bad_data")
class OverlooksNaN(QuadraticBaseline):
    """What is not finite becomes zero in silence."""

    def fit(self, X, target, state=None, rng=None):
        clean = (np.nan_to_num(a, posinf=0.0, neginf=0.0) for a in (X, target))
        return super().fit(*clean, state, rng)
