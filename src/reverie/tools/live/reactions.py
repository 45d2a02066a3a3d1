"""Reactions: rules that say what happens when something is seen, heard or measured; read from YAML.

    every: 0.25s                       # how often the picture is looked at
    rules:
      - name: flower
        when: {class: daisy, above: 0.6, for: 2s}      # or {signal: heart, below: 0.2}
        release: 0.4                   # it can fire again only after falling below this (hysteresis)
        cooldown: 10s
        chance: 0.5                    # of firing when it could
        do:                            # one of a list is chosen by chance
          - {cue: bloom}
          - {set: {truncation: 1.2}, for: 3s}
          - {osc: /light, values: [1, 0.5], to: 127.0.0.1:9001}
          - {seed: 41}                 # go to a seed
          - {job: look.json}           # queue a job (wall), with the picture that was seen

Times are those of the show or film, and chance comes from a seed: the same film fires the same reactions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import InputError
from reverie.jobs.plain_text import Place, parse_tree, read_text

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.jobs.session import Session

KNOWN = ("every", "rules")
IN_RULE = ("name", "when", "release", "cooldown", "chance", "do")
IN_WHEN = ("class", "signal", "above", "below", "for")
ACTIONS = {"cue": (), "set": ("for",), "osc": ("values", "to"), "seed": (), "job": ()}
MOST_RULES = 200


@dataclass(frozen=True)
class Action:
    """What happens: a kind of `ACTIONS`, its main value, and the others."""

    kind: str
    value: Any
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, Mapping):
            value = ", ".join(f"{k} {v:g}" for k, v in value.items())
        rest = "".join(f" {k} {v}" for k, v in self.more.items())
        return f"{self.kind} {value}{rest}"


@dataclass(frozen=True)
class Rule:
    """When something happens; `source` is a class ("class daisy") or a signal's name."""

    name: str
    source: str
    level: float
    above: bool
    for_s: float
    release: float
    cooldown_s: float
    chance: float
    actions: tuple[Action, ...]

    def holds(self, value: float) -> bool:
        """Tell whether a value is beyond the level."""
        return value > self.level if self.above else value < self.level

    def released(self, value: float) -> bool:
        """Tell whether a value is far enough back to fire anew."""
        return value <= self.release if self.above else value >= self.release

    def __str__(self) -> str:
        held = f" for {self.for_s:g} s" if self.for_s else ""
        return f"{self.source} {'above' if self.above else 'below'} {self.level:g}{held}"


