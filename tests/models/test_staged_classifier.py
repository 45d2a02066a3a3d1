import pytest
import torch

from reverie.critic.run import run_until
from reverie.errors import InputError
from reverie.models.build import build_classifier
from reverie.models.classifier import STAGES, Downsample, Inception, Stage, StagedClassifier


@pytest.mark.parametrize("architecture", sorted(STAGES))
def test_stages_have_their_names_widths_and_strides(architecture):
    net = StagedClassifier(STAGES[architecture], 11).eval()
    assert net.stage_names == tuple(s.name for s in STAGES[architecture])
    x, side = torch.rand(1, 3, 64, 48), 64
    with torch.no_grad():
        for name, module in net.stages.named_children():
            x = module(x)
            between = name.startswith(("pool_", "respond_"))
            if name.startswith("pool_"):
                side //= 2
            elif not between:
                side //= next(s.stride for s in STAGES[architecture] if s.name == name)
            assert x.shape[-2:] == (side, side * 3 // 4) or (side < 4 and x.shape[-2] == side)  # 1.5 positions are 2
            if not between:
                assert x.shape[1] == next(s.width for s in STAGES[architecture] if s.name == name)
        assert net(torch.rand(2, 3, 64, 48)).shape == (2, 11)


@pytest.mark.parametrize("width", [32, 160, 224, 704])
def test_the_branches_of_an_inception_block_share_out_its_width(width):
    block = Inception(8, width).eval()
    with torch.no_grad():
        parts = [
            b(torch.rand(1, 8, 6, 6)).shape[1] for b in (block.branch1, block.branch3, block.branch5, block.branch_pool)
        ]
    assert sum(parts) == width
    assert all(p % 8 == 0 for p in parts)


def test_inception2_gives_what_googlenet_gives_place_by_place():
    """Every stage has as many channels and positions as the teacher's, so that one can be compared with the other."""
    own, theirs = build_classifier("inception2", 5).eval(), build_classifier("googlenet-caffe", 5).eval()
    x = torch.rand(1, 3, 97, 120)
    with torch.no_grad():
        for block in ("3a", "3b", "4a", "4e", "5b"):
            pair = run_until(own, x, [f"stages.mixed{block}"]), run_until(theirs, x, [f"inception_{block}/output"])
            assert len({next(iter(found.values())).shape for found in pair}) == 1


def test_the_second_embedded_architecture_stays_below_twelve_megabytes():
    state = build_classifier("inception2", 200).state_dict()
    assert sum(value.numel() for value in state.values()) * 2 < 12e6


def test_mean_downsampling_is_the_binomial_filter_and_max_is_the_maximum():
    x = torch.randn(1, 2, 12, 10, dtype=torch.float64)
    kernel = torch.tensor([1.0, 2, 1], dtype=torch.float64) / 4
    mean, largest = Downsample("mean")(x), Downsample("max")(x)
    for row, column in [(1, 1), (2, 3), (5, 4)]:
        window = x[0, 1, 2 * row - 1 : 2 * row + 2, 2 * column - 1 : 2 * column + 2]
        assert torch.allclose(mean[0, 1, row, column], kernel @ window @ kernel)
        assert largest[0, 1, row, column] == window.max()


def test_logits_are_the_linear_head_of_the_mean_over_positions():
    net = StagedClassifier((Stage("conv1", "conv", 8), Stage("conv2", "conv", 8, pool="mean")), 3).eval()
    x = torch.rand(2, 3, 16, 24)
    with torch.no_grad():
        assert torch.allclose(net(x), net.logits(net.stages(x).mean((2, 3))), atol=1e-6)


def test_an_unknown_architecture_names_the_nearest():
    with pytest.raises(InputError, match="resnet50"):
        build_classifier("resnet51", 10)
