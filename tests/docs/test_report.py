"""The report with peers: its judge on constructed answers, its page from stored figures."""

import copy
import json
import math
import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest
from scipy import stats

from tests.benchmarks.report import __main__ as command
from tests.benchmarks.report import battery, contest, digest, field, machine, oracle, page, policies
from tests.benchmarks.report import regressions as models
from tests.benchmarks.report.contest import ROOT, Contest, Fit
from tests.benchmarks.report.laws import FAR, LAWS
from tests.benchmarks.report.oracle import Answer
from tests.benchmarks.report.rows import CENSORING, Rows
from tests.benchmarks.report.tools import TOOLS
from tests.test_readme import generator

STORED = json.loads((ROOT / "docs/benchmarks.json").read_text(encoding="utf-8"))
WRITTEN = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")

# ------------------------------------------------------------------------------------ the judge


@pytest.mark.parametrize(
    ("answer", "value", "word"),
    [
        (Answer((1.0,)), -10.0, "right"),
        (Answer((1.0,)), -10.0099, "right"),
        (Answer((1.0,), "RuntimeWarning: overflow"), -10.0, "right, but warned"),
        (Answer((1.0,)), -10.02, "silent failure"),
        (Answer((np.nan,)), -np.inf, "silent failure"),
        (Answer((1.0,)), np.nan, "silent failure"),
        (Answer((1.0,), "not converged"), -10.02, "failed and said so"),
        (Answer(None, "ValueError: no"), -np.inf, "failed and said so"),
        (Answer(None, "more than 1 s", late=True), -np.inf, "no answer in time"),
    ],
)
def test_words(answer, value, word):
    assert oracle.verdict(answer, value, best=-10.0) == word
    assert word in oracle.WORDS


def test_all_that_a_fit_says_is_heard():
    def loud():
        warnings.warn("steps are small", UserWarning, stacklevel=1)
        return (1.0,), ""

    def old():
        warnings.warn("will change", FutureWarning, stacklevel=1)
        return (1.0,), ""

    def printed():
        print("WARNING: the fit is poor")
        return (1.0,), ""

    def broken():
        raise ValueError("two rows\nat least")

    assert oracle.asked(loud).said == "UserWarning: steps are small"
    assert oracle.asked(old).said == ""
    assert oracle.asked(printed).said == "WARNING: the fit is poor"
    assert oracle.asked(lambda: ((1.0,), "not converged")).said == "not converged"
    failed = oracle.asked(broken)
    assert failed.args is None and failed.said == "ValueError: two rows at least"


def test_an_endless_fit_is_stopped():
    def endless():
        while True:
            pass

    answer = oracle.asked(endless, patience=0.05)
    assert answer.late and answer.args is None


def test_the_best_known_value_is_that_of_the_closed_form():
    y = np.random.default_rng(0).normal(3.0, 2.0, 50)
    value, args, settled = oracle.best_known(LAWS["normal"], Rows(y), (0.5, 1.0), [])
    assert value == pytest.approx(stats.norm.logpdf(y, y.mean(), y.std()).sum(), abs=1e-8)
    assert args == pytest.approx((y.mean(), y.std()), abs=1e-3)
    assert settled


def test_an_answer_above_the_search_raises_what_is_known(monkeypatch):
    monkeypatch.setattr(
        oracle, "polished", lambda law, rows, start: (law.loglik(start, rows), start, True)
    )
    law, rows = LAWS["normal"], Rows(np.array([-1.0, 0.0, 1.5]))
    found = oracle.best_known(law, rows, (3.0, 1.0), [(0.0, 1.0), (9.0, 1.0)])
    assert found == (law.loglik((0.0, 1.0), rows), (0.0, 1.0), True)
    lower = oracle.best_known(law, rows, (0.0, 1.0), [(9.0, 1.0)])
    assert lower == found


def test_a_likelihood_without_a_maximum_is_left_out():
    """Below shape -1 the density of the GEV is infinite at the end of its support."""
    law, rows = LAWS["gev"], battery.Setting("gev", "shape 0.2", 60, "right, 90 %").data()
    _, args, settled = oracle.best_known(law, rows, (-0.2, 0.5, 1.0), [])
    assert args[0] == pytest.approx(1.0) and not settled
    rows = battery.Setting("gev", "shape 0.2", 60, "all known").data()
    assert oracle.best_known(law, rows, (-0.2, 0.5, 1.0), [])[2]


