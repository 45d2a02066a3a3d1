import torch
from torch import nn

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.models.classifier import STAGES, StagedClassifier
from reverie.models.norms import norm_statistics

PICTURES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
PLAIN = Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def outputs_of_norms(net: nn.Module) -> dict[str, torch.Tensor]:
    found = {}

    def hook(path):
        return lambda _m, _i, output: found.__setitem__(path, output.clone())

    handles = [
        m.register_forward_hook(hook(p)) for p, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)
    ]  # fmt: skip
    with torch.no_grad():
        net(PICTURES)
    for handle in handles:
        handle.remove()
    return found


def test_a_folded_critic_gives_what_left_every_batchnorm_under_its_old_name(make_trained_like):
    net = make_trained_like(StagedClassifier(STAGES["inception"], 7))
    expected = outputs_of_norms(net)
    critic = Critic(net, PLAIN, Identity("x", input_px=64))
    assert [n.path for n in critic.norms] == [n.path for n in norm_statistics(net)]
    assert len(critic.norms) == len(expected) > 40
    found = critic(PICTURES, [n.path for n in critic.norms])
    for path, output in expected.items():
        assert torch.allclose(found[path], output, atol=1e-3 * float(output.abs().max())), path


def test_the_statistics_are_shift_and_gain():
    norm = nn.BatchNorm2d(3, eps=0.1)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
        norm.bias.copy_(torch.tensor([0.3, 0.0, -1.0]))
    norm.running_var = torch.tensor([0.9, 0.9, 0.1])
    (found,) = norm_statistics(nn.Sequential(norm))
    assert found.path == "0"
    assert torch.allclose(found.mean, torch.tensor([0.3, 0.0, -1.0]))
    assert torch.allclose(found.variance, torch.tensor([0.9, 3.6, 0.125]))


def test_norms_that_fusing_takes_away_are_left_out(make_trained_like):
    net = make_trained_like(StagedClassifier(STAGES["rep"], 7))
    critic = Critic(net, PLAIN, Identity("x", input_px=64))
    assert [n.path for n in critic.norms] == ["stages.conv1.bn", "stages.conv2.bn"]
    critic(PICTURES, [n.path for n in critic.norms])
