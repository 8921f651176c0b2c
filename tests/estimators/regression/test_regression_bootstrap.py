"""The bootstrap of regressions: processes, resamples without a fit, callbacks."""

import joblib
import numpy as np
import pytest

from natfit import NaturalClassifier, NaturalRegressor


@pytest.mark.parametrize("resample", ["rows", "parametric"])
def test_a_bootstrap_has_the_same_bits_whatever_the_number_of_processes(resample):
    x, rng = np.arange(60.0)[:, None], np.random.default_rng(0)
    y = rng.poisson(np.exp(0.02 * x[:, 0]))
    model = NaturalRegressor("poisson").fit(x, y)
    options = {"method": "bootstrap", "X": x, "y": y, "n_resamples": 40, "resample": resample}
    one = model.conf_int(**options)
    with joblib.parallel_config(backend="threading"):
        two = model.conf_int(n_jobs=2, **options)
    assert all(np.array_equal(one[name], two[name]) for name in one)
    other = model.conf_int(random_state=1, **options)
    assert not np.array_equal(one["rate[x0]"], other["rate[x0]"])


def test_resamples_without_a_class_are_left_out():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(60, 1)), np.array(["a", "b"])[rng.integers(0, 2, 60)]
    labels[:2] = "c"
    model = NaturalClassifier(alpha=0.1).fit(x, labels)
    with pytest.warns(RuntimeWarning, match="of 40 fits to resampled rows did not converge"):
        found = model.conf_int(method="bootstrap", X=x, y=labels, n_resamples=40, of="a[x0]")
    assert np.isfinite(found["a[x0]"]).all()


def test_callbacks_see_a_bootstrap_as_one_task():
    seen = []

    class Tasks:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            seen.append(context.task_name)

        def on_fit_task_end(self, estimator, context, **given):
            pass

        def teardown(self, estimator, context):
            pass

    x = np.arange(30.0)[:, None]
    y = np.random.default_rng(0).poisson(3.0, 30)
    model = NaturalRegressor("poisson").fit(x, y).set_callbacks(Tasks())
    model.conf_int(method="bootstrap", X=x, y=y, n_resamples=40)
    assert seen == ["bootstrap", *["replicate"] * 40]
