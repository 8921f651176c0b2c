"""Read the formulas of docstrings: ``shape scale^2`` is a product, ``Gamma(1 + shape)`` a value.

They are written in the words of the parameters, as the docstrings are. sympy reads them, for the
pages of the families, which show them as TeX, and for the tests, which compare their values with
the package's.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

_LABELS = {
    "mean": re.compile(r"\bMean\s+``(.+?)``", re.S),
    "variance": re.compile(r"\bMean\s+``.+?``,\s+variance\s+``(.+?)``", re.S),
    "where": re.compile(r"\bvariance\s+``.+?``,\s+where\s+``(.+?)``", re.S),
    "information": re.compile(r"Fisher\s+information\s+(?:is\s+)?``(.+?)``", re.S),
    "r": re.compile(r"\bIn R:\s+``(.+?)``", re.S),
}


def formulas(cls: type) -> dict[str, str]:
    """Return what the docstring of a family says of its moments, its information and R's name.

    Parameters
    ----------
    cls : type
        A family.

    Returns
    -------
    dict
        Those of ``mean``, ``variance``, ``where`` (an abbreviation in both), ``information`` and
        ``r`` that there are, as they are written.
    """
    text = inspect.getdoc(cls) or ""
    found = {name: pattern.search(text) for name, pattern in _LABELS.items()}
    return {name: " ".join(match[1].split()) for name, match in found.items() if match}


def parsed(text: str, names: list[str]) -> Any:
    """Return a formula as an expression of sympy.

    Parameters
    ----------
    text : str
        The formula; a list of lists is a matrix.
    names : list of str
        The words that are symbols.

    Returns
    -------
    sympy.Expr or sympy.Matrix
        In the symbols of these names, which are real.

    Raises
    ------
    ValueError
        If it is no formula, or has other words.
    """
    import sympy
    from sympy.parsing import sympy_parser as parser

    text = text.replace("psi'(", "trigamma(")
    known = {name: sympy.Symbol(name, real=True) for name in names}
    functions = {"Gamma": sympy.gamma, "B": sympy.beta, "EulerGamma": sympy.EulerGamma}
    functions["trigamma"] = lambda x: sympy.polygamma(1, x, evaluate=False)
    functions |= {name: getattr(sympy, name) for name in ("pi", "exp", "log", "sqrt", "sin")}
    rules = (
        *parser.standard_transformations,
        parser.convert_xor,
        parser.implicit_multiplication,
    )
    # Formulas with other letters (r, E[...]) stay as they are written.
    words = set(re.findall(r"[A-Za-z_]\w*", text)) - set(known) - set(functions)
    if words or "'" in text:
        raise ValueError(f"{text!r} has words that are no parameters: {sorted(words)}")
    try:
        made = parser.parse_expr(text, functions | known, rules, evaluate=False)
    except (SyntaxError, TypeError, AttributeError) as error:
        raise ValueError(f"{text!r} is no formula: {error}") from error
    return sympy.Matrix(made) if isinstance(made, list) else made


def tex(text: str, names: list[str]) -> str:
    """Return a formula in TeX, with the parameters as words.

    Parameters
    ----------
    text : str
        The formula.
    names : list of str
        The words that are symbols.

    Returns
    -------
    str
        TeX without dollars.

    Raises
    ------
    ValueError
        If it is no formula.
    """
    import sympy

    made = parsed(text, names)
    words = {sympy.Symbol(n, real=True): rf"\mathrm{{{n.replace('_', ' ')}}}" for n in names}
    words = {k: v if len(k.name) > 1 else k.name for k, v in words.items()}
    written = sympy.latex(made, symbol_names=words, order="none", mul_symbol=r" \, ")
    # An unevaluated 1 / x is one times a power.
    written = written.replace(r"1 \, \frac{1}{", r"\frac{1}{")
    return written.replace(r"\operatorname{polygamma}{\left(1,", r"\psi'{\left(")
