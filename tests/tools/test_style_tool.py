import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from style_case import QUICK, texture, work
from torch import Tensor

from quick_values import quick_values
from reverie import style
from reverie.api.styling import Styling
from reverie.critic.critic import Critic
from reverie.errors import InputError, ReverieError
from reverie.optimize import tiles
from reverie.tools.style.config import SCORES, StyleConfig
from reverie.tools.style.named import split_weight
from reverie.tools.style.rules import SAMPLED_SCORES
from reverie.tools.style.sources import Style, StylePictures
from reverie.tools.style_steps.plan import plan_style, scale_sizes
from reverie.tools.style_steps.steps import StyleState, style_steps
from reverie.tools.style_steps.terms import StyleTerms
from reverie.tools.style_steps.transfer import layer_names


def distance(made: Styling, image: np.ndarray) -> tuple[float, float]:
    """Return style and content distance of a picture, relative to the content picture and to a flat one."""
    from reverie.optimize.two_pass import TwoPass

    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    objective = made.terms.at(made.content, made.plan.scales[-1])
    values = TwoPass(made.critic, objective, made.content).values(tensor, torch.Generator())
    kinds = [type(term).__name__ for _, term in objective.terms()]
    weights = [w for w, _ in objective.terms()]
    style = sum(-w * v for w, v, k in zip(weights, values, kinds, strict=True) if k == "Wasserstein")
    held = [-v for v, k in zip(values, kinds, strict=True) if k == "Content"]
    return style, sum(held) / len(held)


def test_the_result_has_the_style_and_keeps_the_content(files, critic: Critic) -> None:
    made = work(files, critic, steps=30)
    result = made.array()
    before, _ = distance(made, made.content[0].permute(1, 2, 0).contiguous().numpy())
    style, content = distance(made, result)
    assert style < 0.5 * before
    assert 0 < content < 1


@pytest.mark.slow
@pytest.mark.real
def test_strength_moves_from_content_to_style(files, critic: Critic) -> None:
    measure = work(files, critic)
    found = [distance(measure, work(files, critic, strength=s, steps=20).array()) for s in (0.1, 0.5, 1.0)]
    styles, contents = zip(*found, strict=True)
    assert styles[0] > styles[1] > styles[2]
    assert contents[0] < contents[1] < contents[2]


def test_strength_zero_is_the_content(files, critic: Critic) -> None:
    made = work(files, critic, strength=0)
    assert np.array_equal(made.array(), made.content[0].permute(1, 2, 0).numpy())


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_start_another_picture(files, critic: Critic) -> None:
    first = work(files, critic, init="noise", seed=3).array()
    assert np.array_equal(first, work(files, critic, init="noise", seed=3).array())
    assert not np.array_equal(first, work(files, critic, init="noise", seed=4).array())


@pytest.mark.slow
def test_tiles_paint_the_picture_of_one_piece(files, critic: Critic) -> None:
    whole = work(files, critic, size=96, min_size=96, steps=3).array()
    tiled = work(files, critic, size=96, min_size=96, steps=3, tile=32).array()
    apart = np.abs(whole - tiled)
    # the first steps of Adam go as far as they may, however small a gradient: a few pixels turn on its rounding
    assert apart.mean() < 1e-4 and np.quantile(apart, 0.995) < 2e-3


def test_a_region_that_keeps_the_original_is_untouched_and_others_are_not(files, critic: Critic, tmp_path) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[:, :40] = 255
    Image.fromarray(mask).save(tmp_path / "left.png")
    made = work(files, critic, region=(f"mask={tmp_path / 'left.png'},keep=1",))
    apart = np.abs(made.array() - made.content[0].permute(1, 2, 0).numpy())
    assert apart[:, :30].max() < 1e-6
    assert apart[:, 34:].mean() > 0.02


