"""Classifiers of many classes: their cost is that of few products, whatever the number of pairs."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from natfit import NaturalClassifier
from natfit.distributions import Categorical
from natfit.linops.row_curvature import Entries
from natfit.models._design import Design
from natfit.models.linear_predictors import LinearPredictors


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_information_of_many_classes_is_the_sum_over_rows(single, weighted):
    rng = np.random.default_rng(2)
    n, d, k = 50, 3, 8
    x = rng.standard_normal((n, d)) * [1.0, 10.0, 0.1] + 5.0
    x[:, 2] = 7.0
    shift, scale = x.mean(axis=0), np.where(np.arange(d) == 2, 0.0, x.std(axis=0))
    model = LinearPredictors(shift=shift, scale=scale).bind(d, Categorical(k + 1))
    lin = model.linearize(3.0 * rng.standard_normal(model.n_params), x)
    weight = rng.random(n) if weighted else None
    c = model.family.curvature(lin.eta)
    c = c if weight is None else c.weighted(weight)
    z = np.column_stack([(x - shift) / np.where(scale == 0.0, 1.0, scale), np.ones(n)])
    z[:, 2] = 0.0
    p = np.column_stack([np.exp(lin.eta), np.ones(n)])
    p = (p / p.sum(axis=1, keepdims=True))[:, :-1]
    inner = p[:, :, None] * (np.eye(k) - p[:, None, :])
    w = np.ones(n) if weight is None else weight
    expected = np.einsum("n,nkl,na,nb->kalb", w, inner, z, z).reshape(k * 4, -1)
    tolerance = 1e-6 if single else 1e-14
    found = lin.gram(c, single)
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()
    # By its entries, one by one, it is the same.
    entries = lin.gram(Entries(k, {(a, b): e for a, b, e in c.items()}), single)
    assert np.abs(found - entries).max() <= tolerance * np.abs(expected).max()


def test_many_classes_make_no_product_for_each_pair(monkeypatch):
    asked, decomposed = [], []
    grams, eigh = Design.grams, np.linalg.eigh

    def spied_grams(self, X, cs, single=False):
        asked.append(len(cs))
        return grams(self, X, cs, single)

    def spied_eigh(matrix, *args):
        decomposed.append(np.ndim(matrix))
        return eigh(matrix, *args)

    monkeypatch.setattr(Design, "grams", spied_grams)
    monkeypatch.setattr(np.linalg, "eigh", spied_eigh)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 2))
    # One class is beyond all others, so that separation is looked for.
    y = np.where(np.arange(120) < 118, np.arange(120) % 40, 40)
    x[118:] += 20.0
    with pytest.warns(ConvergenceWarning, match="unbounded"):
        NaturalClassifier().fit(x, [f"class {k}" for k in y])
    # K of 41 logits, not K (K + 1) / 2 = 820, and no matrix of each row is decomposed.
    assert max(asked) == 40
    assert decomposed and set(decomposed) == {2}


def test_many_classes_are_those_of_another_fitter():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((400, 2))
    y = rng.integers(0, 30, 400)
    found = NaturalClassifier(alpha=0.01, tol=1e-9).fit(x, y)
    peer = LogisticRegression(C=1.0 / (0.01 * 400), solver="newton-cholesky", tol=1e-10).fit(x, y)
    assert np.allclose(found.coef_, peer.coef_, rtol=0.0, atol=1e-6)
    assert np.allclose(found.intercept_, peer.intercept_, rtol=0.0, atol=1e-6)
