"""Both columns of docs/elsewhere run, and say the same.

A page is Markdown of MyST. Its front matter names what its left column imports, `peers: [scipy]`.
Ordinary blocks of Python make names for both columns. A pair is a grid with two blocks, each of
which ends with an expression; lines of comment before the grid say how near the two values are:

    % rtol 1e-6
    % atol 1e-9
    % equal
    % value NAME

`equal` compares any two values by ==. A left block in R is not run: `value` says under which name
its result is stored in docs/elsewhere/r_values.json. Names that a column assigns stay in it.
"""

import ast
import importlib.util
import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "elsewhere"
PAGES = {path.stem: path for path in sorted(FOLDER.glob("*.md")) if path.stem != "index"}
LAST = ["What they have and natfit has not", "When to stay"]
FEWEST = 8

FRONT = re.compile(r"\A---\n.*?^peers: \[(.*?)\]$.*?^---$", re.M | re.S)
GRID = r"(?P<options>(?:^%[^\n]*\n)*)^(?P<fence>:{4,})\{grid\}[^\n]*\n(?P<grid>.*?)^(?P=fence)\n"
BLOCK = r"^```(?P<language>python|r)\n(?P<code>.*?)^```$"
ITEM = re.compile(r"^:::\{grid-item\}\n\*\*(?P<who>[^\n]*)\*\*\n" + BLOCK + r"\n:::\n", re.M | re.S)
PART = re.compile(f"{GRID}|{BLOCK}", re.M | re.S)


class Malformed(AssertionError):
    """A page that is not written as the docstring of this file says."""


@dataclass
class Code:
    text: str
    line: int
    language: str = "python"
    who: str = ""


@dataclass
class Pair:
    theirs: Code
    ours: Code
    options: dict[str, str]


def parts_of(text):
    """Yield the blocks and pairs of a page, in order."""
    for found in PART.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["fence"] is None:
            yield Code(found["code"], line + 1, found["language"])
            continue
        columns = []
        for item in ITEM.finditer(found["grid"]):
            at = text.count("\n", 0, found.start("grid") + item.start("code")) + 1
            columns.append(Code(item["code"], at, item["language"], item["who"]))
        if len(columns) != 2 or columns[1].who != "natfit" or found["grid"].count("```") != 4:
            raise Malformed(f"line {line}: a pair has two columns, and the second one is natfit's")
        yield Pair(*columns, options_of(found["options"], columns[0], line))


def options_of(comments, theirs, line):
    options = {}
    for comment in re.findall(r"^% *(.*)$", comments, re.M):
        name, _, value = comment.partition(" ")
        if name in ("rtol", "atol", "equal", "value"):
            options[name] = value
    if not {"rtol", "atol", "equal"} & set(options):
        raise Malformed(f"line {line}: say `% rtol`, `% atol` or `% equal` before the grid")
    if (theirs.language == "r") != ("value" in options):
        raise Malformed(f"line {line}: `% value NAME` belongs to a left column in R")
    return options


def result(code, names, page):
    """Run a block; return the value of its last line if that is an expression."""
    tree = ast.parse("\n" * (code.line - 1) + code.text, page)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, page, "exec"), names)
    if last is not None:
        return eval(compile(ast.Expression(last.value), page, "eval"), names)
    return None


def numbers(value):
    """Return floats in an array, or arrays in a dict or a list where they have names or sizes."""
    if isinstance(value, Mapping):
        return {name: numbers(entry) for name, entry in value.items()}
    if hasattr(value, "standard_error") and hasattr(value, "value"):
        value = value.value
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, tuple | list):
        entries = [numbers(entry) for entry in value]
        alike = all(isinstance(e, np.ndarray) and e.shape == entries[0].shape for e in entries)
        return np.squeeze(np.array(entries)) if alike else entries
    return np.squeeze(np.asarray(value, dtype=float))


