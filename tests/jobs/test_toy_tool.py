"""The proof of the job model: a tool of sixty lines gets pictures, folders, films, replay and the rest for nothing."""

from __future__ import annotations

import io
import json
import re
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from cyclopts import App
from PIL import Image
from toy import INVERT, PreparedInvert, find

from reverie.apps.cli.pipes import STAND_IN
from reverie.apps.cli.tool_command import command_for
from reverie.apps.cli.tool_help import help_of
from reverie.apps.web.page import RunPage
from reverie.errors import InputError, JobError, OutputError
from reverie.jobs.controls import Controls
from reverie.jobs.execute import execute
from reverie.jobs.files import Files
from reverie.jobs.given import Given
from reverie.jobs.job import parse
from reverie.jobs.replay import replayed, stored_job, verdict
from reverie.jobs.run import open_run
from reverie.jobs.session import Session
from reverie.jobs.stored import stored_record
from reverie.jobs.watch import Nobody


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def call(*tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(INVERT, find))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_a_picture_is_inverted_and_carries_its_job(photo: Path) -> None:
    assert call(photo) == 0
    made = photo.with_name("a-invert.png")
    assert np.abs(pixels(made) + pixels(photo) - 255).max() <= 1
    record = stored_record(made)
    assert record["tool"] == "invert"
    assert record["config"]["strength"] == 1.0
    assert record["input"]["name"] == "a.png"


def test_a_second_run_makes_nothing_and_other_settings_are_counted_up(photo: Path, capsys) -> None:
    call(photo)
    first = photo.with_name("a-invert.png").read_bytes()
    assert call(photo) == 0
    assert "there already" in capsys.readouterr().err
    assert call(photo, "--strength", 0.5) == 0
    assert "kept" in capsys.readouterr().err
    assert photo.with_name("a-invert.png").read_bytes() == first
    assert photo.with_name("a-invert-2.png").exists()
    call(photo, "--strength", 0.5)
    assert not photo.with_name("a-invert-3.png").exists()
    call(photo, "--strength", 0.5, "--overwrite")
    assert photo.with_name("a-invert.png").read_bytes() != first


def test_sources_and_foreign_files_are_never_replaced(photo: Path, tmp_path: Path) -> None:
    before = photo.read_bytes()
    with pytest.raises(InputError, match="which it is made from"):
        call(photo, "-o", photo, "--overwrite")
    Image.new("RGB", (4, 4)).save(tmp_path / "mine.png")
    foreign = (tmp_path / "mine.png").read_bytes()
    for more in ([], ["--overwrite"]):
        with pytest.raises(InputError, match="not made by Reverie"):
            call(photo, "-o", tmp_path / "mine.png", *more)
    assert (photo.read_bytes(), (tmp_path / "mine.png").read_bytes()) == (before, foreign)


def test_a_dry_run_prints_decisions_and_writes_nothing(photo: Path, capsys) -> None:
    assert call(photo, "--dry-run", "--strength", 0.25) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["size"] == [32, 24]
    assert told["config"]["strength"] == 0.25
    assert not photo.with_name("a-invert.png").exists()


def test_like_takes_the_settings_and_given_ones_win(photo: Path, tmp_path: Path) -> None:
    call(photo, "--strength", 0.5, "--seed", 3)
    Image.new("RGB", (8, 8), (10, 20, 30)).save(tmp_path / "b.png")
    call(tmp_path / "b.png", "--like", photo.with_name("a-invert.png"), "--seed", 4)
    config = stored_record(tmp_path / "b-invert.png")["config"]
    assert (config["strength"], config["seed"]) == (0.5, 4)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_is_worked_by_workers_and_a_rerun_skips(photo: Path, tmp_path: Path, workers: int, capsys) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 6), (number * 60, 0, 0)).save(folder / f"{number}.png")
    (folder / "3.png").write_bytes(b"no picture")
    assert call(folder, "-o", f"{tmp_path / 'out'}/", "--workers", workers) == 2
    assert "3 made, 1 failed" in capsys.readouterr().err
    for number in range(3):
        assert pixels(tmp_path / "out" / f"{number}.png")[0, 0, 0] == 255 - number * 60
    (folder / "3.png").unlink()  # with nothing to do, no worker starts
    assert call(folder, "-o", f"{tmp_path / 'out'}/", "--workers", workers) == 0
    assert "3 there already" in capsys.readouterr().err


