"""A real network on real pictures: only the right channel order, range and mean recognize what is in them."""

import pytest
import torch

from reverie.critic.open import open_critic
from reverie.tools.classify.naming import classify

# One of these names among the five most probable; what the pictures show was looked at.
SHOWN = {
    "05.png": {"moped", "mountain bike"},  # motocross riders at the start
    "09.png": {"trimaran", "catamaran", "yawl"},  # sailing boats
    "11.png": {"schooner", "wreck", "dock"},  # a boat at a pier
    "13.png": {"valley", "alp"},  # a brook before mountains
    "19.png": {"beacon"},  # a lighthouse behind a fence
    "21.png": {"beacon"},  # a lighthouse on rocks
    "23.png": {"macaw"},  # two parrots
}


@pytest.fixture(scope="module")
def weights(shared):
    return shared("weights/squeezenet1_1_caffe.pth")


@pytest.fixture(scope="module")
def pictures(shared):
    return [shared(f"data/kodak12/{name}") for name in SHOWN]


def recognized(critic, pictures) -> int:
    results = list(classify(critic, pictures))
    assert not [r.error for r in results if r.error]
    return sum(bool(SHOWN[r.path.name] & {name for name, _ in r.classes}) for r in results)


def test_it_names_what_the_pictures_show(weights, pictures):
    critic = open_critic("squeezenet1_1-caffe", weights, device="cpu", precision="fp32")
    assert recognized(critic, pictures) == len(SHOWN)
    best = {r.path.name: r.classes[0] for r in classify(critic, pictures[-3:])}
    assert {name: value[0] for name, value in best.items()} == {
        "19.png": "beacon",
        "21.png": "beacon",
        "23.png": "macaw",
    }
    assert min(value[1] for value in best.values()) > 0.9


def test_the_preprocessing_of_another_release_would_not(weights, pictures):
    assert recognized(open_critic("squeezenet1_1", weights, device="cpu", precision="fp32"), pictures) <= 1


def test_probabilities_add_up_and_come_best_first(weights, pictures):
    critic = open_critic("squeezenet1_1-caffe", weights, device="cpu", precision="fp32")
    (result,) = classify(critic, pictures[:1], top=1000)
    values = torch.tensor([value for _, value in result.classes])
    assert float(values.sum()) == pytest.approx(1, abs=1e-4)
    assert torch.equal(values, values.sort(descending=True).values)
