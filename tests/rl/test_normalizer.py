import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from natfit.rl.normalizer import LIMIT, RunningNormalizer


def seen(*batches):
    out = RunningNormalizer.empty(batches[0].shape[1])
    for batch in batches:
        out = out.update(batch)
    return out


def exact_moments(column):
    """Mean and sum of squared deviations in rational arithmetic."""
    values = [Fraction(float(v)) for v in column]
    mean = sum(values) / len(values)
    return float(mean), float(sum((v - mean) ** 2 for v in values))


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6, -1e9])
def test_many_batches_are_one_exact_sum(offset):
    rng = np.random.default_rng(0)
    x = offset + rng.standard_normal((500, 2)) * [1.0, 1e-2]
    batched = seen(*np.split(x, [1, 2, 10, 100, 101]))
    for d in range(2):
        mean, m2 = exact_moments(x[:, d])
        assert batched.mean[d] == pytest.approx(mean, rel=1e-14, abs=1e-15)
        assert batched.m2[d] == pytest.approx(m2, rel=1e-13 + 1e-11 * abs(offset) / 1e6 * 100)
    assert batched.count == 500


def test_merge_is_update():
    a, b = np.random.default_rng(1).standard_normal((2, 50, 3))
    one, other = seen(a, b), seen(a).merge(seen(b))
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.m2, other.m2)
    empty = RunningNormalizer.empty(3)
    assert empty.merge(one) is one and one.merge(empty) is one
    assert one.update(np.empty((0, 3))) is one


def test_transform():
    x = 1e6 + np.random.default_rng(2).standard_normal((1000, 2)) * [1.0, 1e-3]
    z = seen(x).transform(x)
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-6)
    far = seen(x).transform(np.array([[0.0, 1e9]]))
    assert far.tolist() == [[-LIMIT, LIMIT]]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1, 1e-300])
def test_constant_columns_have_scale_one(value):
    fitted = seen(np.full((7, 1), value), np.full((11, 1), value))
    assert fitted.scale.tolist() == [1.0] and fitted.varies.tolist() == [False]
    assert fitted.m2.tolist() == [0.0]
    np.testing.assert_allclose(fitted.transform(np.array([[value + 2.0]])), [[2.0]])


def test_rounding_is_no_spread():
    x = np.array([[0.3], [0.1 + 0.2]]) + 5.0
    assert np.ptp(x) == 0.0 or not seen(x).varies[0]
    wobble = 1e6 * (1.0 + np.spacing(1.0) * np.arange(4.0))[:, None]
    assert seen(wobble).scale.tolist() == [1.0]


def test_before_the_first_row():
    empty = RunningNormalizer.empty(2)
    assert empty.transform(np.array([[1.0, -50.0]])).tolist() == [[1.0, -LIMIT]]
    assert empty.std.tolist() == [0.0, 0.0]


def test_updates_leave_the_old_one_and_the_batch():
    x = np.random.default_rng(3).standard_normal((10, 2))
    kept, first = x.copy(), seen(x)
    before = pickle.dumps(first)
    first.update(x + 1.0)
    first.transform(x)
    assert pickle.dumps(first) == before
    np.testing.assert_array_equal(x, kept)
    with pytest.raises(AttributeError):
        first.count = 3


def test_pickles_bit_for_bit():
    first = seen(np.random.default_rng(4).standard_normal((10, 2)) * math.pi)
    copy = pickle.loads(pickle.dumps(first))
    assert copy.count == first.count
    assert copy.mean.tobytes() == first.mean.tobytes() and copy.m2.tobytes() == first.m2.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_refuses_what_is_not_finite(bad):
    x = np.zeros((4, 2))
    x[2, 1] = bad
    fitted = seen(np.ones((3, 2)))
    for verb in (fitted.update, fitted.transform):
        with pytest.raises(ValueError, match="at row 2, column 1"):
            verb(x)


def test_refuses_other_columns():
    with pytest.raises(ValueError, match=r"shape \(N, 2\), got \(3, 1\)"):
        RunningNormalizer.empty(2).update(np.ones((3, 1)))
    with pytest.raises(ValueError, match="same number of columns, got 2 and 3"):
        RunningNormalizer.empty(2).merge(RunningNormalizer.empty(3))
