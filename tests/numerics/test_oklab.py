import pytest
import torch

from reverie.numerics import color as module
from reverie.numerics.color import from_oklab, linear_to_srgb, srgb_to_linear, to_oklab, with_chroma_of

XYZ_TO_LINEAR = torch.tensor(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]],
    dtype=torch.float64,
)


def pixel(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)


def noise(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed))


def hue_and_chroma(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = to_oklab(images.double())[:, 1:].unbind(1)
    return torch.atan2(b, a), torch.hypot(a, b)


@pytest.mark.parametrize(
    ("xyz", "lab"),
    [
        ((0.950, 1.000, 1.089), (1.000, 0.000, 0.000)),
        ((1.000, 0.000, 0.000), (0.450, 1.236, -0.019)),
        ((0.000, 1.000, 0.000), (0.922, -0.671, 0.263)),
        ((0.000, 0.000, 1.000), (0.153, -1.415, -0.449)),
    ],
)
def test_values_of_the_table_published_with_oklab(xyz, lab):
    linear = XYZ_TO_LINEAR @ torch.tensor(xyz, dtype=torch.float64)
    found = to_oklab(linear_to_srgb(linear.view(1, 3, 1, 1)))
    assert torch.allclose(found.flatten(), torch.tensor(lab, dtype=torch.float64), atol=1.5e-3)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),  # the primaries, as in the examples of CSS Color 4
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
        ((1, 1, 1), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_values_of_the_primaries(rgb, lab):
    assert torch.allclose(to_oklab(pixel(*rgb)), pixel(*lab), atol=2e-5)


def test_grey_has_no_color_and_lightness_is_the_cube_root_of_linear_light():
    greys = torch.linspace(0, 1, 256).view(1, 1, 1, 256).expand(1, 3, 1, 256)
    lab = to_oklab(greys)
    assert float(lab[:, 1:].abs().max()) < 1e-6
    assert torch.allclose(lab[:, 0], srgb_to_linear(greys)[:, 0] ** (1 / 3), atol=1e-6)


def test_round_trips():
    images = noise(40, 50)
    # in float64: float32's own error depends on the processor's multiply-adds
    assert torch.allclose(from_oklab(to_oklab(images.double())), images.double(), atol=1e-7)
    assert torch.allclose(from_oklab(to_oklab(images)), images, atol=5e-5)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(images)), images, atol=1e-6)
    assert float(srgb_to_linear(pixel(0.5, 0.04045, 1.0))[0, 0]) == pytest.approx(0.2140411, abs=1e-6)
    wide = torch.linspace(-0.5, 1.5, 30).view(1, 1, 5, 6).expand(1, 3, 5, 6)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(wide)), wide, atol=1e-6)


def test_lightness_is_the_dreams_and_color_the_photos_wherever_both_exist():
    photo = 0.4 + 0.2 * noise(60, 70)  # muted colors exist at every middle lightness
    dream = (photo + 0.1 * (noise(60, 70, seed=1) - 0.5)).clamp(0, 1)
    lab, wanted = to_oklab(with_chroma_of(dream, photo)), torch.cat([to_oklab(dream)[:, :1], to_oklab(photo)[:, 1:]], 1)
    assert torch.allclose(lab, wanted, atol=2e-5)


def test_every_result_exists_and_keeps_hue_also_for_the_most_saturated_colors():
    photo, dream = noise(80, 90).round().float() * 0.98 + 0.01, noise(80, 90, seed=1)
    result = with_chroma_of(dream, photo)
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert torch.allclose(to_oklab(result)[:, 0], to_oklab(dream)[:, 0], atol=1e-4)
    hue, chroma = hue_and_chroma(result)
    wanted, most = hue_and_chroma(photo)
    seen = (chroma > 0.01) & (most > 0.01)
    turned = (hue - wanted + torch.pi) % (2 * torch.pi) - torch.pi
    assert float(seen.float().mean()) > 0.5
    assert float(turned[seen].abs().max()) < 0.01
    assert bool((chroma <= most + 1e-4).all())


def test_no_more_color_is_taken_than_the_gamut_takes():
    photo, dream = noise(30, 30).round(), noise(30, 30, seed=1)
    result = with_chroma_of(dream, photo)
    lab = to_oklab(result.double())
    reduced = hue_and_chroma(result)[1] < hue_and_chroma(photo)[1] - 1e-3
    assert bool(reduced.any())
    more = from_oklab(torch.cat([lab[:, :1], lab[:, 1:] * 1.01], 1))
    outside = (more.amin(1) < -1e-7) | (more.amax(1) > 1 + 1e-7)
    assert bool(outside[reduced & (hue_and_chroma(result)[1] > 1e-3)].all())


def test_grey_photos_stay_exactly_grey():
    photo = noise(40, 50).mean(1, keepdim=True).expand(1, 3, 40, 50)
    result = with_chroma_of(noise(40, 50, seed=1), photo)
    assert torch.equal(result[:, 0], result[:, 1])
    assert torch.equal(result[:, 1], result[:, 2])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_have_no_color(value):
    result = with_chroma_of(torch.full((1, 3, 5, 6), value), noise(5, 6).round())
    assert torch.allclose(result, torch.full_like(result, value), atol=1e-3)


def test_what_is_unchanged_stays_bit_for_bit():
    photo = noise(40, 50)
    dream = photo.clone()
    dream[..., 20:] = noise(40, 30, seed=1)
    result = with_chroma_of(dream, photo)
    assert torch.equal(result[..., :20], photo[..., :20])
    assert torch.equal(with_chroma_of(photo, photo), photo)


def test_twice_is_once_and_strips_do_not_show(monkeypatch):
    photo, dream = noise(41, 50), noise(41, 50, seed=1)
    once = with_chroma_of(dream, photo)
    assert torch.allclose(with_chroma_of(once, photo), once, atol=2e-3)
    monkeypatch.setattr(module, "STRIP_PIXELS", 150)
    assert torch.allclose(with_chroma_of(dream, photo), once, atol=1e-6)
