"""The architecture's rules, read from the syntax trees of the package."""

import ast
import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from pathlib import Path

import pytest

import natfit

ROOT = Path(natfit.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


class Trees(Mapping):
    """Syntax trees by path in the package, each parsed when it is first asked for."""

    def __init__(self, files):
        self.files = {path.relative_to(ROOT).as_posix(): path for path in files}
        self.parsed = {}

    def __getitem__(self, path):
        if path not in self.parsed:
            self.parsed[path] = ast.parse(self.files[path].read_text())
        return self.parsed[path]

    def __iter__(self):
        return iter(self.files)

    def __len__(self):
        return len(self.files)


TREES = Trees(FILES)


def faults(rule, chosen=lambda path: True):
    """What a rule finds, by file: ``rule(path, tree)`` gives the faults of one of them."""
    found = {path: list(rule(path, tree)) for path, tree in TREES.items() if chosen(path)}
    assert found, "no file is held to the rule"
    return {path: faulty for path, faulty in found.items() if faulty}


def test_faults_are_named_by_file():
    def rule(path, tree):
        return [path] * path.startswith("steps/")

    assert faults(rule, lambda path: path in ("steps/kl.py", "rng.py")) == {
        "steps/kl.py": ["steps/kl.py"]
    }
    with pytest.raises(AssertionError, match="no file is held"):
        faults(rule, lambda path: False)


@functools.cache
def nodes(tree):
    """All nodes of a tree: every rule looks at them."""
    return list(ast.walk(tree))


def drawing():
    """The module that reads the layers from docs/design.md and draws them."""
    place = ROOT.parent / "docs" / "_layers.py"
    spec = importlib.util.spec_from_file_location("_layers", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DESIGN = (ROOT.parent / "docs" / "design.md").read_text(encoding="utf-8")
LAYERS = drawing().layers(DESIGN)
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}

LONGEST_FILE, LONGEST_FUNCTION = 500, 45


def imports(tree, package="natfit"):
    """Absolute dotted names that a module imports, names of ``from`` included."""
    found = []
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def unit(path):
    """The package or module of the table of layers that a file belongs to."""
    return path.split("/")[0].removesuffix(".py")


def climbs(path, tree):
    """Return the units that a file imports although they are not in a lower layer."""
    mine = unit(path)
    for name in imports(tree):
        parts = name.split(".")
        if parts[0] == "natfit" and len(parts) > 1 and parts[1] != mine:
            # Modules of the lowest layer may share; packages of one layer may not.
            if LAYER[parts[1]] > LAYER[mine] or LAYER[parts[1]] == LAYER[mine] > 0:
                yield parts[1]


def test_the_picture_is_that_of_the_table():
    module = drawing()
    assert module.PICTURE.read_text(encoding="utf-8") == module.picture(DESIGN), (
        "run python docs/_layers.py"
    )
    assert all(f">{name}</text>" in module.picture(DESIGN) for name in LAYER)


def test_a_page_without_layers_in_order_is_refused():
    with pytest.raises(ValueError, match="must have a text block"):
        drawing().layers("no table")
    with pytest.raises(ValueError, match="must be numbered"):
        drawing().layers("<!-- layers -->\n\n```text\n 0  a\n 2  b\n```")


def test_every_unit_has_a_layer():
    assert {unit(path) for path in TREES} - {"__init__"} == set(LAYER)


def test_imports_go_down_only():
    assert faults(climbs, lambda path: path != "__init__.py") == {}


def test_the_check_of_layers_can_fail():
    up = "def f():\n    from natfit.optimize import run\n"
    assert list(climbs("steps/x.py", ast.parse(up))) == ["optimize"]
    assert list(climbs("steps/x.py", ast.parse("from natfit import rl"))) == ["rl"]
    assert list(climbs("steps/x.py", ast.parse("import natfit.display.path"))) == ["display"]
    hidden = f"if TYPE_CHECKING:\n    {up[9:].strip()}"
    assert list(climbs("steps/x.py", ast.parse(hidden))) == ["optimize"]
    assert list(climbs("testing/x.py", ast.parse(up))) == []


def derives(tree):
    """Imports of autograd that are more than its numpy and scipy."""
    allowed = ("autograd.numpy", "autograd.scipy")
    return [n for n in imports(tree) if n.split(".")[0] == "autograd" and not n.startswith(allowed)]


def test_only_numerics_differentiates():
    assert {unit(path) for path, tree in TREES.items() if derives(tree)} == {"numerics"}


def forbidden_calls(tree):
    """Calls of a ``fit`` of scipy.stats, and any way to scipy.optimize.minimize."""
    stats = {n.split(".")[-1] for n in imports(tree) if n.startswith("scipy.stats")} | {"stats"}
    found = [n for n in imports(tree) if n == "scipy.optimize.minimize"]
    for node in nodes(tree):
        if not isinstance(node, ast.Attribute) or node.attr not in ("fit", "minimize"):
            continue
        text = ast.unparse(node)
        if text.endswith("optimize.minimize"):
            found.append(text)
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
        if node.attr == "fit" and names & stats:
            found.append(text)
    return found


def test_no_fit_is_borrowed():
    assert faults(lambda path, tree: forbidden_calls(tree)) == {}


@pytest.mark.parametrize(
    "code",
    [
        "from scipy.stats import gamma\ngamma.fit(x)",
        "from scipy import stats\nstats.norm.fit(x)",
        "import scipy.stats\nscipy.stats.t.fit(x)",
        "import scipy\nf = scipy.optimize.minimize",
        "from scipy import optimize\noptimize.minimize(f, x)",
        "def f():\n    from scipy.optimize import minimize as m",
    ],
)
def test_the_check_of_borrowing_can_fail(code):
    assert forbidden_calls(ast.parse(code))


def test_no_estimator_or_family_overrides_the_loop():
    """Only estimators and baselines fit, and only optimize/ runs the loop itself."""
    fits = {
        path
        for path, tree in TREES.items()
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef)
        and node.name == "fit"
        and not path.startswith("rl/baselines/")
    }
    assert {unit(path) for path in fits} == {"estimators", "fitting"}


