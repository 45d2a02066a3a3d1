"""Does a film of a latent walk keep the generator's own pace, and how near and how much quicker is a proxy?

The film, with its encoding, against the bare generator on the same latents; and the proxy against the network itself,
its pictures compared with small copies of the network's. In turn, in one process; of the largest network no film:

    python benchmarks/latent_film.py --output benchmarks/results/latent_film.json
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
from measure import arguments, gain, interleaved, load_now, report, summary, table, target

from reverie.jobs.run import Run
from reverie.jobs.session import Session
from reverie.models.stylegan2.config import GeneratorConfig, channels_of
from reverie.models.stylegan2.file import describe, halved
from reverie.models.stylegan2.generator import Generator
from reverie.tools.latent.config import WalkConfig
from reverie.tools.latent.model import LatentModel
from reverie.tools.latent_films.walk import LATENT_WALK, PreparedWalk
from reverie.weights.checkpoint import save_model

PACE = 0.9  # of the bare generator's, wanted of a film


def random_network(folder: Path, size: int) -> str:
    """Write a random network and return its path."""
    torch.manual_seed(0)
    config = GeneratorConfig(channels=channels_of(size))
    path = folder / f"random-{size}.safetensors"
    save_model(path, halved(Generator(config).state_dict()), describe(config))
    return str(path)


def measure(model: str, frames: int, rounds: int, folder: Path, *, filmed: bool = True) -> dict[str, Any]:
    """Return seconds a frame of generator, film and proxy, their ratios, and the nearness of the proxy in dB."""
    session = Session()
    config = WalkConfig(model=model, seconds=frames / 10, fps=10.0, seeds="0-3", codec_speed="veryfast")
    drawing = LatentModel(config, session)
    ws = [drawing.ws_of_seed(seed) for seed in range(frames)]
    near_db = drawing.proxy.psnr_db

    def film() -> None:
        run = Run(LATENT_WALK, PreparedWalk(config, session), config, None)
        for _ in run:
            pass
        run.save(folder / "film.mp4")
        run.close()

    def each(draw: Any) -> None:
        for one in ws:
            draw(one[None])

    variants = {"generator": partial(each, drawing.draw), "film": film, "proxy": partial(each, drawing.draft)}
    if not filmed:
        del variants["film"]
    times = interleaved(variants, rounds)
    wall = {name: [t / frames for t in values["wall_s"]] for name, values in times.items()}
    cpu = {name: [t / frames for t in values["cpu_s"]] for name, values in times.items()}
    return {
        "frames": frames, "cpu_s": {name: summary(values) for name, values in cpu.items()},
        "wall_s": {name: summary(values) for name, values in wall.items()},
        **({"pace_of_the_film": gain(cpu["generator"], cpu["film"])["median"]} if filmed else {}),
        "proxy_times_faster": gain(cpu["generator"], cpu["proxy"])["median"], "proxy_db": round(near_db, 1),
        "proxy_stage": drawing.proxy.stage,
    }  # fmt: skip


def main() -> None:
    """Measure the shipped network and a large random one."""
    args = arguments(__doc__, rounds=3, size=512, largest=1024).parse_args()
    torch.set_num_threads(1)
    load = load_now()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = {
            "flowers, 64 px": measure("flowers", 40, args.rounds, folder),
            f"random, {args.size} px": measure(random_network(folder, args.size), 4, args.rounds, folder),
        }
        large = list(cases.values())[-1]["pace_of_the_film"]
        model = random_network(folder, args.largest)
        cases[f"random, {args.largest} px"] = measure(model, 2, args.rounds, folder, filmed=False)
    rows = [
        [n, c["cpu_s"]["generator"]["median"], c["cpu_s"].get("film", {}).get("median", ""),
         c.get("pace_of_the_film", ""), c["proxy_times_faster"], c["proxy_db"]] for n, c in cases.items()
    ]  # fmt: skip
    table(["network", "generator s", "film s", "pace of the film", "proxy times faster", "proxy dB"], rows)
    targets = [target(f"{args.size} px, pace of the film", f"at least {PACE}", large, large >= PACE)]
    report(
        "Does a film keep the generator's pace?",
        {"rounds": args.rounds, "threads": 1},
        cases,
        targets,
        args.output,
        load,
    )


if __name__ == "__main__":
    main()
