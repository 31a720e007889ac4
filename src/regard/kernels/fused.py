"""One pass from cosines to similarities: sixteen items at a time, nothing written between.

One side of the match, the inner one, lies across the sixteen lanes: sixteen images (or captions)
are scored together against one item of the outer side. Either side may be the query, so one
kernel serves both directions and both layouts; numba compiles only the kinds that are asked for.

Per outer item and block of sixteen inner items, X[outer vector, inner vector, lane] stays in the
nearest caches: cosines are read once, turned, clipped and normalised over the query axis,
exponentiated (the softmax's division cancels in the cosine), and summed into the numerator and
into a^T G a (its lower half, from registers). Imports numba: only `tiles` imports it, on use.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from regard.core.scoring import EPS
from regard.kernels.algebra import (
    FOUR,
    add_column,
    add_corner,
    compare,
    invert_norm,
    logit_of,
    no_forms,
    no_sums,
    raise_above,
    square_clipped,
    weigh,
)
from regard.kernels.lanes import (
    WIDTH,
    add,
    below,
    compiled,
    div,
    fma,
    inlined,
    linked,
    load,
    load_transposed,
    maximum,
    splat,
    spread,
    store,
)
from regard.kernels.product import POSITIONS, multiply, pack_block

LSE, MEAN, MAX, SUM, WEIGHTED = 0, 1, 2, 3, 4
_F = np.float32
_LOG2E, _LEAST, _ZERO, _EPS = _F(1 / math.log(2)), _F(-1e30), _F(0), _F(EPS)


@inlined
def _fill(cosines: Any, starts: Any, lanes: Any, place: Any, x: Any) -> Any:
    """Write X for one block and one outer item."""
    block, origin, stride, rows, width, full, used = place
    for w in range(rows):
        for k in range(0, width, WIDTH):
            source, target = (block * WIDTH, origin + w * stride + k), (w * width + k) * WIDTH
            load_transposed(cosines, starts, source, x, target)
    _blank((rows, width, full, used), lanes, x)


@inlined
def _blank(shape: Any, lanes: Any, x: Any) -> Any:
    """Set X to 0 for the inner vectors beyond each lane's count."""
    rows, width, full, used = shape
    for w in range(rows):
        for k in range(full, used):
            at = (w * width + k) * WIDTH
            store(x, at, below(splat(_F(k)), lanes, load(x, at), splat(_ZERO)))


@inlined
def _inverse_norms(work: Any, inverse: Any, shape: Any, factor: Any) -> Any:
    """Factor over (norm over the queries of the clipped cosines), for every context vector."""
    queries, query_step, contexts, context_step = shape
    for c in range(contexts):
        total = splat(_ZERO)
        for q in range(queries):
            total = square_clipped(load(work, q * query_step + c * context_step), total)
        store(inverse, c * WIDTH, invert_norm(total, splat(factor)))


@inlined
def _same(inverse: Any, contexts: Any, factor: Any) -> Any:
    """The same factor for every context vector: cosines are clipped only."""
    for c in range(contexts):
        store(inverse, c * WIDTH, splat(factor))


@inlined
def _directed(work: Any, norms: Any, first: Any, shape: Any) -> Any:
    """Divide what every query has with the contexts by its length, which is its weight."""
    queries, query_step, contexts, context_step = shape
    for q in range(queries):
        factor = div(splat(_F(1)), maximum(spread(norms, first + q), splat(_EPS)))
        for c in range(contexts):
            at = q * query_step + c * context_step
            store(work, at, fma(load(work, at), factor, splat(_ZERO)))


@inlined
def _largest(work: Any, inverse: Any, base: Any, shape: Any, counts: Any) -> Any:
    """Largest logit of one query."""
    top = splat(_LEAST)
    for c in range(shape[2]):
        logit = logit_of(load(work, base + c * shape[3]), load(inverse, c * WIDTH))
        top = maximum(top, below(splat(_F(c)), counts, logit, splat(_LEAST)))
    return top


@inlined
def _attend(work: Any, inverse: Any, sums: Any, shape: Any, steep: Any, mask: Any) -> Any:
    """Replace cosines by unnormalised attention; leave its sum and the numerator in `sums`."""
    queries, query_step, contexts, context_step = shape
    full, counts = mask
    for q in range(queries):
        base = q * query_step
        shift = splat(_ZERO)
        if steep:
            shift = _largest(work, inverse, base, shape, counts)
        total, numerator = splat(_ZERO), splat(_ZERO)
        for c in range(contexts):
            at = base + c * context_step
            cosine = load(work, at)
            weight = weigh(cosine, load(inverse, c * WIDTH), shift)
            if c >= full:
                weight = below(splat(_F(c)), counts, weight, splat(_ZERO))
            total = add(total, weight)
            numerator = fma(weight, cosine, numerator)
            store(work, at, weight)
        if contexts % 2 == 1:  # the quadratic form takes contexts in pairs
            store(work, base + contexts * context_step, splat(_ZERO))
        store(sums, 2 * q * WIDTH, total)
        store(sums, (2 * q + 1) * WIDTH, numerator)


