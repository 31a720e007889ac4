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
    WIDTH,
    add,
    below,
    div,
    exp2,
    fma,
    inlined,
    load,
    load_transposed,
    maximum,
    mul,
    splat,
    spread,
    sqrt,
    store,
    sub,
)

LSE, MEAN, MAX, SUM = 0, 1, 2, 3
_F = np.float32
_LEAK, _EPS, _EPS2, _SMALL = _F(LEAK), _F(EPS), _F(EPS * EPS), _F(_TINY)
_LOG2E, _FLOOR, _LEAST = _F(1 / math.log(2)), _F(-126.0), _F(-1e30)
_ZERO, _ONE = _F(0), _F(1)
_SHIFT_LIMIT = _F(40.0)  # above this λ1, a constant shift cannot keep e^2 inside float32


@inlined
def _clip(cosine: Any) -> Any:
    return maximum(cosine, mul(cosine, splat(_LEAK)))


@inlined
def _fill(cosines: Any, starts: Any, counts: Any, block: Any, place: Any, work: Any) -> Any:
    """Write X for one block and one outer item; inner vectors beyond a lane's count become 0."""
    row, rows, width, stride, full, used = place
    for w in range(rows):
        for k in range(0, width, WIDTH):
            load_transposed(
                cosines, starts, block * WIDTH, (row + w) * stride + k, work, (w * width + k) * WIDTH
            )
        for k in range(full, used):
            at = (w * width + k) * WIDTH
            store(work, at, below(splat(_F(k)), counts, load(work, at), splat(_ZERO)))


@inlined
def _inverse_norms(work: Any, inverse: Any, shape: Any, factor: Any) -> Any:
    """factor / (norm over the queries of the clipped cosines), for every context vector."""
    queries, query_step, contexts, context_step = shape
    for c in range(contexts):
        total = splat(_ZERO)
        for q in range(queries):
            clipped = _clip(load(work, q * query_step + c * context_step))
            total = fma(clipped, clipped, total)
        norm = add(sqrt(maximum(total, splat(_SMALL))), splat(_EPS))
        store(inverse, c * WIDTH, div(splat(factor), norm))


@inlined
def _largest(work: Any, inverse: Any, base: Any, shape: Any, counts: Any) -> Any:
    """Largest logit of one query."""
    top = splat(_LEAST)
    for c in range(shape[2]):
        logit = mul(_clip(load(work, base + c * shape[3])), load(inverse, c * WIDTH))
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
            logit = sub(mul(_clip(cosine), load(inverse, c * WIDTH)), shift)
            weight = exp2(maximum(logit, splat(_FLOOR)))
            if c >= full:
                weight = below(splat(_F(c)), counts, weight, splat(_ZERO))
            total = add(total, weight)
            numerator = fma(weight, cosine, numerator)
            store(work, at, weight)
        store(sums, 2 * q * WIDTH, total)
        store(sums, (2 * q + 1) * WIDTH, numerator)


