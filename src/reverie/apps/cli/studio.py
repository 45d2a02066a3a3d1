"""`reverie studio`: all tools in a browser, on a queue of jobs that survives the tab and the server."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from reverie.apps.cli.pipes import as_given
from reverie.errors import InputError

CHOICES = (
    "What visitors choose from: looks that were kept in the studio (else those of the tools), looks of dreams, or "
    "paintings of a folder."
)
LEAST_PX, STYLIZED_PX, DREAMT_PX = 64, 768, 512  # two cores make either while a visitor stands there
SIZES = (
    f"Longer side of the pictures, where a look says none: {STYLIZED_PX} px for paintings, {DREAMT_PX} px for dreams."
)
FRAMES_KEPT = 12  # of each picture, to show on the wall how it came about


def studio_command(
    *,
    host: Annotated[
        str, Parameter(help="Address to listen on; beyond this machine a password is asked for.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port; 0 for a free one.")] = 7860,
    home: Annotated[str | None, Parameter(help="Folder of the queue and its results; default: this user's.")] = None,
    devices: Annotated[str, Parameter(help="One worker for each, with commas, such as cuda:0,cuda:1.")] = "auto",
    executor: Annotated[str, Parameter(help="local, ray or ray://HOST:PORT; see docs/cluster.md.")] = "local",
    workers: Annotated[str, Parameter(help="Jobs at once on an executor; auto: as many as it has room for.")] = "auto",
    name: Annotated[
        tuple[str, ...], Parameter(negative="", help="Further host name it is reached by; repeatable.")
    ] = (),
    certificate: Annotated[str | None, Parameter(help="Certificate (PEM), for HTTPS.")] = None,
    key: Annotated[str | None, Parameter(help="Its private key (PEM).")] = None,
    max_upload: Annotated[int, Parameter(help="Largest file that is taken, in MB.")] = 512,
    max_megapixels: Annotated[int, Parameter(help="Largest picture that is taken.")] = 64,
    keep_hours: Annotated[
        float | None, Parameter(help="Delete results and inputs after so long; favorites stay.")
    ] = None,
    open: Annotated[bool, Parameter(negative="", help="Open the page in a browser.")] = False,  # noqa: A002
) -> int:
    """Open the studio: all tools in a browser."""
    from reverie.apps.web.studio.serve import serve
    from reverie.apps.web.studio.settings import MB, StudioSettings

    settings = StudioSettings(
        host=host, port=port, names=tuple(n.lower() for n in name), devices=device_list(devices),
        most_upload_bytes=positive("--max-upload", max_upload) * MB,
        most_pixels=positive("--max-megapixels", max_megapixels) * 1_000_000, keep_hours=keep_hours,
        executor=executor, workers=workers,
    )  # fmt: skip
    return serve(home_of(home), settings, certificate=certificate, key=key, open_page=open)


def wall_command(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "0.0.0.0",
    port: Annotated[int, Parameter(help="Port; 0 for a free one.")] = 7860,
    home: Annotated[str | None, Parameter(help="Folder of the queue and its results; default: this user's.")] = None,
    address: Annotated[str, Parameter(help="Address of the booth as phones reach it, for the QR code.")] = "",
    moderated: Annotated[bool, Parameter(negative="", help="Show only what somebody has released.")] = False,
    keep_hours: Annotated[float, Parameter(help="Delete pictures after so long, those that were sent too.")] = 24.0,
    preset: Annotated[Literal["looks", "dreams", "artists"], Parameter(help=CHOICES)] = "looks",
    artists: Annotated[str, Parameter(help="Folder of paintings, or of 'reverie gather artists'.")] = "artists",
    size: Annotated[int | None, Parameter(help=SIZES)] = None,
    idle: Annotated[
        tuple[str, ...], Parameter(negative="", help="Film, or folder of films, for quiet times; repeatable.")
    ] = (),
    map: Annotated[str | None, Parameter(help="Live inputs for looks and pace: a YAML file.")] = None,  # noqa: A002
    rules: Annotated[str | None, Parameter(help="Reactions to pictures or live inputs: a YAML file.")] = None,
    printer: Annotated[str | None, Parameter(help="Print what may be shown on this printer of CUPS.")] = None,
    paper: Annotated[str, Parameter(help="Paper of the prints, such as 10x15 or a6.")] = "10x15",
    devices: Annotated[str, Parameter(help="One worker for each, with commas.")] = "auto",
    certificate: Annotated[str | None, Parameter(help="Certificate (PEM), for HTTPS.")] = None,
    key: Annotated[str | None, Parameter(help="Its private key (PEM).")] = None,
) -> int:
    """Run an exhibition: a booth for phones, a wall for screens, the studio behind a password."""
    from reverie.apps.web.studio.serve import serve
    from reverie.apps.web.studio.settings import StudioSettings

    if printer is not None:
        from reverie.media.printing import program_of_cups

        program_of_cups()  # said before the doors open, rather than at the first print
    settings = StudioSettings(
        host=host, port=port, exhibition=True, address=address, moderated=moderated, devices=device_list(devices),
        keep_hours=checked_hours(keep_hours), frames=FRAMES_KEPT, choices=preset,
        idle=films_in(idle), size=size_of(size, DREAMT_PX),
    )  # fmt: skip

    folder = Path(as_given(artists)) if preset == "artists" else None
    prepare = partial(_open_booth, folder, size_of(size, STYLIZED_PX), printer, paper, map, rules)
    return serve(home_of(home), settings, certificate=certificate, key=key, prepare=prepare)


def size_of(asked: int | None, usual: int) -> int:
    """Return the longer side of visitors' pictures, in pixels."""
    if asked is not None and asked < LEAST_PX:
        raise InputError(f"--size must be at least {LEAST_PX}; got {asked}")
    return usual if asked is None else asked


