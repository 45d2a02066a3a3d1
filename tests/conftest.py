"""Pictures and networks that several rooms test with: synthetic, seeded, quick."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

for _name, _value in {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}.items():
    os.environ.setdefault(_name, _value)  # before torch loads: no test may depend on what else the machine does
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # many tests start Python: it reads what was compiled once
sys.dont_write_bytecode = False

import pytest
import torch
from torch import Tensor, nn

from kept_networks import large_heads_empty, networks_kept  # before modules take the name of what it replaces
from processor_time import COMPILING, used_s
from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.critic.families import staged_names
from reverie.models.classifier import Stage, StagedClassifier
from reverie.numerics.fourier import natural_scale, to_image
from small_networks import small_networks, write_small_networks

# Started in the background of a shell, or by `nohup`: what ends a command is tested here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

SHARED = Path(__file__).parents[1].parent / "shared"
STAGES = (
    Stage("conv1", "conv", 8),
    Stage("conv2", "conv", 12, stride=2),
    Stage("mixed3", "inception", 32, pool="max"),
    Stage("conv4", "conv", 16, pool="mean"),
)
QUICK_S, MOST_S = 2.0, 15.0  # what a quick test may take; where it fails, since processors and their load differ
CLASSES = ("tabby cat", "tiger cat", "sunflower", "red_fox", "church")


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Set torch's number of threads, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def synthetic_photo(height: int, width: int, seed: int = 0) -> Tensor:
    """Return ``[1, 3, H, W]`` in [0, 1] with a photograph's statistics: 1/f noise on a slope from dark to light."""
    generator = torch.Generator().manual_seed(seed)
    shape = (1, 3, height, width // 2 + 1)
    spectrum = torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))
    texture = to_image(spectrum * natural_scale(height, width), (height, width))
    texture = (texture - texture.mean()) / texture.std()
    slope = torch.linspace(-0.2, 0.2, height)[:, None] + torch.linspace(-0.1, 0.1, width)
    return (0.5 + slope + 0.15 * texture).clamp(0, 1)


def trained_like(net: nn.Module, seed: int = 0) -> nn.Module:
    """Give BatchNorms the statistics and gains of a trained network, in place, and return the network in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            assert module.running_mean is not None and module.running_var is not None
            shape = module.running_mean.shape
            module.running_mean.copy_(0.3 * torch.randn(shape, generator=generator))
            module.running_var.copy_(0.5 + torch.rand(shape, generator=generator))
            with torch.no_grad():
                module.weight.copy_(0.5 + torch.rand(shape, generator=generator))
                module.bias.copy_(0.2 * torch.randn(shape, generator=generator))
    return net.eval()


def staged_critic(stages: tuple[Stage, ...] = STAGES, seed: int = 0, input_px: int = 64) -> Critic:
    """Return an untrained critic of the embedded kind; few and narrow stages keep it quick."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = trained_like(StagedClassifier(stages, len(CLASSES)), seed)
    last = stages[-1].name
    identity = Identity(
        "small", CLASSES, input_px=input_px, default_layers=(last,), alias=staged_names(net), logits_path="logits",
        pooled=last,
    )  # fmt: skip
    return Critic(net, Preprocessing((0.5, 0.45, 0.4), (0.25, 0.25, 0.25)), identity)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that takes long and is not marked so: the quick ones are run at every turn."""
    began = used_s() - COMPILING.seconds
    result = yield
    spent = used_s() - COMPILING.seconds - began
    if spent > MOST_S and item.get_closest_marker("slow") is None and "REVERIE_FUZZ" not in os.environ:
        pytest.fail(f"took {spent:.0f} s of processor time, {QUICK_S:.0f} at most: make it smaller, or mark it slow")
    return result


@pytest.fixture(scope="session", autouse=True)
def heads() -> Iterator[None]:
    """Build untrained networks without filling the heads that are most of them."""
    with large_heads_empty():
        yield


@pytest.fixture(scope="session")
def make_photo() -> Callable[..., Tensor]:
    return synthetic_photo


@pytest.fixture(scope="session")
def make_critic() -> Callable[..., Critic]:
    return staged_critic


@pytest.fixture(scope="session")
def small_critic() -> Critic:
    return staged_critic()


@pytest.fixture(scope="session")
def small_stages() -> tuple[Stage, ...]:
    """Return the stages of the small critic."""
    return STAGES


@pytest.fixture(scope="session")
def make_trained_like() -> Callable[..., nn.Module]:
    return trained_like


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the embedded networks with few channels."""
    folder = tmp_path_factory.mktemp("small_networks")
    write_small_networks(folder, trained_like)
    return folder


@pytest.fixture
def small(small_files: Path) -> Iterator[None]:
    """Have small networks for the embedded ones, and train small ones."""
    with small_networks(small_files):
        yield


@pytest.fixture
def networks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Share open networks, small ones but in tests that are marked to need them as they are."""
    if request.node.get_closest_marker("real") is None:
        request.getfixturevalue("small")
    with networks_kept():
        yield


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return the path of a file of the shared test data, or skip the test that asks for one that is absent."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"no '{name}' in the folder of shared test data beside the repository")
        return path

    return find