@inlined
def _quadratic_four(work: Any, gram: Any, first: Any, base: Any, shape: Any, found: Any) -> Any:
    """a^T G a of four queries; G's lower half from row `first`, off-diagonal doubled.

    Two rows of G times four queries keep eight sums in registers.
    """
    _, step, contexts, context_step = shape
    b0, b1, b2, b3 = base, base + step, base + 2 * step, base + 3 * step
    q0, q1, q2, q3 = splat(_ZERO), splat(_ZERO), splat(_ZERO), splat(_ZERO)
    for r in range(0, contexts - 1, 2):
        g = first + r * (r + 1) // 2
        h = g + r + 1
        s0, s1, s2, s3 = splat(_ZERO), splat(_ZERO), splat(_ZERO), splat(_ZERO)
        t0, t1, t2, t3 = splat(_ZERO), splat(_ZERO), splat(_ZERO), splat(_ZERO)
        for c in range(r):
            at = c * context_step
            u, v = spread(gram, g + c), spread(gram, h + c)
            a0, a1 = load(work, b0 + at), load(work, b1 + at)
            s0, t0 = fma(u, a0, s0), fma(v, a0, t0)
            s1, t1 = fma(u, a1, s1), fma(v, a1, t1)
            a2, a3 = load(work, b2 + at), load(work, b3 + at)
            s2, t2 = fma(u, a2, s2), fma(v, a2, t2)
            s3, t3 = fma(u, a3, s3), fma(v, a3, t3)
        at = r * context_step
        u, v, w = spread(gram, g + r), spread(gram, h + r), spread(gram, h + r + 1)
        q0 = _corner(work, b0 + at, context_step, (u, v, w), (s0, t0, q0))
        q1 = _corner(work, b1 + at, context_step, (u, v, w), (s1, t1, q1))
        q2 = _corner(work, b2 + at, context_step, (u, v, w), (s2, t2, q2))
        q3 = _corner(work, b3 + at, context_step, (u, v, w), (s3, t3, q3))
    store(found, 0, q0)
    store(found, WIDTH, q1)
    store(found, 2 * WIDTH, q2)
    store(found, 3 * WIDTH, q3)
    if contexts % 2 == 1:
        for n in range(4):
            _last_row(work, gram, first, base + n * step, shape, found, n)


@inlined
def _corner(work: Any, at: Any, step: Any, corner: Any, sums: Any) -> Any:
    """Finish two rows of the quadratic form: the two-by-two block on the diagonal."""
    u, v, w = corner
    s, t, q = sums
    a, b = load(work, at), load(work, at + step)
    q = fma(a, fma(u, a, s), q)
    return fma(b, fma(w, b, fma(v, a, t)), q)


@inlined
def _last_row(
    work: Any, gram: Any, first: Any, base: Any, shape: Any, found: Any, n: Any
) -> Any:
    """Add the last row of an odd number of rows to one query's quadratic form."""
    _, _, contexts, context_step = shape
    r = contexts - 1
    g = first + r * (r + 1) // 2
    s = splat(_ZERO)
    for c in range(contexts):
        s = fma(spread(gram, g + c), load(work, base + c * context_step), s)
    q = load(found, n * WIDTH)
    store(found, n * WIDTH, fma(load(work, base + r * context_step), s, q))


@inlined
def _quadratic_one(work: Any, gram: Any, first: Any, base: Any, shape: Any, found: Any) -> Any:
    """a^T G a of one query."""
    _, _, contexts, context_step = shape
    q = splat(_ZERO)
    for r in range(contexts):
        g = first + r * (r + 1) // 2
        s = splat(_ZERO)
        for c in range(r + 1):
            s = fma(spread(gram, g + c), load(work, base + c * context_step), s)
        q = fma(load(work, base + r * context_step), s, q)
    store(found, 0, q)


@inlined
def _relevance(sums: Any, q: Any, square: Any, norm: Any) -> Any:
    """Cosine of the query with what it attended to, under the reference's epsilons."""
    total, numerator = load(sums, 2 * q * WIDTH), load(sums, (2 * q + 1) * WIDTH)
    square = maximum(square, mul(splat(_EPS2), mul(total, total)))
    length = maximum(mul(sqrt(square), norm), mul(splat(_EPS), total))
    return div(numerator, length)


@inlined
def _pool(found: Any, queries: Any, counts: Any, pooling: Any, lambda2: Any, result: Any) -> Any:
    """One similarity a lane from the relevances of its first `counts` queries."""
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
            power = mul(sub(load(found, q * WIDTH), top), splat(lambda2 * _LOG2E))
            power = exp2(maximum(power, splat(_FLOOR)))
            total = add(total, below(splat(_F(q)), counts, power, splat(_ZERO)))
        store(result, 0, total)
        for n in range(WIDTH):
            result[n] = _F(math.log(result[n])) / lambda2
        total = add(load(result, 0), top)
    store(result, 0, total)


