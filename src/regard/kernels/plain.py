"""The same scores by plain operations on arrays, on any device, and by the readable reference.

Every normalisation and scorer. Captions are taken in order of length so that tiles carry little
padding; a tile holds a bounded number of cosines whatever the sizes of the sets.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from array_api_compat import device

from regard.core.arrays import namespace
from regard.core.attention import attend, best, directed, pool, query_lengths, relevance, similarity
from regard.core.scoring import Scoring
from regard.kernels.checks import Array, Ints, Side, mask_of, real_vectors
from regard.kernels.prepared import Precision
from regard.kernels.workers import Progress, run_tasks

TILE_BYTES = 1 << 31
"""What a tile may take on another device unless something else is said."""
_BYTES_A_COSINE = 32  # with all that is made of it
Way = Callable[["_Part", "_Part", Scoring], Array]


class _Part(NamedTuple):
    """A run of items of nearly one length, cut to the longest of them."""

    places: Array  # (n,) the caller's index
    vectors: Array  # (n, K, D) float32, 0 beyond an item's end
    mask: Array  # (n, K)
    factor: Array  # (n K, D) the vectors in the type they are multiplied in
    gram: Array  # (n, K, K)


def by_operations(
    regions: Side,
    words: Side,
    scoring: Scoring,
    *,
    precision: Precision = "float32",
    threads: int = 1,
    progress: Progress | None = None,
    memory: int = TILE_BYTES,
) -> Array:
    """(I, C) float32 by matrix products, on another device in `precision`, and the rest."""
    if scoring.scorer == "pooled":
        sides = (real_vectors(regions), real_vectors(words), mask_of(regions), mask_of(words))
        return similarity(*sides, scoring)
    far = not isinstance(regions.vectors, np.ndarray)
    near = (144, 1 << 18)  # a tile's temporaries stay in the caches
    limits = (4608, memory // _BYTES_A_COSINE) if far else near
    in_half = far and precision == "bfloat16"
    return _tiled((regions, words), scoring, _score_parts, limits, in_half, (threads, progress))


def by_reference(
    regions: Side,
    words: Side,
    scoring: Scoring,
    *,
    threads: int = 1,
    progress: Progress | None = None,
) -> Array:
    """(I, C) float32 by `core.similarity`, a tile at a time."""
    limits, how = (144, 1 << 20), (threads, progress)
    return _tiled((regions, words), scoring, _score_reference, limits, False, how)


def _tiled(
    sides: tuple[Side, Side],
    scoring: Scoring,
    way: Way,
    limits: tuple[int, int],
    in_half: bool,
    how: tuple[int, Progress | None],
) -> Array:
    """Fill (I, C) tile by tile; what is known of an item alone is computed once.

    Args:
        limits: most region vectors and most cosines of a tile.
    """
    regions, words = sides
    xp = namespace(regions.vectors)
    shape = len(regions.vectors), len(words.vectors)
    out = xp.empty(shape, dtype=xp.float32, device=device(regions.vectors))
    if 0 in shape:
        return out
    images = _parts(regions, limits[0], in_half)
    widest = max(part.mask.shape[0] * part.mask.shape[1] for part in images)
    captions = _parts(words, limits[1] // widest, in_half)

    def work(pair: tuple[_Part, _Part]) -> None:
        image, caption = pair
        out[image.places[:, None], caption.places] = way(image, caption, scoring)

    tasks = list(product(images, captions))
    threads, progress = how
    if isinstance(out, np.ndarray):
        run_tasks(tasks, work, threads, progress)
        return out
    for done, task in enumerate(tasks, 1):
        work(task)
        if progress is not None:
            progress(done, len(tasks))
    return out


def _parts(side: Side, limit: int, in_half: bool) -> list[_Part]:
    """Items in order of length, in runs of at most `limit` padded vectors (or one item)."""
    order = side.lengths.argsort(kind="stable")
    parts: list[_Part] = []
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and (end + 1 - begin) * int(side.lengths[order[end]]) <= limit:
            end += 1
        parts.append(_part(side, order[begin:end], in_half))
        begin = end
    return parts


def _part(side: Side, chosen: Ints, in_half: bool) -> _Part:
    xp = namespace(side.vectors)
    longest = int(side.lengths[chosen].max())
    places = xp.asarray(chosen, device=device(side.vectors))
    part = Side(side.vectors[places, :longest], side.lengths[chosen])
    vectors = real_vectors(part)
    factor = xp.reshape(vectors, (-1, vectors.shape[-1]))
    gram = vectors @ xp.matrix_transpose(vectors)
    factor = factor.bfloat16() if in_half else factor
    return _Part(places, vectors, mask_of(part), factor, gram)


def _score_parts(image: _Part, caption: _Part, scoring: Scoring) -> Array:
    """(n, m) similarities of two parts, in Gram form (see `core.attention`)."""
    xp = namespace(image.vectors)
    products = xp.astype(image.factor @ caption.factor.T, xp.float32)
    laid = xp.reshape(products, (*image.mask.shape, *caption.mask.shape))  # (n, R, m, W)
    query_mask, context_mask = image.mask[:, None], caption.mask[None]
    gram, query, axes = caption.gram[None], image.vectors[:, None], (0, 2, 1, 3)
    if scoring.direction == "t2i":
        query_mask, context_mask = context_mask, query_mask
        gram, query, axes = image.gram[:, None], caption.vectors[None], (0, 2, 3, 1)
    cosine = xp.permute_dims(laid, axes)  # (n, m, Q, K)
    if scoring.is_hard:
        return pool(best(cosine, context_mask), query_mask, scoring)
    weights = attend(directed(cosine, query, scoring), query_mask, context_mask, scoring)
    lengths = query_lengths(query, scoring)
    return pool(relevance(cosine, weights, gram, lengths), query_mask, scoring)


def _score_reference(image: _Part, caption: _Part, scoring: Scoring) -> Array:
    return similarity(image.vectors, caption.vectors, image.mask, caption.mask, scoring)
