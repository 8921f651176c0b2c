"""Every rule for a skip is of a check that there is, and explains a skip."""

import pytest

from tests import skips, suites
from tests.linops.test_operators import SUITE

SUITES = {n: value for n, value in vars(suites).items() if isinstance(value, suites.Suite)}
SUITES["OPERATORS"] = SUITE
RULES = [(name, check) for name, suite in SUITES.items() for check in suite.rules]


def test_every_table_of_rules_has_a_suite():
    tables = {name for name, value in vars(skips).items() if isinstance(value, dict)}
    assert {n for n in tables if n.isupper()} == set(SUITES)


@pytest.mark.parametrize(("name", "check"), RULES)
def test_a_rule_explains_a_skip(name, check):
    suite = SUITES[name]
    assert check in suite.checks
    assert any(suite.rules[check](*args) for args in suite.cases.values())


def test_a_skip_without_a_rule_fails():
    suite = suites.Suite(suites.testing.BIJECTOR_CHECKS, suites.BIJECTORS.cases, {})
    with pytest.raises(AssertionError, match="second_is_derivative is skipped on Covariance"):
        suite.run("Covariance()", "second_is_derivative")


def test_a_rule_without_a_skip_fails():
    rules = {"round_trip": lambda bijector: True}
    suite = suites.Suite(suites.testing.BIJECTOR_CHECKS, suites.BIJECTORS.cases, rules)
    with pytest.raises(AssertionError, match="round_trip runs on Covariance"):
        suite.run("Covariance()", "round_trip")
