"""Networks that paint in one pass, as ONNX: computed by another library at sizes that were not traced."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from reverie.apps.cli.main import main
from reverie.critic.open import open_critic
from reverie.errors import InputError, OutputError
from reverie.jobs.stored import stored_record
from reverie.models.adaptive import AdaptiveDecoder
from reverie.models.student import StudentNet
from reverie.tools.fast import export_onnx as module
from reverie.tools.fast import packages
from reverie.tools.fast.export_onnx import exported_onnx
from reverie.tools.fast.model import fast_style, open_student
from reverie.weights.checkpoint import Description, save_model

FOUND = [importlib.util.find_spec(name) is not None for name in packages.PACKAGES]
needs_packages = pytest.mark.skipif(not all(FOUND), reason="onnx, onnxscript or onnxruntime is not installed")


def network(kind: str, path: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net: Any = StudentNet(8, 1) if kind == "student" else AdaptiveDecoder((8, 16, 24, 32), 16)
        if kind == "student":
            for parameter in net.parameters():
                torch.nn.init.normal_(parameter, std=0.2)
    critic = open_critic(device="cpu", precision="fp32")
    data = {"encoder": critic.identity.sha256}
    save_model(path, dict(net.state_dict()), Description(kind, (), (0, 0, 0), (1, 1, 1), 64, kind, net.options,
                                                         data=data))  # fmt: skip
    return path


def session(path: Path) -> Any:
    return pytest.importorskip("onnxruntime").InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


@pytest.mark.slow
@pytest.mark.real
@needs_packages
def test_a_student_computes_the_same_at_any_size_and_strength(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, target = network("student", tmp_path / "s.safetensors"), tmp_path / "s.onnx"
    assert main(["export", str(file), "-o", str(target)]) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == str(target)
    assert "inputs image, strength; largest difference" in captured.err
    assert stored_record(target)["tool"] == "export"
    model, run = open_student(file, device="cpu"), session(target)
    for size, strength in (((16, 24), 0.0), ((72, 40), 0.5), ((65, 63), 1.0), ((1, 9), 0.7), ((230, 211), 0.1)):
        image, dial = torch.rand(1, 3, *size), torch.full((1, 1), strength)
        (theirs,) = run.run(["picture"], {"image": image.numpy(), "strength": dial.numpy()})
        assert theirs.shape == (1, 3, *size) and theirs.std() > 0.02
        assert (torch.from_numpy(theirs) - fast_style(image, model, strength=strength)).abs().max() < 1 / 1000
    props = {p.key: p.value for p in pytest.importorskip("onnx").load(target).metadata_props}
    assert json.loads(props["reverie"])["kind"] == "student"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s.onnx", "s.safetensors"]


@pytest.mark.slow
@pytest.mark.real
@needs_packages
def test_any_style_computes_the_same_at_any_two_sizes(tmp_path: Path) -> None:
    model = open_student(network("adaptive", tmp_path / "a.safetensors"), device="cpu")
    made = exported_onnx(model)
    (tmp_path / "a.onnx").write_bytes(made.blob)
    assert made.inputs == ("image", "strength", "style") and max(made.differences.values()) < 1e-3
    run = session(tmp_path / "a.onnx")
    image, style = torch.rand(1, 3, 47, 89), torch.rand(1, 3, 61, 33)
    pictures = []
    for strength in (0.0, 1.0):
        dial = torch.full((1, 1), strength)
        (theirs,) = run.run(None, {"image": image.numpy(), "strength": dial.numpy(), "style": style.numpy()})
        ours = fast_style(image, model, [style], strength=strength)
        assert (torch.from_numpy(theirs) - ours).abs().max() < 1 / 1000
        pictures.append(torch.from_numpy(theirs))
    assert (pictures[0] - pictures[1]).abs().max() > 1e-3


@needs_packages
def test_a_network_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_student(network("student", tmp_path / "s.safetensors"), device="cpu")
    monkeypatch.setattr(module, "_exported", lambda *_: b"")
    for difference in (0.1, float("nan")):
        monkeypatch.setattr(module, "_compared", lambda *_, d=difference: {"64x64": d})
        with pytest.raises(OutputError, match="nothing was written"):
            exported_onnx(model)


def test_missing_packages_give_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(InputError, match=r"needs onnx; get it with: pip install 'reverie\[export\]'"):
        packages.check_packages()
    for command in (
        ["export", "any", "-o", str(tmp_path / "a.onnx")],
        ["distill", "a.png", "b", "-o", str(tmp_path / "a.safetensors"), "--export", str(tmp_path / "a.onnx")],
    ):
        assert main(command) == 2
        captured = capsys.readouterr()
        assert "reverie[export]" in captured.err and captured.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["suffix", "missing", "classifier"])
def test_what_cannot_be_exported_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from reverie.weights.embedded import embedded_path

    monkeypatch.setattr(packages, "PACKAGES", ())
    student = network("student", tmp_path / "s.safetensors")
    before = student.read_bytes()
    model = {"suffix": student, "missing": tmp_path / "none.safetensors", "classifier": embedded_path()}[what]
    target = student if what == "suffix" else tmp_path / "a.onnx"
    assert main(["export", str(model), "-o", str(target)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert student.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["s.safetensors"]
