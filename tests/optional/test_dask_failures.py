"""What happens to fits whose cluster fails: workers that die, memory, Ctrl-C, a lost scheduler."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

from natfit import NaturalMLE, NaturalRegressor  # noqa: E402

# The cluster's own warnings (ports, workers that died) say nothing about natfit.
pytestmark = pytest.mark.filterwarnings("default")

PARTS = ((700, 0, 1, 1_299, 1_000),)


def cluster(n_workers=2, **options):
    fixed = {"threads_per_worker": 1, "processes": True, "dashboard_address": None}
    return distributed.LocalCluster(n_workers=n_workers, **{**fixed, **options})


def columns(n=3_000):
    rng = np.random.default_rng(8)
    X = rng.normal(size=(n, 3))
    return X, rng.poisson(np.exp(X @ [0.3, -0.2, 0.1])).astype(float)


def in_partitions(X, y):
    return da.from_array(X, chunks=(*PARTS, 3)), da.from_array(y, chunks=PARTS)


class At:
    """Do something once, at the end of an iteration of a fit."""

    def __init__(self, n, what):
        self.n, self.what, self.done = n, what, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **told):
        pass

    def on_fit_task_end(self, estimator, context, **told):
        self.done += 1
        if self.done == self.n:
            self.what()


def same_fit(one, other):
    np.testing.assert_array_equal(one.coef_["rate"], other.coef_["rate"])
    np.testing.assert_array_equal(one.cov_params(), other.cov_params())
    assert (one.loglik_, one.n_iter_) == (other.loglik_, other.n_iter_)


def test_a_worker_killed_in_a_fit_gives_the_same_bits_and_one_note():
    data = in_partitions(*columns())
    with cluster() as local, distributed.Client(local) as client:
        whole = NaturalRegressor("poisson").fit(*data)
        assert "worker" not in "".join(whole.history_.notes)

        def kill():
            pid = client.run(os.getpid, workers=[next(iter(client.scheduler_info()["workers"]))])
            os.kill(next(iter(pid.values())), signal.SIGKILL)

        hurt = NaturalRegressor("poisson").set_callbacks(At(2, kill)).fit(*data)
        same_fit(hurt, whole)
        assert hurt.history_.notes[-1].count("1 worker of the cluster died") == 1
        assert "worker" not in "".join(hurt.history_.notes[:-1])


def exhausted(block):
    """Die as a process does that the system ends because memory is used up."""
    if len(block) == 1_299:
        os._exit(137)
    return block


@pytest.mark.parametrize("kind", ["regression", "density"])
def test_workers_that_die_of_a_partition_are_an_error_that_names_one(kind):
    X, y = in_partitions(*columns())
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        cluster() as local,
        distributed.Client(local),
    ):
        with pytest.raises(RuntimeError, match=r"^partition \d .*workers died .*smaller"):
            if kind == "density":
                NaturalMLE("normal").fit(X.map_blocks(exhausted, meta=np.zeros((0, 3)))[:, :1])
            else:
                model = NaturalRegressor("poisson")
                model.fit(X.map_blocks(exhausted, meta=np.zeros((0, 3))), y)


def waiting(block, path):
    """Say that a pass is running, and do not come to an end."""
    Path(path).touch()
    time.sleep(20)
    return block


@pytest.mark.parametrize("where", ["cluster", "threads"])
def test_ctrl_c_ends_a_pass_and_leaves_the_estimator_as_it_was(where, tmp_path):
    X, y = columns(200)
    path = tmp_path / "running"
    model = NaturalMLE("normal").fit(y[:, None])
    before = model.theta_.copy()
    slow = da.from_array(y[:, None], chunks=(100, 1)).map_blocks(
        waiting, str(path), meta=np.zeros((0, 1))
    )

    def interrupt():
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    def fit():
        thread = threading.Thread(target=interrupt)
        thread.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            model.fit(slow)
        thread.join()
        return time.monotonic() - began

    if where == "threads":
        # Threads of this process cannot be ended: the pass is left when its tasks have come back.
        with dask.config.set(scheduler="threads"):
            fit()
    else:
        with cluster() as local, distributed.Client(local):
            assert fit() < 15
    np.testing.assert_array_equal(model.theta_, before)


def test_a_fit_whose_cluster_was_lost_goes_on_with_warm_start():
    data = in_partitions(*columns())
    whole = NaturalRegressor("poisson").fit(*columns())
    model = NaturalRegressor("poisson", warm_start=True)
    with cluster(1, processes=False) as local, distributed.Client(local) as client:
        at = At(1, client.close)
        with pytest.raises(RuntimeError, match="warm_start=True"):
            model.set_callbacks(at).fit(*data)
    assert not hasattr(model, "coef_")
    with dask.config.set(scheduler="sync"):
        model.set_callbacks().fit(*data)
    np.testing.assert_allclose(model.coef_["rate"], whole.coef_["rate"], rtol=1e-6)
    assert model.n_iter_ < whole.n_iter_


def test_processes_that_dask_starts_give_the_same_bits():
    # Dask starts processes anew for each pass: one pass is enough here.
    data = in_partitions(*columns())[0][:, :1]
    with dask.config.set(scheduler="sync"):
        want = NaturalMLE("normal").fit(data)
    with dask.config.set(scheduler="processes", num_workers=2):
        found = NaturalMLE("normal").fit(data)
    np.testing.assert_array_equal(found.theta_, want.theta_)
    assert found.loglik_ == want.loglik_
