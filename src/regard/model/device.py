"""Where large scores are computed: on this machine's processor, or on a graphics card by torch.

Knows encoded photos and sentences; the scores themselves are `kernels`'.
"""

from dataclasses import asdict

import numpy as np
from jaxtyping import Float

from regard.core.attention import Array
from regard.core.scoring import Scoring
from regard.errors import ConfigError
from regard.kernels import similarity_matrix
from regard.model.encoded import EncodedCaptions, EncodedImages

PROCESSOR = "cpu"


def usable_device(name: str) -> str:
    """The name itself, if scores can be computed there: cpu, cuda or cuda:N.

    Raises:
        ConfigError: it is another name, torch is not installed, or it finds no such device.
    """
    kind, colon, number = name.partition(":")
    if name == PROCESSOR:
        return name
    if kind != "cuda" or not (number.isdecimal() if colon else True):
        raise ConfigError(f"device is {name!r}; it must be cpu, cuda or cuda:N. Name one of these.")
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"device is {name!r}; it must be cpu where torch is not installed. "
            "Run: pip install 'regard[train]'"
        ) from error
    there = torch.cuda.device_count()
    if int(number or 0) >= there:
        raise ConfigError(
            f"device is {name!r}; torch must find it, and finds {there} of that kind. "
            "Leave it out to use the processor, or install torch built for the graphics card."
        )
    return name


def similarities_on(
    device: str, images: EncodedImages, captions: EncodedCaptions, scoring: Scoring
) -> Float[np.ndarray, "image cap"]:
    """Similarity by attention of every photo with every sentence, computed on a device."""
    regions: Array = images.vectors
    words: Array = captions.vectors
    if device != PROCESSOR:
        import torch

        regions, words = (torch.from_numpy(side).to(device) for side in (regions, words))
    similarities = similarity_matrix(
        regions, words, captions.lengths, region_lengths=images.counts, **asdict(scoring)
    )
    on_processor: np.ndarray = similarities if device == PROCESSOR else similarities.cpu().numpy()
    return on_processor
