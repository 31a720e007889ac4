"""Makes photos of which a sentence describes a quarter: four photos of a data set laid 2 x 2.

    python benchmarks/collages.py dataset_flickr8k.json --images photos --out collages
    regard extract collages/dataset.json --images collages/images --extractor pyramid-imagenet \
        --out collages.regions
    regard ablate --data collages/dataset.json --regions collages.regions --out runs/collages

Where a sentence describes all of a photo, the mean of its regions says what it shows, and
attention has nothing to choose. Here it must choose. Every train photo is in four collages, with
another three and another of its captions each time; every val photo is in one, with all its
captions, so that no other collage shows what a sentence describes.
"""

import argparse
import json
import random
from pathlib import Path

from PIL import Image, ImageOps

_SIDE = 224  # pixels of a quarter
_ROUNDS = 4  # collages a train photo is in
_QUARTERS = ((0, 0), (_SIDE, 0), (0, _SIDE), (_SIDE, _SIDE))


def main() -> None:
    """Write the collages and their caption file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path, help="Karpathy's JSON")
    parser.add_argument("--images", type=Path, required=True, help="folder of its photos")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    folder = asked.out / "images"
    folder.mkdir(parents=True, exist_ok=True)
    images = json.loads(asked.dataset.read_text())["images"]
    draw = random.Random(asked.seed)
    entries = []
    for split, rounds in (("train", _ROUNDS), ("val", 1)):
        photos = [image for image in images if image["split"] == split]
        for turn in range(rounds):
            draw.shuffle(photos)
            fours = zip(*[iter(photos)] * 4, strict=False)  # what is left over joins no collage
            for number, four in enumerate(fours):
                name = f"{split}-{turn}-{number:04}.jpg"
                _collage([asked.images / photo["filename"] for photo in four]).save(folder / name)
                spoken = [caption for photo in four for caption in _captions(photo, turn, rounds)]
                sentences = [{"raw": caption} for caption in spoken]
                entries.append({"filename": name, "split": split, "sentences": sentences})
    (asked.out / "dataset.json").write_text(json.dumps({"images": entries}))
    print(f"{len(entries):,} collages in {folder}")


def _captions(photo: dict, turn: int, rounds: int) -> list[str]:
    """All captions where there is one round; otherwise that of the round."""
    found = [sentence["raw"] for sentence in photo["sentences"]]
    return found if rounds == 1 else [found[turn % len(found)]]


def _collage(paths: list[Path]) -> Image.Image:
    made = Image.new("RGB", (2 * _SIDE, 2 * _SIDE))
    for path, place in zip(paths, _QUARTERS, strict=True):
        with Image.open(path) as photo:
            made.paste(ImageOps.fit(photo.convert("RGB"), (_SIDE, _SIDE)), place)
    return made


if __name__ == "__main__":
    main()