# ------------------------------------------------------------------------------------- its laws


@pytest.mark.parametrize("name", LAWS)
def test_natfit_amounts_to_the_arguments_of_the_law(name):
    """natfit's estimate is at a maximum of the law: a wrong map of parameters would not be."""
    law = LAWS[name]
    truth = next(iter(law.truths))
    setting = battery.Setting(name, truth, max(law.sizes), "all known")
    rows = setting.data()
    args, said = TOOLS["natfit"].fit(name, rows)
    value = law.loglik(args, rows)
    assert said == "" and np.isfinite(value)
    u = law.to_line(args)
    for k in range(len(u)):
        for step in (-1e-3, 1e-3):
            near = law.from_line(u + step * (np.arange(len(u)) == k), args)
            assert law.loglik(near, rows) < value
    assert law.loglik(law.truths[truth], rows) < value


@pytest.mark.parametrize("name", [name for name, law in LAWS.items() if law.has_unit])
def test_units_and_origins_change_the_likelihood_by_a_constant(name):
    law = LAWS[name]
    truth, args = next(iter(law.truths.items()))
    shift = 1e3 if law.can_shift else 0.0
    for kind in CENSORING:
        rows = battery.Setting(name, truth, 60, kind).data()
        moved, there = rows.moved(shift, 1e4), law.moved(args, shift, 1e4)
        gap = law.loglik(there, moved) + len(rows.exact) * math.log(1e4)
        assert gap == pytest.approx(law.loglik(args, rows), abs=1e-4)
        assert battery._home(law, there, shift, 1e4) == pytest.approx(args, abs=1e-9)


def test_limits_have_their_likelihood():
    y = np.array([0.0, 3.0, 2.0, 5.0])
    poisson = stats.poisson.logpmf(y, 2.5).sum()
    assert LAWS["negative_binomial"].loglik((2.5, np.inf), Rows(y)) == pytest.approx(poisson)
    assert LAWS["negative_binomial"].native({"mean": 2.5, "n": np.inf}) == (2.5, FAR)
    law, known = LAWS["generalized_gamma"], stats.lognorm(0.5, scale=2.0)
    near = law.native({"scale": 2.0, "sigma": 0.5, "q": 0.0})
    rows = Rows(y[1:], right=np.array([3.0]), low=np.array([1.0]), high=np.array([2.0]))
    value = known.logpdf(y[1:]).sum() + known.logsf(3.0) + np.log(known.cdf(2.0) - known.cdf(1.0))
    assert law.loglik(near, rows) == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize("shapes", [(2.0, 1.5), (30.0, 0.5), (2000.0, 0.1), (1.0, -2.0)])
def test_the_generalized_gamma_is_that_of_scipy(shapes):
    y, law = np.geomspace(0.5, 3.0, 7), LAWS["generalized_gamma"]
    scale = stats.gengamma.ppf(0.5, *shapes) ** -1.0
    scipy = stats.gengamma(*shapes, scale=scale)
    args = law.read(*shapes, 0.0, scale)
    assert law.own.logpdf(y, *args) == pytest.approx(scipy.logpdf(y), rel=1e-7)
    assert law.own.sf(y, *args) == pytest.approx(scipy.sf(y), rel=1e-7)
    assert law.own.cdf(y, *args) == pytest.approx(scipy.cdf(y), rel=1e-7)


def test_settings_are_many_and_distinct():
    names = [setting.name for setting in battery.settings()]
    assert len(set(names)) == len(names) > 300
    assert sum(len(setting.units()) for setting in battery.settings()) > 1000
    assert {s.kind for s in battery.settings()} >= {*CENSORING, "outlier", "far origin"}


@pytest.mark.parametrize("kind", CENSORING)
def test_censored_rows_hold_the_values(kind):
    y = np.random.default_rng(2).gamma(2.0, size=200)
    rows = CENSORING[kind](y)
    assert rows.n == 200 and rows.censored == (kind != "all known")
    hidden = np.setdiff1d(y, rows.exact)
    if len(rows.low):
        assert (rows.low <= np.asarray(y)).all() and (y <= rows.high).all()
    assert (hidden >= rows.right.max(initial=-np.inf)).all() or kind != "right, 50 %"
    taken = rows.for_natfit()
    assert len(taken) == 200


