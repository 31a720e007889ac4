"""The kernel's arithmetic on sixteen lanes: weights, norms, relevances, and sums with G.

Each is one operation made of many instructions. Imports numba.
"""

from typing import Any

from regard.core.scoring import EPS, LEAK, TINY
from regard.kernels.lanes import (
    LANES,
    PAIR,
    arithmetic,
    cgutils,
    constant,
    declare,
    element,
    largest_of,
    multiply_add,
    power_of_two,
    row,
    square_root,
    types,
)

FOUR = 4  # queries whose quadratic forms are summed side by side
_SUMS = types.UniTuple(LANES, 2 * FOUR)
_FORMS = types.UniTuple(LANES, FOUR)


def _clip(builder: Any, cosine: Any) -> Any:
    return largest_of(builder, cosine, builder.fmul(cosine, constant(LEAK)))


def _square_clipped(builder: Any, cosine: Any, total: Any) -> Any:
    clipped = _clip(builder, cosine)
    return multiply_add(builder, clipped, clipped, total)


def _invert_norm(builder: Any, squares: Any, factor: Any) -> Any:
    norm = square_root(builder, largest_of(builder, squares, constant(TINY)))
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
