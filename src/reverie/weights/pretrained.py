"""Fetched weights as a state dict that fits the networks `reverie.models.build` makes."""

from __future__ import annotations

import re

from torch import Tensor

from reverie.errors import WeightsError
from reverie.weights.catalogue import CATALOGUE, Weights
from reverie.weights.fetch import cached
from reverie.weights.foreign import load_state_dict

WRAPPERS = ("module.", "backbone.", "model.", "encoder.", "net.", "_orig_mod.")  # what training code puts before all
AUXILIARY = ("aux", "loss1/", "loss2/")  # torchvision's heads, and Caffe's
_OWN_HEAD = re.compile(r"^loss3/[^.]+\.")
_OLD_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12])\.(.+)$")


def pretrained_state(name: str) -> tuple[dict[str, Tensor], Weights]:
    """Return the fetched state dict of a catalogue entry and its record.

    Raises:
        WeightsError: unknown, not fetched yet, or broken.
    """
    path = cached(name)
    if path is None:
        raise WeightsError(
            f"the weights of '{name}' are not on this machine; get them with 'reverie models fetch {name}'"
        )
    return adapt_state(load_state_dict(path)), CATALOGUE[name]


def adapt_state(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop auxiliary heads (GoogLeNet, Inception v3) and rename layers that files name otherwise than the networks.

    DenseNet files from 2017 say ``denselayer1.norm.1.weight`` where the network says ``denselayer1.norm1.weight``; who
    trains Caffe's GoogLeNet on other classes renames its head, as in ``loss3/classifier_flickr.weight``. A prefix
    that all names have, such as ``backbone.``, goes.
    """
    for prefix in WRAPPERS:
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    kept = {name: value for name, value in state.items() if not name.lower().startswith(AUXILIARY)}
    kept = {_OLD_DENSE.sub(r"\1\2.\3", name): value for name, value in kept.items()}
    return {_OWN_HEAD.sub("loss3/classifier.", name): value for name, value in kept.items()}
