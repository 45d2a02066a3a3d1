"""The tools of latent space from end to end, on a tiny generator, and their curves and journeys by closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import App

from reverie.apps.cli.tool_command import command_for
from reverie.errors import InputError, WeightsError
from reverie.jobs.stored import stored_record
from reverie.media.footage import footage_frames, open_footage
from reverie.media.image import read_picture
from reverie.media.write import write_picture
from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.file import describe
from reverie.models.stylegan2.generator import Generator
from reverie.models.stylegan2.latents import read_latents
from reverie.tools.latent.config import WalkConfig, parse_layers, parse_numbers
from reverie.tools.latent_films.journey import parse_journey
from reverie.tools.latent_films.walk import loop_notes
from reverie.tools.latent_search.directions import principal_directions, read_directions, weight_directions
from reverie.tools.registry import find_tool
from reverie.weights.checkpoint import save_model

CONFIG = GeneratorConfig(
    channels=(8, 8, 8, 8), z_dim=8, w_dim=12, c_dim=2, embed_dim=4, mapping_layers=2, mapping_width=12, mapping_lr=0.5
)


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Generator(CONFIG)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(path, net.state_dict(), describe(CONFIG, ("rose", "tulip")))
    return path


# -- journeys -------------------------------------------------------------------------------------------------------


def test_a_journey_stands_where_its_keys_say():
    journey = parse_journey("""
fps: 10
ease: linear
truncation: {0s: 0, 2s: 1 linear}
keys:
  - {seed: 1, duration: 2s}
  - {seed: 2, hold: 1s, duration: 10f, ease: smooth}
