"""What share of the machine's arithmetic does a gradient step reach?

Multiply-adds of the pass, counted operator by operator as it runs, over the best rate seen in the same run, interleaved
with it, at one thread, in CPU time and at the same precision. The candidates are matrix products by `torch.mm` and one
large 3 x 3 convolution, a matrix product by another library: on some processors that behind `torch.mm` is half as
fast in fp32, and no ceiling.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from measure import arguments, interleaved, load_now, report, summary, table, target
from networks import ascent_of, critic_of, generator, photo
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from reverie.critic.open import EMBEDDED
from reverie.critic.precision import resolve_for_gradients
from reverie.optimize.allocator import keep

CASES = (("vgg16", "relu4_3"), ("googlenet", "inception4c"), (EMBEDDED, "mixed4b"), ("embedded-2", "mixed4c"))
SHARE = 0.6  # aimed at on VGG
FUSED_SHARE = 0.65  # aimed at on the others, in fused fp32
DTYPES = {"fp32": torch.float32, "fp32-fused-2": torch.float32, "bf16": torch.bfloat16}
SIDES = (1024, 2048)  # of the matrices
CHANNELS, PLANE_PX = 256, 64  # of the convolution


def multiply_adds(step: Callable[[], object]) -> int:
    """Return the multiply-adds of one step; the first one is not counted, it also looks at shapes."""
    step()
    counter = FlopCounterMode(display=False)
    with counter:
        step()
    return counter.get_total_flops() // 2


def candidates(dtype: torch.dtype) -> dict[str, tuple[int, Callable[[], Tensor]]]:
    """Return what may be the machine's fastest arithmetic, with its multiply-adds, by name."""
    random, found = generator(), {}
    for side in SIDES:
        left, right = (torch.randn(side, side, generator=random).to(dtype) for _ in range(2))
        found[f"mm {side}"] = side**3, partial(torch.mm, left, right)
    layout = {"memory_format": torch.channels_last}
    plane = torch.randn(1, CHANNELS, PLANE_PX, PLANE_PX, generator=random).to(dtype).contiguous(**layout)
    kernel = torch.randn(CHANNELS, CHANNELS, 3, 3, generator=random).to(dtype).contiguous(**layout)
    work = PLANE_PX**2 * CHANNELS**2 * 9
    found[f"3 x 3 convolution, {CHANNELS} channels"] = work, partial(F.conv2d, plane, kernel, padding=1)
    return found


def pass_of(network: str, name: str, precision: str, images: Tensor) -> Callable[[], object]:
    """Return one gradient pass as `reverie dream` takes it."""
    ascent, random = ascent_of(critic_of(network, precision), name, jitter=True), generator()
    return lambda: ascent.gradient(images, random)


def measure(network: str, name: str, precision: str, side: int, rounds: int) -> dict[str, Any]:
    """Return rate of the pass, the best rate seen, and their ratio round by round."""
    keep()
    images = photo(side)
    plain, step = (pass_of(network, name, p, images) for p in ("fp32", precision))
    work = multiply_adds(plain)  # of the plain network: what a fused one computes beside that is no work done
    made = candidates(DTYPES[precision])
    times = interleaved({"pass": step, **{key: run for key, (_, run) in made.items()}}, rounds, warmup=2)
    rates = {key: [work_of / s for s in times[key]["cpu_s"]] for key, (work_of, _) in made.items()}
    best = max(rates, key=lambda key: statistics.median(rates[key]))
    pass_rates = [work / s for s in times["pass"]["cpu_s"]]
    shares = [a / b for a, b in zip(pass_rates, rates[best], strict=True)]
    return {
        "network": network, "layer": name, "precision": precision, "multiply_adds": work,
        "pass_cpu_s": summary(times["pass"]["cpu_s"]),
        "pass_gmac_per_s": round(statistics.median(pass_rates) / 1e9, 1),
        "ceiling_gmac_per_s": round(statistics.median(rates[best]) / 1e9, 1), "ceiling": best,
        "share": round(statistics.median(shares), 3), "share_of_best": round(max(pass_rates) / max(rates[best]), 3),
    }  # fmt: skip


def main() -> None:
    """Measure all cases at fp32 and at what `auto` chooses."""
    load = load_now()
    options = arguments(__doc__, rounds=5, side=512).parse_args()
    torch.set_num_threads(1)
    automatic = resolve_for_gradients("auto", torch.device("cpu"))
    precisions = dict.fromkeys((automatic, "fp32-fused-2", "fp32"))
    results = [measure(n, name, p, options.side, options.rounds) for n, name in CASES for p in precisions]
    head = ("", "precision", "G multiply-adds", "cpu s", "spread", "G/s", "ceiling G/s", "share", "share of best")
    table(head, [
        [f"{r['network']} {r['layer']}", r["precision"], f"{r['multiply_adds'] / 1e9:.2f}", r["pass_cpu_s"]["median"],
         f"{r['pass_cpu_s']['spread']:.0%}", r["pass_gmac_per_s"], r["ceiling_gmac_per_s"], r["share"],
         r["share_of_best"]]
        for r in results
    ])  # fmt: skip
    first = results[0]
    what = f"{first['network']} {first['layer']}, {first['precision']}, share of the ceiling"
    verdict = [target(what, f">= {SHARE}", first["share"], first["share"] >= SHARE)]
    verdict += [
        target(f"{r['network']} {r['layer']}, fp32-fused-2, share of the ceiling", f">= {FUSED_SHARE}", r["share"],
               r["share"] >= FUSED_SHARE)
        for r in results if r["precision"] == "fp32-fused-2" and r is not first and r["network"] != "vgg16"
    ]  # fmt: skip
    settings = {"side_px": options.side, "rounds": options.rounds, "threads": 1}
    report((__doc__ or "").splitlines()[0], settings, results, verdict, options.output, load)


if __name__ == "__main__":
    main()
