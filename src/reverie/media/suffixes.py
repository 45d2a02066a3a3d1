"""What files are called: one table of suffixes by kind, which everything that asks for a kind reads.

Content decides where there is a file; a suffix decides what is looked for in a folder, what a file that is not there
yet would be, and in which formats results are written. Free of imports, so that help stays instant.
"""

from __future__ import annotations

DEEP = (".png", ".tif", ".tiff")
"""Pictures that can hold 16 bits a channel."""
TRANSPARENT = (".png", ".webp", ".avif", ".tif", ".tiff")
"""Pictures that keep an alpha channel."""
PICTURES_WRITTEN = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff")
PICTURES = (*PICTURES_WRITTEN, ".jfif", ".heic", ".heif", ".bmp", ".gif", ".jp2", ".ppm", ".pgm")
"""All that is read as a picture."""

VIDEOS_WRITTEN = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""Suffix to container."""
VIDEOS = (
    *VIDEOS_WRITTEN, ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".wmv", ".flv", ".ogv", ".mxf", ".y4m",
)  # fmt: skip
"""All that is read as a film whatever is inside; GIF, WebP, PNG and AVIF are films where they hold several frames."""
ANIMATIONS_WRITTEN = (".gif", ".webp")
MAY_MOVE = (".gif", ".png", ".webp", ".avif")
"""Pictures that may hold several frames."""
FILMS_OFFERED = (".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp")
"""Results of films, the default first; a film in another format becomes the default."""

MESHES_WRITTEN = (".glb", ".obj", ".ply", ".stl")
MESHES = (*MESHES_WRITTEN, ".gltf", ".off")
SOUNDS = (".wav", ".flac", ".mp3")
TABLES = (".json", ".csv")
LISTS = (".txt", ".list", ".csv")
"""Files of one name a line, where words may stand as well."""

KINDS = {
    **dict.fromkeys(VIDEOS, "film"), **dict.fromkeys(MESHES, "mesh"), **dict.fromkeys(PICTURES, "picture"),
    **dict.fromkeys(SOUNDS, "sound"), **dict.fromkeys((*TABLES, ".npz"), "data"),
    ".safetensors": "network", ".zip": "folder", ".html": "page", ".yaml": "text", ".yml": "text", ".txt": "text",
}  # fmt: skip
"""What a file of a suffix is taken for."""

OF_FILES = (*KINDS, ".npy", ".onnx", ".pt2")
"""What ends the name of a file, and never that of a folder that is made."""