""")
    keys = journey.keys
    assert keys.length_s == 4
    assert [keys.at(t) for t in (0, 1, 2, 2.9, 3.5, 4)] == [(0, 0), (0, 0.5), (1, 0), (1, 0), (1, 0.5), (0, 0)]
    assert keys.at(3.25)[1] == pytest.approx(0.25**2 * (3 - 0.5))
    assert journey.truncation is not None
    assert [journey.truncation.at(t) for t in (-1, 1, 5)] == [0, 0.5, 1]
    still = parse_journey("loop: false\nkeys: [{seed: 1, duration: 2}, {seed: 2, hold: 1, duration: 9}]")
    assert still.keys.length_s == 3
    assert still.keys.at(99) == (1, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [("keys: 3", "list of keys"), ("speed: fast", "holds no journey"), ("kays: []\nkeys: []", "nearest: keys"),
     ("keys: [{seed: 1}]", "two keys"), ("keys: [{seed: -1}, {seed: 2}]", "from 0 on"),
     ("keys: [{seed: 1, latents: a}, {seed: 2}]", "either 'seed' or 'latents'"),
     ("keys: [{seed: 1, duration: 2m}, {seed: 2}]", "2s, 500ms or 48f"), ("keys: [", "not valid YAML"),
     ("speed: odd\nkeys: [{seed: 1}, {seed: 2}]", "even, perceptual"),
     ("keys: [{seed: 1, ease: bouncy}, {seed: 2}]", "easing"),
     ("truncation: {0s: x}\nkeys: [{seed: 1}, {seed: 2}]", "expected a number")],
)  # fmt: skip
def test_mistakes_in_a_journey_are_named(text: str, words: str):
    with pytest.raises(InputError, match=words):
        parse_journey(text)


# -- directions -------------------------------------------------------------------------------------------------------


def test_principal_directions_are_those_of_a_linear_mapping():
    config = GeneratorConfig(channels=(4,), z_dim=6, w_dim=6, mapping_layers=0)
    net = Generator(config)
    found = principal_directions(net, 6, 20_000, "x")  # w is z, normalized: as wide in every direction
    assert torch.allclose(found.spread, torch.ones(6), atol=0.05)
    assert torch.allclose(found.vectors @ found.vectors.T, torch.eye(6), atol=1e-5)


def test_sefa_finds_the_direction_that_a_weight_listens_to():
    config = GeneratorConfig(channels=(4,), z_dim=6, w_dim=6, mapping_layers=0)
    net = Generator(config)
    for conv in net.synthesis.convolutions:
        conv.affine.weight.data.zero_()
        conv.affine.weight.data[:, 3] = 1.0
    found = weight_directions(net, 1, (0,), "x")
    assert found.vectors[0].abs().argmax().item() == 3
    assert found.vectors[0, 3].item() == pytest.approx(1)


# -- commands ---------------------------------------------------------------------------------------------------------


def test_samples_come_with_latents_that_draw_them_again(tmp_path: Path, model: Path):
    out = tmp_path / "s.png"
    assert call("latent sample", model, "--seeds", "3,5-6", "--class", "rose", "--pictures", "-o", out) == 0
    latents = read_latents(tmp_path / "s-latents.safetensors")
    assert latents.names == ("3", "5", "6")
    assert latents.ws.shape == (3, CONFIG.num_ws, CONFIG.w_dim)
    assert sorted(p.name for p in (tmp_path / "s-pictures").glob("*.png")) == ["3.png", "5.png", "6.png"]
    assert call("latent sample", model, "--seeds", "5", "--class", "rose", "-o", tmp_path / "one.png") == 0
    one, among = read_picture(tmp_path / "one.png").rgb, read_picture(tmp_path / "s-pictures" / "5.png").rgb
    assert np.abs(one - among).max() <= 1.01 / 255
    assert stored_record(out)["tool"] == "latent sample"
    other = call("latent sample", model, "--seeds", "5", "--class", "tulip", "-o", tmp_path / "two.png")
    assert other == 0
    assert np.abs(read_picture(tmp_path / "two.png").rgb - one).max() > 0.02


def test_seeds_mean_the_numbers_that_the_published_programs_draw(tmp_path: Path, model: Path):
    from reverie.jobs.session import Session
    from reverie.tools.latent.config import SampleConfig
    from reverie.tools.latent.model import LatentModel

    opened = LatentModel(SampleConfig(model=str(model), truncation=0.5), Session())
    z = torch.from_numpy(np.random.RandomState(7).randn(1, 8)).float()
    tulip = torch.eye(2)[7 % 2]
    w, center = opened.net.mapping(z, tulip[None]), opened.net.center(tulip)
    expected = center + 0.5 * (w - center)
    assert torch.allclose(opened.ws_of_seed(7)[0], expected[0], atol=1e-6)


def test_mixing_takes_the_layers_of_the_columns(tmp_path: Path, model: Path):
    out = tmp_path / "m.png"
    assert call("latent mix", model, "--seeds", "1,2", "--styles", "3", "--layers", "2-4", "-o", out) == 0
    latents = read_latents(tmp_path / "m-latents.safetensors")
    one, mixed, style = (latents.row(name) for name in ("seed 1", "1 with 3", "style 3"))
    assert torch.equal(mixed[2:5], style[2:5])
    assert torch.equal(mixed[:2], one[:2])
    assert torch.equal(mixed[5:], one[5:])


@pytest.mark.parametrize("path", ["lerp", "slerp", "spline", "circle", "noise"])
@pytest.mark.slow
def test_walks_loop(tmp_path: Path, model: Path, path: str):
    out = tmp_path / f"{path}.mkv"
    assert call("latent walk", model, "--path", path, "--seeds", "1-3", "--seconds", 1, "--fps", 8, "--codec", "ffv1",
                "-o", out) == 0  # fmt: skip
    frames = [f.astype(float) for f in footage_frames(open_footage(out))]
    assert len(frames) == 8
    steps = [np.abs(a - b).mean() for a, b in zip(frames, frames[1:] + frames[:1], strict=True)]
    assert min(steps) > 0
    assert steps[-1] < 3 * max(steps[:-1])  # the way back to the first frame is a step like the others
    assert len(read_latents(tmp_path / f"{path}-latents.safetensors").names) == 8


def test_a_walk_says_where_it_loops_otherwise_than_asked():
    assert loop_notes(WalkConfig()) == loop_notes(WalkConfig(path="circle", turns=2.0)) == []
    assert loop_notes(WalkConfig(path="circle", turns=1.5)) == [
        "--turns 1.5 became 2, as the film loops; --no-loop keeps it"
    ]
    assert loop_notes(WalkConfig(path="circle", turns=1.5, loop=False)) == []
    assert "comes back by itself" in loop_notes(WalkConfig(path="noise", loop=False))[0]


@pytest.mark.slow
def test_a_killed_journey_goes_on_to_the_same_frames(tmp_path: Path, model: Path):
    from reverie.jobs.session import Session
    from reverie.tools.latent.config import JourneyConfig
    from reverie.tools.latent_films.journey_tool import PreparedJourney

    assert call("latent sample", model, "--seeds", "9", "-o", tmp_path / "s.png") == 0
    text = """
