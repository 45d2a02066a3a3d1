"""Check built distributions, their contents and sizes: python packaging/check_dist.py dist/."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

WHEEL_MB, SDIST_MB = 36, 52
NEEDED = (
    "reverie/__init__.py", "reverie/py.typed", "reverie/apps/cli/main.py", "reverie/models/embedded.safetensors",
    "reverie/models/embedded-2.safetensors", "reverie/models/adaptive.safetensors",
    "reverie/models/flowers.safetensors", "reverie/models/sobel.safetensors", "reverie/models/SHA256SUMS",
    "reverie/tools/mesh_dream/example.glb", "reverie/tools/mesh_show/viewer.js",
    "reverie/apps/web/studio/static/index.html",
)  # fmt: skip
NEEDED_IN_SOURCE = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "NOTICE",
    "CHANGELOG.md",
    "tests/conftest.py",
    "docs/start.md",
)
UNWANTED = ("__pycache__", ".pyc", ".part", ".git/", "node_modules")


def faults_of_wheel(path: Path) -> list[str]:
    """Return what is wrong with a wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        sums = wheel.read("reverie/models/SHA256SUMS").decode() if "reverie/models/SHA256SUMS" in names else ""
    shipped = [line.split("  ", 1)[1] for line in sums.splitlines()]
    faults = [
        f"{path.name} lacks {name}" for name in (*NEEDED, *(f"reverie/{s}" for s in shipped)) if name not in names
    ]
    faults += [f"{path.name} holds {name}" for name in names if any(part in name for part in UNWANTED)]
    faults += [
        f"{path.name} holds {name} beside the package"
        for name in names
        if not name.startswith(("reverie/", "reverie-"))
    ]
    return faults + too_large(path, WHEEL_MB)


def faults_of_source(path: Path) -> list[str]:
    """Return what is wrong with a source distribution."""
    with tarfile.open(path) as source:
        names = [name.partition("/")[2] for name in source.getnames()]
    faults = [f"{path.name} lacks {name}" for name in NEEDED_IN_SOURCE if name not in names]
    faults += [f"{path.name} holds {name}" for name in names if any(part in name for part in UNWANTED)]
    return faults + too_large(path, SDIST_MB)


def too_large(path: Path, most_mb: int) -> list[str]:
    """Return a fault if a file is larger than a package should be."""
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.1f} MB")
    return [f"{path.name} has {size:.1f} MB; at most {most_mb} MB"] if size > most_mb else []


def main() -> int:
    """Print all faults, and return whether there are any."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    wheels, sources = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    faults = [] if wheels and sources else [f"'{folder}' lacks a wheel or a source distribution"]
    faults += [fault for path in wheels for fault in faults_of_wheel(path)]
    faults += [fault for path in sources for fault in faults_of_source(path)]
    print("\n".join(faults) or "the distributions are whole")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
