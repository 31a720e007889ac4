"""Inner products of runs of int8 numbers of -127 to 127, compiled.

Two products of such numbers fit int16 together, so most of the work is done in lanes of that
width. What comes next is asked for before it is needed: rows are short, and a core that waits for
memory at each of them reads at 0.6 of the speed. Imports numba: only `bytes` imports it, on use.
"""

from typing import Any

import llvmlite.ir as ir
import numpy as np

from regard.kernels.lanes import address, cgutils, compiled, declare, types

_RUN = 64  # numbers taken at a time, in two halves
_HALF = _RUN // 2
_AHEAD = 4096  # bytes; past the end of the rows it does nothing
_BYTES = ir.VectorType(ir.IntType(8), _HALF)
_SHORTS = ir.VectorType(ir.IntType(16), _HALF)
_SUMS = ir.VectorType(ir.IntType(32), _HALF)


@declare
def dot(_typing: Any, a: Any, b: Any, _count: Any) -> Any:
    """Inner product, int32, of the first `count` numbers, a multiple of _RUN."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        *arrays, count = values
        sums = cgutils.alloca_once_value(builder, ir.Constant(_SUMS, [0] * _HALF))

        def product(at: Any) -> Any:
            wide = []
            for kind, array in zip(signature.args[:2], arrays, strict=True):
                pointer = address(context, builder, kind, array, at)
                part = builder.load(builder.bitcast(pointer, _BYTES.as_pointer()), align=1)
                wide.append(builder.sext(part, _SHORTS))
            return builder.mul(*wide)

        with cgutils.for_range_slice(builder, count.type(0), count, count.type(_RUN)) as (at, _):
            later = builder.add(at, count.type(_AHEAD))
            _prefetch(builder, address(context, builder, signature.args[0], arrays[0], later))
            second = product(builder.add(at, count.type(_HALF)))
            both = builder.sext(builder.add(product(at), second), _SUMS)
            builder.store(builder.add(builder.load(sums), both), sums)
        kind = ir.FunctionType(_SUMS.element, [_SUMS])
        name = f"llvm.vector.reduce.add.v{_HALF}i32"
        reduce = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(reduce, [builder.load(sums)])

    return types.int32(a, b, types.intp), make


def _prefetch(builder: Any, pointer: Any) -> None:
    """Have memory be read into the processor's cache."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch")
    to_read, kept, data = (number(n) for n in (0, 3, 1))
    builder.call(function, [builder.bitcast(pointer, byte), to_read, kept, data])


def _products(vectors: Any, scales: Any, asked: Any, out: Any) -> None:
    dim = vectors.shape[1]
    whole = dim // _RUN * _RUN
    for row in range(vectors.shape[0]):
        total = dot(vectors[row], asked, whole)
        for n in range(whole, dim):
            total += np.int32(vectors[row, n]) * np.int32(asked[n])
        out[row] = np.float32(total) * scales[row]


products = compiled(_products)