fps: 6
speed: perceptual
keys:
  - {seed: 1, duration: 1s}
  - {latents: s-latents.safetensors, duration: 0.5s}
  - {seed: 4, class: tulip, duration: 0.5s}
fine: [{seed: 3, duration: 2s}]
noise: [{seed: 1, duration: 1s}, {seed: 2, duration: 1s}]
directions: {"0": {0s: 0, 1s: 2}}
"""
    (tmp_path / "j.yaml").write_text(text)
    config = JourneyConfig(journey=str(tmp_path / "j.yaml"), model=str(model), codec="ffv1")

    def frames(scratch: Path, stop: int | None = None) -> list[np.ndarray]:
        work = PreparedJourney(config, Session()).work(None, 0, scratch=scratch)
        for progress in work:
            if progress.done == stop:
                break
        return [*work.outputs()[0].frames()]  # type: ignore[attr-defined]

    whole = frames(tmp_path / "whole")
    assert len(whole) == 12
    assert len(frames(tmp_path / "parts", stop=5)) == 5
    again = frames(tmp_path / "parts")
    assert all(np.array_equal(a, b) for a, b in zip(whole, again, strict=True))
    assert call("latent journey", tmp_path / "j.yaml", "--model", model, "-o", tmp_path / "j.mp4") == 0
    assert stored_record(tmp_path / "j.mp4")["tool"] == "latent journey"


@pytest.mark.slow
@pytest.mark.real
def test_a_picture_of_the_network_is_found_again(tmp_path: Path, model: Path):
    assert call("latent sample", model, "--seeds", "4", "-o", tmp_path / "p.png") == 0
    assert call("latent project", tmp_path / "p.png", "--model", model, "--starts", 64, "--steps", 60,
                "-o", tmp_path / "q.png") == 0  # fmt: skip
    wanted, found = read_picture(tmp_path / "p.png").rgb, read_picture(tmp_path / "q.png").rgb
    assert np.square(wanted - found).mean() < 0.2 * wanted.var()
    assert (tmp_path / "q-both.png").is_file()
    assert read_latents(tmp_path / "q-latents.safetensors").names == ("p",)


def test_directions_are_written_and_moved_along(tmp_path: Path, model: Path):
    assert call("latent directions", model, "--samples", 500, "--count", 3, "-o", tmp_path / "d.png") == 0
    file = tmp_path / "d-directions.safetensors"
    assert len(read_directions(file, 12).vectors) == 3
    for strip, out in ((1, "e.png"), (3, "f.png")):
        assert call("latent edit", model, "--seed", 1, "--directions", file, "--move", "0@coarse=2", "--move", "2=-1",
                    "--move", "1=0.5", "--strip", strip, "-o", tmp_path / out) == 0  # fmt: skip
    ws = read_latents(tmp_path / "f-latents.safetensors").ws
    step = read_directions(file, 12)
    assert torch.allclose(ws[2][0] - ws[0][0], 2 * step.step(0) - step.step(2) + 0.5 * step.step(1), atol=1e-5)
    assert torch.allclose(ws[1][5] - ws[0][5], -0.5 * step.step(2) + 0.25 * step.step(1), atol=1e-5)


def test_a_map_closes_on_itself_and_its_tiles_are_keys(tmp_path: Path, model: Path):
    out = tmp_path / "map.html"
    assert call("latent explore", model, "--across", 2, "--down", 3, "--between", 4, "-o", out) == 0
    latents = read_latents(tmp_path / "map-latents.safetensors")
    assert len(latents.names) == 8 * 12
    ws = latents.ws.reshape(12, 8, -1)
    steps = (ws - ws.roll(-1, 1)).norm(dim=2)
    assert steps[0, -1] < 2.5 * steps[0, :-1].max()  # from the last column to the first
    text = out.read_text()
    assert "data:image/jpeg;base64," in text
    assert stored_record(out)["tool"] == "latent explore"
    journey = parse_journey('keys: [{latents: map-latents.safetensors, row: "1,2"}, {seed: 1}]')
    assert torch.equal(latents.row(journey.keys.keys[0].row), latents.ws[2 * 8 + 1])


EDIT = """TITLE: cut
FCM: NON-DROP FRAME
001  AX  V  C        00:00:00:00 00:00:00:04 01:00:00:00 01:00:00:04
* FROM CLIP NAME: a.mkv
002  AX  V  C        00:00:00:04 00:00:00:04 01:00:00:04 01:00:00:04
002  AX  V  D    003 00:00:00:02 00:00:00:08 01:00:00:04 01:00:00:10
* FROM CLIP NAME: a.mkv
* TO CLIP NAME: b.mkv
003  AX  V  C        00:00:00:06 00:00:00:00 01:00:00:10 01:00:01:02
* FROM CLIP NAME: a.mkv
M2   AX  -005.0      00:00:00:06
004  AX  A  C        00:00:00:00 00:00:00:04 01:00:00:00 01:00:00:04
"""


@pytest.mark.slow
def test_an_edit_is_made_of_the_latents_of_its_clips(tmp_path: Path, model: Path):
    for name, seeds in (("a", "1-3"), ("b", "4-6")):
        assert call("latent walk", model, "--seeds", seeds, "--seconds", 1, "--fps", 10, "--codec", "ffv1",
                    "-o", tmp_path / f"{name}.mkv") == 0  # fmt: skip
    (tmp_path / "cut.edl").write_text(EDIT)
    out = tmp_path / "cut.mkv"
    assert (
        call("latent conform", tmp_path / "cut.edl", "--model", model, "--fps", 10, "--codec", "ffv1", "-o", out) == 0
    )
    a, b, made = (read_latents(tmp_path / f"{n}-latents.safetensors").ws for n in ("a", "b", "cut"))
    assert len(made) == 12
    assert torch.allclose(made[:4], a[:4])
    for passed in range(3):  # through latent space
        assert torch.allclose(made[4 + passed], a[4 + passed].lerp(b[2 + passed], (passed + 1) / 4), atol=1e-6)
    assert torch.allclose(made[7:10], b[5:8])
    assert torch.allclose(made[11], (a[5] + a[6]) / 2, atol=1e-6)  # half as fast, backwards
    frames, again = list(footage_frames(open_footage(out))), list(footage_frames(open_footage(tmp_path / "a.mkv")))
    assert np.array_equal(frames[2], again[2])


def test_what_an_edit_lacks_is_named(tmp_path: Path, model: Path):
    from reverie.tools.latent_timeline.edl import parse_edl

    assert "track A" in parse_edl(EDIT, "cut", 10).notes[0]
    with pytest.raises(InputError, match="no edit"):
        parse_edl("hello", "cut", 10)
    (tmp_path / "cut.edl").write_text(EDIT)
    with pytest.raises(InputError, match=r"'a-latents\.safetensors' are not"):
        call("latent conform", tmp_path / "cut.edl", "--model", model, "-o", tmp_path / "c.mp4")


def test_a_blend_has_the_blocks_of_both(tmp_path: Path, model: Path):
    from reverie.models.stylegan2.file import load_generator

    with torch.random.fork_rng():
        torch.manual_seed(1)
        save_model(tmp_path / "b.safetensors", Generator(CONFIG).state_dict(), describe(CONFIG, ("rose", "tulip")))
    both = (model, tmp_path / "b.safetensors")
    for ramp, share, from_px in ((0, 0.0, 16), (1, 0.5, 9)):
        out = tmp_path / f"{ramp}.safetensors"
        assert call("latent blend", *both, "--from-px", from_px, "--ramp", ramp, "-o", out) == 0
        a, b, c = (load_generator(p).net.state_dict() for p in (model, tmp_path / "b.safetensors", out))
        for name in ("mapping.fc0.weight", "synthesis.b4.conv1.weight"):
            assert torch.allclose(c[name], a[name], atol=2e-3)
        assert torch.allclose(c["synthesis.b16.conv0.weight"], b["synthesis.b16.conv0.weight"], atol=2e-3)
        middle = "synthesis.b8.conv0.weight"
        assert torch.allclose(c[middle], a[middle].lerp(b[middle], share), atol=2e-3)
    with pytest.raises(InputError, match="largest block has 32 px"):
        call("latent blend", *both, "--from-px", 64, "-o", tmp_path / "none.safetensors")


def test_a_dream_moves_through_latent_space_and_raises_its_score(tmp_path: Path, model: Path):
    from reverie.jobs.session import Session
    from reverie.tools.latent.config import LatentDreamConfig
    from reverie.tools.latent_search.dream import PreparedLatentDream

    config = LatentDreamConfig(model=str(model), layer="conv3", steps=8, precision="fp32")
    work = PreparedLatentDream(config, Session()).work(None, 0)
    scores = [progress.scores["score"] for progress in work]
    assert scores[-1] > scores[0]
    assert len(work.outputs()) == 3
    assert call("latent dream", model, "--toward", "orange", "--steps", 2, "-o", tmp_path / "d.png") == 0
    assert (tmp_path / "d-way.png").is_file()


@pytest.mark.slow
def test_a_proxy_is_near_the_small_pictures_that_it_was_fitted_to(tmp_path: Path, model: Path):
    from reverie.models.stylegan2.file import load_generator
    from reverie.tools.latent.proxy import fit_proxy

    net = load_generator(model).net
    for block in net.synthesis.blocks:  # the picture is that of the second block, whatever the style
        block.torgb.affine.weight.zero_()
        if block is not net.synthesis.blocks[1]:
            block.torgb.weight.zero_()
    proxy = fit_proxy(net, 24, 8)
    z = torch.randn(4, 8, generator=torch.Generator().manual_seed(9))
    ws = net.spread(net.mapping.w_avg.lerp(net.mapping(z), 0.8))
    small = torch.nn.functional.interpolate(net.synthesis(ws) / 2 + 0.5, (8, 8), mode="area").clamp(0, 1)
    error = (proxy.draw(net, ws, "const", torch.float32) - small).square().mean()
    assert error < 0.02 * small.var(0).mean()
    out = tmp_path / "p.mkv"
    assert call("latent walk", model, "--preview", "--seconds", 0.5, "--fps", 4, "-o", out) == 0
    assert next(iter(footage_frames(open_footage(out)))).shape == (32, 32, 3)


def test_what_cannot_be_is_named(tmp_path: Path, model: Path):
    write_picture(tmp_path / "x.png", np.zeros((8, 8, 3), np.float32))
    with pytest.raises(InputError, match="rose"):
        call("latent sample", model, "--class", "roze", "-o", tmp_path / "a.png")
    with pytest.raises(WeightsError, match="no generator 'nothing'"):
        call("latent sample", "nothing", "-o", tmp_path / "a.png")
    with pytest.raises(InputError, match="seeds or more"):
        call("latent walk", model, "--seeds", "1", "-o", tmp_path / "a.mp4")
    with pytest.raises(InputError, match="nothing is changed"):
        call("latent edit", model, "-o", tmp_path / "a.png")
    for text in ("a", "3-1", "1,,2", "0-99999999999", "-1"):
        with pytest.raises(InputError):
            parse_numbers(text)
    assert parse_numbers("0-2,7") == (0, 1, 2, 7)
    assert parse_layers("fine", 10) == (8, 9)


def test_dream_moves_through_latent_space_too(tmp_path: Path, model: Path):
    words = ["--latent", model, "--class", "orange", "--octaves", 1, "--steps", 3, "--seed", 4]
    assert call("dream", *words, "-o", tmp_path / "a.png") == 0
    again = ["--toward", "orange", "--steps", 3, "--seed", 4]
    assert call("latent dream", model, *again, "-o", tmp_path / "b.png") == 0
    found, expected = (read_latents(tmp_path / f"{n}-latents.safetensors").ws for n in "ab")
    assert torch.equal(found, expected)
    with pytest.raises(InputError, match=r"leave 'a\.png' out"):
        call("dream", tmp_path / "a.png", *words, "-o", tmp_path / "c.png")
    with pytest.raises(InputError, match="follows one thing"):
        call("dream", "--latent", model, "-o", tmp_path / "d.png")
