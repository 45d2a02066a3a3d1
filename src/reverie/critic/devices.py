"""Names of one or several devices, split without loading torch."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from reverie.errors import InputError

CUDA_IN_BUILD = re.compile(r"^(?:cuda|hip)\b[^=]*=\s*['\"]", re.MULTILINE)


def split_devices(text: str) -> tuple[str, ...]:
    """Return the devices of ``cuda:0,1`` or ``cuda:0,cuda:1`` or ``cpu`` one by one.

    Raises:
        InputError: an empty name, or a device twice (only the CPU may be shared).
    """
    found: list[str] = []
    for part in text.split(","):
        name = part.strip()
        if name.isdecimal() and found and ":" in found[-1]:
            name = f"{found[-1].rpartition(':')[0]}:{name}"
        if not name or name.isdecimal() or (name in found and name != "cpu"):
            raise InputError(f"--device must look like cpu, cuda:0 or cuda:0,1, each once; got '{text}'")
        found.append(name)
    return tuple(found)


def is_cpu(name: str) -> bool:
    """Tell whether a device name will mean the CPU here; loads torch only where its build could do more."""
    if name != "auto":
        return name == "cpu"
    if sys.platform != "darwin" and not _build_has_accelerator():
        return True
    import torch

    return not (torch.cuda.is_available() or torch.backends.mps.is_available())


def _build_has_accelerator() -> bool:
    """Read in torch's version file whether it was built for CUDA or ROCm; true where it cannot be told."""
    spec = importlib.util.find_spec("torch")
    version = Path(spec.origin).with_name("version.py") if spec is not None and spec.origin else None
    if version is None or not version.is_file():
        return True
    return CUDA_IN_BUILD.search(version.read_text(encoding="utf-8")) is not None
