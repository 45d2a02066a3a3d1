"""The same generator, written as each program writes it, draws the same pictures when it is read."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dialects import (
    SMALL,
    SOURCE,
    ada,
    lucidrains,
    random_generator,
    rosinality,
    rosinality_state,
    stylegan3,
    tensorflow,
    written,
)
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import WeightsError
from reverie.models.stylegan2.alias_free import AliasFree, bands
from reverie.models.stylegan2.config import GeneratorConfig, parse_config
from reverie.models.stylegan2.foreign import convert
from reverie.models.stylegan2.generator import Generator
from reverie.models.stylegan2.infer import complete, infer_config
from reverie.models.stylegan2.lucidrains import LucidrainsSynthesis
from reverie.weights.gan.lucidrains import noise_corner
from reverie.weights.gan.read import find_generator
from reverie.weights.pickles.file import open_foreign

CLAMPED = replace(SMALL, clamp=256.0)
WIDE = replace(SMALL, base=(3, 5))
GREY = replace(SMALL, colors=1, channels=(8, 4), mapping_layers=1, kernel=(1, 2, 2, 1))
LABELS = replace(SMALL, c_dim=5, embed_dim=6)
OLD_LABELS = replace(SMALL, c_dim=5, labels="concat", embed_dim=8)


def alias_free(**options: object) -> GeneratorConfig:
    """Return the shape of a small StyleGAN3."""
    shape = AliasFree(resolution=32, channel_base=256, channel_max=8, layers=6, **options)  # type: ignore[arg-type]
    channels = tuple(band.channels for band in bands(shape, 3)[:-1])
    return replace(
        CLAMPED, architecture="stylegan3", channels=channels, alias_free=shape, noise=False, mapping_layers=2
    )


LUCIDRAINS = replace(SMALL, architecture="lucidrains", mapping_lr=0.1, colors=4)


def encoder(net: Generator) -> bytes:
    """Write the file of an encoder, whose decoder is the generator, with a mean of w for each layer."""
    state = {f"decoder.{name}": value for name, value in rosinality_state(net).items()}
    means = net.mapping.w_avg.expand(net.config.num_ws, -1).clone()
    return rosinality(net, g_ema=None, state_dict=state | {"encoder.x": torch.ones(2)}, latent_avg=means, opts={"n": 1})


FORMS: dict[str, tuple[GeneratorConfig, Callable[[Generator], bytes]]] = {
    "ada protocol 3": (SMALL, lambda net: ada(net, 3)),
    "ada protocol 4": (SMALL, lambda net: ada(net, 4)),
    "ada protocol 2": (SMALL, lambda net: ada(net, 2)),
    "ada with labels": (LABELS, ada),
    "ada clamped": (CLAMPED, ada),
    "ada wide": (WIDE, ada),
    "ada grey": (GREY, ada),
    "ada RGBA": (replace(SMALL, colors=4), ada),
    "ada resnet": (replace(SMALL, architecture="resnet"), ada),
    "ada orig": (replace(SMALL, architecture="orig"), ada),
    "ada without noise": (replace(SMALL, noise=False), ada),
    "only G_ema": (SMALL, lambda net: ada(net, only="G_ema")),
    "only G": (SMALL, lambda net: ada(net, only="G")),
    "stylegan3 program": (CLAMPED, lambda net: ada(net, stylegan3=True)),
    "stylegan3 t": (alias_free(), stylegan3),
    "stylegan3 t protocol 3": (alias_free(critical=1, margin=8), lambda net: stylegan3(net, 3)),
    "stylegan3 r": (alias_free(kernel=1, radial=True), stylegan3),
    "stylegan3 with labels": (replace(alias_free(), c_dim=5, embed_dim=8), stylegan3),
    "tensorflow": (SMALL, tensorflow),
    "tensorflow protocol 3": (SMALL, lambda net: tensorflow(net, 3, version=5)),
    "tensorflow protocol 2": (SMALL, lambda net: tensorflow(net, 2)),
    "tensorflow only Gs": (SMALL, lambda net: tensorflow(net, only_gs=True)),
    "tensorflow wide": (WIDE, tensorflow),
    "tensorflow labels": (OLD_LABELS, tensorflow),
    "tensorflow ada labels": (LABELS, lambda net: tensorflow(net, version=5)),
    "tensorflow resnet": (replace(SMALL, architecture="resnet"), tensorflow),
    "tensorflow by levels of detail": (replace(SMALL, architecture="orig"), lambda net: tensorflow(net, levels=True)),
    "tensorflow orig": (replace(SMALL, architecture="orig"), tensorflow),
    "rosinality": (SMALL, rosinality),
    "rosinality before 1.6": (SMALL, lambda net: rosinality(net, old=True)),
    "rosinality training": (
        SMALL,
        lambda net: rosinality(net, g={}, g_optim={"state": {0: 1}}, args=Namespace(size=32)),
    ),
    "rosinality not averaged": (SMALL, lambda net: rosinality(net, g_ema=None, g=rosinality_state(net))),
    "encoder": (SMALL, encoder),
    "tensorflow numpy 2": (SMALL, lambda net: tensorflow(net, numpy_2=True)),
    "lucidrains": (LUCIDRAINS, lucidrains),
    "lucidrains without average": (LUCIDRAINS, lambda net: lucidrains(net, average=False)),
    "rosinality parallel": (SMALL, lambda net: rosinality(net, prefix="module.")),
}


@pytest.mark.parametrize("form", FORMS)
def test_reading_gives_the_same_pictures(tmp_path: Path, form: str) -> None:
    config, write = FORMS[form]
    net = random_generator(config)
    path = written(tmp_path / "network.bin", write(net))
    found = find_generator(open_foreign(path))
    inferred = infer_config(found.tensors, found.settings, path.name)
    state, _ = complete(inferred, found.tensors, path.name)
    embed_dim = inferred.embed_dim if not config.c_dim else config.embed_dim
    assert replace(inferred, embed_dim=embed_dim) == replace(config, embed_dim=embed_dim)
    again = Generator(inferred)
    again.load_state_dict(state)
    z = torch.randn(2, config.z_dim, generator=torch.Generator().manual_seed(1))
    classes = torch.eye(5)[[1, 3]] if config.c_dim else None
    noise = "none" if form.startswith("lucidrains") else "const"  # such files hold none
    with torch.no_grad():
        expected, drawn = net(z, classes, noise), again(z, classes, noise)
    assert expected.std() > 0.01
    torch.testing.assert_close(drawn, expected, rtol=0, atol=1e-5 * float(expected.std()))
    if noise == "const":
        torch.testing.assert_close(again.mapping.w_avg, net.mapping.w_avg)


def test_lucidrains_synthesis_is_that_of_the_plain_formulas() -> None:
    """Weights rebuilt for each picture, one w a block, noise through a linear layer and turned: as they do it."""
    net = random_generator(replace(LUCIDRAINS, channels=(6, 4)))
    noise = torch.rand(1, 8, 8, 1, generator=torch.Generator().manual_seed(1))
    w = torch.randn(1, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        for conv in net.synthesis.convolutions:
            conv.noise_const.copy_(noise_corner(noise[0, :, :, 0], conv.size[0]))
        expected = plain_synthesis(net.synthesis, w, noise)
        drawn = net.synthesis(net.spread(w)) / 2 + 0.5
    torch.testing.assert_close(drawn, expected, rtol=0, atol=1e-5 * float(expected.std()))


def plain_synthesis(net: LucidrainsSynthesis, w: Tensor, noise: Tensor) -> Tensor:
    def modulated(layer, x: Tensor, normalize: bool) -> Tensor:
        weight = layer.weight * layer.affine(w)[:, None].reshape(1, -1, 1, 1)
        if normalize:
            weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        return F.conv2d(x, weight, padding=weight.shape[-1] // 2)

    x, colors = net.start(net.blocks[0].const[None]), torch.zeros(1)
    for stage, block in enumerate(net.blocks):
        if stage:
            x = F.interpolate(x, scale_factor=2, mode="bilinear")
        for conv in (block.conv0, block.conv1):
            seen = F.linear(noise[:, : x.shape[2], : x.shape[3]], conv.noise_strength[:, None], conv.bias)
            x = F.leaky_relu(modulated(conv, x, True) + seen.permute(0, 3, 2, 1), 0.2)
        if stage:
            grown = F.pad(F.interpolate(colors, scale_factor=2, mode="bilinear"), (1, 1, 1, 1), mode="reflect")
            kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
            colors = torch.cat([F.conv2d(c[None, None], kernel[None, None]) for c in grown[0]], 1)
        colors = colors + modulated(block.torgb, x, False)
    return colors


DIALECTS = {
    "stylegan3 r": "StyleGAN3 (PyTorch)",
    "ada protocol 4": "StyleGAN2-ADA (PyTorch)", "stylegan3 program": "StyleGAN2 in StyleGAN3's form (PyTorch)",
    "tensorflow": "StyleGAN2 (TensorFlow)", "tensorflow ada labels": "StyleGAN2-ADA (TensorFlow)",
    "rosinality training": "rosinality's stylegan2-pytorch", "lucidrains": "lucidrains' stylegan2-pytorch",
}  # fmt: skip


@pytest.mark.parametrize("form", DIALECTS)
def test_the_program_is_named(tmp_path: Path, form: str) -> None:
    config, write = FORMS[form]
    found = find_generator(open_foreign(written(tmp_path / "a.pkl", write(random_generator(config)))))
    assert found.dialect == DIALECTS[form]


def test_what_a_file_lacks_is_made_up_and_said(tmp_path: Path) -> None:
    net = random_generator()
    state = {name: value for name, value in rosinality_state(net).items() if not name.startswith("noises")}
    path = written(tmp_path / "a.pt", rosinality(net, g_ema=state, latent_avg=None))
    made = convert(path)
    assert made.notes == [
        "7 noise maps are not in the file; they were drawn anew",
        "the file has no mean of w; it was estimated from 10000 samples",
    ]
    z = torch.randn(4000, 8, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        mean = net.mapping(z).mean(0)
    torch.testing.assert_close(made.state["mapping.w_avg"], mean, rtol=0, atol=0.1 * float(mean.abs().max()))


@pytest.mark.parametrize("form", ["ada protocol 4", "tensorflow"])
def test_source_inside_is_shown_by_its_hash_only(tmp_path: Path, form: str) -> None:
    import hashlib

    config, write = FORMS[form]
    found = find_generator(open_foreign(written(tmp_path / "a.pkl", write(random_generator(config)))))
    assert found.code and {code.sha256 for code in found.code} == {hashlib.sha256(SOURCE.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mapping_lr": 0}, "mapping_lr must be"), ({"mapping_lr": False}, "mapping_lr must be"),
        ({"clamp": float("nan")}, "clamp must be"), ({"colors": True}, "colors must be"),
        ({"kernel": [1e99, 1]}, "kernel"),
        ({"channels": [8] * 11, "base": [64, 64]}, "larger than any network draws"), ({"base": 4}, "say properly"),
    ],
)  # fmt: skip
def test_impossible_shapes_are_refused(change: dict, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        parse_config(SMALL.record() | change, "a.safetensors")
