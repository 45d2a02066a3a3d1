"""Every kind of network brings layers of its own, paints with them, and takes its weights as they were trained."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reverie import style
from reverie.critic.open import open_critic
from reverie.critic.style_layers import style_layers
from reverie.models.build import build_classifier
from reverie.tools.style_config import StyleConfig

VGG = ("image", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
SQUEEZE = ("image", "relu1", "fire3", "fire4", "fire5", "fire7")
GOOGLENET = ("image", "conv1", "conv2", "inception3a", "inception3b", "inception4b")
RESNET = ("image", "relu", "layer1", "layer2", "layer3")
PRESETS = {
    "embedded": (("image", "conv1", "conv2", "mixed3a", "mixed4a", "mixed4c"), "mixed4a", False),
    "vgg19": (VGG, "relu4_2", False),
    "vgg19-caffe": (VGG, "relu4_2", False),
    "vgg16": (VGG, "relu4_2", False),
    "vgg16-caffe": (VGG, "relu4_2", False),
    "squeezenet1_1": (SQUEEZE, "fire5", False),
    "googlenet": (GOOGLENET, "inception3b", False),
    "resnet18": (RESNET, "layer2", True),
    "resnet50": (RESNET, "layer2", True),
    "nin": (("image", "relu0", "relu3", "relu7", "relu12"), "relu7", False),
    "nin-caffe": (("image", "relu0", "relu3", "relu7", "relu12"), "relu7", False),
    "alexnet": (("image", "relu1", "relu2", "relu3", "relu4"), "relu3", False),
}
SIDE = 64


def stripes(seed: int) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    random = np.random.default_rng(seed)
    waves = [np.sin(2 * np.pi * (random.integers(2, 9) * x + random.integers(2, 9) * y)) for _ in range(3)]
    return np.clip(0.5 + 0.4 * np.stack(waves, -1), 0, 1).astype(np.float32)


@pytest.mark.parametrize("model", PRESETS)
def test_a_preset_of_its_own_brings_the_picture_nearer_to_the_style(model: str) -> None:
    styles, content, softmax = PRESETS[model]
    critic = open_critic(model, None if model == "embedded" else "random", device="cpu", precision="fp32")
    preset = style_layers(critic)
    assert (tuple(name for name, _ in preset.style), preset.content[0][0], preset.softmax) == (styles, content, softmax)
    if model.endswith("-caffe"):  # the same network; how it sees pictures is tested below
        return
    config = StyleConfig(size=SIDE, min_size=SIDE, steps=6, min_steps=6, plateau=0, strength=0.9, precision="fp32")
    scores = [step.score for step in style(stripes(0), stripes(1), config, critic=critic)]
    assert scores[-1] > scores[0] + 0.1 * abs(scores[0])  # higher is better; the first one is that of the content


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
