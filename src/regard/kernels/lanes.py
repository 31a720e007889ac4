"""Sixteen float32 numbers in step: the vector type the fused kernels are written in.

Numba vectorises the innermost loop only, which leaves the running sums of a blocked product in
memory. `Lanes` is a numba type that *is* an LLVM vector of sixteen floats, so a kernel keeps its
sums in registers and says itself what is loaded when. LLVM splits it for narrower machines.

Knows loads, stores, arithmetic and exp2; knows nothing of regions, words or attention. Imports
numba: only what is itself imported on use imports it.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ir
import numba
import numba.core.cgutils
import numba.core.types
from numba.extending import intrinsic, models, register_model

cgutils: Any = numba.core.cgutils  # partly typed: the strict checker wants all or nothing
types: Any = numba.core.types

WIDTH = 16
_INSIDE: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # never called from Python
_F32, _I32, _U16 = ir.FloatType(), ir.IntType(32), ir.IntType(16)
VECTOR, _VI = ir.VectorType(_F32, WIDTH), ir.VectorType(_I32, WIDTH)
_HALVES = ir.VectorType(_U16, WIDTH)


class LanesType(numba.core.types.Type):
    """Sixteen float32 values held in registers."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = LanesType()
PAIR = types.UniTuple(types.intp, 2)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    """`Lanes` as LLVM sees it."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)  # type: ignore[no-untyped-call]


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a helper so that it disappears into its callers."""
    return numba.njit(inline="always", error_model="numpy")(function)


def linked(function: Callable[..., Any]) -> Any:
    """Compile a helper on its own: callers compile sooner than with everything inlined."""
    return numba.njit(error_model="numpy", **_INSIDE)(function)


def compiled(function: Callable[..., None], **settings: Any) -> Any:
    """Compile for calls from Python, on first use; kept on disk where some folder can be written.

    Args:
        settings: more of numba's.
    """
    settings |= {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **settings)(function)
    except RuntimeError:  # no folder to cache in
        return numba.njit(**settings)(function)


def declare(function: Callable[..., Any]) -> Any:
    """Make a numba intrinsic of a function that types its arguments and emits instructions."""
    return intrinsic(function)


def address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Address of element `index` of a one-dimensional contiguous array; never checked."""
    base = cgutils.create_struct_proxy(kind)(context, builder, value=array).data
    return builder.gep(base, [index])


def _splat(builder: Any, scalar: Any) -> Any:
    """The same number in every lane."""
    nothing = ir.Constant(VECTOR, ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(_VI, [0] * WIDTH))


def element(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Sixteen neighbours from `index`, as float32; bf16 numbers come as uint16."""
    pointer = address(context, builder, kind, array, index)
    if kind.dtype == types.float32:
        return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
    raw = builder.load(builder.bitcast(pointer, _HALVES.as_pointer()), align=2)
    wide = builder.shl(builder.zext(raw, _VI), ir.Constant(_VI, [16] * WIDTH))
    return builder.bitcast(wide, VECTOR)


