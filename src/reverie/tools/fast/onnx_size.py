"""Give an ONNX network that wants multiples of its stride pictures of any size: mirrored outward before, cut after.

The same as `reverie.tools.fast.model.fast_style` does around ours, written as nodes of the file, so that whoever runs
it needs to know nothing of it.
"""

from __future__ import annotations

import importlib
from typing import Any

from reverie.tools.fast.model import MARGIN_PX, WHOLE_FROM

INSIDE = {"image": "padded_image", "style": "padded_style"}  # input of the file → what the network gets instead
MADE, PICTURE, STRENGTH = "made", "picture", "strength"
AXES = {2: "height", 3: "width"}


def at_any_size(proto: Any, stride: int) -> None:
    """Change a network of ``padded_image``, ``strength`` (and ``padded_style``) to one of ``image`` of any size.

    Args:
        proto: an `onnx.ModelProto` whose output is ``made``; changed in place.
        stride: that sides must be multiples of.
    """
    writer = _Nodes()
    for outer, inner in INSIDE.items():
        if any(value.name == inner for value in proto.graph.input):
            writer.mirrored(outer, inner, stride)
    before, writer.nodes = writer.nodes, []
    writer.finished()
    nodes = [*before, *proto.graph.node, *writer.nodes]
    for place, values in (
        (proto.graph.node, nodes), (proto.graph.input, [writer.renamed(v, *_outer(v.name)) for v in proto.graph.input]),
        (proto.graph.output, [writer.picture(PICTURE, "image")]),
    ):  # fmt: skip
        del place[:]
        place.extend(values)
    proto.graph.initializer.extend(writer.constants)


def _outer(name: str) -> tuple[str, bool]:
    return next(((outer, True) for outer, inner in INSIDE.items() if inner == name), (name, False))


class _Nodes:
    """Writes nodes and their constants, with names of its own."""

    def __init__(self) -> None:
        self._helper: Any = importlib.import_module("onnx.helper")
        self._numpy: Any = importlib.import_module("onnx.numpy_helper")
        self._types: Any = importlib.import_module("onnx").TensorProto
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._count = 0

    def picture(self, name: str, prefix: str) -> Any:
        """Return a value ``[1, 3, H, W]`` with free sides."""
        start = "" if prefix == "image" else f"{prefix}_"
        shape = [1, 3, f"{start}height", f"{start}width"]
        return self._helper.make_tensor_value_info(name, self._types.FLOAT, shape)

    def renamed(self, value: Any, name: str, picture: bool) -> Any:
        """Return an input of the file for one of the network."""
        return self.picture(name, name) if picture else value

    def mirrored(self, outer: str, inner: str, stride: int) -> None:
        """Mirror a picture outward by the margin, and on to a multiple of the stride; see `mirrored_places`."""
        name = outer
        for axis in AXES:
            count = self._side(name, axis)
            whole = self._add("Div", self._add("Add", count, self._int(2 * MARGIN_PX + stride - 1)), self._int(stride))
            end = self._add("Sub", self._add("Mul", whole, self._int(stride)), self._int(MARGIN_PX))
            places = self._add("Range", self._int(-MARGIN_PX), end, self._int(1))
            twice = self._add("Sub", self._add("Mul", count, self._int(2)), self._int(2))
            period = self._add("Max", twice, self._int(1))
            places = self._add("Mod", places, period)
            places = self._add("Min", places, self._add("Sub", period, places))
            name = self._add("Gather", name, places, out=inner if axis == max(AXES) else None, axis=axis)

    def finished(self) -> None:
        """Cut the result to the size of the picture; let it shine through where the strength is little."""
        starts, axes = self._ints([MARGIN_PX] * 2), self._ints(list(AXES))
        sides = [self._add("Unsqueeze", self._side("image", axis), self._ints([0])) for axis in AXES]
        ends = self._add("Add", self._add("Concat", *sides, axis=0), starts)
        cut = self._add("Clip", self._add("Slice", MADE, starts, ends, axes), self._float(0.0), self._float(1.0))
        share = self._add("Min", self._add("Div", STRENGTH, self._float(WHOLE_FROM)), self._float(1.0))
        change = self._add("Mul", self._add("Sub", cut, "image"), share)
        self._add("Add", "image", change, out=PICTURE)

    def _side(self, name: str, axis: int) -> str:
        return self._add("Gather", self._add("Shape", name), self._int(axis), axis=0)

    def _add(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        self._count += 1
        out = out or f"any_size_{self._count}"
        self.nodes.append(self._helper.make_node(kind, list(inputs), [out], f"{kind}_{out}", **attributes))
        return out

    def _int(self, value: int) -> str:
        return self._constant(value, "int64")

    def _ints(self, values: list[int]) -> str:
        return self._constant(values, "int64")

    def _float(self, value: float) -> str:
        return self._constant(value, "float32")

    def _constant(self, value: Any, kind: str) -> str:
        import numpy as np

        name = f"any_size_constant_{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.array(value, kind), name))
        return name
