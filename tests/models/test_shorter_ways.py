"""What training computes on shorter ways is what use computes on the plain ones, and has the same gradient."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from reverie.models.adaptive import Padded
from reverie.models.instance_norm import instance_norm
from reverie.models.nearest_up import nearest_up
from reverie.models.pix2pix import ResidualNet, UNet, larger, normalized
from reverie.models.student import whole_statistics


def test_doubling_and_convolving_is_one_transposed_convolution():
    layer, x = Padded(5, 3).double(), torch.rand(2, 5, 4, 7, dtype=torch.float64)
    assert torch.allclose(nearest_up(layer, x), layer(larger(x)), atol=1e-12)
    assert torch.allclose(nearest_up(layer, x[..., :1, :1]), layer(larger(x[..., :1, :1])), atol=1e-12)
    assert torch.autograd.gradcheck(lambda image: nearest_up(layer, image), x.requires_grad_())


def test_an_instance_norm_has_the_values_and_the_gradient_of_the_plain_sum():
    x = torch.rand(2, 3, 5, 4, dtype=torch.float64).requires_grad_()
    plain = normalized(x, 0, whole_statistics)
    assert torch.allclose(instance_norm(x), plain, atol=1e-6)  # whose statistics are float32
    assert torch.autograd.gradcheck(instance_norm, x)
    assert torch.equal(instance_norm(torch.ones(1, 2, 1, 1)), torch.zeros(1, 2, 1, 1))


def test_a_step_of_training_goes_the_same_way_as_that_of_a_network_in_use():
    image, wanted = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    for net in (UNet(3, 3, 8, 3), ResidualNet(3, 3, 8, 1)):
        found = []
        for mode in (True, False):
            net.zero_grad()
            F.mse_loss(net.train(mode)(image), wanted).backward()
            found.append(torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]))
        assert found[0].numel() == sum(p.numel() for p in net.parameters())
        assert (found[0] - found[1]).norm() < 1e-3 * found[1].norm()
