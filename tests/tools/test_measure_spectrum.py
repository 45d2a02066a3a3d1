import zipfile

import pytest
import torch
from PIL import Image

from reverie.canvas.phase import natural_magnitude
from reverie.errors import InputError
from reverie.media.image import to_uint8
from reverie.numerics.color import correlation_matrix
from reverie.numerics.radial import centers
from reverie.tools.visualize.priors import Spectrum, measure_spectrum

MATRIX = correlation_matrix()


@pytest.fixture
def folder(tmp_path, make_photo):
    for seed in range(4):
        picture = to_uint8(make_photo(70 + 10 * seed, 96, seed)[0].permute(1, 2, 0).numpy())
        Image.fromarray(picture).save(tmp_path / f"{seed}.png")
    return tmp_path


def test_a_folder_and_its_zip_measure_the_same_and_broken_files_say_nothing(folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    found = measure_spectrum(folder, 64, MATRIX)
    assert found.pictures == 4
    archive = folder.parent / "all.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in folder.iterdir():
            target.write(path, f"inner/{path.name}")
    again = measure_spectrum(archive, 64, MATRIX)
    assert torch.equal(found.profile, again.profile)
    assert again.name == "all.zip"


def test_natural_pictures_have_a_falling_spectrum(folder):
    profile = measure_spectrum(folder, 64, MATRIX).profile[0]  # brightness
    band = (centers() > 0.04) & (centers() < 0.3)
    x, y = centers()[band].log(), profile[band].log()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())
    assert slope == pytest.approx(-1, abs=0.3)  # the photographs are 1 / f noise


def test_what_is_written_down_draws_the_same_magnitude(folder):
    found = measure_spectrum(folder, 64, MATRIX)
    again = Spectrum.of(found.record())
    assert torch.equal(natural_magnitude((50, 70), found.profile), natural_magnitude((50, 70), again.profile))
    assert (again.name, again.pictures) == (found.name, found.pictures)


def test_no_pictures_are_said(tmp_path):
    with pytest.raises(InputError, match="no readable picture"):
        measure_spectrum(tmp_path, 64, MATRIX)
    with pytest.raises(InputError, match="none at"):
        measure_spectrum(tmp_path / "nowhere", 64, MATRIX)
    file = tmp_path / "file.txt"
    file.write_text("x")
    with pytest.raises(InputError, match="none at"):
        measure_spectrum(file, 64, MATRIX)
