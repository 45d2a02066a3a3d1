"""The container files: they copy the same things, run the same script, and that script makes a working installation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "containers"
DOCKER = (FOLDER / "Dockerfile").read_text("utf-8")
APPTAINER = (FOLDER / "reverie.def").read_text("utf-8")
CHECK = (FOLDER / "check.sh").read_text("utf-8")


def copied_by_docker() -> set[str]:
    lines = [line.split()[1:] for line in DOCKER.splitlines() if line.startswith("COPY ")]
    return {source for *sources, _ in lines for source in sources}


def section(name: str) -> list[str]:
    found = re.search(rf"^%{name}\n((?:    .*\n|\n)+)", APPTAINER, re.MULTILINE)
    assert found is not None, name
    return found[1].split("\n")


def test_all_three_copy_the_same_files_which_are_all_that_a_build_needs() -> None:
    copied = copied_by_docker()
    assert {line.split()[0] for line in section("files") if line} == copied
    checked = re.findall(r"^cp (?:-r )?(.+) \"\$root/src", CHECK, re.MULTILINE)
    assert {name for names in checked for name in names.split()} == copied
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {project["readme"], *project["license-files"], "pyproject.toml"} <= copied


def test_both_images_are_made_by_the_same_steps_from_the_same_base() -> None:
    step = "sh /src/containers/build.sh /src && rm -rf /src"
    assert f'RUN TORCH_INDEX="$TORCH_INDEX" {step}' in DOCKER
    assert f'    TORCH_INDEX="{{{{ TORCH_INDEX }}}}" {step}' in section("post")
    assert "sh /src/containers/build.sh /src" in CHECK
    (base,) = re.findall("^ARG BASE=(.+)\nFROM [$]BASE$", DOCKER, re.MULTILINE)
    assert f"From: {base}" in APPTAINER
    version = base.removeprefix("python:").removesuffix("-slim")
    assert f"Programming Language :: Python :: {version}" in (ROOT / "pyproject.toml").read_text("utf-8")
    for text in (DOCKER, APPTAINER):
        assert text.count("https://download.pytorch.org/whl/cpu") == 1
        assert "PATH=/opt/reverie/bin:" in text


def test_the_image_runs_the_command_as_a_user_without_rights() -> None:
    assert re.search(r"^USER 1000:1000$", DOCKER, re.MULTILINE)
    assert DOCKER.index("USER 1000") > DOCKER.index("RUN ")
    assert 'ENTRYPOINT ["reverie"]' in DOCKER
    assert '    exec reverie "$@"' in section("runscript")


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
@pytest.mark.parametrize("name", ["build.sh", "check.sh"])
def test_the_scripts_are_well_formed_and_can_be_called(name: str) -> None:
    path = FOLDER / name
    shell = path.read_text("utf-8").splitlines()[0].split()[-1].rpartition("/")[2]
    assert subprocess.run([shell, "-n", str(path)], capture_output=True, check=False).stderr == b""
    assert os.access(path, os.X_OK)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(3600)
@pytest.mark.skipif(shutil.which("unshare") is None, reason="Linux")
def test_the_steps_make_an_installation_that_dreams() -> None:
    done = subprocess.run([FOLDER / "check.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "the bytes are the same" in done.stdout + done.stderr
    assert "all passed" in done.stdout
