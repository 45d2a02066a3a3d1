"""Networks that NVIDIA's TensorFlow programs wrote: StyleGAN2 (2019) and StyleGAN2-ADA, square or not.

Such a pickle holds ``(G, D, Gs)`` or Gs alone. A network is an object whose state is a dictionary: variables by name,
settings, component networks, and the source code of its module, which is only shown by its hash here.
TensorFlow's kernels are ``[h, w, in, out]`` and its dense weights ``[in, out]``; kernels that double the size are
flipped; the bias of a style counts from 0 there and from 1 here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from reverie.weights.gan.found import CLAMP, KERNEL, MAPPING_LR, Change, Found, merged, number, taps
from reverie.weights.pickles.file import ForeignFile
from reverie.weights.pickles.records import Broken, Call, shown
from reverie.weights.pickles.storage import StoredTensor
from reverie.weights.pickles.values import Values

NETWORK = "dnnlib.tflib.network.Network"
LAYER = re.compile(r"synthesis/([0-9]{1,5})x([0-9]{1,5})/(Const|Conv|Conv0_up|Conv1|ToRGB|Skip)/(\w+)")
NOISE = re.compile(r"synthesis/noise([0-9]{1,5})")
DENSE = re.compile(r"mapping/Dense([0-9]{1,5})/(weight|bias)")
LAST_COLORS = re.compile(r"synthesis/ToRGB_lod0/(\w+)")
MOST_COMPONENTS = 16
MOST_VARIABLES = 10_000
OLDEST_VERSION = 4  # 2 and 3 are Progressive GAN and StyleGAN1


@dataclass
class Network:
    """A network with its components, flat."""

    version: object = None
    variables: dict[str, StoredTensor] = field(default_factory=dict)
    kwargs: dict[str, object] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)


def find_tensorflow(file: ForeignFile) -> Found | None:
    """Return the generator of such a file; None where it is no such file.

    Raises:
        Broken: it has no generator, or is of another family.
    """
    record = _chosen(file.root)
    if record is None:
        return None
    network = Network()
    _walk("", record, file.values, network, [MOST_COMPONENTS])
    _refuse_others(network)
    found = Found("StyleGAN2-ADA (TensorFlow)" if network.version == 5 else "StyleGAN2 (TensorFlow)")
    for name, text in network.code.items():
        found.add_code(name, text)
    found.stated = {"arguments": network.kwargs, "version": file.values.plain(network.version)}
    if isinstance(file.root, (tuple, list)):
        found.stated["holds"] = ["G", "D", "Gs"][: len(file.root)]
    found.settings = merged({
        CLAMP: number(network.kwargs.get("conv_clamp")),
        MAPPING_LR: number(network.kwargs.get("mapping_lrmul")),
        KERNEL: taps(network.kwargs.get("resample_kernel")),
    })  # fmt: skip
    _translate(network, found)
    found.note("TensorFlow's programs draw with truncation 0.5 where nothing else is said; give --truncation")
    return found


def _chosen(root: object) -> object:
    """Return the network to use: Gs, the third of three, else the last one that there is."""
    items = list(root) if isinstance(root, (tuple, list)) and len(root) <= 8 else [root]
    networks = [item for item in items if isinstance(item, Call) and item.path == NETWORK]
    if not networks:
        return None
    return networks[2] if len(networks) > 2 else networks[-1]


def _walk(prefix: str, record: object, values: Values, found: Network, left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0:
        raise Broken("has more components than a network needs")
    state = values.mapping(record.state) if isinstance(record, Call) else None
    if state is None:
        raise Broken("holds a network without its state")
    found.version = state.get("version") if found.version is None else found.version
    kwargs = values.plain(state.get("static_kwargs"))
    found.kwargs = {**(kwargs if isinstance(kwargs, dict) else {}), **found.kwargs}
    source = state.get("build_module_src")
    source = str(source, "latin-1") if isinstance(source, memoryview) else source  # Python 2 wrote it as bytes
    if isinstance(source, str):
        found.code.setdefault(shown(state.get("build_func_name", "a network")), source)
    variables = state.get("variables")
    for item in variables[:MOST_VARIABLES] if isinstance(variables, list) else []:
        if isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str):
            tensor = values.tensor(item[1])
            if tensor is not None:
                found.variables[prefix + item[0]] = tensor
    for name, component in (values.mapping(state.get("components")) or {}).items():
        _walk(f"{prefix}{name}/", component, values, found, left)


def _refuse_others(network: Network) -> None:
    names, version = network.variables, network.version
    if (type(version) is int and version < OLDEST_VERSION) or any("StyleMod" in name for name in names):
        raise Broken("is a network of StyleGAN1 or Progressive GAN; StyleGAN2 networks are read")
    if any("attention" in name.lower() for name in names):
        raise Broken("is a StyleGAN2 with attention layers, which are not part of Reverie")
    if not any(name.endswith("/Const/const") for name in names):
        raise Broken("holds a network that is no StyleGAN2 generator: it has no constant at the start")
    activation = network.kwargs.get("nonlinearity", network.kwargs.get("act", "lrelu"))
    if activation != "lrelu":
        raise Broken(f"uses the activation '{shown(activation, 30)}'; known: lrelu")


def _translate(network: Network, found: Found) -> None:
    """Fill the tensors of `found` under the names of StyleGAN2 here."""
    sizes = sorted({(int(m[1]), int(m[2])) for m in map(LAYER.fullmatch, network.variables) if m})
    stages = {size: number for number, size in enumerate(sizes)}
    for name, stored in network.variables.items():
        placed = _placed(name, stages)
        if placed is None:
            if name.rpartition("/")[2] != "lod" and not name.startswith("synthesis/ToRGB_lod"):
                found.note(f"'{shown(name)}' has no place in the network and was left out")
            continue
        target, change = placed
        found.place(target, stored, change)


def _placed(name: str, stages: Mapping[tuple[int, int], int]) -> tuple[str, Change] | None:
    """Return the name of a variable here, and what is done to it."""
    if name == "dlatent_avg":
        return "mapping.w_avg", _same
    if match := DENSE.fullmatch(name):
        return f"mapping.fc{match[1]}.{match[2]}", _same if match[2] == "bias" else _turned
    if name in ("mapping/LabelEmbed/weight", "mapping/LabelConcat/weight"):
        return "mapping.embed.weight", _turned
    if name == "mapping/LabelEmbed/bias":
        return "mapping.embed.bias", _same
    if match := NOISE.fullmatch(name):
        number = int(match[1])
        layer = "conv0" if number % 2 else "conv1"
        return f"synthesis.{_block((number + 1) // 2)}.{layer}.noise_const", lambda x: x[0, 0]
    if match := LAST_COLORS.fullmatch(name):
        return _of_layer(f"synthesis.{_block(len(stages) - 1)}.torgb", match[1], flipped=False)
    if match := LAYER.fullmatch(name):
        block, kind, part = _block(stages[int(match[1]), int(match[2])]), match[3], match[4]
        if kind == "Const":
            return f"synthesis.{block}.const", lambda x: x[0]
        layer = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}[kind]
        return _of_layer(f"synthesis.{block}.{layer}", part, flipped=kind in ("Conv0_up", "Skip"))
    return None


def _of_layer(layer: str, part: str, *, flipped: bool) -> tuple[str, Change] | None:
    changes: dict[str, tuple[str, Change]] = {
        "weight": ("weight", _flipped if flipped else _kernel), "bias": ("bias", _same),
        "mod_weight": ("affine.weight", _turned), "mod_bias": ("affine.bias", lambda x: x + 1),
        "noise_strength": ("noise_strength", lambda x: x.reshape(())),
    }  # fmt: skip
    if part not in changes:
        return None
    target, change = changes[part]
    return f"{layer}.{target}", change


def _block(stage: int) -> str:
    return f"b{4 << min(stage, 40)}"


def _same(x: Tensor) -> Tensor:
    return x


def _turned(x: Tensor) -> Tensor:
    return x.permute(1, 0)


def _kernel(x: Tensor) -> Tensor:
    return x.permute(3, 2, 0, 1)


def _flipped(x: Tensor) -> Tensor:
    return x.flip(0, 1).permute(3, 2, 0, 1)
