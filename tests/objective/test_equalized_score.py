import torch
from torch import Generator

from reverie.critic.statistics import ChannelStatistics, load_statistics, measure, save_statistics, statistics_of
from reverie.objective import equalized, layer
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.transforms import Transforms

STILL = Transforms(0, 0.0, 0.0, 1.0, 0.0)


def test_it_is_the_closed_form():
    a = torch.randn(2, 5, 6, 7, generator=Generator().manual_seed(0))
    mean, std = torch.linspace(-1, 1, 5), torch.linspace(0.5, 2, 5)
    z = ((a - mean.view(1, 5, 1, 1)) / std.view(1, 5, 1, 1)).clamp_min(0)
    for power in (2.0, 3.0):
        found = equalized("x", mean, std, power).score({"x": a}, {"x": 42})
        assert torch.allclose(found, (z**power / power).mean((1, 2, 3)), rtol=1e-5)


def test_with_mean_zero_and_deviation_one_it_is_the_classic_score_of_positive_activations():
    a = torch.rand(1, 4, 5, 5, generator=Generator().manual_seed(0))
    same = equalized("x", torch.zeros(4), torch.ones(4)).score({"x": a}, {"x": 25})
    assert torch.allclose(same, layer("x").score({"x": a}, {"x": 25}))


def test_statistics_are_those_of_a_plain_loop(small_critic, make_photo):
    photos = [make_photo(70, 90, seed) for seed in range(3)]
    found = measure(small_critic, photos, ["mixed3", "conv4"])
    for name, known in found.items():
        a = torch.cat([small_critic(p, [name])[name][0].flatten(1) for p in photos], 1)
        assert torch.allclose(known.mean, a.mean(1), atol=1e-5)
        assert torch.allclose(known.std, a.std(1, unbiased=False).clamp_min(0.02 * known.std.mean()), rtol=1e-2)


def test_tiles_have_the_gradient_of_the_whole(small_critic, make_photo):
    photo = make_photo(131, 150)
    known = measure(small_critic, [photo], ["mixed3"])["mixed3"]
    ascent = Ascent(small_critic, equalized("mixed3", known.mean, known.std, 3.0), STILL)
    _, whole = ascent.gradient(photo, Generator().manual_seed(0))
    tiles = plan_tiles((131, 150), 48, small_critic.halo(["mixed3"]), small_critic.stride(["mixed3"]))
    assert len(tiles) > 4
    _, tiled = ascent.gradient(photo, Generator().manual_seed(0), tiles)
    assert float((tiled - whole).norm() / whole.norm()) < 0.01


def test_statistics_are_shipped_for_the_embedded_network_and_kept_for_others(small_critic, tmp_path, monkeypatch):
    from reverie.critic import statistics
    from reverie.critic.open import open_critic

    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    embedded = open_critic("embedded", device="cpu", precision="fp32")
    monkeypatch.setattr(statistics, "measure", None)  # nothing is measured
    shipped = statistics_of(embedded, ["mixed4c", "mixed5a"])
    assert shipped["mixed4c"].std.shape == (448,)
    assert shipped["mixed4c"].std.max() / shipped["mixed4c"].std.min() > 5
    monkeypatch.undo()
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path))
    first = statistics_of(small_critic, ["mixed3"])["mixed3"]
    monkeypatch.setattr(statistics, "measure", None)
    again = statistics_of(small_critic, ["mixed3"])["mixed3"]
    assert torch.equal(first.std, again.std)
    assert torch.equal(first.mean, again.mean)


def test_kept_statistics_hold_strengths_beyond_half_precision(small_critic, tmp_path):
    channels = small_critic.layer("mixed3").channels
    known = ChannelStatistics(torch.full((channels,), 1e5), torch.full((channels,), 1e-9))
    save_statistics(tmp_path / "s.safetensors", {"mixed3": known})
    found = load_statistics(tmp_path / "s.safetensors", small_critic)["mixed3"]
    assert torch.equal(found.mean, known.mean)
    assert torch.equal(found.std, known.std)


def test_a_file_of_another_network_gives_nothing(small_critic, tmp_path):
    save_statistics(tmp_path / "s.safetensors", {"mixed3": ChannelStatistics(torch.zeros(7), torch.ones(7))})
    assert load_statistics(tmp_path / "s.safetensors", small_critic) == {}
