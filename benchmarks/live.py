"""Live shows and sound: control latency and rate, sync of sound with picture, and the seam of a loop.

Latency is from an OSC message over the loopback until the first frame that differs is drawn, of a scene that stands
still. Sync compares flashes of a film with the onsets that are heard after muxing and decoding. The seam compares the
spectrum across the end of a looped sound with those across all other places.

    python benchmarks/live.py --output benchmarks/results/live.json
"""

from __future__ import annotations

import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import arguments, load_now, report, summary, table, target

from reverie.jobs.run import Run
from reverie.jobs.session import Session
from reverie.media.audio import RATE_HZ, read_audio
from reverie.media.signals.osc import send_osc
from reverie.media.video_write import VideoWriter
from reverie.models.stylegan2.config import GeneratorConfig, channels_of
from reverie.models.stylegan2.file import describe, halved
from reverie.models.stylegan2.generator import Generator
from reverie.tools.latent_live.tool import LatentLiveConfig, PreparedLive
from reverie.tools.sound.config import SoundFilmConfig
from reverie.tools.sound.film import SOUND_FILM, PreparedSound
from reverie.weights.checkpoint import save_model

LATENCY_MS, SYNC_MS = 100, 20
MAP = """
inputs: {osc: 0}
signals: {push: {from: osc /push, smooth: 0, timeout: 0s}}
moves:
  direction 0: {signal: push, from: 0, to: 2}
  speed: {signal: push, from: 0, to: 0}
"""


