"""`reverie react`: what reactions would do on a film; a rehearsal, for nothing is sent unless it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.output import Table
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Progress, Report
from reverie.settings import setting
from reverie.tools.live.reactions import Fired, Reactor, read_rules, send
from reverie.weights.embedded import EMBEDDED_NAMES


@dataclass(frozen=True, kw_only=True)
class ReactConfig:
    """Which rules are rehearsed, and who looks."""

    rules: str = setting("", "The reactions: a YAML file.", file="text")
    critic: str = setting(
        "embedded", "Network that looks: 'embedded', a file trained here, or a torchvision name.", file="network",
        builtin=EMBEDDED_NAMES,
    )  # fmt: skip
    send: bool = setting(False, "Send OSC messages as they fire, at the film's pace.", replay=False)
    seed: int = setting(0, "Seed of chance.", minimum=0, maximum=2**32 - 1)
    device: str = device_setting()


class PreparedReact:
    """Rules and the network that looks for their classes."""

    notes: Sequence[str] = ()

    def __init__(self, config: ReactConfig, session: Session) -> None:
        from reverie.tools.live.reactions import looking

        if not config.rules:
            raise InputError("there are no reactions; give a YAML file with --rules")
        self.config, self.rules = config, read_rules(Path(config.rules))
        critic = session.critic(config.critic, None, config.device, "auto") if self.rules.classes else None
        self.look = None if critic is None else looking(critic, self.rules.classes)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: a table of what fires, and when."""
        from reverie.media.footage import footage_frames, open_footage
        from reverie.media.signals.sources import MotionMeter, sound_values

        if given is None or given.path is None:
            raise InputError("reactions are rehearsed on a film; name its file")
        footage = open_footage(given.path)
        given.size = footage.size
        reactor, fired, notes = Reactor(self.rules, seed), list[Fired](), list[str]()
        used = {rule.source for rule in self.rules.rules}
        unknown = [s for s in used if not s.startswith(("class ", "camera ", "audio "))]
        notes += [f"'{name}' is not in a film; its rule stays silent here" for name in sorted(unknown)]
        sound = list(sound_values(given.path, self.rules.every_s)) if footage.audio and any(
            s.startswith("audio ") for s in used) else []  # fmt: skip

        def steps() -> Iterator[Progress]:
            meter, due, heard, place = MotionMeter(), 0.0, dict[str, float](), 0
            for number, frame in enumerate(footage_frames(footage)):
                now = number / float(footage.rate)
                if now + 1e-9 < due:
                    continue
                due = now + self.rules.every_s
                while place < len(sound) and sound[place][0] <= now:
                    heard[sound[place][1]] = sound[place][2]
                    place += 1
                seen = {f"camera {name}": value for name, value in meter(frame).items()} | heard
                seen |= {} if self.look is None else dict(self.look(frame))
                for one in reactor.step(seen, now):
                    fired.append(one)
                    notes.append(str(one))
                    if self.config.send and one.action.kind == "osc":
                        send(one.action)
                scores = {name: seen[name] for name in sorted(used) if name in seen}
                yield Report(number + 1, footage.frames, "frames", f"{now:.1f} s", scores, preview=lambda f=frame: f)

        names: list[Json] = [rule.name for rule in self.rules.rules]
        plan = Plan({"rules": names, "classes": [*self.rules.classes]}, None, f"{len(names)} rules")
        return Steps(steps(), lambda: [Table([row_of(one) for one in fired])], plan=plan, notes=notes, chosen=Chosen())


def row_of(fired: Fired) -> dict[str, Json]:
    """Return what fired as a row."""
    return {
        "time_s": round(fired.time_s, 3), "rule": fired.rule.name, "because": str(fired.rule),
        "value": round(fired.value, 4), "does": str(fired.action),
    }  # fmt: skip


REACT: Tool[ReactConfig] = Tool(
    name="react", doing="watching", ending="reactions",
    summary="Rehearse reactions on a film: what would fire, and when.",
    config=ReactConfig, prepare=PreparedReact, roles=(Role("film", "film", "The film.", streamed=True),),
    makes="table", suffix=".json", examples=("reverie react walk.mp4 --rules rules.yaml",),
)  # fmt: skip
