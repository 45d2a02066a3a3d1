"""Write down the sha256 of every shipped file, which `reverie doctor` compares.

python recipes/shipped_sums.py
"""

from __future__ import annotations

from reverie.weights.shipped import PACKAGE, SUMS, sha256_of

ENDINGS = (".safetensors", ".glb", ".jpg")
ROOMS = ("models", "tools")


def main() -> None:
    """Write `SHA256SUMS`."""
    files = sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*") if path.suffix in ENDINGS)
    lines = [f"{sha256_of(path)}  {path.relative_to(PACKAGE).as_posix()}\n" for path in files]
    SUMS.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} files: {SUMS}")


if __name__ == "__main__":
    main()
