"""Maps that the page's heat must agree with, kept in the page's own tests.

python tests/web/heat_golden.py
"""

import json
from pathlib import Path

import numpy as np

from regard import web
from regard.explain.maps import heat_map
from regard.regions.pyramid import pyramid_boxes

CELLS = 32
PLACE = Path(web.__file__).parent / "ui/test/heat.golden.json"


def case(boxes, heat, aspect):
    columns, rows = (
        (CELLS, round(CELLS / aspect)) if aspect >= 1 else (round(CELLS * aspect), CELLS)
    )
    size = (columns * 1000 // CELLS, rows * 1000 // CELLS)
    pixels = boxes * np.array([*size, *size])
    lit = heat_map(heat, pixels, size, (columns, rows))
    return {
        "boxes": boxes.round(6).tolist(),
        "heat": heat.round(6).tolist(),
        "aspect": aspect,
        "columns": columns,
        "rows": rows,
        "values": lit.round(6).ravel().tolist(),
    }


def make():
    random = np.random.default_rng(7)
    pyramid = pyramid_boxes().astype(np.float64)
    halves = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1.0]])
    cases = [
        case(halves, np.array([0.1, 1.0]), 1.0),
        case(pyramid, random.random(36), 1.6),
        case(pyramid, random.random(36) ** 4, 0.75),
    ]
    return {"cases": cases}


if __name__ == "__main__":
    PLACE.write_text(json.dumps(make()) + "\n", encoding="utf-8")
