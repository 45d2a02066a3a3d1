"""Networks of others in one file: what they see stays the same; Caffe's names find their modules."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.critic.caffe_names import by_modules
from reverie.critic.convert import convert
from reverie.critic.families import FAMILIES
from reverie.critic.open import open_critic
from reverie.errors import InputError, WeightsError
from reverie.models.build import build_classifier, shapes_only

sys.path.insert(0, str(Path(__file__).parents[1] / "weights" / "caffe"))
from caffe_writer import blob, caffemodel

SQUEEZE = {"squeeze": "squeeze1x1", "expand1x1": "expand1x1", "expand3x3": "expand3x3"}


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory) -> Path:
    """SqueezeNet of 6 classes as Caffe writes it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = build_classifier("squeezenet1_1", 6)
    names = {path: name for name, path in FAMILIES["squeezenet1_1"].alias(net).items()}
    weights = {}
    for key, value in net.state_dict().items():
        path, _, kind = key.rpartition(".")
        fire, _, part = path.rpartition(".")
        weights[f"{names.get(path) or f'{names[fire]}/{SQUEEZE[part]}'}.{kind}"] = value.numpy()
    file = tmp_path_factory.mktemp("caffe") / "net.caffemodel"
    file.write_bytes(caffemodel(weights, 1))
    return file


def test_one_file_sees_what_name_and_weights_see(squeezenet, tmp_path, make_photo):
    (tmp_path / "words.txt").write_text("".join(f"n0000000{i} thing {i}, or so\n" for i in range(6)), encoding="utf-8")
    about = convert("squeezenet1_1-caffe", squeezenet, tmp_path / "net.safetensors", labels=tmp_path / "words.txt")
    assert [255 * m for m in about.mean] == pytest.approx([123, 117, 104])
    before = open_critic("squeezenet1_1-caffe", squeezenet, device="cpu", precision="fp32")
    after = open_critic(str(tmp_path / "net.safetensors"), device="cpu", precision="fp32")
    photo = make_photo(64, 80)
    assert torch.allclose(before.logits(photo), after.logits(photo), rtol=1e-3, atol=1e-4)
    assert float(before.logits(photo).std()) > 1e-3
    assert after.identity.classes[2] == "thing 2, or so"
    assert after.identity.default_layers == before.identity.default_layers


def test_a_mean_picture_takes_the_place_of_the_usual_mean(squeezenet, tmp_path):
    (tmp_path / "mean.binaryproto").write_bytes(blob(np.array([90.0, 100, 110]).reshape(1, 3, 1, 1) * np.ones((2, 2))))
    made = tmp_path / "net.safetensors"
    convert("squeezenet1_1-caffe", squeezenet, made, mean=tmp_path / "mean.binaryproto")
    critic = open_critic(str(made), device="cpu", precision="fp32")
    assert critic.identity.classes == tuple("012345")
    rgb = torch.tensor([110.0, 100, 90]).view(1, 3, 1, 1) / 255
    assert critic.preprocessing(rgb).abs().max() < 1e-3


def test_what_does_not_fit_is_refused(squeezenet, tmp_path):
    made, words = tmp_path / "net.safetensors", tmp_path / "words.txt"
    words.write_text("one\ntwo\n", encoding="utf-8")
    with pytest.raises(InputError, match="2 names; the network has 6 classes"):
        convert("squeezenet1_1-caffe", squeezenet, made, labels=words)
    with pytest.raises(InputError, match=r"written as \.safetensors"):
        convert("squeezenet1_1-caffe", squeezenet, tmp_path / "net.pth")
    with pytest.raises(InputError, match="--model squeezenet1_1-caffe"):
        open_critic("squeezenet1_1", squeezenet)
    with pytest.raises(WeightsError, match="does not fit googlenet-caffe"):
        open_critic("googlenet-caffe", squeezenet)
    assert not made.exists()


@pytest.mark.parametrize(
    ("architecture", "names"),
    [
        ("vgg16", {"conv1_1": "features.0", "fc6": "classifier.0", "fc8_flickr": "classifier.6"}),
        ("nin", {"conv1": "features.0", "cccp2": "features.4"}),
        ("googlenet-caffe", {"inception_4c/3x3": "inception_4c/3x3", "loss3/classifier": "loss3/classifier"}),
    ],
)  # fmt: skip
def test_names_of_caffe_find_their_modules(architecture, names):
    with shapes_only():
        net = build_classifier(architecture, 7)
    found = by_modules({f"{name}.weight": torch.zeros(1) for name in names}, FAMILIES[architecture].alias(net))
    assert list(found) == [f"{path}.weight" for path in names.values()]
    assert set(found) <= set(net.state_dict())
