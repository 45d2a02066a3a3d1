"""Recipes and workflows say the same as pyproject.toml, and what they call exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import reverie

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ON_CONDA = {"torch": "pytorch", "opencv-python-headless": "py-opencv", "matplotlib": "matplotlib-base"}


def test_the_conda_recipe_has_the_requirements_and_version_of_the_project() -> None:
    recipe = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8"))
    assert recipe["context"]["version"] == reverie.__version__
    wanted = set()
    for line in PROJECT["dependencies"]:
        name, limits = re.fullmatch(r"([\w.-]+)(.*)", line).groups()  # type: ignore[union-attr]
        wanted.add(f"{ON_CONDA.get(name, name).lower()} {limits}".strip())
    found = {line for line in recipe["requirements"]["run"] if not line.startswith("python ")}
    assert found == wanted
    assert {line for line in recipe["requirements"]["host"][2:] if not line.startswith("hatchling")} <= found
    minimum = PROJECT["requires-python"].removeprefix(">=")
    assert minimum in (ROOT / "packaging" / "conda" / "README.md").read_text("utf-8")


def test_the_workflow_is_well_formed_and_runs_on_three_systems() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    systems = set(workflow["jobs"]["tests"]["strategy"]["matrix"]["os"])
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    for script in re.findall(r"(?:python|bash) ([\w./-]+/[\w.-]+)", text):
        assert (ROOT / script).is_file(), script
    extras = {name for found in re.findall(r"\.\[([\w,]+)\]", text) for name in found.split(",")}
    assert extras <= set(PROJECT["optional-dependencies"])
    torch, vision = (
        next(d for d in PROJECT["dependencies"] if d.startswith(f"{n}>")) for n in ("torch", "torchvision")
    )
    assert f'"{torch}" "{vision}"' in text
    for python in workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]:
        assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]


def test_the_check_of_distributions_finds_what_is_missing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "reverie-0.1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("reverie/__init__.py", "")
        wheel.writestr("tests/test_a.py", "")
    script = ROOT / "packaging" / "check_dist.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "lacks a wheel or a source distribution" in done.stdout
    assert "lacks reverie/models/embedded.safetensors" in done.stdout
    assert "tests/test_a.py beside the package" in done.stdout


@pytest.mark.slow
def test_wheel_and_source_are_whole_and_their_metadata_is_right(tmp_path: Path) -> None:
    pytest.importorskip("build")
    line = [sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ROOT]
    pytest.importorskip("hatchling", reason="building without isolation needs hatchling")
    assert subprocess.run(line, capture_output=True, check=False).returncode == 0
    script = ROOT / "packaging" / "check_dist.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the distributions are whole"), done.stdout
    pytest.importorskip("twine")
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *tmp_path.glob("reverie*")], check=False
    )
    assert checked.returncode == 0
