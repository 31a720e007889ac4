"""The public scores: every image with every caption, whichever way is fastest here."""

from typing import Literal, get_args, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regard.core.scoring import DEFAULT_SCORING, Direction, Normalization, Pooling, Scorer, Scoring
from regard.errors import ConfigError
from regard.kernels.checks import Array, Lengths, Side, as_side, check_match, check_side
from regard.kernels.hardware import fast_bfloat16
from regard.kernels.plain import by_reference, by_torch
from regard.kernels.prepared import Precision, prepare
from regard.kernels.tiles import fused_available, fused_handles, score
from regard.kernels.workers import Progress, thread_count

Backend = Literal["auto", "reference", "torch", "fused"]
_SMALL = 1 << 26  # multiply-adds below which the fused kernel's first compilation is not worth it


@overload
def similarity_matrix(  # numpy in, numpy out
    regions: Array,
    words: Array,
    lengths: Lengths,
    *,
    direction: Direction = ...,
    pooling: Pooling = ...,
    normalization: Normalization = ...,
    lambda_softmax: float = ...,
    lambda_lse: float = ...,
    scorer: Scorer = ...,
    region_lengths: Lengths = ...,
    backend: Backend = ...,
    precision: Precision = ...,
    threads: int | None = ...,
    progress: Progress | None = ...,
) -> npt.NDArray[np.float32]: ...


@overload
def similarity_matrix(
    regions: Tensor,
    words: Tensor | Array,
    lengths: Lengths,
    *,
    direction: Direction = ...,
    pooling: Pooling = ...,
    normalization: Normalization = ...,
    lambda_softmax: float = ...,
    lambda_lse: float = ...,
    scorer: Scorer = ...,
    region_lengths: Lengths = ...,
    backend: Backend = ...,
    precision: Precision = ...,
    threads: int | None = ...,
    progress: Progress | None = ...,
) -> Tensor: ...


def similarity_matrix(  # noqa: PLR0913 - the official code's options, by name only
    regions: Tensor | Array,
    words: Tensor | Array,
    lengths: Lengths,
    *,
    direction: Direction = DEFAULT_SCORING.direction,
    pooling: Pooling = DEFAULT_SCORING.pooling,
    normalization: Normalization = DEFAULT_SCORING.normalization,
    lambda_softmax: float = DEFAULT_SCORING.lambda_softmax,
    lambda_lse: float = DEFAULT_SCORING.lambda_lse,
    scorer: Scorer = DEFAULT_SCORING.scorer,
    region_lengths: Lengths = None,
    backend: Backend = "auto",
    precision: Precision = "float32",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Tensor | npt.NDArray[np.float32]:
    """Similarity of every image with every caption (Lee et al. 2018, sections 3.1-3.2).

    Not differentiable; `core.similarity` and `core.paired_similarity` are.

    Args:
        regions: (I, R, D) region vectors, on one device with words.
        words: (C, W, D) word vectors, anything beyond a caption's end.
        lengths: (C,) words of each caption; None means all; region_lengths (I,) likewise.
        direction, pooling, normalization, lambda_softmax, lambda_lse, scorer: as in `Scoring`.
        backend: reference (readable, slow), torch (any device), fused (CPU, compiled; what it
            cannot do is left to torch) or auto: fused unless the work is small.
        precision: float32 is within 2e-6 of the reference; bfloat16, where fast, within 5e-4 or
            so (more for captions of one or two words, whose attention turns on signs). Where
            rounding does not average out (max and sum pooling, Sum-Max) it means float32.
        threads: on the CPU, torch's number if None; results do not depend on it.
        progress: told tiles done and tiles in all.

    Returns:
        (I, C) float32: a numpy array if both sides are, else a tensor on their device.

    Raises:
        ShapeError: the arrays do not fit together, or hold NaN or infinity.
        ConfigError: an option is unknown or out of range.
    """
    scoring = Scoring(
        direction=direction,
        pooling=pooling,
        normalization=normalization,
        lambda_softmax=lambda_softmax,
        lambda_lse=lambda_lse,
        scorer=scorer,
    )
    precision = _sufficient(backend, precision, scoring)
    images = as_side(regions, region_lengths, "regions")
    captions = as_side(words, lengths, "words")
    check_match(images, captions)
    if _fused(images, captions, scoring, backend):
        a = prepare(*images, precision=precision, name="regions")
        b = prepare(*captions, precision=precision, name="words")
        found = score(a, b, scoring, threads=threads, progress=progress)
    else:
        found = _plain(images, captions, scoring, (backend, precision, threads, progress))
    return found if isinstance(regions, Tensor) or isinstance(words, Tensor) else found.numpy()


def _sufficient(backend: Backend, precision: Precision, scoring: Scoring) -> Precision:
    """The precision asked for, unless its error in this similarity would exceed 5e-4."""
    for name, value, kind in (("backend", backend, Backend), ("precision", precision, Precision)):
        if value not in get_args(kind):
            raise ConfigError(
                f"{name} is {value!r}; it must be one of {', '.join(get_args(kind))}. "
                "Choose one of these."
            )
    averages = scoring.scorer == "attention" and scoring.pooling in ("lse", "mean")
    return precision if averages else "float32"


def _fused(images: Side, captions: Side, scoring: Scoring, backend: Backend) -> bool:
    """Whether to take the fused kernel."""
    if backend not in ("auto", "fused") or images.vectors.device.type != "cpu":
        return False
    if not fused_handles(scoring):
        return False
    work = images.vectors.numel() * captions.vectors[..., 0].numel()
    return (backend == "fused" or work >= _SMALL) and fused_available()


def _plain(
    images: Side,
    captions: Side,
    scoring: Scoring,
    how: tuple[Backend, Precision, int | None, Progress | None],
) -> Tensor:
    """By torch or by the reference, after the checks that `prepare` makes for the fused kernel."""
    backend, precision, wanted, progress = how
    threads = thread_count(wanted)
    check_side(images, "regions")
    check_side(captions, "words")
    if backend == "reference":
        return by_reference(images, captions, scoring, threads=threads, progress=progress)
    quick = images.vectors.is_cuda or fast_bfloat16()
    dtype = torch.bfloat16 if precision == "bfloat16" and quick else torch.float32
    return by_torch(images, captions, scoring, dtype=dtype, threads=threads, progress=progress)