def random_network(folder: Path, size: int) -> str:
    """Write a random network of half the usual width and return its path."""
    torch.manual_seed(0)
    config = GeneratorConfig(channels=tuple(max(8, c // 2) for c in channels_of(size)))
    path = folder / f"random-{size}.safetensors"
    save_model(path, halved(Generator(config).state_dict()), describe(config))
    return str(path)


def show(model: str, folder: Path, tries: int) -> dict[str, Any]:
    """Return milliseconds from OSC to frame, and frames a second while the scene moves without pause."""
    (folder / "map.yaml").write_text(MAP)
    still = LatentLiveConfig(model=model, seeds="0-3", map=str(folder / "map.yaml"), fps=120)
    work = PreparedLive(still, Session()).work(None, 0)
    port, sent, found, level = work.inputs.drivers[0].port, [0.0], list[float](), [0]

    def push() -> None:
        level[0] += 1
        sent[0] = time.perf_counter()
        send_osc("127.0.0.1", port, "/push", [level[0] % 2 * 1.0])

    before, begun, settled = None, time.monotonic(), 0
    for progress in work:
        frame = progress.preview()
        if before is not None and sent[0] and not np.array_equal(frame, before):
            found.append(1000 * (time.perf_counter() - sent[0]))
            sent[0], settled = 0.0, 0
        settled += 1
        before = frame
        if len(found) >= tries or time.monotonic() - begun > 25:
            break
        if not sent[0] and settled > 2:
            threading.Timer(0.03 * np.random.default_rng(len(found)).random(), push).start()
            settled = -(10**9)
    work.close()
    moving = PreparedLive(LatentLiveConfig(model=model, seeds="0-3", speed=1.0, fps=240, seconds=4.0), Session())
    work = moving.work(None, 0)
    began, cpu = time.monotonic(), time.process_time()
    frames = sum(1 for _ in work)
    spent, cpu = time.monotonic() - began, time.process_time() - cpu
    work.close()
    return {"latency_ms": summary(found), "tries": len(found), "frames_per_s": round(frames / spent, 1),
            "frames_per_cpu_s": round(frames / cpu, 1), "drafts": work.drafts}  # fmt: skip


def flashes(path: Path, seconds: int, rate: int = 10) -> list[float]:
    """Write a film that flashes now and then; return when."""
    random = np.random.default_rng(0)
    base, at = random.integers(40, 80, (32, 48, 3)), list(range(rate * 2, seconds * rate - rate, rate * 3 + 7))
    with VideoWriter(path, (32, 48), Fraction(rate), preset="ultrafast") as writer:
        for number in range(seconds * rate):
            flash = 150 if any(0 <= number - start < 3 for start in at) else 0
            writer.write((base + flash + number % 3).clip(0, 255).astype(np.uint8))
    return [number / rate for number in at]


def sync(folder: Path, seconds: int) -> dict[str, Any]:
    """Return how far, in milliseconds, the sound of a flash lies from its frame, over a long film."""
    times = flashes(folder / "flashes.mp4", seconds)
    config = SoundFilmConfig(drone=0.0, grains=0.0, room=0.0, bells=0.001)
    from reverie.jobs.given import Given

    given = Given(folder / "flashes.mp4", kind="film")
    run = Run(SOUND_FILM, PreparedSound(config, Session()), config, given)
    for _ in run:
        pass
    run.save(folder / "flashes-sound.mp4")
    heard = np.abs(read_audio(folder / "flashes-sound.mp4")).max(1)
    errors = []
    for time_s in times:
        begin = round((time_s - 0.15) * RATE_HZ)
        piece = heard[begin : begin + round(0.3 * RATE_HZ)]
        errors.append(1000 * (begin + int(np.argmax(piece > 0.5 * piece.max()))) / RATE_HZ - 1000 * time_s)
    return {"film_s": seconds, "flashes": len(times), "worst_ms": round(max(map(abs, errors)), 2),
            "mean_ms": round(float(np.mean(errors)), 2)}  # fmt: skip


def seam(folder: Path) -> dict[str, Any]:
    """Return the spectral step across the seam of a looped sound, and the median and 95th percentile of all others."""
    from reverie.tools.sound.config import SoundSettings
    from reverie.tools.sound.motion import FilmMotion
    from reverie.tools.sound.synthesis import synthesize

    count = 250
    u = np.arange(count) / count
    wave = lambda k, p: 0.5 + 0.5 * np.sin(2 * np.pi * (k * u + p))  # noqa: E731
    motion = FilmMotion(25.0, wave(2, 0.1), wave(3, 0.4), wave(1, 0.0), wave(1, 0.6), wave(2, 0.3), u, wave(1, 0.2),
                        np.zeros(0, int), closes=True)  # fmt: skip
    sound = synthesize(motion, SoundSettings(), closed=True).mean(1)
    size = 2048
    ring = np.concatenate([sound, sound[: 2 * size]])
    starts = np.arange(0, len(sound), 512)
    window = np.hanning(size)

    def step(at: int) -> float:
        a, b = (np.abs(np.fft.rfft(ring[s : s + size] * window)) for s in (at, at + size))
        return float(np.abs(np.log1p(100 * a) - np.log1p(100 * b)).mean())

    steps = np.array([step(int(s)) for s in starts])
    across = step(len(sound) - size)
    jumps = np.abs(np.diff(np.append(sound, sound[0])))
    return {"across": round(across, 4), "median": round(float(np.median(steps)), 4),
            "p95": round(float(np.percentile(steps, 95)), 4), "sample_jump": round(float(jumps[-1]), 5),
            "sample_jump_p99": round(float(np.percentile(jumps, 99)), 5)}  # fmt: skip


def main() -> None:
    """Measure and report."""
    args = arguments(__doc__, rounds=8, seconds=600).parse_args()
    torch.set_num_threads(1)
    load = load_now()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shows = {
            "flowers, 64 px": show("flowers", folder, args.rounds),
            "random, 256 px, half width": show(random_network(folder, 256), folder, args.rounds),
        }
        found = {"shows": shows, "sync": sync(folder, args.seconds), "seam": seam(folder)}
    rows = [[n, s["latency_ms"]["median"], s["frames_per_s"], s["frames_per_cpu_s"]] for n, s in shows.items()]
    table(["show", "latency ms", "frames/s", "frames/CPU s"], rows)
    targets = [
        target(f"{name}: OSC in to frame out, ms", f"below {LATENCY_MS}", one["latency_ms"]["median"],
               one["latency_ms"]["median"] < LATENCY_MS)
        for name, one in shows.items()
    ]  # fmt: skip
    worst, step = found["sync"]["worst_ms"], found["seam"]
    targets.append(target("worst sync, ms", f"below {SYNC_MS}", worst, worst < SYNC_MS))
    targets.append(target("spectral step across the seam", "at most the median of the others",
                          step["across"], step["across"] <= step["median"]))  # fmt: skip
    report("How quick is a show, and is its sound in time?", {"rounds": args.rounds, "threads": 1}, found, targets,
           args.output, load)  # fmt: skip


if __name__ == "__main__":
    main()
