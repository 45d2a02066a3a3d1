"""One small generator, written as each of the programs would have written it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pickle_writer import New, pickled
from torch import Tensor

from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.generator import Generator
from reverie.weights.gan.nvidia import STYLEGAN3
from reverie.weights.pickles.records import Call, Global, Persistent

SMALL = GeneratorConfig(
    channels=(8, 8, 6, 4), z_dim=8, w_dim=8, embed_dim=8, mapping_layers=3, mapping_width=8, mapping_lr=0.01
)
SOURCE = "raise SystemExit('this must never run')\n"
EASY = Global("dnnlib.util", "EasyDict")
ORDERED = Global("collections", "OrderedDict")
KEPT = ("_filter", "magnitude_ema", ".freqs", ".phases", ".transform")
KINDS = {torch.float32: "FloatStorage", torch.float16: "HalfStorage", torch.float64: "DoubleStorage"}


def random_generator(config: GeneratorConfig = SMALL, seed: int = 0) -> Generator:
    """Return a generator in which every tensor counts."""
    net, generator = Generator(config), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in net.state_dict().items():
            if name.endswith(KEPT):
                continue  # filters and frequencies are not trained
            if name.endswith(("bias", "w_avg", "noise_strength")):
                value += 0.3 * torch.randn(value.shape, generator=generator)
            else:
                scale = 1 / config.mapping_lr if name.startswith("mapping.fc") else 1.0
                value.copy_(scale * torch.randn(value.shape, generator=generator))
    return net.eval()


def easy(entries: dict[str, object]) -> Call:
    return New(EASY, (), pairs=dict(entries))


def ordered(entries: dict[str, object]) -> Call:
    return Call(ORDERED, (), pairs=dict(entries))


# -- torch ------------------------------------------------------------------------------------------------------------


def stream(storage: Tensor, protocol: int = 2) -> bytes:
    """Return a torch file of before 1.6 that holds one storage."""
    kind = Global("torch", KINDS[storage.dtype])
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    root = Persistent(("storage", kind, "94", "cuda:0", storage.numel(), None))
    pickles = (0x1950A86A20F9469CFC6C, 1001, system, root, ["94"])
    raw = storage.numpy().tobytes()
    return b"".join(pickled(p, protocol) for p in pickles) + struct.pack("<q", storage.numel()) + raw


def parameter(tensor: Tensor, protocol: int) -> Call:
    """Return a parameter as pickle writes one: a tensor on a torch file of its own."""
    return Call(Global("torch._utils", "_rebuild_parameter"), (buffer(tensor, protocol), True, ordered({})))


def buffer(tensor: Tensor, protocol: int) -> Call:
    tensor = tensor.detach().contiguous()
    blob = Call(Global("torch.storage", "_load_from_bytes"), (stream(tensor.flatten()),))
    args = (blob, 0, tuple(tensor.shape), tensor.stride(), False, ordered({}))
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), args)


def module(net_state: dict[str, Tensor], prefix: str, attributes: Callable[[str], dict], protocol: int) -> Call:
    """Return a persistent module with its children, from the part of a state dict below a prefix."""
    own = {k: v for k, v in net_state.items() if k.startswith(prefix)}
    below = dict.fromkeys(k.removeprefix(prefix).partition(".")[0] for k in own if "." in k.removeprefix(prefix))
    leaves = {k.removeprefix(prefix): v for k, v in own.items() if "." not in k.removeprefix(prefix)}
    buffers = ("noise_const", "w_avg", "resample_filter", *(name.removeprefix(".") for name in KEPT))
    state = {
        "training": False,
        "_parameters": ordered({k: parameter(v, protocol) for k, v in leaves.items() if not k.endswith(buffers)}),
        "_buffers": ordered({k: buffer(v, protocol) for k, v in leaves.items() if k.endswith(buffers)}),
        "_non_persistent_buffers_set": Call(Global("builtins", "set"), ([],)),
        "_backward_hooks": ordered({}),
        "_modules": ordered({name: module(net_state, f"{prefix}{name}.", attributes, protocol) for name in below}),
        "gain": Call(NUMPY_SCALAR, (np_dtype("f8"), struct.pack("<d", 0.5))),
        **attributes(prefix),
    }
    meta = easy({"type": "class", "version": 6, "module_src": SOURCE, "class_name": "Generator", "state": state})
    return Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))


def ada(
    net: Generator, protocol: int = 4, *, stylegan3: bool = False, only: str | None = None, extra: dict | None = None,
    broken: bool = False,
) -> bytes:  # fmt: skip
    """Return a network pickle of StyleGAN2-ADA, or of a StyleGAN2 that StyleGAN3's program trained."""
    config, state = net.config, {k: v for k, v in net.state_dict().items() if "blur" not in k}
    if broken:
        state["synthesis.b8.conv0.bias"] = torch.full((config.channels[1],), torch.nan)
    taps = torch.tensor(config.kernel) / sum(config.kernel)
    state["synthesis.b8.resample_filter"] = torch.outer(taps, taps)
    synthesis = {"channel_base": 64, "channel_max": 8, "num_fp16_res": 0, "conv_clamp": config.clamp}
    mapping = {"num_layers": config.mapping_layers}
    kwargs = (
        {**synthesis, "mapping_kwargs": mapping}
        if stylegan3
        else {"mapping_kwargs": mapping, "synthesis_kwargs": synthesis}
    )

    def attributes(prefix: str) -> dict:
        if not prefix:
            return {
                "_init_args": (),
                "_init_kwargs": easy({"z_dim": config.z_dim, "w_dim": config.w_dim, "c_dim": config.c_dim, **kwargs}),
                "img_resolution": config.size[0], "num_ws": config.num_ws,
            }  # fmt: skip
        if prefix.endswith(("conv0.", "conv1.")):
            return {"conv_clamp": config.clamp, "activation": "lrelu", "use_noise": config.noise}
        return {"bias_gain": config.mapping_lr} if prefix.startswith("mapping.fc") else {}

    made = module(state, "", attributes, protocol)
    if only:
        return pickled({only: made}, protocol)
    about = easy({"class_name": "training.dataset.ImageFolderDataset", "path": "/data/flowers.zip"})
    return pickled(
        {"G": None, "D": None, "G_ema": made, "training_set_kwargs": about, "augment_pipe": None, **(extra or {})},
        protocol,
    )


