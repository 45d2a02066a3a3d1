"""Do stylized pictures take on more of the style, and keep more of the content, than pystiche's recipe gives?

Both paint with SqueezeNet 1.1 (trained, from Caffe) and the same layers; a network that neither has seen, the embedded
one, judges by the distances of `reverie compare`: exact Wasserstein distance of features relative to that of the
content picture, and distance to the content's features in place. The peer is taken at the CPU time that ours took,
and after its own 500 steps. A picture may be nearer to the style and farther from the content: where neither is better
at both, `--match` turns our strength until its content distance comes to just below the peer's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import arguments, load_now, report, table, target
from PIL import Image
from style_peers import SQUEEZE_CONTENT, SQUEEZE_STYLE, Ours, Pystiche, load, pairs_of, squeezenet_modules, timed
from torch import Tensor

from reverie.critic.open import open_critic
from reverie.critic.style_layers import style_layers
from reverie.media.image import to_uint8
from reverie.media.sheet import contact_sheet
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.measure import Measurer, View
from reverie.tools.compare.networks import Scorer
from reverie.tools.style.config import StyleConfig

MODEL = "squeezenet1_1-caffe"
PEER_STEPS = 500  # of pystiche's own recipe
WON = 10
AIM = 0.97  # of the peer's content distance: what a strength is looked for that comes to it
CLOSE = 0.02  # relative: near enough to stop looking
TRIES = 3
STRIDE = 0.28  # of the first other strength above the default, 0.5
STRONGEST = 0.97
TILE_PX = 190
Tried = tuple[float, dict[str, float]]  # a strength and its distances
ORIGIN: list[Tried] = [(0.0, {"style": 1.0, "content": 0.0})]


class Judging:
    """The embedded network, with content and style known."""

    def __init__(self, content: Tensor, style: Tensor) -> None:
        critic = open_critic(device="cpu", precision="fp32")
        judge = Scorer("embedded", critic, tuple(name for name, _ in style_layers(critic).style))
        self.measurer = Measurer(judge, CompareConfig(), View(content, None), View(style, None))

    def __call__(self, picture: Tensor) -> dict[str, float]:
        """Return mean distances."""
        rows = self.measurer.rows(View(as_saved(picture), None))
        return {
            "style": round(sum(r.style for r in rows) / len(rows), 4),
            "content": round(sum(r.content for r in rows) / len(rows), 4),
        }


def as_saved(picture: Tensor) -> Tensor:
    """Return a picture with the eight bits that a file has."""
    return (picture.clamp(0, 1) * 255).round() / 255


def pixels_of(picture: Tensor) -> np.ndarray:
    """Return ``[H, W, 3]`` uint8."""
    return to_uint8(picture[0].permute(1, 2, 0).contiguous().numpy())


def paint(weights: Path, content: Tensor, style: Tensor, strength: float) -> tuple[Tensor, float]:
    """Return what ours paints with its defaults but a strength, and its CPU seconds, preparation included."""
    side = max(content.shape[-2:])
    critic = open_critic(MODEL, weights, device="cpu")
    ours = Ours(content, style, critic, StyleConfig(style=("style",), size=side, strength=strength))
    going, spent = True, 0.0
    while going:
        going, seconds = timed(ours)
        spent += seconds
    return ours.picture(), spent


def peer(
    weights: Path, content: Tensor, style: Tensor, ours_s: float, style_weight: float
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Return the peer's pictures at equal CPU time and after its own number of steps, and its CPU seconds."""
    pystiche = Pystiche(
        squeezenet_modules(weights), SQUEEZE_STYLE, SQUEEZE_CONTENT, content, style, caffe=True,
        style_weight=style_weight,
    )  # fmt: skip
    pictures: dict[str, Tensor] = {}
    spent, count, facts = 0.0, 0, {}
    while len(pictures) < 2:
        spent += timed(pystiche)[1]
        count += 1
        if "equal_time" not in pictures and spent >= ours_s:
            pictures["equal_time"], facts["steps_at_equal_time"] = pystiche.picture(), count
        if count == PEER_STEPS:
            pictures["converged"], facts["cpu_s_of_500_steps"] = pystiche.picture(), round(spent, 1)
    return pictures, facts


