"""A small picture and a runner that returns exit code, standard output and standard error."""

from __future__ import annotations

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


_networks: dict[object, object] = {}


@pytest.fixture
def networks_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs in this process share open networks, which never change: opening one takes longer than a short run."""
    import reverie.critic.open
    from reverie.tools.compare import networks as compare_networks
    from reverie.tools.fast import model as fast_style

    original = reverie.critic.open.open_critic

    def opened(model: str = "embedded", weights: object = None, **options: str) -> object:
        key = model, str(weights), *sorted(options.items())
        if key not in _networks:
            _networks[key] = original(model, weights, **options)  # type: ignore[arg-type]
        return _networks[key]

    users = (compare_networks, fast_style)
    for module in (reverie.critic.open, *users):
        monkeypatch.setattr(module, "open_critic", opened)
