"""A small picture and a runner that returns exit code, standard output and standard error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_case import Run, scene
from PIL import Image

from reverie.apps.cli.main import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    return path


@pytest.fixture(autouse=True)
def open_networks(networks: None) -> None:
    """Have small networks where nothing else is asked for."""


@pytest.fixture
def no_report() -> Iterator[None]:
    """Leave out the report, whose plots take longer than the training."""
    with pytest.MonkeyPatch.context() as patch:  # its own, which no test undoes
        patch.setattr("reverie.train.classifier.write_report", lambda *_: None)
        patch.setattr("reverie.train.classifier.curves_of", lambda _: None)
        yield
