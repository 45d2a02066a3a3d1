from __future__ import annotations

import pytest
import torch

from reverie.critic.open import open_critic
from reverie.errors import InputError, WeightsError
from reverie.models.adaptive import AdaptiveDecoder
from reverie.models.student import StudentNet
from reverie.tools.fast.model import FastModel, fast_style, open_student, tile_side
from reverie.weights.checkpoint import Description, save_model


def about(kind: str, net) -> Description:
    critic = open_critic(device="cpu", precision="fp32")
    return Description(kind, (), (0, 0, 0), (1, 1, 1), 64, kind, net.options, data={"encoder": critic.identity.sha256})


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> FastModel:
    torch.manual_seed(0)
    net = StudentNet(8, 2)
    for parameter in net.parameters():  # residual branches begin at zero and would hide how far they see
        torch.nn.init.normal_(parameter, std=0.2)
    path = tmp_path_factory.mktemp("student") / "student.safetensors"
    save_model(path, dict(net.state_dict()), about("student", net))
    return open_student(path, device="cpu")


@pytest.fixture(scope="module")
def adaptive(tmp_path_factory) -> FastModel:
    torch.manual_seed(0)
    net = AdaptiveDecoder((8, 16, 24, 32), 16)
    path = tmp_path_factory.mktemp("adaptive") / "adaptive.safetensors"
    save_model(path, dict(net.state_dict()), about("adaptive", net))
    return open_student(path, device="cpu")


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    coarse = torch.rand(1, 3, height // 8 + 2, width // 8 + 2, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("size", [(203, 150), (64, 241)])
def test_a_student_paints_tiles_as_it_paints_the_whole(student, size):
    image = picture(*size)
    whole = fast_style(image, student, tile=0)
    tiled = fast_style(image, student, tile=48)
    assert whole.std() > 0.02
    assert (whole - tiled).abs().max() < 1e-4


@pytest.mark.slow
def test_any_style_is_stylized_in_tiles_as_in_one_piece(adaptive):
    image, styles = picture(170, 205), [picture(90, 120, 1), picture(70, 60, 2)]
    whole = fast_style(image, adaptive, styles, (2, 1), strength=0.8, tile=0)
    tiled = fast_style(image, adaptive, styles, (2, 1), strength=0.8, tile=64)
    assert (whole - tiled).abs().max() < 1e-4


def test_statistics_of_the_tile_alone_would_be_far_off(student):
    image = picture(64, 128)
    whole = fast_style(image, student, tile=0)
    naive = fast_style(image[..., :64], student, tile=0)
    assert (whole[..., :40] - naive[..., :40]).abs().max() > 1e-2


def test_strength_zero_ignores_the_style(adaptive):
    image = picture(64, 64)
    one, other = (fast_style(image, adaptive, [picture(64, 64, seed)], strength=0, tile=0) for seed in (1, 2))
    assert (one - other).abs().max() < 1e-5


def test_a_blend_lies_between_its_styles(adaptive):
    image, styles = picture(64, 64), [picture(64, 64, 1), picture(64, 64, 2) * 0.3]
    ends = [fast_style(image, adaptive, styles, w, tile=0) for w in ((1, 0), (0, 1))]
    half = fast_style(image, adaptive, styles, (1, 1), tile=0)
    apart = (ends[0] - ends[1]).abs().mean()
    assert all((half - end).abs().mean() < apart for end in ends)
    assert torch.equal(ends[0], fast_style(image, adaptive, styles[:1], tile=0))


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (9, 3)])
def test_tiny_pictures_keep_their_size(student, adaptive, size):
    image = torch.rand(1, 3, *size)
    assert fast_style(image, student).shape == image.shape
    assert fast_style(image, adaptive, [image]).shape == image.shape


def test_memory_decides_about_tiles(student):
    assert tile_side(student, (512, 512), "64GB") == 0
    with pytest.raises(InputError, match="too little"):
        tile_side(student, (8192, 8192), "1MB")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"strength": 1.5}, "0 to 1"), ({"styles": []}, "no style"), ({"weights": [0.0]}, "not all zero")],
)
def test_what_cannot_be_stylized_is_refused(adaptive, change, words):
    options = {"styles": [picture(64, 64)]} | change
    with pytest.raises(InputError, match=words):
        fast_style(picture(64, 64), adaptive, **options)


def test_a_student_takes_no_style_and_a_classifier_is_no_student(student):
    with pytest.raises(InputError, match="learned its style"):
        fast_style(picture(64, 64), student, [picture(64, 64)])
    from reverie.weights.embedded import embedded_path

    with pytest.raises(WeightsError, match="classifier"):
        open_student(embedded_path())
