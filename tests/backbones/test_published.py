"""Every weight of the published checkpoints, by name and shape, through what loads real ones.

No weight was ever seen: `weights.json` has the names and shapes of each family as they are
published, in sizes that `configurations.json` of the package gives. Files of just these are
written with holes for numbers, and loaded on torch's device without numbers.
"""

import json
import math
import re
import struct
from itertools import product
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from regard.backbones import loading  # noqa: E402
from regard.backbones.settings import known  # noqa: E402
from regard.errors import CheckpointError  # noqa: E402

PUBLISHED = loading.configurations()
NAMES = json.loads(Path(__file__).with_name("weights.json").read_text())
NUMBERS = {  # in all
    "siglip2-b32": 376_856_066,
    "siglip2-b16": 375_234_050,
    "siglip-b16": 203_155_970,
    "tipsv2-b14": 195_948_288,
    "tipsv2-l14": 487_941_120,
    "clip-b32": 151_277_313,
    "clip-b16": 149_620_737,
}
OLD = {  # places of positions, which checkpoints of CLIP of before 2023 hold, too
    "text_model.embeddings.position_ids": "1 places",
    "vision_model.embeddings.position_ids": "1 cells+1",
}


@pytest.fixture
def meta(monkeypatch):
    """transformers asks for accelerate to load anywhere, though it needs none for one device."""
    where = "transformers.integrations.accelerate.is_accelerate_available"
    monkeypatch.setattr(where, lambda *_: True)
    return lambda kind, folder: loading.network_in(model_class_of(kind), folder, device_map="meta")


def model_class_of(kind):
    return getattr(transformers, loading.FAMILIES[kind][0])


def weights_of(name):
    """Shapes of a published checkpoint's weights by name."""
    tree = PUBLISHED[name]
    config = model_class_of(tree["model_type"]).config_class(**tree)
    text, vision = config.text_config, config.vision_config
    mlp = getattr(vision, "intermediate_size", 0) or int(vision.mlp_ratio * vision.hidden_size)
    joint = getattr(config, "projection_dim", 0) or getattr(text, "projection_size", 0)
    sizes = {
        "words": text.vocab_size,
        "places": text.max_position_embeddings,
        "joint": joint,
        "text": text.hidden_size,
        "text_mlp": text.intermediate_size,
        "vision": vision.hidden_size,
        "vision_mlp": mlp,
        "patch": vision.patch_size,
        "cells": (vision.image_size // vision.patch_size) ** 2,
    }
    found = {}
    for pattern, shape in NAMES[tree["model_type"]]["weights"].items():
        layers = (text if pattern.startswith("text") else vision).num_hidden_layers
        for one in unfolded(pattern):
            numbered = [one.replace("*", str(n)) for n in range(layers if "*" in one else 1)]
            found.update(dict.fromkeys(numbered, shape_of(shape, sizes)))
    if tree["model_type"] == "clip":
        found.update({one: shape_of(shape, sizes) for one, shape in OLD.items()})
    return found


def unfolded(pattern):
    """Names of a pattern such as norm{1,2}.{weight,bias}."""
    parts = re.split(r"\{(.*?)\}", pattern)
    choices = [part.split(",") if place % 2 else [part] for place, part in enumerate(parts)]
    return ["".join(chosen) for chosen in product(*choices)]


def shape_of(text, sizes):
    """Numbers of a shape such as "3*text cells+1"."""
    shape = []
    for side in text.split():
        times, name, more = re.fullmatch(r"(?:(\d+)\*)?(\w+)(?:\+(\d+))?", side).groups()
        size = int(name) if name.isdigit() else sizes[name]
        shape.append(int(times or 1) * size + int(more or 0))
    return shape


def write(folder, name, weights):
    """A checkpoint of these names and shapes; its numbers are a hole in the file."""
    (folder / "config.json").write_text(json.dumps(PUBLISHED[name]))
    head, end = {}, 0
    for weight, shape in weights.items():
        start, end = end, end + math.prod(shape)
        head[weight] = {"dtype": "F8_E4M3", "shape": shape, "data_offsets": [start, end]}
    told = json.dumps(head).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(told)) + told)
        file.truncate(8 + len(told) + end)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_weight_is_taken_once(name, tmp_path, meta):
    weights = weights_of(name)
    write(tmp_path, name, weights)
    network = meta(PUBLISHED[name]["model_type"], tmp_path)
    assert all(value.is_meta for value in network.state_dict().values())
    published = sum(math.prod(shape) for one, shape in weights.items() if one not in OLD)
    assert published == NUMBERS[name]
    untaken = {"temperature"}  # TIPSv2's, in no published file
    held = {one: value for one, value in network.named_parameters() if one not in untaken}
    assert sum(value.numel() for value in held.values()) == published
    assert known()[name].megabytes == round(4 * published / 1e6)
    assert set(PUBLISHED) == set(known()) == set(NUMBERS)


@pytest.mark.parametrize(("name", "kind"), [("tipsv2-b14", "missing"), ("clip-b32", "unexpected")])
def test_one_that_is_missing_or_too_many_is_refused(name, kind, tmp_path, meta):
    weights = weights_of(name)
    if kind == "missing":
        del weights["vision_encoder.blocks.7.attn.qkv.weight"]
    else:
        weights["vision_model.more.weight"] = [2]
    write(tmp_path, name, weights)
    with pytest.raises(CheckpointError, match=f"among the {kind} keys"):
        meta(PUBLISHED[name]["model_type"], tmp_path)
