"""StyleGAN2: parameter counts of the published networks, and pictures against a slow, literal reference."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Generator as Random
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import InputError, WeightsError
from reverie.models.stylegan2.compiled import compiled_conv
from reverie.models.stylegan2.config import GeneratorConfig, channels_of, parse_config
from reverie.models.stylegan2.discriminator import Discriminator, matching, spread_map
from reverie.models.stylegan2.file import build_generator, describe, load_generator
from reverie.models.stylegan2.generator import Generator
from reverie.models.stylegan2.layers import Blur, StyleConv, ToColors
from reverie.models.stylegan2.tiled import suits_tiles, tiled_conv
from reverie.models.winograd import turned
from reverie.weights.checkpoint import save_model

SMALL = GeneratorConfig(
    channels=(12, 10, 8), z_dim=6, w_dim=7, mapping_layers=2, mapping_width=7, embed_dim=5, mapping_lr=0.1
)
# resolution: generator config-f, half; discriminator config-f, half, as counted on the published networks
COUNTS = {
    32: (21_523_475, 21_523_475, 21_507_073, 21_507_073),
    64: (27_032_600, 23_819_544, 26_488_833, 23_407_361),
    128: (29_328_669, 24_525_213, 28_389_121, 23_882_369),
    256: (30_034_338, 24_767_458, 28_864_129, 24_001_089),
    512: (30_276_583, 24_860_935, 28_982_849, 24_030_753),
    1024: (30_370_060, 24_900_764, 29_012_513, 24_038_161),
}


def made(config: GeneratorConfig, seed: int = 0) -> Generator:
    """Return a generator whose every weight matters: noise and biases too."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Generator(config)
        for name, weight in net.named_parameters():
            if name.endswith(("bias", "noise_strength")):
                weight.data += 0.3 * torch.randn_like(weight)
    return net.eval().requires_grad_(False)


@pytest.mark.parametrize("resolution", COUNTS)
@pytest.mark.parametrize("half", [False, True])
def test_the_published_networks_have_their_number_of_parameters(resolution: int, half: bool):
    config = GeneratorConfig(channels=channels_of(resolution, 16384 if half else 32768))
    with torch.device("meta"):
        nets = Generator(config), Discriminator(matching(config))
    counted = [sum(p.numel() for p in net.parameters()) for net in nets]
    assert counted == [COUNTS[resolution][int(half)], COUNTS[resolution][2 + int(half)]]
    assert config.num_ws == 2 * int(math.log2(resolution)) - 2


def test_two_mapping_layers_and_noise_maps_have_the_published_sizes():
    with torch.device("meta"):
        two = Generator(GeneratorConfig(channels=channels_of(1024), mapping_layers=2))
    assert sum(p.numel() for p in two.mapping.parameters()) == 525_312
    assert sum(conv.noise_const.numel() for conv in two.synthesis.convolutions) == 2_796_176


# -- the slow reference: weights rebuilt for each picture, zeros between pixels


def up_fir_down(x: Tensor, kernel: Tensor, up: int, pad: tuple[int, int], gain: float) -> Tensor:
    spread = x.new_zeros(*x.shape[:2], x.shape[2], up, x.shape[3], up)
    spread[:, :, :, 0, :, 0] = x
    spread = spread.reshape(*x.shape[:2], x.shape[2] * up, x.shape[3] * up)
    padded = F.pad(spread, (pad[0], pad[1], pad[0], pad[1]))
    weight = (kernel.flip(0, 1) * gain).expand(x.shape[1], 1, -1, -1)
    return F.conv2d(padded, weight, groups=x.shape[1])


