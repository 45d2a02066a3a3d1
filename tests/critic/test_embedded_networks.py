"""The shipped networks by their numbers: what they are, and that the second sees what GoogLeNet sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reverie.critic.open import open_critic
from reverie.critic.statistics import OWN_PICTURE, load_statistics
from reverie.media.image import read_picture
from reverie.weights.checkpoint import load_description
from reverie.weights.embedded import EMBEDDED_NAMES, embedded_path, statistics_path

MOST_BYTES = 12_000_000


@pytest.mark.parametrize("name", EMBEDDED_NAMES)
def test_each_is_small_and_knows_its_classes_layers_and_their_strengths(name):
    about, critic = load_description(embedded_path(name)), open_critic(name, device="cpu", precision="fp32")
    assert embedded_path(name).stat().st_size < MOST_BYTES
    assert len(about.classes) == 200 and about.metrics["top1"] > 0.4 and about.recipe
    spatial = {layer.name for layer in critic.named_layers if layer.stride}
    assert {"conv1", "mixed3a", "mixed4c", "mixed5b"} <= spatial
    assert load_statistics(statistics_path(name), critic).keys() == spatial
    assert {layer.name for layer in critic.named_layers} > set(critic.identity.default_layers)


def test_the_default_is_the_first():
    """Records say "embedded" and no sha256 of what is inside the package: it must stay what it was."""
    assert embedded_path("embedded") == embedded_path("embedded-1") == embedded_path()


@pytest.mark.parametrize(("block", "least"), [("3a", 0.9), ("4c", 0.8), ("4e", 0.7)])
@pytest.mark.slow
def test_the_second_sees_what_googlenet_sees(shared, block, least):
    """Channel by channel, over the positions of a picture that took no part in its training."""
    rgb = torch.from_numpy(read_picture(OWN_PICTURE).rgb).permute(2, 0, 1)[None]
    theirs = open_critic(
        "googlenet-caffe", shared("weights/bvlc_googlenet.safetensors"), device="cpu", precision="fp32"
    )
    own = open_critic("embedded-2", device="cpu", precision="fp32")
    a = theirs(rgb, [f"inception_{block}/output"])[f"inception_{block}/output"][0].flatten(1).numpy()
    b = own(rgb, [f"mixed{block}"])[f"mixed{block}"][0].flatten(1).numpy()
    alive = (a.std(1) > 1e-3 * a.std(1).mean()) & (b.std(1) > 1e-3 * b.std(1).mean())
    found = [np.corrcoef(x, y)[0, 1] for x, y in zip(a[alive], b[alive], strict=True)]
    assert alive.mean() > 0.8 and np.mean(found) > least
