"""How near a translator comes to what is wanted: numbers, and a sheet to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from reverie.data.examples import Examples
from reverie.media.deep import to_uint8
from reverie.media.sheet import contact_sheet
from reverie.models.picture_kinds import Kind
from reverie.models.translator import Shape, told
from reverie.numerics.resample import resize
from reverie.numerics.similarity import psnr, ssim

MOST_MEASURED = 64  # held-out pictures at each size, at the end
MOST_IN_EPOCH, EPOCH_PX = 16, 256  # pictures after each epoch, and the largest middle of them that is looked at
SMALL_PX = 64  # at which filters are measured beside the pictures as they are
SHOWN, SHOWN_PX = 6, 144  # pictures of the sheet, and the side of its tiles

Pair = tuple[Tensor, Tensor]
Scores = dict[str, float]


def measured(net: nn.Module, examples: Examples, wanted_kind: Kind | None = None) -> Scores:
    """Return mean scores on held-out pictures as they are, and for filters at 64 px."""
    found: dict[str, list[float]] = {}
    for image, wanted in islice(examples.held_out(), MOST_MEASURED):
        _add(found, "whole", compared(net, image, wanted, wanted_kind))
        if examples.target(image) is not None:
            small = resize(image[:, : image.shape[1] - len(examples.planes)], (SMALL_PX, SMALL_PX)).clamp(0, 1)
            target = examples.target(small)
            assert target is not None
            _add(found, str(SMALL_PX), compared(net, told(small, examples.planes), target, wanted_kind))
    return {name: sum(values) / len(values) for name, values in found.items()}


def _add(found: dict[str, list[float]], where: str, scores: Scores) -> None:
    for what, value in scores.items():
        found.setdefault(f"{what}_{where}", []).append(value)


@torch.no_grad()
def compared(net: nn.Module, image: Tensor, wanted: Tensor, kind: Kind | None = None) -> Scores:
    """Return how near a network comes to what is wanted of one picture.

    "psnr" in dB, "ssim", "l1", the mean absolute difference, and for classes "accuracy", the share of right pixels,
    and "ssim_decided", that of the classes as they are written, where "ssim" is that of how sure the network is.
    """
    device = next(net.parameters()).device
    got = net(image.to(device)).clamp(0, 1).to(wanted.device)
    scores = {
        "psnr": psnr(got, wanted).item(),
        "ssim": ssim(got, wanted).item(),
        "l1": (got - wanted).abs().mean().item(),
    }
    if kind is not None and kind.is_labels:
        known = wanted.sum(1) > 0
        scores["accuracy"] = (got.argmax(1) == wanted.argmax(1))[known].float().mean().item()
        scores["ssim_decided"] = ssim(kind.decided(got) * known[:, None], wanted).item()
    return scores


class EpochMeasure:
    """Scores after each epoch: of the same held-out pictures each time, and of as many that are learned."""

    def __init__(self, examples: Examples, shape: Shape) -> None:
        self.kind = shape.wanted_kind
        self.held = middles(examples.held_out())
        self.learned = middles(examples.learned()) if self.held else []

    def __call__(self, net: nn.Module) -> Scores:
        """Return psnr, ssim, l1, and l1_learned; nothing where no picture is held out."""
        if not self.held:
            return {}
        found: dict[str, list[float]] = {}
        for image, wanted in self.held:
            for what, value in compared(net, image, wanted, self.kind).items():
                found.setdefault(what, []).append(value)
        for image, wanted in self.learned:
            found.setdefault("l1_learned", []).append(compared(net, image, wanted)["l1"])
        return {name: sum(values) / len(values) for name, values in found.items()}


def middles(pairs: Iterable[Pair]) -> list[Pair]:
    """Return the middles of some pairs, at most `EPOCH_PX` wide and high."""
    return [(middle(image), middle(wanted)) for image, wanted in islice(pairs, MOST_IN_EPOCH)]


def middle(images: Tensor) -> Tensor:
    """Return the middle square of at most `EPOCH_PX`."""
    height, width = images.shape[-2:]
    side = min(height, width, EPOCH_PX)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side].contiguous()


@torch.no_grad()
def sample_sheet(net: nn.Module, pairs: Sequence[Pair], shape: Shape) -> np.ndarray | None:
    """Return a sheet ``[H, W, 3]`` uint8 of three columns: given, made, wanted; None without pairs."""
    tiles: list[np.ndarray] = []
    device = next(net.parameters()).device
    for image, wanted in pairs[:SHOWN]:
        made = net(image.to(device)).clamp(0, 1).to(wanted.device)
        tiles += [_shown(shape.given_kind, image[0, : shape.given_kind.channels])]
        tiles += [_shown(shape.wanted_kind, planes[0]) for planes in (made, wanted)]
    if not tiles:
        return None
    captions = ["given", "made", "wanted"] * (len(tiles) // 3)
    return contact_sheet(tiles, columns=6, tile_px=SHOWN_PX, captions=captions)


def _shown(kind: Kind, planes: Tensor) -> np.ndarray:
    rgb, alpha = kind.picture(planes)
    return to_uint8(rgb if alpha is None else rgb * alpha[..., None] + 1 - alpha[..., None])
