"""Sixteen float32 numbers in step: the vector type the fused kernels are written in.

Numba vectorises the innermost loop only, which leaves the running sums of a blocked product in
memory. `Lanes` is a numba type that *is* an LLVM vector of sixteen floats, so a kernel keeps its
sums in registers and says itself what is loaded when. LLVM splits it for narrower machines.

Knows loads, stores, arithmetic and exp2; knows nothing of regions, words or attention. Imports
numba: only `fused` imports it, on use.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import llvmlite.ir as ir
import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic, models, register_model

WIDTH = 16
_F32, _I32, _U16 = ir.FloatType(), ir.IntType(32), ir.IntType(16)
_VF, _VI = ir.VectorType(_F32, WIDTH), ir.VectorType(_I32, WIDTH)
_Function = TypeVar("_Function", bound=Callable[..., Any])


class LanesType(types.Type):  # type: ignore[misc]
    """Sixteen float32 values held in registers."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = LanesType()


@register_model(LanesType)  # type: ignore[untyped-decorator]
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    """`Lanes` as LLVM sees it."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VF)


def inlined(function: _Function) -> _Function:
    """Compile a helper so that it disappears into its callers."""
    compiled: _Function = numba.njit(inline="always", error_model="numpy")(function)
    return compiled


def _declare(function: _Function) -> _Function:
    made: _Function = intrinsic(function)
    return made


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Address of element `index` of a one-dimensional contiguous array; never checked."""
    base = cgutils.create_struct_proxy(kind)(context, builder, value=array).data
    return builder.gep(base, [index])


def _splat(builder: Any, scalar: Any, kind: ir.VectorType) -> Any:
    """The same number in every lane."""
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(_I32, 0))
    order = ir.Constant(ir.VectorType(_I32, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), order)


def _call(builder: Any, name: str, *values: Any) -> Any:
    """Call an LLVM vector intrinsic that maps lanes to lanes."""
    kind = ir.FunctionType(_VF, [_VF] * len(values))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v16f32")
    return builder.call(function, values)


@_declare
def load(_typing: Any, array: Any, index: Any) -> Any:
    """Sixteen neighbours of a float32 array, or of bf16 numbers held as uint16."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *values)
        if signature.args[0].dtype == types.float32:
            return builder.load(builder.bitcast(pointer, _VF.as_pointer()), align=4)
        halves = ir.VectorType(_U16, WIDTH)
        raw = builder.load(builder.bitcast(pointer, halves.as_pointer()), align=2)
        wide = builder.shl(builder.zext(raw, _VI), ir.Constant(_VI, [16] * WIDTH))
        return builder.bitcast(wide, _VF)

    return LANES(array, types.intp), make


@_declare
def store(_typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Write sixteen neighbours of a float32 array."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], *values[:2])
        builder.store(values[2], builder.bitcast(pointer, _VF.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), make


@_declare
def spread(_typing: Any, array: Any, index: Any) -> Any:
    """Row `index` of an (n, 16) array; of an (n,) array the one number in all lanes."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind, (array, index) = signature.args[0], values
        if kind.ndim == 1:
            return _splat(builder, builder.load(_pointer(context, builder, kind, array, index)), _VF)
        index = builder.mul(index, ir.Constant(index.type, WIDTH))
        pointer = _pointer(context, builder, kind, array, index)
        return builder.load(builder.bitcast(pointer, _VF.as_pointer()), align=4)

    return LANES(array, types.intp), make


