"""A network that paints in one pass as an ONNX file, compared with ours before it is written."""

from __future__ import annotations

import importlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.critic import Critic
from reverie.errors import InputError, OutputError
from reverie.jobs.stored import ONNX_JOB
from reverie.models.adaptive import LEVELS, STRIDE, AdaptiveDecoder, statistics_of
from reverie.models.adaptive import STRIDE as ADAPTIVE_STRIDE
from reverie.models.student import STRIDE as STUDENT_STRIDE
from reverie.models.student import StudentNet
from reverie.tools.fast.model import FastModel, fast_style
from reverie.tools.fast.onnx_size import INSIDE, MADE, at_any_size
from reverie.tools.fast.packages import check_packages

OPSET = 18
SIZES = ((64, 96), (121, 75), (37, 202))  # at which ours and the exported network are compared; traced at none
TRACED = (80, 104)
LARGEST_DIFFERENCE = 1e-3  # of values in [0, 1]; a quarter of an 8-bit step. Found: below 1e-5


@dataclass(frozen=True)
class Exported:
    """What was made: the file's bytes, its inputs, and the largest difference from ours by picture size."""

    blob: bytes
    inputs: tuple[str, ...]
    differences: dict[str, float]


def exported_onnx(model: FastModel) -> Exported:
    """Return the network as ONNX with free height and width, and how it compares with `fast_style`.

    Inputs are ``image`` ``[1, 3, H, W]`` in [0, 1] and ``strength`` ``[1, 1]``, and for any style ``style``
    ``[1, 3, h, w]``; the output is ``picture`` of the size of ``image``. Borders are mirrored outward inside the file,
    as `fast_style` does; nothing is tiled, and styles are looked at in the size they are given in.

    Raises:
        InputError: a package is missing, or the network is not on the CPU in fp32.
        OutputError: the exported network computes something else.
    """
    check_packages()
    if model.precision != "fp32" or model.device.type != "cpu":
        raise InputError("exporting needs the network on the CPU in fp32; open it so")
    net = _Student(model.net) if isinstance(model.net, StudentNet) else _Adaptive(model.net, model.critic)
    net = net.eval()
    blob = _exported(net, model)
    differences = _compared(net.inputs, model, blob)
    worst = max(differences.values())
    if not worst <= LARGEST_DIFFERENCE:
        raise OutputError(f"the exported network differs by {worst:.2g} from ours; nothing was written")
    return Exported(blob, net.inputs, differences)


def with_job(blob: bytes, record: Mapping[str, Any]) -> bytes:
    """Return an ONNX file with the job that made it among its notes."""
    proto = importlib.import_module("onnx").load_from_string(blob)
    note = proto.metadata_props.add()
    note.key, note.value = ONNX_JOB, json.dumps(record, ensure_ascii=False)
    return proto.SerializeToString()


class _Student(nn.Module):
    inputs = ("image", "strength")

    def __init__(self, net: StudentNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, strength: Tensor) -> Tensor:
        return self.net(image, strength)


class _Adaptive(nn.Module):
    """Encoder and decoder in one, without the hooks of a critic."""

    inputs = ("image", "strength", "style")

    def __init__(self, net: AdaptiveDecoder, critic: Critic | None) -> None:
        super().__init__()
        assert critic is not None
        self.net, self.preprocessing = net, critic.preprocessing
        self.stages: Any = critic.net.get_submodule("stages")

    def forward(self, image: Tensor, strength: Tensor, style: Tensor) -> Tensor:
        features = self._features(image)
        own, there = statistics_of(features), statistics_of(self._features(style))
        mean = tuple(torch.lerp(a, b, strength) for a, b in zip(own.mean, there.mean, strict=True))
        std = tuple(torch.lerp(a, b, strength) for a, b in zip(own.std, there.std, strict=True))
        return self.net(features, own, type(own)(mean, std))

    def _features(self, x: Tensor) -> list[Tensor]:
        x, found = self.preprocessing(x), []
        for name, stage in self.stages.named_children():
            x = stage(x)
            if name in LEVELS:
                found.append(x)
            if name == LEVELS[-1]:
                break
        return found


def _example(inputs: tuple[str, ...], size: tuple[int, int]) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(size[0])
    shapes = {"image": (1, 3, *size), "style": (1, 3, *reversed(size)), "strength": (1, 1)}
    return tuple(torch.rand(shapes[name], generator=generator) for name in inputs)


def _exported(net: _Student | _Adaptive, model: FastModel) -> bytes:
    free = {"image": ("height", "width"), "style": ("style_height", "style_width")}
    shapes: dict[str, Any] = dict.fromkeys(net.inputs)
    for name in free.keys() & shapes.keys():
        shapes[name] = {2 + i: STRIDE * torch.export.Dim(axis, min=2) for i, axis in enumerate(free[name])}
    with quiet():
        program: Any = torch.onnx.export(
            net, _example(net.inputs, TRACED), None, input_names=[INSIDE.get(name, name) for name in net.inputs],
            output_names=[MADE],
            dynamo=True, opset_version=OPSET, verbose=False, dynamic_shapes=shapes, external_data=False,
        )  # fmt: skip
    proto = program.model_proto
    at_any_size(proto, ADAPTIVE_STRIDE if model.takes_styles else STUDENT_STRIDE)
    note = proto.metadata_props.add()
    note.key, note.value = "reverie", json.dumps(asdict(model.about), ensure_ascii=False)
    return proto.SerializeToString()


def _compared(inputs: tuple[str, ...], model: FastModel, blob: bytes) -> dict[str, float]:
    """Return the largest difference from `fast_style` by size, at full and at little strength."""
    session = importlib.import_module("onnxruntime").InferenceSession(blob, providers=["CPUExecutionProvider"])
    differences = {}
    for size, strength in zip(SIZES, (0.6, 1.0, 0.1), strict=True):
        given = dict(zip(inputs, _example(inputs, size), strict=True)) | {"strength": torch.full((1, 1), strength)}
        (theirs,) = session.run(None, {name: x.numpy() for name, x in given.items()})
        styles = [given["style"]] if model.takes_styles else []
        ours = fast_style(given["image"], model, styles, strength=strength, tile=0)
        differences[f"{size[1]}x{size[0]}"] = (torch.from_numpy(theirs) - ours).abs().max().item()
    return differences


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to ourselves what exporters say about their own insides."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
