"""Materials of glTF files: base color, its picture, and how that lies on texture coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reverie.errors import MeshError
from reverie.media.gltf_data import Gltf, Json, is_index, named, short, srgb_of
from reverie.media.mesh_file import Textures
from reverie.numerics.mesh import Material

CLAMP, MIRROR = 33071, 33648
DIFFUSE = "KHR_materials_pbrSpecularGlossiness"


@dataclass(frozen=True, eq=False)
class Slot:
    """One material, which set of texture coordinates it reads, and how they are changed on the way.

    Attributes:
        key: index in the file, -1 for none.
        material: what it is here.
        channel: number of the set.
        transform: ``[2, 3]`` of KHR_texture_transform, or None.
    """

    key: int
    material: Material
    channel: int = 0
    transform: np.ndarray | None = None

    def placed(self, uv: np.ndarray) -> np.ndarray:
        """Return ``[N, 2]`` texture coordinates of a file, whose ``v`` runs down, as this house counts, up."""
        if self.transform is not None:
            uv = uv @ self.transform[:, :2].T + self.transform[:, 2]
        return np.stack([uv[:, 0], 1 - uv[:, 1]], 1)


@dataclass
class Materials:
    """Reads each material of a file once."""

    file: Gltf
    notes: list[str]
    textures: Textures = field(default_factory=Textures)
    known: dict[int, Slot] = field(default_factory=dict)

    def slot(self, index: object) -> Slot:
        """Return a material by its index; the default one for None."""
        key = -1 if index is None else index
        if not isinstance(key, int) or (index is not None and not is_index(index)):
            raise self.file.broken("the index of a material is no number")
        if key not in self.known:
            self.known[key] = Slot(-1, Material("default", (1.0, 1.0, 1.0))) if key < 0 else self._read(key)
        return self.known[key]

    def _read(self, key: int) -> Slot:
        entry = self.file.entry("materials", key)
        extensions = named(entry.get("extensions"))
        shiny = named(extensions.get(DIFFUSE))
        base = named(entry.get("pbrMetallicRoughness"))
        factor, texture = base.get("baseColorFactor"), named(base.get("baseColorTexture"))
        if not base and shiny:
            factor, texture = shiny.get("diffuseFactor"), named(shiny.get("diffuseTexture"))
        if entry.get("alphaMode", "OPAQUE") != "OPAQUE":
            self.notes.append("transparent materials are shown opaque")
        if any(name in entry for name in ("normalTexture", "emissiveTexture", "occlusionTexture")):
            self.notes.append("of the pictures of a material only the color is used")
        name = str(entry.get("name", f"material {key}"))[:100]
        picture, repeats = self._picture(texture) if texture else (None, True)
        material = Material(name, self._color(factor), picture, repeats, "KHR_materials_unlit" in extensions)
        change = named(named(texture.get("extensions")).get("KHR_texture_transform"))
        channel = change.get("texCoord", texture.get("texCoord", 0))
        return Slot(key, material, channel if is_index(channel) else 0, _transform(change) if change else None)

    def _color(self, factor: object) -> tuple[float, float, float]:
        """Return sRGB of a linear factor."""
        try:
            linear = np.array([1, 1, 1] if factor is None else factor, np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise self.file.broken("a color is no numbers") from error
        if linear.shape not in ((3,), (4,)):
            raise self.file.broken("a color has no three numbers")
        r, g, b = srgb_of(linear[:3]).tolist()
        return r, g, b

    def _picture(self, info: Json) -> tuple[np.ndarray | None, bool]:
        texture = self.file.entry("textures", info.get("index"))
        extensions = named(texture.get("extensions"))
        webp = named(extensions.get("EXT_texture_webp")).get("source")
        source = texture.get("source", webp)
        sampler = self.file.entry("samplers", texture["sampler"]) if "sampler" in texture else {}
        wraps = (sampler.get("wrapS"), sampler.get("wrapT"))
        if MIRROR in wraps:
            self.notes.append("a picture that is mirrored beyond its border is repeated instead")
        repeats = CLAMP not in wraps
        if source is None:
            self.notes.append("a picture in a format other than PNG, JPEG and WebP was left out")
            return None, repeats
        picture, why = self._image(source)
        if why:
            self.notes.append(why)
        return picture, repeats

    def _image(self, index: object) -> tuple[np.ndarray | None, str]:
        image = self.file.entry("images", index)
        name = short(image.get("name") or f"image {index}")
        if "uri" in image:
            uri = image["uri"]
            name = name if str(uri).startswith("data:") else short(uri)
            return self.textures.read(str(index), self._external(uri), name)
        return self.textures.read(str(index), self.file.view(image.get("bufferView"))[0], name)

    def _external(self, uri: Any) -> bytes | None:
        try:
            return self.file.external(uri)
        except MeshError as error:
            self.notes.append(str(error))
            return None


def _transform(change: Json) -> np.ndarray | None:
    """Return ``[2, 3]`` of KHR_texture_transform: scale, then turn, then move.

    Differs: the angle runs counterclockwise with ``v`` down, as the text says; its formula says otherwise.
    """
    try:
        (x, y), (sx, sy) = change.get("offset", (0, 0)), change.get("scale", (1, 1))
        angle = float(change.get("rotation", 0))
        c, s = math.cos(angle), math.sin(angle)
        found = np.array([[c * sx, s * sy, x], [-s * sx, c * sy, y]], np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if np.isfinite(found).all() else None
