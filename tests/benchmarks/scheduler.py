"""What a pass over partitions costs: a closed formula, a simulated scheduler, and its latencies.

Run ``python -m tests.benchmarks.scheduler`` where dask[distributed] is installed: it measures the
latencies on a LocalCluster, compares the simulation with passes of that cluster, and prints the
table of docs/scale.md from what it found. ``--stated`` prints the table from :data:`STATED`, which
is the one in the document. :func:`simulate` and :func:`closed` need no dask.

The simulated scheduler does what Dask's does with a graph of independent tasks and a tree of sums:
the graph is read task by task before anything runs; then one thread sends tasks and hears that
they ended, a task after another; a worker with one thread has at most two partitions, one of which
waits; a sum is sent at once to where its last part is, and is made before the next partition.
"""

from __future__ import annotations

import heapq
import math
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Neighbours that one task of the tree adds.
FAN_IN = 8
#: Tasks that a worker with one thread has at once: distributed.scheduler.worker-saturation.
AHEAD = 2
#: Minus the level in the tree, and the place there: what is higher goes first.
Task = tuple[int, int]


@dataclass(frozen=True)
class Costs:
    """Seconds, as they were measured on a LocalCluster of two processes.

    Attributes
    ----------
    graph : float
        Of the client and the scheduler for each task before the first one starts.
    submit : float
        Of the scheduler for each task that it sends and hears the end of.
    latency : float
        From the scheduler to a worker or back.
    byte : float
        For each byte from worker to worker.
    """

    graph: float
    submit: float
    latency: float
    byte: float


#: What the document states; this script measures it anew.
STATED = Costs(graph=0.5e-3, submit=3.5e-3, latency=1.3e-3, byte=1.2e-9)


