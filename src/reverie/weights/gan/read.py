"""Find out which program's generator a file holds, whatever it is called."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from reverie.errors import WeightsError
from reverie.weights.gan.found import Found
from reverie.weights.gan.lucidrains import find_lucidrains
from reverie.weights.gan.nvidia import find_nvidia
from reverie.weights.gan.rosinality import find_rosinality
from reverie.weights.gan.tensorflow import find_tensorflow
from reverie.weights.pickles.file import ForeignFile
from reverie.weights.pickles.records import Broken, Call, shown
from reverie.weights.pickles.values import Values

READ = "StyleGAN2 networks of NVIDIA (TensorFlow, PyTorch), rosinality and lucidrains, and StyleGAN3 networks of NVIDIA"
BARE = (
    "holds bare weights of a StyleGAN3, which do not say at which frequencies it works; open the .pkl that they are of"
)
PLAIN_NAMES = ("G_ema", "g_ema", "generator", "state_dict", "")


def find_generator(file: ForeignFile) -> Found:
    """Return the generator that a file holds.

    Raises:
        WeightsError: none that is known, or a damaged one; in one sentence.
    """
    try:
        found = find_tensorflow(file) or find_nvidia(file) or _among_entries(file)
    except Broken as error:
        raise WeightsError(f"'{file.path}' {error}") from error
    if found is None:
        harm = f"; it {file.report.flags[0]}" if file.report.flags else ""
        raise WeightsError(
            f"'{file.path}' holds {_described(file)}, and no generator that is known: {READ} are read{harm}"
        )
    return found


def _among_entries(file: ForeignFile) -> Found | None:
    entries = file.values.mapping(file.root)
    if entries is None:
        return None
    _refuse_bare_stylegan3(entries, file.values)
    return (
        find_lucidrains(entries, file.values, file.path)
        or find_rosinality(entries, file.values)
        or _find_plain(entries, file.values)
    )


def _refuse_bare_stylegan3(entries: Mapping[object, object], values: Values) -> None:
    for name in PLAIN_NAMES:
        inner = values.mapping(entries.get(name)) if name else entries
        if inner is not None and any(isinstance(key, str) and key.endswith(".magnitude_ema") for key in inner):
            raise Broken(BARE)


def _find_plain(entries: Mapping[object, object], values: Values) -> Found | None:
    """Return a bare state dict with NVIDIA's names, as people save them."""
    for name in PLAIN_NAMES:
        inner = values.mapping(entries.get(name)) if name else entries
        if inner is None or "synthesis.b4.const" not in inner:
            continue
        found = Found("state dict of StyleGAN2-ADA (PyTorch)")
        for key, record in inner.items():
            tensor = values.tensor(record)
            if isinstance(key, str) and tensor is not None and not key.endswith("resample_filter"):
                found.place(key, tensor)
        return found
    return None


def _described(file: ForeignFile) -> str:
    entries = file.values.mapping(file.root)
    if entries is not None:
        names = [shown(name, 30) for name in islice(entries, 5)]
        return f"a dictionary with {', '.join(names) or 'nothing'}{', ...' if len(entries) > 5 else ''}"
    if isinstance(file.root, Call):
        return f"a {shown(file.root.path, 60) or 'call'}"
    return f"a {type(file.root).__name__.lower()}"