def stylegan3(net: Generator, protocol: int = 4) -> bytes:
    """Return a network pickle of StyleGAN3."""
    config, shape = net.config, net.config.alias_free
    assert shape is not None
    kwargs = {name: getattr(shape, field) for name, field in STYLEGAN3.items()}
    mapping = {"mapping_kwargs": easy({"num_layers": config.mapping_layers})}
    own = {"z_dim": config.z_dim, "w_dim": config.w_dim, "c_dim": config.c_dim, "img_channels": config.colors}

    def attributes(prefix: str) -> dict:
        if not prefix:
            return {
                "_init_args": (), "_init_kwargs": easy({**own, **mapping, **kwargs}),
                "img_resolution": shape.resolution, "num_ws": config.num_ws,
            }  # fmt: skip
        return {"bias_gain": config.mapping_lr} if prefix.startswith("mapping.fc") else {}

    made = module(net.state_dict(), "", attributes, protocol)
    return pickled({"G": None, "D": None, "G_ema": made, "augment_pipe": None}, protocol)


# -- numpy ------------------------------------------------------------------------------------------------------------

NUMPY_SCALAR = Global("numpy.core.multiarray", "scalar")


def np_dtype(kind: str) -> Call:
    return Call(Global("numpy", "dtype"), (kind, False, True), state=(3, "<", None, None, None, -1, -1, 0))


def array(values: np.ndarray, room: str = "numpy.core") -> Call:
    """Return an array as pickle writes one."""
    kind = values.dtype.str[1:]
    state = (1, tuple(values.shape), np_dtype(kind), False, values.tobytes())
    made = Global(f"{room}.multiarray", "_reconstruct")
    return Call(made, (Global("numpy", "ndarray"), (0,), b"b"), state=state)


# -- TensorFlow -------------------------------------------------------------------------------------------------------


