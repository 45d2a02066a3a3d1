"""Style transfers that the style benchmarks compare: ours, pystiche's, and a plain loop of the best-known recipe.

All have `step` and `picture`. The peers get the network as torchvision gives it, with its weights frozen unless asked
otherwise, and preprocess by themselves.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.api.styling import Styling
from reverie.critic.critic import Critic
from reverie.media.image import read_picture
from reverie.numerics.resample import long_side, resize
from reverie.optimize.ascend import Step
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import Style, StylePictures
from reverie.weights.vision import torchvision

SUFFIXES = (".jpg", ".jpeg", ".png")
CAFFE_BGR = (104.0, 117.0, 123.0)
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
VGG_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
VGG_CONTENT = "relu4_2"
SQUEEZE_STYLE = ("relu1", "fire3", "fire4", "fire5", "fire7")
SQUEEZE_CONTENT = "fire5"
SQUEEZE_NAMES = (
    "conv1", "relu1", "pool1", "fire2", "fire3", "pool3", "fire4", "fire5", "pool5", "fire6", "fire7",
)  # fmt: skip
CHANNELS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512,
            "relu1": 64, "fire3": 128, "fire4": 256, "fire5": 256, "fire7": 384}  # fmt: skip
Modules = list[tuple[str, nn.Module]]


class Transfer(Protocol):
    """A style transfer that goes step by step."""

    def step(self) -> bool:
        """Take a step; False once there is none left."""
        ...

    def picture(self) -> Tensor:
        """Return the result so far, ``[1, 3, H, W]`` in [0, 1], at its final size."""
        ...


# --- pictures -----------------------------------------------------------------------------------------------------


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder by name."""
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise SystemExit(f"no pictures in {folder}")
    return found


def pairs_of(contents: Path, styles: Path, count: int) -> list[tuple[Path, Path]]:
    """Return contents with styles: each list in order, the shorter one from its start again."""
    first, second = pictures_in(contents), pictures_in(styles)
    return [(first[i % len(first)], second[i % len(second)]) for i in range(count)]


def load(path: Path, longest: int, *, enlarge: bool = True) -> Tensor:
    """Return ``[1, 3, H, W]`` in [0, 1] with its longer side at `longest`; a smaller one stays so unless enlarged."""
    image = torch.from_numpy(read_picture(path).rgb).permute(2, 0, 1)[None].float().contiguous()
    own = (image.shape[-2], image.shape[-1])
    return resize(image, long_side(own, longest if enlarge else min(longest, max(own)))).clamp(0, 1)


# --- ours ---------------------------------------------------------------------------------------------------------


class Ours:
    """`reverie style` as it runs by default, on pictures in memory."""

    def __init__(self, content: Tensor, style: Tensor, critic: Critic, config: StyleConfig) -> None:
        pictures = StylePictures((Style("style", style, None, 1.0),))
        self.styling = Styling(content[0].permute(1, 2, 0).numpy(), config, critic, pictures=pictures)
        self._steps: Iterator[Step] = iter(self.styling)

    def step(self) -> bool:
        """Take a step of the running scale."""
        return next(self._steps, None) is not None

    def picture(self) -> Tensor:
        """Return the averaged picture at its final size."""
        assert self.styling.last is not None
        return self.styling.last.whole()


# --- networks for the peers ---------------------------------------------------------------------------------------


def vgg19_modules(net: Any) -> Modules:
    """Return VGG-19 to relu5_1 as named modules."""
    found: Modules = []
    block, place = 1, 0
    for module in net.features:
        kind = {nn.Conv2d: "conv", nn.ReLU: "relu"}.get(type(module))
        if kind is None:
            found.append((f"pool{block}", module))
            block, place = block + 1, 0
            continue
        place += kind == "conv"
        found.append((f"{kind}{block}_{place}", module))
        if found[-1][0] == "relu5_1":
            break
    return found


def squeezenet_modules(weights: Path) -> Modules:
    """Return SqueezeNet 1.1 to fire7 as named modules, with weights from a state dict, read as data."""
    net = torchvision().models.squeezenet1_1(weights=None)
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return list(zip(SQUEEZE_NAMES, net.eval().features, strict=False))


