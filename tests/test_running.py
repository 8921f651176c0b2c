"""How the suite is run: the lowest versions, and what the quick selection takes."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import quick

FILE = Path(__file__).parents[1] / ".ci" / "oldest.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("oldest", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SETUP = """
[options]
install_requires =
    numpy >=1.26.4
    scikit-learn >=1.9
[options.extras_require]
test =
    pytest-xdist >=3.6.1
    numpy >=1.26.4
docs =
    sphinx >=8.0
"""


def test_constraints_are_the_lowest_versions(script):
    found = script.oldest(SETUP, ["test"])
    assert found == ["numpy==1.26.4", "scikit-learn==1.9", "pytest-xdist==3.6.1", *script.CAPS]


def test_every_requirement_of_the_tests_has_a_lowest_version(script):
    found = [line.split("==")[0] for line in script.oldest(script.SETUP.read_text(), ["test"])]
    assert {"numpy", "scipy", "autograd", "scikit-learn", "pytest"} <= set(found)


@pytest.mark.parametrize(
    ("line", "message"),
    [("numpy >=2.0", "two lowest versions of numpy"), ("numpy", "'numpy' is not of the form")],
)
def test_requirements_without_one_lowest_version_are_refused(script, line, message):
    text = SETUP.replace("    sphinx >=8.0", f"    {line}")
    with pytest.raises(ValueError, match=message):
        script.oldest(text, ["docs"])


class Item:
    """The attributes of a pytest item that the selection reads."""

    def __init__(self, nodeid, slow=False, **params):
        self.nodeid, self.slow = nodeid, slow
        if params:
            self.callspec = SimpleNamespace(params=params)

    def get_closest_marker(self, name):
        return name if self.slow else None


def selected(items):
    return sorted(item.nodeid for item in quick(items))


def test_quick_takes_one_case_of_a_test_and_of_a_check():
    plain = [Item("a.py::one"), Item("a.py::two[0]", seed=0), Item("a.py::two[1]", seed=1)]
    suite = [Item(f"b.py::all[{c}-{k}]", case=c, check=k) for c in "xy" for k in ("p", "q")]
    found = selected(plain + suite)
    assert len(found) == 4
    assert "a.py::one" in found
    assert sum(i.startswith("a.py::two") for i in found) == 1
    assert {i[-2] for i in found if i.startswith("b.py")} == {"p", "q"}
    # The same in every process, and at every call.
    assert selected(plain + suite) == found


def test_quick_leaves_slow_tests_out():
    assert selected([Item("a.py::one"), Item("a.py::two", slow=True)]) == ["a.py::one"]


def test_checks_that_are_functions_are_known_by_their_names():
    def clones(): ...

    def pickles(): ...

    found = selected([Item(f"a.py::all[{k.__name__}]", check=k) for k in (clones, pickles)])
    assert found == ["a.py::all[clones]", "a.py::all[pickles]"]
