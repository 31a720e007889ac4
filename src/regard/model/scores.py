"""Similarities of encoded photos and sentences, on this machine's processor or a graphics card.

Knows what is encoded and how much of it fits on a card; the scores themselves are `kernels`'.
"""

from dataclasses import asdict

import numpy as np
from jaxtyping import Float

from regard.core.scoring import Scoring
from regard.device import PROCESSOR, memory_for_tiles, put, read
from regard.kernels import similarity_matrix
from regard.model.encoded import EncodedCaptions, EncodedImages

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
    for start in range(0, len(found), step):
        part = slice(start, start + step)
        regions = put(torch.from_numpy(images.vectors[part]), device)
        counts = images.counts[part]
        found[part] = read(
            similarity_matrix(
                regions, words, captions.lengths, region_lengths=counts, memory=memory // 2, **how
            )
        )
    return found