def tensorflow(
    net: Generator,
    protocol: int = 4,
    *,
    only_gs: bool = False,
    version: int = 4,
    numpy_2: bool = False,
    levels: bool = False,
) -> bytes:
    """Return a network pickle of NVIDIA's TensorFlow programs, with variables as they name and lay them out."""
    config = net.config
    mapping, synthesis = _tf_mapping(net), _tf_synthesis(net)
    if levels:  # as configurations B to D call them: colors of the last size, and others that are not used
        last = "x".join(map(str, config.size))
        synthesis = [(name.replace(f"{last}/ToRGB", "ToRGB_lod0"), value) for name, value in synthesis]
        synthesis.append(("ToRGB_lod1/bias", array(np.ones(3, "f4"))))
    static = {
        "num_channels": config.colors, "resolution": config.size[0], "label_size": config.c_dim, "fmap_base": 64,
        "resample_kernel": [int(t) for t in config.kernel], "mapping_lrmul": config.mapping_lr,
        "conv_clamp": config.clamp,
    }  # fmt: skip
    parts = {"synthesis": _tf_network("G_synthesis", synthesis, {}, static, version)}
    parts["mapping"] = _tf_network("G_mapping", mapping, {}, static, version)
    own = [("lod", array(np.float32(0))), ("dlatent_avg", array(_numpy(net.mapping.w_avg)))]
    gs = _tf_network("Gs", own, parts, static, version)
    other = _tf_network("D", [], {}, static, version)
    blob = pickled(gs if only_gs else (other, other, gs), protocol)
    return blob.replace(b"\x8c\x15numpy.core.multiarray", b"\x8c\x16numpy._core.multiarray") if numpy_2 else blob


def _tf_network(name: str, variables: list, components: dict, static: dict, version: int) -> Call:
    state = {
        "version": version, "name": name, "static_kwargs": static, "components": components,
        "build_module_src": SOURCE, "build_func_name": name, "variables": variables,
    }  # fmt: skip
    return New(Global("dnnlib.tflib.network", "Network"), (), state=state)


def _numpy(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.detach().numpy())


def _tf_mapping(net: Generator) -> list:
    found = []
    for i in range(net.config.mapping_layers):
        layer = net.mapping.get_submodule(f"fc{i}")
        found += [(f"Dense{i}/weight", array(_numpy(layer.weight.T))), (f"Dense{i}/bias", array(_numpy(layer.bias)))]
    if net.config.c_dim:
        name = "LabelConcat" if net.config.labels == "concat" else "LabelEmbed"
        found.append((f"{name}/weight", array(_numpy(net.mapping.embed.weight.T))))
        if net.mapping.embed.bias is not None:
            found.append((f"{name}/bias", array(_numpy(net.mapping.embed.bias))))
    return found


def _tf_synthesis(net: Generator) -> list:
    found = []
    for stage, block in enumerate(net.synthesis.blocks):
        height, width = net.config.stage_size(stage)
        scope = f"{height}x{width}"
        if stage == 0:
            found.append((f"{scope}/Const/const", array(_numpy(block.const[None]))))
            found += _tf_layer(f"{scope}/Conv", block.conv1)
        else:
            found += _tf_layer(f"{scope}/Conv0_up", block.conv0, flipped=True)
            found += _tf_layer(f"{scope}/Conv1", block.conv1)
            if net.config.architecture == "resnet":
                found.append((f"{scope}/Skip/weight", _tf_kernel(block.skip.weight, flipped=True)))
        if block.colored:
            found += _tf_layer(f"{scope}/ToRGB", block.torgb)
    for number, layer in enumerate(net.synthesis.convolutions):
        found.append((f"noise{number}", array(_numpy(layer.noise_const[None, None]))))
    return found


def _tf_layer(scope: str, layer, *, flipped: bool = False) -> list:
    found = [
        (f"{scope}/weight", _tf_kernel(layer.weight, flipped=flipped)),
        (f"{scope}/mod_weight", array(_numpy(layer.affine.weight.T))),
        (f"{scope}/mod_bias", array(_numpy(layer.affine.bias - 1))),
        (f"{scope}/bias", array(_numpy(layer.bias))),
    ]
    strength = getattr(layer, "noise_strength", None)
    return found if strength is None else [*found, (f"{scope}/noise_strength", array(_numpy(strength)))]


def _tf_kernel(weight: Tensor, *, flipped: bool) -> Call:
    turned = weight.permute(2, 3, 1, 0)
    return array(_numpy(turned.flip(0, 1) if flipped else turned))


# -- rosinality -------------------------------------------------------------------------------------------------------


