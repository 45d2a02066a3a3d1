"""How much faster does a StyleGAN2 draw with standing weights than with weights rebuilt for each picture?

Compared with the published form, written out: modulated weights for every picture, a grouped convolution, NCHW, fp32;
and with the machine's best matrix product of the same precision. Random weights, the network's own noise, one picture
at a time, all in one process, in turn; CPU seconds with one thread, seconds on an otherwise idle machine with more.
Where the processor has no instructions for bf16, its rounding is imitated, for the dB alone:

    python benchmarks/latent_inference.py --output benchmarks/results/latent_inference.json
    python benchmarks/latent_inference.py --threads 2 --output benchmarks/results/latent_inference_2_threads.json
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from imitated import ImitatedBf16
from measure import arguments, gain, interleaved, load_now, report, summary, table, target
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.precision import bf16_is_faster
from reverie.models.stylegan2.config import GeneratorConfig, channels_of
from reverie.models.stylegan2.generator import Generator

CASES = {"256 half": (256, 16384, 15.03), "512 f": (512, 32768, 60.20), "1024 f": (1024, 32768, 75.38)}  # GMAC
WANTED = {"fp32": 1.7, "bf16": 3.0}
LEAST_DB = 48.0
PEAK = 2.0  # of pictures in [-1, 1], scaled to a standard deviation of 0.5
MATRIX = 2048


def published(net: Generator, ws: Tensor) -> Tensor:
    """Draw pictures as the paper writes it: weights times style, normalized, one group a picture."""
    state, batch, number, images = net.synthesis.state_dict(), len(ws), 0, None
    taps = torch.tensor([1.0, 3, 3, 1])
    kernel = torch.outer(taps, taps) / 64
    x = state["b4.const"].contiguous().expand(batch, -1, -1, -1)

    def style(name: str, w: Tensor) -> Tensor:
        weight = state[f"{name}.affine.weight"]
        return w @ weight.T / math.sqrt(weight.shape[1]) + state[f"{name}.affine.bias"]

    def conv(x: Tensor, name: str, w: Tensor, up: bool) -> Tensor:
        weight = state[f"{name}.weight"].contiguous()
        own = weight[None] * style(name, w)[:, None, :, None, None]
        own = own * (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        out, inner = weight.shape[:2]
        grouped = x.reshape(1, batch * inner, *x.shape[2:])
        if up:
            rows = own.transpose(1, 2).reshape(batch * inner, out, 3, 3)
            wide = F.conv_transpose2d(grouped, rows, stride=2, groups=batch)
            blur = (kernel * 4).expand(batch * out, 1, -1, -1)
            y = F.conv2d(wide, blur, padding=1, groups=batch * out)
        else:
            y = F.conv2d(grouped, own.reshape(batch * out, inner, 3, 3), padding=1, groups=batch)
        y = y.reshape(batch, out, *y.shape[2:]) + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        return F.leaky_relu(y + state[f"{name}.bias"][:, None, None], 0.2) * math.sqrt(2)

    for stage in range(net.config.stages):
        block = f"b{4 << stage}"
        if stage:
            x = conv(x, f"{block}.conv0", ws[:, number], up=True)
            number += 1
        x = conv(x, f"{block}.conv1", ws[:, number], up=False)
        number += 1
        weight = state[f"{block}.torgb.weight"]
        own = (
            weight[None] * (style(f"{block}.torgb", ws[:, number]) / math.sqrt(weight.shape[1]))[:, None, :, None, None]
        )
        color = F.conv2d(x.reshape(1, -1, *x.shape[2:]), own.flatten(0, 1), groups=batch)
        color = color.reshape(batch, -1, *x.shape[2:]) + state[f"{block}.torgb.bias"][:, None, None]
        if images is not None:
            blur = (kernel * 4).expand(images.shape[1], 1, -1, -1)
            images = F.conv_transpose2d(images, blur, stride=2, padding=1, groups=images.shape[1])
        images = color if images is None else images + color
    assert images is not None
    return images


@cache
def kinds() -> dict[str, torch.dtype]:
    """Return the precisions that this processor computes in."""
    return {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if bf16_is_faster("cpu") else {})


def network(size: int, base: int) -> tuple[Generator, Generator]:
    """Return the same random network twice: as it was made, and prepared."""
    torch.manual_seed(0)
    net = Generator(GeneratorConfig(channels=channels_of(size, base))).eval().requires_grad_(False)
    for conv in net.synthesis.convolutions:
        conv.noise_strength.fill_(0.1)
    plain = Generator(net.config).eval().requires_grad_(False)
    plain.load_state_dict(net.state_dict())
    return plain, net.prepared()


@torch.inference_mode()
def measure(name: str, rounds: int) -> dict[str, Any]:
    """Return seconds, ratios, agreement in dB and the share of the machine's arithmetic."""
    size, base, gmac = CASES[name]
    plain, net = network(size, base)
    ws = net.spread(net.mapping(torch.randn(1, 512, generator=torch.Generator().manual_seed(1))))
    variants: dict[str, Callable[[], Tensor]] = {"published": partial(published, plain, ws)}
    for kind, dtype in kinds().items():
        square = torch.randn(MATRIX, MATRIX).to(dtype)
        variants[kind] = partial(net.synthesis, ws, "const", dtype)
        variants[f"matrix {kind}"] = partial(torch.mm, square, square)
    expected = variants["published"]()
    clock = "cpu_s" if torch.get_num_threads() == 1 else "wall_s"
    seconds = {key: times[clock] for key, times in interleaved(variants, rounds).items()}
    found: dict[str, Any] = {"gmac": gmac, clock: {key: summary(values) for key, values in seconds.items()}}
    for kind in kinds():
        best = MATRIX**3 / min(seconds[f"matrix {kind}"])
        found[kind] = {
            "times_faster": gain(seconds["published"], seconds[kind]),
            "db": decibels(variants[kind](), expected),
            "share_of_matrix_product": round(gmac * 1e9 / min(seconds[kind]) / best, 3),
        }
    if "bf16" not in found:
        with ImitatedBf16():
            found["bf16 imitated"] = {"db": decibels(net.synthesis(ws, "const", torch.bfloat16), expected)}
    return found


