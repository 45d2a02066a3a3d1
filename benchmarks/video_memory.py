"""Does a long video need more memory than a short one? Peaks of 30 and of 600 frames, from reading to the last byte."""

from __future__ import annotations

import json
import tempfile
from fractions import Fraction
from pathlib import Path

import measure
import numpy as np
from PIL import Image

APART = 0.05


def write_clip(path: Path, frames: int, size: tuple[int, int]) -> None:
    """Write a clip that wanders over a photo, so that no two frames are alike."""
    from reverie.media.video_write import VideoWriter

    photo = Image.open(measure.PICTURE).convert("RGB")
    whole = np.asarray(photo.resize((size[1] + 160, size[0] + 90), Image.Resampling.LANCZOS))
    with VideoWriter(path, size, Fraction(30), crf=20, preset="veryfast") as writer:
        for number in range(frames):
            turn = 2 * np.pi * number / 150
            x, y = round(80 + 79 * np.sin(turn)), round(45 + 44 * np.sin(1.7 * turn))
            writer.write(np.ascontiguousarray(whole[y : y + size[0], x : x + size[1]]))


def run(frames: int, size: tuple[int, int]) -> dict[str, float]:
    """Dream a clip from file to file in this process and return its peak."""
    from reverie.tools.dream.config import DreamConfig
    from reverie.tools.dream_film.video_work import VideoDream
    from reverie.tools.films.video_config import VideoConfig

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "clip.mp4"
        write_clip(source, frames, size)
        config = DreamConfig(octaves=2, steps=1, precision="fp32")
        work = VideoDream(source, Path(folder) / "dream.mp4", config, VideoConfig(later_steps=1))
        peaks = {}
        for step in work:
            if step.index + 1 in (10, 30, 100, 300, 600):
                peaks[f"after_{step.index + 1}_mib"] = round(measure.peak_rss() / measure.MIB, 1)
        done = work.finish()
        assert done["frames"] == frames
    return {"frames": frames, "peak_mib": round(measure.peak_rss() / measure.MIB, 1)} | peaks


def main() -> None:
    """Measure both lengths in processes of their own and compare."""
    parser = measure.arguments(__doc__, short=30, long=600, width=426, height=240, only=0)
    given = parser.parse_args()
    size = (given.height, given.width)
    if given.only:
        print(json.dumps(run(given.only, size)))
        return
    load = measure.load_now()
    sizes = ("--width", str(given.width), "--height", str(given.height))
    results = {str(n): measure.in_child(__file__, "--only", str(n), *sizes) for n in (given.short, given.long)}
    short, long = (results[str(n)]["peak_mib"] for n in (given.short, given.long))
    measure.table(("frames", "peak MiB"), [(n, results[n]["peak_mib"]) for n in results])
    apart = abs(long / short - 1)
    what = f"peak of {given.long} frames against {given.short}, relative difference"
    targets = [measure.target(what, f"<= {APART}", apart, apart <= APART)]
    settings = {k: v for k, v in vars(given).items() if k not in ("output", "only")}
    question = "Does the peak memory of a video dream grow with its length?"
    measure.report(question, settings, results, targets, given.output, load)


if __name__ == "__main__":
    main()