def checked_hours(hours: float) -> float:
    """Return how long pictures are kept."""
    if hours <= 0:
        raise InputError(f"--keep-hours must be greater than 0; got {hours}")
    return hours


def _open_booth(
    artists: Path | None, size: int, printer: str | None, paper: str, live_map: str | None, rules: str | None, app: Any
) -> None:  # fmt: skip
    """Offer what visitors choose from, and place an attendant where prints, reactions or live inputs are asked for."""
    from reverie.apps.web.studio.attendant import Attendant
    from reverie.apps.web.studio.looks import forget_artists, offer_artists
    from reverie.apps.web.studio.signals import WallSignals
    from reverie.media.printing import Sheet, paper_of
    from reverie.tools.live.mapping import read_map
    from reverie.tools.live.reactions import read_rules

    studio = app.state.studio
    if artists is None:
        forget_artists(studio)
    else:
        print(f"        {offer_artists(studio, artists, size)} looks from '{artists}'", file=sys.stderr)
    if live_map is not None:
        studio.signals = WallSignals(read_map(Path(as_given(live_map))), studio.forms)
        for note in studio.signals.notes:
            print(f"        {note}", file=sys.stderr)
    if printer is not None or rules is not None or live_map is not None:
        found = None if rules is None else read_rules(Path(as_given(rules)))
        app.state.attendant = Attendant(studio, printer, Sheet(paper_of(paper)), found)


def films_in(places: tuple[str, ...]) -> tuple[str, ...]:
    """Return the films of files and folders, as places that do not depend on the working folder."""
    from reverie.media.suffixes import VIDEOS

    found: list[str] = []
    for place in places:
        path = Path(as_given(place))
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in (*VIDEOS, ".gif")) if path.is_dir() else [path]
        if not inside or not all(p.is_file() for p in inside):
            raise InputError(f"no film at '{path}' for quiet times")
        found += [str(p.absolute()) for p in inside]
    return tuple(found)


def home_of(text: str | None):
    """Return the folder of the queue: the one that was named, or this user's."""
    from reverie.jobs.queue.home import Home, default_home

    return Home((Path(as_given(text)) if text else default_home()).absolute())


def device_list(text: str) -> tuple[str, ...]:
    """Return the devices of a list with commas."""
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if not found:
        raise InputError("--devices needs at least one, such as auto or cpu")
    return found


def positive(flag: str, value: int) -> int:
    """Return a number that must be at least 1."""
    if value < 1:
        raise InputError(f"{flag} must be at least 1; got {value}")
    return value
