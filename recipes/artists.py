"""From names of painters to dreams in their manner: the whole way, each step kept and not made twice.

    python recipes/artists.py artists --data paintings.zip --photo examples/valley.jpg

    python recipes/artists.py artists --names "Titian, Claude Monet, Hokusai" --photo examples/valley.jpg

The first takes pictures that are there; the second gathers them (``reverie gather artists``, whose servers are told
``REVERIE_CONTACT``). Everything goes into one folder: pictures without margins, network, report, map, layers, class
pictures, dreams. ``--small`` goes the whole way with 30 pictures of each painter and few steps, in a few minutes, to
see whether everything is there before the real one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reverie.canvas.pixels import PixelCanvas
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.data.collection import open_collection
from reverie.media.image import read_picture, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.media.write import write_picture
from reverie.numerics.resample import octave_sizes, resize
from reverie.objective import Objective
from reverie.optimize.ascend import StepRule, ascend_pixels
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms
from reverie.tools.embed_atlas.dreaming import direction_goal

MARGIN_WHITE, MARGIN_FLAT = (
    0.9,
    0.06,
)  # mean and deviation of rows and columns that belong to the ground of a photograph
LEAST_LEFT = 0.3  # of a side that remains; else the picture itself is white
SHEET_PX = 256
OCTAVES = 3
PHOTO_PX = 320  # longer side of the dreams
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Effort:
    """How much of everything.

    Attributes:
        pictures: of each painter at most; None for all.
        training: options of the training beside its recipe.
        drawn_px: side of the class pictures.
        drawing_steps: of them.
        dream_steps: at each size.
        turning_steps: along a direction.
    """

    pictures: int | None = None
    training: tuple[str, ...] = ()
    drawn_px: int = 192
    drawing_steps: int = 128
    dream_steps: int = 12
    turning_steps: int = 36


WHOLE = Effort()
SMALL = Effort(30, ("--epochs", "2", "--input-px", "64"), 96, 24, 3, 6)


def reverie(*words: object) -> None:
    """Run a command of Reverie, shown as a user would type it."""
    texts = [str(word) for word in words]
    print("\n$ reverie", " ".join(texts), flush=True)
    subprocess.run([sys.executable, "-m", "reverie", *texts], check=True)


def trimmed(rgb: np.ndarray) -> np.ndarray:
    """Return a picture ``[H, W, 3]`` in [0, 1] without white margins, which would give away who photographed it."""
    grey = rgb.mean(2)
    top, bottom = _inside(grey)
    left, right = _inside(grey[top:bottom].T)
    return rgb[top:bottom, left:right]


def _inside(grey: np.ndarray) -> tuple[int, int]:
    flat = (grey.mean(1) > MARGIN_WHITE) & (grey.std(1) < MARGIN_FLAT)
    inner = np.flatnonzero(~flat)
    if not len(inner) or len(inner) < LEAST_LEFT * len(flat):
        return 0, len(flat)
    first, last = int(inner[0]), int(inner[-1]) + 1
    return first + 2 * (first > 0), last - 2 * (last < len(flat))  # and the blurred edge


def prepare(data: Path, folder: Path, most: int | None) -> None:
    """Write the pictures of class folders without margins, at most so many of each."""
    if folder.exists():
        return
    collection = open_collection(data)
    part = folder.with_name(f"{folder.name}.part")
    counts = Counter[str]()
    for number, item in enumerate(collection.items):
        name = collection.classes[item.label]
        counts[name] += 1
        if most is not None and counts[name] > most:
            continue
        (part / name).mkdir(parents=True, exist_ok=True)
        picture = read_picture(collection.archive.open(item.path), name=item.path)
        write_picture(part / name / f"{number:05d}.jpg", trimmed(picture.rgb), quality=93)
    part.rename(folder)


def learn(out: Path, effort: Effort) -> None:
    """Train the classifier, measure it, and look at how it sees the pictures."""
    data, model = out / "trimmed", out / "run" / "model.safetensors"
    if not model.exists():
        reverie("train", "classifier", data, "--recipe", HERE / "artists.yaml", *effort.training,
                "-o", out / "run")  # fmt: skip
    reverie("train", "evaluate", model, data, "-o", out / "report")
    reverie("embed", data, "--model", model, "-o", out / "map")
    reverie("embed", "layers", data, "--model", model, "--pictures", "held-out", "-o", out / "layers-held-out.png")
    reverie("embed", "layers", data, "--model", model, "-o", out / "layers.png")


def draw(out: Path, classes: Sequence[str], effort: Effort) -> None:
    """Draw a picture of each painter as the network imagines him."""
    (out / "classes").mkdir(exist_ok=True)
    for name in classes:
        target = out / "classes" / f"{name}.png"
        if not target.exists():
            reverie("visualize", out / "run" / "model.safetensors", "--class", name, "--prior", "stack",
                    "--size", effort.drawn_px, "--crops", 6, "--steps", effort.drawing_steps, "-o", target)  # fmt: skip


def dream(out: Path, photo: Path, classes: Sequence[str], effort: Effort) -> None:
    """Dream a photograph toward each painter: below a mask, and with the textures of one of his paintings."""
    model = out / "run" / "model.safetensors"
    small, mask = photograph(photo, out)
    for kind in ("masked", "target"):
        (out / kind).mkdir(exist_ok=True)
    for name in classes:
        options = ("--model", model, "--class", name, "--octaves", OCTAVES, "--steps", effort.dream_steps,
                   "--step-size", 0.011)  # fmt: skip
        target = out / "masked" / f"{name}.png"
        if not target.exists():
            reverie("dream", small, *options, "--mask", mask, "-o", target)
        target = out / "target" / f"{name}.png"
        if not target.exists():
            reverie("dream", small, *options, "--target-from", out / "trimmed", "--target-class", name,
                    "--target-weight", 12, "-o", target)  # fmt: skip


def photograph(photo: Path, out: Path) -> tuple[Path, Path]:
    """Write the photograph at the size of a dream, and a mask that is white below its horizon; return both."""
    small, mask = out / "photo.png", out / "mask.png"
    image = torch.from_numpy(read_picture(photo).rgb).permute(2, 0, 1)[None]
    height, width = image.shape[-2:]
    size = (round(PHOTO_PX * height / width), PHOTO_PX)
    write_picture(small, resize(image, size).clamp(0, 1)[0].permute(1, 2, 0).numpy())
    ramp = np.clip((np.linspace(0, 1, size[0]) - 0.4) / 0.1, 0, 1).astype(np.float32)
    write_picture(mask, np.broadcast_to(ramp[:, None, None], (*size, 3)).copy())
    return small, mask


def turn(out: Path, classes: Sequence[str], effort: Effort, layer: str = "mixed5a") -> None:
    """Dream the photograph along directions between painters in a layer: toward one, away from another."""
    (out / "directions").mkdir(exist_ok=True)
    critic = open_critic(str(out / "run" / "model.safetensors"))
    rgb = read_picture(out / "photo.png").rgb
    image = torch.from_numpy(rgb).permute(2, 0, 1)[None]
    for a, b in zip(classes, (*classes[1:], classes[0]), strict=True):
        pair = f"{a}-{b}"
        target = out / "directions" / f"{pair}.png"
        if target.exists():
            continue
        print(f"\ndirection {pair}", flush=True)
        goal = direction_goal(out / "layers-centers.safetensors", pair, critic, layer)
        write_picture(target, along(image, goal, critic, effort.turning_steps))


def along(image: torch.Tensor, goal: Objective, critic: Critic, steps: int) -> np.ndarray:
    """Return a picture ``[H, W, 3]`` dreamt toward a goal over three sizes, from coarse to fine."""
    ascent = Ascent(critic, goal, Transforms(jitter_px=24))
    generator = torch.Generator().manual_seed(0)
    detail = torch.zeros(1, 3, 1, 1)
    base = image
    for size in octave_sizes((image.shape[-2], image.shape[-1]), OCTAVES, 1.5, 96):
        base = resize(image, size).clamp(0, 1)
        canvas = PixelCanvas((base + (resize(detail, size) if detail.shape[-1] > 1 else 0)).clamp(0, 1))
        for _ in ascend_pixels(canvas, ascent, StepRule(0.012), steps // OCTAVES, generator):
            pass
        detail = canvas.pixels.detach() - base
    return (base + detail)[0].permute(1, 2, 0).numpy()


def sheet(files: Sequence[Path], target: Path, *, columns: int, tile_px: int = SHEET_PX) -> None:
    """Write pictures side by side, their names below."""
    tiles = [to_uint8(read_picture(path).rgb) for path in files]
    sheet_rgb = contact_sheet(tiles, columns=columns, tile_px=tile_px, captions=[path.stem for path in files])
    Image.fromarray(sheet_rgb).save(target, quality=84)
    print(target)


def sheets(out: Path, classes: Sequence[str]) -> Iterator[Path]:
    """Write one sheet of each kind of result."""
    for kind in ("classes", "masked", "target"):
        files = [out / kind / f"{name}.png" for name in classes]
        first = [] if kind == "classes" else [out / "photo.png"]
        target = out / f"{kind}.jpg"
        sheet([*first, *files], target, columns=len(classes) + len(first))
        yield target
    target = out / "directions.jpg"
    sheet(sorted((out / "directions").glob("*.png")), target, columns=len(classes))
    yield target


def main() -> None:
    """Go all the way, from where it stands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="folder of everything")
    parser.add_argument("--data", type=Path, help="folder or zip with a folder of pictures per painter")
    parser.add_argument("--names", help="painters to gather, where there is no --data")
    parser.add_argument("--photo", type=Path, default=HERE.parent / "examples" / "valley.jpg")
    parser.add_argument("--small", action="store_true", help="few pictures and steps, to see whether it works")
    options = parser.parse_args()
    effort = SMALL if options.small else WHOLE
    out: Path = options.output
    out.mkdir(parents=True, exist_ok=True)
    data = options.data
    if data is None:
        data = out / "gathered"
        if not data.exists():
            reverie("gather", "artists", options.names, "-o", data)
    prepare(data, out / "trimmed", effort.pictures)
    learn(out, effort)
    classes = sorted(path.name for path in (out / "trimmed").iterdir())
    draw(out, classes, effort)
    dream(out, options.photo, classes, effort)
    turn(out, classes, effort)
    list(sheets(out, classes))


if __name__ == "__main__":
    main()
