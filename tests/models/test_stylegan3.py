"""StyleGAN3: published counts and layers, filters, resampling and the input against plain formulas, equivariance."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reverie.models.build import shapes_only
from reverie.models.stylegan2.alias_free import AliasFree, bands
from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.file import describe, load_generator
from reverie.models.stylegan2.generator import Generator
from reverie.models.stylegan2.stylegan3 import FilteredConv, downsampled, lowpass, upsampled
from reverie.weights.checkpoint import save_model

T, R = {}, {"kernel": 1, "radial": True, "channel_base": 65536, "channel_max": 1024}
# As printed by NVIDIA's program: github.com/NVlabs/stylegan3, issues 49 and 656, and networks that people published.
LAYERS_T_1024 = """
L0_36_512 L1_36_512 L2_52_512 L3_52_512 L4_84_512 L5_148_512 L6_148_512 L7_276_323 L8_276_203 L9_532_128 L10_1044_81
L11_1044_51 L12_1044_32 L13_1024_32 L14_1024_3
"""
LAYERS_R_1024 = """
L0_36_1024 L1_36_1024 L2_52_1024 L3_52_1024 L4_84_1024 L5_148_1024 L6_148_1024 L7_276_645 L8_276_406 L9_532_256
L10_1044_161 L11_1044_102 L12_1044_64 L13_1024_64 L14_1024_3
"""
BUFFERS_R_1024 = [157, 157, 169, 157, 169, 169, 157, 169, 157, 169, 169, 157, 25, 25, 1]
TOTAL_R_1024, BUFFERS_IN_ALL = 15_093_151, 5600


def config(resolution: int, options: dict, **more: object) -> GeneratorConfig:
    shape = AliasFree(resolution=resolution, **options)
    channels = tuple(band.channels for band in bands(shape, 3)[:-1])
    settings: dict = {"mapping_layers": 2, "noise": False, "clamp": 256.0} | more
    return GeneratorConfig(channels=channels, architecture="stylegan3", alias_free=shape, **settings)


def small(options: dict | None = None, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    shape = {"channel_base": 512, "channel_max": 16, "layers": 6} | (options or {})
    net = Generator(config(32, shape, z_dim=8, w_dim=8, mapping_width=8)).eval()
    with torch.no_grad():
        for layer in net.synthesis.layers:
            layer.affine.weight.mul_(0.3)
    return net


def count(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_layers_and_parameters_are_the_published_ones():
    with shapes_only():
        t, r = (Generator(config(1024, options)) for options in (T, R))
    assert t.synthesis.names == LAYERS_T_1024.split()
    assert r.synthesis.names == LAYERS_R_1024.split()
    assert count(r) == TOTAL_R_1024
    held = [sum(b.numel() for b in layer.buffers() if b is not None) for layer in r.synthesis.layers]
    assert held == BUFFERS_R_1024
    kept = sum(b.numel() for b in r.buffers())
    assert kept == BUFFERS_IN_ALL
    assert r.config.num_ws == t.config.num_ws == 16
    first = t.synthesis.layers[0]
    assert count(first) - count(first.affine) == 2_359_808
    wide = [count(layer) - count(layer.affine) for layer in r.synthesis.layers]
    assert wide[:1] + wide[7:10] + wide[-3:] == [1_049_600, 661_125, 262_276, 104_192, 6592, 4160, 195]


def test_the_input_of_r_at_128_px_and_its_last_layers():
    with shapes_only():
        net = Generator(config(128, R))
    names = net.synthesis.names
    assert names[8:] == ["L8_84_1024", "L9_148_1024", "L10_148_912", "L11_148_683", "L12_148_512", "L13_128_512",
                         "L14_128_3"]  # fmt: skip


def test_filters_are_those_of_the_window_method():
    """Frequencies below the cutoff pass, those beyond the transition do not."""
    taps = lowpass(24, cutoff=4.0, width=6.0, rate=64.0)
    assert taps.sum() == pytest.approx(1)
    assert torch.allclose(taps, taps.flip(0))
    passed = [abs(sum(t * np.exp(-2j * math.pi * f * i / 64) for i, t in enumerate(taps.tolist()))) for f in (1, 4, 12)]
    assert passed[0] > 0.95
    assert passed[1] == pytest.approx(0.5, abs=0.03)  # the cutoff is the middle of the transition
    assert passed[2] < 0.03
    disk = lowpass(12, cutoff=16.0, width=16.0, rate=128.0, radial=True)
    assert disk.shape == (12, 12)
    assert disk.sum() == pytest.approx(1)
    assert torch.allclose(disk, disk.T) and torch.allclose(disk, disk.flip(0))


@pytest.mark.parametrize(("times", "count", "low", "high"), [(2, 12, 9, 8), (4, 24, 27, 20), (2, 12, -1, -2)])
def test_sampling_up_and_down_equals_zeros_and_a_plain_convolution(times: int, count: int, low: int, high: int):
    x, taps = torch.randn(2, 3, 9, 9, dtype=torch.float64), torch.randn(count, dtype=torch.float64)
    sparse = x.new_zeros(2, 3, 9 * times, 9 * times)
    sparse[..., ::times, ::times] = x
    wide = F.pad(sparse, (low, high, low, high))
    kernel = torch.outer(taps, taps).flip(0, 1).expand(3, 1, -1, -1)
    expected = F.conv2d(wide, kernel * times**2, groups=3)
    assert torch.allclose(upsampled(x, taps, times, low, high), expected)
    wide = torch.randn(1, 3, 40, 40, dtype=torch.float64)
    down = F.conv2d(wide, kernel, groups=3)[..., ::times, ::times]
    assert torch.allclose(downsampled(wide, taps, times), down)
    assert torch.allclose(downsampled(wide, torch.outer(taps, taps), times), down)
    assert torch.equal(upsampled(x, None, 1, 2, 1), F.pad(x, (2, 1, 2, 1)))


def test_a_layer_equals_the_paper_with_weights_rebuilt_for_each_picture():
    net = small()
    layer: FilteredConv = net.synthesis.layers[2]
    layer.magnitude_ema.fill_(4.0)
    before = bands(net.synthesis.shape, 3)[1]
    x, w = torch.randn(2, before.channels, before.size, before.size), torch.randn(2, 8)
    own = layer.weight[None] * layer.affine(w)[:, None, :, None, None]
    own = own * own.square().sum((2, 3, 4), keepdim=True).rsqrt() / 2  # divided by the root of the mean square so far
    rows = [F.conv2d(one[None], weight, layer.bias, padding=2) for one, weight in zip(x, own, strict=True)]
    y = upsampled(torch.cat(rows), layer.up_filter, layer.up, layer.low, layer.high)
    expected = downsampled(F.leaky_relu(y, 0.2) * math.sqrt(2), layer.down_filter, layer.down)
    found = layer(x, w)
    assert found.shape[2:] == (bands(net.synthesis.shape, 3)[2].size,) * 2
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"kernel": 1, "radial": True}], ids=["t", "r"])
def test_every_layer_has_its_size_and_a_prepared_network_draws_the_same(options: dict):
    net = small(options)
    ws = net.spread(net.mapping(torch.randn(2, 8)))
    with torch.no_grad():
        steps = list(net.synthesis.stepwise(ws))
        for number, (x, _) in enumerate(steps):
            assert x.shape[2:] == net.config.stage_size(number)
        images = net.synthesis(ws)
        assert images.shape == (2, 3, 32, 32)
        assert images.std() > 1e-3
        assert torch.allclose(net.prepared().synthesis(ws), images, atol=1e-5)
        again = net.synthesis(ws, "none", torch.bfloat16)
    assert (again - images).abs().max() < 0.15 * images.std()


def test_what_moves_the_input_moves_the_picture():
    """The property that the paper is about: by whole and by half pixels, to within what its filters let through."""
    net = small({"layers": 8, "channel_max": 32, "channel_base": 1024})
    ws = net.spread(net.mapping(torch.randn(1, 8)))
    with torch.no_grad():
        still = net.synthesis(ws)
        net.synthesis.input.transform[0, 2] = -4 / 32  # four pixels to the right
        moved = net.synthesis(ws)
    inner = (slice(None), slice(None), slice(4, 28), slice(8, 28))
    error = (moved[inner] - still.roll(4, 3)[inner]).square().mean() / still.var()
    assert error < 0.01
    assert (moved - still).square().mean() / still.var() > 0.1


def test_a_file_is_written_and_opened_again(tmp_path: Path):
    net = small()
    path = tmp_path / "three.safetensors"
    save_model(path, dict(net.state_dict()), describe(net.config))
    opened = load_generator(path)
    assert opened.config == net.config
    ws = net.spread(net.mapping(torch.randn(1, 8)))
    with torch.no_grad():
        assert torch.allclose(opened.net.synthesis(ws), net.synthesis(ws), atol=1e-5)
