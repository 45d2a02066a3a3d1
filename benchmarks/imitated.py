"""bf16 on a processor without it: every result rounded to bf16, computed in float32, as such units do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

MOVING = {
    "_to_copy", "alias", "as_strided", "clone", "detach", "empty_like", "expand", "permute", "select", "slice", "t",
    "transpose", "unsqueeze", "view",
}  # fmt: skip


class ImitatedBf16(TorchDispatchMode):
    """Within it, operations with bf16 take and sum float32, and round what comes out.

    Gives the dB of a processor with avx512_bf16 to within 0.3 (48.9, 49.2 and 46.6 there, the networks of
    `latent_inference.py` before their first blocks were exact; 49.0, 48.9 and 46.6 so).
    """

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        halves = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor) and x.dtype == torch.bfloat16]
        name = func.overloadpacket.__name__
        if name in MOVING or not halves:
            return func(*args, **kwargs)
        out = func(*tree_map(_up, args), **tree_map(_up, kwargs))
        return args[0].copy_(out) if name.endswith("_") else tree_map(_down, out)


def _up(x: Any) -> Any:
    return x.float() if isinstance(x, Tensor) and x.dtype == torch.bfloat16 else x


def _down(x: Any) -> Any:
    return x.bfloat16() if isinstance(x, Tensor) and x.dtype == torch.float32 else x
