"""Classes by the words that people use: whole words, groups of WordNet's kind, several at once, then what is near."""

from __future__ import annotations

import pytest

from reverie.critic.classes import find_classes, groups, several_in_words
from reverie.errors import LayerError

CLASSES = (
    "goldfish", "Egyptian-cat", "tabby", "golden-retriever", "Chihuahua", "cauliflower", "hog", "cardigan", "organ",
    "sports-car", "lemon", "teddy", "brown-bear",
)  # fmt: skip


def found(text: str, classes: tuple[str, ...] = CLASSES) -> list[str]:
    return [classes[i] for i in find_classes(text, classes, len(classes), "net")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("goldfish", ["goldfish"]),
        ("1", ["Egyptian-cat"]),
        ("dog", ["golden-retriever", "Chihuahua"]),  # and no cardigan, which is a breed's name too
        ("Dogs", ["golden-retriever", "Chihuahua"]),
        ("puppy", ["golden-retriever", "Chihuahua"]),
        ("cat", ["Egyptian-cat", "tabby"]),
        ("bear", ["brown-bear"]),
        ("retriever", ["golden-retriever"]),
        ("egyptian", ["Egyptian-cat"]),
        ("car", ["sports-car"]),
        ("goldfish, lemon", ["goldfish", "lemon"]),
        ("lemon,cat", ["lemon", "Egyptian-cat", "tabby"]),
    ],
)
def test_a_word_names_what_people_mean(text: str, names: list[str]) -> None:
    assert found(text) == names


def test_a_part_of_a_word_is_no_word() -> None:
    with pytest.raises(LayerError, match="none of the 13 classes of net is a flower"):
        found("flower")
    with pytest.raises(LayerError, match="no class called 'oldfis'; nearest: goldfish"):
        found("oldfis")


def test_own_classes_belong_to_groups_by_their_last_word() -> None:
    assert found("cat", ("my cat", "cat food", "tabby cat")) == ["my cat", "tabby cat"]


def test_every_group_has_members_and_none_is_empty() -> None:
    assert len(groups()) > 100
    assert all(groups().values())
    assert groups()["dog"] > groups()["retriever"]


def test_several_are_named_in_words() -> None:
    assert several_in_words("dog", (3, 4), CLASSES) == "'dog' names 2 classes: golden-retriever, Chihuahua"


def test_a_group_without_members_names_the_nearest_that_have_some() -> None:
    classes = ["acorn", "lemon", "orange", "mushroom", "beagle", "dugong"]
    with pytest.raises(LayerError) as refused:
        find_classes("flower", classes, len(classes), "net")
    assert "is a flower; nearest groups: plant, fruit, mushroom, nut; list" in str(refused.value)
    assert "dog" not in str(refused.value)  # no animals


def test_a_group_that_is_misspelled_is_named() -> None:
    with pytest.raises(LayerError, match="nearest: fruit"):
        find_classes("friut", ["lemon", "beagle"], 2, "net")


@pytest.mark.parametrize("text", ["", " ", ","])
def test_an_empty_text_names_no_class(text: str) -> None:
    with pytest.raises(LayerError, match="names no class"):
        find_classes(text, ("goldfish", "lemon"), 2, "net")
