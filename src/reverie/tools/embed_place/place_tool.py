"""`reverie embed place`: where new pictures lie on a map that is finished, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.embed.config import PlaceConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.tools.embed.fit import Fit


class PreparedPlaces:
    """A finished map and its network."""

    def __init__(self, config: PlaceConfig, session: Session) -> None:
        from reverie.tools.embed.fit import check_network, load_fit
        from reverie.tools.embed_place.placing import MapPicture

        self.config = config
        path = Path(config.map)
        self.fit = load_fit(path)
        model = config.model or _network_file(self.fit, path)
        self.critic = session.critic(model, self.fit.weights, config.device, "fp32")
        check_network(self.fit, self.critic)
        self.background = MapPicture(self.fit, path if path.is_dir() else path.parent)
        self.notes: Sequence[str] = self.background.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the placing of one picture."""
        from reverie.jobs.output import Picture, Table
        from reverie.tools.embed_place.placing import place_picture

        assert given is not None
        identity = self.critic.identity
        found = place_picture(given.picture, given.name, self.fit, self.critic, self.config.neighbors)
        notes = [found.summary()]

        def steps() -> Iterator[Report]:
            yield Report(1, 1, "pictures", found.summary())

        def outputs() -> list[Output]:
            return [Picture(self.background.drawn(found)), Table([found.row()], label="place")]

        chosen = Chosen(Input(identity.name, identity.sha256), str(self.critic.device))
        plan = Plan({"on": f"{len(self.fit.names)} pictures"}, 1, f"among {len(self.fit.names)} pictures")
        return Steps(steps(), outputs, plan=plan, chosen=chosen, notes=notes)


def _network_file(fit: Fit, path: Path) -> str:
    """Return how to open the network of a map: its name, or its file beside the map or here.

    Raises:
        InputError: its file is neither here nor there.
    """
    from reverie.critic.open import model_names

    if fit.network in model_names():
        return fit.network
    folder = path if path.is_dir() else path.parent
    for place in (folder / fit.network, folder.parent / fit.network, Path(fit.network)):
        if place.is_file():
            return str(place)
    raise InputError(f"the network '{fit.network}' of this map lies neither beside it nor here; give it with --model")


PLACE: Tool[PlaceConfig] = Tool(
    name="embed place", doing="placing", ending="placed",
    summary="Place new pictures on a map, with their nearest neighbors.",
    config=PlaceConfig, prepare=PreparedPlaces,
    roles=(
        Role("map", "network", "Folder that 'reverie embed' made, or the map.safetensors in it."),
        Role("picture", "picture", "Pictures or folders to place.", streamed=True),
    ),
    examples=("reverie embed place holiday-map photo.jpg", "reverie embed place holiday-map new/ -o placed/"),
)  # fmt: skip
