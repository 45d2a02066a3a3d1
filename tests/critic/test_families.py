import pytest

from reverie.critic.families import FAMILIES
from reverie.critic.layers import trace
from reverie.models.build import NAMED, build_classifier, shapes_only
from reverie.models.classifier import STAGES


def test_every_architecture_that_can_be_built_has_a_family():
    assert set(FAMILIES) == {*NAMED, *STAGES}


@pytest.mark.parametrize("architecture", sorted(FAMILIES))
def test_readable_names_logits_and_defaults_are_layers_that_run(architecture):
    family = FAMILIES[architecture]
    with shapes_only():
        net = build_classifier(architecture, 7).eval()
    shapes = dict(trace(net, (128, 128)))
    alias = family.alias(net)
    assert set(alias.values()) <= set(shapes)
    assert len(set(alias.values())) == len(alias)  # one name, one layer
    assert not (set(alias) & set(shapes)) - {n for n, path in alias.items() if n == path}  # no name hides another path
    assert family.default_layers
    assert set(family.default_layers) <= set(alias)
    assert shapes[family.logits_path].numel() == 7
    assert all(len(shapes[alias[name]]) == 4 for name in family.default_layers)
    if family.pooled:
        head = net.get_submodule(family.logits_path)
        assert shapes[alias[family.pooled]][1] == head.in_features


@pytest.mark.parametrize(
    ("architecture", "names"),
    [
        (
            "vgg16",
            {"conv1_1": "features.0", "relu4_3": "features.22", "pool5": "features.30", "conv5_3": "features.28"},
        ),
        ("vgg19", {"conv4_4": "features.25", "relu5_4": "features.35"}),
        ("vgg16_bn", {"conv1_2": "features.3", "relu4_3": "features.32"}),
        ("alexnet", {"conv3": "features.6", "relu5": "features.11"}),
        ("squeezenet1_1", {"fire2": "features.3", "fire9": "features.12", "conv10": "classifier.1"}),
        ("squeezenet1_0", {"fire2": "features.3", "fire9": "features.12"}),
        ("resnet50", {"layer3": "layer3", "layer3.4": "layer3.4"}),
        ("googlenet", {"inception4c": "inception4c"}),
        ("densenet121", {"denseblock3": "features.denseblock3"}),
        (
            "nin",
            {
                "conv1": "features.0",
                "cccp2": "features.4",
                "relu3": "features.8",
                "conv4": "features.22",
                "relu12": "features.27",
            },
        ),
        ("mobilenet_v2", {"block13": "features.13"}),
    ],
)
def test_names_follow_the_papers(architecture, names):
    with shapes_only():
        alias = FAMILIES[architecture].alias(build_classifier(architecture, 7))
    assert {name: alias.get(name) for name in names} == names
