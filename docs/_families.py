"""Write a page for each family of distributions: its density, its facts, its docstring.

conf.py calls :func:`write` before Sphinx reads the sources, so that a family that is added has a
page when it has a file. Nothing on these pages is kept by hand.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import warnings
from pathlib import Path
from typing import Any

import _formulas
import _generate as tables
import numpy as np

from natfit import NaturalMLE
from natfit._component import available, component_class
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.metrics import Metric

EXAMPLES = Path(__file__).parents[1] / "examples"

#: The folders of natfit/distributions, which say where y lies, and the titles of their lists.
GROUPS = {
    "real": "Real numbers",
    "positive": "Positive numbers",
    "interval": "Numbers in an interval",
    "counts": "Counts and categories",
    "vectors": "Vectors",
    "wrappers": "Families around another family",
}
#: Roles of parameters that move or stretch a density and do not change its shape.
_PLAIN = {Role.LOCATION, Role.SCALE, Role.RATE, Role.MEAN}
#: Probabilities between which a density is drawn.
_TAIL = 0.004
_MOST = 100.0


def write(folder: Path) -> None:
    """Write the index and a page for each family into a folder.

    Parameters
    ----------
    folder : Path
        Is made where there is none.
    """
    folder.mkdir(exist_ok=True)
    stamp, now = folder / ".made-of", digest()
    if stamp.exists() and stamp.read_text() == now:
        return
    names = available(Distribution)
    for path in folder.iterdir():
        if path.stem not in names:
            path.unlink()
    for name in names:
        family = tables._example(name)
        alternative = draw(family, folder / f"{name}.png")
        _replace(folder / f"{name}.rst", page(name, family, alternative))
    _replace(folder / "index.rst", index(names))
    stamp.write_text(now)


def digest() -> str:
    """Return a number of what the pages follow from, so that they are written when it changes.

    Returns
    -------
    str
        The hexadecimal SHA-256 of the package, the examples and this folder's programs.
    """
    files = [*EXAMPLES.parent.glob("natfit/**/*.py"), *EXAMPLES.glob("*/*.py")]
    files += Path(__file__).parent.glob("_*.py")
    sha = hashlib.sha256()
    for path in sorted(files):
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _replace(path: Path, text: str) -> None:
    """Write a file whose text has changed; Sphinx reads again what has a new date."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def group_of(name: str) -> str:
    """Return the folder in which the file of a family lies.

    Parameters
    ----------
    name : str
        The family's string.

    Returns
    -------
    str
        A key of :data:`GROUPS`.
    """
    parts = component_class(name, Distribution).__module__.split(".")
    return next(part for part in parts if part in GROUPS)


def index(names: list[str]) -> str:
    """Return the page that lists the families by the values that y may take.

    Parameters
    ----------
    names : list of str
        The families' strings.

    Returns
    -------
    str
        reStructuredText.
    """
    lines = ["Families of distributions", "=" * 25, ""]
    lines += [
        "Each page has a family's density, its parameters, its Fisher information, its limits,",
        "and its names elsewhere. Where no family fits, :doc:`/distributions` says how a density",
        "of your own becomes one, and has a wide table that compares all families.",
        "",
    ]
    for group, title in GROUPS.items():
        lines += [title, "-" * len(title), "", ".. toctree::", "   :hidden:", ""]
        inside = [name for name in names if group_of(name) == group]
        lines += [f"   {name}" for name in inside]
        lines += ["", ".. list-table::", "   :widths: 30 70", ""]
        for name in inside:
            first = _plain(tables._first_line(component_class(name, Distribution)))
            lines += [f"   * - :doc:`{name}`", f"     - {first}"]
        lines.append("")
    return "\n".join(lines)


def page(name: str, family: Distribution, alternative: str) -> str:
    """Return the page of a family.

    Parameters
    ----------
    name : str
        The family's string.
    family : Distribution
        An example of it.
    alternative : str
        What the picture shows, or an empty string where there is none.

    Returns
    -------
    str
        reStructuredText.
    """
    cls = type(family)
    lines = [f"``{name}``", "=" * (len(name) + 4), ""]
    lines += [_plain(inspect.getdoc(cls).splitlines()[0]), ""]
    if alternative:
        lines += [f".. image:: {name}.png", f"   :alt: {alternative}", "   :width: 640px", ""]
    lines += [".. list-table::", "   :stub-columns: 1", "   :widths: 25 75", ""]
    for label, text in facts(name, family).items():
        lines += [f"   * - {label}", f"     - {text}"]
    lines += ["", "In full", "-------", ""]
    lines += [
        f".. autoclass:: {public_name(cls)}",
        "   :members:",
        "   :member-order: bysource",
        "",
    ]
    lines += gallery(name, cls)
    return "\n".join(lines)


def public_name(cls: type) -> str:
    """Return the name by which users import a class.

    Parameters
    ----------
    cls : type
        A component.

    Returns
    -------
    str
        The package's name where it exports the class, or the module's.
    """
    import natfit.distributions as package

    short = cls.__name__
    home = package.__name__ if getattr(package, short, None) is cls else cls.__module__
    return f"{home}.{short}"


