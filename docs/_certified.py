"""Write the tables of certified.md anew: python docs/_certified.py (``make tables``).

The cases are those of ``tests/certified``, whose test checks that what the page says is reached.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "certified.md"

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from tests.certified.tables import cases, with_tables

    answers = [(case, case.answer()) for case in cases()]
    text = with_tables(PAGE.read_text(encoding="utf-8"), answers)
    PAGE.write_text(text, encoding="utf-8")
