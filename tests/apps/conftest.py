"""A small picture and a runner that returns exit code, standard output and standard error."""

from __future__ import annotations

import functools
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


@functools.cache
def _opened(*arguments: object, **named: object) -> object:
    from reverie.critic.open import open_critic

    return open_critic(*arguments, **named)  # type: ignore[arg-type]


@pytest.fixture
def networks_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs in this process share open networks, which never change: opening one takes longer than a short run."""
    import reverie.tools.compare_networks
    import reverie.tools.style_work

    monkeypatch.setattr(reverie.tools.compare_networks, "open_critic", _opened)
    monkeypatch.setattr(reverie.tools.style_work, "open_critic", _opened)
