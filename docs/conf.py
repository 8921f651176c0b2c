"""Sphinx configuration. Pages that follow from the package are written before it reads them."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.util.fileutil import copy_asset
from sphinx_gallery.sorting import ExplicitOrder

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import _gallery  # noqa: E402
import _pictures  # noqa: E402
import _reference  # noqa: E402

import natfit  # noqa: E402

project = "natfit"
author = "natfit developers"
copyright = author
version = release = natfit.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "templates", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]

# ------------------------------------------------------------------------------------ the pages

html_theme = "pydata_sphinx_theme"
html_title = "natfit"
html_static_path = ["_static"]
html_css_files = ["natfit.css"]
html_js_files = [("natfit.js", {"defer": "defer"})]
html_show_sourcelink = False
html_copy_source = False
# Summaries are fetched, which a browser refuses for pages of the file system.
html_show_search_summary = False
html_theme_options = {
    "logo": {"text": "natfit"},
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "install": [], "CHANGELOG": []}
html_context = {"default_mode": "auto"}
# Prompts and outputs are not copied.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# MathJax and its glyphs come from a package, so that formulas need no network.
_MATHJAX = "sphinx-mathjax-offline"
mathjax_path = "mathjax/tex-svg.js"

# -------------------------------------------------------------------------------- the reference

autosummary_generate = True
# The class template lists the members that a class defines itself.
numpydoc_show_class_members = False

# ---------------------------------------------------------------------------------- the gallery

_FOLDERS = ["distributions", "inference", "regression", "lifetimes", "policies", "scale", "method"]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "subsection_order": ExplicitOrder([*(f"../examples/{name}" for name in _FOLDERS), "*"]),
    "within_subsection_order": "ExampleTitleSortKey",
    "doc_module": ("natfit",),
    "backreferences_dir": "gallery/backreferences",
    "reference_url": {"natfit": None},
    "inspect_global_variables": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "thumbnail_size": (480, 300),
    "plot_gallery": "True",
    "reset_modules": ("matplotlib", "seaborn", "_gallery.say_where"),
    "reset_argv": "_gallery.arguments",
}

# -------------------------------------------------------------------------------- the docstrings

#: Literals, which are not changed, and the characters that formulas in prose share with markup.
_LITERAL_OR_MARKUP = re.compile(r"(``.+?``|:\w+:`.+?`)|(?<!\\)([*|])")


def _escape(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Escape * and | in prose, because the docstrings here have formulas but no emphasis."""
    literal = False
    for i, line in enumerate(lines):
        # An indented block after a double colon is literal.
        if literal and line and not line.startswith(" "):
            literal = False
        if not literal and not line.startswith((">>>", "...")):
            lines[i] = _LITERAL_OR_MARKUP.sub(lambda m: m[1] if m[1] else "\\" + m[2], line)
        literal = literal or line.endswith("::")


def _signature(app: Any, what: str, name: str, obj: Any, *rest: Any) -> tuple[str, None] | None:
    """Show the arguments of a class, which its base takes by ``__new__``, without annotations."""
    if what != "class":
        return None
    try:
        found = inspect.signature(obj)
    except (TypeError, ValueError):
        return None
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    if obj.__init__ is object.__init__:
        bare = []
    return str(found.replace(parameters=bare, return_annotation=found.empty)), None


def _skip(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the methods of metadata routing, whose docstrings refer to another manual."""
    routing = re.fullmatch(r"set_\w+_request|get_metadata_routing", name)
    return True if routing else None


def _copy_mathjax(app: Any, error: Exception | None) -> None:
    """Copy MathJax beside the pages; without its package formulas stay as they are written."""
    spec = importlib.util.find_spec(_MATHJAX)
    if spec is None:
        print(f"{_MATHJAX} is not installed, so that formulas are shown as TeX: pip install it")
    elif error is None:
        folder = Path(spec.origin).parent / "static" / "mathjax"
        copy_asset(str(folder), str(Path(app.outdir) / "_static" / "mathjax"))


def setup(app: Any) -> None:
    """Connect what is done to docstrings and to the built pages."""
    # Before numpydoc rewrites the docstrings.
    app.connect("autodoc-process-docstring", _escape, priority=100)
    app.connect("autodoc-process-signature", _signature)
    app.connect("autodoc-skip-member", _skip)
    app.connect("build-finished", _copy_mathjax)


_gallery.forget_stale_results()
_pictures.write(HERE / "_static" / "made")
_reference.write(HERE)
