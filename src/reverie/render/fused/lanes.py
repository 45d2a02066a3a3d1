"""A color as one number of four lanes (red, green, blue and one unused) in kernels, on which one instruction works.

numba knows no such numbers, so what can be done with them is written here as instructions. A product and a sum may be
one operation, as in `reverie.render.fused.kernel.contracted`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 4
VECTOR, INDEX = ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)
MAY_JOIN = ("contract",)


class Color(types.Type):
    """The type of such a number."""

    def __init__(self) -> None:
        super().__init__("Color")


COLOR = Color()


def instructions(function: Callable[..., Any]) -> Any:
    """Return a part of kernels that is written as instructions; `typing` is what numba itself gives it."""
    return intrinsic(function)


@register_model(Color)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)


class _Of(ConcreteTemplate):
    cases = (signature(COLOR, COLOR, COLOR),)


for _operator, _name in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):

    def _write(context: Any, builder: Any, kind: Any, values: Any, name: str = _name) -> Any:
        return getattr(builder, name)(*values, flags=MAY_JOIN)

    register: Any = infer_global(_operator)
    register(type(f"_{_name}", (_Of,), {}))
    lower_builtin(_operator, COLOR, COLOR)(_write)


def _place(context: Any, builder: Any, kind: Any, array: Any, first: Any) -> Any:
    data = context.make_array(kind)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [first]), VECTOR.as_pointer())


@instructions
def loaded(typing: Any, array: Any, first: Any) -> Any:
    """Return four numbers of a float32 array whose rows have no gaps, from number `first` int64 on."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        found = builder.load(_place(context, builder, kind.args[0], *values))
        found.align = 4
        return found

    return COLOR(array, types.int64), write


@instructions
def stored(typing: Any, array: Any, first: Any, color: Any) -> Any:
    """Write four numbers into a float32 array whose rows have no gaps, from number `first` int64 on."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        builder.store(values[2], _place(context, builder, kind.args[0], *values[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, COLOR), write


@instructions
def spread(typing: Any, number: Any) -> Any:
    """Return a float32 in all lanes."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        nothing = ir.Constant(VECTOR, ir.Undefined)
        one = builder.insert_element(nothing, values[0], INDEX(0))
        return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(INDEX, LANES), [0] * LANES))

    return COLOR(types.float32), write


@instructions
def joined(typing: Any, red: Any, green: Any, blue: Any) -> Any:
    """Return three float32 as a color; the last lane is 0."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        color = ir.Constant(VECTOR, [0.0] * LANES)
        for n, value in enumerate(values):
            color = builder.insert_element(color, value, INDEX(n))
        return color

    return COLOR(types.float32, types.float32, types.float32), write


@instructions
def parted(typing: Any, color: Any) -> Any:
    """Return red, green and blue as float32."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        parts = [builder.extract_element(values[0], INDEX(n)) for n in range(3)]
        return context.make_tuple(builder, kind.return_type, parts)

    return types.UniTuple(types.float32, 3)(COLOR), write


@instructions
def where_at_most_one(typing: Any, asked: Any, color: Any) -> Any:
    """Return `color` in the lanes in which `asked` is at most 1, else 0."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        few = builder.fcmp_ordered("<=", values[0], ir.Constant(VECTOR, [1.0] * LANES))
        return builder.select(few, values[1], ir.Constant(VECTOR, [0.0] * LANES))

    return COLOR(COLOR, COLOR), write


def _dot(order: tuple[int, int, int]) -> Any:
    """Return a sum of products of red, green and blue, float32, from the first of `order` on."""

    def write(context: Any, builder: Any, kind: Any, values: Any) -> Any:
        one, two = ([builder.extract_element(value, INDEX(n)) for n in order] for value in values)
        number = ir.FloatType()
        join = cgutils.get_or_insert_function(builder.module, ir.FunctionType(number, [number] * 3), "llvm.fmuladd.f32")
        total = builder.fmul(one[0], two[0])
        for a, b in zip(one[1:], two[1:], strict=True):
            total = builder.call(join, [a, b, total])
        return total

    return write


@instructions
def dot(typing: Any, one: Any, two: Any) -> Any:
    """Return the sum of products of red, green and blue, float32, in this order."""
    return types.float32(COLOR, COLOR), _dot((0, 1, 2))


@instructions
def dot_from_green(typing: Any, one: Any, two: Any) -> Any:
    """Return the sum of products of green, red and blue, in this order: other bits, which stored results have."""
    return types.float32(COLOR, COLOR), _dot((1, 0, 2))