def levels(n_tasks: int, fan_in: int = FAN_IN) -> list[int]:
    """Return the number of tasks of each level of the tree, from the partitions to the root."""
    found = [n_tasks]
    while found[-1] > 1:
        found.append(-(-found[-1] // fan_in))
    return found


def simulate(
    n_tasks: int,
    n_workers: int,
    work: float,
    submit: float,
    latency: float,
    graph: float = 0.0,
    node: float = 0.0,
    fan_in: int = FAN_IN,
) -> float:
    """Return the seconds of a pass by a simulation of its events.

    Parameters
    ----------
    n_tasks, n_workers : int
        Partitions, and workers of one thread each.
    work : float
        Seconds of a worker for a partition.
    submit, latency, graph : float
        See :class:`Costs`.
    node : float
        Seconds of a worker for one sum of the tree, with the transfer of what it adds.
    fan_in : int
        Neighbours that one task of the tree adds.

    Returns
    -------
    float
        From the call of the client until it has the sum.
    """
    sizes = levels(n_tasks, fan_in)
    waiting = [[0] * size for size in sizes]
    for level in range(1, len(sizes)):
        for child in range(sizes[level - 1]):
            waiting[level][child // fan_in] += 1
    # The request of the client arrives, and the whole graph is read before anything is sent.
    now = latency + graph * sum(sizes)
    partitions = iter(range(n_tasks))
    queues: list[list[Task]] = [[] for _ in range(n_workers)]
    running: list[Task | None] = [None] * n_workers
    events: list[tuple[float, str, int, Task]] = []

    def send(task: Task | None, worker: int) -> None:
        nonlocal now
        if task is not None:
            now += submit / 2
            heapq.heappush(events, (now + latency, "arrives", worker, task))

    for worker in [w for _ in range(AHEAD) for w in range(n_workers)]:
        send(next(((0, index) for index in partitions), None), worker)
    while True:
        at, what, worker, task = heapq.heappop(events)
        level, index = -task[0], task[1]
        if what == "arrives":
            heapq.heappush(queues[worker], task)
        elif what == "ends":
            running[worker] = None
            heapq.heappush(events, (at + latency, "heard", worker, task))
        else:
            now = max(now, at) + submit / 2
            if level == len(sizes) - 1:
                return now + latency
            parent = index // fan_in
            waiting[level + 1][parent] -= 1
            if not waiting[level + 1][parent]:
                send((-level - 1, parent), worker)
            if not level:
                send(next(((0, index) for index in partitions), None), worker)
        if running[worker] is None and queues[worker]:
            running[worker] = task = heapq.heappop(queues[worker])
            heapq.heappush(events, (at + (node if task[0] else work), "ends", worker, task))


def terms(
    n_tasks: int,
    n_workers: int,
    work: float,
    submit: float,
    latency: float,
    graph: float = 0.0,
    node: float = 0.0,
    fan_in: int = FAN_IN,
) -> dict[str, float]:
    """Return the terms of the closed formula in seconds; arguments as for :func:`simulate`.

    Returns
    -------
    dict of str to float
        ``graph``: reading it. ``scheduling``: the one thread that sends tasks and hears their ends.
        ``work``: the worker with most partitions, which waits for messages where they take longer.
        ``tree``: the levels after the last partition. ``ends``: from the client and back.
    """
    sizes = levels(n_tasks, fan_in)
    rounds, depth = -(-n_tasks // n_workers), len(sizes) - 1
    share = max((sum(sizes) - n_tasks) / n_workers - depth, 0.0)
    there_and_back = 2 * latency + submit
    each = max(work, (work + there_and_back) / AHEAD)
    return {
        "graph": graph * sum(sizes),
        "scheduling": submit * sum(sizes),
        "work": work + (rounds - 1) * each + node * share + submit * min(n_tasks, n_workers) / 2,
        "tree": depth * (there_and_back + node),
        "ends": 4 * latency,
    }


def closed(n_tasks: int, n_workers: int, work: float, *costs: float, **more: Any) -> float:
    """Return the seconds of a pass by the closed formula; arguments as for :func:`simulate`.

    The scheduler's thread and the workers go on at the same time, and the longer of them counts::

        graph + max(scheduling, work) + tree + ends
    """
    t = terms(n_tasks, n_workers, work, *costs, **more)
    return t["graph"] + max(t["scheduling"], t["work"]) + t["tree"] + t["ends"]


@dataclass(frozen=True)
class Plan:
    """A pass over many rows: N rows of D features, P parameters, blocks of B rows, m workers.

    Attributes
    ----------
    rows, parameters, block, workers : float
        N, P (as many numbers a row, with y: P + 1), B and m.
    rate : float
        Numbers of N P^2 that a worker's core adds a second.
    read : float
        Bytes a second that a worker reads where the rows do not stay in memory; inf where they do.
    """

    rows: float
    parameters: int
    block: float
    workers: int
    rate: float
    read: float = float("inf")

    def seconds(self, costs: Costs) -> dict[str, Any]:
        """Return the terms of a pass, and its total by the formula; ``call`` is what they are of."""
        p, n = self.parameters, math.ceil(self.rows / self.block)
        up = 8 * (1 + p + p * (p + 1) / 2)
        work = self.block * (p * p / self.rate + 8 * (p + 1) / self.read)
        node = (FAN_IN - 1) * up * costs.byte
        call = (n, self.workers, work, costs.submit, costs.latency, costs.graph, node)
        return {
            "tasks": n,
            "down": 8.0 * p * n,
            "up": up * n,
            **terms(*call),
            "total": closed(*call),
            "call": call,
        }


#: N P^2 a second and core of a pass of a Poisson regression, by P, as :func:`rate` measures it.
RATES = {20: 2.7e9, 200: 2e10}


def rate(p: int, n: int) -> float:
    """Return N P^2 a second of the processor for value, gradient and information of n rows."""
    from natfit.distributions import Poisson
    from natfit.models.linear_predictors import LinearPredictors
    from natfit.objectives import Regression
    from natfit.rows import Memory

    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p - 1))
    y = rng.poisson(np.exp(X @ np.full(p - 1, 0.05))).astype(float)
    family, taken = Poisson(), []
    model = LinearPredictors({"rate": None}).bind(p - 1, family)
    objective = Regression(family, model, Memory(y, X))
    for k in range(5):
        theta, began = np.full(p, 1e-3 * k), time.process_time()
        objective.value_and_grad(theta)
        objective.information(theta).dense()
        taken.append(time.process_time() - began)
    return n * p**2 / statistics.median(taken)


def table(costs: Costs = STATED, simulated: bool = False) -> str:
    """Return the table of the document: passes over 1e12 rows by 1,000 workers."""
    names = ["P", "rows a block", "partitions", "down", "up"]
    names += ["graph", "scheduling", "work", "tree", "pass", "simulated"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for p, blocks in ((20, (1e7, 1e8, 2e8, 5e8)), (200, (1e6, 1e7, 1e8))):
        for block in blocks:
            t = Plan(1e12, p, block, 1_000, RATES[p]).seconds(costs)
            cells = [f"{p}", f"{block:.0e}", f"{t['tasks']:,}"]
            cells += [f"{t[k] / 1e6:,.3g} MB" for k in ("down", "up")]
            cells += [f"{t[k]:.3g} s" for k in ("graph", "scheduling", "work", "tree", "total")]
            cells += [f"{simulate(*t['call']):.3g} s" if simulated else "-"]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


# ------------------------------------------------------------------- what a LocalCluster needs


def _wait(index: int, seconds: float) -> tuple[float, float]:
    """Sleep; return when it began and 1.0, so that sums have something to add."""
    began = time.time()
    time.sleep(seconds)
    return began, 1.0


def _add(parts: list[tuple[float, float]]) -> tuple[float, float]:
    return min(p[0] for p in parts), sum(p[1] for p in parts)


def _pass(client: Any, n: int, seconds: float) -> tuple[float, float]:
    """Return seconds until the first task began, and until the sum was here."""
    import dask

    began = time.time()
    level = [dask.delayed(_wait, pure=False)(k, seconds) for k in range(n)]
    while len(level) > 1:
        groups = [level[k : k + FAN_IN] for k in range(0, len(level), FAN_IN)]
        level = [dask.delayed(_add, pure=False)(group) for group in groups]
    first, count = client.compute(level[0]).result()
    assert count == n
    return first - began, time.time() - began


def _next(value: float) -> float:
    return value + 1.0


def _ones(n: int) -> Any:
    import numpy as np

    return np.ones(n)


def _length(array: Any) -> int:
    return len(array)


def measured(client: Any) -> Costs:
    """Return the costs of a cluster, medians of several measurements."""
    import dask

    _pass(client, 64, 0.0)
    big, small = 1_024, 128
    found = {n: [_pass(client, n, 0.0) for _ in range(5)] for n in (small, big)}
    first, total = (
        {n: statistics.median(pair[k] for pair in found[n]) for n in found} for k in (0, 1)
    )
    tasks = sum(levels(big)) - sum(levels(small))
    graph = (first[big] - first[small]) / tasks
    submit = (total[big] - total[small]) / tasks - graph
    chains = []
    for _ in range(5):
        value = dask.delayed(_next)(0.0)
        for _ in range(200):
            value = dask.delayed(_next, pure=False)(value)
        with dask.config.set({"optimization.fuse.active": False}):
            began = time.perf_counter()
            client.compute(value, optimize_graph=False).result()
        chains.append((time.perf_counter() - began) / 200 - graph)
    latency = (statistics.median(chains) - submit) / 2
    workers = list(client.scheduler_info()["workers"])
    moves = []
    for _ in range(5):
        there = client.submit(_ones, 1 << 22, workers=workers[:1], pure=False)
        client.submit(_length, there, workers=workers[:1], pure=False).result()
        began = time.perf_counter()
        client.submit(_length, there, workers=workers[1:2], pure=False).result()
        moves.append(time.perf_counter() - began)
    byte = (statistics.median(moves) - 4 * latency) / (8 << 22)
    return Costs(graph, submit, latency, byte)


def main(arguments: list[str]) -> None:
    """Print costs, passes of the cluster beside their simulation, and the table."""
    if "--stated" in arguments:
        print(table(simulated=True))
        return
    print("rates:", {p: f"{rate(p, n):.3g}" for p, n in ((20, 1_000_000), (200, 100_000))})
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        costs = measured(client)
        print("measured:", costs)
        print(f"{'partitions':>10s}{'work':>8s}{'pass':>10s}{'simulated':>11s}{'closed':>10s}")
        for n in (16, 64, 512):
            for work in (0.0, 0.002, 0.02):
                took = statistics.median(_pass(client, n, work)[1] for _ in range(3))
                call = (n, 2, work, costs.submit, costs.latency, costs.graph)
                line = f"{took:10.3f}{simulate(*call):11.3f}{closed(*call):10.3f}"
                print(f"{n:10d}{work:8.3f}{line}", flush=True)
    print(table(costs, simulated=True))


if __name__ == "__main__":
    main(sys.argv[1:])
