"""One pass from cosines to similarities: sixteen items at a time, nothing written between.

One side of the match, the inner one, lies across the sixteen lanes: sixteen images (or captions)
are scored together against one item of the outer side. Either side may be the query, so one
kernel serves both directions and both layouts; numba compiles only the kinds that are asked for.

Per outer item and block of sixteen inner items, X[outer vector, inner vector, lane] stays in the
nearest caches: cosines are read once, turned, clipped and normalised over the query axis,
exponentiated (the softmax's division cancels in the cosine), and summed into the numerator and
into a^T G a (its lower half, from registers). Imports numba: only `tiles` imports it, on use.
"""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from regard.core.attention import _TINY, EPS, LEAK
from regard.kernels.lanes import (
    LANES,
    PAIR,
    WIDTH,
    add,
    arithmetic,
    below,
    cgutils,
    constant,
    declare,
    div,
    element,
    fma,
    inlined,
    largest_of,
    load,
    load_transposed,
    maximum,
    multiply_add,
    power_of_two,
    row,
    splat,
    spread,
    square_root,
    store,
    types,
)

LSE, MEAN, MAX, SUM = 0, 1, 2, 3
FOUR = 4  # queries whose quadratic forms are summed side by side
_F = np.float32
_LOG2E, _LEAST, _ZERO = _F(1 / math.log(2)), _F(-1e30), _F(0)
_SHIFT_LIMIT = _F(40.0)  # above this λ1 a constant shift cannot keep squared weights in float32
_SUMS = types.UniTuple(LANES, 2 * FOUR)
_FORMS = types.UniTuple(LANES, FOUR)


def _clip(builder: Any, cosine: Any) -> Any:
    return largest_of(builder, cosine, builder.fmul(cosine, constant(LEAK)))


def _square_clipped(builder: Any, cosine: Any, total: Any) -> Any:
    clipped = _clip(builder, cosine)
    return multiply_add(builder, clipped, clipped, total)


def _invert_norm(builder: Any, squares: Any, factor: Any) -> Any:
    norm = square_root(builder, largest_of(builder, squares, constant(_TINY)))
    return builder.fdiv(factor, builder.fadd(norm, constant(EPS)))


def _weigh(builder: Any, cosine: Any, inverse: Any, shift: Any) -> Any:
    logit = builder.fsub(builder.fmul(_clip(builder, cosine), inverse), shift)
    return power_of_two(builder, logit)


def _raise_above(builder: Any, value: Any, top: Any, scale: Any) -> Any:
    return power_of_two(builder, builder.fmul(builder.fsub(value, top), scale))


def _compare(builder: Any, total: Any, numerator: Any, square: Any, norm: Any) -> Any:
    """Relevance under the reference's epsilons, with weights that sum to `total`."""
    floor = builder.fmul(constant(EPS * EPS), builder.fmul(total, total))
    length = square_root(builder, largest_of(builder, square, floor))
    least = builder.fmul(constant(EPS), total)
    return builder.fdiv(numerator, largest_of(builder, builder.fmul(length, norm), least))


square_clipped = arithmetic(2, _square_clipped)
invert_norm = arithmetic(2, _invert_norm)
logit_of = arithmetic(2, lambda b, cosine, inverse: b.fmul(_clip(b, cosine), inverse))
weigh = arithmetic(3, _weigh)
raise_above = arithmetic(3, _raise_above)
compare = arithmetic(4, _compare)


@declare
def no_sums(_typing: Any) -> Any:
    """Two rows of G times four queries: eight sums at zero."""

    def make(context: Any, builder: Any, signature: Any, _values: Any) -> Any:
        return context.make_tuple(builder, signature.return_type, [constant(0.0)] * 2 * FOUR)

    return _SUMS(), make


@declare
def no_forms(_typing: Any) -> Any:
    """Four quadratic forms at zero."""

    def make(context: Any, builder: Any, signature: Any, _values: Any) -> Any:
        return context.make_tuple(builder, signature.return_type, [constant(0.0)] * FOUR)

    return _FORMS(), make


@declare
def add_column(_typing: Any, sums: Any, gram: Any, _rows: Any, work: Any, _place: Any) -> Any:
    """Add one column of two rows of G, times that context's weight in four queries.

    Args:
        rows: where the column lies in the two rows of G.
        place: that context's weight in the first query, and the step to the next query.
    """

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        found = cgutils.unpack_tuple(builder, values[0])
        _, gram, _, work, _ = signature.args
        places = cgutils.unpack_tuple(builder, values[2])
        rows = [row(context, builder, gram, values[1], place) for place in places]
        at, step = cgutils.unpack_tuple(builder, values[4])
        for n in range(FOUR):
            weight = element(context, builder, work, values[3], at)
            for m in range(2):
                found[2 * n + m] = multiply_add(builder, rows[m], weight, found[2 * n + m])
            at = builder.add(at, step)
        return context.make_tuple(builder, signature.return_type, found)

    return _SUMS(sums, gram, PAIR, work, PAIR), make


