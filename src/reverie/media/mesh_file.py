"""What the readers of all mesh formats share: limits, lines of text, files beside, textures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from reverie.errors import MeshError, PictureError

MAX_TRIANGLES = 1_000_000
MAX_BYTES = 1 << 30  # of a file
MAX_LINE_BYTES = 1 << 20
MAX_TEXTURE_PIXELS = 1 << 26  # 8192 x 8192
MAX_ALL_PIXELS = 1 << 28  # of all textures of one mesh


@dataclass(frozen=True)
class Limit:
    """How large a mesh may be."""

    name: str
    most: int

    def triangles(self, count: int) -> None:
        """Refuse more triangles than were asked for.

        Raises:
            MeshError: says what to do.
        """
        if count > self.most:
            raise MeshError(
                f"'{self.name}' has more than {self.most:,} triangles; reduce the mesh, or allow more with "
                "--max-triangles"
            )

    def vertices(self, count: int) -> None:
        """Refuse more vertices than as many triangles can have.

        Raises:
            MeshError: says so.
        """
        if count > 3 * self.most + 1000:
            raise MeshError(
                f"'{self.name}' has {count:,} vertices or more, too many for {self.most:,} triangles; reduce the mesh, "
                "or allow more with --max-triangles"
            )


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return a file's bytes.

    Raises:
        MeshError: missing, not a file, unreadable, or larger.
    """
    check_file(path, most)
    try:
        with path.open("rb") as file:
            blob = file.read(most + 1)
    except OSError as error:
        raise MeshError(f"cannot read '{path.name}': {error.strerror or error}") from error
    if len(blob) > most:
        raise MeshError(f"'{path.name}' has more than {most >> 20} MB; reduce the mesh first")
    return blob


def check_file(path: Path, most: int = MAX_BYTES) -> None:
    """Refuse what is no file, or a larger one.

    Raises:
        MeshError: says so.
    """
    try:
        if not path.exists():
            raise MeshError(f"no mesh at '{path}'")
        if not path.is_file():
            raise MeshError(f"'{path}' is no file; expected a mesh")
        if path.stat().st_size > most:
            raise MeshError(f"'{path.name}' has more than {most >> 20} MB; reduce the mesh first")
    except (OSError, ValueError) as error:
        raise MeshError(f"cannot read '{path.name}': {error}") from error


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines of a file, those that end with a backslash joined with the next.

    Raises:
        MeshError: unreadable, too large, or a line that is no text.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            number, before = 0, ""
            while line := file.readline(MAX_LINE_BYTES):
                number += 1
                text = before + line.decode("utf-8", errors="replace").rstrip("\r\n")
                if len(text) >= MAX_LINE_BYTES:
                    raise MeshError(f"'{path.name}', line {number}: longer than {MAX_LINE_BYTES >> 20} MB, no text")
                if text.endswith("\\"):
                    before = text[:-1] + " "
                    continue
                before = ""
                yield number, text
            if before:
                yield number, before
    except OSError as error:
        raise MeshError(f"cannot read '{path.name}': {error.strerror or error}") from error


def beside(source: Path, name: str, *, encoded: bool = False) -> Path | None:
    """Return a file that a mesh names, if it lies in the mesh's own folder or below; its bare name is tried as well.

    Args:
        source: the mesh.
        name: as the mesh has it, with either kind of slash.
        encoded: with ``%20`` for a space, as in URIs.
    """
    plain = (unquote(name) if encoded else name).replace("\\", "/")
    folder = source.parent.resolve()
    for candidate in (plain, plain.rpartition("/")[2]):
        try:
            found = (folder / candidate).resolve()
            if candidate and found.is_relative_to(folder) and found.is_file():
                return found
        except (OSError, ValueError):
            continue  # a name that no file can have
    return None


@dataclass
class Textures:
    """Reads the pictures of one mesh, each once, all of them within one budget of pixels."""

    known: dict[str, tuple[np.ndarray | None, str]] = field(default_factory=dict)
    pixels: int = 0

    def read(self, key: str, source: Path | bytes | None, name: str) -> tuple[np.ndarray | None, str]:
        """Return ``[h, w, 3]`` uint8 and "", or None and why; a lost transparency is said beside the picture.

        Args:
            key: the same for the same picture.
            source: file or its bytes; None if it is not there.
            name: for messages.
        """
        if key not in self.known:
            self.known[key] = self._decoded(source, name)
        return self.known[key]

    def _decoded(self, source: Path | bytes | None, name: str) -> tuple[np.ndarray | None, str]:
        from reverie.media.image import read_picture, to_uint8

        if source is None:
            return None, f"the texture '{name}' is not beside the mesh: the plain color is used"
        left = min(MAX_TEXTURE_PIXELS, MAX_ALL_PIXELS - self.pixels)
        try:
            stream = io.BytesIO(source) if isinstance(source, bytes) else source
            picture = read_picture(stream, name=name, max_pixels=max(left, 1))
        except PictureError as error:
            return None, f"{error}: the plain color is used"
        self.pixels += picture.rgb.shape[0] * picture.rgb.shape[1]
        lost = "" if picture.alpha is None else f"the texture '{name}' is shown without its transparency"
        return to_uint8(picture.rgb), lost


def unit_normals(normals: np.ndarray) -> np.ndarray | None:
    """Return ``[F, 3, 3]`` normals of length 1; None if one has no direction."""
    with np.errstate(over="ignore", invalid="ignore"):
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
    if not np.isfinite(length).all() or not (length > 0).all():
        return None
    return (normals / length).astype(np.float32)
