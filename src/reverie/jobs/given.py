"""The streamed input of a work as it was found: named and hashed at once, decoded when somebody asks."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reverie.data.folder import files_below
from reverie.errors import InputError
from reverie.jobs.job import Input

if TYPE_CHECKING:
    from reverie.media.image import Picture
    from reverie.numerics.mesh import Mesh


class Given:
    """A file, or a picture in memory.

    Args:
        path: where the file lies.
        picture: in its place: a picture that came through a pipe or from a program.
        kind: what it is taken for: "picture", "film", "mesh", "folder", ...
        called: the name to store instead of the file's own, as a replay with renamed files needs.

    Attributes:
        size: height and width, once they are known; of a film, set by whoever opens it.
    """

    def __init__(
        self, path: Path | None = None, picture: Picture | None = None, *, kind: str = "picture",
        called: str | None = None,
    ) -> None:  # fmt: skip
        if path is None and picture is None:
            raise InputError("there is nothing to work on; name a file")
        self.path, self._picture, self.kind = path, picture, kind
        self.size: tuple[int, int] | None = None
        self._notes: tuple[str, ...] | None = None if picture is None else picture.notes
        self.name = called or (path.name if path is not None else picture.name if picture is not None else "")

    @cached_property
    def picture(self) -> Picture:
        """The picture, decoded.

        Raises:
            PictureError: missing, damaged, or no picture.
        """
        from reverie.media.image import read_picture

        if self._picture is not None:
            return self._picture
        assert self.path is not None
        found = read_picture(self.path)
        self._notes = found.notes
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out of the picture or reduced, one line each; nothing for what is no picture."""
        from reverie.media.image import picture_notes

        if self._notes is None:
            self._notes = picture_notes(self.path) if self.path is not None and self.kind == "picture" else ()
        return self._notes

    def mesh(self, *, max_triangles: int = 1_000_000, up: Literal["auto", "y", "z"] = "auto") -> Mesh:
        """Return the mesh, read anew; see `reverie.media.mesh.read_mesh`.

        Raises:
            MeshError: missing, damaged, too large, or no mesh.
        """
        from reverie.media.mesh import read_mesh

        assert self.path is not None
        return read_mesh(self.path, max_triangles=max_triangles, up=up)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file's bytes, or of the pixels in memory.

        Raises:
            InputError: the file cannot be read.
        """
        if self._picture is not None:
            return self._picture.sha256
        assert self.path is not None
        return sha256_of(self.path)

    def release(self) -> None:
        """Let go of the picture decoded from a file once it has been used; name, hash and size stay known."""
        self.size = self._sized()
        if self.path is not None:
            self.__dict__.pop("picture", None)

    def record(self) -> Input:
        """Return what a job says of it."""
        if self.kind != "picture" and self.size is None:
            return Input(self.name, self.sha256)
        height, width = self._sized()
        return Input(self.name, self.sha256, width, height)

    def _sized(self) -> tuple[int, int]:
        """Return height and width; by the header where nobody has decoded the picture."""
        from reverie.media.strips import upright_size

        if self.size is not None:
            return self.size
        if self.path is not None and "picture" not in self.__dict__:
            return upright_size(self.path)
        height, width = self.picture.rgb.shape[:2]
        return int(height), int(width)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, or of the names and bytes of a folder's files, read in pieces.

    A mesh in several files has the hash of all of them: its own first, then materials, pictures and buffers.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError(f"'{path}' is a pipe or a device; give a plain file")
        if path.is_dir():
            digest = hashlib.sha256()
            for file in sorted(files_below(path)):
                digest.update(file.relative_to(path).as_posix().encode() + b"\0" + _digest(file).encode())
            return digest.hexdigest()
        if path.suffix.lower() in (".obj", ".gltf"):
            return _digest_of_mesh(path)
        return _digest(path)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror or error}") from error


def _digest_of_mesh(path: Path) -> str:
    from reverie.media.mesh import companions

    parts = [_digest(file) for file in (path, *companions(path))]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()


_KNOWN: dict[tuple[str, int, int], str] = {}  # by path, time of change and size, so that a batch hashes a style once


def _digest(path: Path) -> str:
    status = path.stat()
    key = (str(path.resolve()), status.st_mtime_ns, status.st_size)
    if key not in _KNOWN:
        if len(_KNOWN) > 4096:
            _KNOWN.clear()
        with path.open("rb") as file:
            _KNOWN[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _KNOWN[key]
