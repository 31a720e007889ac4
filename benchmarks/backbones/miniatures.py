"""What miniatures have learned: scenes found, words that point, absent words that are told.

Run `python -m benchmarks.backbones.miniatures [FOLDER]`, a folder of `python -m making.miniatures`.
Needs `regard[backbones]`. Fits nothing that is kept.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from tests.backbones.learned import LOOKS, calibrate, image_recall, pointing, scenes_of, supports

import regard
from regard.explain.explanation import UNSUPPORTED

_COMMITTED = Path("tests/backbones/miniatures")


def area(there, absent):
    """Under the curve: how often what is there has more support than what is absent."""
    above = (there[:, None] > absent).mean() + (there[:, None] == absent).mean() / 2
    return float(above)


def ordinary(folder):
    """A TIPSv2 whose patches come from the last block as it is."""
    from regard.backbones.loading import load_backbone
    from regard.backbones.model import BackboneModel
    from regard.backbones.settings import Choice
    from regard.backbones.tips import Tips

    choice = Choice(str(folder))
    loaded = load_backbone(choice)
    parts = loaded.backbone._network, loaded.backbone._tokenizer, {}
    return BackboneModel(choice, loaded._replace(backbone=Tips(*parts, by_values=False)))


def tell(look, there, absent):
    named = [100 * np.mean(some < UNSUPPORTED) for some in (there, absent)]
    print(f"  {look}: support {there.mean():.2f} there, {absent.mean():.2f} absent,", end=" ")
    print(f"area {area(there, absent):.2f};", end=" ")
    print(f"named as shown by no region {named[0]:.0f} %, {named[1]:.0f} %")


def main():
    place = Path(sys.argv[1]) if sys.argv[1:] else _COMMITTED
    scenes = scenes_of(100)
    for folder in sorted(path for path in place.iterdir() if path.is_dir()):
        model = regard.load(folder)
        right, chance = pointing(model, scenes)
        grid = pointing(regard.load(f"{folder}:grid"), scenes)[0]
        print(f"{folder.name}: found {image_recall(model, scenes):.0f} %")
        print(f"  points {right:.1f} %, as a grid {grid:.1f} %; by chance {chance:.1f} %")
        if folder.name == "tipsv2":
            print(f"  last block as it is {pointing(ordinary(folder), scenes)[0]:.1f} %")
        with tempfile.TemporaryDirectory() as kept:
            os.environ["XDG_DATA_HOME"] = kept
            fitted = calibrate(folder.resolve(), Path(kept))
        there = supports(fitted, scenes)
        for column, look in enumerate(LOOKS):
            tell(look, there[:, column], supports(fitted, scenes, look)[:, column])


if __name__ == "__main__":
    main()
