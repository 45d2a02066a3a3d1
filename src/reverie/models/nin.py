"""Network in Network as it was trained on ImageNet: small, quick, and paints far larger pictures in the same memory."""

from __future__ import annotations

from torch import Tensor, nn

# Channels, side and stride of the convolution that begins each stage; two more of one pixel follow it.
STAGES = ((96, 11, 4, 0), (256, 5, 1, 2), (384, 3, 1, 1), (1024, 3, 1, 1))


class NetworkInNetwork(nn.Module):
    """Four stages of a convolution and two layers of 1 x 1; the mean over positions of the last one gives the logits.

    Positions in `features` are those of the files that style transfer has used since 2015, so these can be loaded.
    Source: Lin, Chen, Yan 2013 (Network In Network), and the model that its authors trained with Caffe.

    Args:
        classes: outputs.

    Shapes: ``[B, 3, H, W]`` to ``[B, classes]``.
    """

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for number, (channels, side, stride, padding) in enumerate(STAGES):
            last = number == len(STAGES) - 1
            layers += [nn.Dropout(0.5)] if last else []
            layers += [nn.Conv2d(before, channels, side, stride, padding), nn.ReLU(inplace=True)]
            layers += [nn.Conv2d(channels, channels, 1), nn.ReLU(inplace=True)]
            layers += [nn.Conv2d(channels, classes if last else channels, 1), nn.ReLU(inplace=True)]
            layers += [] if last else [nn.MaxPool2d(3, 2, ceil_mode=True)]
            before = channels
        self.features = nn.Sequential(*layers)
        self.logits = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        return self.logits(self.features(images))
