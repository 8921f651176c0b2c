"""Importing natfit is fast, and imports no package that is not needed."""

import json
import os
import subprocess
import sys

import pytest

#: Seconds of the processor, and the share of what scikit-learn's own base takes there: a busy
#: machine stretches both alike.
LIMIT, SHARE = 0.15, 0.2

REPEATS = 3


def run(code, **environment):
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    return json.loads(out.stdout)


def ever(code, limit, cache):
    """Whether one of several times is within a limit: other processes disturb some of them.

    What is installed has been compiled: the first run does so, also where the environment asks for
    no files beside the sources.
    """
    compiled = {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONDONTWRITEBYTECODE": ""}
    run(code, **compiled)
    return any(run(code, **compiled) <= limit for _ in range(REPEATS))


TIMED = """
import json, time
start = time.process_time()
{first}
between = time.process_time()
{second}
print(json.dumps({value}))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where compiled modules are, for all tests of this file."""
    return tmp_path_factory.mktemp("compiled")


def test_bare_import(cache):
    code = TIMED.format(first="import natfit", second="", value="between - start")
    assert ever(code, LIMIT, cache)


@pytest.mark.slow
def test_estimator_above_scikit_learns_base(cache):
    code = TIMED.format(
        first="from sklearn.base import BaseEstimator",
        second="from natfit import NaturalMLE",
        value="(time.process_time() - between) / (between - start)",
    )
    assert ever(code, SHARE, cache)


LOADED = """
import json, sys
{code}
print(json.dumps([m for m in {modules!r} if m in sys.modules]))
"""

HEAVY = ["matplotlib", "gymnasium", "pandas", "polars", "rich", "autograd", "scipy", "sklearn"]


def test_bare_import_loads_nothing():
    modules = HEAVY + ["numpy"]
    assert run(LOADED.format(code="import natfit", modules=modules)) == []
    assert run(LOADED.format(code="import natfit, numpy", modules=modules)) == ["numpy"]


# scikit-learn imports pandas and scipy.stats with its base, and rich with its callbacks.
_NEW = """
import json, sys, warnings
warnings.simplefilter("ignore")
import sklearn.base, sklearn.callback, sklearn.utils.validation
before, brought = set(sys.modules), {{}}
for code in {codes!r}:
    exec(code)
    brought[code] = [m for m in {modules!r} if m in set(sys.modules) - before]
print(json.dumps(brought))
"""

CODE = [
    "from natfit import NaturalMLE, NaturalGaussianMLE, fit, minimize",
    *(
        f"import natfit; natfit.fit({name!r}, [1.0, 2.0, 4.0, 3.0, 2.0, 3.0, 9.0]).standard_errors_"
        for name in ("normal", "gamma", "poisson", "student_t")
    ),
]


@pytest.mark.slow
def test_nothing_optional_beyond_what_scikit_learn_loads():
    optional = ["matplotlib", "gymnasium", "pandas", "polars", "rich", "scipy.stats"]
    assert run(_NEW.format(codes=CODE, modules=optional)) == {code: [] for code in CODE}


@pytest.mark.slow
def test_works_without_any_optional_package():
    code = """
for name in ("matplotlib", "gymnasium", "pandas", "polars", "rich"): sys.modules[name] = None
import natfit
assert natfit.fit("gamma", [1.0, 2.0, 4.0]).status_ == "converged"
assert "objective" in str(natfit.fit("gamma", [1.0, 2.0, 4.0]).history_)
try: natfit.fit("gamma", [1.0, 2.0, 4.0]).history_.to_frame()
except ImportError as error: assert "natfit[pandas]" in str(error)
for name in ("matplotlib", "gymnasium", "pandas", "polars", "rich"): del sys.modules[name]
"""
    assert run(LOADED.format(code=code, modules=["pandas"])) == []


def test_public_names():
    import natfit

    for name in natfit.__all__:
        assert getattr(natfit, name) is not None
    assert set(natfit.__all__) <= set(dir(natfit))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = natfit.nothing
