"""What do the parts of `reverie embed` cost beside what one would write or use without it, at 15,000 pictures?

* features: pictures a second of `look` (decoding ahead, folded network, bf16 where that is faster) beside a plain loop
  that opens, resizes and looks at batches with the same network, in turn;
* layout: openTSNE on exact neighbors, as `reverie embed` runs it, beside scikit-learn's TSNE with its defaults, on the
  same 50 components, one thread each, at the same time; and how trustworthy both maps are;
* page: when the page of 15,000 thumbnails of 64 px is drawn in headless Chromium, and how many frames a second it
  draws while it is dragged.

    python benchmarks/embed.py features tiny-imagenet-200.zip --output benchmarks/results/embed_features.json
    python benchmarks/embed.py layout MAP_FOLDER --output benchmarks/results/embed_layout.json
    python benchmarks/embed.py page MAP_FOLDER --output benchmarks/results/embed_page.json

MAP_FOLDER comes from ``reverie embed tiny-imagenet-200.zip --limit 15000 -o MAP_FOLDER``.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from measure import MIB, in_child, interleaved, load_now, peak_of, peak_rss, report, summary, target
from PIL import Image
from torch import Tensor

PICTURES = 1024  # per round of the features
ROUNDS = 5
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAN_S = 4.0
OURS, PEER = "openTSNE", "scikit-learn"
LOADS = 5


# --- features -----------------------------------------------------------------------------------------------------


def features(options: argparse.Namespace) -> None:
    """Compare pictures a second."""
    from reverie.critic.open import open_critic
    from reverie.data.collection import open_collection
    from reverie.models.build import build_classifier
    from reverie.tools.embed.features import Seen, look
    from reverie.weights.checkpoint import load_model
    from reverie.weights.embedded import embedded_path

    load = load_now()
    collection = open_collection(options.path, limit=PICTURES)
    critic = open_critic("embedded", device="cpu")
    state, about = load_model(embedded_path())
    net = build_classifier(about.architecture, len(about.classes), about.options)
    net.load_state_dict(state)
    net.float().eval()
    kept: dict[str, Tensor] = {}

    def ours() -> None:
        seen = Seen()
        for _ in look(collection, critic, ["mixed5b"], pool="mean", size_px=64, thumb_px=64, batch=64, seen=seen):
            pass
        kept["ours"] = seen.rows("mixed5b")

    def plain() -> None:
        kept["plain"] = torch.cat(_plain(collection, net, about.mean, about.std))

    times = interleaved({"plain": plain, "ours": ours}, options.rounds)
    cosine = torch.nn.functional.cosine_similarity(kept["ours"], kept["plain"]).min()
    speed = {
        name: {"pictures_per_s": summary([PICTURES / s for s in found["wall_s"]]),
               "pictures_per_cpu_s": summary([PICTURES / s for s in found["cpu_s"]])}
        for name, found in times.items()
    }  # fmt: skip
    ratio = statistics.median(p / o for p, o in zip(times["plain"]["cpu_s"], times["ours"]["cpu_s"], strict=True))
    wall = statistics.median(p / o for p, o in zip(times["plain"]["wall_s"], times["ours"]["wall_s"], strict=True))
    results = {"speed": speed, "least_cosine_between_both": round(float(cosine), 5), "precision": critic.precision,
               "times_as_fast_wall": round(wall, 3), "memory": peak_of(ours, 1)}  # fmt: skip
    targets = [target("features a CPU second beside a plain loop", ">= 1", ratio, ratio >= 1)]
    report(__doc__ or "", {"pictures": PICTURES, "rounds": options.rounds}, results, targets, options.output, load)


def _plain(collection: Any, net: torch.nn.Module, mean: Any, std: Any) -> list[Tensor]:
    """Look at all pictures as one would without a tool: open, resize, stack, a hook, the mean over positions."""
    found: list[Tensor] = []
    hook = net.get_submodule("stages.mixed5b").register_forward_hook(lambda _m, _i, out: found.append(out.mean((2, 3))))
    shift, scale = torch.tensor(mean).view(3, 1, 1), torch.tensor(std).view(3, 1, 1)
    try:
        for first in range(0, len(collection.items), 64):
            batch = []
            for item in collection.items[first : first + 64]:
                image = Image.open(io.BytesIO(collection.archive.read(item.path))).convert("RGB").resize((64, 64))
                pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(64, 64, 3)
                batch.append((pixels.permute(2, 0, 1).float() / 255 - shift) / scale)
            with torch.no_grad():
                net(torch.stack(batch))
    finally:
        hook.remove()
    return found


# --- layout -------------------------------------------------------------------------------------------------------


def layout(options: argparse.Namespace) -> None:
    """Compare both t-SNE programs with their defaults, at the same time, each in a process and a thread of its own."""
    load = load_now()
    with ThreadPoolExecutor(2) as pool:
        runs = {name: pool.submit(in_child, __file__, name, str(options.path)) for name in (OURS, PEER)}
        found = {name: run.result() for name, run in runs.items()}
    ratio = found[PEER]["cpu_s"] / found[OURS]["cpu_s"]
    wall = found[PEER]["wall_s"] / found[OURS]["wall_s"]
    less = found[OURS]["trustworthiness_15"] - found[PEER]["trustworthiness_15"]
    targets = [
        target("openTSNE beside scikit-learn, CPU time", ">= 2.5", ratio, ratio >= 2.5),
        target("trustworthiness@15 less scikit-learn's", ">= -0.01", less, less >= -0.01),
    ]
    results = {**found, "times_as_fast_wall": round(wall, 3), "placing": _placing(options.path)}
    settings = {"pictures": found[OURS]["pictures"], "components": found[OURS]["components"], "threads": 1}
    report(__doc__ or "", settings, results, targets, options.output, load)


def one_layout(options: argparse.Namespace) -> None:
    """Lay out by one of the programs, and print what it took and how trustworthy the map is."""
    from sklearn.manifold import trustworthiness

    from reverie.tools.embed.fit import load_fit
    from reverie.tools.embed.layout import laid_out

    torch.set_num_threads(1)
    space, places = load_fit(options.path).space, torch.empty(0, 2)

    def work() -> None:
        nonlocal places
        if options.question == OURS:
            *_, (_, places) = laid_out(space, "tsne", perplexity=30, steps=750, seed=0)
        else:
            from sklearn.manifold import TSNE

            places = torch.from_numpy(TSNE(random_state=0, n_jobs=1).fit_transform(space.points.numpy()))

    times = _timed(work)
    trust = round(trustworthiness(space.points.numpy(), places.numpy(), n_neighbors=15), 5)
    shape = {"pictures": len(space.points), "components": space.points.shape[1]}
    print(json.dumps(times | shape | {"trustworthiness_15": trust, "peak_mib": round(peak_rss() / MIB)}))


def _timed(work: Callable[[], None]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def _placing(path: Path) -> dict[str, float]:
    """Return how long it takes to place one point on the finished map, and how far from its own place it falls."""
    from reverie.tools.embed.fit import load_fit
    from reverie.tools.embed.layout import placed

    fit = load_fit(path)
    chosen = torch.randperm(len(fit.names), generator=torch.Generator().manual_seed(0))[:50]
    seconds, away = [], []
    for index in chosen.tolist():
        began = time.perf_counter()
        found = placed(fit.space.points[index : index + 1], fit.space.points, fit.places, fit.perplexity)
        seconds.append(time.perf_counter() - began)
        away.append(float((found[0] - fit.places[index]).norm()))
    width = float((fit.places.amax(0) - fit.places.amin(0)).max())
    return {"median_s": round(statistics.median(seconds), 4), "slowest_s": round(max(seconds), 4),
            "median_distance_of_the_map": round(statistics.median(away) / width, 5)}  # fmt: skip


# --- page ---------------------------------------------------------------------------------------------------------

PAN = """async (seconds) => {
  const times = [];
  let turn = 0, last = performance.now();
  const began = last, cx = state.cx, cy = state.cy, radius = 0.25 * innerWidth / state.scale;
  while (last - began < seconds * 1000) {
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last); last = now; turn += 0.02;
    moveTo(cx + radius * Math.sin(turn), cy + radius * 0.7 * Math.sin(1.3 * turn), state.scale);
  }
  return times.slice(1);
}"""
WHEN = "() => Object.fromEntries(performance.getEntriesByType('mark').map((m) => [m.name, m.startTime]))"


def page(options: argparse.Namespace) -> None:
    """Open the page several times, then drag it, all of it in view and from near."""
    from playwright.sync_api import sync_playwright

    load, loads, pans = load_now(), [], {}
    address = (options.path / "index.html").resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
        for _ in range(LOADS):
            tab = browser.new_page(viewport={"width": 1280, "height": 800})
            tab.goto(address)
            tab.wait_for_function("performance.getEntriesByName('complete').length > 0", timeout=60_000)
            loads.append(tab.evaluate(WHEN))
            if len(loads) < LOADS:
                tab.close()
        count = tab.evaluate("data.count")
        for name, zoom in (("all in view", 1), ("enlarged 4 times", 4), ("enlarged 16 times", 4)):
            tab.evaluate(f"zoomAt(640, 400, {zoom})")
            tab.wait_for_timeout(2500)
            pans[name] = _frames([tab.evaluate(PAN, PAN_S) for _ in range(3)])
        version = browser.version
        browser.close()
    drawn = [found["complete"] / 1000 for found in loads]
    slowest = min(found["frames_per_s"]["median"] for found in pans.values())
    targets = [
        target("page drawn with all thumbnails, s", "< 2", statistics.median(drawn), statistics.median(drawn) < 2),
        target("frames a second while it is dragged, least of three scales", ">= 50", slowest, slowest >= 50),
    ]
    marks = {name: summary([found[name] / 1000 for found in loads]) for name in ("first", "pictures", "complete")}
    size = sum(p.stat().st_size for p in (options.path / "index.html", *(options.path / "sheets").glob("*")))
    results = {"seconds_after_navigation": marks, "pans": pans, "chromium": version, "page_bytes": size}
    report(__doc__ or "", {"pictures": count, "window": "1280 x 800", "flags": FLAGS}, results, targets, options.output,
           load)  # fmt: skip


def _frames(rounds: list[list[float]]) -> dict[str, Any]:
    """Return frames a second of each round, and how long the slowest twentieth of all frames took at least."""
    every = sorted(time_ms for times in rounds for time_ms in times)
    return {
        "frames_per_s": summary([1000 * len(times) / sum(times) for times in rounds]),
        "frame_ms": {"median": round(statistics.median(every), 2), "p95": round(every[int(0.95 * len(every))], 2)},
    }


def main() -> None:
    """Answer one of the questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=("features", "layout", OURS, PEER, "page"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--chromium", default=CHROMIUM)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    questions = {"features": features, "layout": layout, OURS: one_layout, PEER: one_layout, "page": page}
    questions[options.question](options)


if __name__ == "__main__":
    main()
