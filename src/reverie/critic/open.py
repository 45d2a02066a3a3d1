"""Open a critic by what a user calls it: the embedded default, a file trained here, or a torchvision architecture.

Nothing is downloaded here; an architecture whose weights are not on this machine gives one sentence saying how to
fetch them.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from reverie.critic.caffe_names import by_modules
from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.critic.devices import split_devices
from reverie.critic.families import FAMILIES
from reverie.critic.library import open_library
from reverie.critic.precision import resolve_device, resolve_for_gradients, resolve_precision
from reverie.errors import InputError, WeightsError, unknown_name
from reverie.models.build import NAMED, build_classifier, shapes_only
from reverie.models.caffe_googlenet import HEAD
from reverie.models.translator import build_translator, parse_shape
from reverie.models.translator_file import KIND as TRANSLATOR
from reverie.models.translator_file import SHIPPED as TRANSLATORS
from reverie.weights.boundary import damage_named
from reverie.weights.caffe.model import SUFFIX as CAFFEMODEL
from reverie.weights.catalogue import CATALOGUE
from reverie.weights.checkpoint import Description, file_sha256, load_model
from reverie.weights.embedded import EMBEDDED, EMBEDDED_NAMES, embedded_path
from reverie.weights.fetch import cached
from reverie.weights.foreign import load_state_dict, misfit
from reverie.weights.in_folder import network_in
from reverie.weights.pretrained import adapt_state
from reverie.weights.vision import imagenet_classes

RANDOM = "random"  # --weights random: an untrained network, for tests and for looking at architectures
WORDNET = re.compile(r"^n\d{8}[-_ ]+")
WITHOUT_OWN_START = (
    "googlenet",
    "inception_v3",
    "alexnet",
    "nin",
    "googlenet-caffe",
)  # torch's default start lets deep activations die out
HEADS = {"nin": ("features.26.weight",), "googlenet-caffe": (f"{HEAD}.weight",)}  # where it is not the usual one
STATE_DICTS = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".caffemodel")  # suffixes of files that hold bare weights
CAFFE = "-caffe"  # suffix of architectures whose weights come from Caffe
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (104.0, 117.0, 123.0)  # of blue, green, red, for values up to 255


def open_critic(
    model: str = EMBEDDED, weights: str | Path | None = None, *, device: str = "auto", precision: str = "auto",
    fuse: bool = False,
) -> Critic:  # fmt: skip
    """Return a critic ready to use.

    Args:
        model: ``embedded``, the path of a ``.safetensors`` file trained here, or an architecture of torchvision;
            ``-caffe`` appended to it means BGR input up to 255 less the Caffe mean.
        weights: a state dict for a named architecture, read as data; ``random`` leaves it untrained.
        device: see `resolve_device`; several (``cuda:0,1``) give a critic on the first with replicas on the others.
        precision: ``auto``, ``fp32``, ``fp32-fused`` or ``bf16``.
        fuse: let ``auto`` choose ``fp32-fused``: for who sends gradients through, and records what was chosen.

    Raises:
        InputError: an unknown model or device.
        WeightsError: weights that are missing, broken, unsafe, or that do not fit the architecture.
    """
    where, *others = [resolve_device(name) for name in split_devices(device)]
    how = resolve_for_gradients(precision, where) if fuse else resolve_precision(precision, where)
    net, preprocessing, identity = open_network(model, weights)
    replicas = tuple(Critic(net, preprocessing, identity, device=other, precision=how) for other in others)
    critic = Critic(net, preprocessing, identity, device=where, precision=how, own=True)
    critic.replicas = replicas
    critic.called = shlex.quote(model) + (f" --weights {shlex.quote(str(weights))}" if weights is not None else "")
    return critic


def model_names() -> tuple[str, ...]:
    """Return every name that `open_critic` knows without a path."""
    return (*EMBEDDED_NAMES, *NAMED)


def architecture_of(model: str) -> str:
    """Return the architecture of a name: ``vgg16`` for ``vgg16-caffe``, but ``googlenet-caffe`` is one of its own."""
    return model if model in NAMED else model.removesuffix(CAFFE)


def open_network(model: str, weights: str | Path | None) -> tuple[nn.Module, Preprocessing, Identity]:
    """Return the bare network of a name, with all else that a critic needs; errors are those of `open_critic`."""
    if model in EMBEDDED_NAMES:
        return _from_file(embedded_path(model), model, weights)
    if model in TRANSLATORS:
        return _from_file(TRANSLATORS[model], model, weights)
    architecture = architecture_of(model)
    if architecture in NAMED:
        return _from_architecture(model, architecture, weights)
    if Path(model).suffix.lower() in (".safetensors", *STATE_DICTS) or Path(model).exists():
        path = network_in(Path(model))
        return _from_file(path, path.name, weights)
    library = open_library(model, weights)
    if library is not None:
        return library
    hint = "or timm/NAME, any other name of torchvision, or the path of a .safetensors file that was trained here"
    raise InputError(unknown_name("model", model, (*model_names(), *TRANSLATORS), hint))


def _from_file(path: Path, name: str, weights: str | Path | None) -> tuple[nn.Module, Preprocessing, Identity]:
    if weights is not None:
        raise InputError(f"--weights goes with a named architecture; '{name}' already carries its own")
    if path.is_dir():
        raise WeightsError(
            f"'{path}' is a folder without a finished network; expected a .safetensors file, or a folder with a "
            "model.safetensors of 'reverie train classifier' in it"
        )
    if path.suffix.lower() in STATE_DICTS and path.is_file():
        raise WeightsError(_bare_weights(path))
    with damage_named(path.name):
        return _described(path, name)


def _described(path: Path, name: str) -> tuple[nn.Module, Preprocessing, Identity]:
    state, about = load_model(path)
    if about.kind == TRANSLATOR:
        return _translator(state, about, path, name)
    if about.kind != "classifier":
        raise WeightsError(f"'{path.name}' holds a network of kind '{about.kind}'; dreaming needs a classifier")
    with shapes_only():
        net = build_classifier(about.architecture, len(about.classes), about.options)
    _load(net, state, path.name)
    identity = replace(_identity(net, name, about, file_sha256(path)), measured=(str(path),))
    return net, Preprocessing(about.mean, about.std), identity


def _translator(
    state: dict[str, Tensor], about: Description, path: Path, name: str
) -> tuple[nn.Module, Preprocessing, Identity]:
    """Return a translator whose layers are looked at; it has no classes."""
    shape = parse_shape(about.options, path.name)
    if shape.inputs != 3:
        raise WeightsError(f"'{path.name}' takes {shape.inputs} channels; what is dreamt has the three of a picture")
    with shapes_only():
        net = build_translator(shape)
    _load(net, {key: value.float() if value.is_floating_point() else value for key, value in state.items()}, path.name)
    deepest = {"unet": f"down.{shape.depth - 1}", "resnet": "down.2", "autoencoder": "net.3"}
    layer = deepest.get(shape.architecture, f"layers.{len(shape.dilations) - 1}")
    identity = Identity(name, (), file_sha256(path), about.input_px, (layer,))
    return net, Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), identity


def _bare_weights(path: Path) -> str:
    if path.name == "checkpoint.pt" and path.with_name("settings.json").is_file():
        return f"'{path}' is the checkpoint of an unfinished run; --resume goes on with it and makes model.safetensors"
    return (
        f"'{path}' does not say what network it belongs to; name its architecture, one of 'reverie models', in its "
        f"place, and add --weights '{path}'"
    )


def _identity(net: nn.Module, name: str, about: Description, sha256: str) -> Identity:
    family = FAMILIES[about.architecture]
    layers = tuple(about.default_layer.split(",")) if about.default_layer else family.default_layers
    return Identity(
        name,
        readable_names(about.classes),
        sha256,
        about.input_px,
        layers,
        about.color_correlation,
        family.alias(net),
        family.logits_path,
        family.pooled,
    )


def readable_names(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return class names without the WordNet number in front (``n01443537-goldfish``), where they stay distinct."""
    short = [WORDNET.sub("", name) or name for name in classes]
    return tuple(s if short.count(s) == 1 else c for s, c in zip(short, classes, strict=True))


