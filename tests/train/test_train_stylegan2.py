"""Training of StyleGAN2: losses and KID against closed forms, augmentations, resume to the same bytes, rollback."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Generator as Random
from torch import nn

import reverie
from reverie.apps.cli.main import main
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import DataError, GradientError, InputError
from reverie.media.video_write import VideoWriter
from reverie.media.write import write_picture
from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.discriminator import Discriminator, matching
from reverie.models.stylegan2.generator import Generator
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2 import size
from reverie.train.stylegan2.augment import ada_augment, diff_augment
from reverie.train.stylegan2.config import Stylegan2Config, check_config
from reverie.train.stylegan2.film_frames import Left, chosen_frames
from reverie.train.stylegan2.kid import Measure, frechet, squared_mmd
from reverie.train.stylegan2.loop import Stylegan2Training, part_of_batch
from reverie.train.stylegan2.losses import PathLength, discriminator_loss, generator_loss, gradient_penalty
from reverie.train.stylegan2.pictures import open_source
from reverie.train.stylegan2.tool import advice
from reverie.weights.checkpoint import load_description
from small_networks import small_networks

TINY = {"resolution": 16, "width": 128, "most_channels": 8, "latent": 6, "w_dim": 8, "batch": 4, "kimg": 1.0}


@pytest.fixture(scope="module")
def critic(small_files: Path) -> Critic:
    with small_networks(small_files):
        return open_critic("embedded", precision="fp32", device="cpu")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for number in range(20):
        folder = tmp_path / "data" / ("dark" if number % 2 else "light")
        folder.mkdir(parents=True, exist_ok=True)
        rgb = np.full((20, 24, 3), 0.2 if number % 2 else 0.8) + random.normal(0, 0.05, (20, 24, 3))
        write_picture(folder / f"{number}.png", rgb.clip(0, 1).astype(np.float32))
    return tmp_path / "data"


def training(pictures: Path, critic: Critic, run: Path, **settings: object) -> Stylegan2Training:
    config = Stylegan2Config(data=str(pictures), precision="fp32", device="cpu", **(TINY | settings))  # type: ignore[arg-type]
    return Stylegan2Training(config, open_source(config), critic, RunFolder(run))


def test_losses_equal_their_formulas():
    real, fake = [torch.tensor([[1.0], [-2.0]])], [torch.tensor([[0.5], [3.0]])]

    def soft(x: float) -> float:
        return math.log1p(math.exp(x))

    expected = (soft(-1) + soft(2)) / 2 + (soft(0.5) + soft(3)) / 2
    assert discriminator_loss("logistic", real, fake).item() == pytest.approx(expected, rel=1e-5)
    assert discriminator_loss("hinge", real, fake).item() == pytest.approx((0 + 3) / 2 + (1.5 + 4) / 2)
    assert discriminator_loss("r3", real, fake).item() == pytest.approx((soft(-0.5) + soft(5)) / 2, rel=1e-5)
    assert generator_loss("logistic", fake).item() == pytest.approx((soft(-0.5) + soft(-3)) / 2, rel=1e-5)
    assert generator_loss("hinge", fake).item() == pytest.approx(-1.75)
    assert generator_loss("r3", fake, real).item() == pytest.approx((soft(0.5) + soft(-5)) / 2, rel=1e-5)


def test_the_penalty_of_a_linear_score_is_its_slope_squared():
    x = torch.randn(3, 2, 4, 4, requires_grad=True)
    slope = torch.randn(2, 4, 4)
    penalty = gradient_penalty([(x * slope).sum((1, 2, 3))[:, None]], x)
    assert penalty.item() == pytest.approx(slope.square().sum().item(), rel=1e-4)


def test_path_lengths_of_a_linear_generator_are_the_norm_of_its_matrix():
    random, pixels, values = Random().manual_seed(0), 3 * 8 * 8, 5
    matrix = torch.linalg.qr(torch.randn(pixels, values, generator=random))[0] * 3  # orthogonal columns of length 3
    ws = torch.randn(512, 1, values, generator=random).requires_grad_(True)
    images = (ws[:, 0] @ matrix.T).reshape(-1, 3, 8, 8)
    path = PathLength(decay=1.0)
    path(images, ws, random)
    assert path.mean == pytest.approx(3 * math.sqrt(values) / 8, rel=0.1)  # E|J^T y| for y of variance 1 / 64


def test_kid_is_zero_for_one_distribution_and_exact_for_two_points():
    random = Random().manual_seed(0)
    first, second = torch.randn(800, 8, generator=random), torch.randn(800, 8, generator=random)
    assert abs(squared_mmd(first, second)) < 0.02
    shifted = squared_mmd(first, second + 0.5)
    assert shifted > 0.3
    a, b = torch.ones(2, 4), -torch.ones(2, 4)
    assert squared_mmd(a, b) == pytest.approx(8 + 8 - 0)  # k(a, a) = (1 + 1)^3, k(a, b) = (-1 + 1)^3


def test_the_frechet_distance_of_gaussians_is_exact():
    random = Random().manual_seed(0)
    points = torch.randn(4000, 3, generator=random, dtype=torch.float64)
    assert frechet(points, points) < 1e-9
    assert frechet(points, points + 2) == pytest.approx(3 * 4, rel=1e-6)
    covariance = torch.cov(points.T)
    assert frechet(points, 3 * points - 2 * points.mean(0)) == pytest.approx(4 * covariance.trace().item(), rel=1e-6)


def test_distances_may_be_of_another_network(tmp_path: Path, pictures: Path, critic: Critic):
    other = open_critic("squeezenet1_1", "random", precision="fp32", device="cpu")
    measured = replace(Measure.of(other, "fire2"), side_px=32)
    config = Stylegan2Config(data=str(pictures), device="cpu", **TINY)  # type: ignore[arg-type]
    run = Stylegan2Training(config, open_source(config), critic, RunFolder(tmp_path / "run"), measured)
    found = run.snapshots.measure(run.nets.average)
    assert found["fid"] > 0
    assert measured.features(torch.rand(3, 3, 16, 16)).shape == (3, 128)
    assert Measure.of(other).side_px == 224
    assert Measure.of(critic).side_px is None


def test_both_networks_can_be_differentiated_twice():
    config = GeneratorConfig(channels=(4, 4), z_dim=3, w_dim=4, mapping_layers=1, mapping_width=4, noise=False)
    net, against = Generator(config).double(), Discriminator(matching(config)).double()
    ws = torch.randn(2, config.num_ws, 4, dtype=torch.float64, requires_grad=True)
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(net.synthesis, ws, fast_mode=True)
    assert torch.autograd.gradgradcheck(against, images, fast_mode=True)


def test_augmentations_pass_gradients_and_follow_their_generator():
    images = torch.rand(4, 3, 16, 16).mul(2).sub(1).requires_grad_(True)
    for augment in (diff_augment, lambda x, r: ada_augment(x, 0.9, r)):
        first, again = augment(images, Random().manual_seed(1)), augment(images, Random().manual_seed(1))
        assert torch.equal(first, again)
        assert first.shape == images.shape
        (slope,) = torch.autograd.grad(first.square().sum(), images)
        assert slope.abs().sum() > 0
    assert torch.allclose(ada_augment(images, 0.0, Random().manual_seed(2)), images, atol=1e-5)


def test_a_cut_is_half_of_the_side():
    held = diff_augment(torch.full((200, 1, 32, 32), 1e6), Random().manual_seed(3))  # colors do not matter at this size
    share = (held.abs() < 1).float().mean((1, 2, 3))
    assert share.max() < 0.5
    assert share.max() > 0.25  # a whole square, and what a shift leaves


@pytest.mark.slow
@pytest.mark.parametrize("settings", [
    {"labels": True, "anchor_kimg": 0.008},
    {"against": "own", "augment": "ada", "anchor": 0.0, "path_length": 2.0},
    {"against": "own", "loss": "r3", "augment": "none", "anchor": 0.0},
], ids=["critic", "own", "r3"])  # fmt: skip
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, pictures: Path, critic: Critic, settings: dict):
    whole = training(pictures, critic, tmp_path / "whole", **settings)
    _go(whole, 5)
    first = training(pictures, critic, tmp_path / "parts", **settings)
    _go(first, 3)
    second = training(pictures, critic, tmp_path / "parts", **settings)
    assert second.step == 3
    _go(second, 2)
    for name, value in whole.state().items():
        assert torch.equal(value, second.state()[name]), name
    assert (whole.p, whole.sign, whole.path_length.mean) == (second.p, second.sign, second.path_length.mean)


PROGRAM = """
import os
import sys
from pathlib import Path
from safetensors.torch import save_file
from reverie.critic.open import open_critic
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.loop import Stylegan2Training, part_of_batch
from reverie.train.stylegan2.pictures import open_source
config = Stylegan2Config(
    data=sys.argv[1], resolution=16, width=128, most_channels=8, latent=6, w_dim=8, batch=4, kimg=0.016,
    device="cpu", precision="fp32", against="own", augment="ada", anchor=0.0, path_length=2.0, half=False,
)
critic = open_critic("embedded", precision="fp32", device="cpu")
training = Stylegan2Training(config, open_source(config), critic, RunFolder(Path(sys.argv[2])))
done = list(training.steps())[-1]
made = training.made() is not None
state = training.nets.generator.state_dict()
save_file({k: v.contiguous() for k, v in state.items()}, sys.argv[2] + os.environ["RANK"])
Path(sys.argv[2] + os.environ["RANK"] + ".txt").write_text(f"{done.step} {done.phase} {training.batch} {made}")
"""


@pytest.mark.slow
def test_two_processes_train_one_generator(tmp_path: Path, pictures: Path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(reverie.__file__).parent.parent)}
    result = subprocess.run(
        [*launch, str(script), str(pictures), str(tmp_path / "run")],
        env=environment, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    told = [Path(f"{tmp_path / 'run'}{rank}.txt").read_text() for rank in (0, 1)]
    assert told == ["4 done 2 True", "4 done 2 False"]  # half of the batch each; the first has the network
    first, second = (load_file(f"{tmp_path / 'run'}{rank}") for rank in (0, 1))
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    assert first["mapping.w_avg"].abs().sum() > 0


def test_a_batch_is_dealt_out_evenly_or_refused():
    assert part_of_batch(16, 1) == 16
    assert part_of_batch(16, 4) == 4
    with pytest.raises(InputError, match="16 cannot be dealt out to 3 processes"):
        part_of_batch(16, 3)
    with pytest.raises(InputError, match="4 processes"):
        part_of_batch(4, 4)


def _go(run: Stylegan2Training, steps: int) -> None:
    loop = run.steps()
    for _ in range(steps):
        next(loop)
    loop.close()


@pytest.mark.slow
def test_a_loss_that_is_no_number_goes_back_to_the_checkpoint(tmp_path: Path, pictures: Path, critic: Critic):
    run = training(pictures, critic, tmp_path / "run", anchor=0.0)
    _go(run, 3)
    _poison(run.nets.generator)
    run.take_step()
    assert run.step == 3
    assert run.rollbacks == 1
    run.take_step()
    assert run.step == 4
    run.run.checkpoint.unlink()
    _poison(run.nets.generator)
    with pytest.raises(GradientError, match="diverged"):
        run.take_step()


def _poison(net: nn.Module) -> None:
    next(net.parameters()).data.fill_(math.nan)


def test_collapse_is_measured(tmp_path: Path, pictures: Path, critic: Critic):
    run = training(pictures, critic, tmp_path / "run")
    before = run.snapshots.measure(run.nets.average)
    for name, weight in run.nets.average.named_parameters():
        if "affine.weight" in name or "noise_strength" in name or ".start." in name:
            weight.zero_()
    after = run.snapshots.measure(run.nets.average)
    assert after["spread"] < 1e-6 < before["spread"]
    assert after["kid"] > 0


def test_other_settings_and_pictures_are_refused(tmp_path: Path, pictures: Path, critic: Critic):
    _go(training(pictures, critic, tmp_path / "run"), 1)
    with pytest.raises(InputError, match="--batch"):
        training(pictures, critic, tmp_path / "run", batch=8)
    next(pictures.rglob("*.png")).unlink()
    with pytest.raises(DataError, match="changed"):
        training(pictures, critic, tmp_path / "run")


def test_frames_that_repeat_fade_or_show_nothing_are_left_out():
    random = np.random.default_rng(0)
    first, second = (np.kron(random.random((4, 4, 3)), np.ones((6, 8, 1))) * 200 for _ in range(2))
    shots = [first + 6 * (n // 2) for n in range(16)]  # every frame twice
    shots += [first + 42 + (second - first - 42) * a for a in np.linspace(0, 1, 12)[1:-1]]  # a fade
    shots += [second] * 4 + [np.zeros((24, 32, 3))] * 5 + [first] * 3  # nothing, and the first frame again
    left = Left()
    squares = [torch.from_numpy(frame.clip(0, 255).astype(np.uint8)).permute(2, 0, 1) for frame in shots]
    kept = list(chosen_frames(squares, left))
    assert left.empty == 5
    assert 5 <= left.fading <= 10
    assert len(kept) <= 8 + 1 + 10 - left.fading
    assert torch.equal(kept[1], squares[2])
    assert len(kept) + left.empty + left.fading + left.repeated == len(shots)
    assert "5 show nothing" in left.line(len(kept))


def test_a_film_gives_its_frames_without_repetitions(tmp_path: Path):
    pattern = np.kron(np.random.default_rng(0).integers(0, 100, (4, 4, 3)), np.ones((6, 8, 1), np.int64))
    with VideoWriter(tmp_path / "a.mkv", (24, 32), 10, codec="ffv1") as writer:
        for number in range(40):
            writer.write((pattern + 6 * (number // 2)).astype(np.uint8))
    source = open_source(Stylegan2Config(data=str(tmp_path / "a.mkv"), resolution=16))
    assert source.count == 20
    assert source.notes == ("20 of 40 frames are learned from: 20 repeat others",)


def test_few_frames_of_a_film_are_refused(tmp_path: Path):
    with VideoWriter(tmp_path / "a.mkv", (24, 32), 10, codec="ffv1") as writer:
        for _ in range(20):
            writer.write(np.full((24, 32, 3), 90, np.uint8))
    with pytest.raises(DataError, match="no frames that show anything"):
        open_source(Stylegan2Config(data=str(tmp_path / "a.mkv"), resolution=16))


def test_a_budget_that_suits_another_size_is_told():
    config = Stylegan2Config(minutes=30.0, resolution=64)
    assert "--resolution 32" in advice(config, 20.0)[0]
    assert advice(config, 130.0) == []
    assert advice(config, 800.0) == ["there is time for --resolution 128, which sees about 200 kimg"]
    assert advice(replace(config, minutes=None), 20.0) == []
    assert advice(replace(config, resolution=32), 20.0) == []


def test_a_time_budget_chooses_the_largest_size_that_sees_enough(monkeypatch: pytest.MonkeyPatch, pictures: Path,
                                                                critic: Critic, tmp_path: Path):  # fmt: skip
    """Steps that take one second at 32 px, width 1024, and half as long again at every further size."""
    order = [(side, side * wide) for side in size.SIDES for wide in size.CHANNELS]
    timed: list[tuple[int, int]] = []

    def seconds(config: Stylegan2Config, critic: Critic) -> float:
        timed.append((config.side_px, config.channel_base))
        return 1.5 ** (order.index(timed[-1]) if timed[-1] in order else size.SIDES.index(config.side_px))

    monkeypatch.setattr(size, "seconds_a_step", seconds)
    monkeypatch.setattr(size, "_side_of_pictures", lambda config: 256)
    run = RunFolder(tmp_path / "run")

    def chosen(minutes: float, **settings: object) -> tuple[int | None, int | None]:
        timed.clear()
        config = Stylegan2Config(data=str(pictures), minutes=minutes, batch=16, **settings)  # type: ignore[arg-type]
        found, notes = size.with_size(config, run, critic)
        assert f"--resolution {found.resolution} --width {found.width}" in notes[0]
        return found.resolution, found.width

    assert chosen(1.0) == (32, 1024)  # too few pictures at any size
    assert chosen(62.6) == (32, 1024)  # 60.1 kimg
    assert chosen(62.6 * 1.5**3) == (64, 4096)
    assert timed == order[:4], "the next size is slower for certain, and is not tried"
    assert chosen(2 * 62.6 * 1.5**5) == (128, 8192)
    assert chosen(1e5) == (256, 16384)
    assert chosen(1e5, width=2048) == (256, 2048)
    assert chosen(1e5, resolution=64) == (64, 4096)


def test_a_size_is_usual_given_begun_or_that_of_the_start(pictures: Path, critic: Critic, tmp_path: Path):
    config, run = Stylegan2Config(data=str(pictures)), RunFolder(tmp_path / "run")
    assert size.with_size(config, run, critic) == (replace(config, resolution=64, width=2048), [])
    given = replace(config, resolution=16, width=128, minutes=1.0)
    assert size.with_size(given, run, critic) == (given, [])
    _go(training(pictures, critic, tmp_path / "run"), 1)
    found, notes = size.with_size(replace(config, minutes=1.0), run, critic)
    assert (found.resolution, found.width, notes) == (16, 128, [])
    started = replace(config, minutes=1.0, start="flowers.safetensors")
    assert size.sizes_for(replace(started, resolution=32)) == [(32, 1024), (32, 2048)]
    assert size.sizes_for(started) == [(32, 1024), (32, 2048)], "pictures of 24 x 20 px are not enlarged"


@pytest.mark.slow
def test_a_tiny_budget_is_calibrated_and_kept_on_resume(tmp_path: Path, pictures: Path, capfd: pytest.CaptureFixture):
    """The command as a user gives it, stopped by its own budget."""
    out = tmp_path / "g.safetensors"
    command = ["train", "stylegan2", str(pictures), "--minutes", "0.005", "--device", "cpu", "-o", str(out)]
    assert main(command) == 0
    assert "chose --resolution 32 --width 1024" in capfd.readouterr().err
    about = load_description(out)
    assert (about.recipe["resolution"], about.recipe["width"]) == (32, 1024)


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(InputError, match="power of two"):
        check_config(Stylegan2Config(resolution=48))
    with pytest.raises(InputError, match="--against own"):
        check_config(Stylegan2Config(augment="ada"))
