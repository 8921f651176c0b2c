"""Draw the picture of the layers from the table in design.md: python docs/_layers.py."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).with_name("design.md")
PICTURE = Path(__file__).with_name("layers.svg")
BLOCK = re.compile(r"^<!-- layers -->\n\n```text\n(.*?)^```", re.M | re.S)

#: Sizes in pixels; a character of the font is about 7.3 wide.
_HEIGHT, _GAP, _LEFT, _WIDTH, _CHARACTER = 30, 8, 44, 720, 7.3

#: Light and dark enough to be read on either background.
_NOUNS = {
    "rows",
    "distributions",
    "models",
    "objectives",
    "metrics",
    "solvers",
    "steps",
    "estimators",
}


def layers(page: str) -> list[list[str]]:
    """Return the packages and modules of each layer, the lowest first.

    Returns
    -------
    list of list of str
        One list per layer.

    Raises
    ------
    ValueError
        If the page has no table of layers, or a layer is out of order.
    """
    found = BLOCK.search(page)
    if found is None:
        raise ValueError("design.md must have a text block after <!-- layers -->")
    rows = [line.split() for line in found[1].splitlines()]
    if [int(row[0]) for row in rows] != list(range(len(rows))):
        raise ValueError(f"layers must be numbered 0, 1, 2, ..., got {[row[0] for row in rows]}")
    return [row[1:] for row in rows]


def picture(page: str) -> str:
    """Return the layers as SVG: a row of boxes for each, the nouns in bold, the highest on top."""
    rows = layers(page)
    height = len(rows) * (_HEIGHT + _GAP) + _GAP
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="monospace" font-size="12">',
        "<title>Layers of natfit: each row may import the rows below it</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for level, names in enumerate(rows):
        y = height - (level + 1) * (_HEIGHT + _GAP)
        middle = y + _HEIGHT / 2 + 4
        out.append(f'<text x="14" y="{middle:g}" fill="#555555">{level}</text>')
        x = _LEFT
        for name in names:
            width = round(len(name) * _CHARACTER + 22)
            noun = name in _NOUNS
            fill, weight = ("#cfe3f7", "bold") if noun else ("#eeeeee", "normal")
            out.append(
                f'<rect x="{x}" y="{y}" width="{width}" height="{_HEIGHT}" rx="5" fill="{fill}" '
                'stroke="#8899aa"/>'
            )
            out.append(
                f'<text x="{x + width / 2:g}" y="{middle:g}" text-anchor="middle" '
                f'font-weight="{weight}" fill="#111111">{name}</text>'
            )
            x += width + _GAP
    return "\n".join([*out, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(picture(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