def assert_close(theirs, ours, **tolerances):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        assert sorted(theirs) == sorted(ours)
        for name, value in theirs.items():
            assert_close(value, ours[name], **tolerances)
    elif isinstance(theirs, list) and isinstance(ours, list):
        for one, other in zip(theirs, ours, strict=True):
            assert_close(one, other, **tolerances)
    else:
        assert np.shape(theirs) == np.shape(ours) and np.isfinite(theirs).any(), (theirs, ours)
        # The reader's number is the peer's: it is what the tolerance is relative to.
        np.testing.assert_allclose(ours, theirs, **tolerances)


def assert_same(theirs, ours, options):
    if "equal" in options:
        assert theirs is not None and theirs == ours, (theirs, ours)
        return
    given = {name: float(options[name]) for name in ("rtol", "atol") if name in options}
    assert_close(numbers(theirs), numbers(ours), **{"rtol": 0.0, "atol": 0.0, **given})


def stored(name):
    return json.loads((FOLDER / "r_values.json").read_text(encoding="utf-8"))["values"][name]


def disagreements(text, page="page.md"):
    """Run a page; return what its pairs say differently, and how many pairs there are."""
    theirs, ours, both = {}, {}, {}
    found, pairs = [], 0
    for part in parts_of(text):
        if isinstance(part, Code):
            before = dict(both)
            if part.language == "python":
                result(part, both, page)
            new = {k: v for k, v in both.items() if k not in before or before[k] is not v}
            theirs |= new
            ours |= new
            continue
        pairs += 1
        try:
            if part.theirs.language == "r":
                left = stored(part.options["value"])
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    left = result(part.theirs, theirs, page)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                right = result(part.ours, ours, page)
            assert_same(left, right, part.options)
        except Exception as error:
            found.append(f"{page}:{part.ours.line}: {type(error).__name__}: {error}")
    return found, pairs


def missing_peers(text):
    """Import names of the front matter that are not installed, if anything is run of them."""
    found = FRONT.match(text)
    if found is None:
        raise Malformed("the front matter names what the left column imports: peers: [scipy]")
    pairs = [part for part in parts_of(text) if isinstance(part, Pair)]
    if all(pair.theirs.language == "r" for pair in pairs):
        return []
    names = re.findall(r"\w+", found[1])
    assert names, "peers: []"
    return [name for name in names if importlib.util.find_spec(name) is None]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_both_columns_say_the_same(page):
    text = PAGES[page].read_text(encoding="utf-8")
    if absent := missing_peers(text):
        reason = f"{', '.join(absent)} not installed: make test-peers"
        assert "PEERS_REQUIRED" not in os.environ, reason
        pytest.skip(reason)
    found, pairs = disagreements(text, f"docs/elsewhere/{page}.md")
    assert not found, "\n\n".join(found)
    assert pairs >= FEWEST


@pytest.mark.parametrize("page", PAGES)
def test_pages_have_their_parts(page):
    text = PAGES[page].read_text(encoding="utf-8")
    missing_peers(text)
    pairs = [part for part in parts_of(text) if isinstance(part, Pair)]
    assert len(pairs) >= FEWEST
    assert text.count("{grid-item}") == 2 * len(pairs)
    assert re.findall(r"^## (.*)$", text, re.M)[-2:] == LAST


def test_the_index_names_every_page():
    text = (FOLDER / "index.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\((\w+)\.md\)|^:link: (\w+)$", text, re.M)
    assert {a or b for a, b in named} >= set(PAGES)


# The harness on pages of its own: each is wrong in one way.
HEAD = "---\npeers: [math]\n---\n# A page\n\n```python\nx = 2.0\n```\n\n"


def pair(theirs, ours, options="% rtol 1e-9\n", language="python"):
    columns = (f"**them**\n```{language}\n{theirs}\n```", f"**natfit**\n```python\n{ours}\n```")
    inside = "".join(f":::{{grid-item}}\n{column}\n:::\n" for column in columns)
    return f"{options}::::{{grid}} 1 1 2 2\n{inside}::::\n\n"


