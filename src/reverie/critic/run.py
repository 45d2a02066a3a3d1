"""Run a network only as far as it is asked for, and leave no hook behind."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.layers import StopForward, on_meta
from reverie.critic.shapes import ShapesOnly

REDIRECTED: ContextVar[bool] = ContextVar("redirected", default=False)  # set by `reverie.optimize.redirect`


def is_redirected() -> bool:
    """Tell whether this runs where ReLUs have a redirected gradient; threads begin outside of it."""
    return REDIRECTED.get()


def run_until(
    net: nn.Module, images: Tensor, paths: Iterable[str], original: nn.Module | None = None
) -> dict[str, Tensor]:
    """Run `net` until every one of `paths` has produced its last output, and return those outputs.

    `original` is the network that `net` was made of, whose modules run as often as those of the same path.
    """
    wanted = set(paths)
    modules = dict(net.named_modules())
    remaining = {path: _calls(net if original is None else original, path) for path in wanted}
    found: dict[str, Tensor] = {}

    def capture(path: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor | None:
            remaining[path] -= 1
            if remaining[path] > 0:
                return None
            found[path] = output
            if len(found) == len(wanted):
                raise StopForward
            return output.clone()  # a later in-place ReLU must not overwrite what was captured

        return hook

    handles = [modules[path].register_forward_hook(capture(path)) for path in wanted]
    try:
        net(images)
    except StopForward:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return found


def _calls(net: nn.Module, path: str) -> int:
    """How often a module runs in one forward pass; stored on first use (shared ReLUs run several times)."""
    counts: dict[str, int] | None = net.__dict__.get("_reverie_calls")
    if counts is None:
        counts = _count_calls(net)
        net.__dict__["_reverie_calls"] = counts
    return counts.get(path, 1)


def _count_calls(net: nn.Module) -> dict[str, int]:
    meta = on_meta(net)
    counts: dict[str, int] = {}

    def counting(path: str) -> Any:
        def hook(*_: Any) -> None:
            counts[path] = counts.get(path, 0) + 1

        return hook

    handles = [m.register_forward_hook(counting(p)) for p, m in meta.named_modules() if p]
    with torch.no_grad(), ShapesOnly():
        meta(torch.empty(1, 3, 512, 512, device="meta", dtype=next(meta.parameters()).dtype))
    for handle in handles:
        handle.remove()
    return counts


def remove_hooks(net: nn.Module) -> None:
    """Drop hooks from our own copy; those on the caller's module are not ours to touch."""
    for module in net.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
        module._backward_hooks.clear()
