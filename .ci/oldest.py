"""Print the lowest version of each requirement in setup.cfg, as constraints for pip.

Usage: python .ci/oldest.py [EXTRA ...] > constraints.txt
"""

import configparser
import re
import sys
from pathlib import Path

SETUP = Path(__file__).parents[1] / "setup.cfg"
#: What these versions need of others and did not say: matplotlib's calls warn with pyparsing 3.3.
CAPS = ["pyparsing<3.3"]

#: A constraint names no extras.
LINE = re.compile(r"(?P<name>[\w.-]+)(\[[\w,.-]+\])?\s*>=\s*(?P<version>[\w.]+)")


def oldest(text, extras):
    """Lines ``name==version`` of the requirements and of the extras."""
    config = configparser.ConfigParser()
    config.read_string(text)
    blocks = [config["options"]["install_requires"]]
    blocks += [config["options.extras_require"][extra] for extra in extras]
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    found = {}
    for line in lines:
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"setup.cfg: {line!r} is not of the form 'name >=version'")
        if found.setdefault(match["name"], match["version"]) != match["version"]:
            raise ValueError(f"setup.cfg: two lowest versions of {match['name']}")
    return [*(f"{name}=={version}" for name, version in found.items()), *CAPS]


if __name__ == "__main__":
    print("\n".join(oldest(SETUP.read_text(), sys.argv[1:])))
