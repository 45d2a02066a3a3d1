"""`reverie latent explore`: a map of latent space without an edge, on one page; what is clicked becomes a journey."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.latent.config import ExploreConfig, upgraded
from reverie.tools.latent.sample import MODEL, PreparedGenerator

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from reverie.jobs.output import Output

PAGE = Path(__file__).with_name("explore.html")
QUALITY = 88


class PreparedMap(PreparedGenerator):
    """An open generator."""

    config: ExploreConfig

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the page, and the latents of all its tiles, named "column,row"."""
        import numpy as np

        from reverie.jobs.output import Page
        from reverie.tools.latent.model import as_bytes, enlarged

        config, model = self.config, self.model
        columns, rows, side = config.across * config.between, config.down * config.between, config.tile_px
        ws = lattice_ws(self, columns, rows)
        names = tuple(f"{x},{y}" for y in range(rows) for x in range(columns))
        sheet = np.zeros((rows * side, columns * side, 3), np.uint8)
        made = 0

        def steps() -> Iterator[Report]:
            nonlocal made
            for start in range(0, len(ws), model.at_once):
                part = ws[start : start + model.at_once]
                pictures = enlarged(model.draft(part) if config.preview else model.draw(part), side)
                for picture in as_bytes(pictures[..., :side]):
                    y, x = divmod(made, columns)
                    sheet[y * side : (y + 1) * side, x * side : x * side + picture.shape[1]] = picture[:side]
                    made += 1
                yield Report(made, len(ws), "pictures", preview=lambda: sheet)

        def outputs() -> list[Output]:
            name = f"{model.sha256[:16]}-{config.class_name or ''}-{config.seed}-{columns}-{rows}"
            facts = {
                "sheet": _data_uri(sheet), "columns": columns, "rows": rows, "tile": side, "model": config.model,
                "name": name,
            }  # fmt: skip
            text = PAGE.read_text(encoding="utf-8").replace("@FACTS@", json.dumps(facts).replace("<", "\\u003c"))
            return [Page(text), model.saved(ws, names)]

        plan = Plan({"pictures": len(ws), "columns": columns, "rows": rows}, summary=f"{columns} x {rows} pictures")
        return Steps(steps(), outputs, plan=plan, chosen=model.chosen)


def lattice_ws(prepared: PreparedMap, columns: int, rows: int) -> Tensor:
    """Return ws ``[rows * columns, num_ws, w_dim]`` between seeds on a lattice that closes on itself.

    A tile at (x, y) between four seeds is sum_i b_i w_i with bilinear weights b; its distance from the mean of the four
    is divided by |b|, as a mean of independent w lies too near the center.
    """
    import torch

    config, model = prepared.config, prepared.model
    first, step = config.seed, config.between
    seeds = [
        [model.ws_of_seed(first + x + config.across * y) for x in range(config.across)] for y in range(config.down)
    ]
    found = []
    for y in range(rows):
        for x in range(columns):
            (column, right), (row, below) = divmod(x, step), divmod(y, step)
            u, v = right / step, below / step
            weights = torch.tensor([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])
            corners = torch.stack([
                seeds[(row + down) % config.down][(column + across) % config.across]
                for down, across in ((0, 0), (0, 1), (1, 0), (1, 1))
            ])  # fmt: skip
            mean = corners.mean(0)
            along = (weights.to(corners)[:, None, None] * (corners - mean)).sum(0)
            found.append(mean + along / weights.norm())
    return torch.stack(found)


def _data_uri(sheet: np.ndarray) -> str:
    from reverie.media.write import encode_picture

    blob = encode_picture("map.jpg", sheet, quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(blob).decode()


LATENT_EXPLORE: Tool[ExploreConfig] = Tool(
    name="latent explore", doing="drawing", ending="",
    summary="Make a page to wander through latent space on, and to click journeys together.",
    config=ExploreConfig, prepare=PreparedMap, upgrade=upgraded, roles=(MODEL,), makes="page", suffix=".html",
    examples=("reverie latent explore -o map.html", "reverie latent explore --class rose --across 6 --between 6"),
)  # fmt: skip
