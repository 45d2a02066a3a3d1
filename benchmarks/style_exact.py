"""Is the gradient of a style transfer in tiles that of the whole picture?

For every score, with content and smoothness as `reverie style` builds them, and for every network: relative error of
the gradient in float64, where only rounding may remain, and as it runs, in fp32 and, where the machine has it, bf16.
bf16 in tiles is compared with bf16 in one piece: how far bf16 is from fp32 has nothing to do with tiles and is told
beside it. A halo of half the size shows, for one score, what an inexact one would cost.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from measure import arguments, load_now, report, table, target
from networks import photo
from style_peers import load
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.critic.precision import resolve_precision
from reverie.optimize.tiles import exact_tiles
from reverie.optimize.two_pass import TwoPass
from reverie.tools.style.config import SCORES, StyleConfig
from reverie.tools.style.sources import Style, StylePictures
from reverie.tools.style_steps.plan import Scale
from reverie.tools.style_steps.terms import StyleTerms

SHIFTS = ((3, 10),)
FLOAT64, AS_RUN = 1e-6, 1e-3
TILES = {"embedded": 96, "squeezenet1_1": 64}
ALIKE = "w2 + self-similarity"  # the one content score that is sampled
SAMPLED = ("sliced", "strotss", "nearest", ALIKE)


def critic_in(model: str, weights: Path | None, precision: str) -> Critic:
    """Return a critic; for float64 one that computes everything in it."""
    name, how = model, "fp32" if precision == "float64" else precision
    state: Path | str | None = None
    if model != "embedded":
        name, state = (f"{model}-caffe", weights) if weights else (model, "random")
    critic = open_critic(name, state, device="cpu", precision=how)
    if precision == "float64":
        critic.net.double()
        critic.dtype = torch.float64
    return critic


def case(model: str, weights: Path | None, score: str, precision: str, pictures: tuple[Tensor, ...]) -> dict[str, Any]:
    """Return the relative error of one score on one network, and its gradient in one piece."""
    critic = critic_in(model, weights, precision)
    kind = torch.float64 if precision == "float64" else torch.float32
    content, style, images = (p.to(kind) for p in pictures)
    size = (content.shape[-2], content.shape[-1])
    painting = painting_of(critic, score, content, style)
    whole = painting.scored(images, Generator().manual_seed(0))
    tiles = painting.tiles(size, TILES[model])
    pieces = painting.scored(images, Generator().manual_seed(0), tiles)
    found = {
        "network": model, "score": score, "precision": precision, "tiles": len(tiles),
        "gradient": error(pieces.gradient, whole.gradient), "value": abs(pieces.score / whole.score - 1),
        "whole": whole.gradient,
    }  # fmt: skip
    if (score, precision) == ("w2", "fp32"):
        found["half_halo"] = error(half(painting, images, size, TILES[model]), whole.gradient)
    return found


def painting_of(critic: Critic, score: str, content: Tensor, style: Tensor) -> TwoPass:
    """Return the gradient of a style ``[1, 3, h, w]`` on a content ``[1, 3, H, W]``, as `reverie style` builds it."""
    config = StyleConfig(style=("style",), score="w2" if score == ALIKE else score)
    config = replace(config, content_score="self-similarity") if score == ALIKE else config
    terms = StyleTerms(config, critic, StylePictures((Style("style", style, None, 1.0),)), content, None)
    objective = terms.at(content, Scale((content.shape[-2], content.shape[-1]), 1))
    return TwoPass(critic, objective, content, shifts=SHIFTS)


def half(painting: TwoPass, images: Tensor, size: tuple[int, int], tile: int) -> Tensor:
    """Return the gradient with half of the halo."""
    field, align = painting.critic.field(painting.names), painting.critic.stride(painting.names)
    before, after = (px // 2 // align * align for px in (field.before_px, field.after_px))
    tiles = exact_tiles(painting.framed(size), tile, before, after, align)
    return painting.scored(images, Generator().manual_seed(0), tiles).gradient


def error(found: Tensor, exact: Tensor) -> float:
    """Return the relative error of a gradient."""
    return ((found - exact).double().norm() / exact.double().norm()).item()


def pictures_of(options: Any) -> tuple[Tensor, ...]:
    """Return content, style and a picture on the way from one to the other, with grain."""
    if options.content and options.style:
        content, style = load(options.content, options.side), load(options.style, options.side)
    else:
        content, style = photo(options.side * 2 // 3, options.side), photo(options.side).flip(1).mT.contiguous()
    grain = 0.05 * torch.randn(content.shape, generator=Generator().manual_seed(1))
    return content, style, (content * 0.9 + 0.05 + grain).clamp(0, 1)


def verdict(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was aimed at and what came out."""
    lines = []
    for precision in dict.fromkeys(r["precision"] for r in rows):
        limit = FLOAT64 if precision == "float64" else AS_RUN
        for said, sampled in (("pooled", False), ("sampled", True)):
            worst = max((r for r in rows if r["precision"] == precision and (r["score"] in SAMPLED) == sampled),
                        key=lambda r: r["gradient"])  # fmt: skip
            what = f"{said} scores, {precision}: largest error, {worst['network']} {worst['score']}"
            lines.append(target(what, f"< {limit:g}", worst["gradient"], worst["gradient"] < limit))
            lines[-1]["measured"] = float(f"{worst['gradient']:.3g}")
    return lines


def main() -> None:
    """Measure all scores on both networks."""
    load_at_start = load_now()
    parser = arguments(__doc__, side=224)
    parser.add_argument("--content", type=Path, help="content picture; default: the example picture")
    parser.add_argument("--style", type=Path, help="style picture")
    parser.add_argument("--weights", type=Path, help="state dict of SqueezeNet 1.1 from Caffe; default: random weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pictures = pictures_of(options)
    kinds = ["float64", "fp32", *(["bf16"] if resolve_precision("auto", torch.device("cpu")) == "bf16" else [])]
    rows = []
    for model in TILES:
        for score in (*SCORES, ALIKE):
            whole: dict[str, Tensor] = {}
            for precision in kinds:
                row = case(model, options.weights, score, precision, pictures)
                whole[precision] = row.pop("whole")
                row["to_float64"] = error(whole[precision], whole["float64"])
                rows.append({k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()})
                print(rows[-1], flush=True)
    head = ("network, score", "precision", "tiles", "error in tiles", "of the value", "half the halo", "to float64")
    table(head, [
        [f"{r['network']} {r['score']}", r["precision"], r["tiles"], f"{r['gradient']:.1e}", f"{r['value']:.1e}",
         f"{r['half_halo']:.1e}" if "half_halo" in r else "", f"{r['to_float64']:.1e}"] for r in rows
    ])  # fmt: skip
    settings = {"size": list(pictures[0].shape[-2:]), "tile_px": TILES, "shift": list(SHIFTS[0])}
    report((__doc__ or "").splitlines()[0], settings, rows, verdict(rows), options.output, load_at_start)


if __name__ == "__main__":
    main()
