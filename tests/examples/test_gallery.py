"""The format of the gallery's scripts: pages, sources of data, and what a machine may lack."""

import ast
import configparser
import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "examples").glob("*/plot_*.py"))
TEXTS = {file.stem: file.read_text(encoding="utf-8") for file in FILES}
NAMES = list(TEXTS)
#: What natfit itself requires, by the names of the modules.
RUNTIME = {"natfit", "numpy", "scipy", "autograd", "sklearn"}


def imports(text):
    """Modules that a script imports and that neither Python nor natfit brings."""
    nodes = list(ast.walk(ast.parse(text)))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    found = {name.partition(".")[0] for name in found}
    return sorted(found - RUNTIME - set(sys.stdlib_module_names))


def execute(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_a_page_begins_with_a_title_and_a_story(name):
    text = TEXTS[name]
    title, line, empty, *story = ast.get_docstring(ast.parse(text)).splitlines()
    assert 20 <= len(title) <= 70 and line == "=" * len(title) and not empty
    assert not title.endswith(".") and title[0].isupper()
    assert len(" ".join(story).split()) >= 40
    assert story[-1].endswith(".")
    assert "TODO" not in text


@pytest.mark.parametrize("name", NAMES)
def test_cells_say_what_a_piece_does(name):
    text = TEXTS[name]
    functions = {n.name for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    assert functions >= {"compute", "report", "draw", "main"}
    cells = re.split(r"^# %%\n", text, flags=re.M)[1:]
    assert len(cells) >= 4
    for cell in cells:
        words = re.match(r"(?:# [^\n]+\n)+", cell)
        assert words and re.search(r"[.?]$", words[0].strip()), cell[:80]
    for before in ("compute", "report", "draw", "main"):
        assert re.search(rf"^# [^\n]+\n+def {before}\(", text, re.M), before
    assert text.endswith('\nif __name__ == "__main__":\n    main()\n')
    # sphinx-gallery runs a script without its docstring.
    assert "__doc__.splitlines" not in text


USES_DATA = re.compile(r'\bload_(?!pandas)\w+\(|statsmodels.datasets|/ "data"')


@pytest.mark.parametrize("name", [name for name in NAMES if USES_DATA.search(TEXTS[name])])
def test_data_have_a_source(name):
    story = ast.get_docstring(ast.parse(TEXTS[name]))
    assert re.search(r"\b(1[89]|20)\d\d\b", story), "no year of a reference"
    # examples/data/SOURCES.md has the others.
    if '/ "data"' not in TEXTS[name]:
        assert re.search(r"[Ll]icence|public domain", story)


NEEDS = [(name, package) for name, text in TEXTS.items() for package in imports(text)]


@pytest.mark.parametrize(("name", "package"), NEEDS)
def test_a_missing_package_is_named_with_what_to_install(name, package, monkeypatch):
    (file,) = (file for file in FILES if file.stem == name)
    for module in [m for m in sys.modules if m.startswith(f"{package}.")]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=package) as caught:
        execute(file)
    command = str(caught.value).partition("this example needs: pip install ")[2]
    assert package in installed(command)


def installed(command):
    """Packages that the arguments of pip name, natfit's extras resolved by setup.cfg."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    found = set()
    for name, extras in re.findall(r"([\w-]+)(?:\[([\w,]+)\])?", command.replace('"', "")):
        found.add(name)
        for extra in filter(None, extras.split(",")):
            lines = config["options.extras_require"][extra].split()
            found |= {re.match(r"[\w-]*", line)[0] for line in lines}
    return found


def test_extras_are_resolved():
    assert {"natfit", "matplotlib", "pandas"} <= installed('"natfit[plot]" pandas')
    assert "pandas" not in installed('"natfit[plot]"')


@pytest.mark.parametrize("name", [n for n in NAMES if '/ "data"' in TEXTS[n]])
def test_missing_data_are_named(name, tmp_path, monkeypatch):
    (file,) = (file for file in FILES if file.stem == name)
    module = execute(file)
    assert ROOT / "examples" / "data" in (module.DATA, module.DATA.parent)
    monkeypatch.setattr(module, "DATA", tmp_path / module.DATA.name)
    with pytest.raises(FileNotFoundError, match=r"\w+\.csv"):
        module.main(["--output", str(tmp_path / "figure.png")])