def test_the_judge_sees_silent_failures_of_a_tool(monkeypatch):
    """One tool is wrong in small units without a word, one says so."""
    right = TOOLS["natfit"].fit

    def wrong(said):
        def fit(name, rows):
            args, _ = right(name, rows)
            small = rows.exact.max() < 1e-3
            return (args if not small else (0.5 * args[0], *args[1:])), said if small else ""

        return fit

    for name, said in (("scipy", ""), ("statsmodels", "not converged")):
        tool = TOOLS[name]
        made = type(tool)("natfit", lambda name, rows: True, wrong(said), "")
        monkeypatch.setitem(TOOLS, name, made)
    monkeypatch.setattr(battery, "installed", lambda: ("natfit", "scipy", "statsmodels"))
    case = battery.judged(battery.Setting("gamma", "shape 2.5", 60, "all known"))
    words = {(a["tool"], a["unit"]): a["word"] for a in case["answers"]}
    assert {u for (t, u), w in words.items() if w == "silent failure"} == {1e-9, 1e-4}
    assert {t for (t, u), w in words.items() if w == "silent failure"} == {"scipy"}
    assert words["statsmodels", 1e-9] == "failed and said so"
    part = {"tolerance": 0.01, "patience": 1.0, "tools": {}, "cases": [case]}
    found = battery.digest(part | {"installed": ["natfit", "scipy", "statsmodels"]})
    assert found["shared"]["scipy"] == {"fits": 5, "natfit": 0, "peer": 2}
    assert found["words"]["all"]["natfit"] == {"right": 5}
    assert found["by_family"]["gamma"]["scipy"] == {"right": 3, "silent failure": 2}
    (failure,) = found["failures"]["scipy"]
    assert failure["name"] == "gamma/shape 2.5/60 rows/all known"
    assert failure["units"] == [1e-9, 1e-4] and failure["below"] > 0.01
    assert found["failures"]["natfit"] == []


# ------------------------------------------------------------------------------------- contests


def race(**more):
    """A contest of natfit with fits that are missing, broken, wrong and fast."""
    y = np.array([1.0, 2.0, 4.0])

    def value(fitted, rows):
        return float(stats.norm.logpdf(rows, fitted, 1.0).sum())

    def slow(rows):
        sum(range(100_000))
        return rows.mean()

    def broken(rows):
        raise RuntimeError("no")

    fits = {
        "natfit": Fit("natfit", slow, value),
        "fast": Fit("numpy", lambda rows: rows.mean(), value),
        "wrong": Fit("numpy", lambda rows: 9.0, value, lambda fitted: "not converged"),
        "broken": Fit("numpy", broken, value),
        "absent": Fit("no_such_package", slow, value),
    }
    return Contest("three rows", lambda: (y,), fits, **more)


def test_a_contest_has_a_cell_for_all():
    row = digest.contest(contest.held(race(), budget=0.0))
    sides = row["sides"]
    assert {name: side["state"] for name, side in sides.items()} == {
        "natfit": "ok",
        "fast": "ok",
        "wrong": "ok",
        "broken": "failed",
        "absent": "not installed",
    }
    assert sides["natfit"]["below"] == 0.0 and sides["natfit"]["rounds"] == contest.ROUNDS[0]
    assert sides["wrong"]["below"] > 1.0 and sides["wrong"]["said"] == "not converged"
    assert sides["fast"]["ratio"][0] < 1.0
    # A wrong answer is no rival, however fast.
    assert row["lost"] == ["slower than fast"]
    shown = page._contests({"a race": row})
    assert "| absent | not installed |" in shown[0]
    assert "| broken | failed |" in shown[0] and "RuntimeError: no" in shown[0]
    assert "**slower than fast**" in shown[0] and "**not the best fit**" in shown[0]
    assert "- a race: natfit is slower than fast." in shown[1]


def test_short_fits_are_timed_together():
    assert contest.repeated(lambda: None) > 10
    assert contest.repeated(lambda: time.sleep(0.2)) == 1
    assert contest.repeated(lambda: 1 / 0, first=9.0) == 1


