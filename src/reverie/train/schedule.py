"""What changes over a training run, as functions of progress in [0, 1]."""

from __future__ import annotations

import math


def warm_cosine(progress: float, warmup: float) -> float:
    """Return the learning-rate factor: linear warm-up, then half a cosine down to zero.

    Source: Loshchilov & Hutter 2016, arXiv 1608.03983, equation 5, without restarts.
    """
    if progress < warmup:
        return max(progress / warmup, 0.01)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warmup) / (1 - warmup))))


def progressive_px(progress: float, input_px: int) -> int:
    """Return the training size: from 5/8 of `input_px` to all of it at 70 % of the run, in multiples of 8.

    Small pictures first save about a third of the time. Source: Howard 2018 (DAWNBench), Tan & Le 2021,
    arXiv 2104.00298, section 4.
    """
    share = 0.625 + 0.375 * min(1.0, progress / 0.7)
    return min(input_px, max(16, round(input_px * share / 8) * 8))
