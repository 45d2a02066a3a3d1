"""What a user should know of a picture is said once at the end of a batch, however many it is about."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.apps.cli.main import main


def paint(folder: Path, *extra: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    style = folder.with_name("style.png")
    Image.fromarray(np.random.default_rng(9).integers(0, 255, (48, 48, 3), np.uint8)).save(style)
    options = ["--size", "64", "--min-size", "64", "--steps", "1", "--workers", "1", "-o", str(folder.with_name("out"))]
    assert main(["style", str(folder), str(style), *options, *extra]) == 0
    return capsys.readouterr().err.splitlines()


def test_notes_of_a_batch_come_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (64, 64, 4), np.uint8)
        Image.fromarray(pixels if number else pixels[..., :3].copy()).save(folder / f"{number}.png")
    said = paint(folder, "--format", "jpg", capsys=capsys)
    assert [line for line in said if "not enlarged" in line and line.startswith("2 pictures: ")]
    assert [line for line in said if line.startswith("1.png: JPEG has no transparency")]
    assert not any("planned for" in line for line in said)
