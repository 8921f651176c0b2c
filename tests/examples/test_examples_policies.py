"""The examples of policies say what dynamic programming, Riccati and least squares say."""

import importlib.util
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import solve_discrete_lyapunov

matplotlib.use("Agg")

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.slow


def played(name, tmp_path, capsys):
    """Run a script; return its module and what it computed."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    results, compute = [], module.compute
    module.compute = lambda: results.append(compute()) or results[-1]
    path = tmp_path / "new" / "figure.png"
    module.main(["--output", str(path)])
    assert capsys.readouterr().out.splitlines()[-1] == f"figure: {path}"
    assert path.read_bytes().startswith(PNG)
    matplotlib.pyplot.close("all")
    return module, results[0]


def near(evaluation, exact):
    """Tell whether a mean is within four of its standard errors of its expectation."""
    return abs(evaluation.mean - exact) < 4.0 * evaluation.standard_error


def assigned(values, skills):
    """The best expected earnings by the recursion of Derman, Lieberman and Ross (1972)."""
    best = np.zeros(0)
    for _ in values:
        # The i-th poorest job gets the worker whose skill lies between the i-th and the next cut.
        cuts = np.r_[-np.inf, best, np.inf]
        best = np.array(
            [np.clip(skills, cuts[i], cuts[i + 1]).mean() for i in range(len(best) + 1)]
        )
    return np.sort(values) @ best


def earned(agent, module):
    """The exact mean return of a greedy policy, by enumeration of the open jobs and the skills."""
    n, skills, after = module.N_JOBS, module.SKILLS, {(): 0.0}
    for size in range(1, n + 1):
        for jobs in combinations(range(n), size):
            open_ = np.isin(np.arange(n), jobs)
            masks = np.tile(open_, (len(skills), 1))
            given = agent.predict(np.column_stack([skills, masks]), action_masks=masks)
            left = [after[tuple(job for job in jobs if job != one)] for one in given]
            after[jobs] = float(np.mean(skills * module.VALUES[given] + left))
    return after[tuple(range(n))]


def test_a_policy_with_masks_is_near_the_optimum_and_knows_the_rules_at_once(tmp_path, capsys):
    module, result = played("plot_masks", tmp_path, capsys)
    optimum = assigned(module.VALUES, module.SKILLS)
    assert result["optimum"] == pytest.approx(optimum, rel=1e-12)
    masked, free = result["returns"].values()
    agents, evaluations = result["agents"], result["evaluations"]
    for agent, evaluation in zip(
        agents["masked assignment"], evaluations["masked assignment"], strict=True
    ):
        exact = earned(agent, module)
        assert 0.99 * optimum < exact <= optimum
        assert near(evaluation, exact)
    for evaluation in evaluations["free assignment"]:
        assert 0.97 * optimum < evaluation.mean < optimum + 4.0 * evaluation.standard_error
    # At first jobs are given out by lot; without masks some of them are taken.
    assert_allclose(masked[:, 0], result["uniform"], atol=3.0)
    assert np.all(free[:, :10].mean(axis=1) < 0.9 * masked[:, :10].mean(axis=1))


def returned(module, chances):
    """The exact mean return of a machine whose actions have given probabilities (5, 3) by wear."""
    wear = np.arange(module.WORN + 1)
    after = np.zeros(len(wear))
    left = np.column_stack([wear, np.maximum(wear - 2, 0), np.zeros_like(wear)])
    for _ in range(module.WEEKS):
        then = np.mean([after[np.minimum(left + k, module.WORN)] for k in range(3)], axis=0)
        q = module.EARNINGS - module.LOSS * left - module.COSTS + then
        after = np.sum(chances * q, axis=1)
    return after[0]


def test_logs_say_what_the_policy_earns_until_few_of_them_decide(tmp_path, capsys):
    module, result = played("plot_logged_data", tmp_path, capsys)
    wear = np.arange(module.WORN + 1)
    exact = returned(module, result["stopped"].predict_proba(wear))
    operators = returned(module, np.tile(module.CHOICES, (len(wear), 1)))
    assert near(result["truth"], exact)
    for found in result["methods"].values():
        assert abs(found.estimate - exact) < 3.0 * found.standard_error
    assert exact > operators + 5.0
    assert result["operators"] == pytest.approx(operators, abs=1.0)
    assert result["stopped"].status_ == "few_effective"
    stop, effective = result["stop"], result["effective"]
    assert effective[:stop].min() >= module.MINIMUM > effective[stop]
    # One update at a time is the same fit.
    last = result["stopped"].history_["estimated_return"][-1]
    assert last == pytest.approx(result["fitted"][stop - 1], rel=1e-9)
    gap = result["held_out"] - result["played"]
    assert np.all(np.abs(gap) < 3.0 * result["errors"])
    assert result["errors"][-1] > 3.0 * result["errors"][stop - 1]
    assert np.all(result["fitted"][-5:] > result["played"][-5:] + 1.0)


def test_a_clone_is_a_least_squares_fit_and_training_ends_at_the_riccati_gain(tmp_path, capsys):
    module, result = played("plot_imitation", tmp_path, capsys)
    for seed, path in enumerate(result["gains"]["clone"]):
        states, actions = module.demonstrations(20, np.random.default_rng(seed))
        columns = np.column_stack([states, np.ones(len(states))])
        want = -np.linalg.lstsq(columns, actions, rcond=None)[0][:2, 0]
        assert_allclose(path[0], want, rtol=1e-6)
        assert_allclose(want, module.GAIN[0], atol=0.15)
    # x' P x is what a gain costs, where P solves Lyapunov's equation.
    dt = 0.1
    a, b = np.array([[1.0, dt], [0.0, 1.0]]), np.array([[0.5 * dt**2], [dt]])
    for gain, found in (
        (module.GAIN, result["demonstrator"]),
        (result["riccati"], result["optimum"]),
        (result["gains"]["clone"][:1, -1], result["costs"]["clone"][0, -1]),
    ):
        p = solve_discrete_lyapunov((a - b @ gain).T, np.eye(2) + 0.1 * gain.T @ gain)
        exact = np.einsum("ni,ij,nj->n", result["starts"], p, result["starts"]).mean()
        assert found == pytest.approx(exact, rel=1e-3)
    clone, nothing = result["costs"].values()
    assert_allclose(clone[:, 0], result["demonstrator"], rtol=0.1)
    for costs in (clone, nothing):
        assert np.all(costs[:, -1] < 1.01 * result["optimum"])
    first, half = 1, len(result["updates"]) // 2
    assert np.all(clone[:, first] < 0.5 * nothing[:, first])
    assert np.all(clone[:, half] > nothing[:, half])
