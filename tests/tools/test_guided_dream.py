"""Dreams that follow something: they come closer to it than plain dreams do, and groups keep to their regions."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from reverie import dream
from reverie.critic.average import mean_activations
from reverie.critic.open import open_critic
from reverie.errors import InputError, LayerError
from reverie.numerics.color import to_oklab
from reverie.objective import guide_best_match, target
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References
from reverie.tools.dream_steps.ascent import dream_steps, plan_dream
from reverie.tools.dream_steps.objective import build_objective, style_layers

QUICK = {"octaves": 2, "steps": 4, "jitter": 8}


@pytest.fixture
def files(tmp_path, make_photo):
    """Write a guide of stripes, an artwork, and masks of the two halves of a picture of 80 x 96."""
    y, x = np.mgrid[0:64, 0:64]
    stripes = np.stack([128 + 100 * np.sin(0.8 * x), 128 + 100 * np.sin(0.8 * x), 60 + 0 * y], 2).astype(np.uint8)
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    art = (make_photo(90, 70, seed=9)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    Image.fromarray(art).save(tmp_path / "art.png")
    left = np.zeros((80, 96), np.uint8)
    left[:, :48] = 255
    Image.fromarray(left).save(tmp_path / "left.png")
    return tmp_path


def dreamt(image: Tensor, critic, **settings) -> Tensor:
    result = image
    for step in dream_steps(image, DreamConfig(**(QUICK | settings)), critic=critic):
        result = step.images.clone()
    return result


def likeness(critic, image: Tensor, guide: Tensor, name: str) -> float:
    """Mean cosine, over positions, of what stands out with the best of what stands out in the guide."""
    usual = mean_activations(critic, [name])[name].view(1, -1, 1, 1)
    a, b = (F.normalize((critic(x, [name])[name] - usual)[0].flatten(1), dim=0) for x in (image, guide))
    return float((b.T @ a).amax(0).mean())


def pixels(path) -> Tensor:
    with Image.open(path) as image:
        return torch.from_numpy(np.asarray(image) / 255).float().permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def embedded():
    return open_critic(device="cpu", precision="fp32")


@pytest.mark.parametrize("form", ["best-match", "cosine", "channels"])
def test_a_guided_dream_scores_higher_by_its_guide_than_a_plain_one(small_critic, make_photo, files, form):
    photo, settings = make_photo(80, 96), {"guide": str(files / "stripes.png"), "guide_form": form}
    objective = build_objective(DreamConfig(**settings), small_critic)
    images = photo, dreamt(photo, small_critic), dreamt(photo, small_critic, **settings)
    before, plain, guided = (float(objective({"conv4": small_critic(x, ["conv4"])["conv4"]})) for x in images)
    assert guided > plain or form == "channels"  # an untrained network's channels all say the same
    assert guided > before + 0.1 * abs(before)


@pytest.mark.parametrize("form", ["best-match", "channels"])
@pytest.mark.slow
def test_a_guided_dream_resembles_the_guide_more_than_a_plain_one(embedded, make_photo, files, form):
    photo, guide = make_photo(96, 96), str(files / "stripes.png")
    plain = dreamt(photo, embedded, layer=("mixed4a",))
    guided = dreamt(photo, embedded, layer=("mixed4a",), guide=guide, guide_form=form)
    assert float((guided - plain).abs().mean()) > 0.04
    before, other, like = (likeness(embedded, x, pixels(guide), "mixed4a") for x in (photo, plain, guided))
    assert like > max(before, other) + 0.1


def test_the_guides_objective_is_the_formula_at_the_networks_input_size(small_critic, files):
    found = build_objective(DreamConfig(guide=str(files / "art.png"), layer=("conv2",)), small_critic)
    small = F.interpolate(pixels(files / "art.png"), (82, 64), mode="bicubic", antialias=True).clamp(
        0, 1
    )  # the shorter side is the input's
    usual = mean_activations(small_critic, ["conv2"])["conv2"]
    expected = guide_best_match("conv2", small_critic(small, ["conv2"])["conv2"], "dot", usual)
    a = {"conv2": torch.rand(1, 12, 5, 6, generator=torch.Generator().manual_seed(0))}
    assert torch.allclose(found(a), expected(a), rtol=1e-4)
    other = build_objective(DreamConfig(guide=str(files / "art.png"), layer=("conv2",), guide_size=70), small_critic)
    own = guide_best_match("conv2", small_critic(pixels(files / "art.png"), ["conv2"])["conv2"], "dot", usual)
    assert torch.allclose(other(a), own(a), rtol=1e-4)


@pytest.mark.slow
def test_a_guiding_class_is_believed_in(embedded, make_photo):
    photo = make_photo(96, 96)
    for name, layer, least in (("monarch", "mixed5a", 0.9), ("goldfish", "mixed4b", 0.2)):
        index = embedded.class_index(name)
        result = dreamt(photo, embedded, guide_class=name, layer=(layer,), steps=8)
        assert float(embedded.logits(photo).softmax(1)[0, index]) < 0.1
        assert float(embedded.logits(result).softmax(1)[0, index]) > least


def test_a_caricature_has_more_of_what_the_photo_has_and_keeps_its_direction(small_critic, make_photo):
    photo = make_photo(80, 96)
    usual = mean_activations(small_critic, ["conv4"])["conv4"].view(1, -1, 1, 1)

    def compared(image: Tensor) -> tuple[float, float]:
        a, own = (small_critic(x, ["conv4"])["conv4"] - usual for x in (image, photo))
        return float((a * own).sum(1).mean() / own.square().sum(1).mean()), float(F.cosine_similarity(a, own).mean())

    more, same = compared(dreamt(photo, small_critic, caricature=True))
    _, plain = compared(dreamt(photo, small_critic))
    assert more > 1.2
    assert same > plain + 0.1
    assert same > 0.8


def test_a_strict_caricature_keeps_closer_than_a_free_one(small_critic, make_photo):
    photo = make_photo(80, 96)
    usual = mean_activations(small_critic, ["conv4"])["conv4"].view(1, -1, 1, 1)
    cosines = []
    for power in (0.0, 4.0):
        result = dreamt(photo, small_critic, caricature=True, caricature_power=power, steps=8)
        a, own = (small_critic(x, ["conv4"])["conv4"] - usual for x in (result, photo))
        cosines.append(float(F.cosine_similarity(a, own).mean()))
    assert cosines[1] > cosines[0]


@pytest.mark.parametrize("form", ["moments", "gram"])
def test_the_statistics_of_an_artwork_are_taken_on(small_critic, make_photo, files, form):
    photo, art = make_photo(80, 96), str(files / "art.png")
    objective = target("conv2", small_critic(make_photo(90, 70, seed=9), ["conv2"])["conv2"], form)

    def score(image: Tensor) -> float:
        return float(objective({"conv2": small_critic(image, ["conv2"])["conv2"]}))

    plain = dreamt(photo, small_critic)
    mixed = dreamt(photo, small_critic, target_from=art, target_form=form)
    strong = dreamt(photo, small_critic, target_from=art, target_form=form, target_weight=30.0)
    assert score(mixed) > score(plain)
    assert score(strong) > score(plain) + 0.3 * abs(score(plain))


def test_layers_for_textures_are_spread_up_to_the_dream_layer(small_critic):
    assert style_layers(DreamConfig(), small_critic) == ["conv1", "conv2", "mixed3", "conv4"]
    chosen = DreamConfig(target_from="x", target_layer=("conv1:3", "conv2:1"), layer=("conv4",))
    objective = build_objective(chosen, small_critic, References(target=torch.rand(1, 3, 64, 64)))
    weights = {next(iter(term.layers)): weight for weight, term in objective.terms()}
    assert weights == {"conv4": 1.0, "conv1": pytest.approx(3 * 0.75), "conv2": pytest.approx(3 * 0.25)}


@pytest.mark.parametrize(
    "settings", [{"guide": "stripes.png"}, {"caricature": True}, {"target_from": "art.png"}, {"guide_class": "0"}]
)
@pytest.mark.slow
def test_tiles_dream_nearly_the_same_picture(small_critic, make_photo, files, settings):
    photo = make_photo(97, 331)
    found = {k: str(files / v) if isinstance(v, str) and v.endswith("png") else v for k, v in settings.items()}
    whole, tiled = dreamt(photo, small_critic, **found), dreamt(photo, small_critic, tile=96, **found)
    assert not torch.equal(whole, tiled)
    assert float((tiled - whole).norm() / (whole - photo).norm()) < 0.05
    assert plan_dream((97, 331), DreamConfig(tile=96, **found), small_critic).halo_px > 0


@pytest.mark.parametrize("settings", [{"caricature": True}, {"guide": "stripes.png"}])
def test_a_spectrum_follows_too(small_critic, make_photo, files, settings):
    found = {k: str(files / v) if isinstance(v, str) else v for k, v in settings.items()}
    photo = make_photo(64, 80)
    result = dreamt(photo, small_critic, canvas="spectrum", octaves=1, steps=2, **found)
    assert float((result - photo).abs().mean()) > 0.002


# -- groups ------------------------------------------------------------------------------------------------------------


def test_groups_dream_each_in_its_own_region_and_leave_the_rest_bit_for_bit(small_critic, make_photo, files):
    photo, left = make_photo(80, 96), files / "left.png"
    both = dreamt(photo, small_critic, group=(f"mask={left},layer=conv4", f"outside={left},layer=conv2,channel=3"))
    one = dreamt(photo, small_critic, group=(f"mask={left},layer=conv4",))
    assert torch.equal(one[..., 48:], photo[..., 48:])
    assert float((one - photo)[..., :48].abs().mean()) > 0.01
    assert float((both - photo)[..., 48:].abs().mean()) > 0.01
    assert float((both - one)[..., :24].abs().mean()) < 0.3 * float((one - photo)[..., :24].abs().mean())


def test_a_group_of_everything_is_the_plain_dream(small_critic, make_photo):
    photo = make_photo(80, 96)
    plain = dreamt(photo, small_critic, layer=("conv4", "conv1:0.5"))
    grouped = dreamt(photo, small_critic, group=("layer=conv4+conv1:0.5",))
    assert torch.allclose(grouped, plain, atol=1e-5)


def test_twice_the_strength_is_twice_the_step(small_critic, make_photo, files):
    photo, left = make_photo(80, 96), files / "left.png"
    changes = []
    for strength in (0.5, 1):
        group = (f"mask={left},layer=conv4,strength={strength}",)
        result = dreamt(photo, small_critic, group=group, octaves=1, steps=1, step_size=0.002)
        changes.append(float((result - photo)[..., :48].abs().mean()))
    assert changes[1] == pytest.approx(2 * changes[0], rel=0.02)


def test_classes_and_guides_in_groups(small_critic, make_photo, files):
    photo, left, stripes = make_photo(80, 96), files / "left.png", files / "stripes.png"
    groups = (
        f"mask={left},class=sunflower,soften=4",
        f"outside={left},guide={stripes},soften=4",
        "layer=conv1,strength=0.1",
    )
    result = dreamt(photo, small_critic, group=groups)
    only = dreamt(photo, small_critic, group=("layer=conv1,strength=0.1",))
    assert float((result - only)[..., :40].abs().mean()) > 0.01
    assert float((result - only)[..., 56:].abs().mean()) > 0.01
    plan = plan_dream((80, 96), DreamConfig(group=groups), small_critic)
    assert plan.layers == ("conv1", "conv4")


def test_groups_in_tiles_dream_nearly_the_same_picture(small_critic, make_photo, files):
    photo, left = make_photo(97, 331), files / "left.png"
    resized = Image.open(left).resize((331, 97))
    resized.save(files / "wide.png")
    groups = (f"mask={files / 'wide.png'},layer=conv4", f"outside={files / 'wide.png'},layer=conv2")
    whole, tiled = (dreamt(photo, small_critic, group=groups, tile=tile) for tile in (None, 96))
    assert float((tiled - whole).norm() / (whole - photo).norm()) < 0.02


# -- colors ------------------------------------------------------------------------------------------------------------


def test_colors_are_kept_and_lightness_is_dreamt(small_critic, make_photo):
    photo = 0.3 + 0.4 * make_photo(80, 96)
    plain, kept = dreamt(photo, small_critic), dreamt(photo, small_critic, keep_colors=True)
    before, free, held = (to_oklab(x) for x in (photo, plain, kept))
    assert torch.allclose(held[:, 0], free[:, 0].clamp(0, 1), atol=1e-4)  # the same dream, in the photo's colors
    assert float((free - before)[:, 1:].abs().mean()) > 0.01
    assert float((held - before)[:, 1:].abs().mean()) < 0.002
    assert 0 <= float(kept.min()) <= float(kept.max()) <= 1


def test_colors_of_a_grey_photo_stay_grey_and_no_steps_change_nothing(small_critic, make_photo):
    photo = make_photo(80, 96)
    grey = photo.mean(1, keepdim=True).expand(1, 3, 80, 96).contiguous()
    result = dreamt(grey, small_critic, keep_colors=True)
    assert torch.equal(result.amax(1), result.amin(1))
    assert torch.equal(dreamt(photo, small_critic, keep_colors=True, steps=0), photo)


# -- in Python ---------------------------------------------------------------------------------------------------------


def test_the_python_interface_takes_paths_and_reads_each_once(small_critic, make_photo, files, monkeypatch):
    from reverie.tools.dream import references

    opened = []
    read = references.read_picture
    monkeypatch.setattr(references, "read_picture", lambda path: opened.append(str(path)) or read(path))
    photo = make_photo(80, 96)[0].permute(1, 2, 0).numpy()
    work = dream(photo, critic=small_critic, guide=files / "stripes.png", layer="conv4", **QUICK)
    assert work.array().shape == (80, 96, 3)
    assert opened == [str(files / "stripes.png")]
    stored = work.settings()
    assert stored["config"]["guide"] == "stripes.png"
    assert len(stored["files"]["guide"]["sha256"]) == 64


def test_masks_of_other_sizes_are_said(small_critic, make_photo, files):
    photo = make_photo(80, 96)[0].permute(1, 2, 0).numpy()
    left = files / "left.png"
    work = dream(photo, critic=small_critic, size=64, group=f"mask={left},layer=conv4", mask=str(left), **QUICK)
    assert work.notes[:2] == [
        "the mask of group 1 is 96 x 80 px; resized to 64 x 53", "the mask is 96 x 80 px; resized to 64 x 53",
    ]  # fmt: skip


def test_every_picture_that_is_kept_has_the_colors_of_the_photo(small_critic, make_photo):
    photo = (0.3 + 0.4 * make_photo(80, 96))[0].permute(1, 2, 0).numpy()
    work = dream(photo, critic=small_critic, keep_colors=True, octaves=1, steps=4)
    for index, _ in enumerate(work):
        now = torch.from_numpy(work.current()).permute(2, 0, 1)[None]
        own = torch.from_numpy(photo).permute(2, 0, 1)[None]
        assert float((to_oklab(now) - to_oklab(own))[:, 1:].abs().mean()) < 0.002, index


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"guide_class": "sunflwer"}, LayerError, "nearest: sunflower"),
        ({"guide": "none.png"}, InputError, "none.png"),
        ({"class_name": "0", "guide": "none.png"}, InputError, "--class does not go with --guide"),
        ({"group": ("layer=conv9",)}, LayerError, "nearest: conv"),
        ({"target_from": "art.png", "target_layer": ("conv9",)}, LayerError, "nearest: conv"),
        ({"guide": "stripes.png", "layer": ("conv9",)}, LayerError, "nearest: conv"),
    ],
)
def test_bad_settings_are_one_line(small_critic, make_photo, files, settings, kind, words):
    found = {k: str(files / v) if isinstance(v, str) and v.endswith("png") else v for k, v in settings.items()}
    with pytest.raises(kind) as error:
        dreamt(make_photo(80, 96), small_critic, **found)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