def test_alone_and_in_a_folder_a_picture_gives_the_same_bytes(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(photo.read_bytes())
    call(tmp_path / "in", "-o", f"{tmp_path / 'out'}/", "--workers", 1)
    call(photo, "-o", tmp_path / "alone.png")
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "alone.png").read_bytes()


def test_a_film_is_worked_frame_by_frame_and_goes_on_after_a_kill(photo: Path, tmp_path: Path, monkeypatch) -> None:
    frames = [Image.new("RGB", (16, 16), (n * 40, 0, 0)) for n in range(4)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    assert call(tmp_path / "clip.gif", "-o", tmp_path / "whole.gif") == 0
    with Image.open(tmp_path / "whole.gif") as made:
        assert made.n_frames == 4
        assert abs(made.convert("RGB").getpixel((0, 0))[1] - 255) <= 2

    from reverie.media.frame_folder import FrameFolder

    write, count = FrameFolder.write, iter(range(9))

    def failing(self, *args, **kwargs):
        if next(count) == 2:
            raise MemoryError
        write(self, *args, **kwargs)

    monkeypatch.setattr(FrameFolder, "write", failing)
    with pytest.raises(MemoryError):
        call(tmp_path / "clip.gif", "-o", tmp_path / "again.gif")
    monkeypatch.undo()
    assert len(list((tmp_path / "again.gif.frames").glob("*.png"))) == 2
    assert call(tmp_path / "clip.gif", "-o", tmp_path / "again.gif") == 0
    assert (tmp_path / "again.gif").read_bytes() == (tmp_path / "whole.gif").read_bytes()
    assert not (tmp_path / "again.gif.frames").exists()


def test_the_frames_of_a_film_that_cannot_be_written_stay(photo: Path, tmp_path: Path, monkeypatch) -> None:
    from reverie.jobs.output import Film

    frames = [Image.new("RGB", (16, 16), (n * 40, 0, 0)) for n in range(3)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=100)

    def full(*_: object) -> None:
        raise OutputError("no space left")

    monkeypatch.setattr(Film, "write", full)
    with pytest.raises(OutputError):
        call(tmp_path / "clip.gif", "-o", tmp_path / "o.gif")
    monkeypatch.undo()
    assert len(list((tmp_path / "o.gif.frames").glob("*.png"))) == 3
    assert call(tmp_path / "clip.gif", "-o", tmp_path / "o.gif") == 0
    assert not (tmp_path / "o.gif.frames").exists()


@pytest.mark.slow
def test_options_of_films_in_a_list_reach_its_films_and_are_refused_without_one(photo: Path, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), (n * 40, 0, 0)) for n in range(2)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    assert call(photo, tmp_path / "clip.gif", "-o", f"{tmp_path / 'out'}/", "--crf", 3, "--strength", 0.5) == 0
    assert stored_record(tmp_path / "out" / "clip.gif")["config"]["strength"] == 0.5
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match="--crf goes with a video, GIF"):
        call(photo, tmp_path / "b.png", "--crf", 3)


def test_a_sheet_shows_settings_and_replays(photo: Path, tmp_path: Path) -> None:
    assert call(photo, "--sheet", "strength=0,0.5,1", "-o", tmp_path / "sheet.png") == 0
    again = replay(tmp_path / "sheet.png")
    assert again.read_bytes() == (tmp_path / "sheet.png").read_bytes()


def replay(made: Path) -> Path:
    job = stored_job(made, find)
    target = made.with_name(f"{made.stem}-replay{made.suffix}")
    run = replayed(made, job, find, Session(), files=Files(made))
    execute(run, target, Nobody(), quality=job.quality or 92, kept=target)
    return target


