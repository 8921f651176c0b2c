import numpy as np
import pytest

from natfit._validation import check_number, check_option, check_vector, check_weights


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), 1, np.int64(1)])
def test_numbers_pass(value):
    found = check_number(value, "x", low=0.0, high=1.0)
    assert type(found) is float
    assert found == value


@pytest.mark.parametrize("value", [2, np.int32(2)])
def test_integers_pass(value):
    found = check_number(value, "n", low=1, integer=True)
    assert type(found) is int


@pytest.mark.parametrize("value", ["1", None, True, np.True_, [1.0], 1j])
def test_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"x must be a number >= 0 nats, got .*; try 0.01"):
        check_number(value, "x", low=0.0, unit="nats", hint="0.01")


@pytest.mark.parametrize("value", [-1, 2, np.nan, np.inf, -np.inf])
def test_outside_the_interval(value):
    with pytest.raises(ValueError, match=f"x must be .*>= 0 and <= 1, got {value}"):
        check_number(value, "x", low=0, high=1)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_open_ends(value):
    with pytest.raises(ValueError, match="x must be > 0 and < 1, got"):
        check_number(value, "x", low=0, high=1, closed_low=False, closed_high=False)


def test_a_float_is_no_integer():
    with pytest.raises(TypeError, match="n must be an integer >= 1, got 2.0"):
        check_number(2.0, "n", low=1, integer=True)


def test_options():
    assert check_option("a", "mode", ("a", "b")) == "a"
    for bad in ("c", None, 1):
        with pytest.raises(ValueError, match=r"mode must be one of \['a', 'b'\], got"):
            check_option(bad, "mode", ("a", "b"))


def test_vectors():
    found = check_vector([1, 2], "x0")
    assert found.dtype == np.float64
    given = np.ones(2)
    assert check_vector(given, "x0") is not given


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (1.0, "one dimension, got shape"),
        ([[1.0]], "one dimension, got shape"),
        ([1.0, np.nan], "finite, got nan at index 1"),
        ([np.inf], "finite, got inf at index 0"),
        ([1.0], "length 2, got 1"),
        (["a", "b"], "array of real numbers"),
        ([1j, 2], "array of real numbers"),
    ],
)
def test_bad_vectors(value, match):
    size = 2 if "length" in match else None
    with pytest.raises(ValueError, match=f"x0 must .*{match}"):
        check_vector(value, "x0", size)


def test_weights():
    assert check_weights(None, 3) is None
    np.testing.assert_array_equal(check_weights(2, 3), [2.0, 2.0, 2.0])
    found = check_weights([0, 1, True], 3)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    ("weight", "match"),
    [
        ([1.0, -2.0, 1.0], r">= 0 \(a weight is a number of repetitions\), got -2 at row 1"),
        ([0.0, 0.0, 0.0], "positive sum"),
        ([1.0, np.nan, 1.0], "finite, got nan at row 1"),
        ([1.0, np.inf, 1.0], "finite, got inf at row 1"),
        ([1.0, 1.0], r"\(3,\)"),
        ([[1.0, 1.0, 1.0]], "1D array or scalar"),
        (["a", "b", "c"], "numeric"),
        (-1.0, "repetitions"),
    ],
)
def test_bad_weights(weight, match):
    with pytest.raises(ValueError, match=match):
        check_weights(weight, 3)
