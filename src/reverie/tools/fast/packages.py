"""What exporting needs besides us; free of torch."""

from __future__ import annotations

import importlib.util

from reverie.errors import InputError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def check_packages() -> None:
    """Refuse where a package that exporting needs is not installed.

    Raises:
        InputError: names all of them that are missing.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"exporting needs {', '.join(missing)}; get it with: pip install 'reverie[export]'")
