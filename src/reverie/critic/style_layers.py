"""Which layers carry style and which content, network by network.

Weights count after every layer's score was divided by its value at the content picture, so they say how much a layer
matters whatever its size. They were chosen by looking at contact sheets (docs/style.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from reverie.critic.critic import IMAGE, Critic
from reverie.errors import InputError

Weighted = tuple[tuple[str, float], ...]
STRIDES = (1, 2, 4, 8)  # of the layers that an unknown network is given
RESIDUAL = ("resnet", "mobilenet", "densenet")  # peaky activations, which Gram-like scores cannot use as they are


@dataclass(frozen=True)
class StyleLayers:
    """Layers with weights, and whether activations are levelled by a softmax first.

    Attributes:
        style: whose statistics are matched.
        content: that stay as they are, place by place.
        softmax: whether activations are levelled.
        self_similarity: whose places stay similar to each other, where asked for; those of `content` if empty.
        content_gain: what content weighs, of its usual weight: layers near the picture hold it more firmly.
        known_by: further layers that a network must have for this to be its preset: families share names.
    """

    style: Weighted
    content: Weighted
    softmax: bool = False
    self_similarity: Weighted = ()
    content_gain: float = 1.0
    known_by: tuple[str, ...] = ()


def _even(*names: str) -> Weighted:
    return tuple((name, 1.0) for name in names)


# Gatys, Ecker, Bethge 2015 for VGG; the SqueezeNet layers of Stanford's CS231n; the rest by looking. Where three layers
# hold the content, results are nearer to style and content at once, as another network sees it
# (benchmarks/style_fidelity.py).
# Every preset matches the picture's own colors besides: without them, palettes come over slowly.
# The second embedded network has nothing at full size and wide layers early: what lies deeper than mixed3a costs more
# than it brings, as networks that it has nothing to do with see it (benchmarks/style_networks.py).
PRESETS: tuple[StyleLayers, ...] = (
    StyleLayers(
        _even(IMAGE, "conv1", "conv2", "mixed3a"),
        _even("conv1", "conv2", "mixed3a"),
        self_similarity=_even("mixed3a"),
        content_gain=1 / 2,
        known_by=("mixed4d",),
    ),
    StyleLayers(
        _even(IMAGE, "conv1", "conv2", "mixed3a", "mixed4a", "mixed4c"),
        _even("conv2", "mixed3a", "mixed4a"),
        self_similarity=_even("mixed4a"),
        content_gain=1 / 3,
    ),
    StyleLayers(_even(IMAGE, "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), _even("relu4_2")),
    StyleLayers(
        _even(IMAGE, "relu1", "fire3", "fire4", "fire5", "fire7"),
        _even("relu1", "fire3", "fire5"),
        self_similarity=_even("fire5"),
        content_gain=1 / 3,
    ),
    StyleLayers(_even(IMAGE, "conv1", "conv2", "inception3a", "inception3b", "inception4b"), _even("inception3b")),
    StyleLayers(
        _even(IMAGE, "conv1/relu_7x7", "conv2/relu_3x3", *(f"inception_{n}/output" for n in ("3a", "3b", "4b"))),
        _even("inception_3b/output"),
    ),
    StyleLayers(_even(IMAGE, "relu", "layer1", "layer2", "layer3"), _even("layer2"), softmax=True),
    StyleLayers(
        _even(IMAGE, "Conv2d_1a_3x3", "Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5c", "Mixed_6b"), _even("Mixed_5c")
    ),
    StyleLayers(_even(IMAGE, "relu0", "relu3", "relu7", "relu12"), _even("relu7")),
    StyleLayers(_even(IMAGE, "relu1", "relu2", "relu3", "relu4"), _even("relu3")),
    StyleLayers(_even(IMAGE, "conv1_1", "conv2_2", "conv3_2", "conv4_3"), _even("conv4_1")),
    StyleLayers(_even(IMAGE, "conv1", "rep2a", "rep3c", "rep4c"), _even("rep4a")),
)


def style_layers(
    critic: Critic, style: tuple[str, ...] = (), content: tuple[str, ...] = (), softmax: str = "auto"
) -> StyleLayers:
    """Return the layers of a network that carry style and content: those asked for, or the preset of its family.

    Raises:
        InputError: a weight that is no number.
        LayerError: a layer that the network does not have.
    """
    preset = _preset(critic)
    chosen = (_parsed(critic, style, "--style-layer"), _parsed(critic, content, "--content-layer"))
    level = preset.softmax if softmax == "auto" else softmax == "yes"
    if chosen[1]:
        return StyleLayers(chosen[0] or preset.style, chosen[1], level, chosen[1])
    similar = preset.self_similarity or preset.content
    return StyleLayers(chosen[0] or preset.style, preset.content, level, similar, preset.content_gain)


def _preset(critic: Critic) -> StyleLayers:
    names = {layer.name for layer in critic.named_layers}
    for preset in PRESETS:
        read = (name for name, _ in (*preset.style, *preset.content))
        if names.union((IMAGE,)).issuperset((*read, *preset.known_by)):
            return preset
    found = []
    for stride in STRIDES:
        found += [layer.name for layer in critic.named_layers if layer.stride == stride][:1]
    if not found:
        found = [layer.name for layer in critic.named_layers if layer.stride][:1]
    residual = any(critic.identity.name.startswith(prefix) for prefix in RESIDUAL)
    return StyleLayers(_even(IMAGE, *found), _even(found[-1]), residual)


def _parsed(critic: Critic, texts: tuple[str, ...], flag: str) -> Weighted:
    found = []
    for text in texts:
        name, colon, weight = text.rpartition(":")
        if not colon or text == IMAGE:
            name, weight = text, "1"
        try:
            value = float(weight)
        except ValueError as error:
            raise InputError(f"{flag} must look like NAME or NAME:WEIGHT; got '{text}'") from error
        if not 0 <= value < float("inf"):
            raise InputError(f"{flag} needs a weight from 0 on; got '{text}'")
        if name != IMAGE and not critic.layer(name).stride:
            raise InputError(f"{flag} needs a layer with positions; '{name}' has none")
        found.append((name, value))
    if texts and not any(weight for _, weight in found):
        raise InputError(f"all weights of {flag} are zero; leave it out for the default layers")
    return tuple(pair for pair in found if pair[1])
