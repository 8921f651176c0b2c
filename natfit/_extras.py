"""Packages that natfit uses but does not require: what is said where one of them is missing."""

from __future__ import annotations


def missing(what: str, package: str, extra: str) -> str:
    """Return the message that says which package is missing and how it is installed.

    Parameters
    ----------
    what : str
        What needs the package, the start of the sentence.
    package : str
        The package, by its name in an index.
    extra : str
        The extra of natfit that installs it.

    Returns
    -------
    str
    """
    # Brackets need quotes in some shells, and single ones mean nothing to the one of Windows.
    return f'{what} needs {package}, which is not installed; run: pip install "natfit[{extra}]"'
