"""What docs/certified.md says is reached, row by row, and nothing else is claimed."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from tests.certified.digits import Answer, Case, Quantity, given
from tests.certified.tables import HEADS, SAME, Row, cases, on_page, shown, summary, with_tables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "certified.md").read_text(encoding="utf-8")
TABLES = on_page(PAGE)

#: Iterations from which the way depends on how a processor rounds.
LONG = 100

CASES = {case.name: case for case in cases()}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_the_page_says_is_reached(name):
    case = CASES[name]
    row, answer = TABLES[case.table][case.row], case.answer()
    assert list(row.digits) == list(answer.quantities)
    first = next(iter(answer.quantities.values()))
    assert not answer.good or first.agreed() >= SAME or row.wrong, "it claims another optimum"
    if answer.n_iter > LONG and not answer.good:
        # On so long a way rounding decides where it leads; what must not be is a false claim.
        return
    for what, quantity in answer.quantities.items():
        reached, known = row.digits[what]
        assert known == quantity.given
        # One more unit of the source's last digit is what another processor may differ by.
        assert quantity.agreed(units=2.0) >= reached, what
    if row.good and not row.wrong:
        assert answer.good or not answer.status


def test_the_page_has_a_row_for_every_case():
    assert [(case.table, case.row) for case in CASES.values()] == [
        (table, row) for table in HEADS for row in TABLES[table]
    ]


def test_the_summary_counts_the_rows():
    assert summary(TABLES) in PAGE


def test_tables_are_written_and_read_again():
    page = "<!-- certified: linear -->\n\nold\n\n<!-- end -->\n\nkept\n"
    quantities = {
        "coefficients": Quantity([1.5, 2.00000001], ["1.50000000000", "2.00000000000"]),
        "residual deviation": Quantity([1.0], ["1.00000000000"]),
    }
    one = {"coefficients": Quantity([0.0], ["1.00"])}
    found = [
        (("A", "lower"), Answer("converged", True, quantities)),
        (("B", "higher"), Answer("singular", False, one)),
        (("C", "higher"), Answer("rounding_floor", True, one)),
    ]
    made = with_tables(page, [(Case("linear", key, lambda: None), found) for key, found in found])
    assert "old" not in made and made.endswith("kept\n")
    rows = on_page(made)["linear"]
    assert rows["A", "lower"] == Row(
        {"coefficients": (7, 12), "residual deviation": (12, 12)}, "converged"
    )
    assert rows["B", "higher"] == Row({"coefficients": (0, 3)}, "singular")
    assert [row.wrong for row in rows.values()] == [False, False, True]
    assert summary({"linear": rows}).endswith("| [linear](#linear) | 3 | 7 | 1 | 1 |")


def test_the_generator_is_that_of_the_tables():
    spec = importlib.util.spec_from_file_location("_certified", ROOT / "docs" / "_certified.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == PAGE


# ------------------------------------------------------------------------------------ digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [("1.500", 4), ("-0.0250E-03", 3), (".5", 1), ("100", 3), ("2.0000000000000000000", 15)],
)
def test_digits_that_are_given(text, digits):
    assert given(text) == digits


@pytest.mark.parametrize(
    ("found", "known", "digits"),
    [
        (1.5, "1.50000", 6.0),
        (1.500009, "1.50000", 6.0),
        (1.5003, "1.50000", -math.log10(0.0002)),
        (-1.5, "1.50000", 0.0),
        (1e9, "1.50000", 0.0),
        (np.nan, "1.50000", 0.0),
        (np.inf, "1.50000", 0.0),
        (1.4996e-7, "1.50000e-7", -math.log10(0.0004 / 1.5)),
    ],
)
def test_digits_that_agree(found, known, digits):
    quantity = Quantity([found], [known])
    assert quantity.agreed() == pytest.approx(digits, abs=1e-6)
    assert shown(quantity)[0] <= quantity.agreed(units=2.0)


def test_the_worst_number_counts():
    quantity = Quantity([1.0, 2.002, 3.0], [1.0, 2.0, 3.123456])
    assert quantity.given == 7
    assert quantity.agreed() == pytest.approx(-math.log10(0.123456 / 3.123456))


def test_half_a_digit_is_kept_for_other_processors():
    assert shown(Quantity([1.0 + 1e-6], ["1.0000000000"])) == (5, 11)
    assert shown(Quantity([1.0], ["1.0000000000"])) == (11, 11)