def test_missing_data_are_said():
    row = digest.contest(contest.held(race(needs="no_such_package"), budget=0.0))
    assert row["sides"] == {} and "no_such_package, which is not installed" in row["missing"]
    assert "no_such_package" in page._contests({"a race": row})[0]


def test_natfit_less_accurate_is_said():
    sides = {
        "natfit": {"state": "ok", "below": 0.5, "ratio": [1.0, 1.0, 1.0]},
        "peer": {"state": "ok", "below": 0.0, "ratio": [3.0, 2.0, 4.0]},
    }
    assert digest.lost(sides) == ["less accurate than peer"]


def test_memory_is_that_of_a_call():
    def large():
        return np.ones(5_000_000).sum()

    found = contest.added(large)
    if found is not None:
        assert 35.0 < found < 60.0
        assert contest.added(lambda: None) < 5.0
        # A process that dies says nothing.
        assert contest.added(lambda: 1 / 0) is None


@pytest.mark.parametrize("name", [n for n, c in field.CONTESTS.items() if c.needs == "natfit"])
def test_natfit_has_the_best_fit_of_field_cases(name):
    case = field.CONTESTS[name]
    found = contest.answered(case.fits["natfit"], case.data())
    assert found["state"] == "ok" and found["said"] == ""
    if case.best is not None:
        assert case.best(*case.data(), found["fitted"]) - found["value"] < oracle.TOLERANCE


@pytest.mark.parametrize("name", ["logistic", "Poisson", "gamma"])
def test_regressions_are_judged_by_one_formula(name, monkeypatch):
    monkeypatch.setattr(models, "N", 500)
    case = models.CONTESTS[name]
    data = case.data()
    few = tuple(array[:500] for array in data)
    values = [
        contest.answered(case.fits[side], few)["value"]
        for side in ("natfit", "scikit-learn, Newton")
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-3)


# ------------------------------------------------------------------------------- machine, size


def test_the_machine_is_described():
    found = machine.described()
    assert found["cores"] >= 1 and found["processor"] and found["memory_gb"] > 0.1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert set(found["versions"]) == set(machine.NAMED)
    assert machine._version("no-such-package") == "not installed"


def test_sizes_follow_requirements():
    assert {"natfit", "numpy", "scipy", "autograd", "scikit-learn"} <= machine.required("natfit")
    assert machine.required("no-such-package") == set()
    assert 0.5 < machine.megabytes("natfit") < 20.0 < machine.megabytes("scipy")


def test_starts_have_times_and_memory(monkeypatch):
    starts = {
        "nothing": ("json", "import json"),
        "a list": ("json", "x = [0.0] * 10_000_000"),
        "absent": ("no_such_package", "import no_such_package"),
        "broken": ("json", "raise SystemExit(3)"),
    }
    monkeypatch.setattr(machine, "STARTS", starts)
    found = machine.starts(1)
    assert found["absent"] == "not installed" and found["broken"] == "failed"
    assert len(found["nothing"]) == 1
    memory = machine.memory()
    if memory["nothing"] is not None:
        assert memory["a list"] > memory["nothing"] + 70.0
    part = {"sizes": machine.sizes(), "starts": found, "memory": memory}
    text = "\n".join(page._start(digest.start(part)))
    assert "| absent | not installed | - |" in text and "| natfit |" in text


def test_kept_runs_with_the_peer_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(policies, "KEPT", tmp_path / "rl.json")
    assert policies.kept() is None
    times = {"linear peer": [100.0], "linear natfit": [500.0]}
    (tmp_path / "rl.json").write_text(json.dumps({"throughput": times}))
    assert re.search(r"linear, built-in +100 +500 +5\.0", policies.kept())
    shown = page._policies({"rows": {}, "kept": policies.kept()})
    assert any("linear, built-in" in text for text in shown)
    assert "not installed" not in "".join(shown)


# --------------------------------------------------------------------------------------- page


def test_the_page_is_that_of_its_figures():
    assert page.written(STORED) == WRITTEN, 'run make report ARGS="--page"'
    assert "make report" in "\n".join(WRITTEN.splitlines()[:4])


