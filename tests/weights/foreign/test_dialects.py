"""The same generator, written as each program writes it, draws the same pictures when it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dialects import SMALL, SOURCE, ada, random_generator, rosinality, tensorflow, written

from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.generator import Generator
from reverie.models.stylegan2.infer import complete, infer_config
from reverie.weights.gan.read import find_generator
from reverie.weights.pickles.file import open_foreign

CLAMPED = replace(SMALL, clamp=256.0)
WIDE = replace(SMALL, base=(3, 5))
GREY = replace(SMALL, colors=1, channels=(8, 4), mapping_layers=1, kernel=(1, 2, 2, 1))
LABELS = replace(SMALL, c_dim=5, embed_dim=6)
OLD_LABELS = replace(SMALL, c_dim=5, labels="concat", embed_dim=8)

FORMS: dict[str, tuple[GeneratorConfig, Callable[[Generator], bytes]]] = {
    "ada protocol 3": (SMALL, lambda net: ada(net, 3)),
    "ada protocol 4": (SMALL, lambda net: ada(net, 4)),
    "ada protocol 2": (SMALL, lambda net: ada(net, 2)),
    "ada with labels": (LABELS, ada),
    "ada clamped": (CLAMPED, ada),
    "ada wide": (WIDE, ada),
    "ada grey": (GREY, ada),
    "ada resnet": (replace(SMALL, architecture="resnet"), ada),
    "ada orig": (replace(SMALL, architecture="orig"), ada),
    "ada without noise": (replace(SMALL, noise=False), ada),
    "only G_ema": (SMALL, lambda net: ada(net, only="G_ema")),
    "only G": (SMALL, lambda net: ada(net, only="G")),
    "stylegan3 program": (CLAMPED, lambda net: ada(net, stylegan3=True)),
    "tensorflow": (SMALL, tensorflow),
    "tensorflow protocol 3": (SMALL, lambda net: tensorflow(net, 3, version=5)),
    "tensorflow protocol 2": (SMALL, lambda net: tensorflow(net, 2)),
    "tensorflow only Gs": (SMALL, lambda net: tensorflow(net, only_gs=True)),
    "tensorflow wide": (WIDE, tensorflow),
    "tensorflow labels": (OLD_LABELS, tensorflow),
    "tensorflow ada labels": (LABELS, lambda net: tensorflow(net, version=5)),
    "tensorflow resnet": (replace(SMALL, architecture="resnet"), tensorflow),
    "tensorflow orig": (replace(SMALL, architecture="orig"), tensorflow),
    "rosinality": (SMALL, rosinality),
    "rosinality before 1.6": (SMALL, lambda net: rosinality(net, old=True)),
    "rosinality parallel": (SMALL, lambda net: rosinality(net, prefix="module.")),
}


@pytest.mark.parametrize("form", FORMS)
def test_reading_gives_the_same_pictures(tmp_path: Path, form: str) -> None:
    config, write = FORMS[form]
    net = random_generator(config)
    path = written(tmp_path / "network.bin", write(net))
    found = find_generator(open_foreign(path))
    inferred = infer_config(found.tensors, found.settings, path.name)
    state, _ = complete(inferred, found.tensors, path.name)
    embed_dim = inferred.embed_dim if not config.c_dim else config.embed_dim
    assert replace(inferred, embed_dim=embed_dim) == replace(config, embed_dim=embed_dim)
    again = Generator(inferred)
    again.load_state_dict(state)
    z = torch.randn(2, config.z_dim, generator=torch.Generator().manual_seed(1))
    classes = torch.eye(5)[[1, 3]] if config.c_dim else None
    with torch.no_grad():
        expected, drawn = net(z, classes), again(z, classes)
    assert expected.std() > 0.01
    torch.testing.assert_close(drawn, expected, rtol=0, atol=1e-5 * float(expected.std()))
    torch.testing.assert_close(again.mapping.w_avg, net.mapping.w_avg)


@pytest.mark.parametrize("form", ["ada protocol 4", "tensorflow"])
def test_source_inside_is_shown_by_its_hash_only(tmp_path: Path, form: str) -> None:
    import hashlib

    config, write = FORMS[form]
    found = find_generator(open_foreign(written(tmp_path / "a.pkl", write(random_generator(config)))))
    assert found.code and {code.sha256 for code in found.code} == {hashlib.sha256(SOURCE.encode()).hexdigest()}
