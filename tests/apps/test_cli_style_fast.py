"""`reverie style --fast`: in one pass, by a student's file or by the shipped network for any style."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_case import Run, scene
from PIL import Image

from reverie.media.metadata import read_settings
from reverie.models.student import StudentNet
from reverie.weights.checkpoint import Description, save_model
from reverie.weights.embedded import embedded_path

pytestmark = pytest.mark.real  # the shipped decoder fits the channels of the shipped network
PLAIN = ("--precision", "fp32", "--device", "cpu", "--size", 64)


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:70, 0:90] / 80
    stack = np.stack([np.sin(30 * x), np.sin(40 * y), np.sin(25 * (x + y))], -1)
    Image.fromarray((127 + 120 * stack).astype(np.uint8)).save(tmp_path / "waves.png")
    return tmp_path / "waves.png"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = StudentNet(8, 1)
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
    path = tmp_path_factory.mktemp("student") / "student.safetensors"
    about = Description(
        "student", (), (0, 0, 0), (1, 1, 1), 64, "student", net.options, recipe={"strength": 0.6, "style_size": 64}
    )
    save_model(path, dict(net.state_dict()), about)
    return path.read_bytes()


@pytest.fixture
def student(tmp_path: Path, network: bytes) -> Path:
    (tmp_path / "student.safetensors").write_bytes(network)
    return tmp_path / "student.safetensors"


def test_any_style_in_one_pass_replays_to_the_same_bytes(run: Run, photo: Path, style: Path) -> None:
    code, out, err = run("style", photo, style, "--fast", *PLAIN)
    made = Path(out.strip())
    assert (code, made) == (0, photo.with_name("photo-style.png"))
    assert "64 x 48 px, 1 step in" in err
    assert pixels(made).shape == (48, 64, 3) and pixels(made).std() > 10
    record = read_settings(made)
    assert record["config"]["fast"] == "any" and record["config"]["style"] == ["waves.png:1"]
    assert str(photo.parent) not in json.dumps(record)
    code, out, err = run("replay", made)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == made.read_bytes()


def test_records_that_name_the_default_network_of_their_time_are_made_again(run: Run, photo: Path, style: Path) -> None:
    code, out, err = run("style", photo, style, "--fast", "--model", "embedded", *PLAIN)
    made = Path(out.strip())
    assert code == 0 and read_settings(made)["config"]["model"] == "embedded", err
    assert "the bytes are the same" in run("replay", made)[2]


def test_the_flag_may_stand_before_the_styles(run: Run, photo: Path, style: Path) -> None:
    made = [photo.with_name(f"{n}.png") for n in range(2)]
    assert run("style", photo, "--fast", style, "-o", made[0], *PLAIN)[0] == 0
    assert run("style", photo, style, "--fast=any", "-o", made[1], *PLAIN)[0] == 0
    assert np.array_equal(*map(pixels, made))


def test_a_student_needs_no_style_and_replays(run: Run, photo: Path, student: Path) -> None:
    made = photo.with_name("made.png")
    code, out, _ = run("style", photo, "--fast", student, "-o", made, *PLAIN)
    assert (code, out.strip()) == (0, str(made))
    record = read_settings(made)
    assert record["config"]["fast"] == "student.safetensors" and record["model"]["name"] == "student"
    assert str(photo.parent) not in json.dumps(record)
    code, out, err = run("replay", made)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == made.read_bytes()


def test_the_folder_of_a_training_stands_for_its_network(run: Run, photo: Path, student: Path, style: Path) -> None:
    folder = photo.parent / "run"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(student.read_bytes())
    (folder / "samples.png").write_bytes(style.read_bytes())
    by_file, by_folder = photo.with_name("file.png"), photo.with_name("folder.png")
    assert run("style", photo, "--fast", student, "-o", by_file, *PLAIN)[0] == 0
    code, _, err = run("style", photo, "--fast", folder, "-o", by_folder, *PLAIN)
    assert code == 0, err
    assert np.array_equal(pixels(by_file), pixels(by_folder))
    code, _, err = run("style", photo, folder, "-o", photo.with_name("no.png"), *PLAIN)
    assert code == 2 and f"the folder '{folder}' is that of a trained network" in err and f"--fast {folder}" in err


def test_a_renamed_student_is_given_with_model_and_another_one_refused(
    run: Run, photo: Path, student: Path, tmp_path: Path
) -> None:
    made = photo.with_name("made.png")
    assert run("style", photo, "--fast", student, "-o", made, *PLAIN)[0] == 0
    (tmp_path / "elsewhere").mkdir()
    moved = student.rename(tmp_path / "elsewhere" / "renamed.safetensors")
    code, _, err = run("replay", made)
    assert code == 2 and "student.safetensors" in err and err.count("\n") == 1
    code, out, err = run("replay", made, "--model", moved)
    assert code == 0 and "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == made.read_bytes()
    net = StudentNet(8, 1)
    save_model(moved, dict(net.state_dict()), Description("student", (), (0, 0, 0), (1, 1, 1), 64, "student",
                                                          net.options))  # fmt: skip
    code, _, err = run("replay", made, "--model", moved, "-o", tmp_path / "b.png")
    assert code == 2 and "is not the model that was used" in err and err.count("\n") == 1


@pytest.mark.parametrize("what", ["missing", "empty", "truncated", "classifier"])
def test_a_file_that_is_no_student_ends_in_one_line(run: Run, photo: Path, student: Path, what: str) -> None:
    blob = student.read_bytes()
    if what == "missing":
        student.unlink()
    else:
        content = {"empty": b"", "truncated": blob[: len(blob) // 2], "classifier": embedded_path().read_bytes()}
        student.write_bytes(content[what])
    before = names(photo.parent)
    code, _, err = run("style", photo, "--fast", student, *PLAIN)
    assert code == 2 and err.count("\n") == 1 and "student.safetensors" in err
    assert names(photo.parent) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--steps", 5), "no use for --steps"),
        (("--score", "gram"), "no use for --score"),
        (("--region", "keep"), "no use for --region"),
        (("--model", "vgg16"), "no use for --model"),
        (("--seamless", "both"), "no use for --seamless"),
        (("--init", "noise"), "no use for --init"),
        (("--keep-state",), "--keep-state"),
        (("--resume-from", "a.reverie"), "--resume-from"),
        (("--style-scale", 2, "--style-size", 50), "choose one"),
    ],
)
def test_options_without_use_are_refused(run: Run, photo: Path, style: Path, arguments: tuple, expected: str) -> None:
    code, _, err = run("style", photo, style, "--fast", *PLAIN, *arguments)
    assert code == 2 and err.count("\n") == 1 and expected in err
    assert names(photo.parent) == {"photo.png", "waves.png"}


def test_a_student_refuses_styles_and_any_style_needs_one(run: Run, photo: Path, style: Path, student: Path) -> None:
    code, _, err = run("style", photo, style, "--fast", student, *PLAIN)
    assert code == 2 and "has learned its style already" in err and err.count("\n") == 1
    code, _, err = run("style", photo, "--fast", *PLAIN)
    assert code == 2 and "no style is given" in err and err.count("\n") == 1


def test_what_is_there_already_is_not_made_again(run: Run, photo: Path, style: Path, student: Path) -> None:
    for extra in ((style, "--fast"), ("--fast", student)):
        made = photo.with_name("made.png")
        made.unlink(missing_ok=True)
        assert run("style", photo, *extra, "-o", made, *PLAIN)[0] == 0
        stamp = made.stat().st_mtime_ns
        code, out, err = run("style", photo, *extra, "-o", made, *PLAIN)
        assert (code, out.strip()) == (0, str(made)) and "there already" in err
        assert made.stat().st_mtime_ns == stamp
        code, _, err = run("style", photo, *extra, "-o", made, "--strength", 0.2, *PLAIN)
        assert code == 0 and "is kept" in err
        assert made.stat().st_mtime_ns == stamp
        made.with_name("made-2.png").unlink()


def test_another_student_of_the_same_name_is_noticed(run: Run, photo: Path, student: Path) -> None:
    made = photo.with_name("made.png")
    assert run("style", photo, "--fast", student, "-o", made, *PLAIN)[0] == 0
    net = StudentNet(4, 1)
    save_model(student, dict(net.state_dict()), Description("student", (), (0, 0, 0), (1, 1, 1), 64, "student",
                                                            net.options))  # fmt: skip
    code, _, err = run("style", photo, "--fast", student, "-o", made, *PLAIN)
    assert code == 0 and "there already" not in err


@pytest.mark.parametrize("any_style", [True, False])
def test_a_folder_is_stylized_and_only_what_is_missing_again(
    run: Run, photo: Path, style: Path, student: Path, tmp_path: Path, any_style: bool
) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        Image.fromarray(scene(60, 70)).save(folder / name)
    (folder / "broken.png").write_bytes(photo.read_bytes()[:300])
    how = (style, "--fast") if any_style else ("--fast", student)
    code, printed, err = run("style", folder, *how, "-o", out, "--workers", 1, *PLAIN)
    assert code == 2 and names(out) == {"a.png", "b.png"} and len(printed.splitlines()) == 2
    assert "2 made, 1 failed" in err.splitlines()[-1]
    (folder / "broken.png").unlink()
    (out / "b.png").unlink()
    code, _, err = run("style", folder, *how, "-o", out, "--workers", 1, *PLAIN)
    assert code == 0 and "1 made, 1 there already" in err
    code, _, err = run(
        "replay", out / "a.png", "--input", folder / "a.png", "--files", style.parent,
        *([] if any_style else ["--model", student]),
    )  # fmt: skip
    assert code == 0 and "the bytes are the same" in err


def test_a_sheet_of_strengths(run: Run, photo: Path, style: Path, student: Path, tmp_path: Path) -> None:
    for extra in ((style, "--fast"), ("--fast", student)):
        sheet = tmp_path / "sheet.jpg"
        sheet.unlink(missing_ok=True)
        code, out, err = run("style", photo, *extra, "--sheet", "0.1,0.3,0.5", "-o", sheet, *PLAIN)
        assert code == 0, err
        assert out.strip() == str(sheet)
        height, width = pixels(sheet).shape[:2]
        assert width > 2.5 * height


def test_strength_goes_from_the_content_to_the_style(run: Run, photo: Path, style: Path) -> None:
    content = np.asarray(Image.fromarray(scene()).resize((64, 48), Image.Resampling.LANCZOS)).astype(float)
    apart = []
    for strength in (0, 0.25, 0.5):
        made = photo.with_name(f"{strength}.png")
        assert run("style", photo, style, "--fast", "--strength", strength, "-o", made, *PLAIN)[0] == 0
        apart.append(np.abs(pixels(made) - content).mean())
    assert apart[0] < apart[1] < apart[2]


def test_more_strength_than_was_learned_is_said(run: Run, photo: Path, student: Path) -> None:
    made = [photo.with_name(f"{s}.png") for s in (0.6, 0.9)]
    code, _, err = run("style", photo, "--fast", student, "--strength", 0.6, "-o", made[0], *PLAIN)
    assert code == 0 and "at most" not in err
    code, _, err = run("style", photo, "--fast", student, "--strength", 0.9, "-o", made[1], *PLAIN)
    assert code == 0 and "'student' stylizes at strength 0.6 at most" in err
    assert np.array_equal(*map(pixels, made))


def test_colors_are_kept_or_matched(run: Run, photo: Path, style: Path) -> None:
    content = np.asarray(Image.fromarray(scene()).resize((64, 48), Image.Resampling.LANCZOS)).astype(float)
    apart, made = {}, {}
    for color in ("style", "keep", "match", "match-after"):
        path = photo.with_name(f"{color}.png")
        assert run("style", photo, style, "--fast", "--color", color, "-o", path, *PLAIN)[0] == 0
        made[color] = pixels(path)
        chroma = [x - x.mean(-1, keepdims=True) for x in (made[color].astype(float), content)]
        apart[color] = np.abs(chroma[0] - chroma[1]).mean()
    assert apart["keep"] < 0.5 * apart["style"]
    assert np.abs(made["match-after"].mean((0, 1)) - content.mean((0, 1))).max() < 12
    assert len({x.tobytes() for x in made.values()}) == 4


@pytest.mark.parametrize("any_style", [True, False])
def test_transparency_is_kept(run: Run, style: Path, student: Path, tmp_path: Path, any_style: bool) -> None:
    alpha = np.full((96, 128), 255, np.uint8)
    alpha[:, 90:] = 0
    Image.fromarray(np.dstack([scene(), alpha])).save(tmp_path / "clear.png")
    how = (style, "--fast") if any_style else ("--fast", student)
    code, out, _ = run("style", tmp_path / "clear.png", *how, *PLAIN)
    made = pixels(Path(out.strip()))
    assert code == 0 and made.shape == (48, 64, 4)
    assert made[:, 48:, 3].max() == 0 and made[:, :40, 3].min() == 255


def test_settings_of_a_fast_picture_go_to_another(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.png"
    assert run("style", photo, style, "--fast", "-o", made, "--strength", 0.4, *PLAIN)[0] == 0
    Image.fromarray(scene(100, 60)).save(tmp_path / "other.png")
    code, out, err = run("style", tmp_path / "other.png", "--like", made, "--size", 48, "--device", "cpu")
    assert code == 0, err
    config = read_settings(out.strip())["config"]
    assert (config["strength"], config["fast"], config["style"]) == (0.4, "any", ["waves.png:1"])


def test_a_dry_run_says_who_paints(run: Run, photo: Path, style: Path, student: Path) -> None:
    code, out, _ = run("style", photo, style, "--fast", "--dry-run", *PLAIN)
    assert code == 0 and json.loads(out)["paints"] == "any style"
    code, out, _ = run("style", photo, "--fast", student, "--dry-run", *PLAIN)
    plan = json.loads(out)
    assert code == 0 and plan["paints"] == "its own style" and plan["model"] == "student" and plan["size"] == [64, 48]
    assert names(photo.parent) == {"photo.png", "waves.png", "student.safetensors"}


def test_negative_weights_are_refused(run: Run, photo: Path, style: Path) -> None:
    code, _, err = run("style", photo, f"{style}:2", f"{style}:-1", "--fast", *PLAIN)
    assert code == 2 and "--fast takes no negative weights; 'waves.png' has -1" in err and err.count("\n") == 1


def test_no_strength_leaves_the_picture_as_it_is(run: Run, photo: Path, style: Path) -> None:
    made = photo.with_name("made.png")
    assert run("style", photo, style, "--fast", "--strength", 0, "-o", made, *PLAIN[:4])[0] == 0
    assert np.abs(pixels(made).astype(int) - pixels(photo)).max() <= 1
    some = photo.with_name("some.png")
    assert run("style", photo, style, "--fast", "--strength", 0.05, "-o", some, *PLAIN[:4])[0] == 0
    assert 1 < np.abs(pixels(some).astype(int) - pixels(photo)).mean() < 20
