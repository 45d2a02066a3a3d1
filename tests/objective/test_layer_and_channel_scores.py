import pytest
import torch

from reverie.errors import InputError, LayerError
from reverie.objective import channel, direction, layer, neuron
from reverie.objective.base import Objective, count_positions


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def test_the_gradient_of_l2_is_the_activation_itself_over_the_count():
    a = noise(1, 4, 5, 7).requires_grad_(True)
    (gradient,) = torch.autograd.grad(layer("a", "l2")({"a": a}).sum(), a)
    assert torch.allclose(gradient, a.detach() / (4 * 5 * 7))  # the rule of the original notebook: diff = activation


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("l2", lambda a: (a**2).mean((1, 2, 3)) / 2),
        ("mean", lambda a: a.mean((1, 2, 3))),
        ("l1", lambda a: a.abs().mean((1, 2, 3))),
    ],
)
def test_forms_of_a_layer_score(form, value):
    a = noise(3, 4, 5, 7)
    assert torch.allclose(layer("a", form)({"a": a}), value(a))  # type: ignore[arg-type]


def test_an_unknown_form_is_refused():
    with pytest.raises(InputError, match="l2, mean, l1"):
        layer("a", "l3")  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["l2", "mean", "l1"])
def test_the_score_of_all_channels_is_the_score_of_the_layer(form):
    a = noise(2, 4, 5, 7)
    assert torch.allclose(channel("a", 0, 1, 2, 3, form=form)({"a": a}), layer("a", form)({"a": a}))


@pytest.mark.parametrize(
    "objective", [layer("a"), channel("a", 1, form="l2"), direction("a", torch.arange(3.0) + 1, 2)]
)
def test_gradients_are_those_of_finite_differences(objective: Objective):
    a = (noise(1, 3, 2, 4).double() + 0.1).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: objective({"a": x}), a)


def test_channels_read_nothing_but_themselves():
    a = noise(2, 4, 5, 7).requires_grad_(True)
    score = channel("a", 3, 1)({"a": a})
    assert torch.allclose(score, a[:, [1, 3]].mean((1, 2, 3)))
    (gradient,) = torch.autograd.grad(score.sum(), a)
    assert not gradient[:, [0, 2]].any()
    assert torch.allclose(gradient[:, [1, 3]], torch.tensor(1 / (2 * 5 * 7)))


@pytest.mark.parametrize("objective", [channel("a", 4), channel("a", 0, -1), neuron("a", 9)])
def test_a_channel_out_of_range_names_the_range(objective):
    with pytest.raises(LayerError, match="'a' has channels 0 to 3"):
        objective({"a": noise(1, 4, 5, 7)})


@pytest.mark.parametrize(
    ("y", "x", "row", "column"),
    [(0.5, 0.5, 2, 4), (0, 0, 0, 0), (1, 1, 4, 8), (0.99, 0.0, 4, 0), (0.0, 0.99, 0, 8), (0.21, 0.9, 1, 8)],
)
def test_a_neuron_is_at_its_place_also_where_height_and_width_differ(y, x, row, column):
    a = noise(2, 3, 5, 9)
    assert torch.equal(neuron("a", 2, y, x)({"a": a}), a[:, 2, row, column])


def test_vectors_behind_a_global_pooling_count_as_one_position():
    a = noise(2, 6)
    assert count_positions(a) == 1
    assert torch.allclose(layer("a", "mean")({"a": a}), a.mean(1))
    assert torch.allclose(channel("a", 4)({"a": a}), a[:, 4])
    assert torch.allclose(neuron("a", 4)({"a": a}), a[:, 4])
    assert torch.allclose(direction("a", torch.ones(6), power=0)({"a": a}), a.sum(1))


@pytest.mark.parametrize(
    "objective",
    [
        layer("a"), layer("a", "l1"), channel("a", 1, 2), direction("a", torch.arange(4.0), power=2),
        2 * layer("a") - channel("a", 0),
    ],
)  # fmt: skip
def test_scores_of_tiles_add_up_to_the_score_of_the_picture(objective: Objective):
    a = noise(2, 4, 11, 13)
    tiles = [a[..., :4, :9], a[..., :4, 9:], a[..., 4:, :2], a[..., 4:, 2:]]
    parts = [objective.score({"a": tile}, {"a": 11 * 13}) for tile in tiles]
    assert torch.allclose(sum(parts), objective({"a": a}), atol=1e-6)