@pytest.mark.slow
@pytest.mark.real
def test_regions_take_on_their_own_styles(files, critic: Critic, tmp_path) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[:, :40] = 255
    Image.fromarray(mask).save(tmp_path / "left.png")
    for name, color in (("red", (220, 40, 40)), ("blue", (40, 40, 220))):
        noise = np.random.default_rng(0).integers(-30, 30, (64, 64, 1))
        Image.fromarray(np.clip(np.array(color) + noise, 0, 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    regions = (f"mask={tmp_path / 'left.png'},style={tmp_path / 'red.png'}",)
    config = StyleConfig(
        style=(str(tmp_path / "blue.png"),), region=regions, **(QUICK | {"steps": 30, "strength": 1.0})
    )
    result = Styling(files / "0.png", config, critic).array()
    red = result[..., 0] - result[..., 2]
    assert red[:, :24].mean() > 0.05 and red[:, 40:].mean() < -0.05


@pytest.mark.slow
def test_transparent_places_are_not_looked_at_and_come_back(files, critic: Critic, tmp_path) -> None:
    pixels = np.dstack([(texture(80, 0) * 255).astype(np.uint8), np.full((80, 80), 255, np.uint8)])
    pixels[:, 60:, 3] = 0
    results = []
    for color in (0, 255):
        pixels[:, 60:, :3] = color
        Image.fromarray(pixels).save(tmp_path / "a.png")
        made = Styling(tmp_path / "a.png", StyleConfig(style=(str(files / "1.png"),), **QUICK), critic)
        results.append(made.array()[:, :44])
        image = made.pil()
        assert image.mode == "RGBA" and np.asarray(image)[:, 52:, 3].max() == 0
    assert np.array_equal(*results)


@pytest.mark.slow
@pytest.mark.real
def test_a_seamless_picture_continues_at_its_edges(files, critic: Critic) -> None:
    seam = {}
    for way in ("none", "both"):
        image = work(files, critic, seamless=way, init="noise", steps=40, strength=1.0).array()
        inner = np.abs(np.diff(image, axis=1)).mean()
        seam[way] = np.abs(image[:, 0] - image[:, -1]).mean() / inner
    assert seam["both"] < 0.75 * seam["none"]


@pytest.mark.slow
def test_a_content_that_does_not_repeat_is_made_to_for_a_seamless_picture(files, critic: Critic) -> None:
    slope = np.linspace(0, 0.7, 80)[None, :, None]
    Image.fromarray(((texture(80, 3) * 0.3 + slope) * 255).astype(np.uint8)).save(files / "slope.png")
    seam = {}
    for way in ("none", "x"):
        made = work(files, critic, "slope.png", seamless=way, steps=10, strength=0.3)
        image = made.array()
        seam[way] = np.abs(image[:, 0] - image[:, -1]).mean()
        assert made.content.shape[-2:] == image.shape[:2] and np.isfinite(image).all()
    assert seam["none"] > 0.4 and seam["x"] < 0.15


@pytest.mark.parametrize("score", quick_values(SCORES, ("w2", "gram", "nearest")))
@pytest.mark.slow
def test_every_score_comes_nearer(files, critic: Critic, score: str) -> None:
    made = work(files, critic, score=score, steps=20, **({"samples": 256} if score in SAMPLED_SCORES else {}))
    scores = [step.score for step in made if step.octave == 1]
    assert scores[-1] > scores[0] and all(map(math.isfinite, scores))


SAMPLED = [
    {"score": "sliced"},
    {"score": "strotss", "content_score": "self-similarity"},
    {"score": "nearest"},
    {"score": "w2", "content_score": "self-similarity"},
]


@pytest.mark.parametrize("settings", SAMPLED)
@pytest.mark.slow
def test_scores_of_drawn_places_bring_the_style_nearer_too(files, critic: Critic, settings: dict) -> None:
    made = work(files, critic, steps=15, strength=0.9, samples=256, **settings)
    measure = work(files, critic)
    before, _ = distance(measure, made.content[0].permute(1, 2, 0).contiguous().numpy())
    after, _ = distance(measure, made.array())
    assert after < 0.8 * before


@pytest.mark.parametrize("settings", quick_values(SAMPLED, SAMPLED[:1]))
def test_drawn_places_are_the_same_in_tiles_and_on_the_next_run(files, critic: Critic, settings: dict) -> None:
    quick = settings | {"size": 80, "min_size": 80, "steps": 2, "samples": 64}
    whole, again = (work(files, critic, **quick).array() for _ in range(2))
    assert np.array_equal(whole, again)
    tiled = work(files, critic, **quick, tile=32).array()
    assert np.abs(whole - tiled).mean() < 2e-4
    assert not np.array_equal(whole, work(files, critic, **quick, seed=1).array())


def test_styles_share_out_the_places_by_their_weights(files, critic: Critic) -> None:
    made = work(files, critic, "0.png", "1.png:3", "2.png:1", score="nearest", samples=64)
    term = made.terms.at(made.content, made.plan.scales[-1]).terms()[0][1]
    alone = work(files, critic, "0.png", "1.png", score="nearest", samples=48)
    other = alone.terms.at(alone.content, alone.plan.scales[-1]).terms()[0][1]
    assert len(term.target) == 128 and len(other.target) == 96


def test_regions_hold_drawn_places_back(files, critic: Critic, tmp_path) -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[:, :40] = 255
    Image.fromarray(mask).save(tmp_path / "left.png")
    made = work(files, critic, score="strotss", samples=128, region=(f"mask={tmp_path / 'left.png'},keep=1",))
    objective = made.terms.at(made.content, made.plan.scales[-1])
    places = objective.terms()[0][1].sampler.drawn(torch.Generator().manual_seed(0)).at
    assert places[:, 1].min() > 0.45
    apart = np.abs(made.array() - made.content[0].permute(1, 2, 0).numpy())
    assert apart[:, :30].max() < 1e-6 and apart[:, 34:].mean() > 0.01


@pytest.mark.slow
@pytest.mark.real
def test_lbfgs_comes_nearer_and_survives_an_explosion(files, critic: Critic) -> None:
    made = work(files, critic, optimizer="lbfgs", lr=1.0, steps=20)
    scores = [step.score for step in made if step.octave == 1]
    assert scores[-1] > 0.7 * scores[0]
    wild = work(files, critic, optimizer="lbfgs", lr=10.0, steps=30)
    found = [step.score for step in wild]
    assert all(map(math.isfinite, found)) and max(found[-5:]) > 8 * found[0]


@pytest.mark.slow
def test_style_and_dream_join(files, critic: Critic) -> None:
    plain = work(files, critic, steps=15).array()
    dreamt = work(files, critic, steps=15, dream_layer=("mixed4b",), dream_strength=2.0).array()
    seen = [
        critic(torch.from_numpy(i).permute(2, 0, 1)[None], ["mixed4b"])["mixed4b"].square().mean().item()
        for i in (plain, dreamt)
    ]
    assert seen[1] > 1.2 * seen[0]


@pytest.mark.slow
def test_colors_stay_where_they_are_kept(files, critic: Critic) -> None:
    from reverie.numerics.color import to_oklab

    made = work(files, critic, color="keep", steps=10)
    result, content = (to_oklab(torch.as_tensor(x).float()) for x in
                       (made.array().transpose(2, 0, 1)[None].copy(), made.content))  # fmt: skip
    inside = (result[:, 1:] - content[:, 1:]).abs()
    assert inside.mean() < 0.02
    grey = (texture(80, 0).mean(2) * 255).astype(np.uint8)
    Image.fromarray(grey).save(files / "grey.png")
    image = work(files, critic, "grey.png", color="keep").array()
    assert np.ptp(image, axis=2).max() < 1e-3


def test_sizes_go_in_steps_of_the_root_of_two() -> None:
    assert scale_sizes((512, 512), 128) == [(128, 128), (181, 181), (256, 256), (362, 362), (512, 512)]
    assert scale_sizes((60, 100), 128) == [(60, 100)]


def test_tiles_follow_from_the_memory(critic: Critic, monkeypatch: pytest.MonkeyPatch) -> None:
    names = layer_names(StyleConfig(), critic)
    monkeypatch.setattr(tiles.psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=500e6))
    plan = plan_style((3000, 4000), StyleConfig(size=4000, max_memory="2GB"), critic, names)
    assert plan.tile_px and plan.estimate_bytes <= 2e9 * 1.001
    assert all(s.tile_px == 0 for s in plan.scales if max(s.size) < 256)
    with pytest.raises(InputError, match="too little"):
        plan_style((3000, 4000), StyleConfig(size=4000, max_memory="900MB"), critic, names)
    monkeypatch.setattr(tiles.psutil.Process, "memory_info", lambda _: SimpleNamespace(rss=1.2e9))
    fuller = plan_style((3000, 4000), StyleConfig(size=4000, max_memory="3GB"), critic, names)
    assert fuller.tile_px and fuller.estimate_bytes <= 3e9 * 1.001


def test_drawn_places_are_planned_for(critic: Critic) -> None:
    names = layer_names(StyleConfig(), critic)
    plain, few, many, alike = (
        plan_style((400, 400), StyleConfig(score=score, samples=n, content_score=content), critic, names).estimate_bytes
        for score, n, content in [("w2", 4096, "features"), ("nearest", 1024, "features"),
                                  ("nearest", 4096, "features"), ("nearest", 4096, "self-similarity")]
    )  # fmt: skip
    assert many - plain == pytest.approx(4 * (few - plain))
    assert alike - many == pytest.approx(32 * 4096**2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.jpg", ("a.jpg", 1.0)),
        ("a.jpg:2", ("a.jpg", 2.0)),
        ("a:b.jpg", ("a:b.jpg", 1.0)),
        ("a.jpg:-0.5", ("a.jpg", -0.5)),
    ],
)
def test_weights_stand_behind_a_colon(text: str, expected: tuple[str, float]) -> None:
    path, weight = split_weight(text)
    assert (str(path), weight) == expected