def test_the_stored_figures_are_whole():
    assert STORED["quick"] is False
    assert all("error" not in STORED[part] for part in command.PARTS)
    assert STORED["battery"]["fits"] > 1000
    assert set(STORED["machine"]["threads"].values()) == {"1"}
    # Strict JSON: no NaN, no Infinity.
    json.dumps(STORED, allow_nan=False)


def test_the_numbers_follow_from_the_figures():
    assert STORED["headline"] == digest.headline(STORED)
    changed = copy.deepcopy(STORED)
    changed["battery"]["shared"]["scipy"]["peer"] += 1000
    name = "fits that fail silently"
    assert digest.headline(changed)[name] != digest.headline(STORED)[name]


def test_readme_has_the_numbers_of_the_figures():
    """Pages that have the block have these numbers; the command that fills it is make tables."""
    module = generator()
    table = page.measured(STORED)
    assert module.TABLES["measured"]() == table
    filled = module.updated("<!-- measured -->\n\nold\n\n<!-- end -->\n")
    assert "old" not in filled and table in filled
    for text in (p.read_text(encoding="utf-8") for p in module.PAGES):
        if "<!-- measured -->" in text:
            assert table in text


def test_a_part_that_failed_is_a_sentence():
    broken = copy.deepcopy(STORED)
    for part in command.PARTS:
        broken[part] = {"error": "its process ended with code -11"}
    text = page.written(broken)
    assert text.count("This part was not measured: its process ended with code -11.") == 5
    words = digest.headline(broken)
    assert [words[k] for k in ("fits that fail silently", "time", "start")] == [digest.MISSING] * 3


def test_a_missing_tool_is_a_row():
    without = copy.deepcopy(STORED)
    without["battery"]["installed"] = ["natfit", "scipy"]
    assert "| lifelines | not installed |" in page.written(without)


def test_an_interrupted_run_leaves_the_page(tmp_path, monkeypatch):
    for name in ("benchmarks.md", "benchmarks.json"):
        (tmp_path / name).write_text("old")

    def interrupted(found):
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "written", interrupted)
    with pytest.raises(KeyboardInterrupt):
        command.publish(STORED, tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old", "old"]


def test_other_parts_keep_their_last_figures(tmp_path, monkeypatch):
    store = tmp_path / "report.json"
    store.write_text(json.dumps({"parts": {"field": 1, "policies": 2}}))
    monkeypatch.setattr(command, "apart", lambda part, quick: 3)
    assert command.report(["field"], False, store)["parts"] == {"field": 3, "policies": 2}
    # A quick run has nothing of a whole one.
    assert command.report(["field"], True, store)["parts"] == {"field": 3}


def test_the_number_of_certified_digits_is_that_of_its_page(tmp_path):
    path = tmp_path / "certified.md"
    assert digest.certified(path) == digest.MISSING
    path.write_text(
        "<!-- certified: summary -->\n\n"
        "| table | rows | fewest digits of what was found | no optimum, and it says so |\n"
        "| --- | --- | --- | --- |\n| [a](#a) | 9 | 15 | 0 |\n| [b](#b) | 12 | 5 | 3 |\n\n"
        "<!-- end -->\n"
    )
    assert digest.certified(path).startswith("at least 5 digits in 18 of 21 fits; in the other 3")
    path.write_text("<!-- certified: summary -->\n\n| a |\n| - |\n\n<!-- end -->")
    assert digest.certified(path) == digest.MISSING


def test_the_page_has_the_digits_of_now():
    assert STORED["certified"] == digest.certified(), 'run make report ARGS="--page"'


def test_a_process_that_dies_is_a_message(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    assert command.apart("field", True) == {"error": "its process ended with code 1"}


@pytest.mark.slow
def test_the_command_writes_a_page(tmp_path):
    run = [sys.executable, "-m", "tests.benchmarks.report", "--quick", "--to", str(tmp_path)]
    run += ["--part", "field", "policies"]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    text = (tmp_path / "benchmarks.md").read_text()
    assert "sea levels, Port Pirie" in text and "A quick run" in text
    assert "This part was not measured: it was not asked for." in text
    again = (tmp_path / "benchmarks.json").read_text()
    subprocess.run([*run[:3], "--page", "--to", str(tmp_path)], cwd=ROOT, check=True)
    assert (tmp_path / "benchmarks.json").read_text() == again