class Prepared(nn.Module):
    """Preprocessing as a module: Caffe's for Caffe's weights, torchvision's otherwise."""

    def __init__(self, *, caffe: bool) -> None:
        super().__init__()
        mean, std = (CAFFE_BGR, (1.0, 1.0, 1.0)) if caffe else IMAGENET
        self.caffe = caffe
        self.mean, self.std = (torch.tensor(v).view(1, 3, 1, 1) for v in (mean, std))

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network wants of ``[B, 3, H, W]`` in [0, 1]."""
        images = images.flip(1) * 255 if self.caffe else images
        return (images - self.mean) / self.std


# --- pystiche -----------------------------------------------------------------------------------------------------


def import_pystiche() -> Any:
    """Return pystiche 1.0.1, whose zoo wants addresses of weights that torchvision no longer has."""
    torchvision()
    variants = [f"vgg{n}{norm}" for n in (11, 13, 16, 19) for norm in ("", "_bn")]
    for name, known in (("vgg", variants), ("alexnet", ["alexnet"])):
        module: Any = sys.modules[f"torchvision.models.{name}"]
        if not hasattr(module, "model_urls"):
            module.model_urls = dict.fromkeys(known, "")
    import pystiche

    return pystiche


class Pystiche:
    """The recipe of Gatys, Ecker, Bethge 2016 with pystiche's losses and its default optimizer, L-BFGS.

    Layer weights ``1 / C^2``, style 1000, content 1, pixels in Caffe's range where the network wants that, start at
    the content: the values that pystiche's papers collection names for the authors' own implementation.
    """

    def __init__(
        self, modules: Modules, style_layers: Sequence[str], content_layer: str, content: Tensor, style: Tensor, *,
        caffe: bool, frozen: bool = True, style_weight: float = 1e3,
    ) -> None:  # fmt: skip
        pystiche = import_pystiche()
        from pystiche import enc, loss, optim

        self.before = enc.CaffePreprocessing() if caffe else enc.TorchPreprocessing()
        self.after = enc.CaffePostprocessing() if caffe else enc.TorchPostprocessing()
        encoder = enc.MultiLayerEncoder(modules)
        for parameter in encoder.parameters():
            parameter.requires_grad_(not frozen)
        self.criterion = loss.PerceptualLoss(
            loss.FeatureReconstructionLoss(encoder.extract_encoder(content_layer), score_weight=1.0),
            loss.MultiLayerEncodingLoss(
                encoder, style_layers, lambda e, weight: loss.GramLoss(e, score_weight=weight),
                layer_weights=[1 / CHANNELS[name] ** 2 for name in style_layers], score_weight=style_weight,
            ),
        )  # fmt: skip
        self.criterion.set_content_image(self.before(content))
        self.criterion.set_style_image(self.before(style))
        self.pixels = self.before(content.clone())
        self.optimizer = optim.default_image_optimizer(self.pixels)
        self.version = pystiche.__version__

    def step(self) -> bool:
        """Take a step as `pystiche.optim.image_optimization` does."""

        def closure() -> float:
            self.optimizer.zero_grad()
            loss = self.criterion(self.pixels)
            loss.backward()
            return float(loss)

        self.optimizer.step(closure)
        return True

    def picture(self) -> Tensor:
        """Return the iterate."""
        with torch.no_grad():
            return self.after(self.pixels.detach()).clamp(0, 1)


# --- the best-known recipe ----------------------------------------------------------------------------------------


def newton_schulz(matrix: Tensor, steps: int = 12) -> Tensor:
    """Return an approximate square root of a positive matrix. Source: Higham 2008, section 6.3."""
    norm = matrix.norm()
    y, identity = matrix / norm, torch.eye(len(matrix))
    z = identity
    for _ in range(steps):
        t = (3 * identity - z @ y) / 2
        y, z = y @ t, t @ z
    return y * norm.sqrt()


class NewtonSchulzRoot(torch.autograd.Function):
    """The root with its backward pass by Newton-Schulz iterations of the Lyapunov equation.

    Source: Lin & Maji 2017, arXiv 1707.06772, section 3: cheaper than a pass through the iterations.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        """Return the root."""
        root = newton_schulz(matrix)
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        """Solve ``root X + X root = slope``."""
        (root,) = ctx.saved_tensors
        norm = root.norm()
        a, q, identity = root / norm, slopes[0] / norm, torch.eye(len(root))
        for _ in range(12):
            q = 0.5 * (q @ (3 * identity - a @ a) - a.mT @ (a.mT @ q - q @ a))
            a = 0.5 * a @ (3 * identity - a @ a)
        return 0.5 * q


