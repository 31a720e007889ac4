"""Joins Flickr8k and sets of everyday things to one caption file: what the shipped models learn.

Usage: python -m making.wide_captions DATA OUT.jsonl. DATA holds `flickr8k` (Karpathy's JSON beside
`images`) and `wide` (folders with `images` and `captions.jsonl`). Photos are named from DATA on, so
that `regard extract OUT.jsonl --images DATA` finds them. Sets that are for judging only stay out.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

WIDE = ("coco", "ade20k", "caltech101", "grocery")
VAL = ("coco",)  # sets whose val photos have captions of people


def rows(data: Path) -> Iterator[dict[str, str]]:
    """One row for each caption: file, split and caption."""
    flickr8k = json.loads((data / "flickr8k/dataset_flickr8k.json").read_text(encoding="utf-8"))
    for photo in flickr8k["images"]:
        file = f"flickr8k/images/{photo['filename']}"
        for sentence in photo["sentences"]:
            yield {"file": file, "split": photo["split"], "caption": sentence["raw"]}
    for name in WIDE:
        folder = data / "wide" / name
        for line in (folder / "captions.jsonl").read_text(encoding="utf-8").splitlines():
            photo = json.loads(line)
            if photo["split"] == "val" and name not in VAL:
                continue
            file = f"wide/{name}/images/{photo['file']}"
            for caption in photo["captions"]:
                yield {"file": file, "split": photo["split"], "caption": caption}


if __name__ == "__main__":
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    lines = [json.dumps(row, ensure_ascii=False) for row in rows(source)]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{out}  {len(lines)} captions")
