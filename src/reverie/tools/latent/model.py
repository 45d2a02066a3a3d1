"""An open generator as the tools of latent space use it: seeds in, bytes of pictures out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.precision import resolve_device, resolve_precision
from reverie.errors import InputError
from reverie.jobs.job import Input
from reverie.jobs.output import Bytes
from reverie.jobs.session import Session
from reverie.jobs.work import Chosen
from reverie.models.stylegan2.file import OpenGenerator, generator_path, load_generator
from reverie.models.stylegan2.generator import Noise
from reverie.models.stylegan2.latents import SUFFIX, Latents
from reverie.tools.latent.config import GeneratorSettings
from reverie.tools.latent.proxy import Proxy, fit_proxy
from reverie.weights.checkpoint import file_sha256

BF16_FROM_PX = 256  # smaller networks are quick enough to be exact; in StyleGAN3 rounding is seen, 34 to 50 dB
MANY, FEW = 96, 24  # pictures that a proxy is fitted to, of small and of large networks
SAMPLES = 1024  # w whose distance from the center is measured
AT_ONCE_PX = 512**2  # pixels drawn in one call


class LatentModel:
    """A generator with a device, an arithmetic, and the center of its truncation.

    Args:
        config: which generator.
        session: keeps it open.
    """

    def __init__(self, config: GeneratorSettings, session: Session) -> None:
        self.settings, self._session = config, session
        self.device = resolve_device(config.device)
        path = generator_path(config.model)
        key = ("generator", str(path), str(self.device), config.tiles)
        self.opened = session.opened(key, lambda: _opened(path, self.device, config.tiles))
        self.net, self.config = self.opened.net, self.opened.config
        self.sha256 = session.opened(("sha256", str(path)), lambda: file_sha256(path))
        self.chosen = Chosen(Input(Path(config.model).name, self.sha256), str(self.device))
        gains = max(self.config.size) >= BF16_FROM_PX and self.config.alias_free is None
        precision = resolve_precision(config.precision, self.device) if gains or config.precision != "auto" else "fp32"
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.class_vector = self.opened.class_vector(config.class_name, self.device)
        self._centers: dict[str | None, Tensor] = {}

    def saved(self, ws: Tensor, names: Sequence[str]) -> Bytes:
        """Return the file of latents ``[n, num_ws, w_dim]`` that stands beside a result."""
        return Bytes(Latents(ws, tuple(names), self.sha256).encoded, (SUFFIX,), "latents", inside=True)

    # -- latents ------------------------------------------------------------------------------------------------------

    def z(self, seed: int) -> Tensor:
        """Return the latent ``[z_dim]`` of a seed: the numbers that the published programs draw for it."""
        drawn = np.random.RandomState(seed).randn(self.config.z_dim)  # what seeds mean in this field
        return torch.from_numpy(drawn).float().to(self.device)

    @torch.no_grad()
    def w(self, z: Tensor, class_name: str | None = None) -> Tensor:
        """Return w ``[B, w_dim]`` for z ``[B, z_dim]``."""
        vector = self.vector(class_name)
        return self.net.mapping(z, None if vector is None else vector.expand(len(z), -1))

    def vector(self, class_name: str | None = None) -> Tensor | None:
        """Return the class ``[c_dim]`` by name, or that of the settings."""
        return self.class_vector if class_name is None else self.opened.class_vector(class_name, self.device)

    def center(self, class_name: str | None = None) -> Tensor:
        """Return the w that truncation draws to: the mean of all, or of the class."""
        name = class_name or self.settings.class_name
        if name not in self._centers:
            self._centers[name] = self.net.center(self.vector(class_name))
        return self._centers[name]

    @functools.cached_property
    @torch.no_grad()
    def distance(self) -> float:
        """How far w is from the center, on average over random z."""
        z = torch.randn(SAMPLES, self.config.z_dim, generator=torch.Generator().manual_seed(0)).to(self.device)
        return (self.w(z) - self.center()).norm(dim=1).mean().item()

    def truncated(self, w: Tensor, psi: float | None = None, class_name: str | None = None) -> Tensor:
        """Return center + psi (w - center)."""
        return self.center(class_name).lerp(w, self.settings.truncation if psi is None else psi)

    def ws_of_seed(self, seed: int, psi: float | None = None, class_name: str | None = None) -> Tensor:
        """Return ``[num_ws, w_dim]`` of a seed, truncated."""
        name = self.class_of_seed(seed, class_name)
        w = self.w(self.z(seed)[None], name)
        return self.net.spread(self.truncated(w, psi, name))[0]

    def class_of_seed(self, seed: int, class_name: str | None = None) -> str | None:
        """Return the class that is asked for; else seeds go round the classes, as a mixture of them is none."""
        found = class_name or self.settings.class_name
        if found is not None or not self.config.c_dim:
            return found
        index = seed % self.config.c_dim
        return self.opened.about.classes[index] if self.opened.about.classes else str(index)

    def check_fits(self, latents: Latents, name: str) -> None:
        """Raise `InputError` if saved latents cannot belong to this network."""
        if latents.ws.shape[1:] != (self.config.num_ws, self.config.w_dim):
            raise InputError(
                f"'{name}' holds latents of {latents.ws.shape[1]} x {latents.ws.shape[2]} values; "
                f"'{self.opened.path.name}' takes {self.config.num_ws} x {self.config.w_dim}"
            )

    # -- pictures -----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def draw(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """Return pictures ``[B, colors, H, W]`` in [0, 1]."""
        images = self.net.synthesis(ws.to(self.device), noise, self.dtype)
        return images.float().div(2).add(0.5).clamp(0, 1)

    def draft(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """Return small, rough pictures ``[B, 3, h, w]`` in [0, 1]; see `reverie.tools.latent.proxy`."""
        return self.proxy.draw(self.net, ws.to(self.device), noise, self.dtype)

    @functools.cached_property
    def proxy(self) -> Proxy:
        """What `draft` draws by, fitted when first asked for."""
        large = max(self.config.size) >= BF16_FROM_PX
        return self._session.opened(
            ("proxy", self.sha256, self.settings.tiles), lambda: fit_proxy(self.net, FEW if large else MANY)
        )

    def noise_of(self, seed: int) -> Noise:
        """Return the noise that the settings ask for."""
        if self.settings.noise == "seed":
            return torch.Generator().manual_seed(seed)
        return "none" if self.settings.noise == "none" else "const"

    @property
    def at_once(self) -> int:
        """Pictures that are drawn in one call."""
        return max(1, AT_ONCE_PX // (self.config.size[0] * self.config.size[1]))


def _opened(path: Path, device: torch.device, tiles: str) -> OpenGenerator:
    opened = load_generator(path)
    if tiles == "products":
        opened.net.without_loops()
    opened.net.to(device)
    return opened


def as_bytes(images: Tensor) -> np.ndarray:
    """Return ``[B, H, W, 3]`` uint8 of pictures ``[B, colors, H, W]`` in [0, 1]; transparency is laid on black."""
    if images.shape[1] == 4:
        images = images[:, :3] * images[:, 3:]
    rgb = images.expand(-1, 3, -1, -1)
    return (rgb * 255).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def enlarged(images: Tensor, height: int | None) -> Tensor:
    """Return pictures at another height, smoothly."""
    if height is None or height == images.shape[2]:
        return images
    width = round(images.shape[3] * height / images.shape[2])
    return F.interpolate(images, (height, width), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
