"""What regressions say: of data that cannot be fitted, in the words and labels of the user."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.exceptions import ConvergenceWarning

import natfit

RNG_START = np.random.default_rng(5)
X_START, COUNTS = RNG_START.normal(size=(30, 2)), RNG_START.poisson(3.0, 30)
FAR = np.where(np.arange(30) == 3, 1e4, 0.0)


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        (("poisson",), {"offset": FAR}, "offsets from 0 to 10000"),
        (("normal",), {"offset": {"scale": FAR}}, "offsets from 0 to 10000"),
        (("poisson", {"link": "identity", "fit_intercept": False}), {}, "fit_intercept=True"),
        (("gamma_mean", {"link": "inverse", "fit_intercept": False}), {}, "fit_intercept=True"),
    ],
)
def test_a_regression_without_a_finite_start_says_why_in_its_own_words(options, given, said):
    model = natfit.NaturalRegressor(options[0], **dict(*options[1:]))
    with pytest.raises(ValueError, match="must give a finite likelihood where") as error:
        model.fit(X_START, COUNTS + 1.0, **given)
    assert said in str(error.value) and "start_params" not in str(error.value)


@pytest.mark.parametrize("size", [1e300, 1e250])
@pytest.mark.parametrize("family", ["normal", "multivariate_normal"])
def test_the_size_of_y_is_said_of_y(family, size):
    y = size * (np.c_[COUNTS, X_START[:, 0]] if "multi" in family else COUNTS)
    with pytest.raises(ValueError, match=r"^y must be small enough.*divide y by a constant"):
        natfit.NaturalRegressor(family).fit(X_START, y)


# ------------------------------------------------------------------------- labels of classes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
TREES = np.array(["ash", "birch", "oak"])
ALIKE = RNG.integers(0, 3, 80)


@pytest.mark.parametrize("kind", [str, int])
@pytest.mark.parametrize("own", [0, 1, 2])
def test_a_class_that_is_separated_is_named_by_its_label_and_alone(own, kind):
    labels = TREES if kind is str else np.array([10, 20, 30])
    code = np.where(X[:, 0] > 0.5, own, (own + 1 + ALIKE % 2) % 3)
    with pytest.warns(ConvergenceWarning, match=r"x0") as caught:
        model = natfit.NaturalClassifier().fit(X, labels[code])
    assert model.status_ == "unbounded"
    assert f"grows without limit as {labels[own]}[x0] -> inf: along" in model.message_
    assert "probs" not in str(caught[0].message)


def test_columns_that_no_class_determines_are_named_once():
    with pytest.warns(ConvergenceWarning, match="do not determine x0, x2: the information"):
        natfit.NaturalClassifier().fit(np.c_[X, X[:, 0]], TREES[ALIKE])


def test_of_two_classes_messages_say_whose_probability_it_is():
    labels = np.where(X[:, 0] > 0, "yes", "no")
    with pytest.warns(ConvergenceWarning, match="prob is that of class 'yes'"):
        natfit.NaturalClassifier().fit(X, labels)


def test_no_name_of_a_classifier_numbers_its_classes():
    model = natfit.NaturalClassifier().fit(X, TREES[ALIKE])
    alone = natfit.NaturalClassifier(features_for=[]).fit(X, TREES[ALIKE])
    assert alone.param_names_ == ["probs[ash]", "probs[birch]"]
    said = [str(model.summary()), str(model.identifiability()), str(alone.summary())]
    said += [str(model.influence(X, TREES[ALIKE])), str(model.wald_test("oak[x0]"))]
    assert not any("probs[0]" in words or "probs[1]" in words for words in said)
    with pytest.raises(ValueError, match=r"\['ash', 'birch', 'oak'\], got 'elm' at row 0"):
        model.score_samples(X, np.full(80, "elm"))


def test_a_score_test_of_a_feature_of_classes_is_that_of_all_of_them():
    model = natfit.NaturalClassifier(features_for=[0], tol=1e-9).fit(X, TREES[ALIKE])
    seen, p = np.eye(3)[ALIKE], model.predict_proba(X[:, :2])
    z = np.c_[np.ones(80), X]
    score = (z.T @ (seen - p)[:, :2]).T.ravel()
    blocks = [[p[:, a] * ((a == b) - p[:, b]) for b in range(2)] for a in range(2)]
    matrix = np.block([[(z * c[:, None]).T @ z for c in row] for row in blocks])
    theirs = score @ np.linalg.solve(matrix, score)
    for null, extra in (("probs[x1]", None), ("x1", None), (None, X[:, 1])):
        found = model.score_test(null, X, TREES[ALIKE], extra=extra)
        assert found.df == 2 and found.statistic == pytest.approx(theirs, rel=1e-7)


# ------------------------------------------------------------------------- scales of coefficients

POSITIVE = np.exp(X[:, 0] + RNG.normal(size=80))


@pytest.mark.parametrize(
    ("family", "options", "y", "said"),
    [
        ("normal", {}, POSITIVE, "loc; scale in its own units"),
        ("gamma_mean", {"features_for": "all"}, POSITIVE, "log(mean), log(shape)"),
        ("gamma_mean", {"link": "inverse"}, POSITIVE, "1 / mean; shape in its own units"),
        ("poisson", {"link": "sqrt"}, ALIKE, "sqrt(rate)"),
        ("bernoulli", {"link": "cloglog"}, ALIKE % 2, "cloglog(prob)"),
        ("bernoulli", {"link": "probit"}, ALIKE % 2, "probit(prob)"),
        (None, {}, TREES[ALIKE], "logits of ash, birch, oak, as differences from their mean"),
        (None, {}, TREES[ALIKE % 2], "logit(prob) of class 'birch' against 'ash'"),
    ],
)
def test_a_summary_says_on_which_scale_coefficients_are(family, options, y, said):
    kind = natfit.NaturalClassifier if family is None else natfit.NaturalRegressor
    model = kind(**options) if family is None else kind(family, **options)
    found = model.fit(X, y).summary()
    assert found.facts["predictors"] == said
    assert f"predictors      {said}" in str(found)


# ------------------------------------------------------------------------- remedies


@pytest.mark.parametrize(
    ("family", "columns", "y", "options"),
    [
        ("normal", np.c_[X, X[:, 0]], X[:, 0] + POSITIVE, {}),
        ("normal", X, X[:, 0], {}),
        ("student_t", X, X[:, 0] + RNG.normal(size=80), {"max_iter": 1}),
        ("negative_binomial", X, ALIKE % 2, {}),
        ("poisson", X, 1e300 * ALIKE, {}),
    ],
)
def test_remedies_are_those_that_a_regression_has(family, columns, y, options):
    with pytest.warns(ConvergenceWarning):
        model = natfit.NaturalRegressor(family, **options).fit(columns, y)
    assert not model.status_.good
    said = model.message_
    assert not any(words in said for words in ("start values", "fix ", "gradient belongs"))
    if model.status_ in ("singular", "unbounded"):
        with pytest.raises(ValueError, match="needs an optimum") as error:
            model.conf_int()
        # Its message has the remedy already.
        assert str(error.value).endswith(said)


# ------------------------------------------------------------------------- tests in a summary

GROUPS = pd.DataFrame({"u": X[:, 0], "g": np.array(["a", "b", "c"])[RNG.integers(0, 3, 80)]})
DESIGN = sm.add_constant(pd.get_dummies(GROUPS, drop_first=True, dtype=float))


@pytest.mark.parametrize("family", ["poisson", "negative_binomial", "classes", "two"])
def test_the_test_against_intercepts_alone_is_that_of_statsmodels(family):
    counts = np.random.default_rng(1).negative_binomial(3, 0.4, 80)
    theirs = {
        "poisson": lambda: sm.Poisson(counts, DESIGN),
        "negative_binomial": lambda: sm.NegativeBinomial(counts, DESIGN),
        "classes": lambda: sm.MNLogit(ALIKE, DESIGN),
        "two": lambda: sm.Logit(ALIKE % 2, DESIGN),
    }[family]()
    theirs = theirs.fit(disp=0, maxiter=300, method="bfgs" if "neg" in family else "newton")
    y = {"classes": ALIKE, "two": ALIKE % 2}.get(family, counts)
    kind = natfit.NaturalClassifier() if family in ("classes", "two") else None
    model = (kind or natfit.NaturalRegressor(family)).fit(GROUPS, y)
    facts = model.summary().facts
    assert facts["lr"] == pytest.approx(theirs.llr, abs=1e-4)
    assert facts["lr_df"] == theirs.df_model and facts["lr_p"] == pytest.approx(
        theirs.llr_pvalue, rel=1e-3
    )
    assert f"df {facts['lr_df']:g}, p" in str(model.summary())


def test_there_is_no_such_test_of_a_penalty_or_without_intercepts():
    for options in ({"alpha": 0.1}, {"prior": "jeffreys"}, {"fit_intercept": False}):
        facts = natfit.NaturalRegressor("poisson", **options).fit(X, ALIKE).summary().facts
        assert facts["lr"] is None and facts["null_loglik"] is not None


def test_a_feature_or_a_column_of_categories_stands_for_all_its_coefficients():
    counts = np.random.default_rng(1).poisson(3.0, 80)
    model = natfit.NaturalRegressor("poisson").fit(GROUPS, counts)
    theirs = sm.GLM(counts, DESIGN, family=sm.families.Poisson()).fit(tol=1e-12)
    found = model.wald_test("g")
    both = theirs.wald_test("(g_b = 0), (g_c = 0)", scalar=True)
    assert found.df == 2 and found.statistic == pytest.approx(float(both.statistic), rel=1e-6)
    assert list(model.conf_int(of="g")) == ["rate[g[b]]", "rate[g[c]]"]
    classes = natfit.NaturalClassifier().fit(X, TREES[ALIKE])
    other = sm.MNLogit(ALIKE, sm.add_constant(X)).fit(disp=0)
    both = other.wald_test(np.eye(6)[[1, 4]], scalar=True)
    found = classes.wald_test("x0")
    assert found.df == 2 and found.statistic == pytest.approx(float(both.statistic), rel=1e-5)
    with pytest.raises(ValueError, match="'x0' names 3 coefficients"):
        classes.estimate("x0")


def test_a_summary_gives_no_test_of_coefficients_that_run_off():
    with pytest.warns(ConvergenceWarning, match="unbounded"):
        model = natfit.NaturalClassifier().fit(X, X[:, 0] > 0)
    found = model.summary()
    assert all(row["pvalue"] is None and row["z"] is None for row in found.table)
    assert "not end at a maximum" in found.facts["notes"][0] and found.facts["lr"] is None


def test_a_pvalue_below_all_numbers_is_no_zero():
    model = natfit.NaturalRegressor("normal").fit(X, X[:, 0] + 1e-3 * POSITIVE)
    found = model.summary()
    assert found.table[0]["pvalue"] == 0.0 and "< 2e-308" in str(found)


def test_numbers_of_trials_are_not_listed():
    y = np.c_[ALIKE, RNG.integers(1, 40, 80)]
    model = natfit.NaturalRegressor("binomial_rows").fit(X, y)
    assert model.summary().facts["family"] == "BinomialRows()"


def test_a_parameter_at_its_limit_has_no_score_test_of_features():
    y = np.random.default_rng(0).binomial(6, 0.5, 80)
    with pytest.warns(ConvergenceWarning, match="n -> inf"):
        model = natfit.NaturalRegressor("negative_binomial").fit(X, y)
    with pytest.raises(ValueError, match="needs n inside its range"):
        model.score_test("n[x0]", X, y)


def test_kinks_beside_censored_rows_are_named_as_the_reason():
    y = X[:, 0] + np.random.default_rng(0).laplace(size=80)
    with pytest.warns(ConvergenceWarning, match="kink at each exact row.*student_t or logistic"):
        model = natfit.NaturalRegressor("laplace").fit(X, natfit.Censored.right(y, y < 1.0))
    assert not model.status_.good and "not end at a maximum" in str(model.summary())
