"""Lists what photos of everyday things show, for verdicts on names (`regard calibrate --names`).

Usage: python -m making.shown_names DATA OUT.jsonl [SPLIT]. DATA is as for `making.wide_captions`,
and photos are named alike. Of MS-COCO and ADE20K somebody listed all objects of certain names; what
a photo's captions name besides is taken to be there as well. SPLIT is `val` unless it is given.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LISTED = ("coco", "ade20k")  # sets whose object names are all there


def shown(data: Path, split: str) -> Iterator[dict[str, Any]]:
    """A row for each photo: its set, its name, and the names of what it shows."""
    for title in LISTED:
        lines = (data / "wide" / title / "captions.jsonl").read_text(encoding="utf-8").splitlines()
        photos = [row for row in map(json.loads, lines) if row["split"] == split]
        listed = [set(row.get("object_names", ())) for row in photos]  # no key: none is there
        names = sorted(set().union(*listed))
        said = {name: re.compile(rf"\b{re.escape(name)}(e?s)?\b", re.IGNORECASE) for name in names}
        for row, objects in zip(photos, listed, strict=True):
            text = "\n".join(row["captions"])
            there = [n for n in names if n in objects or said[n].search(text)]
            photo = f"wide/{title}/images/{row['file']}"
            yield {"set": title, "photo": photo, "names": there}


if __name__ == "__main__":
    source, out, *wanted = sys.argv[1:]
    rows = list(shown(Path(source), *(wanted or ["val"])))
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    Path(out).write_text(text, encoding="utf-8")
    print(f"{out}  {len(rows)} photos")