@_declare
def splat(_typing: Any, scalar: Any) -> Any:
    """One float32 in all lanes."""

    def make(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return _splat(builder, values[0], _VF)

    return LANES(types.float32), make


def _arithmetic(name: str, count: int, emit: Callable[..., Any]) -> Any:
    """An intrinsic from lanes to lanes; `emit(builder, *values)` writes its instructions."""

    def make(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return emit(builder, *values)

    if count == 1:

        def unary(_typing: Any, a: Any) -> Any:
            return LANES(a), make

        unary.__name__ = name
        return intrinsic(unary)
    if count == 2:

        def binary(_typing: Any, a: Any, b: Any) -> Any:
            return LANES(a, b), make

        binary.__name__ = name
        return intrinsic(binary)

    if count == 3:

        def ternary(_typing: Any, a: Any, b: Any, c: Any) -> Any:
            return LANES(a, b, c), make

        ternary.__name__ = name
        return intrinsic(ternary)

    def quaternary(_typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        return LANES(a, b, c, d), make

    quaternary.__name__ = name
    return intrinsic(quaternary)


def _maximum(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _scale_by_power(builder: Any, mantissa: Any, power: Any) -> Any:
    """Multiply by 2^power (whole numbers) by adding to the exponent bits."""
    shifted = builder.shl(builder.fptosi(power, _VI), ir.Constant(_VI, [23] * WIDTH))
    return builder.bitcast(builder.add(builder.bitcast(mantissa, _VI), shifted), _VF)


def _below(builder: Any, position: Any, counts: Any, inside: Any, outside: Any) -> Any:
    """`inside` in the lanes where position < count, `outside` in the others."""
    return builder.select(builder.fcmp_ordered("<", position, counts), inside, outside)


add = _arithmetic("add", 2, lambda b, x, y: b.fadd(x, y))
sub = _arithmetic("sub", 2, lambda b, x, y: b.fsub(x, y))
mul = _arithmetic("mul", 2, lambda b, x, y: b.fmul(x, y))
div = _arithmetic("div", 2, lambda b, x, y: b.fdiv(x, y))
maximum = _arithmetic("maximum", 2, _maximum)
fma = _arithmetic("fma", 3, lambda b, x, y, z: _call(b, "fma", x, y, z))
sqrt = _arithmetic("sqrt", 1, lambda b, x: _call(b, "sqrt", x))
nearest = _arithmetic("nearest", 1, lambda b, x: _call(b, "rint", x))
scale_by_power = _arithmetic("scale_by_power", 2, _scale_by_power)
below = _arithmetic("below", 4, _below)

# 2^f on [-1/2, 1/2], least maximum relative error: 1.6e-7 with float32's rounding
_C1, _C2 = np.float32(0.6931470036506653), np.float32(0.24022242426872253)
_C3, _C4 = np.float32(0.05550733581185341), np.float32(0.009671512991189957)
_C5 = np.float32(0.001326472731307149)
_ONE = np.float32(1.0)


@inlined
def exp2(power: Any) -> Any:
    """2^x for -126 <= x <= 126."""
    whole = nearest(power)
    rest = sub(power, whole)
    series = fma(splat(_C5), rest, splat(_C4))
    series = fma(series, rest, splat(_C3))
    series = fma(series, rest, splat(_C2))
    series = fma(series, rest, splat(_C1))
    return scale_by_power(fma(series, rest, splat(_ONE)), whole)


def _transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose 16 vectors of 16 by four rounds of pairwise interleaving."""
    low = [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23]
    high = [n + 8 for n in low]
    for _ in range(4):
        mixed: list[Any] = []
        for n in range(8):
            for order in (low, high):
                picks = ir.Constant(ir.VectorType(_I32, WIDTH), order)
                mixed.append(builder.shuffle_vector(rows[n], rows[n + 8], picks))
        rows = mixed
    return rows


@_declare
def load_transposed(
    _typing: Any, source: Any, starts: Any, first: Any, offset: Any, target: Any, at: Any
) -> Any:
    """Turn 16 rows of 16 into 16 columns of 16.

    Row n begins at source[starts[first + n] + offset]; column k is written to target[at + 16 k].
    """

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, starts, first, offset, target, at = values
        kinds = signature.args
        intp = ir.IntType(types.intp.bitwidth)
        rows = []
        for n in range(WIDTH):
            where = _pointer(
                context, builder, kinds[1], starts, builder.add(first, ir.Constant(intp, n))
            )
            index = builder.add(builder.load(where), offset)
            pointer = _pointer(context, builder, kinds[0], source, index)
            if kinds[0].dtype == types.float32:
                rows.append(builder.load(builder.bitcast(pointer, _VF.as_pointer()), align=4))
                continue
            halves = ir.VectorType(_U16, WIDTH)
            raw = builder.load(builder.bitcast(pointer, halves.as_pointer()), align=2)
            wide = builder.shl(builder.zext(raw, _VI), ir.Constant(_VI, [16] * WIDTH))
            rows.append(builder.bitcast(wide, _VF))
        for k, column in enumerate(_transpose(builder, rows)):
            index = builder.add(at, ir.Constant(intp, WIDTH * k))
            pointer = _pointer(context, builder, kinds[4], target, index)
            builder.store(column, builder.bitcast(pointer, _VF.as_pointer()), align=4)
        return context.get_dummy_value()

    result = types.void(source, starts, types.intp, types.intp, target, types.intp)
    return result, make
