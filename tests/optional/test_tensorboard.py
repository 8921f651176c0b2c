"""Event files of TensorBoard, read by its own reader."""

import numpy as np
import pytest

from natfit import NaturalPolicyEstimator

pytest.importorskip("tensorboard")

# The package's own warnings say nothing about natfit.
pytestmark = pytest.mark.filterwarnings("default")


def test_columns_are_scalars_at_the_steps_played(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = (
        NaturalPolicyEstimator("cartpole", "linear", max_iter=3, random_state=0).fit().history_
    )
    history.to_tensorboard(tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run")).Reload()
    found = events.Scalars("rollout/mean_return")
    assert [e.step for e in found] == history["env_steps"].tolist()
    np.testing.assert_allclose([e.value for e in found], history["mean_return"], rtol=1e-6)
    assert (
        "train/kl" in events.Tags()["scalars"] and "time/seconds_update" in events.Tags()["scalars"]
    )
