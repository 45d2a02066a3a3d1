"""Networks whose weights can be fetched: where from, how to check them, and what pictures they expect.

All but one are torchvision's, trained on ImageNet-1k (1000 classes). Their official file names carry the first eight
hex digits of the sha256 of their bytes, and that is what a download is checked against. URLs and sizes are those of
torchvision 0.28's weight enums; sizes are exact to half a kilobyte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Triple = tuple[float, float, float]

OFFICIAL = "https://download.pytorch.org/models/"
LICENCE = "BSD-3-Clause (torchvision); the training pictures of ImageNet are for non-commercial research"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PORTED = (
    "Ported from TensorFlow, which feeds [-1, 1]: mean and std are those of a network built with "
    "transform_input=False, as build_classifier does. torchvision normalizes by ImageNet's and undoes that inside."
)


@dataclass(frozen=True)
class Weights:
    """One downloadable file of weights.

    `sha256` is the whole hash or empty; `sha256_prefix` its first digits; `sha1` the whole one, where authors publish
    no other, and then `size_bytes` is exact and counts as well. `mean` and `std` are per channel for RGB inputs in
    [0, 1]; `input_px` is the side of the crop that the published accuracy was measured at.
    """

    name: str
    architecture: str
    url: str
    citation: str
    size_bytes: int
    sha256: str = ""
    sha256_prefix: str = ""
    sha1: str = ""
    licence: str = LICENCE
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    input_px: int = 224
    note: str = ""

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    @property
    def check(self) -> tuple[str, str]:
        """Return the kind of hash that a download is checked by, and its digits or the first of them."""
        return ("sha1", self.sha1) if self.sha1 else ("sha256", self.sha256 or self.sha256_prefix)


GOOGLENET = "Szegedy et al. 2014, Going Deeper with Convolutions, arXiv 1409.4842"
INCEPTION = "Szegedy et al. 2015, Rethinking the Inception Architecture for Computer Vision, arXiv 1512.00567"
VGG = "Simonyan & Zisserman 2014, Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv 1409.1556"
RESNET = "He et al. 2015, Deep Residual Learning for Image Recognition, arXiv 1512.03385"
SQUEEZENET = "Iandola et al. 2016, SqueezeNet, arXiv 1602.07360"
DENSENET = "Huang et al. 2016, Densely Connected Convolutional Networks, arXiv 1608.06993"
ALEXNET = "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997"
MOBILENET = "Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv 1801.04381"


def _official(
    name: str, file_name: str, size_mib: float, citation: str, *, input_px: int = 224, ported: bool = False
) -> Weights:
    """Return torchvision's record of `name`; the hash prefix is read off the file name."""
    digits = re.search(r"-([0-9a-f]{8})\.pth$", file_name)
    if digits is None:
        raise ValueError(f"'{file_name}' carries no hash")
    half = (0.5, 0.5, 0.5)
    return Weights(
        name, name, OFFICIAL + file_name, citation, round(size_mib * 2**20), sha256_prefix=digits[1],
        mean=half if ported else IMAGENET_MEAN, std=half if ported else IMAGENET_STD,
        input_px=input_px, note=PORTED if ported else "",
    )  # fmt: skip


BVLC_GOOGLENET = Weights(
    "googlenet-caffe", "googlenet-caffe", "http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel", GOOGLENET,
    53_533_754, sha1="405fc5acd08a3bb12de8ee5e23a96bec22f08204",
    licence="unrestricted use; the training pictures of ImageNet are for non-commercial research",
    note="its authors publish a SHA-1 and no SHA-256; the file is read as data, whatever it holds",
)  # fmt: skip

CATALOGUE: dict[str, Weights] = {
    record.name: record
    for record in (
        _official("googlenet", "googlenet-1378be20.pth", 49.731, GOOGLENET, ported=True),
        _official("inception_v3", "inception_v3_google-0cc3c7bd.pth", 103.903, INCEPTION, input_px=299, ported=True),
        _official("vgg11", "vgg11-8a719046.pth", 506.84, VGG),
        _official("vgg16", "vgg16-397923af.pth", 527.796, VGG),
        _official("vgg19", "vgg19-dcbb9e9d.pth", 548.051, VGG),
        _official("vgg16_bn", "vgg16_bn-6c64b313.pth", 527.866, VGG),
        _official("vgg19_bn", "vgg19_bn-c79401a0.pth", 548.143, VGG),
        _official("resnet18", "resnet18-f37072fd.pth", 44.661, RESNET),
        _official("resnet34", "resnet34-b627a593.pth", 83.275, RESNET),
        _official("resnet50", "resnet50-0676ba61.pth", 97.781, RESNET),
        _official("squeezenet1_0", "squeezenet1_0-b66bff10.pth", 4.778, SQUEEZENET),
        _official("squeezenet1_1", "squeezenet1_1-b8a52dc0.pth", 4.729, SQUEEZENET),
        _official("densenet121", "densenet121-a639ec97.pth", 30.845, DENSENET),
        _official("alexnet", "alexnet-owt-7be5be79.pth", 233.087, ALEXNET),
        _official("mobilenet_v2", "mobilenet_v2-b0353104.pth", 13.555, MOBILENET),
        BVLC_GOOGLENET,
    )
}
