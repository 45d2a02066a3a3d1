"""What stands beside results of latent space, what their records say, and what people are told of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cyclopts import App

from reverie.apps.cli.tool_command import command_for
from reverie.errors import WeightsError
from reverie.jobs.session import Session
from reverie.media.image import read_picture
from reverie.models.stylegan2.file import load_generator
from reverie.models.stylegan2.latents import read_latents
from reverie.settings import to_record
from reverie.tools.latent.config import GeneratorSettings, WalkConfig, upgraded_project
from reverie.tools.latent_films.journey import parse_journey
from reverie.tools.latent_films.journey_tool import seam_notes
from reverie.tools.latent_films.walk import PreparedWalk
from reverie.tools.latent_search.project import ramp as part_of_rate
from reverie.tools.registry import TOOLS, find_tool


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


def test_a_search_from_before_is_made_as_it_was():
    old = {"version": "0.1.0", "tool": "latent project", "config": {"steps": 200, "lr": 0.05, "pixels": 1.0}}
    assert upgraded_project(old)["config"] == old["config"] | {"rate": "cosine", "tiles": "products"}
    new = {"version": "0.1.0", "config": {"rate": "ramp", "tiles": "loops"}}
    assert upgraded_project(new) == new
    rates = [part_of_rate(i / 100) for i in range(101)]
    assert max(rates) == 1.0 and rates[0] < 0.3 and rates[-1] == 0.0
    assert rates[5:75] == [1.0] * 70


def test_results_that_say_nothing_of_tiles_are_made_by_products_of_matrices():
    drawing = [tool for tool in map(find_tool, TOOLS) if issubclass(tool.config, GeneratorSettings)]
    assert len(drawing) >= 12
    for tool in drawing:
        assert tool.upgrade is not None, tool.name
        assert tool.upgrade({"version": "0.1.0", "config": {}})["config"]["tiles"] == "products", tool.name
        record = to_record(tool.config())
        assert record["tiles"] == "loops" and tool.upgrade({"version": "0.1.0", "config": record})["config"] == record


def test_a_sheet_has_the_pictures_of_its_tiles(tmp_path: Path):
    out = tmp_path / "sheet.png"
    assert call("latent sample", "--sheet", "truncation=0,1", "--seeds", "2", "--class", "rose", "-o", out) == 0
    assert (read_picture(out).rgb > 0.99).all(2).mean() < 0.05


@pytest.mark.slow
def test_files_beside_a_film_outlive_one_in_another_format(tmp_path: Path, capfd: pytest.CaptureFixture):
    often, seldom = (("latent walk", "--seeds", "0-2", "--seconds", 1, "--fps", fps) for fps in (6, 3))
    assert call(*often, "-o", tmp_path / "w.mkv") == 0
    assert call(*often, "-o", tmp_path / "w.gif") == 0  # the same job, whose latents are the same
    assert call(*seldom, "-o", tmp_path / "w.webp") == 0
    assert "'w.mkv' has other settings and is kept" in capfd.readouterr().err
    rows = {path.name: len(read_latents(path).names) for path in tmp_path.glob("*-latents.safetensors")}
    assert rows == {"w-latents.safetensors": 6, "w-2-latents.safetensors": 3}
    assert (tmp_path / "w-2.webp").is_file()
    assert call(*seldom, "-o", tmp_path / "w.webp", "--overwrite") == 0
    assert len(read_latents(tmp_path / "w-latents.safetensors").names) == 3


def test_a_stopped_film_has_the_latents_of_its_frames(tmp_path: Path):
    work = PreparedWalk(WalkConfig(seeds="0-2", seconds=1.0, fps=6), Session()).work(None, 0, scratch=tmp_path / "s")
    frames = iter(work)
    for _ in range(2):
        next(frames)
    _, latents = work.outputs()
    latents.write(tmp_path / "l.safetensors", {}, 92)
    assert read_latents(tmp_path / "l.safetensors").names == ("0", "1")


def test_seeds_that_a_path_does_not_take_are_named(tmp_path: Path):
    config = WalkConfig(seeds="3-5", path="circle", seconds=1.0, fps=2)
    work = PreparedWalk(config, Session()).work(None, 0, scratch=tmp_path / "s")
    assert "of these seeds a circle takes 3, 4 alone" in work.notes


def test_what_jumps_where_a_loop_begins_again_is_named():
    text = """
keys: [{seed: 1, duration: 2s}, {seed: 2, duration: 2s}]
fine: [{seed: 3, duration: 1.5s}, {seed: 4, duration: 1.5s}]
coarse: [{seed: 3, duration: 1s}, {seed: 4, duration: 1s}]
truncation: {0s: 0.5, 4s: 1}
directions: {"0": {0s: 0, 2s: 1, 4s: 0}}
"""
    fine, truncation = seam_notes(parse_journey(text))
    assert fine.startswith("'fine' takes 3 s and the journey 4 s") and truncation.startswith("truncation begins at 0.5")
    assert seam_notes(parse_journey(text + "loop: false")) == []


def test_latents_that_are_given_for_a_network_are_called_so(tmp_path: Path):
    assert call("latent sample", "--seeds", "1", "-o", tmp_path / "a.png") == 0
    with pytest.raises(WeightsError, match="holds latents, not a network"):
        load_generator(tmp_path / "a-latents.safetensors")