def test_styles_blend_by_their_weights(files, critic: Critic) -> None:
    first, second = (work(files, critic, "0.png", s) for s in ("1.png", "2.png"))
    both = work(files, critic, "0.png", "1.png:3", "2.png:1")
    scale = both.plan.scales[-1]
    targets = [w.terms.at(w.content, scale).terms()[0][1].target for w in (first, second, both)]
    assert torch.allclose(targets[2], 0.75 * targets[0] + 0.25 * targets[1], rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"style_scale": (1.0, 2.0)}, "given 2 times for 1 styles"),
        ({"style_layer": ("mixed4x",)}, "mixed4"),
        ({"style_layer": ("mixed4a:x",)}, "NAME:WEIGHT"),
        ({"style_layer": ("mixed4a:0",)}, "zero"),
        ({"region": ("mask=a.png",)}, "say what happens"),
        ({"region": ("style=a.png",)}, "mask or outside"),
        ({"color": "match", "region": ("mask=a.png,keep=1",)}, "match-after"),
        ({"size": 3}, "too small"),
        ({"score": "sliced", "optimizer": "lbfgs", "lr": 1.0}, "use adam"),
        ({"content_score": "self-similarity", "optimizer": "lbfgs", "lr": 1.0}, "use adam"),
        ({"content_score": "self-similarity", "samples": 65536}, "at most --samples"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(files, critic: Critic, settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        work(files, critic, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("texts", [("1.png:0",), ("1.png:0", "2.png:0")])
def test_weights_that_are_all_zero_are_refused(files, critic: Critic, texts: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="zero"):
        work(files, critic, "0.png", *texts)


@pytest.mark.parametrize("score", ["sliced", "strotss", "nearest"])
def test_drawn_places_take_no_negative_weights(files, critic: Critic, score: str) -> None:
    with pytest.raises(InputError, match=r"no negative weights.*2\.png.*-1") as caught:
        work(files, critic, "0.png", "1.png", "2.png:-1", score=score)
    assert "\n" not in str(caught.value)


def test_narrow_and_deep_pictures_are_taken_or_refused(files, critic: Critic, tmp_path) -> None:
    Image.fromarray(np.full((80, 1, 3), 128, np.uint8)).save(tmp_path / "narrow.png")
    with pytest.raises(InputError, match=r"too narrow|too small"):
        Styling(tmp_path / "narrow.png", StyleConfig(style=(str(files / "1.png"),), **QUICK), critic)
    result = Styling(files / "0.png", StyleConfig(style=(str(tmp_path / "narrow.png"),), **QUICK), critic).array()
    assert np.isfinite(result).all()


def test_a_score_that_is_no_number_is_taken_back_and_said(files, critic: Critic, monkeypatch) -> None:
    from reverie.errors import GradientError
    from reverie.optimize.two_pass import TwoPass

    judge, calls = TwoPass.scored, []

    def broken(self, images: Tensor, *rest):
        calls.append(1)
        if len(calls) == 4:
            raise GradientError("the score is not a number")
        return judge(self, images, *rest)

    monkeypatch.setattr(TwoPass, "scored", broken)
    made = work(files, critic)
    assert np.isfinite(made.array()).all()
    assert any("not a number" in note for note in made.notes)


def test_a_generator_alone_paints_too(critic: Critic) -> None:
    content = torch.from_numpy(texture(64, 0)).permute(2, 0, 1)[None]
    style = Style("a", torch.from_numpy(texture(64, 1)).permute(2, 0, 1)[None], None, 1.0)
    config, pictures = StyleConfig(style=("a",), **QUICK), StylePictures((style,))
    plan = plan_style((64, 64), config, critic, layer_names(config, critic))
    terms, state = StyleTerms(config, critic, pictures, content, None), StyleState()
    steps = list(style_steps(content, pictures, config, plan, terms, state))
    assert [s.index for s in steps] == list(range(1, plan.steps + 1))
    assert steps[-1].whole().shape == content.shape


@pytest.mark.slow
def test_styles_in_memory_are_those_on_disk(files, critic: Critic) -> None:
    def array(name: str) -> np.ndarray:
        return np.asarray(Image.open(files / name))

    config = StyleConfig(**QUICK)
    on_disk = style(files / "0.png", [f"{files / '1.png'}:2", files / "2.png"], config, critic=critic).array()
    image = Image.fromarray(array("2.png"))
    in_memory = style(array("0.png"), [(array("1.png"), 2), image], config, critic=critic)
    assert np.array_equal(in_memory.array(), on_disk)
    assert in_memory.settings()["config"]["style"] == ["array:2", "picture:1"]
    assert len(in_memory.settings()["files"]["style 1"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((np.zeros((9, 9, 3), np.uint8), math.nan), "finite number"),
        ([(np.zeros((9, 9, 3), np.uint8), -1)], "zero or below"),
        (5, "must be a path"),
        ([], "no style"),
    ],
)
def test_what_is_no_style_is_refused(files, critic: Critic, given, said: str) -> None:
    with pytest.raises(ReverieError, match=said):
        style(files / "0.png", given, StyleConfig(**QUICK), critic=critic)
