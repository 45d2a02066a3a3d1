"""Choose the arithmetic of a network by what the processor at hand can do, found out at run time.

bf16 convolutions are two to four times faster than fp32 on processors with avx512_bf16 or AMX and up to
sixteen times slower on others, where they fall back to a reference kernel. fp32-fused and fp32-fused-2 are fp32 with
several operations in one, to two extents (`reverie.critic.fuse`).
"""

from __future__ import annotations

import functools
import platform
import time
import typing
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import nn

from reverie.critic.fuse import FIRST, SECOND
from reverie.errors import InputError
from reverie.models.fused import available

Precision = Literal["fp32", "fp32-fused", "fp32-fused-2", "bf16"]
EXTENTS = {"fp32-fused": FIRST, "fp32-fused-2": SECOND}
PRECISIONS: tuple[Precision, ...] = typing.get_args(Precision)
KNOWN = "--device must be auto, cpu, cuda, cuda:N, mps, or several as cuda:0,1"
X86 = ("x86_64", "amd64")  # names of the processors whose units torch knows
GAIN = 1.3  # bf16 must win clearly, or the more exact arithmetic is kept


def resolve_device(name: str) -> torch.device:
    """Return the device that a user named; ``auto`` prefers CUDA, then MPS, then the CPU.

    Raises:
        InputError: no such device on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(
            f"--device must be auto, cpu, cuda, cuda:N, mps, or several as cuda:0,1; got '{name}'"
        ) from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"no device '{name}': this machine has {torch.cuda.device_count()} CUDA devices; try --device cpu"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("no device 'mps' on this machine; try --device cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"{KNOWN}; got '{name}'")
    return device


def resolve_precision(name: str, device: torch.device) -> Precision:
    """Return the precision that a user named; ``auto`` is decided by `bf16_is_faster` on this device."""
    if name == "auto":
        return "bf16" if bf16_is_faster(device.type) else "fp32"
    if name not in PRECISIONS:
        raise InputError(f"--precision must be auto, {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}; got '{name}'")
    return name


def resolve_for_gradients(name: str, device: torch.device) -> Precision:
    """Do what `resolve_precision` does, for who sends gradients through a frozen network and records what was chosen.

    There fp32 is fused where that is possible: it rounds differently, so that results recorded as plain fp32 are made
    again as they were.
    """
    chosen = resolve_precision(name, device)
    return "fp32-fused-2" if name == "auto" and chosen == "fp32" and can_fuse("fp32-fused-2", device) else chosen


def can_fuse(precision: str, device: torch.device) -> bool:
    """Tell whether a network computes in fused parts: asked for, and on a processor whose torch has them."""
    return precision in EXTENTS and device.type == "cpu" and available()


@functools.cache
def bf16_is_faster(device_type: str) -> bool:
    """Ask for bf16 instructions; where torch cannot tell, time a convolution in both precisions.

    With such instructions bf16 won every undisturbed measurement, and x86 without them computes bf16 by way of fp32 or
    a reference kernel, which takes seconds only to time it. On a busy machine a measurement is a coin toss.
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device_type != "cpu":
        return False
    unit = _has_bf16_unit()
    return _bf16_wins() if unit is None else unit


def _bf16_wins() -> bool:
    def case(dtype: torch.dtype) -> tuple[nn.Module, torch.Tensor]:
        conv = nn.Conv2d(96, 96, 3, padding=1, bias=False).requires_grad_(False)
        image = torch.ones(1, 96, 64, 64, dtype=dtype).contiguous(memory_format=torch.channels_last)
        return conv.to(dtype).to(memory_format=torch.channels_last), image.requires_grad_(True)  # pyright: ignore[reportCallIssue]

    def once(conv: nn.Module, image: torch.Tensor) -> float:
        began = time.perf_counter()
        torch.autograd.grad(conv(image).sum(), image)
        return time.perf_counter() - began

    exact, fast = case(torch.float32), case(torch.bfloat16)
    rounds = [(once(*exact), once(*fast)) for _ in range(7)]  # interleaved: other programs disturb both equally
    return min(r[0] for r in rounds) > GAIN * min(r[1] for r in rounds)


def _has_bf16_unit() -> bool | None:
    """Tell whether torch reports bf16 instructions (avx512_bf16 or AMX); None where it cannot tell."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    asked = [bool(getattr(torch.cpu, name)()) for name in names if hasattr(torch.cpu, name)]
    knows = platform.machine().lower() in X86 and len(asked) == len(names)
    return True if any(asked) else False if knows else None


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return the context in which a network computes."""
    if precision != "bf16":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
