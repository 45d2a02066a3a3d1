"""The network of the first DeepDream as a critic: from both kinds of files, by Caffe's names, on real pictures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from reverie.critic.open import open_critic
from reverie.errors import WeightsError
from reverie.models.build import build_classifier
from reverie.models.caffe_googlenet import BLOCKS
from reverie.tools.classify.naming import classify
from reverie.weights.fetch import fetch
from reverie.weights.network_file import network_file

sys.path.insert(0, str(Path(__file__).parents[1] / "weights" / "caffe"))
from caffe_writer import caffemodel

SHOWN = {"13.png": "valley", "19.png": "beacon", "21.png": "beacon", "23.png": "macaw"}  # looked at


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    """An untrained network of 365 classes as a state dict and as Caffe of 2014 writes it, with a training head."""
    folder = tmp_path_factory.mktemp("googlenet")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = build_classifier("googlenet-caffe", 365).state_dict()
    save_file(state, folder / "net.safetensors")
    weights = {name: value.numpy() for name, value in state.items() if not name.startswith("loss3")}
    weights["loss1/classifier.weight"] = np.zeros((365, 8), np.float32)
    weights["loss3/classifier_places.weight"] = state["loss3/classifier.weight"].numpy()
    weights["loss3/classifier_places.bias"] = state["loss3/classifier.bias"].numpy()
    (folder / "net.caffemodel").write_bytes(caffemodel(weights, 1))
    return folder / "net.safetensors", folder / "net.caffemodel"


def test_a_caffemodel_sees_what_the_same_state_dict_sees(files, make_photo):
    photo = make_photo(64, 80)
    ours, caffes = (open_critic("googlenet-caffe", file, device="cpu", precision="fp32") for file in files)
    assert ours.identity.default_layers == ("inception_4c/output",)
    names = ["inception_4c/output", "inception_3a/3x3", "inception_3a/relu_3x3", "loss3/classifier"]
    a, b = ours(photo, names), caffes(photo, names)
    theirs = caffes.net.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.net.state_dict().items())
    assert all(torch.allclose(a[name], b[name], rtol=1e-4, atol=1e-6) for name in names)
    assert a["inception_4c/output"].shape == (1, 512, 4, 5)
    assert torch.equal(a["inception_3a/3x3"].relu(), a["inception_3a/relu_3x3"])
    assert a["inception_3a/3x3"].min() < 0
    assert caffes.identity.classes == () and a["loss3/classifier"].shape == (1, 365)
    assert ours.preprocessing.bgr and ours.preprocessing.scale == 255


def test_only_names_worth_offering_are_offered(files):
    critic = open_critic("googlenet-caffe", files[0], device="cpu", precision="fp32")
    names = [layer.name for layer in critic.named_layers]
    assert [n for n in names if "/output" in n] == [f"inception_{block}/output" for block in BLOCKS]
    assert names[-1] == "logits" and not [n for n in names if "relu_1x1" in n]
    assert critic.stride(["inception_4c/output"]) == 16 and critic.stride(["inception_5b/output"]) == 32


def test_without_a_file_it_says_how_to_get_it(tmp_path, monkeypatch, files):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="not on this machine; get them with 'reverie models fetch googlenet-caffe'"):
        open_critic("googlenet-caffe")
    assert network_file("googlenet-caffe", None) is None
    (tmp_path / "weights").mkdir()
    kept = tmp_path / "weights" / "bvlc_googlenet.caffemodel"
    kept.write_bytes(files[1].read_bytes())
    assert network_file("googlenet-caffe", None) == fetch("googlenet-caffe") == kept
    with pytest.raises(WeightsError, match="does not fit"):
        open_critic("squeezenet1_1-caffe", kept)
    with pytest.raises(WeightsError, match="does not say what network"):
        open_critic(str(kept))


@pytest.fixture(scope="module")
def critic(shared):
    weights = shared("weights/bvlc_googlenet.safetensors")
    return open_critic("googlenet-caffe", weights, device="cpu", precision="fp32")


def test_the_real_one_names_what_pictures_show(critic, shared):
    results = list(classify(critic, [shared(f"data/kodak12/{name}") for name in SHOWN]))
    assert {r.path.name: r.classes[0][0] for r in results} == SHOWN
    assert min(r.classes[0][1] for r in results) > 0.8


def test_a_logit_is_a_mean_over_positions_so_that_classes_dream_in_tiles(critic, make_photo):
    photo = make_photo(96, 96)
    name, direction = critic.class_direction(88)
    assert name == "inception_5b/output"
    bias = critic.net.get_submodule("loss3/classifier").bias[88]
    mean = (critic(photo, [name])[name].mean((0, 2, 3)) * direction).sum() + bias
    assert float(mean) == pytest.approx(float(critic.logits(photo)[0, 88]), abs=1e-3)
