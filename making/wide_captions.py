"""Joins Flickr8k and sets of everyday things to one caption file: what the shipped models learn.

Usage: python -m making.wide_captions DATA OUT.jsonl [SET ...]. DATA holds `flickr8k` (Karpathy's
JSON beside `images`) and `wide` (folders with `images` and `captions.jsonl`). Photos are named from
DATA on, so that `regard extract OUT.jsonl --images DATA` finds them. Sets that are for judging only
stay out. Where sets are named, as `coco` or `imagenet`, all captions of these are taken and no
others, to judge by (`regard evaluate --split val`).
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

WIDE = ("coco", "ade20k", "caltech101", "grocery")
VAL = ("coco",)  # sets whose val photos have captions of people


def mixture(data: Path) -> Iterator[dict[str, str]]:
    """Rows of all that is learned from, and of what is chosen by."""
    flickr8k = json.loads((data / "flickr8k/dataset_flickr8k.json").read_text(encoding="utf-8"))
    for photo in flickr8k["images"]:
        file = f"flickr8k/images/{photo['filename']}"
        for sentence in photo["sentences"]:
            yield {"file": file, "split": photo["split"], "caption": sentence["raw"]}
    for name in WIDE:
        yield from (row for row in rows(data, name) if row["split"] == "train" or name in VAL)


def rows(data: Path, name: str) -> Iterator[dict[str, str]]:
    """Of one of the wide sets, one row for each caption: file, split and caption."""
    lines = (data / "wide" / name / "captions.jsonl").read_text(encoding="utf-8").splitlines()
    for photo in map(json.loads, lines):
        file = f"wide/{name}/images/{photo['file']}"
        for caption in photo["captions"]:
            yield {"file": file, "split": photo["split"], "caption": caption}


if __name__ == "__main__":
    source, out, *sets = sys.argv[1:]
    wanted = [row for name in sets for row in rows(Path(source), name)]
    lines = [json.dumps(row, ensure_ascii=False) for row in wanted or mixture(Path(source))]
    Path(out).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{out}  {len(lines)} captions")
