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


def test_the_conda_recipe_has_fields_of_its_format_alone() -> None:
    """The names of version 1 of the format, of the parts that are used here; a misspelled one would be refused."""
    recipe = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8"))
    fields = {
        "": {"schema_version", "context", "package", "source", "build", "requirements", "tests", "about", "extra"},
        "package": {"name", "version"}, "source": {"path", "url", "sha256"}, "requirements": {"host", "run"},
        "build": {"number", "noarch", "python", "script"},
        "about": {"homepage", "repository", "documentation", "summary", "description", "license", "license_file"},
    }  # fmt: skip
    for part, known in fields.items():
        assert set(recipe[part] if part else recipe) <= known, part
    assert recipe["schema_version"] == 1 and recipe["build"]["noarch"] == "python"
    (entry,) = recipe["build"]["python"]["entry_points"]
    script, _, target = entry.partition(" = ")
    assert PROJECT["scripts"] == {script: target}
    assert [set(test) for test in recipe["tests"]] == [{"python"}, {"script"}]
    assert set(recipe["tests"][0]["python"]) <= {"imports", "pip_check", "python_version"}
    for step in recipe["build"]["script"]:
        assert isinstance(step, str) or set(step) <= {"if", "then", "else"}
    assert all((ROOT / name).is_file() for name in recipe["about"]["license_file"])


def test_the_workflow_is_well_formed_and_runs_on_three_systems() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    systems = set(workflow["jobs"]["tests"]["strategy"]["matrix"]["os"])
    assert {name.partition("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}
    for script in re.findall(r"(?:python|bash) ([\w./-]+/[\w.-]+)", text):
        assert (ROOT / script).is_file(), script
    extras = {name for found in re.findall(r"\.\[([\w,]+)\]", text) for name in found.split(",")}
    assert extras <= set(PROJECT["optional-dependencies"])
    for job in workflow["jobs"].values():
        assert set(job) <= {"strategy", "runs-on", "timeout-minutes", "env", "steps", "needs"}
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    assert "bash .ci/run" in text and "docs/site/check.py" in text  # the whole check; spelling and links
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
