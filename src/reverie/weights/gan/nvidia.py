"""Networks that PyTorch wrote with NVIDIA's persistence: StyleGAN2-ADA, StyleGAN3, and StyleGAN2 in files of StyleGAN3.

Such a file is a plain pickle. Each module is a call of ``_reconstruct_persistent_obj`` with a dictionary: the source
code of its class, and its state, which is an nn.Module's: parameters, buffers, modules, attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from reverie.weights.gan.found import ALIAS_FREE, CLAMP, KERNEL, MAPPING_LR, Found, merged, number, taps, taps_of
from reverie.weights.pickles.file import ForeignFile
from reverie.weights.pickles.records import Broken, Call, shown
from reverie.weights.pickles.storage import StoredTensor
from reverie.weights.pickles.values import Values, scalar

PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
BEST_FIRST = ("G_ema", "G")  # the moving average draws better pictures
MOST_MODULES = 5_000
MOST_ENTRIES = 1_000_000
MOST_SOURCES = 40
FILTERS = "resample_filter"
FLAT = {"channel_base", "channel_max", "conv_clamp", "num_fp16_res", "fused_modconv_default"}  # nested in ADA's files
# Arguments of StyleGAN3's synthesis network → fields of `reverie.models.stylegan2.alias_free.AliasFree`
STYLEGAN3 = {
    "img_resolution": "resolution", "channel_base": "channel_base", "channel_max": "channel_max",
    "num_layers": "layers", "num_critical": "critical", "first_cutoff": "first_cutoff",
    "first_stopband": "first_stopband", "last_stopband_rel": "last_stopband", "margin_size": "margin",
    "filter_size": "taps", "lrelu_upsampling": "oversampling", "conv_kernel": "kernel", "use_radial_filters": "radial",
    "output_scale": "scale",
}  # fmt: skip
STYLEGAN3_CLAMP = 256.0
FIRST = "synthesis.input."  # what the tensors of a StyleGAN3's input are called
ABOUT = ("training_set_kwargs", "augment_pipe", "cur_nimg", "progress")


@dataclass
class Module:
    """A tree of modules, flat: tensors and plain attributes by their full names."""

    class_name: str
    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    attributes: dict[str, object] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    left: int = MOST_ENTRIES

    def spend(self, count: int) -> None:
        """Count entries that are looked at: a file may mention the same large dictionary again and again.

        Raises:
            Broken: more than a network needs.
        """
        self.left -= count
        if self.left < 0:
            raise Broken("has more entries than a network needs")


def find_nvidia(file: ForeignFile) -> Found | None:
    """Return the generator of such a file; None where it is no such file.

    Raises:
        Broken: it has no generator, or is of another family.
    """
    chosen = _chosen(file)
    if chosen is None:
        return None
    name, record, entries = chosen
    module = walk(record, file.values)
    _refuse_others(module)
    found = Found(_dialect(module))
    for key, text in module.code.items():
        found.add_code(key, text)
    found.stated = _stated(entries, module, file.values)
    if name != "G_ema" and "G_ema" not in entries and name:
        found.notes.append("the file has no moving average G_ema; G was taken, whose pictures are worse")
    for key, tensor in module.tensors.items():
        if not key.endswith(FILTERS):
            found.place(key, tensor)
    found.settings = _stylegan3(module) if _is_stylegan3(module) else _settings(module)
    return found


def _chosen(file: ForeignFile) -> tuple[str, object, Mapping[object, object]] | None:
    entries = file.values.mapping(file.root)
    if entries is None:
        return ("", file.root, {}) if _meta(file.root, file.values) is not None else None
    known = [name for name, value in entries.items() if _meta(value, file.values) is not None]
    if not known:
        return None
    for name in BEST_FIRST:
        if name in known:
            return name, entries[name], entries
    raise Broken(f"holds {', '.join(shown(name, 30) for name in known[:4])} and no generator")


def _meta(record: object, values: Values) -> Mapping[object, object] | None:
    if isinstance(record, Call) and record.path == PERSISTENT and isinstance(record.args, tuple) and record.args:
        return values.mapping(record.args[0])
    return None


def walk(root: object, values: Values) -> Module:
    """Return all tensors and plain attributes of a tree of modules, persistent ones and ordinary ones.

    Raises:
        Broken: it is none, has no end, or holds a tensor that cannot be.
    """
    meta = _meta(root, values) or {}
    found = Module(shown(meta.get("class_name", "")))
    waiting: list[tuple[str, object]] = [("", root)]
    for _ in range(MOST_MODULES):
        if not waiting:
            return found
        prefix, record = waiting.pop()
        state = _state(record, values, found)
        if state is not None:
            _read_state(prefix, state, values, found)
            children = list(_entries(state.get("_modules"), values, found))
            waiting += [(f"{prefix}{name}.", child) for name, child in reversed(children)]
    raise Broken("has more modules than a network needs")


def _state(record: object, values: Values, found: Module) -> Mapping[object, object] | None:
    meta = _meta(record, values)
    if meta is None:
        return values.mapping(record.state) if isinstance(record, Call) else None
    source = meta.get("module_src")
    if isinstance(source, str) and len(found.code) < MOST_SOURCES:
        found.code.setdefault(shown(meta.get("class_name", "a module")), source)
    return values.mapping(meta.get("state"))


def _entries(record: object, values: Values, found: Module) -> Iterator[tuple[str, object]]:
    entries = values.mapping(record) or {}
    found.spend(len(entries))
    for name, value in entries.items():
        if isinstance(name, str) and value is not None:
            yield name, value


def _read_state(prefix: str, state: Mapping[object, object], values: Values, found: Module) -> None:
    for room in ("_parameters", "_buffers"):
        for name, value in _entries(state.get(room), values, found):
            tensor = values.tensor(value)
            if tensor is not None:
                found.tensors[prefix + name] = tensor
    found.spend(len(state))
    for name, value in state.items():
        if isinstance(name, str) and not name.startswith("_"):
            plain = scalar(value, values) if isinstance(value, Call) else value
            if isinstance(plain, (bool, int, float, str)):
                found.attributes[prefix + name] = plain
    if not prefix:
        found.attributes["_init_kwargs"] = values.plain(state.get("_init_kwargs"))
        found.attributes["_init_args"] = values.plain(state.get("_init_args"))


def _refuse_others(module: Module) -> None:
    if "synthesis.b4.const" not in module.tensors and not _is_stylegan3(module):
        kind = shown(module.class_name, 40) or "network"
        raise Broken(f"holds a {kind} that is no StyleGAN2 or 3 generator: it has no constant at the start")


def _is_stylegan3(module: Module) -> bool:
    return any(name.startswith(FIRST) for name in module.tensors)


def _stylegan3(module: Module) -> dict[str, object]:
    """Return what the tensors of a StyleGAN3 do not show: the arguments that it was made with."""
    kwargs = module.attributes.get("_init_kwargs")
    stated = dict(kwargs) if isinstance(kwargs, dict) else {}
    inner = stated.pop("synthesis_kwargs", None)
    stated |= inner if isinstance(inner, dict) else {}
    stated |= {"img_resolution": module.attributes.get("img_resolution", stated.get("img_resolution"))}
    shape = {field: stated[name] for name, field in STYLEGAN3.items() if stated.get(name) is not None}
    lr = number(module.attributes.get("mapping.fc0.bias_gain"))
    clamp = number(stated.get("conv_clamp", STYLEGAN3_CLAMP))
    return merged({CLAMP: clamp, MAPPING_LR: 0.01}, {ALIAS_FREE: shape, MAPPING_LR: lr})


def _dialect(module: Module) -> str:
    if _is_stylegan3(module):
        return "StyleGAN3 (PyTorch)"
    kwargs = module.attributes.get("_init_kwargs")
    flat = isinstance(kwargs, dict) and not FLAT.isdisjoint(kwargs)
    return "StyleGAN2 in StyleGAN3's form (PyTorch)" if flat else "StyleGAN2-ADA (PyTorch)"


def _settings(module: Module) -> dict[str, object]:
    """Return what the tensors do not show: the modules' own attributes count before what they were made with."""
    kwargs = module.attributes.get("_init_kwargs")
    stated = _flattened(kwargs if isinstance(kwargs, dict) else {})
    own = module.attributes
    filters = next((t for name, t in module.tensors.items() if name.endswith(FILTERS)), None)
    activation = own.get("synthesis.b4.conv1.activation", "lrelu")
    if activation != "lrelu":
        raise Broken(f"uses the activation '{shown(activation, 30)}'; known: lrelu")
    return merged(
        {
            CLAMP: number(stated.get("conv_clamp")),
            MAPPING_LR: number(stated.get("lr_multiplier")),
            KERNEL: taps(stated.get("resample_filter")),
        },
        {
            CLAMP: number(own.get("synthesis.b4.conv1.conv_clamp")),
            MAPPING_LR: number(own.get("mapping.fc0.bias_gain")),
            KERNEL: taps_of(filters.read()) if filters is not None and filters.count <= 144 else None,
        },
    )


def _flattened(kwargs: Mapping[str, object]) -> dict[str, object]:
    """Return arguments of all parts as one: ADA nests those of mapping and synthesis, StyleGAN3 the mapping's only."""
    found = dict(kwargs)
    for part in ("mapping_kwargs", "synthesis_kwargs"):
        inner = found.pop(part, None)
        found |= inner if isinstance(inner, dict) else {}
    return found


def _stated(entries: Mapping[object, object], module: Module, values: Values) -> dict[str, object]:
    stated: dict[str, object] = {}
    if isinstance(module.attributes.get("_init_kwargs"), dict):
        stated["arguments"] = module.attributes["_init_kwargs"]
    for name in ABOUT:
        plain = values.plain(entries.get(name))
        if isinstance(plain, (dict, int, float, str)):
            stated[name] = plain
    others = [shown(name, 40) for name in islice(entries, 20)]
    if others:
        stated["holds"] = others
    return stated