def facts(name: str, family: Distribution) -> dict[str, str]:
    """Return what a family is and has, each in a few words.

    Parameters
    ----------
    name : str
        The family's string.
    family : Distribution
        An example of it.

    Returns
    -------
    dict
        Label to reStructuredText.
    """
    row = dict(zip(tables.HEAD, tables._row(name), strict=True))
    arguments = re.search(r"\((.*)\)", row["family"])
    found = {"In a fit": f'``NaturalMLE("{name}")``'}
    if arguments:
        found["In a fit"] = f"``NaturalMLE({' '.join(repr(family).split())})``, for instance"
    found["Values of y"] = _plain(row["support"])
    found["Parameters"] = _literals(row["parameters"])
    said = _formulas.formulas(type(family))
    for label in ("mean", "variance"):
        if label in said:
            found[label.capitalize()] = formula(said[label], family, said.get("where"))
    found["Fisher information"] = row["Fisher information"]
    if "information" in said:
        found["Fisher information"] += ": " + formula(said["information"], family)
    found["Distribution function"] = row["cdf"]
    found["In scipy"] = _literals(row["`scipy.stats`"])
    found["In R"] = f"``{said['r']}``" if "r" in said else "-"
    if row["at a limit"] != "-":
        found["At a limit"] = _literals(row["at a limit"])
    found["Coordinates"] = ", ".join(f"``{c}``" for c in row["coordinates"].split(", "))
    found["Metrics"] = ", ".join(f"``{metric}``" for metric in metrics(family))
    wrappers = [
        f":doc:`{outer}`"
        for outer in available(Distribution)
        if group_of(outer) == "wrappers" and not isinstance(_wrapped(outer, family), str)
    ]
    found["Wrappers around it"] = ", ".join(wrappers) or "none"
    return found


def formula(text: str, family: Distribution, where: str | None = None) -> str:
    """Return a formula of a docstring as mathematics, or as it is where it has other words.

    Parameters
    ----------
    text : str
        The formula.
    family : Distribution
        Whose parameters and options are the words of it.
    where : str, optional
        An abbreviation, ``s = ...``.

    Returns
    -------
    str
        reStructuredText.
    """
    names = [*family.params, *family.get_params(), *(where.split(" = ")[:1] if where else [])]
    try:
        shown = f":math:`{_formulas.tex(text, names)}`"
    except ValueError:
        return f"``{text}``"
    if where:
        short, long = where.split(" = ")
        shown += f", where :math:`{short} = {_formulas.tex(long, names)}`"
    return shown


def _wrapped(outer: str, family: Distribution) -> Any:
    if family.event_shape != () and outer == "censored":
        return "one column"
    try:
        return tables.wrapped(outer, family)
    except (TypeError, ValueError, StopIteration) as error:
        return str(error)


def metrics(family: Distribution) -> list[str]:
    """Return the metrics with which draws of the family can be fitted.

    Parameters
    ----------
    family : Distribution
        Any.

    Returns
    -------
    list of str
        The strings of the metrics that need no argument and refuse nothing.
    """
    if not family.can_sample:
        return []
    y = family.sample(tables.points(family)[:1], np.random.default_rng(0), 60)
    y = y if family.event_shape else y[:, None]
    found = []
    for name in available(Metric):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                NaturalMLE(family, metric=name, max_iter=1, random_state=0).fit(y)
        except (TypeError, ValueError, NotImplementedError):
            continue
        found.append(name)
    return found


def gallery(name: str, cls: type) -> list[str]:
    """Return the lines of the pictures of the examples that use a family.

    Parameters
    ----------
    name : str
        The family's string.
    cls : type
        The family.

    Returns
    -------
    list of str
        Lines of reStructuredText; none where no example uses it.
    """
    word = re.compile(rf"""["']{name}["']|\b{cls.__name__}\(""")
    files = sorted(EXAMPLES.glob("*/plot_*.py"))
    using = [path for path in files if word.search(path.read_text(encoding="utf-8"))]
    if not using:
        return []
    title = "Examples that use it"
    lines = [title, "-" * len(title), "", ".. minigallery::", ""]
    return [*lines, *(f"   ../examples/{path.relative_to(EXAMPLES)}" for path in using), ""]


# ------------------------------------------------------------------------------------- pictures


