"""Fits to rows in partitions of unknown sizes are those to rows in memory, of every family."""

import numpy as np
import pytest

dask = pytest.importorskip("dask")
pd = pytest.importorskip("pandas")
dd = pytest.importorskip("dask.dataframe")
da = pytest.importorskip("dask.array")

import natfit  # noqa: E402
from natfit import NaturalMLE, NaturalRegressor  # noqa: E402
from natfit.testing.data import points, some_rows  # noqa: E402
from tests.suites import families  # noqa: E402

#: Families with a sampler; fits to infinite rows are of censored data, which are tested apart.
FAMILIES = {n: f for n, f in families().items() if f.can_sample and not n.startswith("Cure")}
N = 1_500


@pytest.fixture(autouse=True)
def _here():
    with dask.config.set(scheduler="sync"):
        yield


def cut(rows, ends):
    return [dask.delayed(part) for part in np.split(rows, ends)]


def close(found, want):
    np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-10)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", FAMILIES)
def test_density(name):
    family = FAMILIES[name]
    y = some_rows(family, points(family, 1)[0], N, seed=5).reshape(N, -1)
    near = NaturalMLE(family).fit(y)
    for ends in ([700], [0, 1, 500, 500, 1_200]):
        far = NaturalMLE(family).fit(cut(y, ends))
        assert far.status_ == near.status_
        close(far.theta_, near.theta_)
        assert far.loglik_ == pytest.approx(near.loglik_, rel=1e-12, abs=1e-9)


DRAWN = {
    "geometric": lambda rng: rng.geometric(0.3, N),
    "normal": lambda rng: rng.normal(size=N),
    "gamma": lambda rng: rng.gamma(2.0, size=N),
    "weibull": lambda rng: rng.weibull(2.0, size=N),
    "student_t": lambda rng: rng.standard_t(4, N),
    "poisson": lambda rng: rng.poisson(2.0, N),
    "negative_binomial": lambda rng: rng.negative_binomial(2, 0.4, N),
    "laplace": lambda rng: rng.laplace(size=N),
    "skew_normal": lambda rng: rng.standard_t(5, N),
}


@pytest.mark.parametrize("name", DRAWN)
def test_regression(name):
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.normal(size=(N, 2)), columns=["a", "b"])
    y = pd.Series(DRAWN[name](rng).astype(float), name="y")
    near = NaturalRegressor(name).fit(X, y)
    for n in (1, 3, 8):
        parts = dd.from_pandas(X, npartitions=n), dd.from_pandas(y, npartitions=n)
        far = NaturalRegressor(name).fit(*parts)
        for part, coef in near.coef_.items():
            close(far.coef_[part], coef)
            close(far.intercept_[part], near.intercept_[part])


@pytest.mark.parametrize("name", ["skew_normal", "exponentially_modified_normal"])
@pytest.mark.parametrize("seed", range(2, 6))
def test_several_maxima_do_not_depend_on_where_the_rows_are(name, seed):
    y = np.random.default_rng(seed).standard_t(5, (20_000, 1)) * 2.0 + 1.0
    near = NaturalMLE(name).fit(y)
    for data in (cut(y, [9_000]), da.from_array(y, chunks=(5_000, 1)), natfit.Stream(y)):
        close(NaturalMLE(name).fit(data).theta_, near.theta_)


def test_partitions_without_weight_are_no_rows():
    y, weight = np.random.default_rng(0).normal(size=(300, 1)), np.ones(300)
    weight[:100] = 0.0
    near = NaturalMLE("normal").fit(y, sample_weight=weight)
    parts = da.from_array(y, chunks=(100, 1)), da.from_array(weight, chunks=100)
    close(NaturalMLE("normal").fit(parts[0], sample_weight=parts[1]).theta_, near.theta_)
    X, counts = np.hstack([y, y**2]), np.arange(300.0) % 5
    near = NaturalRegressor("poisson").fit(X, counts, sample_weight=weight)
    far = NaturalRegressor("poisson").fit(
        da.from_array(X, chunks=(100, 2)), da.from_array(counts, chunks=100), sample_weight=parts[1]
    )
    close(far.coef_["rate"], near.coef_["rate"])
    with pytest.raises(ValueError, match="rows of positive weight, got none in any piece"):
        NaturalMLE("normal").fit(parts[0], sample_weight=0.0 * parts[1])


def test_offsets_of_parameters_are_refused():
    X, y = da.ones((10, 2), chunks=(5, 2)), da.ones(10, chunks=5)
    with pytest.raises(ValueError, match=r"offset must be one column .* \['scale'\]"):
        NaturalRegressor("normal").fit(X, y, offset={"scale": y})


@pytest.mark.parametrize("form", ["full", "diag", "spherical"])
def test_gaussian(form):
    Z = np.random.default_rng(0).normal(size=(N, 2)) @ [[1.0, 0.5], [0.0, 2.0]]
    near = natfit.NaturalGaussianMLE(form).fit(Z)
    frame = dd.from_pandas(pd.DataFrame(Z, columns=["a", "b"]), npartitions=3)
    for rows in (da.from_array(Z, chunks=(400, 2)), frame, cut(Z, [10])):
        close(natfit.NaturalGaussianMLE(form).fit(rows).covariance_, near.covariance_)


def test_missing_levels_and_labels_name_their_partition():
    levels = pd.Series(np.resize(["u", "v", "w"], N).astype(object), name="c")
    levels[N - 3] = None
    y = dd.from_pandas(pd.Series(np.arange(N) % 3.0), npartitions=3)
    X = dd.from_pandas(levels.to_frame(), npartitions=3)
    with pytest.raises(ValueError, match=r"column 'c' .* row 497 of partition 2"):
        NaturalRegressor("poisson").fit(X, y)
    with pytest.raises(ValueError, match=r"y must not have missing labels.* partition 2"):
        natfit.NaturalClassifier().fit(y.to_frame(), X["c"])


def test_single_delayed_blocks_and_words_are_refused():
    X = da.ones((10, 2), chunks=(5, 2))
    with pytest.raises(TypeError, match=r"list of blocks, .* write \[block\]"):
        NaturalMLE("normal").fit(dask.delayed(np.ones((10, 1))))
    with pytest.raises(ValueError, match="y must be in partitions as X is, got str"):
        NaturalRegressor("poisson").fit(X, "y")
