"""The shape of a generator from its tensors: what a file of another program says of itself counts second.

Files that people pass on are often wrong about themselves, or silent: square networks called otherwise, widths changed,
halves missing. Tensors cannot be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from reverie.errors import WeightsError
from reverie.models.build import shapes_only
from reverie.models.stylegan2.alias_free import AliasFree, bands
from reverie.models.stylegan2.config import MOST_STAGES, Architecture, GeneratorConfig, parse_config
from reverie.models.stylegan2.generator import Generator, block_name
from reverie.weights.gan.found import ALIAS_FREE

CENTER_SAMPLES = 10_000  # z whose mean w stands in for one that the file lacks
BLOCK = re.compile(r"synthesis\.b([0-9]{1,6})\.")
STYLE = ".affine.weight"
LAYER = re.compile(r"synthesis\.(L[0-9]{1,3}_[0-9]{1,5}_[0-9]{1,5})\.weight")


def infer_config(tensors: Mapping[str, Tensor], settings: Mapping[str, object], name: str) -> GeneratorConfig:
    """Return the shape of the generator whose weights these are.

    Args:
        tensors: by the names of `reverie.models.stylegan2.config`.
        settings: what tensors do not show: "clamp", "mapping_lr", "kernel", "alias_free", each if it is known.
        name: of the file, for messages.

    Raises:
        WeightsError: a tensor without which there is no such network is missing, or has an impossible shape.
    """
    if ALIAS_FREE in settings:
        return _alias_free(tensors, settings, name)
    stages = _stages(tensors, name)
    const = _tensor(tensors, "synthesis.b4.const", 3, name)
    widths = [_tensor(tensors, f"synthesis.{block_name(k)}.conv1.weight", 4, name).shape[0] for k in range(stages)]
    last = f"synthesis.{block_name(stages - 1)}"
    options: dict[str, object] = {
        "channels": [int(n) for n in widths],
        "base": [int(n) for n in const.shape[1:]],
        "colors": int(_tensor(tensors, f"{last}.torgb.weight", 4, name).shape[0]),
        "w_dim": int(_tensor(tensors, f"synthesis.b4.conv1{STYLE}", 2, name).shape[1]),
        "architecture": _architecture(tensors, stages),
        "noise": "synthesis.b4.conv1.noise_strength" in tensors,
        "start": "latent" if "synthesis.b4.start.weight" in tensors else "const",
        **_mapping(tensors, name),
        **{key: list(v) if isinstance(v, tuple) else v for key, v in settings.items()},
    }
    return parse_config(options, name)


def _alias_free(tensors: Mapping[str, Tensor], settings: Mapping[str, object], name: str) -> GeneratorConfig:
    """Return the shape of a StyleGAN3: what its file states, once the names of its layers say the same."""
    stated = settings.get(ALIAS_FREE, {})
    assert isinstance(stated, dict)
    names = [match[1] for match in map(LAYER.match, tensors) if match]
    last = max(names, key=lambda layer: int(layer[1:].partition("_")[0]), default="")
    colors = int(last.rpartition("_")[2] or 0)
    try:
        shape = AliasFree(**stated)
        found = bands(shape, colors)
    except TypeError as error:
        raise WeightsError(f"'{name}' says of itself what no StyleGAN3 is: settings are missing, or unknown") from error
    except (ValueError, ArithmeticError) as error:
        raise WeightsError(f"'{name}' says of itself what no StyleGAN3 is: {error}") from error
    own = {f"L{i}_{band.size}_{band.channels}" for i, band in enumerate(found)}
    if own != set(names):
        odd = sorted(set(names) ^ own)[0]
        raise WeightsError(
            f"'{name}' does not have the layers that its settings ask for: '{odd}' is one too many or few"
        )
    options = {
        "channels": [band.channels for band in found[:-1]], "colors": colors, "architecture": "stylegan3",
        "w_dim": int(_tensor(tensors, f"synthesis.input{STYLE}", 2, name).shape[1]), "alias_free": dict(stated),
        "noise": False, **_mapping(tensors, name),
        **{key: list(v) if isinstance(v, tuple) else v for key, v in settings.items() if key != ALIAS_FREE},
    }  # fmt: skip
    return parse_config(options, name)


def _stages(tensors: Mapping[str, Tensor], name: str) -> int:
    found = {int(match[1]) for match in map(BLOCK.match, tensors) if match}
    stages = next((k for k in range(MOST_STAGES + 1) if 4 << k not in found), 0)
    if not stages or len(found) != stages:
        raise WeightsError(f"'{name}' has the blocks {sorted(found)[:12]}; expected 4, 8, 16 and so on, without a gap")
    return stages


def _architecture(tensors: Mapping[str, Tensor], stages: int) -> Architecture:
    if "synthesis.start.weight" in tensors:
        return "lucidrains"
    if any(f"synthesis.{block_name(k)}.skip.weight" in tensors for k in range(1, stages)):
        return "resnet"
    return "skip" if "synthesis.b4.torgb.weight" in tensors or stages == 1 else "orig"


def _mapping(tensors: Mapping[str, Tensor], name: str) -> dict[str, object]:
    layers = 0
    while f"mapping.fc{layers}.weight" in tensors:
        layers += 1
    if not layers:
        raise WeightsError(f"'{name}' has no mapping network; Reverie draws from z, which needs one")
    first, last = (_tensor(tensors, f"mapping.fc{i}.weight", 2, name) for i in (0, layers - 1))
    found: dict[str, object] = {"mapping_layers": layers, "mapping_width": int(first.shape[0])}
    if layers == 1:
        found["mapping_width"] = int(last.shape[0])
    embedding = 0
    if "mapping.embed.weight" in tensors:
        embed = _tensor(tensors, "mapping.embed.weight", 2, name)
        embedding, found["c_dim"] = int(embed.shape[0]), int(embed.shape[1])
        found["embed_dim"] = embedding
        found["labels"] = "embed" if "mapping.embed.bias" in tensors else "concat"
    found["z_dim"] = int(first.shape[1]) - embedding
    return found


def _tensor(tensors: Mapping[str, Tensor], key: str, dimensions: int, name: str) -> Tensor:
    found = tensors.get(key)
    if found is None:
        raise WeightsError(f"'{name}' is no whole StyleGAN2 generator: '{key}' is missing")
    if found.ndim != dimensions:
        raise WeightsError(f"'{name}' is no StyleGAN2 generator: '{key}' has {found.ndim} dimensions, not {dimensions}")
    return found


def complete(config: GeneratorConfig, tensors: Mapping[str, Tensor], name: str) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights of a whole generator, and what was left out or made up, one line each.

    Noise maps that a file lacks are drawn from a fixed seed; a mean of w that it lacks is that of 10,000 samples.

    Raises:
        WeightsError: another tensor is missing, or one has another shape than the network needs.
    """
    with shapes_only():
        expected = Generator(config).state_dict()
    state, notes = {key: value for key, value in tensors.items() if key in expected}, []
    left = [key for key in tensors if key not in expected]
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        notes.append(f"'{left[0][:80]}'{more} has no place in the network and was left out")
    _draw_noise(expected, state, notes)
    without_center = "mapping.w_avg" not in state
    if without_center:
        state["mapping.w_avg"] = torch.zeros(config.w_dim)
    for key, tensor in expected.items():
        if key not in state:
            raise WeightsError(f"'{name}' is no whole generator: '{key}' is missing")
        if state[key].shape != tensor.shape:
            shapes = [" x ".join(map(str, t.shape)) or "1" for t in (state[key], tensor)]
            raise WeightsError(f"'{name}' does not fit together: '{key}' is {shapes[0]}, expected {shapes[1]}")
        if not torch.isfinite(state[key]).all():
            raise WeightsError(f"'{name}' is damaged: '{key}' holds values that are no numbers")
    if without_center:
        state["mapping.w_avg"] = _center(config, state)
        notes.append(f"the file has no mean of w; it was estimated from {CENTER_SAMPLES} samples")
    return {key: state[key] for key in expected}, notes


def _draw_noise(expected: Mapping[str, Tensor], state: dict[str, Tensor], notes: list[str]) -> None:
    generator = torch.Generator().manual_seed(0)
    missing = [key for key in expected if key.endswith(".noise_const") and key not in state]
    for key in missing:
        state[key] = torch.randn(expected[key].shape, generator=generator)
    if missing:
        notes.append(f"{len(missing)} noise maps are not in the file; they were drawn anew")


@torch.no_grad()
def _center(config: GeneratorConfig, state: Mapping[str, Tensor]) -> Tensor:
    from reverie.models.stylegan2.generator import Mapping as MappingNetwork

    net = MappingNetwork(config)
    net.load_state_dict({k.removeprefix("mapping."): v for k, v in state.items() if k.startswith("mapping.")})
    z = torch.randn(CENTER_SAMPLES, config.z_dim, generator=torch.Generator().manual_seed(0))
    return net(z).mean(0)
