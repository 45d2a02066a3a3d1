"""Which settings of a style transfer go together; free of torch, so that contradictions are refused early."""

from __future__ import annotations

from reverie.errors import InputError
from reverie.tools.style_config import StyleConfig


def check_style(config: StyleConfig) -> None:
    """Refuse settings that contradict each other.

    Raises:
        InputError: names both settings and the way out.
    """
    if config.dream_layer and config.dream_class is not None:
        raise InputError("--dream-layer does not go with --dream-class; choose one")
    if config.init_picture is not None and config.init != "content":
        raise InputError("--init-picture does not go with --init; choose one")
    if config.style_scale and config.style_size:
        raise InputError("--style-scale does not go with --style-size; choose one")
    if config.color == "match" and config.region:
        raise InputError("--color match brings every style to the whole content; with --region use match-after")
    if config.average and config.optimizer == "lbfgs" and config.lr < 0.1:
        raise InputError("--optimizer lbfgs takes steps of about one; add --lr 1")