def outcome(mine: dict[str, float], theirs: dict[str, float]) -> str:
    """Return who is better at what."""
    style, content = mine["style"] < theirs["style"], mine["content"] < theirs["content"]
    if style == content:
        return "both" if style else "neither"
    return "style only" if style else "content only"


def dialled(
    options: Any, judge: Judging, content: Tensor, style: Tensor, theirs: dict[str, float], known: list[Tried]
) -> dict[str, Any]:
    """Return ours at a strength that is better at both, or that comes closest to the peer's content distance.

    Strengths are tried by regula falsi for a content distance just below the peer's; `known` grows by what was tried.
    """
    wanted = AIM * theirs["content"]
    for _ in range(TRIES):
        best = chosen(known, theirs)
        if outcome(best[1], theirs) == "both" or abs(best[1]["content"] / wanted - 1) < CLOSE:
            break
        below = max(((s, d["content"]) for s, d in ORIGIN + known if d["content"] <= wanted), key=lambda t: t[1])
        above = [(s, d["content"]) for s, d in known if d["content"] > wanted]
        if above:
            top = min(above, key=lambda t: t[1])
            strength = below[0] + (wanted - below[1]) / (top[1] - below[1]) * (top[0] - below[0])
        else:
            strength = min(STRONGEST, below[0] + STRIDE)
        picture, _ = paint(options.weights, content, style, strength)
        known.append((round(strength, 4), judge(picture)))
    strength, distances = chosen(known, theirs)
    return {"strength": strength, **distances, "outcome": outcome(distances, theirs)}


def chosen(known: list[Tried], theirs: dict[str, float]) -> Tried:
    """Return what is better at both, or else comes closest to the peer's content distance."""
    good = [t for t in known if outcome(t[1], theirs) == "both"]
    return min(good or known, key=lambda t: abs(t[1]["content"] / theirs["content"] - 1))


def measure(options: Any, content_path: Path, style_path: Path) -> dict[str, Any]:
    """Return the distances of one pair, and keep its pictures."""
    content = load(content_path, options.side)
    style = load(style_path, options.side, enlarge=False)
    judge = Judging(content, style)
    default = StyleConfig().strength
    picture, spent = paint(options.weights, content, style, default)
    theirs, facts = peer(options.weights, content, style, spent, options.style_weight)
    mine = judge(picture)
    record: dict[str, Any] = {
        "content": content_path.name, "style": style_path.name, "cpu_s": round(spent, 1), **facts, "ours": mine,
        "peer": {name: judge(image) for name, image in theirs.items()},
    }  # fmt: skip
    record["outcome"] = {name: outcome(mine, found) for name, found in record["peer"].items()}
    keep(options, record, content, style, theirs["converged"], picture)
    return record


def keep(options: Any, record: dict[str, Any], *images: Tensor) -> None:
    """Keep content, style, peer and ours of a pair as arrays until the sheet is made."""
    name = f"{Path(record['content']).stem}-{Path(record['style']).stem}.npz"
    options.kept.mkdir(parents=True, exist_ok=True)
    np.savez(options.kept / name, *(pixels_of(image) for image in images))


def match(options: Any, record: dict[str, Any]) -> None:
    """Add ours at the content distances of the peer, where neither is better at both."""
    content = load(options.contents / record["content"], options.side)
    style = load(options.styles / record["style"], options.side, enlarge=False)
    judge = Judging(content, style)
    known: list[Tried] = [(StyleConfig().strength, record["ours"])]
    record["dialled"] = {
        name: dialled(options, judge, content, style, theirs, known)
        for name, theirs in record["peer"].items()
        if record["outcome"][name].endswith("only")
    }
    record["tried"] = known


