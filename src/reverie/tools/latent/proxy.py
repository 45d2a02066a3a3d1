"""A quick, rough picture: the first blocks of a generator, and a linear readout of what they hold.

The colors that a block gives are no preview: in a trained network nearly all of the picture comes from the last ones.
But a 3x3 filter from its activations to the small final picture, fitted by least squares, is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.stylegan2.generator import Generator, Noise

TAPS = 3
PLACES = 256  # of each picture that are fitted
RIDGE = 1e-4  # of the mean square of the features, added to the diagonal
SMALLER = 4  # how many times smaller a proxy is, about


@dataclass(frozen=True, eq=False)
class Proxy:
    """Activations after block `stage` to a picture of their size.

    Attributes:
        stage: the block.
        weight: ``[3, C, 3, 3]`` filter.
        bias: ``[3]``.
        psnr_db: against the small final pictures, on pictures that were not fitted.
    """

    stage: int
    weight: Tensor
    bias: Tensor
    psnr_db: float

    @torch.no_grad()
    def draw(self, net: Generator, ws: Tensor, noise: Noise, dtype: torch.dtype) -> Tensor:
        """Return small pictures ``[B, 3, h, w]`` in [0, 1]."""
        for stage, (x, _) in enumerate(net.synthesis.stepwise(ws, noise, dtype)):
            if stage == self.stage:
                return F.conv2d(x.float(), self.weight, self.bias, padding=TAPS // 2).clamp(0, 1)
        raise AssertionError("a proxy has fewer blocks than its network")


def proxy_stage(net: Generator) -> int:
    """Return the last block whose activations are about a quarter of the picture's size."""
    config = net.config
    small = [k for k in range(config.stages) if SMALLER * config.stage_size(k)[0] <= config.size[0]]
    return small[-1] if small else 0


@torch.no_grad()
def fit_proxy(net: Generator, count: int = 96, held: int = 16, seed: int = 0) -> Proxy:
    """Return the proxy of a network, fitted to `count` random pictures and measured on `held` others.

    W = argmin |W f - y|^2 + ridge |W|^2 over patches f of 3x3 activations and pixels y of the small final picture.
    """
    generator = torch.Generator().manual_seed(seed)
    stage, device = proxy_stage(net), net.mapping.w_avg.device
    square, product, seen = None, None, 0
    for _ in range(count):
        features, target = _looked(net, stage, generator, device)
        places = torch.randperm(features.shape[1], generator=generator)[:PLACES].to(device)
        rows, wanted = features[:, places].T.double().cpu(), target[:, places].T.double().cpu()
        square = rows.T @ rows if square is None else square + rows.T @ rows
        product = rows.T @ wanted if product is None else product + rows.T @ wanted
        seen += len(rows)
    assert square is not None
    assert product is not None
    square.diagonal().add_(RIDGE * square.diagonal().mean())
    solved = torch.linalg.solve(square, product).T.float()
    channels = net.config.channels[stage]
    weight, bias = solved[:, :-1].reshape(3, channels, TAPS, TAPS).to(device), solved[:, -1].contiguous().to(device)
    errors = []
    for _ in range(held):
        features, target = _looked(net, stage, generator, device)
        guess = (solved.to(device) @ features).clamp(0, 1)
        errors.append((guess - target).square().mean())
    return Proxy(stage, weight, bias, -10 * torch.stack(errors).mean().log10().item())


def _looked(net: Generator, stage: int, generator: torch.Generator, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return patches ``[9 C + 1, places]`` of a random picture's activations, and its small colors ``[3, places]``."""
    config = net.config
    z = torch.randn(1, config.z_dim, generator=generator).to(device)
    classes = None
    if config.c_dim:
        classes = torch.eye(config.c_dim)[torch.randint(config.c_dim, (1,), generator=generator)].to(device)
    w = net.mapping.w_avg.lerp(net.mapping(z, classes), 0.8)
    found, images = None, None
    for number, (x, images) in enumerate(net.synthesis.stepwise(net.spread(w))):  # noqa: B007 - the last one is wanted
        if number == stage:
            found = F.unfold(x.float(), TAPS, padding=TAPS // 2)[0]
    assert found is not None
    assert images is not None
    small = F.interpolate(images[:, :3].expand(-1, 3, -1, -1), config.stage_size(stage), mode="area")
    return torch.cat([found, torch.ones_like(found[:1])]), (small / 2 + 0.5).clamp(0, 1)[0].flatten(1)
