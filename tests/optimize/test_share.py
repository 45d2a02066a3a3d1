"""Several critics share the tiles of one picture: the same gradient, whoever computes what."""

import threading

import pytest
import torch
from torch import Generator

from reverie.critic.open import open_critic
from reverie.critic.run import is_redirected
from reverie.objective import channel, layer, target, total_variation
from reverie.optimize.gradient import Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.share import share, sum_of
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.transforms import Transforms

ART = torch.rand(1, 3, 64, 64, generator=Generator().manual_seed(1))
TILES = plan_tiles((96, 331), 64, 48, 8)


def gradients(make_critic, make_photo, objective, mask=None):
    alone, shared = make_critic(), make_critic()
    shared.replicas = (make_critic(), make_critic())
    for critic in (alone, shared):
        ascent = Ascent(critic, objective(critic), Transforms(16))
        yield ascent.gradient(make_photo(96, 331), Generator().manual_seed(3), TILES, mask)


@pytest.mark.parametrize(
    "objective",
    [
        lambda c: layer("conv4"),
        lambda c: layer("conv2") + 3 * channel("conv4", 1, 2) - 0.1 * total_variation(),
        lambda c: target("conv2", c(ART, ["conv2"])["conv2"], "gram") + layer("conv4"),
    ],
)
def test_shared_tiles_give_the_same_gradient_and_score(make_critic, make_photo, objective):
    (score, gradient), (shared_score, shared) = gradients(make_critic, make_photo, objective)
    assert torch.allclose(shared, gradient, rtol=1e-5, atol=1e-6 * float(gradient.abs().max()))
    assert shared_score == pytest.approx(score, rel=1e-5)


def test_every_critic_takes_part_and_no_tile_is_done_twice(make_critic, make_photo):
    critics = [make_critic() for _ in range(3)]
    seen: list[list[int]] = [[] for _ in critics]
    barrier = threading.Barrier(3, timeout=30)
    for critic, calls in zip(critics, seen, strict=True):

        def look(_module, inputs, calls=calls):
            if inputs[0].device.type == "cpu":  # passes on the meta device only ask for sizes
                if not calls:
                    barrier.wait()  # nobody finishes before everybody has begun
                calls.append(inputs[0].shape[-1])

        critic.net.stages.conv1.register_forward_pre_hook(look)
    critics[0].replicas = tuple(critics[1:])
    Ascent(critics[0], layer("conv4"), Transforms(0)).gradient(make_photo(96, 331), Generator(), TILES)
    assert all(seen)
    assert sum(map(len, seen)) == len(TILES)


def test_masked_tiles_are_left_out_when_shared_too(make_critic, make_photo):
    mask = torch.zeros(1, 1, 96, 331)
    mask[..., 100:180] = 1
    (_, gradient), (_, shared) = gradients(make_critic, make_photo, lambda c: layer("conv4"), mask)
    assert torch.allclose(shared, gradient, atol=1e-6 * float(gradient.abs().max()))
    assert not shared[..., 260:300].any()


def test_redirected_relus_and_recording_hold_in_every_thread():
    def seen(worker, _task):
        return worker, is_redirected(), torch.is_grad_enabled()

    with redirected_relu(), torch.no_grad():
        found = share(seen, ["a", "b"], range(20))
    assert {state[1:] for state in found} == {(True, False)}
    assert {state[1:] for state in share(seen, ["a", "b"], range(20))} == {(False, True)}
    assert not is_redirected()


def test_results_keep_their_order_and_errors_come_through():
    assert share(lambda _w, task: task * task, [1, 2, 3], range(50)) == [i * i for i in range(50)]

    def fail(_worker, task):
        raise ValueError(f"task {task}")

    with pytest.raises(ValueError, match="task"):
        share(fail, [1, 2], range(10))
    assert torch.equal(sum_of([torch.tensor(1.0), torch.tensor(2.5)]), torch.tensor(3.5))


def test_a_name_of_several_devices_opens_replicas():
    critic = open_critic(device="cpu,cpu", precision="fp32")
    assert len(critic.replicas) == 1
    image = torch.rand(1, 3, 64, 64)
    (one,), (two,) = (c(image, ["mixed3a"]).values() for c in (critic, critic.replicas[0]))
    assert torch.equal(one, two)
