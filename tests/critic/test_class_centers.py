from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reverie.critic.class_centers import (
    centers_description,
    centers_state,
    load_centers,
    measured_centers,
    split_classes,
)
from reverie.errors import InputError, LayerError, WeightsError
from reverie.weights.checkpoint import save_model

NAMES = ("louvre-genre", "louvre-landscape", "titian")


def centers(seed: int = 0):
    rows = torch.randn(30, 5, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(30) % 3
    return rows, labels, measured_centers({"conv1": rows}, labels, NAMES, "small", "0" * 64)


def test_centers_and_deviations_are_those_of_a_plain_loop():
    rows, labels, found = centers()
    for number in range(3):
        assert torch.allclose(found.centers["conv1"][number], rows[labels == number].mean(0), atol=1e-6)
    spread = torch.stack([rows[i] - rows[labels == labels[i]].mean(0) for i in range(30)]).square().mean(0).sqrt()
    assert torch.allclose(found.deviations["conv1"], spread, atol=1e-6)


def test_a_direction_separates_its_classes_and_turns_with_them():
    _, _, found = centers()
    there, back = found.direction("titian-louvre-genre", "conv1"), found.direction("louvre-genre-titian", "conv1")
    assert torch.allclose(there, -back)
    assert torch.isclose(there.norm(), torch.tensor(1.0))
    means = found.centers["conv1"]
    assert (means[2] - means[0]) @ there > 0
    alone = found.direction("titian", "conv1")
    rest = (means[2] - means[:2].mean(0)) / found.deviations["conv1"]
    assert torch.allclose(alone, rest / rest.norm(), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("titian-louvre-genre", (2, 0)), ("genre-landscape", (0, 1)), ("louvre-genre-titian", (0, 2)),
        ("tit-land", (2, 1)), ("louvre-genre", (0, None)), ("Titian", (2, None)),
    ],
)  # fmt: skip
def test_names_with_hyphens_and_parts_of_names_are_understood(text, wanted):
    assert split_classes(text, NAMES) == wanted


def test_unknown_and_ambiguous_names_are_refused():
    with pytest.raises(InputError, match="goya-titian"):
        split_classes("goya-titian", NAMES)
    with pytest.raises(InputError, match="a direction is A-B"):
        split_classes("louvre", NAMES)


def test_a_file_gives_back_what_was_written(tmp_path: Path):
    _, _, found = centers()
    save_model(tmp_path / "c.safetensors", centers_state(found), centers_description(found, 64))
    again = load_centers(tmp_path / "c.safetensors")
    assert again.classes == NAMES
    assert torch.equal(again.centers["conv1"], found.centers["conv1"])
    with pytest.raises(LayerError, match="conv1"):
        again.direction("titian", "conv9")


def test_another_kind_of_file_is_refused():
    from reverie.weights.embedded import embedded_path

    with pytest.raises(WeightsError, match="kind 'classifier'; expected class centers"):
        load_centers(embedded_path())
