"""Records what the readable networks say of 60 Flickr8k val photos and 200 val captions.

Usage: python tests/golden/record_val.py dataset_flickr8k.json IMAGES OUT.npz. Needs
`regard[train]`. Only numbers are kept: ids of photos and captions as in the data set, and the
similarities that attention alone gives. Everything runs in torch, in float32: the backbone, the
sentence encoder with its weights as they were published, both encoders and the scores.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from making.backbone import shipped_network
from making.label_classes import pixels_of
from making.sentence_encoder import Network, plain

from regard.core.attention import similarity
from regard.model.checkpoint import load_checkpoint
from regard.model.network import network_of
from regard.training.tuning.backbone import pool_levels
from regard.words.pieces import Pieces
from regard.words.states import ENCODER
from regard.words.tokens import tokenize

MODELS = ("flickr8k", "flickr8k-i2t")


def chosen(dataset):
    """Every 16th val photo, and of the captions those of the chosen photos first."""
    val = [image for image in dataset["images"] if image["split"] == "val"]
    photos = val[::16][:60]
    own = [image["sentences"][0] for image in photos]
    others = [image["sentences"][1] for image in val[3::7]]
    return photos, (own + others)[:200]


def features(paths: Sequence[Path]) -> torch.Tensor:
    """Region features of photos, (photo, 36, 2048)."""
    network = shipped_network()
    rows = []
    for path in paths:
        pixels = torch.tensor(pixels_of(path)).permute(2, 0, 1)[None]
        rows.append(pool_levels(network((pixels.float() - 127) / 128)))
    return torch.cat(rows)


def states(captions: Sequence[Sequence[str]]) -> torch.Tensor:
    """States of tokenised captions, <start> and <end> included, padded with zeros."""
    network, pieces = Network.of(plain()), Pieces(ENCODER / "tokenizer.json")
    out = torch.zeros(len(captions), max(map(len, captions)) + 2, 384)
    for row, words in enumerate(captions):
        parts = [[pieces.begin], *map(pieces.of, words), [pieces.end]]
        ids = torch.tensor([[number for part in parts for number in part]])
        read = network(ids, torch.zeros_like(ids, dtype=torch.bool))[0]
        means = [own.mean(0) for own in read.split([len(part) for part in parts])]
        out[row, : len(parts)] = torch.stack(means)
    return out


def scores(name: str, seen: torch.Tensor, words: Sequence[Sequence[str]]) -> np.ndarray:
    """Similarities of a shipped model without its background, (photo, caption)."""
    checkpoint = load_checkpoint(name, background=False)
    network = network_of(checkpoint)
    ids, lengths, naming = map(torch.from_numpy, checkpoint.vocabulary.encode(words))
    regions = network.regions(seen, network.label_names())
    vectors = network.words(ids, lengths, states(words), naming)
    real = torch.arange(ids.shape[1]) < lengths[:, None]
    everywhere = torch.ones(regions.shape[:2], dtype=torch.bool)
    return similarity(regions, vectors, everywhere, real, checkpoint.config.scoring).numpy()


@torch.inference_mode()
def main(data: str, folder: str, out: str) -> None:
    """Write the recording."""
    photos, captions = chosen(json.loads(Path(data).read_text(encoding="utf-8")))
    seen = features([Path(folder) / image["filename"] for image in photos])
    words = [tokenize(sentence["raw"]) for sentence in captions]
    held = {
        "imgid": np.array([image["imgid"] for image in photos]),
        "sentid": np.array([sentence["sentid"] for sentence in captions]),
        **{name: scores(name, seen, words) for name in MODELS},
    }
    np.savez_compressed(out, **held)


if __name__ == "__main__":
    main(*sys.argv[1:])