@pytest.mark.parametrize(
    ("theirs", "ours", "options"),
    [
        ("x + 1", "3.0", "% rtol 1e-9\n"),
        ("[1.0, (2.0, 3.0)]", "[1.0, [2.0, 3.0]]", "% rtol 1e-9\n"),
        ("{'a': {'b': [x]}}", "{'a': {'b': 2.0}}", "% rtol 1e-9\n"),
        ("0.0", "1e-10", "% atol 1e-9\n"),
        ("import pandas as pd\npd.DataFrame({'a': [1, 2]})", "[[1.0], [2.0]]", "% rtol 1e-9\n"),
        ("'a'", "'a'", "% equal\n"),
        ("import warnings\nwarnings.warn('theirs')\n1.0", "1.0", "% rtol 1e-9\n"),
    ],
)
def test_pairs_that_agree(theirs, ours, options):
    assert disagreements(HEAD + pair(theirs, ours, options)) == ([], 1)


@pytest.mark.parametrize(
    ("theirs", "ours", "options"),
    [
        ("1.0", "1.0 + 1e-8", "% rtol 1e-9\n"),
        ("[1.0, 1.0]", "1.0", "% rtol 1e-9\n"),
        ("{'a': 1.0}", "{'b': 1.0}", "% rtol 1e-9\n"),
        ("[1.0, [1.0, 2.0]]", "[1.0]", "% rtol 1e-9\n"),
        ("float('nan')", "float('nan')", "% rtol 1e-9\n"),
        ("[]", "[]", "% rtol 1e-9\n"),
        ("a = 1.0", "a = 1.0", "% equal\n"),
        ("'a'", "'b'", "% equal\n"),
        ("1.0", "1.0 / 0.0", "% rtol 1e-9\n"),
        ("a = 1.0\na", "a", "% rtol 1e-9\n"),
        ("1.0", "import warnings\nwarnings.warn('ours')\n1.0", "% rtol 1e-9\n"),
    ],
)
def test_pairs_that_do_not_agree(theirs, ours, options):
    found, pairs = disagreements(HEAD + pair(theirs, ours, options))
    assert pairs == 1 and len(found) == 1


def test_names_stay_in_their_column_and_those_of_blocks_are_in_both():
    text = (
        HEAD + pair("a = x\na", "b = x\nb") + "```python\nx = 5.0\n```\n" + pair("a + x", "b + x")
    )
    assert disagreements(text) == ([], 2)


def test_values_of_r_are_read_and_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.docs.test_elsewhere.FOLDER", tmp_path)
    (tmp_path / "r_values.json").write_text('{"values": {"three": [3.0]}}', encoding="utf-8")
    text = HEAD + pair("stop('not run')", "x + 1", "% rtol 1e-9\n% value three\n", "r")
    assert disagreements(text) == ([], 1)
    assert missing_peers(text.replace("math", "no_such_peer")) == []
    found, _ = disagreements(text.replace("% value three", "% value four"))
    assert "four" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        pair("1", "1", ""),
        pair("1", "1", "% a remark\n"),
        pair("1", "1", "% rtol 1e-9\n% value three\n"),
        pair("1", "1", language="r"),
        pair("1", "1").replace("**natfit**", "**another**"),
        pair("1", "1").replace("```python\n1\n```", "nothing", 1),
    ],
)
def test_pairs_that_are_malformed(text):
    with pytest.raises(Malformed):
        list(parts_of(HEAD + text))


def test_absent_peers_are_found():
    assert missing_peers(HEAD.replace("math", "math, no_such_peer") + pair("1", "1")) == [
        "no_such_peer"
    ]
    with pytest.raises(Malformed, match="front matter"):
        missing_peers("# A page\n" + pair("1", "1"))
