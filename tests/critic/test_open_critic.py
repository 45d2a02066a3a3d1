import pickle
from dataclasses import replace

import pytest
import torch

from reverie.critic.families import FAMILIES
from reverie.critic.open import model_names, open_critic, readable_names
from reverie.errors import InputError, WeightsError
from reverie.models.build import build_classifier
from reverie.models.classifier import STAGES, StagedClassifier
from reverie.weights.checkpoint import Description, save_model

SQUEEZENET = {"device": "cpu", "precision": "fp32"}


class Malicious:
    """A pickle that creates a file when it is executed."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def squeezenet_state():
    return build_classifier("squeezenet1_1", 1000).state_dict()


DESCRIPTION = Description(
    "vgg", ("n001-a", "b", "c"), (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), 64, default_layer="conv3_2,conv4_1"
)


def refused(kind, *arguments, **settings) -> str:
    with pytest.raises(kind) as error:
        open_critic(*arguments, **(SQUEEZENET | settings))
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    return str(error.value)


def test_the_embedded_network_opens_offline_and_knows_its_names():
    critic = open_critic(**SQUEEZENET)
    assert critic.identity.name == "embedded"
    assert len(critic.identity.sha256) == 64
    assert len(critic.identity.classes) == 200
    assert {critic.layer(name).name for name in critic.identity.default_layers} == set(critic.identity.default_layers)
    assert critic.logits(torch.rand(1, 3, 64, 64)).shape == (1, 200)


def test_a_file_trained_here_opens_with_all_that_its_description_says(tmp_path):
    net = StagedClassifier(STAGES["vgg"], 3)
    path = tmp_path / "mine.safetensors"
    digest = save_model(path, net.state_dict(), DESCRIPTION)
    critic = open_critic(str(path), **SQUEEZENET)
    assert critic.identity.name == "mine.safetensors"
    assert critic.identity.sha256 == digest
    assert critic.identity.classes == ("n001-a", "b", "c")
    assert critic.identity.default_layers == ("conv3_2", "conv4_1")
    assert critic.preprocessing.mean == (0.5, 0.4, 0.3)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = net.eval()(critic.preprocessing(images))
    assert torch.allclose(critic.logits(images), expected, atol=1e-4)


def test_without_a_default_layer_the_familys_is_used(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_model(path, StagedClassifier(STAGES["vgg"], 3).state_dict(), replace(DESCRIPTION, default_layer=""))
    assert open_critic(str(path), **SQUEEZENET).identity.default_layers == FAMILIES["vgg"].default_layers


def test_a_state_dict_opens_under_its_architecture(tmp_path, squeezenet_state):
    torch.save({"state_dict": {f"module.{k}": v for k, v in squeezenet_state.items()}}, tmp_path / "wrapped.pth")
    critic = open_critic("squeezenet1_1", tmp_path / "wrapped.pth", **SQUEEZENET)
    assert len(critic.identity.classes) == 1000
    assert critic.class_index("macaw") == 88


def test_a_state_dict_of_fewer_classes_opens_without_names(tmp_path):
    torch.save(build_classifier("resnet18", 12).state_dict(), tmp_path / "own.pth")
    critic = open_critic("resnet18", tmp_path / "own.pth", **SQUEEZENET)
    assert critic.identity.classes == ()
    assert critic.class_index("11") == 11
    assert critic.logits(torch.rand(1, 3, 64, 64)).shape == (1, 12)


def test_densenet_files_with_the_names_of_2017_open_too(tmp_path):
    state = build_classifier("densenet121", 5).state_dict()
    old = {}
    for name, value in state.items():
        for number in "12":
            for part in ("norm", "conv"):
                name = name.replace(f".{part}{number}.", f".{part}.{number}.") if "denselayer" in name else name
        old[name] = value
    assert set(old) != set(state)
    torch.save(old, tmp_path / "old.pth")
    assert open_critic("densenet121", tmp_path / "old.pth", **SQUEEZENET).logits(torch.rand(1, 3, 64, 64)).shape == (
        1,
        5,
    )


def test_random_weights_are_the_same_every_time_and_leave_the_global_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    one, two = (open_critic("squeezenet1_1", "random", **SQUEEZENET).logits(images) for _ in range(2))
    assert torch.equal(one, two)
    assert torch.isfinite(one).all()
    assert one.std() > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_every_name_is_offered():
    assert {"embedded", "googlenet", "inception_v3", "vgg16", "vgg19", "resnet50", "squeezenet1_1"} <= set(
        model_names()
    )


def test_wordnet_numbers_are_left_out_where_names_stay_distinct():
    names = ("n01443537-goldfish", "n02012849-crane", "n03126707-crane", "n123", "plain")
    assert readable_names(names) == ("goldfish", "n02012849-crane", "n03126707-crane", "n123", "plain")


# -- what is refused, each in one line that says what to do ------------------------------------------------------------


def test_an_unknown_model_lists_the_nearest():
    message = refused(InputError, "googlnet")
    assert "nearest: googlenet" in message
    assert ".safetensors" in message


def test_weights_that_are_not_on_this_machine_name_the_command_that_gets_them():
    assert "reverie models fetch vgg16" in refused(WeightsError, "vgg16")


def test_a_missing_file_is_named(tmp_path):
    assert "gone.safetensors" in refused(WeightsError, str(tmp_path / "gone.safetensors"))
    assert "gone.pth" in refused(WeightsError, "squeezenet1_1", tmp_path / "gone.pth")


def test_a_state_dict_as_the_model_is_told_how_to_be_used(tmp_path, squeezenet_state):
    torch.save(squeezenet_state, tmp_path / "mine.pth")
    message = refused(WeightsError, str(tmp_path / "mine.pth"))
    assert "does not say what network it belongs to" in message
    assert f"--weights '{tmp_path / 'mine.pth'}'" in message
    assert "no network file at" in refused(WeightsError, str(tmp_path / "gone.pth"))
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    assert "does not say" in refused(WeightsError, str(tmp_path / "checkpoint.pt"))
    (tmp_path / "settings.json").write_text("{}")
    assert "unfinished run; --resume" in refused(WeightsError, str(tmp_path / "checkpoint.pt"))


def test_a_folder_is_not_a_network(tmp_path):
    assert "folder" in refused(WeightsError, str(tmp_path))
    refused(WeightsError, "squeezenet1_1", tmp_path)


def test_the_embedded_network_takes_no_weights(tmp_path):
    assert "carries its own" in refused(InputError, "embedded", tmp_path / "x.pth")


def test_code_inside_a_pickle_is_refused_and_never_executed(tmp_path):
    trap = tmp_path / "executed"
    torch.save({"features.0.weight": Malicious(trap)}, tmp_path / "bad.pth")
    assert "was not executed" in refused(WeightsError, "squeezenet1_1", tmp_path / "bad.pth")
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(Malicious(trap)))
    refused(WeightsError, "squeezenet1_1", tmp_path / "plain.pkl")
    refused(WeightsError, str(tmp_path / "plain.pkl"))
    assert not trap.exists()


def test_weights_of_another_architecture_are_refused(tmp_path, squeezenet_state):
    torch.save(squeezenet_state, tmp_path / "squeezenet.pth")
    assert "does not fit" in refused(WeightsError, "resnet18", tmp_path / "squeezenet.pth")
    partial = {k: v for k, v in squeezenet_state.items() if k != "features.3.squeeze.weight"}
    torch.save(partial, tmp_path / "partial.pth")
    message = refused(WeightsError, "squeezenet1_1", tmp_path / "partial.pth")
    assert message.endswith("does not fit this architecture: 'features.3.squeeze.weight' is missing")
    torch.save({"fc.weight": torch.tensor(1.0)}, tmp_path / "scalar.pth")
    assert "does not fit" in refused(WeightsError, "resnet18", tmp_path / "scalar.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    assert "does not fit" in refused(WeightsError, "squeezenet1_1", tmp_path / "other.pth")


def test_files_that_are_no_weights_at_all_are_refused(tmp_path):
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "text.safetensors").write_text("hello")
    torch.save([1, 2, 3], tmp_path / "list.pth")
    for name in ("text.pth", "empty.pth", "text.safetensors", "list.pth"):
        refused(WeightsError, "squeezenet1_1", tmp_path / name)
    refused(WeightsError, str(tmp_path / "text.safetensors"))


def test_a_network_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "generator.safetensors"
    save_model(path, {"a": torch.zeros(1)}, replace(DESCRIPTION, kind="generator"))
    assert "needs a classifier" in refused(WeightsError, str(path))
    save_model(path, {"a": torch.zeros(1)}, DESCRIPTION)
    assert "does not fit" in refused(WeightsError, str(path))


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "tpu", "cpu:x", "meta"])
def test_an_unknown_device_is_refused(device):
    assert "device" in refused(InputError, "squeezenet1_1", "random", device=device)


def test_an_unknown_precision_is_refused():
    assert "auto, fp32, fp32-fused, fp32-fused-2 or bf16" in refused(
        InputError, "squeezenet1_1", "random", precision="fp8"
    )