@dataclass(frozen=True)
class Rules:
    """All rules of a file, and the folder where it lies."""

    rules: tuple[Rule, ...]
    every_s: float = 0.25
    text: str = ""
    folder: Path = Path()

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are looked for."""
        return tuple(dict.fromkeys(r.source[6:] for r in self.rules if r.source.startswith("class ")))


@dataclass(frozen=True)
class Fired:
    """That a rule fired, when, and what it does."""

    time_s: float
    rule: Rule
    action: Action
    value: float

    def __str__(self) -> str:
        return f"{self.time_s:7.2f} s  {self.rule.name}: {self.rule} ({self.value:.2f}) -> {self.action}"


class Reactor:
    """The state of all rules; step it with what is seen, in order of time."""

    def __init__(self, rules: Rules, seed: int = 0) -> None:
        self.rules, self._random = rules, Random(seed)
        self._since: dict[str, float] = {}
        self._armed = dict.fromkeys((r.name for r in rules.rules), True)
        self._rest_until: dict[str, float] = {}

    def step(self, values: Mapping[str, float], now_s: float) -> list[Fired]:
        """Return what fires at a time; a rule whose value is not there stays as it is."""
        found = [self._one(rule, values[rule.source], now_s) for rule in self.rules.rules if rule.source in values]
        return [fired for fired in found if fired is not None]

    def _one(self, rule: Rule, value: float, now_s: float) -> Fired | None:
        if rule.released(value):
            self._armed[rule.name] = True
        if not rule.holds(value):
            self._since.pop(rule.name, None)
            return None
        since = self._since.setdefault(rule.name, now_s)
        ready = self._armed[rule.name] and now_s >= self._rest_until.get(rule.name, -1e9)
        if not ready or now_s - since < rule.for_s - 1e-9:
            return None
        self._armed[rule.name] = False
        if self._random.random() >= rule.chance:
            return None
        self._rest_until[rule.name] = now_s + rule.cooldown_s
        return Fired(now_s, rule, self._random.choice(rule.actions), value)


def read_rules(path: Path) -> Rules:
    """Return the rules of a file.

    Raises:
        InputError: missing, not YAML, or something that is not understood, named.
    """
    return replace(parse_rules(read_text(path, "a file of reactions"), path.name), folder=path.parent)


def parse_rules(text: str, name: str = "rules") -> Rules:
    """Return the rules of a text.

    Raises:
        InputError: as `read_rules`.
    """
    tree, place = parse_tree(text, f"'{name}'", KNOWN), Place(f"'{name}'")
    items = tree.get("rules")
    if not isinstance(items, list) or not 0 < len(items) <= MOST_RULES:
        raise place.error("expected 'rules:' with a list such as '- {when: {class: daisy, above: 0.6}, do: {cue: a}}'")
    rules = tuple(_rule(place.at(f"rule {n}"), item, n) for n, item in enumerate(items, 1))
    if len({rule.name for rule in rules}) < len(rules):
        raise place.error("two rules have the same name")
    return Rules(rules, place.at("every").seconds(tree.get("every", "0.25s")), text)


def _rule(place: Place, item: object, number: int) -> Rule:
    found = place.entries(item, IN_RULE)
    when = place.at("when").entries(found.get("when"), IN_WHEN)
    if ("class" in when) == ("signal" in when) or ("above" in when) == ("below" in when):
        raise place.error("'when' has either 'class' or 'signal', and either 'above' or 'below'")
    source = f"class {when['class']}" if "class" in when else place.text(when["signal"])
    above = "above" in when
    level = place.at("when").number(when["above" if above else "below"])
    release = place.at("release").number(found.get("release", level))
    if (release > level) if above else (release < level):
        raise place.error(f"'release' {release:g} lies beyond the level {level:g}; it must lie before it")
    actions = tuple(_action(place.at("do"), one) for one in place.listed(found.get("do")))
    return Rule(
        str(found.get("name", f"rule {number}")), source, level, above, place.seconds(when.get("for", 0)), release,
        place.seconds(found.get("cooldown", 0)), place.at("chance").number(found.get("chance", 1.0), 0, 1), actions,
    )  # fmt: skip


def _action(place: Place, item: object) -> Action:
    found = place.entries(item)
    kind = next((word for word in ACTIONS if word in found), None)
    if kind is None:
        raise place.error(f"expected one of {', '.join(ACTIONS)}")
    value = found.pop(kind)
    place.entries(found, ACTIONS[kind])
    if kind == "set":
        value = {word: place.number(n) for word, n in place.at("set").entries(value).items()}
        return Action(kind, value, {"for": place.seconds(found["for"])} if "for" in found else {})
    if kind == "osc":
        host, colon, port = str(found.get("to", "127.0.0.1:9001")).rpartition(":")
        if not colon or not port.isdecimal() or not place.text(value).startswith("/"):
            raise place.error("expected {osc: /address, values: [1], to: 127.0.0.1:9001}")
        values = [v if isinstance(v, str) else place.number(v) for v in place.listed(found.get("values", [1]))]
        return Action(kind, value, {"values": values, "to": f"{host}:{port}"})
    if kind == "seed":
        return Action(kind, int(place.number(value, 0, 2**32 - 1)))
    return Action(kind, place.text(value))


def send(action: Action) -> None:
    """Send what goes out by OSC.

    Raises:
        InputError, OutputError: it cannot be sent.
    """
    from reverie.media.signals.osc import send_osc

    if action.kind != "osc":
        raise InputError(f"'{action.kind}' is not sent by OSC")
    host, _, port = str(action.more["to"]).rpartition(":")
    values: Sequence[float | str] = action.more["values"]
    send_osc(host, int(port), str(action.value), values)


# -- what they see ----------------------------------------------------------------------------------------------------


def look_of(
    rules: Rules | None, session: Session, critic: str, device: str
) -> Callable[[np.ndarray], Mapping[str, float]] | None:
    """Return what names the classes that the rules ask for; None where they ask for none."""
    if rules is None or not rules.classes:
        return None
    return looking(session.critic(critic, None, device, "auto"), rules.classes)


def looking(critic: Critic, classes: Sequence[str]) -> Callable[[np.ndarray], Mapping[str, float]]:
    """Return what gives the probability of each class in a frame ``[H, W, 3]`` uint8, as {"class NAME": p}.

    Raises:
        LayerError: a class that the network does not know.
    """
    import torch
    from torch.nn import functional as F

    indices = {name: critic.class_index(name) for name in classes}
    side = critic.identity.input_px

    @torch.no_grad()
    def look(frame: np.ndarray) -> Mapping[str, float]:
        image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 255
        short = min(image.shape[2:])
        top, left = (image.shape[2] - short) // 2, (image.shape[3] - short) // 2
        square = image[..., top : top + short, left : left + short]
        square = F.interpolate(square, (side, side), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        p = F.softmax(critic.logits(square)[0], 0)
        return {f"class {name}": float(p[index]) for name, index in indices.items()}

    return look
