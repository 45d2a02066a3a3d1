import pytest
import torch
from torch.nn import functional as F

from reverie.critic.average import mean_activations, natural_noise
from reverie.critic.class_direction import mean_class_direction
from reverie.errors import LayerError


def test_the_average_is_that_of_all_positions_of_all_pictures(small_critic):
    found = mean_activations(small_critic, ["conv2", "conv4"])
    seen = small_critic(natural_noise(128), ["conv2", "conv4"])
    for name, a in seen.items():
        assert torch.allclose(found[name], a.mean((0, 2, 3)), atol=1e-5)
    assert torch.equal(mean_activations(small_critic, ["conv4"])["conv4"], found["conv4"])


def test_natural_noise_is_always_the_same_and_looks_like_a_photograph_to_statistics():
    noise = natural_noise(96)
    assert torch.equal(noise, natural_noise(96))
    assert 0 <= float(noise.min()) <= float(noise.max()) <= 1
    assert float(noise.mean()) == pytest.approx(0.5, abs=0.02)
    power = torch.fft.rfft2(noise - noise.mean((2, 3), keepdim=True)).abs().mean((0, 1))
    assert float(power[2, 0] / power[16, 0]) == pytest.approx(8, rel=0.3)  # falls as 1 / f


def test_where_a_linear_head_reads_it_is_the_class_weights(small_critic):
    direction = mean_class_direction(small_critic, 3, "conv4")
    assert torch.allclose(direction, F.normalize(small_critic.net.logits.weight[3].detach(), dim=0))


@pytest.mark.parametrize("name", ["conv2", "mixed3"])
def test_elsewhere_it_is_the_mean_gradient_of_the_logit(small_critic, name):
    images = natural_noise(64).requires_grad_(True)
    seen = small_critic(images, [name, "logits"])
    (gradient,) = torch.autograd.grad(seen["logits"][:, 2].sum(), seen[name])
    expected = F.normalize(gradient.mean((0, 2, 3)), dim=0)
    direction = mean_class_direction(small_critic, 2, name)
    assert torch.allclose(direction, expected, atol=1e-5)
    assert float(direction.norm()) == pytest.approx(1, abs=1e-5)


def test_a_step_along_it_raises_its_class_more_than_others(small_critic):
    images = natural_noise(64)[:4].requires_grad_(True)
    seen = small_critic(images, ["mixed3", "logits"])
    gradient = torch.stack(
        [torch.autograd.grad(seen["logits"][:, c].sum(), seen["mixed3"], retain_graph=True)[0] for c in range(5)]
    )
    for index in range(5):
        direction = mean_class_direction(small_critic, index, "mixed3")
        means = gradient.mean((1, 3, 4))
        assert int((means @ direction / means.norm(dim=1)).argmax()) == index
        assert float(means[index] @ direction) > 0


def test_the_logits_have_no_direction_of_a_class_in_other_layers_after_them(small_critic):
    direction = mean_class_direction(small_critic, 1, "logits")
    assert torch.allclose(direction, torch.eye(5)[1])


def test_a_dead_network_says_so(make_critic):
    critic = make_critic()
    with torch.no_grad():
        for parameter in critic.net.logits.parameters():
            parameter.zero_()
    with pytest.raises(LayerError, match="no direction"):
        mean_class_direction(critic, 1, "conv2")