#: What knows rows and no array, and what it may ask them: the contract of natfit.rows.Rows.
ASKS = ("distributions", "objectives", "metrics", "inference", "fitting")
ANSWERS = {
    "n", "total", "n_features", "event_shape", "single", "here", "extent", "few", "glance", "take",
    "row", "block", "sum", "sums", "map", "each", "first", "joined", "cut", "rows", "chunk_size",
    "changed", "costly", "batches", "held_out", "whole",
}  # fmt: skip

#: What a family is asked of data: with all rows, or with a few.
OF_ROWS = {
    "bind", "check", "check_degenerate", "sufficient", "refine_start", "nested_start", "no_maximum",
}  # fmt: skip
OF_FEW = {"initial", "check_start"}


def asked(path):
    return path.split("/")[0] in ASKS


def peeks(tree):
    """Return the attributes of ``rows`` that are used beyond the contract of rows."""
    for node in nodes(tree):
        if isinstance(node, ast.Attribute) and node.attr not in ANSWERS:
            of = node.value
            name = of.id if isinstance(of, ast.Name) else getattr(of, "attr", None)
            if name == "rows":
                yield f"{name}.{node.attr}"


def takes_arrays(tree):
    """Methods of families that are asked of data and take something else than rows."""
    for node in nodes(tree):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name in OF_ROWS | OF_FEW:
                    first = [a.arg for a in method.args.args[1:2]]
                    if first != ["rows" if method.name in OF_ROWS else "few"]:
                        yield f"{node.name}.{method.name}"


def stays_behind(tree):
    """Return parts of passes that cannot be sent: lambdas, and functions inside functions."""
    functions = [n for n in nodes(tree) if isinstance(n, ast.FunctionDef)]
    nested = {
        inner.name
        for outer in functions
        for inner in ast.walk(outer)
        if isinstance(inner, ast.FunctionDef) and inner is not outer
    }
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            part = node.args[0]
            here = isinstance(part, ast.Lambda)
            here |= isinstance(part, ast.Name) and part.id in nested
            if here and node.func.attr in {"sum", "map", "first"}:
                yield ast.unparse(node)


def test_data_are_asked_and_not_scanned():
    assert faults(lambda path, tree: [*peeks(tree), *stays_behind(tree)], asked) == {}


def test_families_take_rows():
    def bound(path):
        return unit(path) == "distributions" and path != "distributions/contract/support.py"

    assert faults(lambda path, tree: takes_arrays(tree), bound) == {}


def test_the_checks_of_rows_can_fail():
    assert list(peeks(ast.parse("def f(rows):\n    return rows.y.min()"))) == ["rows.y"]
    assert list(peeks(ast.parse("self.rows.weight @ x"))) == ["rows.weight"]
    assert list(peeks(ast.parse("rows.sum(part) / rows.total"))) == []
    old = "class A:\n    def sufficient(self, y, weight):\n        return None"
    assert list(takes_arrays(ast.parse(old))) == ["A.sufficient"]
    new = "class A:\n    def initial(self, few, rng):\n        return None"
    assert list(takes_arrays(ast.parse(new))) == []
    assert list(stays_behind(ast.parse("rows.sum(lambda block: 1)"))) == [
        "rows.sum(lambda block: 1)"
    ]
    inside = "def f(rows):\n    def part(block):\n        return 1\n    return rows.map(part)"
    assert list(stays_behind(ast.parse(inside))) == ["rows.map(part)"]
    assert list(stays_behind(ast.parse("def part(b):\n    return 1\nrows.map(part)"))) == []


