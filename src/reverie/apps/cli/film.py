"""What films from videos and films from pictures share on the command line: running, going on, replaying."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reverie.apps.cli.stored import check_files
from reverie.errors import InputError, PictureError
from reverie.tools.keyframes import Keyframes

CHOSEN_ANEW = ("precision", "tile")  # for every machine, unless they are given

Summary = Callable[[Any, dict[str, Any], int, float], str]


def run_film(work: Any, summary: Summary, *, overwrite: bool = False) -> int:
    """Make a film to its end, with progress; stopped or killed, the same call goes on where it was.

    Raises:
        InputError: the target is there already and is not ours to replace; `overwrite` replaces anything.
    """
    from reverie.apps.cli.progress import bar
    from reverie.tools.finished import check_apart

    check_apart(work.target, work.read_from)
    if not overwrite and is_there(work):
        print("there already, from the same source and settings; --overwrite repeats it", file=sys.stderr)
        print(work.target)
        return 0
    began = time.monotonic()
    try:
        with bar(getattr(work, "doing", "dreaming")) as line:
            for note in work.notes:
                line.say(note)
            told = len(work.notes)
            fresh = _watch(work, line)
            line.update(1.0, f"writing {work.target.name}", None)
            measured = work.finish()
            for note in work.notes[told:]:
                line.say(note)
    except KeyboardInterrupt:
        print(
            f"reverie: stopped by Ctrl-C; {work.done} of {work.total} frames are kept in '{work.folder.path}'; "
            "run the same command again to go on",
            file=sys.stderr,
        )
        return 130
    print(summary(work, measured, fresh, time.monotonic() - began), file=sys.stderr)
    print(work.target)
    return 0


def is_there(work: Any) -> bool:
    """Return whether the film is finished; False if it may be made, new or over an older one of ours.

    Raises:
        InputError: another file lies in its place.
    """
    from reverie.media.metadata import read_settings

    if not work.target.is_file():
        return False
    try:
        record = read_settings(work.target)
    except PictureError as error:
        raise InputError(f"'{work.target}' exists and was not made by Reverie; --overwrite replaces it") from error
    wanted = json.loads(json.dumps(work.settings()))
    source, known = (about.get("input") or {} for about in (wanted, record))
    if record.get("tool") != wanted["tool"] or known.get("name") != source.get("name"):
        made = f"'{known['name']}'" if known.get("name") else "noise"
        raise InputError(f"'{work.target}' exists, a {record.get('tool')} of {made}; --overwrite replaces it")
    for chosen in (name for name in CHOSEN_ANEW if getattr(work.config, name) in ("auto", None)):
        wanted["config"][chosen] = record["config"].get(chosen)
    return all(record.get(name) == value for name, value in wanted.items() if name not in ("machine", "version"))


def replay_film(work: Any, made: Path, record: dict[str, Any], summary: Summary) -> int:
    """Run a film that was prepared from the settings inside another, and compare the two.

    Raises:
        InputError: the original, another picture or the network is not the one that was used.
    """
    now = work.settings()
    for what, option in (("input", "--input"), ("model", "--model")):
        if record[what] and now[what]["sha256"] != record[what]["sha256"]:
            raise InputError(f"the {what} '{now[what]['name']}' is not the one that was used; give it with {option}")
    check_files(work.references.files, record.get("files", {}))
    work.call_as(record)
    code = run_film(work, summary, overwrite=True)
    if code == 0:
        same = work.target.read_bytes() == made.read_bytes()
        then = ", ".join(f"{k} {v}" for k, v in record.get("machine", {}).items())
        print("the bytes are the same" if same else f"the bytes differ; it was made with {then}", file=sys.stderr)
    return code


def replay_path(made: Path, output: str | None) -> Path:
    """Return where a replayed film goes: as told, or beside the one it repeats."""
    return Path(output) if output else made.with_name(f"{made.stem}-replay{made.suffix}")


def what_was_measured(work: Any, measured: dict[str, Any], fresh: int, seconds: float) -> str:
    """Return size, number of frames and flicker in words."""
    height, width = work.size
    count = measured["frames"]
    flicker, source = measured["flicker"], measured["source_flicker"]
    parts = [
        f"{count} frame{'' if count == 1 else 's'} of {width} x {height} px ({fresh} of them now, {seconds:.1f} s)",
        f"{work.video.coherence}, {len(measured['cuts'])} cuts",
        "no flicker to measure" if flicker is None else f"flicker {flicker:.2f} of 255 (of the source: {source:.2f})",
        f"seed {work.config.seed}",
        f"{work.critic.identity.name}:{'+'.join(work.plan.layers)}, {work.critic.precision} on {work.critic.device}",
    ]
    return ", ".join(parts)


def stored_keyframes(record: dict[str, Any]) -> Keyframes | None:
    """Return the keyframes that a film carries inside, if it has any."""
    found = record.get("keyframes")
    if not found:
        return None
    from reverie.tools.keyframes_file import parse_keyframes

    return parse_keyframes(found["text"], found["name"])


def film_path(source: Path, output: str | None, ending: str = "dream") -> Path:
    """Return where to write: as told, or beside the source, in its own kind if that can be written, else MP4.

    The name of a film that was begun and not finished is not free yet and is taken again.
    """
    if output is not None:
        return Path(output)
    from reverie.media.footage import WRITE_SUFFIXES

    suffix = source.suffix.lower() if source.suffix.lower() in WRITE_SUFFIXES else ".mp4"
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = source.with_name(f"{source.stem}-{ending}{extra}{suffix}")
        if not candidate.exists():
            return candidate
        number += 1


def _watch(work: Any, line: Any) -> int:
    """Dream what is missing; return how many frames that were."""
    began, fresh = time.monotonic(), 0
    for step in work:
        if fresh == 0 and work.done > 1:
            line.say(f"going on behind frame {work.done - 1}")
        fresh += 1
        rate = fresh / max(time.monotonic() - began, 1e-9)
        note = f"frame {work.done}/{work.total}  {_speed(rate)}"
        if step.flicker is not None:
            note += f"  flicker {step.flicker:.2f}"
        cut = "  cut" if getattr(step, "cut", False) else ""
        line.update(min(1.0, work.done / work.total), note + cut, (work.total - work.done) / rate)
    return fresh


def _speed(rate: float) -> str:
    return f"{rate:.2f} frames/s" if rate >= 0.1 else f"{60 * rate:.2f} frames/min"
