"""Write the sources that follow from the package: API reference, pages of the parts.

conf.py calls :func:`write` before Sphinx reads the sources; run alone, this prints the lists of
parts and families. They follow from the packages' ``__all__`` and from the registries, so that a
name that is added has a page.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import _families
import _generate as tables

from natfit._component import Component, available, component_class
from natfit.distributions.base import Distribution
from natfit.testing import kinds

#: Public packages and what one finds in them; families have pages of their own.
PACKAGES = {
    "natfit": "Estimators and functions",
    "natfit.display": "Displays",
    "natfit.rl": "Policies",
    "natfit.distributions": "Distributions, beside the families",
    "natfit.metrics": "Metrics",
    "natfit.solvers": "Solvers",
    "natfit.steps": "Steps",
    "natfit.damping": "Damping",
    "natfit.coordinates": "Coordinates",
    "natfit.models": "Models",
    "natfit.bijectors": "Bijectors",
    "natfit.rows": "Rows",
    "natfit.inference": "Inference",
    "natfit.optimize": "The loop",
    "natfit.testing": "Checks of components",
}

#: What users write of a part of their own: the file of docs/templates/.
TEMPLATES = Path(__file__).with_name("templates")


def write(folder: Path) -> None:
    """Write api.rst, families/ and parts/ into the folder of the sources.

    Parameters
    ----------
    folder : Path
        The folder of conf.py.
    """
    _families.write(folder / "families")
    text = reference()
    _families._replace(folder / "api.rst", text)
    # Sphinx writes a page for each name of the list, and leaves those of names that are gone.
    for path in (folder / "api").glob("*.rst"):
        if f"   {path.stem}\n" not in text:
            path.unlink()
    parts = folder / "parts"
    parts.mkdir(exist_ok=True)
    pages = {base.__name__.lower(): part(base) for base in kinds()}
    for name, text in pages.items():
        _families._replace(parts / f"{name}.rst", text)


def public(package: str) -> list[str]:
    """Return the names that a package exports and that are no packages, families or constants.

    Parameters
    ----------
    package : str
        Dotted name.

    Returns
    -------
    list of str
        Dotted names, each under the first package that exports it.
    """
    module = importlib.import_module(package)
    families = {component_class(name, Distribution) for name in available(Distribution)}
    found = []
    for name in module.__all__:
        value = getattr(module, name)
        # Checks are lists of functions; what is said of them is in the docstring of the package.
        if (inspect.isclass(value) or inspect.isroutine(value)) and value not in families:
            found.append(f"{package}.{name}")
    return found


def reference() -> str:
    """Return the page that lists every public name.

    Returns
    -------
    str
        reStructuredText, whose tables make a page for each name.
    """
    lines = ["API reference", "=============", ""]
    lines += [
        "Every public name has a page, and every family one among the :doc:`families/index`. The",
        "conventions of docstrings: N rows, D columns of data, K parameters of a family, P",
        "parameters of a model, R draws or repeats; log-likelihoods are in nats, per row unless",
        "the text says otherwise.",
        "",
    ]
    seen: set[object] = set()
    for package, title in PACKAGES.items():
        names = []
        for name in public(package):
            value = getattr(importlib.import_module(package), name.rsplit(".", 1)[1])
            if value not in seen:
                seen.add(value)
                names.append(name)
        if names:
            lines += [title, "-" * len(title), "", f"``{package}``", ""]
            lines += [".. autosummary::", "   :toctree: api", ""]
            lines += [*(f"   {name}" for name in names), ""]
    return "\n".join(lines)


def part(base: type[Component]) -> str:
    """Return the page of a kind of parts: what it is, what there is, how to write one.

    Parameters
    ----------
    base : type
        The base class of the kind.

    Returns
    -------
    str
        reStructuredText.
    """
    name = base.__name__
    lines = [name, "=" * len(name), ""]
    lines += [_families._plain(inspect.getdoc(base).splitlines()[0]), ""]
    arguments = tables._arguments()
    where = f"Each is one file of ``{base._package.replace('.', '/')}/``"
    if base in arguments:
        argument, default = arguments[base]
        where += f", and the argument ``{argument}`` of the estimators takes its name, or an object"
    lines += [where + ".", ""]
    if base is Distribution:
        lines += ["The :doc:`/families/index` have a page each.", ""]
    else:
        lines += ["What there is", "-------------", "", ".. list-table::", "   :header-rows: 1"]
        lines += ["   :widths: 20 25 55", "", "   * - string", "     - class", "     - what it is"]
        for string in available(base):
            cls = component_class(string, base)
            first = _families._plain(sys.modules[cls.__module__].__doc__.splitlines()[0])
            lines += [f"   * - ``{string}``", f"     - :class:`{_short(cls)}`", f"     - {first}"]
        lines.append("")
    return "\n".join([*lines, *_contract(base), *_own(base)])


def _short(cls: type) -> str:
    """Return a reference to a class that shows its last name."""
    for package in PACKAGES:
        if getattr(importlib.import_module(package), cls.__name__, None) is cls:
            return f"~{package}.{cls.__name__}"
    return f"~{cls.__module__}.{cls.__qualname__}"


def _contract(base: type[Component]) -> list[str]:
    """Return the docstring of the base class, which says what a part promises."""
    text = inspect.getdoc(base)
    lines = text.splitlines()[1:]
    rest = "\n".join(lines).strip()
    if not rest:
        return []
    return [
        "What it promises",
        "-" * 16,
        "",
        f".. autoclass:: {_short(base)[1:]}",
        "   :noindex:",
        "",
    ]


def _own(base: type[Component]) -> list[str]:
    """Return the file that a user copies to write a part, where there is one."""
    stem = base.__name__.lower()
    path = TEMPLATES / f"{stem}.py"
    if not path.exists():
        return []
    title = "Write your own"
    lines = [title, "-" * len(title), ""]
    lines += [
        "This file is complete; the test suite copies it into the package and runs all checks of",
        "its kind on it.",
        "",
        f".. literalinclude:: ../templates/{path.name}",
        "   :language: python",
        "",
    ]
    return lines


if __name__ == "__main__":
    # What the site would list; the tests read it.
    print("\n".join([*(part(base) for base in kinds()), _families.index(available(Distribution))]))
