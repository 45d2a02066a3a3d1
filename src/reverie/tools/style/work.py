"""Style transfers as works: what is opened once, and the work on one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from reverie.critic.critic import Critic
from reverie.jobs.given import Given
from reverie.jobs.job import MEANT, Input, Json
from reverie.jobs.output import Output, Picture
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.work import Chosen, Plan, Report, State
from reverie.tools.dream.mask_rule import doubt, resolved_rule
from reverie.tools.fast.model import FastModel
from reverie.tools.fast.styling import FastTransfer, open_fast, read_fast
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.named import settled
from reverie.tools.style.rules import check_style
from reverie.tools.style.sources import StylePictures, read_styles
from reverie.tools.style_steps.plan import StylePlan
from reverie.tools.style_steps.state import StateFile
from reverie.tools.style_steps.transfer import Transfer, layer_names

Made: TypeAlias = Transfer | FastTransfer


class PreparedStyle:
    """The network, and the styles if they are the same for every picture.

    Args:
        config: the settings.
        session: what is open already, and the memory that may be planned for.
        network: instead of the one that the settings name.
        pictures: the styles, if they were read already.

    Raises:
        InputError: settings, network or styles that cannot be used.
    """

    notes: Sequence[str] = ()

    def __init__(
        self, config: StyleConfig, session: Session, network: Critic | FastModel | None = None,
        pictures: StylePictures | None = None,
    ) -> None:  # fmt: skip
        check_style(config)
        self.config, self.session = config, session
        self.network = network or open_network(config, session)
        if isinstance(self.network, Critic):
            layer_names(config, self.network)
        self.pictures = self._read("") if pictures is None and config.style_class is None else pictures

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one picture."""
        assert given is not None
        return work_of(self.made(given, seed))

    def made(self, given: Given, seed: int) -> Made:
        """Return the style transfer of one picture."""
        config = replace(settled(self.config, given.name), seed=seed)
        pictures = self.pictures or self._read(given.name)
        if isinstance(self.network, FastModel):
            found = FastTransfer(given.picture, config, self.network, pictures, self._budget)
        else:
            found = Transfer(given.picture, config, self.network, pictures, self._budget)
        given.release()  # what is worked on is a copy, and large pictures are as large as everything else
        return found

    @property
    def _budget(self) -> str | None:
        return None if self.session.memory_bytes is None else str(self.session.memory_bytes)

    def _read(self, name: str) -> StylePictures:
        config = settled(self.config, name)
        return read_styles(config, name) if config.fast is None else read_fast(config, name)


def open_network(config: StyleConfig, session: Session) -> Critic | FastModel:
    """Return the network that the settings name, open.

    Raises:
        InputError, WeightsError: it cannot be used.
    """
    if config.fast is None:
        return session.critic(config.model, config.weights, config.device, config.precision, fuse=True)
    return session.opened(("fast", config.fast, config.device, config.precision), lambda: open_fast(config))


def work_of(made: Made) -> Steps:
    """Return a style transfer as a work."""
    plan = made.plan

    def reports() -> Iterator[Report]:
        for step in made:
            height, width = step.size
            stage = f"{made.word} {step.octave}/{step.octaves}  {width} x {height} px"
            weight = float(height * width)
            yield Report(step.index, step.total, "steps", stage, {"score": step.score}, weight, made.current)

    def outputs() -> list[Output]:
        alpha = None if made.alpha is None else made.alpha[0, 0].numpy()
        found: list[Output] = [Picture(made.current(), alpha, made.bits)]
        if isinstance(made, Transfer) and (made.config.keep_state or not made.finished):
            found.append(StateFile(made.state, plan))
        return found

    decisions = decisions_of(plan) | made.decisions | {"precision": made.network.precision}
    about = Plan(decisions, plan.pixel_steps, f"{plan.size[1]} x {plan.size[0]} px")
    made.notes += doubt(made.pictures.cut_out, made.config.mask_by)  # the list itself: more come while it is made
    return Steps(reports(), outputs, plan=about, chosen=chosen_of(made), notes=made.notes,
                 resumable=TransferState(made) if isinstance(made, Transfer) else None)  # fmt: skip


@dataclass(frozen=True)
class TransferState:
    """See `reverie.jobs.work.Resumable`."""

    made: Transfer

    def state(self) -> State | None:
        """Return where it stands."""
        return self.made.kept()

    def go_on(self, state: State) -> None:
        """Stand where another process stood.

        Raises:
            InputError: it is the state of another transfer.
        """
        self.made.go_on(state)


def decisions_of(plan: StylePlan) -> dict[str, Json]:
    """Return a plan as a dry run prints it."""
    return {
        "size": [plan.size[1], plan.size[0]],
        "scales": [{"size": [s.size[1], s.size[0]], "steps": s.steps, "tile_px": s.tile_px} for s in plan.scales],
        "memory_mb": round(plan.estimate_bytes / 1e6), "budget_mb": round(plan.budget_bytes / 1e6),
        "halo_px": list(plan.halo_px),
    }  # fmt: skip


def meant_of(network: Critic | FastModel, config: StyleConfig) -> dict[str, Json]:
    """Return what a record must say of the class that the settings name, if anything."""
    meant = network.meanings(config.dream_class) if isinstance(network, Critic) else {}
    return {MEANT: meant} if meant else {}


def chosen_of(made: Made) -> Chosen:
    """Return what a style transfer decided for itself."""
    network, resumed, files = made.network, made.config.resume_from, made.pictures.files
    more: dict[str, Json] = {} if files else {"files": {}}
    most = getattr(network, "strength", made.config.strength)  # of a fast style model
    more |= meant_of(network, made.config)
    counts: dict[str, Json] = {"strength": most} if made.config.strength > most else {}
    return Chosen(
        Input(network.identity.name, network.identity.sha256), network.device.type,
        {role: Input(about["name"], about["sha256"]) for role, about in files.items()},
        {
            "precision": network.precision, "tile": made.plan.tile_px or None,
            **resolved_rule(made.pictures.cut_out, made.config.mask_by),
        },
        more if resumed is None else more | {"resumed_from": Path(resumed).name}, counts=counts,
    )  # fmt: skip
