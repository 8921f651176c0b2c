"""Rollouts on a dask cluster of processes: `make test-dask`, not a part of `make test`."""

import joblib
import numpy as np
import pytest

from natfit import NaturalPolicyEstimator

distributed = pytest.importorskip("distributed")

# The cluster's own warnings (ports, imports of other packages) say nothing about natfit.
pytestmark = pytest.mark.filterwarnings("default")


def test_results_do_not_depend_on_the_cluster():
    options = {"n_envs": 4, "batch_size": 256, "max_iter": 3, "random_state": 0}
    alone = NaturalPolicyEstimator("gymnasium:CartPole-v1", **options).fit()
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cl,
        distributed.Client(cl) as client,
        joblib.parallel_config("dask"),
    ):
        client.wait_for_workers(2)
        assert joblib.effective_n_jobs() == 2
        spread = NaturalPolicyEstimator("gymnasium:CartPole-v1", **options).fit()
    np.testing.assert_array_equal(spread.theta_, alone.theta_)
    for name in ("mean_return", "kl", "surrogate_gain"):
        np.testing.assert_array_equal(spread.history_[name], alone.history_[name])
