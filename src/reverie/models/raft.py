"""RAFT as an estimator of motion between pictures of any size.

Source: Teed & Deng 2020, arXiv 2003.12039, in torchvision's small version.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from reverie.weights.vision import torchvision

STRIDE, SMALLEST_PX = 8, 128  # of torchvision's network: sides are multiples of the one and at least the other
UPDATES = 12


class RaftFlow(nn.Module):
    """Dense flow: for each pixel of the first picture, where it is in the second, in pixels."""

    def __init__(self, state: dict[str, Tensor] | None = None) -> None:
        super().__init__()
        torchvision()
        from torchvision.models.optical_flow import raft_small

        self.net = raft_small(weights=None)
        if state is not None:
            self.net.load_state_dict(state)
        self.eval()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return ``[B, 2, H, W]`` (right, down) for two ``[B, 3, H, W]`` in [0, 1]; small ones grow by their edge."""
        height, width = first.shape[-2:]
        more = [max(SMALLEST_PX, side + -side % STRIDE) - side for side in (width, height)]
        pad = (more[0] // 2, more[0] - more[0] // 2, more[1] // 2, more[1] - more[1] // 2)
        views = [F.pad(2 * picture - 1, pad, mode="replicate") for picture in (first, second)]
        flow = self.net(*views, num_flow_updates=UPDATES)[-1]
        return flow[..., pad[2] : pad[2] + height, pad[0] : pad[0] + width]