def sheet(options: Any, records: list[dict[str, Any]]) -> None:
    """Write content, style, peer and ours, two pairs per row."""
    tiles, captions = [], []
    for record in records:
        name = f"{Path(record['content']).stem}-{Path(record['style']).stem}.npz"
        with np.load(options.kept / name) as stored:
            tiles += [stored[key] for key in stored.files]
        theirs, mine = record["peer"]["converged"], record["ours"]
        captions += [
            "content", "style", f"pystiche {theirs['style']:.2f} / {theirs['content']:.2f}",
            f"reverie {mine['style']:.2f} / {mine['content']:.2f}",
        ]  # fmt: skip
    title = "distance to the style / to the content, by a network that neither stylized with: smaller is better"
    made = contact_sheet(tiles, columns=8, tile_px=TILE_PX, captions=captions, title=title)
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(made).save(options.sheet, quality=85)


def verdict(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was aimed at and what came out."""
    lines = []
    for name, said in (("equal_time", "at equal CPU time"), ("converged", "after 500 steps of the peer")):
        both = sum(r["outcome"][name] == "both" for r in records)
        lines.append(target(f"{said}: better at both, of {len(records)}", f">= {WON}", both, both >= WON))
        if all("dialled" in r for r in records):
            won = sum("both" in (r["outcome"][name], r["dialled"].get(name, {}).get("outcome")) for r in records)
            what = f"{said}: better at both at the default or another strength, of {len(records)}"
            lines.append(target(what, f">= {WON}", won, won >= WON))
    return lines


def show(records: list[dict[str, Any]]) -> None:
    """Print all distances, style before content."""
    rows = []
    for r in records:
        row = [f"{r['content']} {r['style']}", f"{r['ours']['style']:.3f} {r['ours']['content']:.3f}"]
        for name, theirs in r["peer"].items():
            found = r.get("dialled", {}).get(name)
            there = (f"{found[k]:.3f}" for k in ("style", "content")) if found else ()
            row += [f"{theirs['style']:.3f} {theirs['content']:.3f}", r["outcome"][name]]
            row += [" ".join((*there, f"at {found['strength']:.2f}, {found['outcome']}")) if found else ""]
        rows.append(row)
    table(["style, content", "ours", "peer, equal time", "better", "ours, dialled", "peer, 500", "better", "dialled"],
          rows)  # fmt: skip


def main() -> None:
    """Paint and judge all pairs; what is in the file of partial results already is not stylized again."""
    load_at_start = load_now()
    parser = arguments(__doc__, side=256, pairs=12, style_weight=1000.0)
    parser.add_argument("--contents", type=Path, required=True, help="folder of content pictures")
    parser.add_argument("--styles", type=Path, required=True, help="folder of style pictures")
    parser.add_argument("--weights", type=Path, required=True, help="state dict of SqueezeNet 1.1 from Caffe")
    parser.add_argument("--kept", type=Path, required=True, help="folder for pictures and partial results")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet to this file")
    parser.add_argument("--match", action="store_true", help="also paint at strengths with the peer's content distance")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.kept.mkdir(parents=True, exist_ok=True)
    partial = options.kept / "partial.json"
    records = json.loads(partial.read_text()) if partial.exists() else []
    known = {(r["content"], r["style"]) for r in records}
    for pair in pairs_of(options.contents, options.styles, options.pairs):
        if (pair[0].name, pair[1].name) not in known:
            records.append(measure(options, *pair))
            partial.write_text(json.dumps(records))
            show(records[-1:])
    for record in records if options.match else ():
        if "dialled" not in record:
            match(options, record)
            partial.write_text(json.dumps(records))
            show([record])
    show(records)
    if options.sheet:
        sheet(options, records)
    settings = {"side_px": options.side, "network": MODEL, "judge": "embedded", "threads": 1, "peer": {
        "name": "pystiche 1.0.1", "style_weight": options.style_weight, "steps": PEER_STEPS, "optimizer": "L-BFGS",
        "weights": "frozen"}}  # fmt: skip
    report((__doc__ or "").splitlines()[0], settings, records, verdict(records), options.output, load_at_start)


if __name__ == "__main__":
    main()
