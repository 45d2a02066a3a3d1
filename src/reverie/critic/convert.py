"""A network of others made self-describing: one file that knows its architecture, colors and classes."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from reverie.critic.families import FAMILIES
from reverie.critic.layers import trace
from reverie.critic.open import architecture_of, open_network, readable_names
from reverie.errors import InputError
from reverie.weights.caffe.model import channel_mean
from reverie.weights.checkpoint import Description, save_model

MOST_LABEL_BYTES = 1 << 22


def convert(
    model: str, weights: Path, output: Path, *, mean: Path | None = None, labels: Path | None = None
) -> Description:
    """Write the network as a file that needs no further words, and return what it says of itself.

    Networks that take blue, green, red up to 255 are turned to red, green, blue from 0 to 1: their first convolution's
    channels are turned round, and their mean and deviation are divided by 255. What they see stays the same.

    Args:
        model: a name as for `open_critic`.
        weights: its file.
        output: a .safetensors file.
        mean: a .binaryproto, where the network was trained with another mean than the usual one.
        labels: a text of one class name a line; by default ImageNet's names for 1000 classes, else numbers.

    Raises:
        InputError: `mean` for a network that has no such mean, labels that do not fit, or another ending of `output`.
        WeightsError: a file that cannot be read or does not fit.
        OutputError: the file cannot be written.
    """
    if output.suffix != ".safetensors":
        raise InputError(f"a network is written as .safetensors; got '{output.name}'")
    net, colors, identity = open_network(model, weights)
    architecture = architecture_of(model)
    if mean is not None and not colors.bgr:
        raise InputError(f"--mean goes with networks of Caffe, such as 'googlenet-caffe'; '{model}' has its own")
    means, stds = channel_mean(mean) if mean is not None else colors.mean, colors.std
    state = net.state_dict()
    if colors.bgr:
        means, stds = (means[2], means[1], means[0]), (stds[2], stds[1], stds[0])
        first = next(name for name, module in net.named_modules() if isinstance(module, nn.Conv2d))
        state[f"{first}.weight"] = state[f"{first}.weight"].flip(1)
    count = dict(trace(net, (identity.input_px, identity.input_px)))[FAMILIES[architecture].logits_path].numel()
    classes = _read_labels(labels, count) if labels is not None else identity.classes or tuple(map(str, range(count)))
    about = Description(
        architecture, classes, _divided(means, colors.scale), _divided(stds, colors.scale), identity.input_px,
        note=f"converted from {weights.name}",
    )  # fmt: skip
    save_model(output, state, about)
    return about


def _divided(values: tuple[float, float, float], by: float) -> tuple[float, float, float]:
    return (values[0] / by, values[1] / by, values[2] / by)


def _read_labels(path: Path, count: int) -> tuple[str, ...]:
    """Return class names; a number of WordNet in front goes, where names stay distinct."""
    try:
        if path.stat().st_size > MOST_LABEL_BYTES:
            raise InputError(f"'{path}' is too long for a list of class names")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read '{path}' as a text of class names") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != count:
        raise InputError(f"'{path}' has {len(names)} names; the network has {count} classes")
    return readable_names(names)