@inlined
def _relevances(  # noqa: PLR0913, PLR0917
    work: Any, gram: Any, gram_at: Any, norms: Any, norms_at: Any, sums: Any, shape: Any, found: Any
) -> Any:
    """Relevance of every query into `found`, four queries at a time."""
    queries, step, _, _ = shape
    whole = queries - queries % 4
    square = found[queries * WIDTH :]
    for q in range(0, whole, 4):
        _quadratic_four(work, gram, gram_at, q * step, shape, square)
        for n in range(4):
            norm = spread(norms, norms_at + q + n)
            value = _relevance(sums, q + n, load(square, n * WIDTH), norm)
            store(found, (q + n) * WIDTH, value)
    for q in range(whole, queries):
        _quadratic_one(work, gram, gram_at, q * step, shape, square)
        value = _relevance(sums, q, load(square, 0), spread(norms, norms_at + q))
        store(found, q * WIDTH, value)


def _score_tile(  # noqa: PLR0913, PLR0917
    cosines: Any, stride: Any, inner: Any, outer: Any, gram: Any, norms: Any, settings: Any, out: Any, work: Any
) -> None:
    """Similarities of the blocks of an inner tile with the items of an outer tile.

    Args:
        cosines: (rows * stride + slack,) float32, or bf16 as uint16; outer vectors by inner ones.
        inner: starts (block*16,) columns, counts (block, 16), places (block*16,) or -1,
            shape (block, 2) most and fewest vectors of the block, first gram or norm row (block,).
        outer: starts (item + 1,) rows, places (item,), first gram or norm row (item,).
        gram: lower halves, off-diagonal doubled: (n, 16) of inner or (n,) of outer contexts.
        norms: lengths of the queries, (n,) of outer or (n, 16) of inner ones.
        settings: pooling, λ1, λ2.
        out: flat similarities, step per inner place, step per outer place.
        work: X, norms, sums and relevances.
    """
    starts, counts, places, extents, inner_at = inner
    rows_of, outer_places, outer_at = outer
    pooling, lambda1, lambda2 = settings
    flat, inner_step, outer_step = out
    x, inverse, sums, found = work
    for b in range(counts.shape[0]):
        lanes = spread(counts, b)
        used, full = extents[b, 0], extents[b, 1]
        width = (used + WIDTH - 1) // WIDTH * WIDTH
        for o in range(outer_places.shape[0]):
            row, rows = rows_of[o], rows_of[o + 1] - rows_of[o]
            _fill(cosines, starts, lanes, b, (row, rows, width, stride, full, used), x)
            if gram.ndim == 2:
                shape = (rows, width * WIDTH, used, WIDTH)
                real, context_lanes, query_lanes = full, lanes, splat(_F(rows))
                gram_at, norms_at = inner_at[b], outer_at[o]
            else:
                shape = (used, WIDTH, rows, width * WIDTH)
                real, context_lanes, query_lanes = rows, splat(_F(rows)), lanes
                gram_at, norms_at = outer_at[o], inner_at[b]
            _inverse_norms(x, inverse, shape, lambda1 * _LOG2E)
            _attend(x, inverse, sums, shape, lambda1, (real, context_lanes))
            _relevances(x, gram, gram_at, norms, norms_at, sums, shape, found)
            _pool(found, shape[0], query_lanes, pooling, lambda2, sums)
            for n in range(WIDTH):
                if places[b * WIDTH + n] >= 0:
                    flat[places[b * WIDTH + n] * inner_step + outer_places[o] * outer_step] = sums[n]


def _compile(function: Callable[..., None]) -> Callable[..., None]:
    """Compile on first use; keep the result on disk where some folder can be written."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        made: Callable[..., None] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to cache in
        made = numba.njit(**options)(function)
    return made


score_tile = _compile(_score_tile)