def modulated(x: Tensor, weight: Tensor, style: Tensor, kernel: Tensor | None, demodulate: bool) -> Tensor:
    """Equations 1 to 3 of the paper, picture by picture."""
    out = []
    for image, s in zip(x, style, strict=True):
        own = weight * s[None, :, None, None]
        if demodulate:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if kernel is None:
            out.append(F.conv2d(image[None], own, padding=own.shape[-1] // 2))
        else:
            wide = F.conv_transpose2d(image[None], own.transpose(0, 1), stride=2)
            out.append(up_fir_down(wide, kernel, 1, (1, 1), 4.0))
    return torch.cat(out)


def reference(net: Generator, ws: Tensor) -> Tensor:
    state, config = net.synthesis.state_dict(), net.config
    taps = torch.tensor([1.0, 3, 3, 1])
    kernel, images, number = torch.outer(taps, taps) / 64, None, 0
    x = state["b4.const"].expand(len(ws), -1, -1, -1)

    def dense(name: str, w: Tensor) -> Tensor:
        weight = state[f"{name}.weight"]
        return w @ weight.T / math.sqrt(weight.shape[1]) + state[f"{name}.bias"]

    def conv(x: Tensor, name: str, w: Tensor, up: bool, gain: float) -> Tensor:
        y = modulated(x, state[f"{name}.weight"], dense(f"{name}.affine", w), kernel if up else None, True)
        if config.noise:
            y = y + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        y = F.leaky_relu(y + state[f"{name}.bias"][:, None, None], 0.2) * (math.sqrt(2) * gain)
        return y if config.clamp is None else y.clamp(-config.clamp * gain, config.clamp * gain)

    for stage in range(config.stages):
        block, skip = f"b{4 << stage}", None
        if stage:
            if config.architecture == "resnet":
                weight = state[f"{block}.skip.weight"]
                skip = F.conv2d(x, weight / math.sqrt(weight.shape[1]) * math.sqrt(0.5))
                skip = up_fir_down(skip, kernel, 2, (2, 1), 4.0)
            x = conv(x, f"{block}.conv0", ws[:, number], True, 1.0)
            number += 1
        x = conv(x, f"{block}.conv1", ws[:, number], False, 1.0 if skip is None else math.sqrt(0.5))
        number += 1
        x = x if skip is None else x + skip
        if images is not None:
            images = up_fir_down(images, kernel, 2, (2, 1), 4.0)
        if config.architecture == "skip" or stage == config.stages - 1:
            weight = state[f"{block}.torgb.weight"]
            style = dense(f"{block}.torgb.affine", ws[:, number]) / math.sqrt(weight.shape[1])
            color = modulated(x, weight, style, None, False) + state[f"{block}.torgb.bias"][:, None, None]
            if config.clamp is not None:
                color = color.clamp(-config.clamp, config.clamp)
            images = color if images is None else images + color
    return images  # type: ignore[return-value]


@pytest.mark.parametrize(
    "change",
    [{}, {"architecture": "resnet"}, {"architecture": "orig"}, {"base": (3, 5)}, {"colors": 4}, {"colors": 1},
     {"noise": False}, {"clamp": 0.6}],
    ids=str,
)  # fmt: skip
def test_pictures_equal_those_of_the_slow_reference(change: dict[str, object]):
    config = replace(SMALL, **change)  # type: ignore[arg-type]
    net = made(config)
    ws = torch.randn(3, config.num_ws, config.w_dim, generator=Random().manual_seed(1))
    expected = reference(net, ws)
    assert expected.shape == (3, config.colors, *config.size)
    alone = torch.cat([net.synthesis(one[None]) for one in ws])
    with torch.inference_mode():  # one picture at a time has its weights scaled where these are few
        still = torch.cat([net.synthesis(one[None]) for one in ws])
    for found in (net.synthesis(ws), alone, still, net.prepared().synthesis(ws)):  # with tables of W**2, and without
        assert (found - expected).abs().max() < 2e-5 * expected.abs().max()


def test_gradients_equal_those_of_the_slow_reference():
    net = made(SMALL)
    ws = torch.randn(2, SMALL.num_ws, SMALL.w_dim, generator=Random().manual_seed(2)).requires_grad_(True)
    (found,) = torch.autograd.grad(net.synthesis(ws).square().sum(), ws)
    (expected,) = torch.autograd.grad(reference(net, ws).square().sum(), ws)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_bf16_stays_within_40_db_of_float32():
    config = GeneratorConfig(channels=(64, 64, 32), z_dim=32, w_dim=32, mapping_layers=2, mapping_width=32)
    net = made(config).prepared()
    ws = net.spread(net.mapping(torch.randn(4, 32, generator=Random().manual_seed(3))))
    exact, quick = net.synthesis(ws), net.synthesis(ws, "const", torch.bfloat16)
    scale = 0.5 / exact.std()
    assert -10 * math.log10(((exact - quick) * scale).square().mean().item() / 4) > 40


@pytest.mark.parametrize(("stages", "exact"), [(4, 0), (5, 1), (7, 3), (9, 3)])
def test_first_blocks_are_exact_in_bf16_but_none_of_the_four_largest(stages: int, exact: int):
    net = made(replace(SMALL, channels=(8,) * stages))
    ws = net.spread(net.mapping(torch.randn(1, net.config.z_dim)))
    with torch.no_grad():
        kinds = [x.dtype for x, _ in net.synthesis.stepwise(ws, "none", torch.bfloat16)]
        whole = [x.dtype for x, _ in net.synthesis.stepwise(ws, "none")]
    assert kinds == [torch.float32] * exact + [torch.bfloat16] * (stages - exact)
    assert whole == [torch.float32] * stages


@pytest.mark.parametrize("size", [(4, 4), (8, 20), (24, 16)])
def test_a_convolution_by_tiles_equals_the_plain_one(size: tuple[int, int]):
    random = Random().manual_seed(9)
    x, weight, bias = (torch.randn(s, generator=random) for s in ((2, 5, *size), (7, 5, 3, 3), (7,)))
    style, scale = torch.rand(2, 5, generator=random), torch.rand(2, 7, generator=random)
    plain = F.conv2d((x * style[..., None, None]).double(), weight.double(), padding=1)
    expected = plain * scale[..., None, None] + bias[:, None, None]
    found = tiled_conv(x.contiguous(memory_format=torch.channels_last), turned(weight), style, scale, bias)
    assert (found - expected).abs().max() < 2e-5 * expected.abs().max()
    assert not suits_tiles(weight, *size)  # too few channels to be worth it


@pytest.mark.parametrize("noise", [None, "map", "maps"])
@pytest.mark.parametrize("size", [(4, 4), (8, 20), (24, 16), (4, 272), (280, 8)])
def test_tiles_in_loops_equal_the_plain_convolution_and_its_activation(size: tuple[int, int], noise: str | None):
    random = Random().manual_seed(9)
    x, weight, bias = (torch.randn(s, generator=random) for s in ((2, 32, *size), (16, 32, 3, 3), (16,)))
    style, scale = torch.rand(2, 32, generator=random), torch.rand(2, 16, generator=random)
    shape = {None: (1, 1), "map": size, "maps": (2, 1, *size)}[noise]
    grain = torch.randn(shape, generator=random)
    plain = F.conv2d((x * style[..., None, None]).double(), weight.double(), padding=1)
    before = plain * scale[..., None, None] + bias[:, None, None] + (0 if noise is None else grain)
    kernels, x = turned(weight), x.contiguous(memory_format=torch.channels_last)
    for bound in (None, 3.0):
        found = compiled_conv(x, kernels, style, scale, bias, None if noise is None else grain, bound)
        expected = F.leaky_relu(before, 0.2)
        expected = expected if bound is None else expected.clamp(-bound, bound)
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert (found - expected).abs().max() < 2e-5 * before.abs().max()


@pytest.mark.parametrize(("channels", "size"), [(16, (64, 64)), (32, (20, 272)), (512, (32, 32)), (64, (4, 4))])
def test_threads_change_no_bit_of_tiles_in_loops(channels: int, size: tuple[int, int], threads: Callable[[int], None]):
    """Several strips, strips of unequal height, and one alone whose products only torch shares out."""
    random = Random().manual_seed(12)
    shapes = ((2, channels, *size), (channels, channels, 3, 3), (1,))
    x, weight, bias = (torch.randn(s, generator=random) for s in shapes)
    style, scale = (torch.rand(2, channels, generator=random) for _ in range(2))
    kernels, x = turned(weight), x.contiguous(memory_format=torch.channels_last)
    grain, found = torch.randn(size, generator=random), []
    for count in (1, 2, 3):
        threads(count)
        with torch.inference_mode(count == 2):
            found.append(compiled_conv(x, kernels, style, scale, bias.expand(channels), grain, None))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_large_layers_are_computed_by_tiles_where_nothing_is_learned():
    with torch.random.fork_rng():
        torch.manual_seed(10)
        conv = StyleConv(128, 128, 16, (16, 16), None, True, None).requires_grad_(False)
        conv.noise_strength.fill_(0.3)
        x, w = torch.randn(2, 128, 16, 16), torch.randn(2, 16)
    expected = conv(x, w, conv.noise_const)
    conv.prepare(by_tiles=True)
    assert conv.kernels is not None
    assert torch.allclose(conv(x, w, conv.noise_const), expected, atol=1e-5)  # with gradients: the plain form
    assert conv.in_loops
    with torch.inference_mode():
        looped = conv(x, w, conv.noise_const)
        conv.in_loops = False
        quick = conv(x, w, conv.noise_const)
    for found in (looped, quick):
        assert 0 < (found - expected).abs().max() < 5e-5 * expected.abs().max()
    assert not torch.equal(looped, quick)  # which is why results say which it was


def test_colors_as_a_product_are_the_same():
    with torch.random.fork_rng():
        torch.manual_seed(11)
        colors = ToColors(16, 3, 8, None).requires_grad_(False)
        x, w = torch.randn(1, 16, 6, 6).contiguous(memory_format=torch.channels_last), torch.randn(1, 8)
    expected = colors(x, w)
    colors.prepare(by_tiles=True)
    assert torch.allclose(colors(x, w), expected, atol=1e-5)


def test_noise_is_none_new_or_given():
    net = made(SMALL).prepared()
    ws = torch.zeros(1, SMALL.num_ws, SMALL.w_dim)
    maps = [conv.noise_const for conv in net.synthesis.convolutions]
    assert torch.equal(net.synthesis(ws), net.synthesis(ws, maps))
    assert torch.equal(net.synthesis(ws, "none"), net.synthesis(ws, [torch.zeros_like(m) for m in maps]))
    first, again = (net.synthesis(ws, Random().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, net.synthesis(ws))


def test_mapping_with_classes_normalizes_apart_or_together():
    z, label = torch.randn(2, 6, generator=Random().manual_seed(5)), torch.eye(3)[[0, 2]]
    for labels in ("embed", "concat"):
        net = made(replace(SMALL, c_dim=3, labels=labels))  # type: ignore[arg-type]
        embed = net.mapping.state_dict()["embed.weight"]
        if labels == "embed":
            e = label @ embed.T / math.sqrt(3) + net.mapping.embed.bias
            x = torch.cat([v / (v.square().mean(1, keepdim=True) + 1e-8).sqrt() for v in (z, e)], 1)
        else:
            x = torch.cat([z, label @ embed.T], 1)
            x = x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()
        for i in range(2):
            fc = net.mapping.get_submodule(f"fc{i}")
            x = F.leaky_relu(x @ fc.weight.T * (0.1 / math.sqrt(x.shape[1])) + fc.bias * 0.1, 0.2) * math.sqrt(2)
        assert torch.allclose(net.mapping(z, label), x, atol=1e-5)


def test_halving_equals_the_literal_filter():
    x = torch.randn(2, 3, 8, 6, generator=Random().manual_seed(6))
    blur = Blur((1, 3, 3, 1))
    assert torch.allclose(blur.halved(x), up_fir_down(x, blur.kernel, 1, (1, 1), 1.0)[..., ::2, ::2], atol=1e-6)
    assert torch.allclose(blur.doubled(x), up_fir_down(x, blur.kernel, 2, (2, 1), 4.0), atol=1e-6)


def test_the_spread_of_a_minibatch_is_the_mean_deviation():
    x = torch.randn(4, 2, 3, 3, generator=Random().manual_seed(7))
    expected = (x.var(0, correction=0) + 1e-8).sqrt().mean()
    assert torch.allclose(spread_map(x, 4), expected.expand(4, 1, 3, 3))
    assert spread_map(torch.cat([x[:1]] * 4), 4).abs().max() < 1e-3


def test_files_come_back_and_damage_is_named(tmp_path):
    config = replace(SMALL, c_dim=2)
    net = made(config)
    save_model(tmp_path / "a.safetensors", net.state_dict(), describe(config, ("rose", "tulip")))
    opened = load_generator(tmp_path / "a.safetensors")
    z = torch.randn(1, 6, generator=Random().manual_seed(8))
    rose = opened.class_vector("rose")
    assert rose is not None
    assert torch.allclose(opened.net(z, rose[None]), net(z, rose[None]), atol=1e-5)
    with pytest.raises(InputError, match="tulip"):
        opened.class_vector("tulp")
    state = net.state_dict()
    state["synthesis.b4.const"] = torch.zeros(1)
    with pytest.raises(WeightsError, match=r"synthesis\.b4\.const"):
        build_generator(config, state, "x")
    with pytest.raises(WeightsError, match="architecture"):
        parse_config(config.record() | {"architecture": "other"}, "x")
    with pytest.raises(WeightsError, match="does not know"):
        parse_config({"size": 3}, "x")
