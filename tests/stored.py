"""Fitted estimators as files: what a release stores, and what every later version must still load.

``python tests/stored.py`` writes those of the version at hand to ``tests/data/stored/<version>/``. It is a
step of a release from 0.2.0 on; ``tests/test_stored.py`` loads what is there.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import natfit
from natfit.distributions import Mixture, Truncated

STORE = Path(__file__).with_name("data") / "stored"

#: Rows on which a loaded estimator is asked.
ROWS = np.linspace(0.2, 4.0, 20)


def estimators() -> dict[str, Any]:
    """Fitted estimators by name: columns, vectors, censored rows, wrappers, options, a policy."""
    y = np.random.default_rng(0).gamma(2.0, 1.0, 200)
    pairs = np.column_stack([y, y[::-1] + y])
    censored = natfit.Censored(y, np.where(y > 3.0, np.inf, y))
    policy = natfit.NaturalPolicyEstimator("two_state", policy="linear", max_iter=2, random_state=0)
    return {
        "gamma": natfit.fit("gamma", y),
        "columns": natfit.fit("normal", pairs),
        "vectors": natfit.NaturalGaussianMLE().fit(pairs),
        "student_t": natfit.fit("student_t", y, coordinates="native", metric="exact"),
        "censored": natfit.fit("weibull", censored),
        "truncated": natfit.fit(Truncated("gamma", 0.0, 20.0), y),
        "mixture": natfit.fit(Mixture(["gamma", "lognormal"]), y),
        "options": natfit.fit("gamma", y, fixed={"shape": 2.0}, bounds={"scale": (0.1, 9.0)}),
        "policy": policy.fit(),
    }


def answers(model: Any) -> dict[str, Any]:
    """Return the attributes, scores and predictions of an estimator, in a form for JSON."""
    if isinstance(model, natfit.NaturalPolicyEstimator):
        return {"theta": model.theta_.tolist(), "score": model.score(range(3))}
    width = model.n_features_in_
    rows = np.column_stack([ROWS] * width)
    return {
        "params": {name: np.asarray(v).tolist() for name, v in model.params_.items()},
        "errors": {name: np.asarray(v).tolist() for name, v in model.standard_errors_.items()},
        "status": str(model.status_),
        "message": model.message_,
        "n_iter": model.n_iter_,
        "log_density": model.score_samples(rows).tolist(),
    }


def write(folder: Path) -> None:
    """Store the estimators and their answers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in estimators().items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(model, protocol=4))
        (folder / f"{name}.json").write_text(json.dumps(answers(model), indent=1) + "\n")


if __name__ == "__main__":
    write(STORE / natfit.__version__)