class Plain:
    """Wasserstein style loss by Newton-Schulz, content and smoothness; fp32, NCHW, Adam, averaged iterates.

    Hyperparameters as in style-transfer-pytorch (2023): layer weights 256, 64, 16, 4, 1, content 0.015, total
    variation 2, learning rate 0.02, betas 0.9 and 0.99, average 0.99; one scale per object.
    """

    def __init__(
        self, modules: Modules, style_layers: Sequence[str], content_layer: str, content: Tensor, style: Tensor, *,
        caffe: bool, start: Tensor | None = None,
    ) -> None:  # fmt: skip
        self.modules, self.prepare = modules, Prepared(caffe=caffe)
        for _, module in modules:
            module.requires_grad_(False)
        shares = [4.0 ** (len(style_layers) - 1 - i) for i in range(len(style_layers))]
        self.shares = {name: share / sum(shares) for name, share in zip(style_layers, shares, strict=True)}
        self.content_layer = content_layer
        with torch.no_grad():
            self.wanted = self.features(content)[content_layer]
            seen = self.features(style)
            self.targets = {name: self.moments(seen[name]) for name in style_layers}
            self.roots = {name: newton_schulz(covariance) for name, (_, covariance) in self.targets.items()}
        self.pixels = (content if start is None else start).clone().requires_grad_(True)
        self.optimizer = torch.optim.Adam([self.pixels], lr=0.02, betas=(0.9, 0.99))
        self.total, self.weight = torch.zeros_like(content), 0.0

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Return the activations of all layers that are read."""
        found, x = {}, self.prepare(images)
        for name, module in self.modules:
            x = module(x)
            if name in self.shares or name == self.content_layer:
                found[name] = x
        return found

    def moments(self, activation: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and covariance over positions."""
        rows = activation.flatten(2)[0]
        mean = rows.mean(1)
        return mean, rows @ rows.mT / rows.shape[1] - torch.outer(mean, mean) + 1e-4 * torch.eye(len(rows))

    def style(self, name: str, activation: Tensor) -> Tensor:
        """Return the distance of one layer to the style."""
        mean, covariance = self.moments(activation)
        there, root = self.targets[name], self.roots[name]
        shared = NewtonSchulzRoot.apply(root @ covariance @ root)
        return (mean - there[0]).square().mean() + (covariance + there[1] - 2 * shared).diagonal().mean()

    def smoothness(self) -> Tensor:
        """Return the nine-point total variation."""
        p = F.pad(self.pixels, (1, 1, 1, 1), "replicate")
        middle = p[..., 1:-1, 1:-1]
        straight = ((0, 1), (1, 0))
        slanted = ((1, 1), (1, -1))
        total = middle.new_zeros(())
        for moves, share in ((straight, 3.0), (slanted, 12.0)):
            for down, right in moves:
                rows, columns = slice(1 + down, p.shape[2] - 1 + down), slice(1 + right, p.shape[3] - 1 + right)
                total = total + (p[..., rows, columns] - middle).square().mean() / share
        return 2 * total

    def step(self) -> bool:
        """Take a step of Adam."""
        self.optimizer.zero_grad()
        found = self.features(self.pixels)
        loss = 0.015 * F.mse_loss(found[self.content_layer], self.wanted) + 2 * self.smoothness()
        for name, share in self.shares.items():
            loss = loss + share * self.style(name, found[name])
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.pixels.clamp_(0, 1)
            self.total.lerp_(self.pixels, 0.01)
            self.weight = 0.99 * self.weight + 0.01
        return True

    def picture(self) -> Tensor:
        """Return the averaged picture."""
        return (self.total / max(self.weight, 1e-12)).clamp(0, 1)


class PlainScales:
    """The same from coarse to fine with the recipe's own numbers of steps: 1000 at 128 px, then 500 per scale."""

    def __init__(self, modules: Modules, layers: tuple[Sequence[str], str], content: Tensor, style: Tensor,
                 *, caffe: bool) -> None:  # fmt: skip
        self.size = (content.shape[-2], content.shape[-1])
        self.args, self.pair, self.caffe = (modules, *layers), (content, style), caffe
        longest = max(self.size)
        sides = [longest]
        while round(sides[-1] / 2**0.5) >= 128:
            sides.append(round(longest / 2 ** (len(sides) / 2)))
        self.sides = sides[::-1]
        self.left, self.now = 0, None

    def step(self) -> bool:
        """Take a step of the running scale, or begin the next one."""
        if self.left == 0:
            if not self.sides:
                return False
            self._next(self.sides.pop(0))
        assert self.now is not None
        self.left -= 1
        return self.now.step()

    def picture(self) -> Tensor:
        """Return the averaged picture at the final size."""
        assert self.now is not None
        return resize(self.now.picture(), self.size).clamp(0, 1)

    def _next(self, side: int) -> None:
        content, style = self.pair
        own = (style.shape[-2], style.shape[-1])
        here = resize(content, long_side(self.size, side)).clamp(0, 1)
        seen = resize(style, long_side(own, min(side, max(own)))).clamp(0, 1)
        start = None if self.now is None else resize(self.now.picture(), (here.shape[-2], here.shape[-1])).clamp(0, 1)
        self.left = 1000 if self.now is None else 500
        self.now = Plain(*self.args, here, seen, caffe=self.caffe, start=start)


def timed(transfer: Transfer) -> tuple[bool, float]:
    """Take one step; return whether there was one, and its CPU seconds."""
    began = time.process_time()
    going = transfer.step()
    return going, time.process_time() - began
