"""`reverie style` with every kind of picture, and with what cannot be: one clear line, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

QUICK = (
    "--size", 48, "--min-size", 48, "--steps", 1, "--min-steps", 1, "--score", "gram",
    "--precision", "fp32", "--device", "cpu",
)  # fmt: skip


def saved(path: Path, kind: str, array: np.ndarray) -> Path:
    """Write a picture of a kind under a name with the right suffix."""
    image, options = Image.fromarray(array), {}
    if kind == "grey":
        image = image.convert("L")
    elif kind == "palette":
        image = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    elif kind == "cmyk":
        image, path = image.convert("CMYK"), path.with_suffix(".jpg")
    elif kind == "deep":
        image = Image.fromarray(array.astype(np.uint16)[..., 0] * 257)
    elif kind == "alpha":
        opacity = np.full(array.shape[:2], 255, np.uint8)
        opacity[: array.shape[0] // 3] = 0
        image = Image.fromarray(np.dstack([array, opacity]))
    elif kind == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6
        path, options = path.with_suffix(".jpg"), {"exif": exif}
    image.save(path, **options)
    return path


@pytest.fixture
def style(tmp_path: Path) -> Path:
    return saved(tmp_path / "style.png", "plain", scene(70, 90)[::-1].copy())


@pytest.mark.parametrize("kind", ["grey", "palette", "cmyk", "deep", "alpha", "rotated"])
def test_every_kind_of_picture_is_stylized_and_stylized_like(run: Run, tmp_path: Path, kind: str) -> None:
    content = saved(tmp_path / "content.png", kind, scene(72, 96))
    style = saved(tmp_path / "style.png", kind, scene(70, 90)[::-1].copy())
    code, out, err = run("style", content, style, *QUICK)
    assert code == 0, err
    with Image.open(out.strip()) as image:
        assert image.size == ((36, 48) if kind == "rotated" else (48, 36))
        assert image.mode == ("RGBA" if kind == "alpha" else "RGB")
        if kind == "alpha":
            opacity = np.asarray(image)[..., 3]
            assert opacity[:8].max() == 0 and opacity[16:].min() == 255
    assert run("replay", out.strip())[2].count("the bytes are the same") == 1


def test_a_style_that_is_smaller_than_the_scale_is_not_enlarged_and_that_is_said(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    small = saved(tmp_path / "small.png", "plain", scene(24, 32))
    code, _, err = run("style", photo, small, *QUICK)
    assert code == 0 and "'small.png' is 32 px long" in err and "not enlarged" in err
    line = saved(tmp_path / "line.png", "plain", scene(100, 1))
    assert run("style", photo, line, *QUICK)[0] == 0


def test_a_size_that_repeats_is_said(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    wide = saved(tmp_path / "wide.png", "plain", scene(62, 90))
    code, _, err = run("style", wide, style, "--seamless", "both", *QUICK)
    assert code == 0 and "48 x 32 px in place of 48 x 33, so that it repeats" in err
    assert "so that it repeats" not in run("style", wide, style, *QUICK, "--overwrite")[2]


def test_an_artwork_of_a_folder_goes_with_files_in_regions(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    saved(tmp_path / "folder" / "one.png", "plain", scene(40, 40))
    region = ("--region", f"mask={style},style={style}")
    code, out, err = run("style", photo, tmp_path / "folder", "--style-class", "any", *region, *QUICK)
    assert code == 0, err
    assert Path(out.strip()).is_file()


def test_like_leaves_behind_what_would_do_nothing(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.png"
    matched = ("--color", "match-after", "--color-method", "chol", "--color-strength", 0.5)
    assert run("style", photo, style, "-o", made, *matched, *QUICK)[0] == 0
    code, _, err = run("style", photo, "--like", made, "--color", "style", "-o", tmp_path / "plain.png")
    assert code == 0, err
    code, _, err = run("style", photo, "--like", made, "--color", "style", "--color-method", "pca")
    assert code == 2 and "--color-method does nothing without" in err


def test_the_first_picture_of_an_animation_is_stylized_where_a_picture_is_asked_for(
    run: Run, style: Path, tmp_path: Path
) -> None:
    frames = [Image.fromarray(scene(40, 60)), Image.fromarray(scene(40, 60)[::-1].copy())]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=100)
    code, out, err = run("style", tmp_path / "a.gif", style, "-o", tmp_path / "still.png", *QUICK)
    assert code == 0, err
    with Image.open(out.strip()) as image:
        assert image.size == (48, 32) and image.format == "PNG"


def test_masks_of_any_size_are_fitted(run: Run, photo: Path, style: Path, tmp_path: Path) -> None:
    for number, size in enumerate(((9, 7), (300, 500), (96, 128))):
        mask = np.zeros(size, np.uint8)
        mask[:, : size[1] // 2] = 255
        Image.fromarray(mask).save(tmp_path / "mask.png")
        made = tmp_path / f"{number}.png"
        code, _, err = run(
            "style", photo, style, "--region", f"mask={tmp_path / 'mask.png'},keep=1", "-o", made, *QUICK
        )
        assert code == 0, err
    found = [np.asarray(Image.open(tmp_path / f"{number}.png")).astype(int) for number in range(3)]
    assert np.abs(found[1] - found[2]).mean() < 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gone.png", "style.png"), ("gone.png",)),
        (("photo.png", "gone.png"), ("gone.png",)),
        (("photo.png",), ("no style",)),
        (("photo.png", "empty"), ("no picture", "empty")),
        (("photo.png", "text.txt"), ("text.txt",)),
        (("photo.png", "style.png:0"), ("zero",)),
        (("photo.png", "style.png:0", "photo.png:0"), ("zero",)),
        (("photo.png", "style.png:-1"), ("zero",)),
        (("photo.png", "style.png:-1", "photo.png:-2"), ("zero",)),
        (("photo.png", "style.png:inf"), ("finite",)),
        (("photo.png", "clear.png"), ("transparent everywhere",)),
        (("clear.png", "style.png"), ("transparent everywhere",)),
        (("line.png", "style.png"), ("1 x 100", "--size")),
        (("photo.png", "style.png", "--size", "6"), ("too small",)),
        (("photo.png", "style.png", "--model", "squeezenet1_1", "--weights", "random", "--size", "16"), ("too small",)),
        (("photo.png", "style.png", "--style-layer", "mixed4aa"), ("mixed4a",)),
        (("photo.png", "style.png", "--content-layer", "mixd4b"), ("mixed4b",)),
        (("photo.png", "style.png", "--style-layer", "mixed4a:heavy"), ("NAME:WEIGHT",)),
        (("photo.png", "style.png", "--style-layer", "mixed4a:-1"), ("weight from 0 on",)),
        (("photo.png", "style.png", "--style-layer", "logits"), ("positions",)),
        (("photo.png", "style.png", "--dream-layer", "mixed4aa"), ("mixed4a",)),
        (("photo.png", "style.png", "--model", "vgg61"), ("vgg16",)),
        (("photo.png", "style.png", "--score", "best"), ("--score",)),
        (("photo.png", "style.png", "--strength", "1.5"), ("--strength",)),
        (("photo.png", "style.png", "--strength", "nan"), ("--strength",)),
        (("photo.png", "style.png", "--steps", "-1"), ("--steps",)),
        (("photo.png", "style.png", "--style-scale", "0"), ("--style-scale",)),
        (("photo.png", "style.png", "--style-size", "3"), ("--style-size",)),
        (("photo.png", "style.png", "--style-scale", "1", "--style-size", "64"), ("--style-scale", "--style-size")),
        (("photo.png", "style.png", "--init-picture", "gone.png"), ("gone.png",)),
        (("photo.png", "style.png", "--region", "mask=gone.png,keep=1"), ("gone.png",)),
        (("photo.png", "style.png", "--region", "mask=style.png,style=gone.png"), ("gone.png",)),
        (("photo.png", "style.png", "--region", "masc=style.png,keep=1"), ("mask",)),
        (("photo.png", "style.png", "--region", "mask=black.png,strength=1"), ("black",)),
        (("photo.png", "style.png", "--resume-from", "gone.reverie"), ("gone.reverie",)),
        (("photo.png", "style.png", "--like", "gone.png"), ("gone.png",)),
        (("photo.png", "style.png", "-o", "nowhere/a.png"), ("nowhere",)),
        (("photo.png", "style.png", "-o", "a.doc"), (".doc",)),
        (("photo.png", "style.png", "--quality", "0"), ("--quality",)),
        (("photo.png", "style.png", "--max-memory", "1MB"), ("memory",)),
        (("photo.png", "style.png", "--stepz", "3"), ("--steps",)),
        (("photo.png", "style.png", "--optimizer", "lbfgs"), ("--lr 1",)),
        (("photo.png", "style.png", "--color-method", "chol"), ("--color-method", "--color match")),
        (("photo.png", "style.png", "--color-strength", "0.5"), ("--color-strength", "--color")),
        (("photo.png", "style.png", "--dream-strength", "0.2"), ("--dream-strength", "--dream-layer")),
        (("photo.png", "style.png", "--samples", "64"), ("--samples", "strotss")),
        (("photo.png", "style.png", "--style-class", "any"), ("--style-class", "folder")),
        (("photo.png", "folder", "--style-class", "monet"), ("--style-class", "none inside")),
        (("line.png", "style.png", "--seamless", "both"), ("1 x 100", "--size")),
    ],
)
def test_what_cannot_be_is_one_line(
    run: Run, photo: Path, style: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.chdir(photo.parent)
    Path("empty").mkdir()
    Path("folder").mkdir()
    saved(Path("folder/one.png"), "plain", scene(40, 40))
    Path("text.txt").write_text("no picture")
    saved(Path("line.png"), "plain", scene(100, 1))
    Image.fromarray(np.zeros((40, 40, 4), np.uint8)).save("clear.png")
    Image.fromarray(np.zeros((40, 40), np.uint8)).save("black.png")
    before = {p.name for p in photo.parent.iterdir()}
    code, out, err = run("style", *arguments, *(() if "--steps" in arguments else ("--steps", 0)))
    assert (code, out) == (2, ""), err
    assert err.startswith("reverie: ") and err.count("\n") == 1, err
    for word in words:
        assert word in err
    assert {p.name for p in photo.parent.iterdir()} == before
