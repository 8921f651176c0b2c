"""What Sphinx-Gallery leaves to this project: when results are stale, and where a script lies."""

from __future__ import annotations

import builtins
import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
GALLERY = Path(__file__).with_name("gallery")


def forget_stale_results() -> None:
    """Let the gallery run its scripts again where the package, its data or the style changed.

    Sphinx-Gallery keeps the results of a script as long as the script is the same. What it shows
    follows from the package too; and a script that was removed would leave its page.
    """
    made_of = [*ROOT.glob("natfit/**/*.py"), *ROOT.glob("natfit/**/*.mplstyle")]
    made_of += [*ROOT.glob("examples/data/*.csv"), *ROOT.glob("examples/*/GALLERY_HEADER.rst")]
    scripts = sorted(path.name for path in ROOT.glob("examples/*/*.py"))
    sha = hashlib.sha256(repr(scripts).encode())
    for path in sorted(made_of):
        sha.update(path.read_bytes())
    stamp = GALLERY / ".made-of"
    if not stamp.exists() or stamp.read_text() != sha.hexdigest():
        shutil.rmtree(GALLERY, ignore_errors=True)
        GALLERY.mkdir()
        stamp.write_text(sha.hexdigest())


def say_where(gallery_conf: dict, name: str) -> None:
    """Let a script find its data: Sphinx-Gallery runs scripts without ``__file__``.

    Parameters
    ----------
    gallery_conf : dict
        Its options.
    name : str
        The name of the script, which is unique, or its path.
    """
    builtins.__file__ = str(next(ROOT.glob(f"examples/*/{Path(name).name}")))


def arguments(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Return the command line of a script, so that the page shows no folder of this machine.

    Parameters
    ----------
    gallery_conf : dict
        The options of Sphinx-Gallery.
    script_vars : dict
        What it knows of the script.

    Returns
    -------
    list of str
        Where the script writes its picture, seen from its own folder.
    """
    stem = Path(script_vars["src_file"]).stem.removeprefix("plot_")
    return ["--output", f"../output/{stem}.png"]
