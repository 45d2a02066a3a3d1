"""Three meshes in four styles and three classes, each from eight sides: the sheets of meshes in the gallery.

    python recipes/mesh_gallery.py MESHES STYLES RESULTS docs/gallery

MESHES holds spot.obj (its texture named in an MTL), bunny.obj and teapot.obj, and no other mesh; STYLES the pictures
named below. Meshes go to a folder of RESULTS for each look, where what is there already is not made again, and one
sheet per mesh to the last folder. About twenty minutes of one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from reverie.media.mesh import read_mesh
from reverie.media.sheet import contact_sheet
from reverie.render.camera import Camera, fitting_distance, turntable
from reverie.tools.mesh_show.turntable import Views

MESHES = ("spot", "bunny", "teapot")
STYLES = ("starry_night", "hokusai1", "kandinsky1", "munch1")
CLASSES = ("monarch", "brain-coral", "jellyfish")
ALL_SIDES = ("--lowest", "-75", "--highest", "80")
STYLED = ("--size", "224", *ALL_SIDES, "--steps", "90")
DREAMT = ("--size", "192", "--views", "1", *ALL_SIDES, "--steps", "80", "--texture-rate", "1.5")
SIDES = (
    *turntable(6, 15.0, start_deg=30.0), Camera(30, 75, fitting_distance(40.0)), Camera(30, -75, fitting_distance(40.0))
)  # fmt: skip
NAMES = (*(f"{side.azimuth_deg:g}°" for side in SIDES[:6]), "above", "below")
TILE_PX = 180


def commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """Return the command of each look."""
    meshes = str(options.meshes)
    styled = {name: ["style", meshes, str(options.styles / f"{name}.jpg"), *STYLED] for name in STYLES}
    return styled | {name: ["dream", meshes, "--class", name, *DREAMT] for name in CLASSES}


def make(options: argparse.Namespace) -> None:
    """Run all commands; what is there already is not made again."""
    for look, command in commands(options).items():
        whole = ["reverie", "mesh", *command, "--workers", "1", "-o", f"{options.results / look}/"]
        print(" ".join(whole), flush=True)
        subprocess.run([sys.executable, "-m", *whole], check=True)


def row(path: Path) -> list[np.ndarray]:
    """Return a mesh from all sides."""
    views = Views([read_mesh(path)], TILE_PX, "dark", supersample=2)
    return [views.picture(side) for side in SIDES]


def main() -> None:
    """Make the meshes and their sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("meshes", "styles", "results", "sheets"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    make(options)
    for mesh in MESHES:
        looks = commands(options)
        found = {look: next((options.results / look).glob(f"{mesh}*.glb")) for look in looks}
        tiles = [tile for path in found.values() for tile in row(path)]
        captions = [f"{look} {side}" for look in looks for side in NAMES]
        sheet = contact_sheet(tiles, columns=len(SIDES), tile_px=TILE_PX, captions=captions)
        Image.fromarray(sheet).save(options.sheets / f"mesh-{mesh}-sides.jpg", quality=85)


if __name__ == "__main__":
    main()