def decibels(picture: Tensor, expected: Tensor) -> float:
    """Return the PSNR, of pictures scaled to a standard deviation of 0.5."""
    error = ((picture - expected) * 0.5 / expected.std()).square().mean().item()
    return round(10 * math.log10(PEAK**2 / max(error, 1e-14)), 1)


def main() -> None:
    """Measure every case."""
    args = arguments(__doc__, rounds=5, threads=1).parse_args()
    torch.set_num_threads(args.threads)
    clock = "cpu_s" if args.threads == 1 else "wall_s"
    load = load_now()
    kinds()  # tried out before gradients are turned off
    cases = {name: measure(name, args.rounds) for name in CASES}
    rows = [
        [name, kind, case[clock]["published"]["min"], case[clock][kind]["min"],
         case[kind]["times_faster"]["median"], case[kind]["db"], case[kind]["share_of_matrix_product"]]
        for name, case in cases.items() for kind in kinds()
    ]  # fmt: skip
    table(["network", "precision", "published s", "ours s", "times faster", "dB", "of matrix product"], rows)
    targets = []
    for name, case in cases.items():
        for kind, least in ((kind, WANTED[kind]) for kind in kinds()):
            faster = case[kind]["times_faster"]["median"]
            targets.append(target(f"{name} {kind}, times faster", f"at least {least}", faster, faster >= least))
        half = "bf16" if "bf16" in case else "bf16 imitated"
        db = case[half]["db"]
        targets.append(target(f"{name} {half}, dB", f"above {LEAST_DB:g}", db, db > LEAST_DB))
    question = "How much faster are standing weights than weights rebuilt for each picture?"
    report(question, {"rounds": args.rounds, "threads": args.threads}, cases, targets, args.output, load)


if __name__ == "__main__":
    main()
