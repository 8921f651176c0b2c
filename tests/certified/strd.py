"""Files of the Statistical Reference Datasets: rows, and the text above them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "data" / "strd"

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:E[-+]?\d+)?"

#: The first stands for a file that states none.
LEVELS = ("-", "lower", "average", "higher")


@dataclass(frozen=True)
class Dataset:
    """A file: its name, the text above the data, and the data."""

    name: str
    text: str
    rows: np.ndarray

    @property
    def level(self) -> str:
        """The difficulty that the file states: one of LEVELS."""
        found = re.search(r"(\w+) Level of Difficulty", self.text)
        return found[1].lower() if found else "-"

    def number(self, before: str) -> str:
        """Return the number that follows a pattern, as it is written."""
        return re.search(rf"{before}\s*({NUMBER})", self.text)[1]


def read(name: str) -> Dataset:
    """Return a dataset by the name of its file."""
    text = (FOLDER / f"{name}.dat").read_text(encoding="ascii")
    head, _, below = text.rpartition("Data")
    lines = [line.split() for line in below.splitlines()[1:]]
    rows = [line for line in lines if line and re.fullmatch(NUMBER, line[0])]
    return Dataset(name, head, np.array(rows, dtype=float))


def named(procedure: str) -> list[Dataset]:
    """Return the datasets of a procedure, the easier ones first."""
    found = [read(path.stem) for path in sorted(FOLDER.glob("*.dat"))]
    of_it = [data for data in found if re.search(procedure, data.text)]
    return sorted(of_it, key=lambda data: LEVELS.index(data.level))
