"""A translator in the formats of others: ONNX, torch.export, int8; each compared with ours before it is written."""

from __future__ import annotations

import importlib
import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import OutputError
from reverie.models.pix2pix import Generator
from reverie.models.student import whole_statistics
from reverie.models.translator import Autoencoder, Can, Translator
from reverie.models.translator_file import OpenTranslator
from reverie.numerics.similarity import psnr, ssim
from reverie.tools.fast.export_onnx import LARGEST_DIFFERENCE, OPSET, quiet

SIZES = ((64, 96), (160, 128))  # at which ours and the exported networks are compared; traced at neither
TRACED = (96, 128)


class _Plain(nn.Module):
    """A translator for pictures whose sides are multiples of its stride, without mirroring them to that."""

    def __init__(self, net: Translator) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        """Return the translated picture, in [0, 1]."""
        if isinstance(self.net, Generator):
            return self.net.inside(image, whole_statistics)
        if isinstance(self.net, Autoencoder):
            return torch.sigmoid(self.net.net(image))
        assert isinstance(self.net, Can)
        wide = F.pad(image, (self.net.reach_px,) * 4, mode="reflect")
        return self.net.inside(wide).clamp(0, 1)


@dataclass(frozen=True)
class Part:
    """One exported file: its bytes, and the largest difference from ours by picture size; None where not compared."""

    name: str
    blob: bytes
    differences: dict[str, float]


def stride_of_export(net: Translator) -> int:
    """Return what the sides of pictures must be multiples of."""
    return net.stride if isinstance(net, Generator) else 4 if isinstance(net, Autoencoder) else 1


def export_program(model: OpenTranslator) -> Part:
    """Return the network as a ``.pt2`` file of torch.export, with free height and width.

    Raises:
        OutputError: it computes something else.
    """
    net, buffer = _Plain(model.net).eval(), io.BytesIO()
    with quiet(), torch.no_grad():
        program = torch.export.export(net, (_example(model, TRACED),), dynamic_shapes=_free(model), strict=False)
        torch.export.save(program, buffer)
    run: Any = program.module()
    return Part("model.pt2", buffer.getvalue(), _compared(model, net, run))


def export_onnx(model: OpenTranslator) -> Part:
    """Return the network as ONNX: ``image`` ``[1, C, H, W]`` in [0, 1] to ``picture``.

    Raises:
        OutputError: it computes something else.
    """
    net = _Plain(model.net).eval()
    with quiet(), torch.no_grad():
        program: Any = torch.onnx.export(
            net, (_example(model, TRACED),), None, input_names=["image"], output_names=["picture"], dynamo=True,
            opset_version=OPSET, verbose=False, dynamic_shapes=_free(model), external_data=False,
        )  # fmt: skip
    proto = program.model_proto
    note = proto.metadata_props.add()
    note.key, note.value = "reverie", json.dumps(asdict(model.about), ensure_ascii=False)
    blob = proto.SerializeToString()
    return Part("model.onnx", blob, _compared(model, net, runner(blob)))


def runner(blob: bytes) -> Any:
    """Return an ONNX file as a function of a tensor, by onnxruntime."""
    session = importlib.import_module("onnxruntime").InferenceSession(blob, providers=["CPUExecutionProvider"])
    return lambda image: torch.from_numpy(session.run(None, {"image": image.numpy()})[0])


def quantized(onnx: Part, crops: Sequence[Tensor]) -> Part:
    """Return an ONNX network in int8, its ranges calibrated on crops ``[1, C, H, W]``; convolutions by channel."""
    tools = importlib.import_module("onnxruntime.quantization")

    class Reader(tools.CalibrationDataReader):
        def __init__(self) -> None:
            self.left: Iterator[Tensor] = iter(crops)

        def get_next(self) -> dict[str, np.ndarray] | None:
            crop = next(self.left, None)
            return None if crop is None else {"image": crop.numpy()}

    with tempfile.TemporaryDirectory() as folder, quiet():
        full, small = Path(folder) / "full.onnx", Path(folder) / "int8.onnx"
        full.write_bytes(onnx.blob)
        tools.quantize_static(full, small, Reader(), per_channel=True, op_types_to_quantize=["Conv"])
        return Part("model-int8.onnx", small.read_bytes(), {})


def loss_of(small: Part, onnx: Part, crops: Sequence[Tensor]) -> dict[str, float]:
    """Return how near int8 comes to float32: mean PSNR in dB, SSIM and L1 on crops that did not calibrate it."""
    ours, theirs = runner(onnx.blob), runner(small.blob)
    pairs = [(theirs(crop).clamp(0, 1), ours(crop).clamp(0, 1)) for crop in crops]
    scores = [(psnr(a, b).item(), ssim(a, b).item(), (a - b).abs().mean().item()) for a, b in pairs]
    means = [sum(column) / len(column) for column in zip(*scores, strict=True)]
    return {name: round(value, 5) for name, value in zip(("psnr", "ssim", "l1"), means, strict=True)}


def _example(model: OpenTranslator, size: tuple[int, int]) -> Tensor:
    return torch.rand(1, model.shape.inputs, *size, generator=torch.Generator().manual_seed(size[0]))


def _free(model: OpenTranslator) -> Any:
    stride = stride_of_export(model.net)
    least = 2 if stride > 1 else model.net.reach_px + 1
    axes = {2 + i: torch.export.Dim(name, min=least, max=16384 // stride) for i, name in enumerate(("height", "width"))}
    return ({axis: stride * dim if stride > 1 else dim for axis, dim in axes.items()},)


def _compared(model: OpenTranslator, net: nn.Module, theirs: Any) -> dict[str, float]:
    differences = {}
    for size in SIZES:
        example = _example(model, size)
        with torch.no_grad():
            far = (theirs(example) - net(example)).abs().max().item()
        differences[f"{size[1]}x{size[0]}"] = far
    worst = max(differences.values())
    if not worst <= LARGEST_DIFFERENCE:
        raise OutputError(f"the exported network differs by {worst:.2g} from ours; nothing was written")
    return differences
