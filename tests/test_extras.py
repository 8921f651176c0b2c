"""Packages that natfit does not require: which are imported where, and what is said without them."""

import ast
import builtins
import configparser
import importlib
import re
import sys
from collections import ChainMap, defaultdict
from functools import cache
from pathlib import Path

import pytest

import natfit
from natfit._extras import missing

ROOT = Path(natfit.__file__).parent
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT.parent / "setup.cfg", encoding="utf-8")
#: Extras for work on natfit itself: no user is told to install them.
FOR_WORK = {"coverage", "dev", "dist", "docs", "lint", "mujoco", "repo", "test", "test-docs"}


def names(block):
    return {re.split(r"[ \[<>=]", line)[0] for line in block.split("\n") if line}


EXTRAS = {
    extra: names(block)
    for extra, block in CONFIG["options.extras_require"].items()
    if extra not in FOR_WORK
}
#: All extras: the packages beyond numpy, scipy, autograd and scikit-learn.
OPTIONAL = set().union(*EXTRAS.values())


def imported(node):
    """Top-level names that the direct statements of a node import."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name.split(".")[0] for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom) and not inner.level:
            yield str(inner.module).split(".")[0]
        elif isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("import_module"):
            if isinstance(inner.args[0], ast.Constant):
                yield inner.args[0].value.split(".")[0]


def guarded(tree):
    """Each statement that tries to import an optional package, with the packages' names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and "ImportError" in ast.unparse(node):
            found = {name for part in node.body for name in imported(part)} & OPTIONAL
            if found:
                yield found, node


@cache
def sites():
    """Module, package and statement of every guarded import in natfit."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [(module, name, node) for group, node in guarded(tree) for name in group]
    return found


def said_without(module, package, statement, monkeypatch):
    """Run one statement of a module where a package cannot be imported; return the error."""
    for name in (package, *(n for n in sys.modules if n.startswith(f"{package}."))):
        monkeypatch.setitem(sys.modules, name, None)
    # Words of the message that come from a call are not at hand here.
    values = ChainMap(vars(importlib.import_module(module)), vars(builtins))
    stand_in = defaultdict(lambda: "something")

    class Values(dict):
        def __missing__(self, name):
            return values[name] if name in values else stand_in[name]

    # Outside of its function a statement cannot return.
    body = [ast.Expr(n.value) if isinstance(n, ast.Return) else n for n in statement.body]
    alone = ast.Try(body, statement.handlers, [], [])
    code = compile(ast.fix_missing_locations(ast.Module([alone], [])), module, "exec")
    with pytest.raises(ImportError) as caught:
        exec(code, {}, Values())
    return str(caught.value)


@pytest.mark.parametrize(
    ("module", "package", "statement"), sites(), ids=[f"{m}-{p}" for m, p, _ in sites()]
)
def test_a_missing_package_is_named_with_its_extra(module, package, statement, monkeypatch):
    said = said_without(module, package, statement, monkeypatch)
    command = re.search(
        r'needs (\S+), which is not installed; run: pip install "natfit\[(\w+)\]"', said
    )
    assert command, said
    assert command[1].lower() == package
    assert package in EXTRAS[command[2]]


def test_every_package_of_an_extra_is_asked_for_somewhere():
    asked = {package for _, package, _ in sites()}
    # Rows of Dask are recognised once the user has imported it, and nothing else imports it.
    assert OPTIONAL - asked == {"dask"}


def test_other_imports_come_after_one_that_is_guarded_or_the_users_own():
    """Nothing optional is imported with the modules themselves, where no message could be given."""
    at_once = {}
    for path in ROOT.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        found = {name for node in top for name in imported(node)} & OPTIONAL
        if found:
            at_once[path.relative_to(ROOT).as_posix()] = found
    assert at_once == {}


def test_the_message_names_package_and_command():
    assert missing("to_frame", "pandas", "pandas") == (
        'to_frame needs pandas, which is not installed; run: pip install "natfit[pandas]"'
    )


def test_the_check_of_sites_can_fail():
    tree = ast.parse("try:\n    import pandas\nexcept ImportError:\n    raise ImportError('no')")
    assert [names for names, _ in guarded(tree)] == [{"pandas"}]
    assert not list(guarded(ast.parse("try:\n    import json\nexcept ImportError:\n    pass")))
