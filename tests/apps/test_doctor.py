"""`reverie doctor`: finds what is there and what is broken, names the way to get what is missing, and hurts nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli_case import Run

from reverie.apps.doctor import extras
from reverie.weights import shipped

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]


def test_the_report_is_json_with_every_part(run: Run) -> None:
    code, out, err = run("doctor", "--json")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record["well"]
    parts = {finding["part"] for finding in record["findings"]}
    assert parts >= {"version", "threads", "device", "memory", "disk", "picture", "film", "file", "extra", "networks"}
    assert all(f["advice"] for f in record["findings"] if f["state"] != "good")


def test_the_report_for_people_says_what_the_signs_mean(run: Run) -> None:
    code, out, _ = run("doctor")
    assert code == 0
    assert out.rstrip().endswith("! has to be mended, - can be done without")
    assert "models/embedded.safetensors" in out


def test_shipped_files_have_the_sums_that_are_written_down() -> None:
    """After a new network is shipped: python recipes/shipped_sums.py."""
    sums = shipped.shipped_sums()
    assert {name: shipped.shipped_state(name, digest) for name, digest in sums.items()} == dict.fromkeys(sums, "whole")
    networks = {path.relative_to(shipped.PACKAGE).as_posix() for path in shipped.PACKAGE.rglob("*.safetensors")}
    assert networks <= set(sums)


def test_a_damaged_and_a_missing_file_are_found(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"no network")
    sums = {"a.safetensors": "0" * 64, "b.safetensors": "1" * 64}
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path)
    monkeypatch.setattr(shipped, "shipped_sums", lambda: sums)
    code, out, _ = run("doctor", "--json")
    assert code == 1
    found = {f["name"]: (f["state"], f["what"]) for f in json.loads(out)["findings"] if f["part"] == "file"}
    assert found == {"a.safetensors": ("bad", "damaged"), "b.safetensors": ("bad", "missing")}


def test_extras_are_read_from_the_metadata_of_the_package() -> None:
    lines = [
        "torch>=2",
        "segno>=1.6; extra == 'studio'",
        'uvicorn[standard] ; extra == "studio"',
        "ddgs ; extra == 'web'",
    ]
    assert extras(lines) == {"studio": ["segno", "uvicorn"], "web": ["ddgs"]}


def test_sums_are_in_the_form_of_sha256sum() -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", shipped.SUMS], cwd=shipped.PACKAGE, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
