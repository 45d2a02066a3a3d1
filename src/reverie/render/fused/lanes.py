"""Four float32 numbers in one register: a color and one number more, in each operation of a kernel.

In Python code of kernels, `Lanes` can be added, subtracted and multiplied, with each other or with one number for all
four. Each lane is computed as that number alone would be, so its bits are the same.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model
from numba.np.arrayobj import make_array

built_in: Any = intrinsic  # numba's own types are none
typed: Any = infer_global
COUNT = 4
VECTOR = ir.VectorType(ir.FloatType(), COUNT)
INDEX = ir.IntType(32)


class LanesType(types.Type):
    """What numba calls them."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = LanesType()


@register_model(LanesType)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


def _spread(builder: Any, value: Any) -> Any:
    """Return one number in all lanes."""
    first = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, INDEX(0))
    return builder.shuffle_vector(
        first, ir.Constant(VECTOR, ir.Undefined), ir.Constant(ir.VectorType(INDEX, COUNT), [0] * COUNT)
    )


def _register(operation: Any, name: str) -> None:
    @typed(operation)
    class Typed(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and LANES in args and all(one in (LANES, types.float32) for one in args):
                return signature(LANES, *args)
            return None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        whole = [one if kind == LANES else _spread(builder, one) for one, kind in zip(args, sig.args, strict=True)]
        return getattr(builder, name)(*whole)

    for kinds in ((LANES, LANES), (LANES, types.float32), (types.float32, LANES)):
        lower_builtin(operation, *kinds)(lower)


for _operation, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _register(_operation, _name)


def _place(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Return where a row of an array ``[N, 4]`` begins."""
    data = make_array(sig.args[0])(context, builder, args[0]).data
    first = builder.mul(args[1], ir.Constant(args[1].type, COUNT))
    return builder.bitcast(builder.gep(data, [first]), VECTOR.as_pointer())


@built_in
def load(typing: Any, array: Any, row: Any) -> Any:
    """Return a row of an array ``[N, 4]``, contiguous; `row` is a uint64."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, sig, args), align=4, typ=VECTOR)

    return LANES(array, types.uint64), lower


@built_in
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a row of such an array."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, sig, args), align=4)
        return context.get_dummy_value()

    return types.void(array, types.uint64, LANES), lower


@built_in
def three(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return lanes of three numbers and a zero."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        value = ir.Constant(VECTOR, [0.0] * COUNT)
        for n, one in enumerate(args):
            value = builder.insert_element(value, one, INDEX(n))
        return value

    return LANES(types.float32, types.float32, types.float32), lower


@built_in
def first_three(typing: Any, value: Any) -> Any:
    """Return three numbers of lanes."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        found = [builder.extract_element(args[0], INDEX(n)) for n in range(3)]
        return context.make_tuple(builder, sig.return_type, found)

    return types.UniTuple(types.float32, 3)(LANES), lower


def _products(order: tuple[int, int, int]) -> Any:
    """Return how the products of lanes are added up, in an order, each with one operation where there is such."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (a, x), (b, y), (c, z) = [[builder.extract_element(arg, INDEX(n)) for arg in args] for n in order]
        number = ir.FloatType()
        joined = builder.module.declare_intrinsic("llvm.fmuladd", [number], ir.FunctionType(number, [number] * 3))
        return builder.call(joined, [c, z, builder.call(joined, [b, y, builder.fmul(a, x)])])

    return types.float32(LANES, LANES), lower


@built_in
def dot(typing: Any, one: Any, two: Any) -> Any:
    """Return the sum of products of the first three lanes."""
    return _products((0, 1, 2))


@built_in
def dot_from_second(typing: Any, one: Any, two: Any) -> Any:
    """Return the same, begun with the second lane: the last bits of results that there are."""
    return _products((1, 0, 2))


@built_in
def at_most_one(typing: Any, value: Any) -> Any:
    """Return lanes of which none is above 1."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one = ir.Constant(VECTOR, [1.0] * COUNT)
        return builder.select(builder.fcmp_ordered("<", one, args[0]), one, args[0])

    return LANES(LANES), lower


@built_in
def where_at_most_one(typing: Any, value: Any, chosen: Any) -> Any:
    """Return `chosen` in lanes where `value` is at most 1, zero in the others."""

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        one, zero = (ir.Constant(VECTOR, [n] * COUNT) for n in (1.0, 0.0))
        return builder.select(builder.fcmp_ordered("<=", args[0], one), args[1], zero)

    return LANES(LANES, LANES), lower
