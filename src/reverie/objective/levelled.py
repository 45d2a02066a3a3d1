"""Level peaky activations, so that statistics of residual networks describe more than a few spikes."""

from __future__ import annotations

from torch import Tensor


def levelled(activation: Tensor) -> Tensor:
    """Return the softmax over channels of ``[B, C, h, w]``, times the number of channels: mean one everywhere.

    Source: Wang, Li, Vasconcelos 2021 (Rethinking and Improving the Robustness of Image Style Transfer), section 4.
    Differs: multiplied by C, so that values are of the size of others'.
    """
    return activation.float().softmax(1) * activation.shape[1]
