"""GoogLeNet as it was trained with Caffe: the network of the first DeepDream."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD = "loss3/classifier"
LRN_CHANNELS, LRN_ALPHA = 5, 1e-4

# Channels of a block's branches: 1x1, 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool_proj. Table 1 of the paper.
BLOCKS: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
POOLED_AFTER = {"3b": "pool3/3x3_s2", "4e": "pool4/3x3_s2"}


class ResponseNorm(nn.LocalResponseNorm):
    """Divide by the strength of neighboring channels: ``x / (1 + alpha / 5 * sum of five squares) ** 0.75``.

    Differs: torch's own has no bf16 on a CPU.
    """

    def __init__(self, alpha: float = LRN_ALPHA) -> None:
        super().__init__(LRN_CHANNELS, alpha, 0.75, 1.0)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - named by torch
        channels, side = input.shape[1], LRN_CHANNELS // 2
        squares = F.pad(input * input, (0, 0, 0, 0, side, side))
        total = squares[:, :channels]
        for first in range(1, LRN_CHANNELS):
            total = total + squares[:, first : first + channels]
        return input * (1 + self.alpha / LRN_CHANNELS * total).pow(-0.75)


class Concat(nn.Module):
    """Join the channels of several branches: a module, so that its output can be asked for by name."""

    def forward(self, *branches: Tensor) -> Tensor:
        return torch.cat(branches, 1)


class MeanOfPositions(nn.Module):
    """``[B, C, H, W]`` to ``[B, C, 1, 1]``."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


class CaffeGoogLeNet(nn.Module):
    """GoogLeNet without BatchNorm, every module named as in Caffe, so that its weights load as they are.

    A module named as a convolution (``inception_4c/3x3``) gives what leaves the convolution; what its ReLU makes of it
    is ``inception_4c/relu_3x3``, and the joined block ``inception_4c/output``. The heads that helped training are left
    out, and the softmax ``prob``: ``loss3/classifier`` gives the logits.

    Source: Szegedy et al. 2014, arXiv 1409.4842, and the model bvlc_googlenet that was trained with Caffe.
    Differs: the last pooling takes the mean of all positions, 7 x 7 at 224 px, so that pictures may have any size.

    Args:
        classes: outputs.

    Shapes: ``[B, 3, H, W]``, blue, green, red up to 255 less their mean, to ``[B, classes]``.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self._convolution("conv1/7x7_s2", "conv1/relu_7x7", 3, 64, 7, stride=2)
        self._pool("pool1/3x3_s2")
        self.add_module("pool1/norm1", ResponseNorm())
        self._convolution("conv2/3x3_reduce", "conv2/relu_3x3_reduce", 64, 64, 1)
        self._convolution("conv2/3x3", "conv2/relu_3x3", 64, 192, 3)
        self.add_module("conv2/norm2", ResponseNorm())
        self._pool("pool2/3x3_s2")
        channels = 192
        for name, widths in BLOCKS.items():
            channels = self._block(f"inception_{name}", channels, widths)
            if name in POOLED_AFTER:
                self._pool(POOLED_AFTER[name])
        self.add_module("pool5/7x7_s1", MeanOfPositions())
        self.add_module("pool5/drop_7x7_s1", nn.Dropout(0.4))
        self.add_module(HEAD, nn.Linear(channels, classes))

    def _convolution(self, name: str, relu: str, before: int, after: int, side: int, *, stride: int = 1) -> None:
        self.add_module(name, nn.Conv2d(before, after, side, stride, side // 2))
        self.add_module(relu, nn.ReLU(inplace=True))

    def _pool(self, name: str) -> None:
        self.add_module(name, nn.MaxPool2d(3, 2, ceil_mode=True))  # Caffe counts a last window that is not full

    def _block(self, name: str, before: int, widths: tuple[int, int, int, int, int, int]) -> int:
        """Add the modules of one block and return its channels."""
        one, reduce3, three, reduce5, five, pool = widths
        self._branch(name, "1x1", before, one, 1)
        self._branch(name, "3x3_reduce", before, reduce3, 1)
        self._branch(name, "3x3", reduce3, three, 3)
        self._branch(name, "5x5_reduce", before, reduce5, 1)
        self._branch(name, "5x5", reduce5, five, 5)
        self.add_module(f"{name}/pool", nn.MaxPool2d(3, 1, 1))
        self._branch(name, "pool_proj", before, pool, 1)
        self.add_module(f"{name}/output", Concat())
        return one + three + five + pool

    def _branch(self, block: str, name: str, before: int, after: int, side: int) -> None:
        self._convolution(f"{block}/{name}", f"{block}/relu_{name}", before, after, side)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        x = images
        for name in (
            "conv1/7x7_s2", "conv1/relu_7x7", "pool1/3x3_s2", "pool1/norm1", "conv2/3x3_reduce",
            "conv2/relu_3x3_reduce", "conv2/3x3", "conv2/relu_3x3", "conv2/norm2", "pool2/3x3_s2",
        ):  # fmt: skip
            x = self._modules[name](x)  # type: ignore[misc]
        for name in BLOCKS:
            x = self._joined(f"inception_{name}", x)
            if name in POOLED_AFTER:
                x = self._modules[POOLED_AFTER[name]](x)  # type: ignore[misc]
        for name in ("pool5/7x7_s1", "pool5/drop_7x7_s1"):
            x = self._modules[name](x)  # type: ignore[misc]
        return self._modules[HEAD](x.flatten(1))  # type: ignore[misc]

    def _joined(self, block: str, x: Tensor) -> Tensor:
        def run(x: Tensor, *names: str) -> Tensor:
            for name in names:
                x = self._modules[f"{block}/relu_{name}"](self._modules[f"{block}/{name}"](x))  # type: ignore[misc]
            return x

        pooled = self._modules[f"{block}/pool"](x)  # type: ignore[misc]
        branches = (run(x, "1x1"), run(x, "3x3_reduce", "3x3"), run(x, "5x5_reduce", "5x5"), run(pooled, "pool_proj"))
        return self._modules[f"{block}/output"](*branches)  # type: ignore[misc]
