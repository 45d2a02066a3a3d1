"""`latent open` as a tool: what it says, what it writes, and that what it writes draws the same pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from dialects import SMALL, SOURCE, ada, random_generator, rosinality, written
from poison import POISON

from reverie.errors import WeightsError
from reverie.jobs.execute import execute
from reverie.jobs.given import Given
from reverie.jobs.run import open_run
from reverie.jobs.session import Session
from reverie.jobs.watch import Nobody
from reverie.models.stylegan2.file import load_generator
from reverie.tools.latent.open_tool import LATENT_OPEN, OpenConfig
from reverie.weights.checkpoint import load_description
from reverie.weights.pickles.records import Call, Global


class Heard(Nobody):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def opened(path: Path, target: Path, config: OpenConfig | None = None) -> list[str]:
    run = open_run(LATENT_OPEN, config or OpenConfig(), Given(path, kind="network"), Session())
    heard = Heard()
    assert execute(run, target, heard).paths == (target,)
    json.dumps(dict(run.work.plan.decisions))
    run.close()
    return heard.lines


def test_it_says_what_the_file_is_and_keeps_the_network(tmp_path: Path) -> None:
    net = random_generator()
    attack = Call(Global("os", "system"), ("mkdir executed",))
    path = written(tmp_path / "a.pkl", ada(net, extra={"x": attack}))
    lines = opened(path, tmp_path / "a.safetensors")
    text = "\n".join(lines)
    assert lines[0].startswith("StyleGAN2-ADA (PyTorch): 32 x 32 px, 3,995 parameters, RGB, skip")
    assert "source code inside, not run: Generator, 2 lines, sha256 add04e91" in text
    assert "flagged: the file names os.system" in text and "flowers.zip" in text
    kept = load_generator(tmp_path / "a.safetensors")
    assert kept.config.channels == SMALL.channels
    z = torch.randn(1, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(kept.net(z), net(z), rtol=1e-4, atol=1e-4)
    about = load_description(tmp_path / "a.safetensors").data
    assert about["form"] == "StyleGAN2-ADA (PyTorch)" and about["flags"] and about["source"]["name"] == "a.pkl"
    assert SOURCE not in (tmp_path / "a.safetensors").read_bytes().decode("latin-1")


def test_a_refused_file_says_what_no_honest_file_does(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pkl", POISON["attack"][0]())
    with pytest.raises(WeightsError, match=r"no generator that is known.*; it names .*mkdir, which could run code"):
        open_run(LATENT_OPEN, OpenConfig(), Given(path, kind="network"), Session())


def test_a_second_time_gives_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pt", rosinality(random_generator()))
    opened(path, tmp_path / "b.safetensors")
    opened(path, tmp_path / "c.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "c.safetensors").read_bytes()


def test_half_is_half_as_large_and_ours_opens_again(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pt", rosinality(random_generator()))
    opened(path, tmp_path / "whole.safetensors")
    opened(tmp_path / "whole.safetensors", tmp_path / "half.safetensors", OpenConfig(half=True))
    whole, half = load_generator(tmp_path / "whole.safetensors"), load_generator(tmp_path / "half.safetensors")
    assert whole.config == half.config
    for name, value in whole.net.state_dict().items():
        torch.testing.assert_close(half.net.state_dict()[name], value, rtol=1e-3, atol=1e-3)


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pkl", b"<!DOCTYPE html>")
    with pytest.raises(WeightsError, match="is a web page"):
        opened(path, tmp_path / "b.safetensors")
    assert not (tmp_path / "b.safetensors").exists()