def etas(family: Distribution) -> np.ndarray:
    """Return the parameters for which a density is drawn.

    The first parameter that changes the shape takes three values; where none does, the last one.

    Parameters
    ----------
    family : Distribution
        Any.

    Returns
    -------
    ndarray of shape (3, K)
        The parameters eta.
    """
    low, high, step = family.limits
    base = np.zeros(family.n_params)
    for name, value in family.usual.items():
        base[family.blocks[name]] += np.ravel(family.params[name].to_eta(np.array([value])))[0]
    shaped = [name for name, role in family.roles.items() if role not in _PLAIN]
    name = shaped[0] if shaped else list(family.roles)[-1]
    block = family.blocks[name]
    first = block.start if isinstance(block, slice) else int(np.ravel(block)[0])
    # An eta from zero on is that of a reciprocal or a share, whose end is another family.
    found = np.tile(np.where(low >= 0, low + 0.5, base), (3, 1))
    width = 0.8 * min(1.0, float(np.broadcast_to(step, len(base))[first]))
    found[:, first] += np.array([-width, 0.0, width]) * (0.4 if low[first] >= 0 else 1.0)
    return np.clip(found, low, high)


def draw(family: Distribution, path: Path) -> str:
    """Draw the density for a few parameters into a PNG.

    Parameters
    ----------
    family : Distribution
        Any; of a family of vectors draws are shown.
    path : Path
        Where to write it.

    Returns
    -------
    str
        What the picture shows, in a sentence; empty where nothing was drawn.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context("natfit.display.natfit"):
        figure, axes = plt.subplots(figsize=(6.4, 3.2))
        drawn = _curves if family.event_shape == () else _points
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            labels = drawn(axes, family)
        if labels:
            figure.savefig(path, metadata={"Software": None})
        plt.close(figure)
    if not labels:
        return ""
    what = {_curves: "Density", _points: "Draws"}[drawn]
    if family.event_shape == () and family.support and family.support.integer:
        what = "Probabilities"
    return f"{what} of {type(family).__name__} for " + "; ".join(labels)


def _curves(axes: Any, family: Distribution) -> list[str]:
    """Draw densities as lines, or probabilities as points; return what the lines are."""
    from natfit.distributions.contract.frozen import Frozen

    rng = np.random.default_rng(0)
    drawn = []
    for eta in etas(family):
        y = np.sort(family.sample(eta[None], rng, 4000))
        y = y[np.isfinite(y)]
        # Heavy tails would leave no room for the middle.
        inner, outer = np.quantile(y, [0.25, 0.75]), np.quantile(y, [_TAIL, 1.0 - _TAIL])
        reach = 4.0 * np.ptp(inner) or np.inf
        drawn.append((eta, max(outer[0], inner[0] - reach), min(outer[1], inner[1] + reach)))
    low, high = min(d[1] for d in drawn), max(d[2] for d in drawn)
    integer = family.support is not None and family.support.integer
    grid = np.linspace(low, high, 400)
    if integer:
        grid = np.arange(np.floor(low), np.ceil(min(high, low + _MOST)) + 1.0)
    labels, values = [], []
    for i, (eta, _, _) in enumerate(drawn):
        density = np.exp(np.ravel(Frozen(family, eta[None]).logpdf(grid)))
        labels.append(_named(family, eta))
        values.append(density[np.isfinite(density)])
        style = (
            {"marker": "osD"[i], "ms": 4, "lw": 0.8} if integer else {"ls": ("-", "--", "-.")[i]}
        )
        axes.plot(grid, density, label=labels[-1], **style)
    # A density that is infinite at an end leaves room for the others.
    top = np.quantile(np.concatenate(values), 0.985) * 1.25
    axes.set_ylim(0.0, min(top, 1.1 * max(v.max() for v in values)))
    axes.set(xlabel="y", ylabel="probability" if integer else "density")
    axes.legend(fontsize=8)
    return labels


def _points(axes: Any, family: Distribution) -> list[str]:
    """Draw the first two columns of draws; return what the colours are."""
    rng = np.random.default_rng(0)
    labels = []
    for i, eta in enumerate(etas(family)[[0, 2]]):
        y = family.sample(eta[None], rng, 300)
        if y.shape[1] < 2:
            return []
        if family.support is not None and family.support.integer:
            y = y + rng.uniform(-0.15, 0.15, y.shape)
        labels.append(_named(family, eta))
        axes.plot(y[:, 0], y[:, 1], "o^"[i], ms=3, alpha=0.6, label=labels[-1])
    axes.set(xlabel="first column of y", ylabel="second column of y")
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0.0, -0.18))
    return labels


def _named(family: Distribution, eta: np.ndarray) -> str:
    """Return native values by name, with two decimals."""
    values = family.native_dict(eta)
    return ", ".join(f"{k} = {json.dumps(np.round(v, 2).tolist())}" for k, v in values.items())


# ---------------------------------------------------------------------------------------- markup


def _plain(text: str) -> str:
    """Escape what formulas share with markup, outside of literals."""
    parts = re.split(r"(``.+?``)", text)
    return "".join(p if p.startswith("``") else re.sub(r"([*|_])", r"\\\1", p) for p in parts)


def _literals(text: str) -> str:
    """Turn the literals of Markdown into those of reStructuredText."""
    parts = re.split(r"`([^`]+)`", text)
    return "".join(f"``{p}``" if i % 2 else _plain(p) for i, p in enumerate(parts))