@inlined
def _relevances(work: Any, gram: Any, norms: Any, firsts: Any, sums: Any, shape: Any) -> Any:
    """Put the relevance of every query into `sums`, over what `_attend` left there.

    Four queries are taken at a time; those past the last one are computed and dropped.
    """
    queries, step, contexts, across, weighted = shape
    gram_at, norms_at = firsts
    for q in range(0, queries, FOUR):
        base = q * step
        forms = no_forms()
        for r in range(0, contexts, 2):
            upper = gram_at + r * (r + 1) // 2
            lower = upper + r + 1
            partial = no_sums()
            for c in range(r):
                rows, place = (upper + c, lower + c), (base + c * across, step)
                partial = add_column(partial, gram, rows, work, place)
            rows, corner = (upper + r, lower + r), (base + r * across, step, across)
            forms = add_corner(forms, partial, gram, rows, work, corner)
        for n in range(min(FOUR, queries - q)):
            at = 2 * (q + n) * WIDTH
            norm = spread(norms, norms_at + q + n)
            divisor = splat(_F(1)) if weighted else norm
            value = compare(load(sums, at), load(sums, at + WIDTH), forms[n], divisor)
            if weighted:
                value = fma(value, norm, splat(_ZERO))
            store(sums, (q + n) * WIDTH, value)


@inlined
def _pool(found: Any, queries: Any, counts: Any, settings: Any, result: Any) -> Any:
    """One similarity a lane from the relevances of its first `counts` queries."""
    pooling, lambda2 = settings
    top, total = splat(_LEAST), splat(_ZERO)
    for q in range(queries):
        value, here = load(found, q * WIDTH), splat(_F(q))
        total = add(total, below(here, counts, value, splat(_ZERO)))
        top = maximum(top, below(here, counts, value, splat(_LEAST)))
    if pooling == MEAN:
        total = div(total, counts)
    elif pooling == MAX:
        total = top
    elif pooling == LSE:
        total = splat(_ZERO)
        for q in range(queries):
            power = raise_above(load(found, q * WIDTH), top, splat(lambda2 * _LOG2E))
            total = add(total, below(splat(_F(q)), counts, power, splat(_ZERO)))
        store(result, 0, total)
        for n in range(WIDTH):
            result[n] = _F(math.log(result[n])) / lambda2
        total = add(load(result, 0), top)
    store(result, 0, total)


@linked
def _score_item(room: Any, facts: Any, firsts: Any, shape: Any, masks: Any, settings: Any) -> Any:
    """Leave in `inverse` the similarity of one outer item with each lane's item.

    Args:
        room: X of this item, norms and sums.
        facts: G of the contexts and lengths of the queries; `firsts` is where the item's begin.
        shape: queries, step between them in X, contexts, step between them.
        masks: contexts no lane lacks, contexts of each lane, queries of each lane.
    """
    x, inverse, sums = room
    gram, norms = facts
    full, context_lanes, query_lanes = masks
    pooling, normalises, steep, lambda1, lambda2 = settings
    if pooling == WEIGHTED:
        _directed(x, norms, firsts[1], shape)
    if normalises:
        _inverse_norms(x, inverse, shape, lambda1 * _LOG2E)
    else:
        _same(inverse, shape[2], lambda1 * _LOG2E)
    _attend(x, inverse, sums, shape, steep, (full, context_lanes))
    _relevances(x, gram, norms, firsts, sums, (*shape, pooling == WEIGHTED))
    _pool(sums, shape[0], query_lanes, (pooling, lambda2), inverse)


@linked
def _score_block(room: Any, block: Any, items: Any, sides: Any, facts: Any, job: Any) -> Any:
    """Score one block with a run of outer items, whose cosines are X or yet to be turned into X.

    Args:
        block: its index, most and fewest vectors, positions in X.
        items: first and past-the-last outer item.
        job: cosines, their origin and stride (no cosines: X is there already), settings, out.
    """
    x, inverse, sums = room
    b, used, full, width = block
    (starts, places, counts, _, inner_first), (rows_at, outer_places, outer_first) = sides
    cosines, corner, stride, settings, (flat, inner_step, outer_step) = job
    lanes = spread(counts, b)
    for back in range(items[1] - items[0]):  # backwards: scoring an item may spoil the next one's X
        o = items[1] - 1 - back
        rows = rows_at[o + 1] - rows_at[o]
        if cosines.size > 0:
            mine, origin = x, rows_at[o] * stride - corner
            _fill(cosines, starts, lanes, (b, origin, stride, rows, width, full, used), x)
        else:
            mine = x[(rows_at[o] - rows_at[items[0]]) * width * WIDTH :]
        if facts[0].ndim == 2:  # the inner side is the context
            shape = (rows, width * WIDTH, used, WIDTH)
            masks = (full, lanes, splat(_F(rows)))
            firsts = (inner_first[b], outer_first[o])
        else:
            shape = (used, WIDTH, rows, width * WIDTH)
            masks = (rows, splat(_F(rows)), lanes)
            firsts = (outer_first[o], inner_first[b])
        _score_item((mine, inverse, sums), facts, firsts, shape, masks, settings)
        for n in range(WIDTH):
            place = places[b * WIDTH + n]
            if place >= 0:
                flat[place * inner_step + outer_places[o] * outer_step] = inverse[n]


