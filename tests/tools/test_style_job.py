"""What a painting carries, and what is made of it: only a job or one line comes out of any record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from style_case import QUICK, texture

from reverie import style
from reverie.critic.critic import Critic
from reverie.errors import InputError, JobError
from reverie.jobs.files import Files, found_config, named_files, without_folders
from reverie.jobs.job import Input, Job, parse
from reverie.jobs.stored import stored_record
from reverie.jobs.up_to_date import up_to_date
from reverie.settings import without_rivals
from reverie.tools.registry import find_tool
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.named import in_region, in_style, settled
from reverie.tools.style_film.config import StyleFilmConfig, StyleFilmJob
from reverie.tools.style_film.tool import STYLE_FILM

STRANGE = [None, True, -1, 10**400, 1.5, float("nan"), "x", "a:b:1", [], [1], ["x:y"], {}, {"a": 1}, [[1]]]


@pytest.fixture(scope="module")
def made(files: Path, embedded_critics: Callable[[bool], Critic]) -> Path:
    quick = QUICK | {"size": 48, "min_size": 48, "steps": 1}
    region = (f"mask={files / '1.png'},style={files / '2.png'}:2,strength=0.5",)
    path = files / "made.png"
    config = StyleConfig(region=region, **quick)
    style(files / "0.png", [f"{files / '1.png'}:3"], config, critic=embedded_critics(False)).save(path)
    return path


def test_a_record_names_every_file_by_its_role_and_no_folder(made: Path) -> None:
    record = stored_record(made)
    assert list(record["files"]) == ["style 1", "region 1 mask", "region 1 style 1"]
    assert record["config"]["style"] == ["1.png:3"]
    assert record["config"]["region"] == ["mask=1.png,style=2.png:2,strength=0.5"]
    assert not {"resume_from", "keep_state"} & set(record["config"]) and str(made.parent) not in json.dumps(record)


def test_only_a_job_or_one_line_comes_out_of_any_record(made: Path) -> None:
    record, film = stored_record(made), {"tool": "style-film", "video": {}, "keyframes": {"name": "k", "text": "x"}}
    rng, outcomes = np.random.default_rng(0), {"job": 0, "line": 0}
    for number in range(1200):
        damaged = json.loads(json.dumps(record | (film if number % 3 == 0 else {})))
        place = damaged if rng.random() < 0.4 else damaged[rng.choice(["config", "input", "machine", "files"])]
        key = rng.choice(list(place))
        if rng.random() < 0.3:
            del place[key]
        else:
            place[key] = STRANGE[rng.integers(len(STRANGE))]
        try:
            job = parse(damaged, find_tool)
            up_to_date(job, job, made)
            found_config(job, Files(made))
            outcomes["job"] += 1
        except InputError as error:
            assert "\n" not in str(error)
            outcomes["line"] += 1
    assert min(outcomes.values()) > 100


@pytest.mark.real
def test_keyframes_of_a_strange_record_are_refused_in_one_line(files: Path) -> None:
    from reverie.jobs.given import Given
    from reverie.jobs.session import Session

    for keys in ("{}", '{"name": 1, "text": "", "names": []}', "{nothing"):
        job = StyleFilmJob(StyleConfig(style=(str(files / "1.png"),), fast="any"), StyleFilmConfig(keyframes=keys))
        with pytest.raises(InputError, match="keyframes inside the film cannot be read"):
            STYLE_FILM.prepare(job, Session()).work(Given(files / "0.png"), 0)


def test_files_in_texts_are_found_and_replaced() -> None:
    assert in_style("a/b.png:2", lambda part, path: f"<{part}|{path}>") == "<|a/b.png>:2"
    assert in_style("a/b:c.png", lambda _, path: path.upper()) == "A/B:C.PNG"
    region = in_region("mask=a/m.png,style=a/b.png:2+c.png", lambda part, path: f"{part.replace(' ', '')}.png")
    assert region == "mask=mask.png,style=style1.png:2+style2.png"
    config = StyleConfig(style=("x/a.png:2", "b.png"), region=("outside=x/m.png,keep=1",))
    assert list(named_files(config)) == [("style 1", "x/a.png"), ("style 2", "b.png"), ("region 1 mask", "x/m.png")]
    assert without_folders(config).style == ("a.png:2", "b.png")  # type: ignore[attr-defined]


def test_settled_settings_name_files_with_their_weights(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        Image.fromarray((texture(20, 0) * 255).astype(np.uint8)).save(tmp_path / name)
    config = settled(StyleConfig(style=(f"{tmp_path}:3", "c.png")), "photo.png")
    assert config.style == (f"{tmp_path / 'a.png'}:1.5", f"{tmp_path / 'b.png'}:1.5", "c.png:1")
    assert settled(config, "other.png") == config
    for name in ("p.png", "q.png"):
        picked = settled(StyleConfig(style=(str(tmp_path),), style_class="any"), name)
        assert picked.style_class is None and settled(picked, "another.png") == picked


def test_weights_count_for_what_is_there_already_and_folders_do_not() -> None:
    def job(text: str, sha256: str = "0" * 64) -> Job:
        return Job("style", StyleConfig(style=(text,)), files={"style 1": Input("a.png", sha256)})

    assert up_to_date(job("a.png:1"), job("renamed.png:1"), Path("x.png"))
    assert not up_to_date(job("a.png:1"), job("a.png:2"), Path("x.png"))
    assert not up_to_date(job("a.png:1"), job("a.png:1", "1" * 64), Path("x.png"))


def test_what_a_film_decided_for_itself_is_up_to_date_unless_another_is_asked_for() -> None:
    def job(**film) -> Job:
        return Job("style-film", StyleFilmJob(video=StyleFilmConfig(**film)))

    stored = job(later_steps=40, temporal=1.0)
    assert up_to_date(stored, job(), Path("x.mp4"))
    assert not up_to_date(stored, job(later_steps=20), Path("x.mp4"))
    assert not up_to_date(stored, job(crf=30), Path("x.mp4"))


def test_what_describes_a_style_goes_with_it() -> None:
    stored = {"style": ["a.png:1"], "style_scale": [2.0], "color": "match", "color_method": "pca", "smooth": 0.1}
    assert without_rivals(StyleConfig, stored, {"style": ["b.png"]}) == {
        name: value for name, value in stored.items() if name != "style_scale"
    }
    kept = without_rivals(StyleConfig, stored, {"color": "style"})
    assert "color_method" not in kept and kept["style_scale"] == [2.0]


@pytest.mark.real
def test_a_picture_made_in_one_pass_says_what_it_has_not(files: Path, tmp_path: Path) -> None:
    fast = style(files / "0.png", files / "1.png", fast="any", size=48, device="cpu", precision="fp32")
    with pytest.raises(InputError, match="stylized in one pass"):
        fast.keep_state(tmp_path / "a.reverie")
    assert fast.array().shape == (48, 48, 3)


def test_a_program_does_not_write_over_what_goes_in(files: Path, critic: Critic) -> None:
    before = (files / "1.png").read_bytes()
    with pytest.raises(InputError, match="which it is made from"):
        style(files / "0.png", files / "1.png", StyleConfig(**QUICK), critic=critic).save(files / "1.png")
    assert (files / "1.png").read_bytes() == before


def test_a_record_of_another_tool_is_no_painting() -> None:
    with pytest.raises(JobError, match="no tool"):
        parse({"tool": "style-sheet", "config": {}}, find_tool)
