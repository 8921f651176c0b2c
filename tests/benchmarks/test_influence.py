"""Influence of a million rows: passes over the rows, and time in passes of the log-density."""

import numpy as np
import pytest
from measure import interleave, log_density_pass, ratio, record
from scipy import stats

import natfit
from natfit.rows import Memory

N = 1_000_000

KNOWN = {
    "normal": stats.norm(1.0, 2.0),
    "gamma": stats.gamma(2.0, scale=1.5),
    "student_t": stats.t(5.0),
    "weibull": stats.weibull_min(1.5, scale=2.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_influence_of_a_million_rows(name, benchmark, monkeypatch):
    y = KNOWN[name].rvs(N, random_state=0)
    model = natfit.fit(name, y)
    passes, inner = [], Memory._values

    def counted(self, part, args, size):
        passes.append(part.__name__)
        return inner(self, part, args, size)

    with monkeypatch.context() as patch:
        patch.setattr(Memory, "_values", counted)
        model.influence(y)
    times = interleave(
        3,
        influence=lambda: model.influence(y),
        log_density=log_density_pass(model, y),
        scores=lambda: Memory(y).map(
            lambda block: model.distribution_.log_prob_and_score(block.y, model._eta)[1]
        ),
    )
    benchmark.pedantic(model.influence, (y,), rounds=1)
    record(benchmark, f"influence of {N} rows, {name}: passes", float(len(passes)), 2.0)
    record(benchmark, f"influence of {N} rows, {name}: s", min(times["influence"]), unit="s")
    record(
        benchmark,
        f"influence of {N} rows, {name}: passes of the scores",
        ratio(times, "influence", "scores"),
    )
    record(
        benchmark,
        f"influence of {N} rows, {name}: passes of the log-density",
        ratio(times, "influence", "log_density"),
    )


def test_refits_that_influence_stands_for(benchmark):
    """One thousand rows of each family, of which the 100 most influential are left out."""
    for name, known in KNOWN.items():
        y = known.rvs(1_000, random_state=0)
        model = natfit.fit(name, y, tol=1e-9)
        found = model.influence(y)
        rows = found.top(100)["row"]
        true = [model._refit(np.delete(y, i)[:, None])._eta[0] for i in rows]
        gap = np.array(true) - model._eta[0]
        least = min(np.corrcoef(gap[:, k], found.theta[rows, k])[0, 1] for k in range(gap.shape[1]))
        benchmark.extra_info[f"{name}: least correlation with refits"] = least
        record(benchmark, f"influence against refits, {name}: 1 - least correlation", 1.0 - least)
        assert least > 0.999
    benchmark.pedantic(model.influence, (y,), rounds=1)
