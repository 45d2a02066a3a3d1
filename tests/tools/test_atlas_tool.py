import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.critic.critic import Critic
from reverie.errors import InputError, LayerError
from reverie.media.metadata import read_settings
from reverie.tools.atlas.config import AtlasConfig
from reverie.tools.atlas.drawing import AtlasStep, atlas_steps, plan_atlas
from reverie.tools.atlas.page import TEMPLATE, write_page, write_sheet

QUICK = {"size": 32, "steps": 2, "channels": 5, "batch": 3, "crops": 1, "layer": ("conv2", "mixed3", "logits")}


def draw(critic: Critic, folder: Path, stop_after: int = 10**9, **settings) -> list[AtlasStep]:
    """Draw an atlas, or stop, as by a kill, after so many steps."""
    config = AtlasConfig(**(QUICK | settings))
    steps = []
    for step in atlas_steps(config, critic, folder, plan_atlas(config, critic)):
        steps.append(step)
        if len(steps) == stop_after:
            break
    return steps


def tiles_in(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted((folder / "tiles").rglob("*.jpg"))}


def test_channels_are_taken_evenly_from_first_to_last(small_critic):
    conv, mixed, logits = plan_atlas(AtlasConfig(**QUICK), small_critic)
    assert [t.channel for t in conv.tiles] == [0, 3, 6, 8, 11]  # of 12
    assert [t.channel for t in mixed.tiles] == [0, 8, 16, 23, 31]
    assert [t.label for t in logits.tiles] == list(small_critic.identity.classes)
    everything = plan_atlas(AtlasConfig(**(QUICK | {"channels": 0, "layer": ()})), small_critic)
    assert [(p.name, len(p.tiles)) for p in everything] == [
        ("conv1", 8), ("conv2", 12), ("mixed3", 32), ("conv4", 16), ("logits", 5)
    ]  # fmt: skip
    files = [t.file for p in everything for t in p.tiles]
    assert len(set(files)) == len(files)


def test_one_tile_per_layer(small_critic, tmp_path):
    (page,) = plan_atlas(AtlasConfig(per="layer", size=32), small_critic)
    assert [t.label for t in page.tiles] == ["conv1", "conv2", "mixed3", "conv4"]
    draw(small_critic, tmp_path, per="layer", layer=())
    assert len(tiles_in(tmp_path)) == 4


def test_every_tile_raises_its_own_channel(small_critic, tmp_path):
    draw(small_critic, tmp_path, steps=20, layer=("mixed3",))
    (page,) = plan_atlas(AtlasConfig(**(QUICK | {"layer": ("mixed3",)})), small_critic)
    pictures = np.stack([np.asarray(Image.open(tmp_path / t.file)) for t in page.tiles])
    import torch

    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    channels = [t.channel for t in page.tiles]
    strength = small_critic(images, ["mixed3"])["mixed3"].mean((2, 3))[:, channels]
    assert (strength.diagonal() >= strength.amax(0) - 1e-4).all()  # no other tile shows a channel better than its own


@pytest.mark.parametrize("stop_after", [1, 4, 7])
def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(small_critic, tmp_path, stop_after):
    draw(small_critic, tmp_path / "whole")
    draw(small_critic, tmp_path / "killed", stop_after=stop_after)
    before = tiles_in(tmp_path / "killed")
    rest = draw(small_critic, tmp_path / "killed")
    assert tiles_in(tmp_path / "killed") == tiles_in(tmp_path / "whole")
    assert len(rest) == len(draw(small_critic, tmp_path / "again")) - 2 * (len(before) // 3 + (len(before) % 3 > 0))
    assert all(step.completed for step in draw(small_critic, tmp_path / "killed"))  # nothing left to draw


def test_a_missing_or_damaged_tile_is_drawn_again_with_its_group(small_critic, tmp_path):
    draw(small_critic, tmp_path)
    whole = tiles_in(tmp_path)
    names = [n for n in whole if "conv2" in n]
    (tmp_path / names[0]).unlink()
    (tmp_path / names[4]).write_bytes(b"no picture")
    steps = draw(small_critic, tmp_path)
    assert len([s for s in steps if not s.completed]) == 4  # two groups of two steps
    assert tiles_in(tmp_path) == whole


def test_another_layer_joins(small_critic, tmp_path):
    draw(small_critic, tmp_path, layer=("conv2",))
    before = tiles_in(tmp_path)
    draw(small_critic, tmp_path, layer=("conv2", "conv4"))
    assert before.items() <= tiles_in(tmp_path).items()


def test_a_tile_says_what_it_is(small_critic, tmp_path):
    draw(small_critic, tmp_path, layer=("conv2",))
    record = read_settings(tmp_path / "tiles/conv2/00003.jpg")
    assert record["tool"] == "atlas"
    assert (record["layer"], record["channel"]) == ("conv2", 3)
    assert record["model"]["name"] == small_critic.identity.name


def test_the_page_lists_every_tile_and_asks_no_network(small_critic, tmp_path):
    draw(small_critic, tmp_path)
    config = AtlasConfig(**QUICK)
    pages = plan_atlas(config, small_critic)
    for page in pages:
        with Image.open(write_sheet(tmp_path, page, config, small_critic)) as sheet:
            assert sheet.width > 5 * 32
    html = write_page(tmp_path, pages, config, small_critic).read_text()
    data = json.loads(re.search(r"const atlas = (.*);\n", html).group(1))
    assert [p["name"] for p in data["pages"]] == ["conv2", "mixed3", "logits"]
    files = [file for page in data["pages"] for _, file in page["tiles"]]
    assert sorted(files) == sorted(tiles_in(tmp_path))
    assert all((tmp_path / page["sheet"]).is_file() for page in data["pages"])
    assert not re.search(r"https?:|//[a-z]|@import|fetch\(|XMLHttpRequest|<link|src=\"[^\"]", html.replace("<!--", ""))
    assert 'loading = "lazy"' in html


def test_no_name_can_break_out_of_the_page(small_critic, tmp_path):
    import dataclasses

    config = AtlasConfig(**(QUICK | {"layer": ("logits",)}))
    (page,) = plan_atlas(config, small_critic)
    (tmp_path / "tiles").mkdir()
    nasty = dataclasses.replace(page.tiles[0], label="</script><script>alert(1)</script>", file="tiles/a.jpg")
    (tmp_path / "tiles/a.jpg").write_bytes(b"x")
    html = write_page(tmp_path, [dataclasses.replace(page, tiles=(nasty,))], config, small_critic).read_text()
    assert html.count("</script>") == TEMPLATE.read_text().count("</script>") == 1
    data = json.loads(re.search(r"const atlas = (.*);\n", html).group(1))
    assert data["pages"][0]["tiles"] == [["</script><script>alert(1)</script>", "tiles/a.jpg"]]


def test_what_cannot_be_drawn_is_said_before_anything_is_written(small_critic, make_critic, tmp_path):
    with pytest.raises(LayerError):
        plan_atlas(AtlasConfig(layer=("conv9",)), small_critic)
    with pytest.raises(InputError, match="--size"):
        plan_atlas(AtlasConfig(size=8), small_critic)