def rosinality_state(net: Generator) -> dict[str, Tensor]:
    """Return the state dict of rosinality's generator."""
    found: dict[str, Tensor] = {}
    for i in range(net.config.mapping_layers):
        layer = net.mapping.get_submodule(f"fc{i}")
        found |= {f"style.{i + 1}.weight": layer.weight, f"style.{i + 1}.bias": layer.bias}
    found["input.input"] = net.synthesis.blocks[0].const[None]
    taps = torch.tensor(net.config.kernel) / sum(net.config.kernel)
    for stage, block in enumerate(net.synthesis.blocks):
        names = ["conv1"] if stage == 0 else [f"convs.{2 * stage - 2}", f"convs.{2 * stage - 1}"]
        layers = [block.conv1] if stage == 0 else [block.conv0, block.conv1]
        for name, layer in zip(names, layers, strict=True):
            found |= _rosinality_layer(name, layer)
            found |= {f"{name}.noise.weight": layer.noise_strength[None], f"{name}.activate.bias": layer.bias}
        if stage:
            found[f"{names[0]}.conv.blur.kernel"] = torch.outer(taps, taps) * 4
        colors = "to_rgb1" if stage == 0 else f"to_rgbs.{stage - 1}"
        found |= _rosinality_layer(colors, block.torgb) | {f"{colors}.bias": block.torgb.bias[None, :, None, None]}
        if stage:
            found[f"{colors}.upsample.kernel"] = torch.outer(taps, taps) * 4
    for number, layer in enumerate(net.synthesis.convolutions):
        found[f"noises.noise_{number}"] = layer.noise_const[None, None]
    return {name: value.detach().clone() for name, value in found.items()}


def _rosinality_layer(name: str, layer) -> dict[str, Tensor]:
    affine = layer.affine
    return {
        f"{name}.conv.weight": layer.weight[None],
        f"{name}.conv.modulation.weight": affine.weight,
        f"{name}.conv.modulation.bias": affine.bias,
    }


def rosinality(net: Generator, *, old: bool = False, prefix: str = "", **more: object) -> bytes:
    """Return a converted file of rosinality's program, in today's torch format or that of before 1.6."""
    state = {prefix + name: value for name, value in rosinality_state(net).items()}
    buffer = io.BytesIO()
    content = {"g_ema": state, "latent_avg": net.mapping.w_avg.clone(), **more}
    content = {name: value for name, value in content.items() if value is not None}
    torch.save(content, buffer, _use_new_zipfile_serialization=not old)
    return buffer.getvalue()


# -- lucidrains -------------------------------------------------------------------------------------------------------


def lucidrains(net: Generator, *, average: bool = True) -> bytes:
    """Return a file of lucidrains' program: its factors undone, the noise left out as it does."""
    found: dict[str, Tensor] = {}
    s, g = ("SE", "GE") if average else ("S", "G")
    for i in range(net.config.mapping_layers):
        layer, name = net.mapping.get_submodule(f"fc{i}"), f"{s}.net.{2 * i}"
        before = 1.0 if i == 0 else layer.weight.shape[1] ** 0.5
        found |= {f"{name}.weight": layer.weight * 2**0.5 / before, f"{name}.bias": layer.bias * 2**0.5}
    synthesis = net.synthesis
    found[f"{g}.initial_block"] = synthesis.blocks[0].const[None]
    found |= {f"{g}.initial_conv.{key}": value for key, value in synthesis.start.state_dict().items()}
    for stage, block in enumerate(synthesis.blocks):
        name = f"{g}.blocks.{stage}"
        for number, conv in ((1, block.conv0), (2, block.conv1)):
            found |= {f"{name}.conv{number}.weight": conv.weight} | _lucidrains_style(f"{name}.to_style{number}", conv)
            found |= {
                f"{name}.to_noise{number}.weight": conv.noise_strength[:, None],
                f"{name}.to_noise{number}.bias": conv.bias,
            }
        found |= {f"{name}.to_rgb.conv.weight": block.torgb.weight}
        found |= _lucidrains_style(f"{name}.to_rgb.to_style", block.torgb)
        if stage < net.config.stages - 1:
            found[f"{name}.to_rgb.upsample.1.f"] = torch.tensor([1.0, 2.0, 1.0])
    found = {name: value.detach().clone() for name, value in found.items()} | {"D.to_logit.weight": torch.ones(1, 4)}
    made = io.BytesIO()
    torch.save({"GAN": found, "version": "1.9.0"}, made)
    return made.getvalue()


def _lucidrains_style(name: str, layer) -> dict[str, Tensor]:
    weight = layer.affine.weight
    return {f"{name}.weight": weight / weight.shape[1] ** 0.5, f"{name}.bias": layer.affine.bias - 1}


def written(path: Path, blob: bytes) -> Path:
    path.write_bytes(blob)
    return path
