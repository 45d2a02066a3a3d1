import pytest
import torch
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.critic.precision import bf16_is_faster, resolve_precision


def gradient(critic: Critic, images: torch.Tensor, name: str) -> torch.Tensor:
    leaf = images.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(critic(leaf, [name])[name].float().square().mean(), leaf)
    assert found.dtype == torch.float32
    return found.flatten()


@pytest.mark.parametrize(
    ("model", "layer"), [("embedded", ""), ("squeezenet1_1", "fire8"), ("googlenet", "inception3b")]
)
@pytest.mark.slow
def test_bf16_gradients_point_where_fp32_gradients_do(model, layer, make_photo):
    weights = None if model == "embedded" else "random"
    exact, fast = (open_critic(model, weights, device="cpu", precision=p) for p in ("fp32", "bf16"))
    layer = layer or exact.identity.default_layers[0]
    images = make_photo(64, 80)
    one, other = gradient(exact, images, layer), gradient(fast, images, layer)
    assert float(F.cosine_similarity(one, other, dim=0)) > 0.95
    assert float(other.norm() / one.norm()) == pytest.approx(1, abs=0.05)


def test_activations_are_in_the_critics_precision_and_logits_always_in_fp32(small_critic):
    half = Critic(small_critic.net, small_critic.preprocessing, small_critic.identity, precision="bf16")
    images = torch.rand(1, 3, 32, 40)
    assert half(images, ["conv2"])["conv2"].dtype == torch.bfloat16
    assert half.logits(images).dtype == torch.float32
    assert torch.allclose(half.logits(images), small_critic.logits(images), atol=0.1)


def test_a_named_precision_is_taken_and_auto_follows_the_probe():
    cpu = torch.device("cpu")
    assert resolve_precision("fp32", cpu) == "fp32"
    assert resolve_precision("bf16", cpu) == "bf16"
    assert resolve_precision("auto", cpu) == ("bf16" if bf16_is_faster("cpu") else "fp32")
    assert resolve_precision("auto", torch.device("mps")) == "fp32"
