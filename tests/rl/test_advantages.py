import numpy as np
import pytest

from natfit.rl.advantages import discounted_return, gae, standardised


def rollout(seed, T=40, n=5, reset_rows=False):
    rng = np.random.default_rng(seed)
    reward, value, next_value = rng.standard_normal((3, T, n))
    ended = rng.random((T, n)) < 0.15
    terminated = ended & (rng.random((T, n)) < 0.5)
    valid = np.ones((T, n), dtype=bool)
    if reset_rows:
        for t in range(1, T):
            # The call after an end only resets.
            valid[t] = ~(ended[t - 1] & valid[t - 1])
            ended[t] &= valid[t]
            terminated[t] &= valid[t]
    return reward, value, next_value, ended, terminated, valid


def by_sums(reward, value, next_value, ended, terminated, valid, discount, lam):
    """Every advantage as its own sum over the rest of its episode."""
    T, n = reward.shape
    out = np.zeros((T, n))
    for e in range(n):
        for t in range(T):
            if not valid[t, e]:
                continue
            last = next((s for s in range(t, T) if ended[s, e]), T - 1)
            for s in range(t, last + 1):
                goes_on = 0.0 if terminated[s, e] else next_value[s, e]
                delta = reward[s, e] + discount * goes_on - value[s, e]
                out[t, e] += (discount * lam) ** (s - t) * delta
    return out


@pytest.mark.parametrize("reset_rows", [False, True])
@pytest.mark.parametrize(("discount", "lam"), [(0.99, 0.95), (1.0, 1.0), (0.9, 0.0), (0.0, 0.5)])
def test_gae_is_the_sum_over_each_episode(discount, lam, reset_rows):
    data = rollout(0, reset_rows=reset_rows)
    advantage, target = gae(*data, discount, lam)
    want = by_sums(*data, discount, lam)
    np.testing.assert_allclose(advantage, want, atol=1e-12)
    np.testing.assert_allclose(target, np.where(data[-1], want + data[1], 0.0), atol=1e-12)


def test_gae_by_hand():
    # One environment: a terminal step, a truncated one, and an unfinished episode.
    advantage, target = gae(
        np.array([[1.0], [2.0], [4.0]]),
        np.array([[10.0], [20.0], [30.0]]),
        np.array([[np.nan], [6.0], [8.0]]),
        np.array([[True], [True], [False]]),
        np.array([[True], [False], [False]]),
        None,
        0.5,
        1.0,
    )
    assert advantage.ravel().tolist() == [1.0 - 10.0, 2.0 + 3.0 - 20.0, 4.0 + 4.0 - 30.0]
    assert target.ravel().tolist() == [1.0, 5.0, 8.0]


def test_what_invalid_rows_hold_is_not_read():
    reward, value, next_value, ended, terminated, valid = rollout(1, reset_rows=True)
    assert not valid.all()
    want = gae(reward, value, next_value, ended, terminated, valid, 0.9, 0.9)
    for array in (reward, value, next_value):
        array[~valid] = np.nan
    kept = reward.copy(), value.copy(), next_value.copy()
    got = gae(reward, value, next_value, ended | ~valid, terminated, valid, 0.9, 0.9)
    np.testing.assert_array_equal(got, want)
    assert np.all(got[0][~valid] == 0.0)
    np.testing.assert_array_equal((reward, value, next_value), kept)


def test_lam_one_is_the_return_less_the_value():
    T = 30
    reward, value = np.random.default_rng(2).standard_normal((2, T, 1))
    last = np.arange(T)[:, None] == T - 1
    advantage, target = gae(reward, value, np.roll(value, -1, 0), last, last, None, 0.97, 1.0)
    returns = discounted_return(reward[:, 0], np.arange(T) == 0, 0.97)
    np.testing.assert_allclose(target[:, 0], returns, atol=1e-12)
    np.testing.assert_allclose(advantage[:, 0], returns - value[:, 0], atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", range(3))
def test_gae_refuses_what_is_not_finite(which, bad):
    data = rollout(3)
    data[4][20, 2] = False
    data[which][20, 2] = bad
    with pytest.raises(ValueError, match=r"must be finite, got .* at row \(20, 2\)"):
        gae(*data, 0.9, 0.9)


def test_gae_refuses_bad_arguments():
    data = rollout(4)
    with pytest.raises(ValueError, match="discount must be >= 0 and <= 1, got 1.1"):
        gae(*data, 1.1, 0.9)
    with pytest.raises(ValueError, match="lam must be"):
        gae(*data, 0.9, -0.1)
    with pytest.raises(ValueError, match="value must have the shape of reward"):
        gae(data[0], data[1][1:], *data[2:], 0.9, 0.9)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.99, 1.0])
def test_discounted_return_is_the_sum_to_the_end(discount):
    rng = np.random.default_rng(5)
    lengths = [1, 1, 2, 3, 64, 65, 7, 100]
    number = np.repeat(np.arange(len(lengths)), lengths)
    reward = rng.standard_normal(number.size)
    want = [
        sum(
            discount ** (s - t) * reward[s] for s in range(t, number.size) if number[s] == number[t]
        )
        for t in range(number.size)
    ]
    start = np.diff(number, prepend=-1) > 0
    for episode in (number, start, number.astype(str)):
        got = discounted_return(reward, episode, discount)
        np.testing.assert_allclose(got, want, atol=1e-12)


def test_discounted_return_edges():
    assert discounted_return([], [], 0.9).size == 0
    assert discounted_return([3], [0], 0.9).tolist() == [3.0]
    # The first row begins an episode, flagged or not.
    assert discounted_return([1.0, 1.0], [False, False], 1.0).tolist() == [2.0, 1.0]
    with pytest.raises(ValueError, match="reward must be finite, got nan at row 1"):
        discounted_return([0.0, np.nan], [0, 0], 0.9)
    with pytest.raises(ValueError, match="one shape"):
        discounted_return([0.0, 1.0], [0], 0.9)


def test_standardised_moments_and_weights():
    a = 1e6 + np.random.default_rng(6).standard_normal((20, 3))
    z = standardised(a)
    assert z.shape == a.shape
    assert abs(z.mean()) < 1e-6 and z.std() == pytest.approx(1.0)
    repeats = np.random.default_rng(7).integers(0, 4, a.shape)
    long = standardised(np.repeat(a.ravel(), repeats.ravel()))
    np.testing.assert_allclose(
        np.repeat(standardised(a, repeats).ravel(), repeats.ravel()), long, atol=1e-8
    )
    np.testing.assert_allclose(standardised(a, 1e-200 * repeats), standardised(a, repeats))


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6 - 0.1, 1e200, 1e-300])
def test_equal_advantages_are_zeros(value):
    assert np.all(standardised(np.full(7, value)) == 0.0)
    assert np.all(standardised(np.full(7, value), np.linspace(0.0, 1.0, 7)) == 0.0)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_standardised_at_any_size(size):
    a = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(standardised(size * a), (a - a.mean()) / a.std())


def test_standardised_refuses():
    assert standardised([]).size == 0
    with pytest.raises(ValueError, match="advantage must be finite, got nan at row 1"):
        standardised([0.0, np.nan])
    with pytest.raises(ValueError, match="weight must have the shape"):
        standardised([0.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="positive sum"):
        standardised([0.0, 1.0], [0.0, 0.0])