def test_a_steered_and_stopped_run_replays_to_the_same_bytes(photo: Path) -> None:
    run = open_run(INVERT, INVERT.config(), Given(photo), Session(), controls=Controls())
    for progress in run:
        if progress.done == 1:
            run.controls.ask("strength", 0.1)
        if progress.done == 3:
            run.controls.stop()
    made = photo.with_name("steered.png")
    run.save(made, unfinished=True)
    job = stored_job(made, find)
    assert (job.changes[0].step, job.stopped_at_step) == (2, 3)
    assert verdict(job, made, replay(made)) == "the bytes are the same"


def test_a_renamed_source_is_found_by_its_content_and_another_one_refused(photo: Path) -> None:
    call(photo)
    made = photo.with_name("a-invert.png")
    photo.rename(photo.with_name("renamed.png"))
    assert replay(made).read_bytes() == made.read_bytes()
    Image.new("RGB", (32, 24)).save(photo)
    with pytest.raises(InputError, match="is not the input that was used"):
        replay(made)


def test_a_result_with_the_name_of_its_source_is_not_taken_for_it(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    call(photo, "-o", tmp_path / "out" / "a.png")
    made = tmp_path / "out" / "a.png"
    with pytest.raises(InputError, match="neither beside"):
        replay(made)
    job = stored_job(made, find)
    run = replayed(made, job, find, Session(), files=Files(made, [tmp_path]))
    assert run.given is not None and run.given.path == photo


def test_a_record_cannot_name_a_file_elsewhere(photo: Path, tmp_path: Path) -> None:
    secret = tmp_path / "private" / "secret.png"
    secret.parent.mkdir()
    Image.new("RGB", (32, 24), "white").save(secret)
    record = {
        "tool": "invert",
        "config": {"mask": str(secret)},
        "files": {"mask": {"name": str(secret), "sha256": "0" * 64}},
    }
    job = parse(record, find)
    assert job.files["mask"].name == "secret.png"
    with pytest.raises(InputError, match="neither"):
        replayed(photo, job, find, Session(), files=Files(photo))


def test_only_a_job_or_one_line_comes_out_of_any_record(photo: Path) -> None:
    call(photo)
    record = stored_record(photo.with_name("a-invert.png"))
    rng = np.random.default_rng(0)
    strange = [None, True, -1, 10**400, 1.5, float("nan"), "x", [], [1], {}, {"a": 1}, [[1]], [["x", {}]]]
    outcomes = {"job": 0, "line": 0}
    for _ in range(1500):
        damaged = json.loads(json.dumps(record))
        place = damaged if rng.random() < 0.5 else damaged[rng.choice(["config", "input", "machine"])]
        key = rng.choice(list(place))
        if rng.random() < 0.3:
            del place[key]
        else:
            place[key] = strange[rng.integers(len(strange))]
        try:
            parse(damaged, lambda name: find(name) if name == "invert" else _no_tool(name))
            outcomes["job"] += 1
        except JobError as error:
            assert "\n" not in str(error)
            outcomes["line"] += 1
    assert min(outcomes.values()) > 100


def _no_tool(name: str):
    raise JobError(f"no tool called '{name}'")


def test_ctrl_c_keeps_the_unfinished_picture(photo: Path, capsys, monkeypatch) -> None:
    from reverie.apps.cli import watch

    shown = watch.Terminal.show

    def pressed(self, progress, fraction, eta_s):
        shown(self, progress, fraction, eta_s)
        if progress.done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(watch.Terminal, "show", pressed)
    monkeypatch.setattr(watch, "ignore_interrupts", lambda: None)
    assert call(photo) == 130
    kept = photo.with_name("a-invert-stopped.png")
    assert stored_record(kept)["stopped_at_step"] == 2
    assert not photo.with_name("a-invert.png").exists()


def test_ctrl_c_in_a_replay_leaves_nothing_under_the_name_of_the_result(photo: Path) -> None:
    class Pressed(Nobody):
        def show(self, progress, fraction, eta_s):
            if progress.done == 2:
                raise KeyboardInterrupt

    call(photo)
    made, target = photo.with_name("a-invert.png"), photo.with_name("again.png")
    run = replayed(made, stored_job(made, find), find, Session(), files=Files(made))
    ended = execute(run, target, Pressed(), kept=target)
    assert (ended.end, [path.name for path in ended.paths]) == ("interrupted", ["again-stopped.png"])
    assert not target.exists()


def test_the_live_page_shows_and_steers_a_run(photo: Path) -> None:
    run = open_run(INVERT, INVERT.config(), Given(photo), Session())
    with RunPage() as page:
        page.begin(run)
        for progress in run:
            page.show(progress, run.fraction, None)
            if progress.done == 2:
                body = json.dumps({"strength": 0.0}).encode()
                headers = {"Content-Type": "application/json"}
                urllib.request.urlopen(urllib.request.Request(f"{page.address}steer", body, headers), timeout=5)
        with urllib.request.urlopen(f"{page.address}picture", timeout=5) as answer:
            assert answer.read(2) == b"\xff\xd8"
    assert run.changes[0].step == 3
    halfway = (run.outputs()[0].rgb - Given(photo).picture.rgb).mean()
    assert abs(halfway - (0.5 - Given(photo).picture.rgb.mean())) < 1e-4


def test_controls_pause_from_another_thread(photo: Path) -> None:
    controls = Controls()
    controls.pause()
    threading.Timer(0.2, controls.resume).start()
    run = open_run(INVERT, INVERT.config(), Given(photo), Session(), controls=controls)
    assert sum(1 for _ in run) == 4


def test_the_toy_is_small() -> None:
    assert len(Path(__file__).with_name("toy.py").read_text().splitlines()) <= 60


def test_a_folder_prepares_once(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What every picture needs is opened and checked once, and not for each picture or each question about them."""
    (tmp_path / "in").mkdir()
    for number in range(4):
        Image.new("RGB", (32, 24), (number * 60, 0, 0)).save(tmp_path / "in" / f"{number}.png")
    opened, read, begin = [], Given.picture, PreparedInvert.__init__
    monkeypatch.setattr(PreparedInvert, "__init__", lambda self, *how: (opened.append(how), begin(self, *how))[1])
    masks: list[Path | None] = []

    def counted(self: Given):
        masks.extend([self.path] if self.path == photo else [])
        return read.__get__(self)

    monkeypatch.setattr(Given, "picture", property(counted))
    assert call(tmp_path / "in", "-o", f"{tmp_path / 'out'}/", "--workers", 1, "--mask", photo) == 0
    assert (len(opened), len(masks)) == (1, 1)


def test_the_python_call_takes_files_and_arrays(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import reverie
    from reverie.tools.registry import TOOLS

    monkeypatch.setitem(TOOLS, "invert", ("toy:INVERT", "Invert pictures."))
    rgb = Given(photo).picture.rgb
    assert np.allclose(reverie.invert(photo).array(), 1 - rgb, atol=1e-6)
    assert np.allclose(reverie.run_tool("invert", rgb, strength=0.5).array(), 0.5, atol=1e-6)
    (made,) = reverie.invert(photo, strength=0.25).save(photo.with_name("by-python.png"))
    assert stored_record(made)["config"]["strength"] == 0.25
    assert [progress.done for progress in reverie.invert(photo)] == [1, 2, 3, 4]
    with pytest.raises(InputError, match=r"^strength must be at most 1"):
        reverie.invert(photo, strength=2.0)


def test_a_picture_goes_through_pipes(photo: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(photo.read_bytes())))
    assert call(STAND_IN, "-o", STAND_IN) == 0
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as made:
        assert np.abs(np.asarray(made.convert("RGB")).astype(int) + pixels(photo) - 255).max() <= 1


def test_its_help_comes_from_its_fields() -> None:
    text = help_of(INVERT, everything=True)
    assert "Invert pictures." in text and "How far: 0 the picture, 1 its negative." in text
    assert {"--strength", "--mask", "--like", "--dry-run", "--workers", "--show"} <= set(re.findall(r"--[a-z-]+", text))
