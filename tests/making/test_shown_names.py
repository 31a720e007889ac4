"""Names of what photos show: what was listed, and what captions say besides."""

import json

from making.shown_names import shown


def test_listed_and_said_names_are_there_and_other_splits_are_not(tmp_path):
    rows = [
        ("a.jpg", "val", ["a dog beside two buses"], ["dog"]),
        ("b.jpg", "val", ["a doghouse"], ["bus", "stop sign"]),
        ("c.jpg", "train", ["a cat"], ["cat"]),
    ]
    for title in ("coco", "ade20k"):
        folder = tmp_path / "wide" / title
        folder.mkdir(parents=True)
        keys = ("file", "split", "captions", "object_names")
        lines = (json.dumps(dict(zip(keys, row, strict=True))) for row in rows)
        none = json.dumps({"file": "d.jpg", "split": "val", "captions": ["a bus"]})
        (folder / "captions.jsonl").write_text("\n".join([*lines, none]))
    found = list(shown(tmp_path, "val"))
    assert [row["set"] for row in found] == ["coco"] * 3 + ["ade20k"] * 3
    assert found[0] == {"set": "coco", "photo": "wide/coco/images/a.jpg", "names": ["bus", "dog"]}
    assert found[1]["names"] == ["bus", "stop sign"]
    assert found[2]["names"] == ["bus"]  # none listed, one said