def row(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Row `index` of an (n, 16) array; of an (n,) array the one number in all lanes."""
    if kind.ndim == 1:
        return _splat(builder, builder.load(address(context, builder, kind, array, index)))
    index = builder.mul(index, ir.Constant(index.type, WIDTH))
    return element(context, builder, kind, array, index)


def _call(builder: Any, name: str, *values: Any) -> Any:
    """Call an LLVM vector intrinsic that maps lanes to lanes."""
    kind = ir.FunctionType(VECTOR, [VECTOR] * len(values))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v16f32")
    return builder.call(function, values)


@declare
def load(_typing: Any, array: Any, _index: Any) -> Any:
    """Sixteen neighbours of a flat float32 array, or of bf16 numbers held as uint16."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return element(context, builder, signature.args[0], *values)

    return LANES(array, types.intp), make


@declare
def spread(_typing: Any, array: Any, _index: Any) -> Any:
    """Row `index` of an (n, 16) array; of an (n,) array the one number in all lanes."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return row(context, builder, signature.args[0], *values)

    return LANES(array, types.intp), make


@declare
def store(_typing: Any, array: Any, _index: Any, lanes: Any) -> Any:
    """Write sixteen neighbours of a float32 array."""

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = address(context, builder, signature.args[0], *values[:2])
        builder.store(values[2], builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), make


@declare
def splat(_typing: Any, _scalar: Any) -> Any:
    """One float32 in all lanes."""

    def make(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return _splat(builder, values[0])

    return LANES(types.float32), make


def arithmetic(count: int, emit: Callable[..., Any]) -> Any:
    """An operation on `count` lanes; `emit(builder, *values)` writes its instructions.

    One operation made of many instructions compiles far sooner than many of one.
    """

    def make(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return emit(builder, *values)

    def one(_typing: Any, a: Any) -> Any:
        return LANES(a), make

    def two(_typing: Any, a: Any, b: Any) -> Any:
        return LANES(a, b), make

    def three(_typing: Any, a: Any, b: Any, c: Any) -> Any:
        return LANES(a, b, c), make

    def four(_typing: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        return LANES(a, b, c, d), make

    return intrinsic((one, two, three, four)[count - 1])


def constant(value: float) -> Any:
    """The same number in every lane, for `emit` functions."""
    return ir.Constant(VECTOR, [value] * WIDTH)


def largest_of(builder: Any, a: Any, b: Any) -> Any:
    """The larger number of each lane."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Multiply and add, rounded once."""
    return _call(builder, "fma", a, b, c)


def square_root(builder: Any, a: Any) -> Any:
    """Square root of each lane."""
    return _call(builder, "sqrt", a)


def power_of_two(builder: Any, power: Any) -> Any:
    """2^x for x <= 126; below -126 it stays at 2^-126."""
    power = largest_of(builder, power, constant(-126.0))
    whole = _call(builder, "rint", power)
    rest = builder.fsub(power, whole)
    series = constant(_EXP2[-1])
    for coefficient in reversed(_EXP2[:-1]):
        series = multiply_add(builder, series, rest, constant(coefficient))
    shift = ir.Constant(_VI, [23] * WIDTH)  # where float32 keeps its exponent
    raised = builder.shl(builder.fptosi(whole, _VI), shift)
    return builder.bitcast(builder.add(builder.bitcast(series, _VI), raised), VECTOR)


def _below(builder: Any, position: Any, counts: Any, inside: Any, outside: Any) -> Any:
    """`inside` in the lanes where position < count, `outside` in the others."""
    return builder.select(builder.fcmp_ordered("<", position, counts), inside, outside)


# 2^f on [-1/2, 1/2], least maximum relative error: 1.6e-7 with float32's rounding
_EXP2 = (
    1.0,
    0.6931470036506653,
    0.24022242426872253,
    0.05550733581185341,
    0.009671512991189957,
    0.001326472731307149,
)

add = arithmetic(2, lambda b, x, y: b.fadd(x, y))
div = arithmetic(2, lambda b, x, y: b.fdiv(x, y))
maximum = arithmetic(2, largest_of)
fma = arithmetic(3, multiply_add)
below = arithmetic(4, _below)


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


@declare
def load_transposed(
    _typing: Any, source: Any, starts: Any, _place: Any, target: Any, _at: Any
) -> Any:
    """Turn 16 rows of 16 into 16 columns of 16.

    With place = (first, offset), row n begins at source[starts[first + n] + offset]; column k is
    written to target[at + 16 k].
    """

    def make(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        source, starts, place, target, at = values
        first, offset = cgutils.unpack_tuple(builder, place)
        kinds = signature.args
        rows = []
        for n in range(WIDTH):
            which = builder.add(first, first.type(n))
            start = builder.load(address(context, builder, kinds[1], starts, which))
            index = builder.add(start, offset)
            rows.append(element(context, builder, kinds[0], source, index))
        for k, column in enumerate(_transpose(builder, rows)):
            index = builder.add(at, at.type(WIDTH * k))
            pointer = address(context, builder, kinds[3], target, index)
            builder.store(column, builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(source, starts, PAIR, target, types.intp), make