def loops_over_chunks(tree):
    """Loops in steps: ``range`` with three arguments."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "range" and len(node.args) == 3:
                yield ast.unparse(node)


#: Loops in steps over what is no data: draws and their blocks, and nodes of quadrature.
STEPS = {
    "distributions/contract/information.py": ["range(0, len(eta), size)"],
    "metrics/monte_carlo.py": ["range(0, draws, _DRAWS)", "range(0, len(eta), BLOCK)"],
    "distributions/contract/intervals.py": ["range(0, n, _CHUNK)"],
    # Distinct intervals, which are a table.
    "distributions/contract/interval_sums.py": [
        "range(0, len(own), _MOST)",
        "range(0, len(self.ends), _CACHED)",
        "range(0, len(ends), size)",
    ],
    # Panels of a quadrature, and the points of which tails are asked.
    "distributions/contract/cumulative.py": ["range(0, len(start), step)"],
    # Points of a stencil in eta, not rows.
    "distributions/custom/_density.py": ["range(0, len(points), most)"],
}


def test_only_rows_loop_over_chunks():
    loops = faults(lambda path, tree: loops_over_chunks(tree), asked)
    assert {path: set(found) for path, found in loops.items()} == {
        path: set(known) for path, known in STEPS.items()
    }


def test_files_are_short():
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in TREES}
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def body_lines(node):
    """Lines of a function's body, docstring apart."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def long_functions(tree):
    """Names of functions that are too long, and how long they are."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = [n for n in nodes(tree) if isinstance(n, kinds)]
    return [(n.name, body_lines(n)) for n in functions if body_lines(n) > LONGEST_FUNCTION]


def test_functions_are_short():
    assert faults(lambda path, tree: long_functions(tree)) == {}


def silent(tree):
    """Public names of a module without a docstring, and the module itself if it has none."""
    named = (ast.FunctionDef, ast.ClassDef)
    found = [] if ast.get_docstring(tree) else ["module"]
    found += [
        n.name
        for n in tree.body
        if isinstance(n, named) and not n.name.startswith("_") and not ast.get_docstring(n)
    ]
    # A signature of several is documented once, where the body is.
    return [name for name in found if name not in overloaded(tree)]


def test_public_names_have_docstrings():
    assert faults(lambda path, tree: silent(tree)) == {}


def overloaded(tree):
    """Names of functions with several signatures that have a docstring."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    several = {n.name for n in functions for d in n.decorator_list if ast.unparse(d) == "overload"}
    return several & {n.name for n in functions if ast.get_docstring(n)}


#: Folders whose docstrings are still to be revised. The set may only shrink.
STILL_SHORT: set[str] = set()


def short_docstrings(tree):
    """Names whose docstring has three words or fewer; private ones and their insides do not count."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found, queue = [], [("module", tree)]
    while queue:
        name, node = queue.pop()
        words = (ast.get_docstring(node) or "").split()
        if 0 < len(words) <= 3:
            found.append(name)
        # __matmul__ and its like are public.
        queue += [
            (child.name, child)
            for child in ast.iter_child_nodes(node)
            if isinstance(child, kinds) and (child.name[0] != "_" or child.name[:2] == "__")
        ]
    return found


def test_public_docstrings_say_what_is_returned():
    revised = faults(
        lambda path, tree: short_docstrings(tree), lambda path: unit(path) not in STILL_SHORT
    )
    assert revised == {}


def test_folders_with_short_docstrings_have_some():
    """A folder without short docstrings must be taken off the set."""
    assert STILL_SHORT == {unit(path) for path, tree in TREES.items() if short_docstrings(tree)}


def test_the_check_of_docstrings_can_fail():
    code = '"""A module of four words."""\nclass A:\n    """P."""\n    def __len__(self):\n        """K."""\n'
    assert short_docstrings(ast.parse(code)) == ["A", "__len__"]
    assert short_docstrings(ast.parse(code.replace("class A", "class _A"))) == []
    assert short_docstrings(ast.parse('"""Three words only."""')) == ["module"]


def modules():
    found = pkgutil.walk_packages([str(ROOT)], "natfit.")
    return ["natfit", *(m.name for m in found)]


def misnamed(name):
    """Entries of a module's ``__all__`` that it has twice, or that it cannot give."""
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    return [n for n in names if names.count(n) > 1 or getattr(module, n, None) is None]


def test_names_in_all_are_importable():
    assert {name: bad for name in modules() if (bad := misnamed(name))} == {}


def test_package_directory():
    assert set(natfit.__all__) <= set(dir(natfit))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = natfit.nothing
