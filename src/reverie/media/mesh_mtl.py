"""Read the materials of OBJ files: names, colors, pictures.

Source: Wavefront, "MTL material format", Advanced Visualizer manual, chapter 5.
Differs: the diffuse color is taken as sRGB, and does not dim a picture, as most programs do it today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reverie.errors import MeshError
from reverie.media.mesh_file import Textures, beside, text_lines
from reverie.numerics.mesh import Material

PLAIN = ""  # name of the material of faces before any `usemtl`
MAX_MATERIALS = 4096
# options of a picture → how many words follow; more words than these are parts of a file name
OPTIONS = {
    "-blendu": 1, "-blendv": 1, "-boost": 1, "-bm": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1, "-mm": 2, "-o": 3,
    "-s": 3, "-t": 3, "-texres": 1, "-type": 1,
}  # fmt: skip


@dataclass
class Library:
    """Materials by name."""

    materials: dict[str, Material] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def material(self, name: str) -> Material:
        """Return one by its name; a grey one if nobody knows it."""
        found = self.materials.get(name)
        if found is None and name != PLAIN:
            self.say(f"the material '{name[:60]}' is in no MTL file beside the mesh: it is grey")
        return found or Material(name or "material")

    def say(self, line: str) -> None:
        """Note it once."""
        if line and line not in self.notes:
            self.notes.append(line)


def read_materials(source: Path, names: Sequence[str]) -> Library:
    """Return what the MTL files of an OBJ file say; what is missing is noted, not an error."""
    library, textures = Library(), Textures()
    for name in names:
        path = beside(source, name)
        if path is None:
            library.say(f"'{name[:60]}' is not beside the mesh: its materials are grey")
            continue
        _read(path, library, textures)
    library.materials = dict(library.materials)
    return library


def named_pictures(path: Path) -> list[str]:
    """Return the names of the pictures in an MTL file that are used here."""
    return [_picture(rest)[0] for word, rest in _words(path) if word == "map_kd"]


def _words(path: Path):
    for _, line in text_lines(path):
        word, _, rest = line.strip().partition(" ")
        yield word.lower(), rest.strip()


def _read(path: Path, library: Library, textures: Textures) -> None:
    current = None
    for word, rest in _words(path):
        if word == "newmtl":
            if len(library.materials) >= MAX_MATERIALS:
                raise MeshError(f"'{path.name}' has more than {MAX_MATERIALS} materials")
            current = rest
            library.materials[current] = Material(rest)
        elif current is not None:
            library.materials[current] = _changed(library.materials[current], word, rest, path, library, textures)


def _changed(
    material: Material, word: str, rest: str, path: Path, library: Library, textures: Textures
) -> Material:  # fmt: skip
    if word == "kd" and material.picture is None:
        color = _color(rest)
        if color is None:
            library.say(f"'{path.name}': the color of '{material.name[:60]}' cannot be understood: it is grey")
        return material if color is None else replace(material, color=color)
    if word in ("d", "tr") and rest not in ("", "1" if word == "d" else "0", "1.0" if word == "d" else "0.0"):
        library.say("transparent materials are shown opaque")
    if word in ("map_d", "map_bump", "bump", "map_ks", "map_pr", "map_pm", "norm", "disp"):
        library.say("of the pictures of a material only the color is used")
    if word != "map_kd":
        return material
    name, repeats = _picture(rest)
    picture, why = textures.read(name, beside(path, name), name)
    library.say(why)
    if picture is None:
        return material
    return replace(material, picture=picture, color=(1.0, 1.0, 1.0), repeats=repeats)


def _color(text: str) -> tuple[float, float, float] | None:
    try:
        r, g, b = (min(max(float(x), 0.0), 1.0) for x in (text.split() * 3)[:3])
    except ValueError:
        return None
    return (r, g, b) if r == r and g == g and b == b else None


def _picture(text: str) -> tuple[str, bool]:
    """Return the file name of a picture behind its options, and whether it repeats."""
    words, repeats = text.split(), True
    while len(words) > 1 and words[0] in OPTIONS:
        option, count = words[0], OPTIONS[words[0]]
        if option == "-clamp":
            repeats = words[1] != "on"
        if count == 3:  # one to three numbers
            count = next((i for i, word in enumerate(words[1:4]) if not _is_number(word)), 3)
        words = words[1 + count :]
    return " ".join(words), repeats


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
