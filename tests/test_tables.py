from html.parser import HTMLParser

import numpy as np
import pytest

from natfit._tables import Table, Words, fixed, frame, measured, number, shown


def test_numbers_keep_their_digits_on_any_scale():
    assert number(1.23456e-9) == "1.2346e-09"
    assert number(9.4607304725808e15) == "9.4607e+15"
    assert number(np.inf) == "inf" and number(-np.inf) == "-inf"
    assert number(np.nan) == number(None) == "-"
    assert [number(v, 3, padded=True) for v in (0.1, 100.0, 0.0, np.inf)] == [
        "0.100",
        "100",
        "0",
        "inf",
    ]


def test_fixed_numbers_show_differences():
    assert fixed(-12345.678) == "-12345.68"
    assert fixed(1e300) == "1e+300"
    assert fixed(np.inf) == "inf" and fixed(None) == "-"


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (1000.23456789, 0.00123456, "1000.23457"),
        (1000.23456789, 123.456, "1000.2"),
        (-3.14159265e-9, 1e-12, "-3.14159e-09"),
        (0.0, 1.0, "0"),
        (2.5, np.inf, "2.5000"),
        (2.5, 0.0, "2.5000"),
        (1.0, 1e-300, "1.00000000000000"),
    ],
)
def test_estimates_have_the_digits_of_their_errors(value, error, said):
    assert measured(value, error) == said


def test_cells():
    assert shown(None) == ""
    assert shown(np.int64(12345678)) == "12345678"
    assert shown(np.float64(0.123456789)) == "0.12346"
    assert shown("two\nlines") == "two lines"


def table(n=3, **options):
    rows = [(Words("abc"[: 1 + i % 3]), 10.0**i) for i in range(n)]
    return Table(("name", "value"), rows, **options)


def test_words_are_left_aligned_and_numbers_right_aligned():
    assert table().text().splitlines() == [
        "name  value",
        "a         1",
        "ab       10",
        "abc     100",
    ]


def test_title_facts_and_notes_stand_apart():
    text = table(1, title="A title", facts=(("n", "3"), ("status", "good")), notes=("A note.",))
    assert text.text().splitlines() == [
        "A title",
        "",
        "n       3",
        "status  good",
        "",
        "name  value",
        "a         1",
        "",
        "A note.",
    ]


@pytest.mark.parametrize(("n", "kept"), [(4, 4), (5, 4), (3, 3)])
def test_no_more_rows_than_asked_for_are_shown(n, kept):
    lines = table(n, most=4, what="row").text().splitlines()
    assert len(lines) == 1 + kept + (n > 4) + 1
    assert lines[-1].startswith(f"[{n} rows")
    assert ("..." in lines) == (n > 4)
    assert lines[kept + (n > 4)].startswith("abc"[: 1 + (n - 1) % 3])


def test_long_sentences_are_continued_below_their_beginning():
    text = table(1, facts=(("status", "word " * 40),), notes=("long " * 40,)).text()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("status  word") and lines[1].startswith("        word")


def test_an_odd_number_of_rows_is_shown():
    lines = table(9, most=5, what="row").text().splitlines()
    assert lines[-1] == "[9 rows, of which the first 3 and the last 2 are shown]"
    assert len(lines) == 1 + 5 + 1 + 1


class Tags(HTMLParser):
    """The tags that are open, and what was read."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.seen = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_html_is_whole_and_escaped():
    evil = "<script>alert('x')</script> & co"
    made = Table(
        (evil, "b"), [(Words(evil), 1.0)] * 5, evil, ((evil, evil),), (evil,), most=2, what="row"
    )
    parser = Tags()
    parser.feed(made.html())
    assert parser.open == []
    assert "script" not in parser.seen
    assert parser.words.count(evil) == 1 + 2 + 1 + 2 + 1
    assert "[5 rows, of which the first 1 and the last 1 are shown]" in made.html()


def test_a_table_without_rows():
    assert table(0, what="row").text().splitlines() == ["name  value", "[0 rows]"]
    parser = Tags()
    parser.feed(table(0).html())
    assert parser.open == []


def test_a_frame_says_what_to_install(monkeypatch):
    import sys

    assert frame({"a": [1, 2]})["a"].tolist() == [1, 2]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install .natfit\[pandas\]"):
        frame({"a": [1]})
