"""Which settings of a style transfer go together; free of torch, so that contradictions are refused early."""

from __future__ import annotations

import dataclasses

from reverie.errors import InputError
from reverie.settings import check_together, marked
from reverie.tools.style.config import StyleConfig
from reverie.tools.style_film.config import StyleFilmConfig
from reverie.weights.embedded import EMBEDDED_NAMES

MOST_ANCHOR = 64  # frames back that are kept in memory

SAMPLED_SCORES = ("sliced", "strotss", "nearest")  # drawn anew at every step
MOST_COMPARED = 4096  # places that are all compared with all: half a gigabyte


def check_inputs(config: StyleConfig) -> None:
    """Refuse what `check_style` does, and a command without a style.

    Raises:
        InputError: names the settings and the way out.
    """
    check_style(config)
    if not config.style and not config.region and config.fast in (None, ANY_STYLE):
        raise InputError("no style is given; name one or more pictures after the content")


def check_style(config: StyleConfig) -> None:
    """Refuse settings that contradict each other.

    Raises:
        InputError: names both settings and the way out.
    """
    if config.fast is not None:
        check_fast(config)
    check_together(config)
    if config.color == "match" and config.regions:
        raise InputError(
            "--color match brings every style to the whole content; with a mask or --region use match-after"
        )
    if config.average and config.optimizer == "lbfgs" and config.lr < 0.1:
        raise InputError("--optimizer lbfgs takes steps of about one; add --lr 1")
    _check_sampled(config)


def _check_sampled(config: StyleConfig) -> None:
    similarity = config.content_score == "self-similarity"
    if config.optimizer == "lbfgs" and (similarity or config.score in SAMPLED_SCORES):
        name = f"--score {config.score}" if config.score in SAMPLED_SCORES else "--content-score self-similarity"
        raise InputError(f"{name} looks at other places at every step, which --optimizer lbfgs cannot follow; use adam")
    if similarity and config.samples > MOST_COMPARED:
        raise InputError(
            f"--content-score self-similarity takes at most --samples {MOST_COMPARED}; got {config.samples}"
        )


ANY_STYLE = "any"  # what --fast alone stands for


def check_fast(config: StyleConfig) -> None:
    """Refuse settings that a network which paints in one pass has no use for.

    Raises:
        InputError: names the setting.
    """
    used = marked(StyleConfig, "one pass")
    for field in dataclasses.fields(config):
        name = field.name
        if name == "model" and config.model in EMBEDDED_NAMES:  # older records name the default of their time
            continue
        if name not in used and getattr(config, name) != field.default:
            raise InputError(
                f"--fast stylizes in one pass and has no use for --{name.replace('_', '-')}; leave out one"
            )
    if config.resume_from or config.keep_state:
        raise InputError("--fast stylizes in one pass; --resume-from and --keep-state have nothing to go on from")
    if config.fast != ANY_STYLE and (config.style or config.style_scale or config.style_size):
        raise InputError("this fast style model has learned its style already; give no style, or --fast without a file")


def check_film(config: StyleConfig, film: StyleFilmConfig, styles: int, *, still: bool, changes: bool) -> None:
    """Refuse settings that a film has no use for.

    Args:
        config: how frames are stylized.
        film: the rest.
        styles: how many there are.
        still: whether it shows one picture.
        changes: whether styles or strength do.

    Raises:
        InputError: names the setting.
    """
    if still and not changes:
        raise InputError(
            "a film of a still picture needs something that changes: --interpolate between styles, or --keyframes"
        )
    if still and (film.start or film.duration is not None):
        raise InputError("--start and --duration take a part of a video; a film of a picture is --seconds long")
    for name in () if still else ("seconds", "fps"):
        if getattr(film, name) is not None:
            raise InputError(f"--{name} makes a film from a still picture; a video has its own length and rate")
    if film.interpolate and styles < 2:
        raise InputError("--interpolate goes from one style to another; name two or more")
    if any(not 1 <= back <= MOST_ANCHOR for back in film.anchor):
        raise InputError(
            f"--anchor counts frames back, from 1 to {MOST_ANCHOR}; got {', '.join(map(str, film.anchor))}"
        )
    if config.resume_from or config.keep_state:
        raise InputError("--resume-from and --keep-state go with a picture; a film goes on by itself")
    if config.init_picture is not None:
        raise InputError("--init-picture goes with a picture; the first frame of a film begins with itself")
