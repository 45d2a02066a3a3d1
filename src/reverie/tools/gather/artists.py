"""`reverie gather artists`: a class for each artist, from the categories of Wikimedia Commons."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.tools.gather.config import ArtistsConfig
from reverie.tools.gather.images import gathering
from reverie.tools.gather.wishes import parse_wishes

if TYPE_CHECKING:
    from reverie.data.gather.collect import Wish

MUSEUMS = ("met", "aic", "rijksmuseum")


class PreparedArtists:
    """The painters and the sources, ready to be asked."""

    def __init__(self, config: ArtistsConfig, session: Session) -> None:
        from reverie.data.gather.sources.artist import ByArtist
        from reverie.data.gather.sources.catalogue import open_source
        from reverie.tools.gather.net import Net

        self.config, self.net = config, Net(config)
        self.wishes = painters(config.names)
        chosen = ("commons", *MUSEUMS) if config.museums else ("commons",)
        self.sources = {
            name: ByArtist(open_source(name, side_px=config.side, endpoints=self.net.endpoints)) for name in chosen
        }
        self.notes = [f"{name}: {source.terms}" for name, source in self.sources.items()]

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the gathering; its manifest stands in `scratch`."""
        return gathering(self.wishes, self.sources, self.config, self.net, scratch or Path("artists.frames"))


def painters(names: Sequence[str]) -> tuple[Wish, ...]:
    """Return a class for each artist; without names, for those of the shipped list.

    Raises:
        InputError: a list that cannot be read, or a name that is there twice.
    """
    from reverie.data.gather.collect import Wish
    from reverie.data.gather.sources.artist import PREFIX

    found = parse_wishes(names) if names else _shipped()
    return tuple(w if w.words.lower().startswith("category:") else Wish(w.label, PREFIX + w.words) for w in found)


def _shipped() -> tuple[Wish, ...]:
    with as_file(files("reverie.data.gather").joinpath("painters.txt")) as path:
        return parse_wishes([str(path)])


def _name(config: ArtistsConfig) -> str:
    return "artists"


ARTISTS: Tool[ArtistsConfig] = Tool(
    name="gather artists", doing="gathering", ending="", summary="Gather paintings, a class for each artist.",
    config=ArtistsConfig, prepare=PreparedArtists, makes="folder", suffix="", name_of=_name,
    roles=(
        Role("names", "text", "Painters, or a text file of them; else 53 that are shipped.", required=False, many=True),
    ),
    examples=(
        "reverie gather artists --contact me@example.org --count 200 -o artists/",
        'reverie gather artists "Claude Monet, Paul Klee" --museums',
    ),
)  # fmt: skip