@declare
def add_corner(
    _typing: Any, forms: Any, sums: Any, gram: Any, _rows: Any, work: Any, _place: Any
) -> Any:
    """Finish two rows of G: the two-by-two block on the diagonal, then times the weights.

    Args:
        rows: where the block lies in the two rows of G.
        place: the block's first weight in the first query, and the steps to the next query and
            to the next context.
    """

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, _, gram, _, work, _ = signature.args
        found = cgutils.unpack_tuple(builder, values[0])
        partial = cgutils.unpack_tuple(builder, values[1])
        upper, lower = cgutils.unpack_tuple(builder, values[3])
        corner = (upper, lower, builder.add(lower, lower.type(1)))
        u, v, w = (row(context, builder, gram, values[2], place) for place in corner)
        at, step, across = cgutils.unpack_tuple(builder, values[5])
        for n in range(FOUR):
            a = element(context, builder, work, values[4], at)
            b = element(context, builder, work, values[4], builder.add(at, across))
            first = multiply_add(builder, u, a, partial[2 * n])
            second = multiply_add(builder, v, a, partial[2 * n + 1])
            second = multiply_add(builder, w, b, second)
            found[n] = multiply_add(builder, a, first, found[n])
            found[n] = multiply_add(builder, b, second, found[n])
            at = builder.add(at, step)
        return context.make_tuple(builder, signature.return_type, found)

    return _FORMS(forms, sums, gram, PAIR, work, types.UniTuple(types.intp, 3)), make


@inlined
def _fill(cosines: Any, starts: Any, lanes: Any, place: Any, x: Any) -> Any:
    """Write X for one block and one outer item; inner vectors beyond a lane's count become 0."""
    block, origin, stride, rows, width, full, used = place
    for w in range(rows):
        for k in range(0, width, WIDTH):
            source, target = (block * WIDTH, origin + w * stride + k), (w * width + k) * WIDTH
            load_transposed(cosines, starts, source, x, target)
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
def _largest(work: Any, inverse: Any, base: Any, shape: Any, counts: Any) -> Any:
    """Largest logit of one query."""
    top = splat(_LEAST)
    for c in range(shape[2]):
        logit = logit_of(load(work, base + c * shape[3]), load(inverse, c * WIDTH))
        top = maximum(top, below(splat(_F(c)), counts, logit, splat(_LEAST)))
    return top


@inlined
def _attend(work: Any, inverse: Any, sums: Any, shape: Any, lambda1: Any, mask: Any) -> Any:
    """Replace cosines by unnormalised attention; leave its sum and the numerator in `sums`."""
    queries, query_step, contexts, context_step = shape
    full, counts = mask
    for q in range(queries):
        base = q * query_step
        shift = splat(_F(0.5) * lambda1 * _LOG2E)
        if lambda1 > _SHIFT_LIMIT:
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
    queries, step, contexts, across = shape
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
            value = compare(load(sums, at), load(sums, at + WIDTH), forms[n], norm)
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


def _score_tile(work: Any, tile: Any, sides: Any, facts: Any, settings: Any, out: Any) -> None:
    """Similarities of a tile's inner blocks with its outer items.

    Args:
        work: cosines (rows * stride + slack,) float32 or bf16 as uint16, outer by inner vectors;
            then room for X, norms and sums, float32.
        tile: first and past-the-last block, the same of outer items, stride of the cosines.
        sides: the inner side's starts (block*16,), places (block*16,) or -1, counts (block, 16),
            extents (block, 2) most and fewest vectors, first rows of its facts (block,); the
            outer side's starts (item + 1,), places (item,), first rows of its facts (item,).
        facts: lower halves of G, off-diagonal doubled, contexts an even number, and lengths of
            the queries: (n, 16) of the inner side, (n,) of the outer one.
        settings: pooling, λ1, λ2.
        out: flat similarities, step per inner place, step per outer place.
    """
    cosines, x, inverse, sums = work
    block_from, block_to, item_from, item_to, stride = tile
    (starts, places, counts, extents, inner_first), (rows_at, outer_places, outer_first) = sides
    gram, norms = facts
    pooling, lambda1, lambda2 = settings
    flat, inner_step, outer_step = out
    corner = rows_at[item_from] * stride + starts[block_from * WIDTH]
    for b in range(block_from, block_to):
        lanes, used, full = spread(counts, b), extents[b, 0], extents[b, 1]
        width = (used + WIDTH - 1) // WIDTH * WIDTH
        for o in range(item_from, item_to):
            rows, origin = rows_at[o + 1] - rows_at[o], rows_at[o] * stride - corner
            _fill(cosines, starts, lanes, (b, origin, stride, rows, width, full, used), x)
            if gram.ndim == 2:  # the inner side is the context
                shape = (rows, width * WIDTH, used, WIDTH)
                real, context_lanes, query_lanes = full, lanes, splat(_F(rows))
                firsts = (inner_first[b], outer_first[o])
            else:
                shape = (used, WIDTH, rows, width * WIDTH)
                real, context_lanes, query_lanes = rows, splat(_F(rows)), lanes
                firsts = (outer_first[o], inner_first[b])
            _inverse_norms(x, inverse, shape, lambda1 * _LOG2E)
            _attend(x, inverse, sums, shape, lambda1, (real, context_lanes))
            _relevances(x, gram, norms, firsts, sums, shape)
            _pool(sums, shape[0], query_lanes, (pooling, lambda2), inverse)
            for n in range(WIDTH):
                place = places[b * WIDTH + n]
                if place >= 0:
                    flat[place * inner_step + outer_places[o] * outer_step] = inverse[n]


def _compile(function: Callable[..., None]) -> Any:
    """Compile on first use; keep the result on disk where some folder can be written."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder to cache in
        return numba.njit(nogil=True, error_model="numpy")(function)


score_tile = _compile(_score_tile)
