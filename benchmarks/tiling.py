"""Is a tiled gradient the whole one, and does the memory estimate hold?

Error: the gradient of two tiles side by side against that of the picture in one piece, over all pixels and in the
band of 16 px on both sides of the seam, at the halo that `Critic.halo` chooses and at fixed ones.
Memory: the measured growth of resident memory in one gradient pass, each case in a process of its own, over
`Critic.bytes_per_pixel`, from which tiles are planned. A ratio above one means that the estimate is too low.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import torch
from measure import MIB, arguments, in_child, load_now, peak_of, report, table, target
from networks import ascent_of, critic_of, generator, photo
from torch import Tensor

from reverie.critic.open import EMBEDDED
from reverie.optimize.tiles import Tile, plan_tiles

EXACT_CASES = (
    (EMBEDDED, "mixed3a"), (EMBEDDED, "mixed4b"), (EMBEDDED, "mixed5b"), ("googlenet", "inception3b"),
    ("googlenet", "inception4c"), ("vgg16", "relu3_3"), ("vgg16", "relu4_3"), ("resnet50", "layer2"),
    ("resnet50", "layer3"), ("squeezenet1_1", "fire8"), ("inception_v3", "Mixed_6b"),
)  # fmt: skip
MEMORY_CASES = (
    (EMBEDDED, "mixed3a"), (EMBEDDED, "mixed4b"), (EMBEDDED, "mixed5b"), ("googlenet", "inception3b"),
    ("googlenet", "inception4c"), ("vgg16", "relu3_3"), ("vgg16", "relu4_3"), ("resnet50", "layer2"),
    ("resnet50", "layer3"), ("squeezenet1_1", "fire8"), ("inception_v3", "Mixed_6b"), ("densenet121", "denseblock3"),
    ("mobilenet_v2", "block13"),
)  # fmt: skip
HALOS = (0, 32, 64, 128)
BAND_PX = 16
ERROR = 0.01


def relative_errors(found: Tensor, whole: Tensor, seams: list[int]) -> tuple[float, float]:
    """Return the relative error of all pixels and of those near a vertical seam."""
    total = ((found - whole).norm() / whole.norm()).item()
    near = torch.zeros(whole.shape[-1], dtype=torch.bool)
    for seam in seams:
        near[max(0, seam - BAND_PX) : seam + BAND_PX] = True
    band = ((found - whole)[..., near].norm() / whole[..., near].norm()).item()
    return total, band


def seams_of(tiles: tuple[Tile, ...]) -> list[int]:
    """Return the columns where two tiles meet."""
    return sorted({t.left for t in tiles} - {0})


def measure_error(network: str, name: str, core: int, precision: str) -> dict[str, Any]:
    """Return the errors of one layer at every halo."""
    critic = critic_of(network, precision)
    images = photo(core // 2, 2 * core)  # a strip: one seam, far from the borders at its sides
    ascent, align, chosen = ascent_of(critic, name, jitter=False), critic.stride([name]), critic.halo([name])
    whole = ascent.gradient(images, generator())[1]
    halos = []
    for halo in (chosen, *HALOS):
        tiles = plan_tiles((images.shape[-2], images.shape[-1]), core, halo, align)
        total, band = relative_errors(ascent.gradient(images, generator(), tiles)[1], whole, seams_of(tiles))
        covered = all(t.window_left == 0 and t.window_right == images.shape[-1] for t in tiles)
        halos.append({"halo_px": halo, "chosen": halo == chosen and not halos, "total": round(total, 6),
                      "band": round(band, 6), "windows_cover_all": covered})  # fmt: skip
    field = critic.field([name])
    return {
        "network": network, "layer": name, "precision": precision, "stride_px": align, "field_px": field.full_px,
        "effective_field_px": field.effective_px, "halos": halos,
    }  # fmt: skip


def child(options: argparse.Namespace) -> None:
    """Measure the memory of one gradient pass in this process and print it."""
    network, name, precision = options.child.split(",")
    critic = critic_of(network, precision)
    ascent, random = ascent_of(critic, name, jitter=True), generator()
    estimate = critic.bytes_per_pixel([name])
    small, images = photo(128), photo(options.side)
    ascent.gradient(small, random)  # kernels are made and everything that is computed once is there
    memory = peak_of(lambda: ascent.gradient(images, random), passes=2)
    measured = memory["increase_mib"] * MIB / options.side**2
    print(json.dumps(memory | {
        "network": network, "layer": name, "precision": precision, "estimate_bytes_per_px": round(estimate, 1),
        "measured_bytes_per_px": round(measured, 1), "ratio": round(measured / estimate, 3),
    }))  # fmt: skip


def measure_memory(side: int, precisions: list[str]) -> list[dict[str, Any]]:
    """Return measured and estimated memory of every case."""
    cases = [(n, name, p) for n, name in MEMORY_CASES for p in precisions]
    return [in_child(__file__, "--child", ",".join(case), "--side", str(side)) for case in cases]


def show(errors: list[dict[str, Any]], memory: list[dict[str, Any]]) -> None:
    """Print both tables."""
    rows = []
    for case in errors:
        cells = [f"{h['total']:.4f} ({h['band']:.4f})" + ("*" if h["windows_cover_all"] else "") for h in case["halos"]]
        rows.append([f"{case['network']} {case['layer']} {case['precision']}", case["field_px"],
                     case["halos"][0]["halo_px"], *cells])  # fmt: skip
    print("relative error of the tiled gradient, in brackets within 16 px of the seam (* windows cover everything)")
    table(("", "field", "halo", "chosen", *(f"halo {h}" for h in HALOS)), rows)
    table(("memory of one pass", "bytes per px", "estimate", "ratio"), [
        [f"{m['network']} {m['layer']} {m['precision']}", m["measured_bytes_per_px"], m["estimate_bytes_per_px"],
         m["ratio"]] for m in memory
    ])  # fmt: skip


def verdict(errors: list[dict[str, Any]], memory: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was aimed at and what came out."""
    exact = [case for case in errors if case["precision"] == "fp32"]
    worst = max(exact, key=lambda case: case["halos"][0]["total"])
    error = worst["halos"][0]["total"]
    lines = [target(f"largest error at the chosen halo, fp32 ({worst['network']} {worst['layer']})", f"< {ERROR}",
                    error, error < ERROR)]  # fmt: skip
    if memory:
        most = max(memory, key=lambda m: m["ratio"])
        what = f"largest measured over estimated memory ({most['network']} {most['layer']} {most['precision']})"
        lines.append(target(what, "<= 1.1", most["ratio"], most["ratio"] <= 1.1))
    return lines


def main() -> None:
    """Measure errors in this process and memory in others."""
    load = load_now()
    parser = arguments(__doc__, core=512, side=512)
    parser.add_argument("--skip", choices=("errors", "memory"), help="leave one half out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    errors: list[dict[str, Any]] = []
    if options.skip != "errors":
        errors = [measure_error(n, name, options.core, "fp32") for n, name in EXACT_CASES]
        errors.append(measure_error(EMBEDDED, "mixed4b", options.core, "bf16"))
    memory = [] if options.skip == "memory" else measure_memory(options.side, ["bf16", "fp32"])
    show(errors, memory)
    settings = {"core_px": options.core, "memory_side_px": options.side, "band_px": BAND_PX}
    found = {"errors": errors, "memory": memory}
    lines = verdict(errors, memory) if errors else []
    report((__doc__ or "").splitlines()[0], settings, found, lines, options.output, load)


if __name__ == "__main__":
    main()
