"""Where a run begins: fresh, from our own file, from the embedded network, from torchvision's weights."""

from __future__ import annotations

import pytest
import torch

from reverie.errors import InputError, LayerError, WeightsError
from reverie.models.build import build_classifier
from reverie.train.start import head_name, initial_network
from reverie.weights import embedded
from reverie.weights.catalogue import CATALOGUE
from reverie.weights.checkpoint import Description, save_model
from reverie.weights.pretrained import adapt_state

CLASSES = ("cat", "dog", "newt")


def save(path, classes=CLASSES, architecture="vgg"):
    net = build_classifier(architecture, len(classes))
    about = Description(architecture, classes, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 32)
    save_model(path, net.state_dict(), about)
    return net.state_dict()


def test_a_fresh_network_follows_the_data(quick):
    start = initial_network(quick(dropout=0.3), CLASSES)
    assert start.normalization is None
    assert start.options == {"dropout": 0.3}
    assert start.net.dropout.p == 0.3


def test_same_classes_keep_the_head(quick, tmp_path):
    state = save(tmp_path / "m.safetensors")
    start = initial_network(quick(init=str(tmp_path / "m.safetensors")), CLASSES)
    assert all(torch.equal(state[name], value) for name, value in start.net.state_dict().items())
    assert start.normalization.mean == (0.1, 0.2, 0.3)


def test_other_classes_get_a_new_head(quick, tmp_path):
    state = save(tmp_path / "m.safetensors")
    own = initial_network(quick(init=str(tmp_path / "m.safetensors")), ("a", "b", "c")).net.state_dict()
    different = [name for name, value in own.items() if not torch.equal(state[name], value)]
    assert different == ["logits.weight", "logits.bias"]


def test_another_architecture_is_refused_with_the_way_out(quick, tmp_path):
    save(tmp_path / "m.safetensors", architecture="rep")
    with pytest.raises(InputError, match="add --architecture rep"):
        initial_network(quick(init=str(tmp_path / "m.safetensors")), CLASSES)


def test_the_embedded_network_is_a_start(quick, tmp_path, monkeypatch):
    state = save(tmp_path / "embedded.safetensors")
    monkeypatch.setattr(embedded, "FOLDER", tmp_path)
    net = initial_network(quick(init="embedded"), CLASSES).net
    assert torch.equal(net.state_dict()["stages.conv1_1.conv.weight"], state["stages.conv1_1.conv.weight"])


def test_a_missing_embedded_network_is_said(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "FOLDER", tmp_path)
    with pytest.raises(WeightsError, match="lacks its embedded network"):
        initial_network(quick(init="embedded"), CLASSES)


def test_pretrained_weights_come_from_the_cache(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    state = build_classifier("resnet18", 1000).state_dict()
    (tmp_path / "weights").mkdir()
    torch.save(state, tmp_path / "weights" / CATALOGUE["resnet18"].file_name)
    start = initial_network(quick(architecture="resnet18", init="pretrained"), CLASSES)
    own = start.net.state_dict()
    assert torch.equal(own["layer4.1.conv2.weight"], state["layer4.1.conv2.weight"])
    assert own["fc.weight"].shape == (3, 512)
    assert start.normalization.mean == (0.485, 0.456, 0.406)


def test_pretrained_weights_that_were_not_fetched_are_said(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="reverie models fetch resnet18"):
        initial_network(quick(architecture="resnet18", init="pretrained"), CLASSES)


def test_weights_of_another_shape_are_refused(quick, tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    torch.save({"conv1.weight": torch.zeros(2)}, tmp_path / "weights" / CATALOGUE["resnet18"].file_name)
    with pytest.raises(WeightsError, match=r"does not fit.*conv1\.weight"):
        initial_network(quick(architecture="resnet18", init="pretrained"), CLASSES)


@pytest.mark.parametrize(
    ("architecture", "head"),
    [
        ("vgg", "logits"), ("resnet18", "fc"), ("googlenet", "fc"), ("vgg11", "classifier.6"),
        ("squeezenet1_1", "classifier.1"), ("densenet121", "classifier"), ("mobilenet_v2", "classifier.1"),
    ],
)  # fmt: skip
def test_the_head_is_the_layer_of_the_logits(architecture, head):
    with torch.device("meta"):
        assert head_name(build_classifier(architecture, 3)) == head


def test_freezing_reaches_to_the_end_of_a_block(quick):
    start = initial_network(quick(architecture="inception", freeze_to="mixed3a"), CLASSES)
    trained = {name for name, p in start.net.named_parameters() if p.requires_grad}
    assert all(name.startswith(("stages.mixed3b", "stages.mixed4", "stages.mixed5", "logits")) for name in trained)
    assert "stages.mixed3b.branch1.conv.weight" in trained
    frozen_names = {name for name, m in start.net.named_modules() if m in start.frozen}
    assert "stages.mixed3a.branch_pool.1.bn" in frozen_names


def test_freezing_everything_is_refused(quick):
    with pytest.raises(InputError, match="nothing to train"):
        initial_network(quick(freeze_to="logits"), CLASSES)


def test_freezing_up_to_a_layer_without_weights_works(quick):
    start = initial_network(quick(freeze_to="pool_conv3_1"), CLASSES)
    assert not start.net.stages.conv2_2.conv.weight.requires_grad
    assert start.net.stages.conv3_1.conv.weight.requires_grad


def test_an_unknown_layer_is_refused(quick):
    with pytest.raises(LayerError, match="no layer called 'mixed9'"):
        initial_network(quick(architecture="inception", freeze_to="mixed9"), CLASSES)


def test_old_densenet_names_and_auxiliary_heads():
    block = "features.denseblock1.denselayer2."
    auxiliary = ("aux1.fc1.weight", "AuxLogits.fc.weight")
    names = (block + "norm.1.weight", block + "conv.2.weight", "features.norm5.weight", *auxiliary)
    adapted = adapt_state(dict.fromkeys(names, torch.zeros(1)))
    assert list(adapted) == [block + "norm1.weight", block + "conv2.weight", "features.norm5.weight"]
