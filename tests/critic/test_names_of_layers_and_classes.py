import pytest

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import LayerError


def test_a_layer_is_found_by_readable_name_and_by_path(small_critic):
    assert small_critic.layer("mixed3") is small_critic.layer("stages.mixed3")
    assert small_critic.layer("stages.mixed3.branch1.conv").channels == 8
    assert [x.name for x in small_critic.named_layers] == ["conv1", "conv2", "mixed3", "conv4", "logits"]


def test_layers_come_in_order_of_execution(small_critic):
    orders = [small_critic.layer(n).order for n in ("conv1", "conv2", "mixed3", "conv4", "logits")]
    assert orders == sorted(orders)


def test_a_typo_in_a_layer_lists_the_nearest_names_and_the_next_step(small_critic):
    with pytest.raises(LayerError, match="'conv_4'") as error:
        small_critic.layer("conv_4")
    message = str(error.value)
    assert message.index("conv4") < message.index("conv1") if "conv1" in message else "conv4" in message
    assert "reverie models show" in message
    assert "\n" not in message
    with pytest.raises(LayerError, match="mixed3"):
        small_critic(None, ["mixd3"])


@pytest.mark.parametrize(
    ("said", "index"),
    [
        ("tabby cat", 0), ("Sunflower", 2), ("sunf", 2), ("tabby", 0), ("red fox", 3), ("red_fox", 3), ("CHURCH", 4),
        ("0", 0), ("4", 4),
    ],
)  # fmt: skip
def test_a_class_is_found_by_index_name_or_unique_part(small_critic, said, index):
    assert small_critic.class_index(said) == index


def test_an_ambiguous_class_lists_what_it_could_mean(small_critic):
    with pytest.raises(LayerError, match=r"tabby cat.*tiger cat"):
        small_critic.class_index("cat")


def test_a_class_out_of_range_names_the_range(small_critic):
    with pytest.raises(LayerError, match="0 to 4"):
        small_critic.class_index("5")


@pytest.mark.parametrize("said", ["sunflwer", "zebra", "²", "-1", "1.5"])
def test_an_unknown_class_is_one_line(small_critic, said):
    with pytest.raises(LayerError, match="no class called") as error:
        small_critic.class_index(said)
    assert "\n" not in str(error.value)
    if said == "sunflwer":
        assert "nearest: sunflower" in str(error.value)


def with_classes(small_critic: Critic, classes: tuple[str, ...]) -> Critic:
    return Critic(small_critic.net, Preprocessing((0, 0, 0), (1, 1, 1)), Identity("own", classes, input_px=32))


def test_an_exact_name_wins_over_parts_and_over_numbers(small_critic):
    assert with_classes(small_critic, ("sea cat", "cat", "x", "y", "z")).class_index("cat") == 1
    digits = with_classes(small_critic, ("10", "2", "30", "4", "5"))  # folders named by number sort as text
    assert digits.class_index("2") == 1
    assert digits.class_index("3") == 3


def test_a_name_that_two_classes_bear_must_be_said_by_index(small_critic):
    cranes = with_classes(small_critic, ("crane", "heron", "crane", "y", "z"))  # as in ImageNet: bird and machine
    with pytest.raises(LayerError, match=r"0.*2"):
        cranes.class_index("crane")
