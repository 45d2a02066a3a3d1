"""Live inputs of a wall: signals set what visitors' pictures become, how fast quiet times pass, and fire reactions."""

from __future__ import annotations

from collections.abc import Mapping

from reverie.apps.web.studio.forms import FieldShown, Form
from reverie.errors import InputError, unknown_name
from reverie.media.signals.board import Board
from reverie.tools.live.inputs import Inputs
from reverie.tools.live.mapping import LiveMap, Mapper

PACE = "pace"  # how fast films and pictures of quiet times follow each other
PACES = (0.25, 4.0)  # browsers play films without stalling in between
NUMBERS = ("whole", "number")


class WallSignals:
    """The live inputs of a wall, mapped to numbers.

    Args:
        live_map: its moves are `pace` and settings of tools, such as `strength`.
        forms: of the tools, see `forms.form_of`.

    Attributes:
        values: what is moved, and where it is now.
        notes: what is listened to, and what could not be opened.

    Raises:
        InputError: a move of something that no tool has, or outputs.
    """

    def __init__(self, live_map: LiveMap, forms: list[Form]) -> None:
        self._forms = {form["name"]: form for form in forms}
        known = {field["name"] for form in forms for field in _numbers(form)} | {PACE}
        for name in live_map.moves:
            if name not in known:
                raise InputError(f"--map: {unknown_name('setting that is a number', name, sorted(known))}")
        if live_map.outputs:
            raise InputError("--map: a wall has no outputs; reactions send OSC, see --rules")
        self._mapper, self._board = Mapper(live_map), Board()
        self._inputs = Inputs(live_map, self._board)
        self.notes = [*self._inputs.notes, *(f"listening to {about}" for about in self._inputs.about)]
        self.values: Mapping[str, float] = {}

    def step(self) -> dict[str, float]:
        """Read the inputs; return all signals and inputs by name, as reactions call them."""
        now = self._board.clock()
        self.values = self._mapper.values(self._board, now)
        raw = {name: sample.value for name, sample in self._board.all().items()}
        return raw | self._mapper.latest

    @property
    def pace(self) -> float:
        """How fast quiet times pass; 1 where nothing moves it."""
        return min(max(self.values.get(PACE, 1.0), PACES[0]), PACES[1])

    def moved(self, record: Mapping[str, object]) -> dict[str, object]:
        """Return a job whose settings are where the signals are now, within their limits."""
        found = dict(record)
        form = self._forms.get(str(record.get("tool")))
        for field in [] if form is None else _numbers(form):
            value = _within(field, self.values.get(field["name"]))
            if value is not None:
                part = found.get(field["section"])
                found[field["section"]] = {**(part if isinstance(part, Mapping) else {}), field["name"]: value}
        return found

    def close(self) -> None:
        """Stop listening."""
        self._inputs.close()


def _numbers(form: Form) -> list[FieldShown]:
    return [f for f in form["fields"] if f["type"] in NUMBERS and not f["many"] and not f["films"]]


def _within(field: FieldShown, value: float | None) -> float | None:
    """Return a value within the limits of a setting; None leaves the look's own."""
    if value is None or (field["above"] is not None and value <= field["above"]):
        return None
    if field["minimum"] is not None:
        value = max(value, field["minimum"])
    if field["maximum"] is not None:
        value = min(value, field["maximum"])
    return round(value) if field["type"] == "whole" else round(value, 4)
