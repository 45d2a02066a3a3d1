"""`reverie models`: every name can be shown, long lists are cut short, and what is shipped needs no fetching."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from cli_case import Run

from reverie.models.build import TORCHVISION, build_classifier

QUICK = ("mobilenet_v2", "squeezenet1_1")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TORCHVISION]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_every_architecture_can_be_shown_without_weights(run: Run, name: str) -> None:
    code, out, err = run("models", "show", name, "--weights", "random", "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    spatial = [x for x in record["layers"] if x["name"] != "logits"]
    assert record["layers"][-1]["channels"] == 1000
    assert all(x["receptive_field_px"] >= x["stride_px"] >= 1 for x in spatial)
    assert max(x["receptive_field_px"] for x in spatial) >= 150
    assert 1 <= record["min_px"] <= 80


def test_a_long_list_of_classes_is_cut_short(run: Run) -> None:
    code, out, _ = run("models", "show", "embedded")
    text = " ".join(out.split())
    assert code == 0
    assert text.endswith("and 160 more; --all or --json lists them")
    assert len(text.split("classes: ")[1].split(", ")) == 40
    code, out, _ = run("models", "show", "embedded", "--all")
    text = " ".join(out.split())
    assert "more; --all" not in text
    assert len(text.split("classes: ")[1].split(", ")) == 200


def test_the_embedded_network_needs_no_fetching(run: Run) -> None:
    code, out, err = run("models", "fetch", "embedded")
    assert code == 0
    assert "nothing to fetch" in err and err.count("\n") == 1
    assert Path(out.strip()).is_file()


def test_a_network_that_cannot_be_reached_is_said_in_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    code, out, err = run("models", "fetch", "googlenet-caffe")
    assert (code, out) == (1, "") and "bvlc_googlenet.caffemodel" in err and err.strip().count("\n") == 0


@pytest.mark.slow
def test_a_converted_network_needs_no_further_words(run: Run, tmp_path: Path) -> None:
    weights, made = tmp_path / "nin.pth", tmp_path / "nin.safetensors"
    torch.save(build_classifier("nin", 5).state_dict(), weights)
    code, out, err = run("models", "convert", "nin-caffe", str(weights), "-o", str(made))
    assert (code, out.strip()) == (0, str(made)) and "5 classes, mean 123.0, 117.0, 104.0" in err
    assert run("models", "show", str(made), "--json")[0] == 0
    code, _, err = run("models", "convert", "nin-caffe", str(weights), "-o", str(made))
    assert code != 0 and "there already" in err


def test_the_list_names_the_variants_for_weights_from_caffe(run: Run) -> None:
    code, out, _ = run("models")
    assert code == 0
    assert "vgg16-caffe --weights FILE" in " ".join(out.split())


def test_embedded_networks_of_other_numbers_stay_selectable(run: Run) -> None:
    """What was made with the first one must replay for ever, whatever the default is."""
    code, out, _ = run("models", "fetch", "embedded-1")
    assert code == 0 and Path(out.strip()).name == "embedded.safetensors"
    code, out, _ = run("models")
    assert code == 0 and {"embedded", "embedded-1"} <= {line.split()[0] for line in out.splitlines() if line.strip()}
