import pytest
import torch

from reverie.critic.critic import Preprocessing
from reverie.critic.open import CAFFE_MEAN, open_critic


def pixel(red: float, green: float, blue: float) -> torch.Tensor:
    return torch.tensor([red, green, blue]).view(1, 3, 1, 1)


def test_mean_and_std():
    out = Preprocessing((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(pixel(1.0, 0.5, 0.0)).flatten().tolist()
    assert out == pytest.approx([(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225], rel=1e-5)


def test_caffe_wants_blue_first_up_to_255_less_its_mean():
    out = Preprocessing(CAFFE_MEAN, (1.0, 1.0, 1.0), 255.0, bgr=True)(pixel(1.0, 0.5, 0.0)).flatten().tolist()
    assert out == pytest.approx([0 - 104, 127.5 - 117, 255 - 123])


def test_the_gradient_comes_back_in_rgb_order():
    images = pixel(0.1, 0.2, 0.3).requires_grad_(True)
    out = Preprocessing(CAFFE_MEAN, (1.0, 1.0, 1.0), 255.0, bgr=True)(images)
    (gradient,) = torch.autograd.grad(out[:, 0].sum(), images)  # the network's first channel is blue
    assert gradient.flatten().tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("squeezenet1_1", [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0 - 0.406) / 0.225]),
        ("squeezenet1_1-caffe", [0 - 104, 127.5 - 117, 255 - 123]),
        ("googlenet", [1.0, 0.0, -1.0]),
    ],
)
def test_every_family_gets_what_its_weights_were_trained_with(model, expected):
    critic = open_critic(model, "random", device="cpu", precision="fp32")
    assert critic.preprocessing(pixel(1.0, 0.5, 0.0)).flatten().tolist() == pytest.approx(expected, abs=1e-5)