def _from_architecture(
    model: str, architecture: str, weights: str | Path | None
) -> tuple[nn.Module, Preprocessing, Identity]:
    family = FAMILIES[architecture]
    record = CATALOGUE.get(architecture)
    input_px = record.input_px if record else 224
    if weights == RANDOM:
        net, digest, classes = _untrained(architecture), RANDOM, ()
    else:
        path = Path(weights) if weights is not None else _cached(architecture)
        if path is None:
            fetch = f"get them with 'reverie models fetch {architecture}', " if record else ""
            raise WeightsError(
                f"the weights of {architecture} are not on this machine; {fetch}give a file with --weights, or use the "
                "embedded default"
            )
        state = adapt_state(load_state_dict(path))
        if path.suffix.lower() == CAFFEMODEL:
            state = _from_caffe(model, architecture, state)
        net, classes = _with_state(architecture, state, path.name)
        digest = file_sha256(path)
    preprocessing = _preprocessing(model, architecture, net)
    identity = Identity(
        name=model,
        classes=classes,
        sha256=digest,
        input_px=input_px,
        default_layers=family.default_layers,
        alias=family.alias(net),
        logits_path=family.logits_path,
        pooled=family.pooled,
    )
    return net, preprocessing, identity


def _from_caffe(model: str, architecture: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    if not model.endswith(CAFFE):
        raise InputError(f"weights of Caffe go with networks that see colors as Caffe: --model {architecture}{CAFFE}")
    with shapes_only():
        alias = FAMILIES[architecture].alias(build_classifier(architecture, 1000))
    return by_modules(state, alias)


def _untrained(architecture: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = build_classifier(architecture, 1000)
        for module in net.modules():
            if isinstance(module, nn.Conv2d) and architecture in WITHOUT_OWN_START:
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    return net


def _with_state(architecture: str, state: dict[str, Tensor], name: str) -> tuple[nn.Module, tuple[str, ...]]:
    names = HEADS.get(architecture, ("fc.weight", "classifier.6.weight", "classifier.1.weight", "classifier.weight"))
    head = next((state[name] for name in names if name in state), None)
    if head is None or not head.ndim:
        raise WeightsError(f"'{name}' does not fit {architecture}: no classifier weights in it")
    with shapes_only():
        net = build_classifier(architecture, head.shape[0])
    _load(net, state, name)
    return net, imagenet_classes() if head.shape[0] == 1000 else ()


def _load(net: nn.Module, state: dict[str, Tensor], name: str) -> None:
    try:
        net.load_state_dict(state, strict=True, assign=True)
    except RuntimeError as error:
        raise WeightsError(f"'{name}' does not fit this architecture: {misfit(net.state_dict(), state)}") from error


def _preprocessing(model: str, architecture: str, net: nn.Module) -> Preprocessing:
    if model.endswith(CAFFE):
        return Preprocessing(CAFFE_MEAN, (1.0, 1.0, 1.0), 255.0, bgr=True)
    if architecture in ("googlenet", "inception_v3"):
        # torchvision's weights were ported from TensorFlow, which feeds [-1, 1]; its transform_input undoes ImageNet's.
        return Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Preprocessing(IMAGENET_MEAN, IMAGENET_STD)


def _cached(architecture: str) -> Path | None:
    return cached(architecture) if architecture in CATALOGUE else None
