"""The public scores: every image with every caption, whichever way is fastest here."""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from regard.core.scoring import (
    DEFAULT_SCORING,
    Direction,
    Normalization,
    Pooling,
    Scorer,
    Scoring,
    refuse_learned,
)
from regard.errors import ConfigError
from regard.kernels.checks import (
    Array,
    Lengths,
    Side,
    as_given,
    as_side,
    check_match,
    check_side,
)
from regard.kernels.plain import TILE_BYTES, by_operations, by_reference
from regard.kernels.precision import EXACT, Wanted, chosen
from regard.kernels.prepared import Precision, prepare
from regard.kernels.tiles import fused_available, fused_handles, score
from regard.kernels.workers import Progress, thread_count

Backend = Literal["auto", "reference", "plain", "fused"]
_SMALL = 1 << 26  # multiply-adds below which the fused kernel's first compilation is not worth it


def similarity_matrix(  # noqa: PLR0913 - the official code's options, by name only
    regions: Array,
    words: Array,
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
    precision: Wanted = "float32",
    threads: int | None = None,
    progress: Progress | None = None,
    memory: int = TILE_BYTES,
) -> Array:
    """Similarity of every image with every caption (Lee et al. 2018, sections 3.1-3.2).

    Not differentiable; `core.similarity` and `core.paired_similarity` are.

    Args:
        regions: (I, R, D) region vectors, of numpy or of torch, on one device with words.
        words: (C, W, D) word vectors, anything beyond a caption's end.
        lengths: (C,) words of each caption; None means all; region_lengths (I,) likewise.
        direction, pooling, normalization, lambda_softmax, lambda_lse, scorer: as in `Scoring`.
        backend: reference (readable, slow), plain (operations on arrays, any device), fused (CPU,
            compiled; what it cannot do is left to plain) or auto: fused unless the work is small.
        precision: float32 is within 2e-6 of the reference; bfloat16 within 5e-4 or so (more for
            captions of one or two words, whose attention turns on signs); fast is the quicker of
            the two here. Where rounding does not average out (max and sum pooling, Sum-Max) it
            is float32 whatever is asked for.
        threads: on the CPU, all if None; results do not depend on it.
        progress: told tiles done and tiles in all.
        memory: bytes that a tile may take on another device than the CPU.

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
    kept = _sufficient(backend, precision, scoring)
    images = as_side(regions, region_lengths, "regions")
    captions = as_side(words, lengths, "words")
    check_match(images, captions)
    how = _How(backend, kept, thread_count(threads), progress, memory)
    fused = _fuses(images, captions, scoring, backend)
    out = (_by_kernel if fused else _plainly)(images, captions, scoring, how)
    return as_given(out, regions, words)


class _How(NamedTuple):
    """How the caller wants it done."""

    backend: Backend
    precision: Wanted
    threads: int
    progress: Progress | None
    memory: int


def _by_kernel(images: Side, captions: Side, scoring: Scoring, how: _How) -> Array:
    way = EXACT if how.precision == "float32" else chosen("scores", how.precision)
    a = prepare(*images, precision=way.precision, name="regions")
    b = prepare(*captions, precision=way.precision, name="words")
    return score(a, b, scoring, engine=way.engine, threads=how.threads, progress=how.progress)


def _plainly(images: Side, captions: Side, scoring: Scoring, how: _How) -> Array:
    """By operations or the reference, after the checks that `prepare` makes for the kernel."""
    check_side(images, "regions")
    check_side(captions, "words")
    work: dict[str, Any] = {"threads": how.threads, "progress": how.progress}
    if how.backend == "reference":
        return by_reference(images, captions, scoring, **work)
    kept: Precision = "float32" if how.precision == "float32" else "bfloat16"
    return by_operations(images, captions, scoring, precision=kept, memory=how.memory, **work)


def _sufficient(backend: Backend, precision: Wanted, scoring: Scoring) -> Wanted:
    """The precision asked for, unless its error in this similarity would exceed 5e-4."""
    refuse_learned(scoring, "scores of vectors alone")
    for name, value, kind in (("backend", backend, Backend), ("precision", precision, Wanted)):
        if value not in get_args(kind):
            raise ConfigError(
                f"{name} is {value!r}; it must be one of {', '.join(get_args(kind))}. "
                "Choose one of these."
            )
    averages = scoring.scorer == "attention" and scoring.pooling in ("lse", "mean")
    return precision if averages else "float32"


def _fuses(images: Side, captions: Side, scoring: Scoring, backend: Backend) -> bool:
    """Whether to take the fused kernel."""
    if backend not in ("auto", "fused") or not isinstance(images.vectors, np.ndarray):
        return False
    if not fused_handles(scoring):
        return False
    work = images.vectors.size * captions.vectors.shape[0] * captions.vectors.shape[1]
    return (backend == "fused" or work >= _SMALL) and fused_available()
