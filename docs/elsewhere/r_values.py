"""Run R's blocks of r.md and store what they return: python docs/elsewhere/r_values.py.

The page is the only place where R's code is written. Its blocks run in their order in one session
of R; the value of a pair is what its last line returns: a number, a list of numbers, or a list of
the rows of a matrix. ``r_values.json`` keeps them under the pair's name, with the versions of R and
of the packages, which the page names between its marks.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = HERE / "r.md"
STORE = HERE / "r_values.json"

PACKAGES = "MASS fitdistrplus survival VGAM sandwich lmtest evd pscl brglm2 jsonlite".split()
DEBIAN = "apt-get install r-base-core " + " ".join(f"r-cran-{name.lower()}" for name in PACKAGES)

#: A block of R, and the name of its value where it belongs to a pair.
BLOCK = re.compile(r"^% value (\w+)$|^```r\n(.*?)^```$", re.M | re.S)

#: Where the page names the versions.
MARKED = re.compile(r"(?<=<!-- versions -->\n\n).*?(?=\n\n<!-- end -->)", re.S)

#: What R is given: the last value of each block is kept, with the 15 digits that jsonlite writes.
SESSION = """
blocks <- jsonlite::fromJSON({path}, simplifyVector = FALSE)
values <- list()
for (block in blocks) {{
  value <- eval(parse(text = block$text), globalenv())
  if (is.data.frame(value)) value <- as.matrix(value)
  if (!is.null(block$name)) values[[block$name]] <- unname(value)
}}
versions <- sapply({packages}, function(p) as.character(packageVersion(p)), simplify = FALSE)
versions <- c(list(R = as.character(getRversion())), versions)
found <- list(versions = versions, values = values)
write(jsonlite::toJSON(found, digits = I(15), auto_unbox = TRUE), stdout())
"""


def blocks(page: str) -> list[dict[str, str]]:
    """Return R's blocks in their order, those of pairs with the name of their value."""
    found, name = [], None
    for match in BLOCK.finditer(page):
        if match[1]:
            name = match[1]
        else:
            found.append({"text": match[2], **({"name": name} if name else {})})
            name = None
    return found


def with_versions(page: str, versions: dict[str, str]) -> str:
    """Return the page with the versions of R and of its packages."""
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    return MARKED.sub(lambda _: named + ".", page)


def answers(page: str) -> dict:
    """Return the versions and the values that R gives for a page.

    Parameters
    ----------
    page : str
        The text of the page.

    Returns
    -------
    dict
        ``versions`` by package and ``values`` by pair.

    Raises
    ------
    RuntimeError
        If R or one of its packages is missing, or if a block fails.
    """
    rscript = shutil.which("Rscript")
    if rscript is None:
        raise RuntimeError(f"Rscript is not installed; on Debian: {DEBIAN}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "blocks.json")
        path.write_text(json.dumps(blocks(page)), encoding="utf-8")
        packages = "c(" + ", ".join(f'"{name}"' for name in PACKAGES[:-1]) + ")"
        session = SESSION.format(path=json.dumps(str(path)), packages=packages)
        ran = subprocess.run(
            [rscript, "--vanilla", "-e", session], cwd=ROOT, capture_output=True, text=True
        )
    if ran.returncode:
        raise RuntimeError(f"R stopped: {ran.stderr.strip()}\nIts packages on Debian: {DEBIAN}")
    return json.loads(ran.stdout)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    try:
        found = answers(text)
    except RuntimeError as reason:
        sys.exit(str(reason))
    PAGE.write_text(with_versions(text, found["versions"]), encoding="utf-8")
    STORE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
