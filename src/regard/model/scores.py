"""Similarities of encoded photos and sentences, on this machine's processor or a graphics card.

Knows what is encoded and how much of it fits on a card; the scores themselves are `kernels`'.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from regard.core.model_config import ModelConfig
from regard.core.padding import some_of
from regard.core.reasoning import kept_as, reasoned, shapes
from regard.core.scoring import Scoring
from regard.device import PROCESSOR, memory_for_tiles, put, read
from regard.kernels import similarity_matrix
from regard.model.encoded import EncodedCaptions, EncodedImages
from regard.model.recurrence import Weights
from regard.shapes import Float

_PAIRS = 1 << 24  # numbers of attended vectors at a time, where similarities are reasoned
_SHARE = 8  # of the memory: photos' vectors at once, which are copied once more there


def similarities_on(
    device: str,
    images: EncodedImages,
    captions: EncodedCaptions,
    scoring: Scoring,
    memory: int | None = None,
) -> Float[np.ndarray, "image cap"]:
    """Similarity by attention of every photo with every sentence, computed on a device.

    Args:
        memory: bytes that scores may take on a graphics card; None takes half of what is free.
    """
    how = asdict(scoring)
    if device == PROCESSOR:
        sides = images.vectors, captions.vectors, captions.lengths
        near: np.ndarray = similarity_matrix(*sides, region_lengths=images.counts, **how)
        return near
    import torch

    memory = memory or memory_for_tiles(device)
    words = put(torch.from_numpy(captions.vectors), device)
    found = np.empty((len(images.vectors), len(captions.vectors)), np.float32)
    step = max(1, memory // _SHARE // (images.vectors[0].nbytes or 1)) if len(found) else 1
    for part in some_of(len(found), step):
        regions = put(torch.from_numpy(images.vectors[part]), device)
        counts = images.counts[part]
        found[part] = read(
            similarity_matrix(
                regions, words, captions.lengths, region_lengths=counts, memory=memory // 2, **how
            )
        )
    return found


def similarities_of(
    config: ModelConfig,
    weights: Weights,
    device: str,
    images: EncodedImages,
    captions: EncodedCaptions,
    memory: int | None = None,
) -> Float[np.ndarray, "image cap"]:
    """Similarity of every photo with every sentence, as a model of these weights has it."""
    if not config.scoring.is_learned:
        return similarities_on(device, images, captions, config.scoring, memory)
    own = {name: weights[f"reasoner.{kept_as(name)}"] for name in shapes(config)}
    return _reasoned_on(device, images, captions, config.scoring, own)


def _reasoned_on(
    device: str,
    images: EncodedImages,
    captions: EncodedCaptions,
    scoring: Scoring,
    weights: Weights,
) -> Float[np.ndarray, "image cap"]:
    """By a network that reads similarities off; captions of like length together."""
    here, back = _movers(device)
    known = {name: here(np.asarray(value, np.float32)) for name, value in weights.items()}
    out = np.empty((len(images.vectors), len(captions.vectors)), np.float32)
    regions = here(images.vectors)[:, None]
    real = here(np.arange(images.vectors.shape[1]) < images.counts[:, None])[:, None]
    order = np.argsort(captions.lengths, kind="stable")
    step = max(1, _PAIRS // max(1, images.vectors.shape[0] * captions.vectors[:1].size))
    for some in some_of(len(order), step):
        rows = order[some]
        longest = int(captions.lengths[rows].max())
        words = here(captions.vectors[rows, :longest])[None]
        mask = here(np.arange(longest) < captions.lengths[rows][:, None])[None]
        out[:, rows] = back(reasoned(regions, words, real, mask, known, scoring))
    return out


def _movers(device: str) -> tuple[Callable[[np.ndarray], Any], Callable[[Any], np.ndarray]]:
    """What takes an array to a device, and back."""
    if device == PROCESSOR:
        return (lambda array: array), (lambda array: array)
    import torch

    return (lambda array: put(torch.from_numpy(array), device)), read
