"""What each published backbone costs for a photo here: weights of true shape, at random.

Run `python benchmarks/backbones/speed.py [NAME ...]`. Needs `regard[backbones]`. Configurations are
those of the published checkpoints as far as they decide shapes; numbers do not change how long a
network takes. Seconds are of one thread's processor time, so that other work on the machine counts
little.
"""

import importlib
import sys
import time

import numpy as np
import torch
import transformers
from PIL import Image

from regard.backbones.loading import FAMILIES, configurations
from regard.backbones.windows import boxes_of, inside

_TURNS = 3


def backbone_of(tree):
    """A backbone of a configuration, without words."""
    model_class, where = FAMILIES[tree["model_type"]]
    kind = getattr(transformers, model_class)
    network = kind(kind.config_class(**tree)).eval()
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)(network, None, {})


def seconds(backbone, several):
    """Seconds a photo of 500 x 375, decoded already; the best of two turns after the first."""
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 255, (375, 500, 3), np.uint8))
    windows = inside(boxes_of("pyramid", backbone.cells), backbone.cells)
    times = []
    for _ in range(_TURNS):
        began = time.process_time()
        backbone.see(np.stack([backbone.look(photo).pixels] * several), windows)
        times.append((time.process_time() - began) / several)
    return min(times[1:])


def text_seconds(backbone, pieces=64):
    """Seconds a sentence that is read by itself."""
    network = backbone._network
    ids = torch.ones(1, min(pieces, network.config.text_config.max_position_embeddings))
    given = {"input_ids": ids.long(), "attention_mask": ids.long()}
    times = []
    with torch.inference_mode():
        for _ in range(_TURNS):
            began = time.process_time()
            network.get_text_features(**given)
            times.append(time.process_time() - began)
    return min(times[1:])


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for name in sys.argv[1:] or configurations():
        backbone = backbone_of(configurations()[name])
        one, four = seconds(backbone, 1), seconds(backbone, 4)
        text = text_seconds(backbone)
        print(f"{name:12} {one:.2f} s a photo, {four:.2f} of four together, {text:.2f} a text")


if __name__ == "__main__":
    main()
