"""What families ask of data: by parts that travel, with the same answers in any chunks."""

import numpy as np
import pytest

from natfit.distributions import Normal, StudentT
from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.rows import BLOCK, Memory
from natfit.testing.data import points, some_rows
from tests.suites import families
from tests.travel import MOST, Watched

#: Twenty chunks of a block; y alone takes more than may travel.
N = 20 * BLOCK - 300


def censored(y):
    """Intervals of y, a third of them open on the right."""
    return np.stack([y, np.where(np.arange(len(y)) % 3 == 0, np.inf, y)], axis=1)


def cases():
    found = {}
    for name, family in families().items():
        eta = points(family)[0]
        y = some_rows(family, eta, 700)
        found[name] = family, np.resize(y, (N, *y.shape[1:])), eta
    for family in (Normal(), StudentT()):
        eta = points(family)[0]
        y = np.resize(some_rows(family, eta, 700), N)
        found[f"censored {family!r}"] = CensoredFamily(family), censored(y), eta
    return found


CASES = cases()


def flat(value):
    """Numbers of a start, a summary or a refusal, as vectors."""
    if value is None or isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [v for part in value for v in flat(part)]
    return [np.asarray(value, dtype=float)]


def answers(family, rows, eta):
    """What a fit asks of the data, in its order."""
    with np.errstate(all="ignore"):
        bound = family.bind(rows) if family.information.complete else family
        family.check(rows)
        summary = family.sufficient(rows)
        family.check_degenerate(rows, summary)
        yield type(bound), bound.n_params
        yield summary if isinstance(summary, tuple) else None
        far = eta + np.where(np.isfinite(eta), 3.0, 0.0)
        low, high, _ = family.limits
        yield family.initial(rows.few(), np.random.default_rng(0))
        yield family.refine_start(rows, np.clip(far, low, high))
        yield family.nested_start(rows)
        yield family.no_maximum(rows, eta)


@pytest.mark.parametrize("name", CASES)
def test_what_is_asked_travels(name):
    family, y, eta = CASES[name]
    weight = np.linspace(0.5, 2.0, N)
    assert y.nbytes > MOST
    for w in (None, weight):
        # Every part is measured as it would be sent; a few families ask nothing.
        list(answers(family, Watched(y, weight=w, chunk=BLOCK), eta))


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_answers_hardly_depend_on_chunks(name, weighted):
    family, y, eta = CASES[name]
    weight = np.linspace(0.5, 2.0, N) if weighted else None
    one, many = (
        list(answers(family, Memory(y, weight=weight, chunk=chunk), eta)) for chunk in (N, BLOCK)
    )
    assert one[0] == many[0]
    for a, b in zip(one[1:], many[1:], strict=True):
        for u, v in zip(flat(a), flat(b), strict=True):
            if u is None or isinstance(u, str):
                assert u == v
            else:
                np.testing.assert_allclose(v, u, rtol=1e-7, atol=1e-9)
