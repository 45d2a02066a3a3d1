"""Every kind of network brings layers of its own, paints with them, and takes its weights as they were trained."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reverie import style
from reverie.api.styling import Styling
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.critic.style_layers import style_layers
from reverie.models.build import build_classifier
from reverie.objective.content import Content
from reverie.objective.moment_scores import SMOOTH_UNIT
from reverie.objective.self_similarity import SelfSimilarity
from reverie.objective.total_variation import TotalVariation
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import Style, StylePictures

pytestmark = pytest.mark.real

VGG = ("image", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
SQUEEZE = ("image", "relu1", "fire3", "fire4", "fire5", "fire7")
GOOGLENET = ("image", "conv1", "conv2", "inception3a", "inception3b", "inception4b")
CAFFE = ("image", "conv1/relu_7x7", "conv2/relu_3x3", *(f"inception_{n}/output" for n in ("3a", "3b", "4b")))
RESNET = ("image", "relu", "layer1", "layer2", "layer3")
PRESETS = {
    "embedded": (("image", "conv1", "conv2", "mixed3a", "mixed4a", "mixed4c"), ("conv2", "mixed3a", "mixed4a"), False),
    "embedded-2": (("image", "conv1", "conv2", "mixed3a"), ("conv1", "conv2", "mixed3a"), False),
    "vgg19": (VGG, ("relu4_2",), False),
    "vgg19-caffe": (VGG, ("relu4_2",), False),
    "vgg16": (VGG, ("relu4_2",), False),
    "vgg16-caffe": (VGG, ("relu4_2",), False),
    "squeezenet1_1": (SQUEEZE, ("relu1", "fire3", "fire5"), False),
    "googlenet": (GOOGLENET, ("inception3b",), False),
    "googlenet-caffe": (CAFFE, ("inception_3b/output",), False),
    "resnet18": (RESNET, ("layer2",), True),
    "resnet50": (RESNET, ("layer2",), True),
    "nin": (("image", "relu0", "relu3", "relu7", "relu12"), ("relu7",), False),
    "nin-caffe": (("image", "relu0", "relu3", "relu7", "relu12"), ("relu7",), False),
    "alexnet": (("image", "relu1", "relu2", "relu3", "relu4"), ("relu3",), False),
}
SIDE = 64


def stripes(seed: int) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    random = np.random.default_rng(seed)
    waves = [np.sin(2 * np.pi * (random.integers(2, 9) * x + random.integers(2, 9) * y)) for _ in range(3)]
    return np.clip(0.5 + 0.4 * np.stack(waves, -1), 0, 1).astype(np.float32)


def opened(model: str) -> Critic:
    return open_critic(model, None if model.startswith("embedded") else "random", device="cpu", precision="fp32")


@pytest.mark.parametrize("model", PRESETS)
def test_every_network_has_layers_of_its_own(model: str) -> None:
    styles, content, softmax = PRESETS[model]
    preset = style_layers(opened(model))
    names = (tuple(name for name, _ in layers) for layers in (preset.style, preset.content, preset.self_similarity))
    assert (*names, preset.softmax) == (styles, content, content[-1:], softmax)


QUICK = ("embedded", "embedded-2", "squeezenet1_1", "resnet18")
# of weights from Caffe: the same networks; how they see pictures is tested below
LARGE = [
    name if name in QUICK else pytest.param(name, marks=[pytest.mark.slow, pytest.mark.real])
    for name in PRESETS
    if not name.endswith("-caffe")
]


@pytest.mark.parametrize("model", LARGE)
@pytest.mark.slow
def test_a_preset_of_its_own_brings_the_picture_nearer_to_the_style(model: str) -> None:
    config = StyleConfig(size=SIDE, min_size=SIDE, steps=6, min_steps=6, plateau=0, strength=0.9, precision="fp32")
    scores = [step.score for step in style(stripes(0), stripes(1), config, critic=opened(model))]
    assert scores[-1] > scores[0] + 0.1 * abs(scores[0])  # higher is better; the first one is that of the content


@pytest.mark.parametrize(
    ("settings", "share"),
    [({}, 0.3 / 3), ({"content_layer": ("fire3", "fire5:3")}, 0.3), ({"content_score": "self-similarity"}, 0.3)],
)
def test_content_that_several_layers_hold_weighs_less_unless_it_is_chosen(settings: dict, share: float) -> None:
    critic = open_critic("squeezenet1_1", "random", device="cpu", precision="fp32")
    config = StyleConfig(size=SIDE, min_size=SIDE, strength=0.6, precision="fp32", **settings)
    made = Styling(stripes(0), replace(config, style=("stripes",)), critic, pictures=one_style())
    terms = made.terms.at(made.content, made.plan.scales[-1]).terms()
    held = [weight for weight, term in terms if isinstance(term, (Content, SelfSimilarity))]
    assert sum(held) == pytest.approx(share * 0.4)
    assert len(held) == {0.3 / 3: 3}.get(share, len(settings.get("content_layer", "1")))
    (smooth,) = [-weight for weight, term in terms if isinstance(term, TotalVariation)]
    assert smooth == pytest.approx(config.smooth / SMOOTH_UNIT * (0.6 + share * 0.4))


def one_style() -> StylePictures:
    image = torch.from_numpy(stripes(1)).permute(2, 0, 1)[None]
    return StylePictures((Style("stripes", image, None, 1.0),))


@pytest.mark.parametrize("architecture", ["squeezenet1_1", "nin"])
def test_weights_from_caffe_see_blue_green_red_less_their_mean(architecture: str, tmp_path) -> None:
    torch.manual_seed(0)
    net = build_classifier(architecture, 10)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    torch.save(net.state_dict(), tmp_path / "weights.pth")
    critic = open_critic(f"{architecture}-caffe", tmp_path / "weights.pth", device="cpu", precision="fp32")
    image = torch.rand(1, 3, 48, 48)
    mean = torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    first = net.features[0]
    expected = first(image.flip(1) * 255 - mean)
    name = next(layer.name for layer in critic.named_layers)
    found: Tensor = critic(image, [name])[name]
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-2)
