"""Pictures that a program hands over: paths, bytes, open files, PIL images, arrays, tensors."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.errors import PictureError
from reverie.media.image import Picture, read_picture

PNG_MODES = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")


def as_picture(source: Any) -> Picture:
    """Read whatever holds one picture.

    Raises:
        PictureError: it does not; the message says what is accepted.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, (str, Path)) or (hasattr(source, "read") and hasattr(source, "seek")):
        return read_picture(source)
    if isinstance(source, (bytes, bytearray)):
        return read_picture(io.BytesIO(source), name="picture")
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if not hasattr(source, "save") or not hasattr(source, "getbands"):
        kind = type(source).__name__
        raise PictureError(f"a picture must be a path, bytes, open file, PIL image, array or tensor; got {kind}")
    buffer = io.BytesIO()
    (source.convert("RGB") if source.mode not in PNG_MODES else source).save(buffer, "PNG")
    return read_picture(io.BytesIO(buffer.getvalue()), name="picture")


def _from_tensor(tensor: Tensor) -> Picture:
    values = tensor.detach().cpu()
    values = values[0] if values.ndim == 4 and values.shape[0] == 1 else values
    if values.ndim != 3 or values.shape[0] not in (1, 3, 4):
        raise PictureError(f"a picture tensor must be [3, H, W]; got {list(tensor.shape)}")
    return _from_array((values if values.dtype == torch.uint8 else values.float()).permute(1, 2, 0).numpy())


def _from_array(array: np.ndarray) -> Picture:
    """Take uint8, uint16 or floats in [0, 1], ``[H, W]`` or ``[H, W, 1, 3 or 4]``."""
    shaped = array[..., None] if array.ndim == 2 else array
    if shaped.ndim != 3 or shaped.shape[2] not in (1, 3, 4) or 0 in shaped.shape:
        raise PictureError(f"a picture array must be [H, W], [H, W, 3] or [H, W, 4]; got {list(array.shape)}")
    full = {"uint8": 255, "uint16": 65535}.get(array.dtype.name)
    if full is None and array.dtype.kind != "f":
        raise PictureError(f"a picture array must be uint8, uint16 or floats in [0, 1]; got {array.dtype}")
    values = shaped.astype(np.float32) / (full or 1)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise PictureError(f"a float picture array must lie in [0, 1]; got {values.min():.3g} to {values.max():.3g}")
    alpha = np.ascontiguousarray(values[..., 3]) if shaped.shape[2] == 4 else None
    rgb = np.repeat(values, 3, axis=2) if shaped.shape[2] == 1 else np.ascontiguousarray(values[..., :3])
    return Picture(rgb, alpha, 16 if full == 65535 else 8, hashlib.sha256(values.tobytes()).hexdigest(), "array")
