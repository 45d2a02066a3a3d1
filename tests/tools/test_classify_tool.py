import numpy as np
import pytest
from PIL import Image

from reverie.tools.classify.naming import classify


def test_the_classes_of_a_picture_are_those_of_its_center_square(small_critic, make_photo, tmp_path):
    photo = (make_photo(64, 100)[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "wide.png")
    Image.fromarray(photo[:, 18:82]).save(tmp_path / "square.png")
    wide, square = classify(small_critic, [tmp_path / "wide.png", tmp_path / "square.png"], top=5)
    assert [name for name, _ in wide.classes] == [name for name, _ in square.classes]
    assert sum(value for _, value in square.classes) == pytest.approx(1, abs=1e-5)
    assert {name for name, _ in square.classes} == set(small_critic.identity.classes)


def test_an_unreadable_picture_does_not_stop_the_others(small_critic, make_photo, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (70, 70)).save(tmp_path / "fine.png")
    results = list(
        classify(small_critic, [tmp_path / "gone.png", tmp_path / "broken.png", tmp_path / "fine.png"], top=2)
    )
    assert [bool(r.error) for r in results] == [True, True, False]
    assert "gone.png" in results[0].error
    assert len(results[2].classes) == 2
