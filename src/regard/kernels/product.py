"""bfloat16 products with float32 results, laid out for the fused kernel to go on with.

For processors with AVX512-BF16 and no matrix unit. The inner side is packed sixteen items at a
time, pairs of numbers of the same dimension side by side, so that one instruction multiplies and
adds two numbers of sixteen items; a product's result is then X[outer vector, position, lane]
itself, unrounded, and needs no turning. Twelve sums stay in registers over the whole dimension.
"""

from typing import Any

import llvmlite.binding as binding
import llvmlite.ir as ir

from regard.kernels.lanes import (
    LANES,
    PAIR,
    VECTOR,
    WIDTH,
    address,
    cgutils,
    constant,
    declare,
    linked,
    load_transposed,
    store,
    types,
)

binding.initialize_native_asmparser()

ROWS, POSITIONS = 4, 3  # outer vectors and inner positions multiplied at a time
_WORD = ir.IntType(32)
_WORDS = ir.VectorType(_WORD, WIDTH)
_SUMS = types.UniTuple(LANES, ROWS * POSITIONS)
_FROM = types.UniTuple(types.intp, ROWS)


@declare
def no_products(_typing: Any) -> Any:
    """Twelve sums at zero."""

    def make(context: Any, builder: Any, signature: Any, _values: Any) -> Any:
        return context.make_tuple(builder, signature.return_type, [constant(0.0)] * _SUMS.count)

    return _SUMS(), make


@declare
def add_products(_typing: Any, sums: Any, outer: Any, _rows: Any, pack: Any, _place: Any) -> Any:
    """Add the products of one pair of dimensions: four outer vectors, three positions, 16 lanes.

    Args:
        outer: pairs of bf16 numbers as int32, flat.
        rows: the pair's index in each outer vector.
        pack: the same of the inner side, (position, pair, lane) flat.
        place: index of the first position's pair, step to the next position.
    """

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, outer, _, pack, _ = signature.args
        found = cgutils.unpack_tuple(builder, values[0])
        at, step = cgutils.unpack_tuple(builder, values[4])
        inside = []
        for _ in range(POSITIONS):
            pointer = address(context, builder, pack, values[3], at)
            inside.append(builder.load(builder.bitcast(pointer, _WORDS.as_pointer()), align=4))
            at = builder.add(at, step)
        nothing, first = ir.Constant(_WORDS, ir.Undefined), ir.Constant(_WORD, 0)
        kind = ir.FunctionType(VECTOR, [VECTOR, _WORDS, _WORDS])
        for m, row in enumerate(cgutils.unpack_tuple(builder, values[2])):
            pair = builder.load(address(context, builder, outer, values[1], row))
            one = builder.insert_element(nothing, pair, first)
            same = builder.shuffle_vector(one, nothing, ir.Constant(_WORDS, [0] * WIDTH))
            for n in range(POSITIONS):
                at_sum = m * POSITIONS + n
                operands = [found[at_sum], same, inside[n]]
                found[at_sum] = builder.asm(
                    kind, "vdpbf16ps $3, $2, $0", "=v,0,v,v", operands, False
                )
        return context.make_tuple(builder, signature.return_type, found)

    return _SUMS(sums, outer, _FROM, pack, PAIR), make


@linked
def pack_block(inner: Any, pairs: Any, lanes: Any, width: Any, rows: Any, pack: Any) -> Any:
    """Pack sixteen items; positions beyond an item's end repeat its last vector.

    Args:
        inner: pairs of bf16 numbers seen as float32, flat; moved, never computed with.
        lanes: first vector and number of vectors of the item in each lane, (16,) and (16,).
        rows: (16,) room for indices.
        pack: (width, pairs, 16) flat.
    """
    starts, counts = lanes
    for k in range(width):
        for n in range(WIDTH):
            rows[n] = (starts[n] + min(k, int(counts[n]) - 1)) * pairs
        for p in range(0, pairs, WIDTH):
            pair = min(p, pairs - WIDTH)
            load_transposed(inner, rows, (0, pair), pack, (k * pairs + pair) * WIDTH)


@linked
def multiply(outer: Any, place: Any, pairs: Any, pack: Any, width: Any, x: Any) -> Any:
    """Write X (rows, width, 16) for a run of outer vectors.

    Args:
        place: first outer vector, past the last one of the run, number of all.
        width: positions, a multiple of three.
        x: room for a multiple of four rows; rows past the run's end are overwritten.
    """
    first, last, number = place
    step = pairs * WIDTH
    for k in range(0, width, POSITIONS):
        for r in range(first, last, ROWS):
            a, b = r * pairs, min(r + 1, number - 1) * pairs
            c, d = min(r + 2, number - 1) * pairs, min(r + 3, number - 1) * pairs
            sums = no_products()
            for p in range(pairs):
                rows, at = (a + p, b + p, c + p, d + p), k * step + p * WIDTH
                sums = add_products(sums, outer, rows, pack, (at, step))
            target = (r - first) * width + k
            for n, value in enumerate(sums):
                store(x, (target + n // POSITIONS * width + n % POSITIONS) * WIDTH, value)
