"""Run one dream: progress, the live page, what is kept when it is stopped, and what its format cannot hold."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import Any

from reverie.apps.cli.interrupts import ignore_interrupts
from reverie.apps.cli.pipes import write_stdout
from reverie.errors import InputError

MOST_PORT = 65535


def run_dream(
    work: Any, target: Path | None, quality: int, suffix: str = ".png", *, stopped: Path | None = None,
    view: Any = None,
) -> int:  # fmt: skip
    """Run a dream or a style transfer to its end, with progress, and write it; a stop keeps what is there elsewhere.

    `stopped` is that name; NAME-stopped beside `target` if absent. `view` shows the dream on a page. Without a target
    the picture goes to standard output, in the format of `suffix`.
    """
    from reverie.apps.cli.progress import bar

    try:
        with bar(work.doing) as line:
            told = [*work.notes, *losses(work, target.suffix if target else suffix)]
            for note in told:
                line.say(note)
            _watch(work, line, view)
            for note in [n for n in work.notes if n not in told]:
                line.say(note)
    except KeyboardInterrupt:
        ignore_interrupts()
        told = "; nothing was written" if target is None else keep(work, kept_path(target), quality)
        _tell(view, "stopped", f"stopped {told}")
        print(f"reverie: stopped by Ctrl-C {told}", file=sys.stderr)
        return 130
    if work.stopped and target is not None:
        kept = stopped or kept_path(target)
        told = keep(work, kept, quality)
        _tell(view, "stopped", f"stopped {told}")
        print(f"stopped {told}", file=sys.stderr)
        if work.last is not None:
            print(kept)
        return 0
    if target is None:
        write_stdout(work.encoded(suffix, quality=quality))
    else:
        work.save(target, quality=quality)
    _tell(view, "done", f"done: '{target.name if target else 'standard output'}'")
    print(_summary(work), file=sys.stderr)
    if target is not None:
        print(target)
    return 0


def live_view(show: bool, host: str, port: int) -> Any:
    """Return the page that follows a dream, or nothing, as a context."""
    if not show:
        return contextlib.nullcontext()
    if not 0 <= port <= MOST_PORT:
        raise InputError(f"--show-port must be between 0 and {MOST_PORT}; got {port}")
    from reverie.apps.web.live import LiveView

    return LiveView(host, port)


def losses(work: Any, suffix: str) -> list[str]:
    """Say what the format of the output cannot hold."""
    from reverie.media.write import DEEP_SUFFIXES

    picture, notes = work.picture, []
    if picture is not None and picture.alpha is not None and suffix.lower() in (".jpg", ".jpeg"):
        notes.append("JPEG has no transparency: the picture is laid on white; .png, .webp and .tif keep it")
    if picture is not None and picture.bits == 16 and suffix.lower() not in DEEP_SUFFIXES:
        notes.append(f"{suffix} holds 8 bits a channel, the picture has 16; .png and .tif keep them")
    return notes


def keep(work: Any, target: Path, quality: int) -> str:
    """Write the unfinished picture at its final size, if there was a step; say where the dream stood."""
    if work.last is None:
        return "before the first step; nothing was written"
    work.keep(target, quality=quality)
    return f"at step {work.last.index} of {work.last.total}; the unfinished picture is '{target}'"


def kept_path(target: Path) -> Path:
    """Return the name under which a stopped dream is kept."""
    return target.with_name(f"{target.stem}-stopped{target.suffix}")


def _summary(work: Any) -> str:
    plan, config, critic = work.plan, work.config, work.critic
    return (
        f"{plan.size[1]} x {plan.size[0]} px, {_steps(work.last.index if work.last else 0)} in {work.seconds:.1f} s, "
        f"seed {config.seed}, "
        f"{critic.identity.name}:{_raised(work)}, {critic.precision} on {critic.device}"
    )


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _raised(work: Any) -> str:
    """Return what was raised, in a word or two: the class by its full name, or the layers."""
    if getattr(work.config, "class_name", None) is None:
        return "+".join(work.plan.layers)
    classes = work.critic.identity.classes
    index = work.critic.class_index(work.config.class_name)
    return f"class {classes[index] if index < len(classes) else index}"


def _tell(view: Any, phase: str, text: str) -> None:
    if view is not None:
        view.end(phase, text)


def _watch(work: Any, line: Any, view: Any = None) -> None:
    if view is not None:
        offered = [layer.name for layer in work.critic.named_layers]
        view.begin(work.picture.name if work.picture else "noise", work.steering, offered, _raised(work))
    began = time.monotonic()
    pixels = done = 0.0
    total = work.plan.pixel_steps
    for step in work:
        pixels += step.size[0] * step.size[1]
        done = pixels / total if total else 1.0
        eta = (time.monotonic() - began) * (1 - done) / done if done else None
        note = (
            f"{work.size_word} {step.octave}/{step.octaves}  {step.size[1]} x {step.size[0]} px  score {step.score:.3g}"
        )
        line.update(min(done, 1.0), note, eta)
        if view is not None:
            view.show(step, min(done, 1.0), eta)