@linked
def _score_tile(work: Any, tile: Any, sides: Any, facts: Any, settings: Any, out: Any) -> None:
    """Similarities of a tile's inner blocks with its outer items, from their cosines.

    Args:
        work: cosines (rows * stride + slack,) float32 or bf16 as uint16, outer by inner vectors;
            then room for X, norms and sums, float32.
        tile: first and past-the-last block, the same of outer items, stride of the cosines.
        sides: the inner side's starts (block*16,), places (block*16,) or -1, counts (block, 16),
            extents (block, 2) most and fewest vectors, first rows of its facts (block,); the
            outer side's starts (item + 1,), places (item,), first rows of its facts (item,).
        facts: lower halves of G, off-diagonal doubled, contexts an even number, and lengths of
            the queries: (n, 16) of the inner side, (n,) of the outer one.
        settings: pooling, whether cosines are normalised over the queries, whether logits may be
            too large for exponentials as they are, λ1, λ2.
        out: flat similarities, step per inner place, step per outer place.
    """
    cosines, x, inverse, sums = work
    block_from, block_to, item_from, item_to, stride = tile
    starts, extents, rows_at = sides[0][0], sides[0][3], sides[1][0]
    corner = rows_at[item_from] * stride + starts[block_from * WIDTH]
    for b in range(block_from, block_to):
        used, full = extents[b, 0], extents[b, 1]
        width = (used + WIDTH - 1) // WIDTH * WIDTH
        job = (cosines, corner, stride, settings, out)
        room, block = (x, inverse, sums), (b, used, full, width)
        _score_block(room, block, (item_from, item_to), sides, facts, job)


@linked
def _score_vectors(work: Any, tile: Any, sides: Any, facts: Any, settings: Any, out: Any) -> None:
    """The same from the vectors themselves, bf16 in pairs; see `product`.

    Args:
        work: inner vectors (pairs as float32) and outer ones (pairs as int32), flat; then room
            for packed vectors (int32, and seen as float32), 16 indices, X, norms and sums.
        tile: first and past-the-last block, borders between runs of outer items, number of pairs.
    """
    inner, outer, pack, pack_as_floats, rows, x, inverse, sums = work
    block_from, block_to, borders, pairs = tile
    starts, counts, extents, rows_at = sides[0][0], sides[0][2], sides[0][3], sides[1][0]
    number = rows_at[rows_at.size - 1]
    for b in range(block_from, block_to):
        used, full = extents[b, 0], extents[b, 1]
        width = (used + used % 2 + POSITIONS - 1) // POSITIONS * POSITIONS
        lanes = (starts[b * WIDTH : (b + 1) * WIDTH], counts[b])
        pack_block(inner, pairs, lanes, width, rows, pack_as_floats)
        for t in range(borders.size - 1):
            first, last = rows_at[borders[t]], rows_at[borders[t + 1]]
            multiply(outer, (first, last, number), pairs, pack, width, x)
            _blank((last - first, width, full, used), spread(counts, b), x)
            job = (x[:0], 0, 0, settings, out)
            room, block = (x, inverse, sums), (b, used, full, width)
            _score_block(room, block, (borders[t], borders[t + 1]), sides, facts, job)


def _make(version: str) -> tuple[Any, Any]:
    """The two kernels.

    Numba looks at this file alone to see whether what it kept is stale; being part of what the
    functions close over, `version` makes it look at the files they are built from too.
    """

    def score_tile(work: Any, tile: Any, sides: Any, facts: Any, settings: Any, out: Any) -> None:
        if len(version) > 0:
            _score_tile(work, tile, sides, facts, settings, out)

    def score_vectors(
        work: Any, tile: Any, sides: Any, facts: Any, settings: Any, out: Any
    ) -> None:
        if len(version) > 0:
            _score_vectors(work, tile, sides, facts, settings, out)

    return compiled(score_tile), compiled(score_vectors)


def _version() -> str:
    sources = (Path(__file__).with_name(f"{n}.py") for n in ("lanes", "algebra", "product"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


score_tile, score_vectors = _make(_version())
