"""`reverie info` on what is no picture: latents, folders, the folder of a training."""

from __future__ import annotations

import shutil
from pathlib import Path

from cli_case import Run

import reverie


def test_latents_say_what_made_them_and_folders_which_network_is_inside(run: Run, tmp_path: Path) -> None:
    code, _, err = run("latent", "sample", "--seeds", "0-1", "-o", tmp_path / "a.png")
    assert code == 0, err
    code, out, _ = run("info", tmp_path / "a-latents.safetensors")
    assert (code, "latent sample" in out) == (0, True)
    (tmp_path / "run").mkdir()
    shutil.copy(
        Path(reverie.__file__).parent / "models" / "flowers.safetensors", tmp_path / "run" / "model.safetensors"
    )
    code, out, _ = run("info", tmp_path / "run")
    assert (code, "stylegan2" in out) == (0, True)
    code, _, err = run("info", tmp_path)
    assert code == 2
    assert "name one of them" in err
