"""`reverie classify`: what a network sees in pictures, as lines or as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reverie.errors import InputError
from reverie.jobs.files import NETWORKS
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.output import Output, Table
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.classify.config import ClassifyConfig
from reverie.weights.embedded import EMBEDDED_NAMES
from reverie.weights.in_folder import network_in

if TYPE_CHECKING:
    from reverie.jobs.job import Json
    from reverie.tools.classify.naming import Classified


@dataclass(frozen=True, eq=False)
class Names:
    """What was seen in every picture, written as a table; names of pictures in it have no folders."""

    found: Sequence[Classified]
    label: str = ""
    suffixes: tuple[str, ...] = (".json", ".csv")

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write one row a picture: its classes, the most probable first."""
        rows: list[dict[str, Json]] = []
        for one in self.found:
            row: dict[str, Json] = {"picture": one.path.name}
            for number, (name, probability) in enumerate(one.classes, start=1):
                row |= {f"class {number}": name, f"probability {number}": round(probability, 5)}
            rows.append(row | ({"error": one.error} if one.error else {}))
        return Table(rows).write(path, record, quality)

    def printed(self, *, as_json: bool) -> str:
        """Return one line for every picture that could be read."""
        return "\n".join(_line(one, as_json) for one in self.found if not one.error)


def _line(one: Classified, as_json: bool) -> str:
    if not as_json:
        return f"{one.path}  " + "  ".join(f"{name} {p:.1%}" for name, p in one.classes)
    classes = [{"name": name, "probability": round(p, 5)} for name, p in one.classes]
    return json.dumps({"picture": str(one.path), "classes": classes}, ensure_ascii=False)


class PreparedNaming:
    """An open network."""

    def __init__(self, config: ClassifyConfig, session: Session) -> None:
        self.config = config
        self.paths = expanded(config.pictures)
        self.critic = session.critic(config.model, config.weights, config.device, config.precision)
        identity = self.critic.identity
        chosen = {"precision": self.critic.precision}
        self.chosen = Chosen(Input(identity.name, identity.sha256), str(self.critic.device), config=chosen)
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on all pictures; one that cannot be read is named and does not stop the others."""
        from reverie.tools.classify.naming import classify

        found: list[Classified] = []
        notes: list[str] = []

        def reports() -> Iterator[Report]:
            for one in classify(self.critic, self.paths, top=self.config.top):
                found.append(one)
                notes.extend([*one.notes, *([f"reverie: {one.error}"] if one.error else [])])
                yield Report(len(found), len(self.paths), "pictures", one.path.name)

        def outputs() -> list[Output]:
            return [Names(tuple(found))]

        return Steps(reports(), outputs, plan=Plan({"pictures": len(self.paths)}), chosen=self.chosen, notes=notes)


def settle(config: ClassifyConfig, name: str) -> ClassifyConfig:
    """Return the settings with a network that stands before the pictures in its own place."""
    first, rest = (config.pictures[:1], config.pictures[1:])
    if not first or config.model != "embedded" or not _is_network(first[0], alone=not rest):
        return config
    return replace(
        config, model=str(network_in(Path(first[0]))) if Path(first[0]).exists() else first[0], pictures=rest
    )


def _is_network(text: str, *, alone: bool) -> bool:
    """Tell whether the first of the places names a network; what is nothing here is one if pictures follow."""
    path = Path(text)
    if path.suffix.lower() in NETWORKS or network_in(path) != path:
        return True
    return text in EMBEDDED_NAMES or not (alone or path.exists())


def expanded(texts: Sequence[str]) -> list[Path]:
    """Return the pictures, those of folders by name.

    Raises:
        InputError: there are none.
    """
    from reverie.media.suffixes import PICTURES

    paths: list[Path] = []
    for path in map(Path, texts):
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES) if path.is_dir() else [path]
        paths += inside
    if not paths:
        raise InputError("no pictures to classify")
    return paths


def failed(output: Output) -> int:
    """Return 2 where a picture could not be read."""
    return 2 if any(one.error for one in cast("Names", output).found) else 0


CLASSIFY: Tool[ClassifyConfig] = Tool(
    name="classify", doing="classifying", ending="classes", summary="Name what a network sees in pictures.",
    config=ClassifyConfig, prepare=PreparedNaming, settle=settle,
    roles=(
        Role(
            "pictures", "picture", "Pictures, or folders of pictures; a network may stand before them.", many=True
        ),
    ),
    makes="table", suffix=".json", prints=True,
    name_of=lambda config: Path(config.pictures[0]).stem if config.pictures else "names",
    failed=failed,
    examples=("reverie classify photo.jpg", "reverie classify runs/mine holiday/ -o names.csv"),
)  # fmt: skip
