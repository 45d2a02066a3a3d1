"""A toy tool, `invert`: as small as a tool may be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.jobs.film import film
from reverie.jobs.given import Given
from reverie.jobs.output import Picture
from reverie.jobs.session import Session
from reverie.jobs.sheet import sheet
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.settings import setting

STEPS = 4


@dataclass(frozen=True)
class InvertConfig:
    """How far a picture is inverted."""

    strength: float = setting(1.0, "How far: 0 the picture, 1 its negative.", minimum=0, maximum=1, steer=True)
    seed: int = setting(0, "Unused.", minimum=0)
    mask: str | None = setting(None, "White where to invert.", file="picture")


class PreparedInvert:
    notes: Sequence[str] = ()

    def __init__(self, config: InvertConfig, session: Session) -> None:
        self.strength = config.strength
        self.mask = 1.0 if config.mask is None else Given(Path(config.mask)).picture.rgb

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        assert given is not None
        picture, image, state = given.picture, given.picture.rgb.copy(), {"strength": self.strength}

        def steps() -> Iterator[Report]:
            for number in range(1, STEPS + 1):
                image[:] += state["strength"] * self.mask * (1 - 2 * picture.rgb) / STEPS
                yield Report(number, STEPS, scores={"mean": float(image.mean())}, preview=lambda: image.clip(0, 1))

        size, outputs = image.shape[1::-1], lambda: [Picture(image.clip(0, 1), picture.alpha, picture.bits)]
        plan = Plan({"size": [*size]}, STEPS, f"{size[0]} x {size[1]} px")
        return Steps(steps(), outputs, plan=plan, control=lambda change: state.update(change) or change)


INVERT = Tool(
    name="invert", doing="inverting", ending="invert", summary="Invert pictures.", config=InvertConfig,
    prepare=PreparedInvert, roles=(Role("picture", "picture", "What to invert.", streamed=True),),
)  # fmt: skip


def find(name: str) -> Tool:
    """Return the toy by its name, alone or on films and sheets; a function of a module, as workers need."""
    return {"invert": INVERT, "film(invert)": film(INVERT), "sheet(invert)": sheet(INVERT)}[name]
