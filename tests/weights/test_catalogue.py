"""The catalogue says what torchvision says."""

from __future__ import annotations

import pytest
import torch

from reverie.models.build import TORCHVISION, build_classifier
from reverie.weights.catalogue import CATALOGUE, Weights
from reverie.weights.vision import torchvision


def official(name: str):
    return torchvision().models.get_model_weights(name)["IMAGENET1K_V1"]


def test_every_architecture_of_torchvision_has_weights():
    assert set(CATALOGUE) == {*TORCHVISION, "googlenet-caffe"}


@pytest.mark.parametrize("name", TORCHVISION)
def test_urls_and_sizes_are_the_official_ones(name):
    record, theirs = CATALOGUE[name], official(name)
    assert record.url == theirs.url
    assert record.input_px == theirs.transforms.keywords["crop_size"]
    assert record.size_bytes == pytest.approx(theirs.meta["_file_size"] * 2**20, abs=2**9)
    assert record.sha256_prefix in record.file_name and len(record.sha256_prefix) == 8
    assert "arXiv" in record.citation and record.licence


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_ported_networks_see_what_they_see_in_torchvision(name):
    """Our mean and std without transform_input, against theirs with it."""
    record, transforms = CATALOGUE[name], official(name).transforms()
    pictures = torch.rand(2, 3, 8, 8)
    ours = (pictures - torch.tensor(record.mean).view(3, 1, 1)) / torch.tensor(record.std).view(3, 1, 1)
    mean, std = torch.tensor(transforms.mean).view(3, 1, 1), torch.tensor(transforms.std).view(3, 1, 1)
    with torch.device("meta"):
        net = build_classifier(name, 10)
    assert net.transform_input is False
    net.transform_input = True
    assert torch.allclose(ours, net._transform_input((pictures - mean) / std), atol=1e-5)


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "squeezenet1_1"])
def test_other_networks_take_the_official_normalization(name):
    transforms = official(name).transforms()
    assert CATALOGUE[name].mean == tuple(transforms.mean)
    assert CATALOGUE[name].std == tuple(transforms.std)


def test_a_download_is_checked_by_the_most_that_its_authors_publish():
    common = ("n", "a", "https://host/f.pth", "c", 1)
    assert Weights(*common, sha256="abcd", sha256_prefix="ab").check == ("sha256", "abcd")
    assert Weights(*common, sha256_prefix="ab").check == ("sha256", "ab")
    assert Weights(*common, sha1="ef").check == ("sha1", "ef")
    assert all(record.check[1] for record in CATALOGUE.values())
