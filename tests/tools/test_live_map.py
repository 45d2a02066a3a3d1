"""Maps keep moves within bounds and pace; reactions fire with hysteresis, cooldown and chance; mistakes are named."""

from __future__ import annotations

import pytest

from reverie.errors import InputError
from reverie.media.signals.board import Board
from reverie.tools.live.mapping import Mapper, parse_map
from reverie.tools.live.reactions import Reactor, parse_rules

MAP = """
signals:
  heart: {from: osc /heart, range: [50, 120], smooth: 0, timeout: 2s, home: 0.5}
moves:
  truncation: {signal: heart, from: 0.2, to: 1}
  direction 0: {signal: mouse x, from: -2, to: 2, rate: 1}
  speed: [{signal: key ArrowRight, from: 0.1, to: 1}, {signal: key ArrowLeft, from: 0, to: -1}]
"""


def test_moves_follow_their_signals_within_bounds_and_pace():
    board, mapper = Board(lambda: 0.0), Mapper(parse_map(MAP))
    first = mapper.values(board, 0.0)
    assert first == pytest.approx({"truncation": 0.6, "direction 0": 0.0, "speed": 0.1})
    board.put("osc /heart", 500, 0.1)
    board.put("mouse x", 1.0, 0.1)
    board.put("key ArrowLeft", 1.0, 0.1)
    values = mapper.values(board, 0.1)
    assert values["truncation"] == pytest.approx(1.0)
    assert values["direction 0"] == pytest.approx(0.1)
    for number in range(2, 60):
        values = mapper.values(board, number / 10)
    assert values["direction 0"] == pytest.approx(2.0, abs=0.05)
    assert values["speed"] == pytest.approx(-0.9, abs=0.02)
    assert values["truncation"] == pytest.approx(0.6, abs=0.05)  # no heart for more than two seconds: home


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("moves: {a: {signal: hart}}", "there is no signal 'hart'"),
        ("signals: {a: {from: serial 3}}", "is no input"),
        ("signals: {a: {from: osc /a, range: [1, 1]}}", "the two ends are the same"),
        ("signals: {a: {from: osc /a, rnage: auto}}", "nearest: range"),
        ("moves: {a: {signal: mouse x, from: many}}", "expected a number"),
        ("inputs: {serial: 3}", "unknown entry|no entry|serial"),
        ("[", "not valid YAML"),
    ],
)
def test_mistakes_in_maps_are_named(text, words):
    with pytest.raises(InputError, match=words):
        parse_map(text)


RULES = """
rules:
  - {name: high, when: {signal: osc /a, above: 0.6, for: 1s}, release: 0.4, cooldown: 5s, do: {cue: up}}
  - name: low
    when: {signal: osc /a, below: 0.1}
    do: [{set: {truncation: 1.2}, for: 3s}, {osc: /light, values: [1], to: "127.0.0.1:9001"}]
"""


def test_a_rule_waits_fires_once_and_again_only_after_release_and_cooldown():
    reactor, fired = Reactor(parse_rules(RULES)), []
    course = [(0, 0.7), (0.5, 0.7), (1.0, 0.7), (1.5, 0.7), (2, 0.5), (3, 0.9), (4, 0.9), (5, 0.3), (6, 0.9), (7, 0.9),
              (8, 0.9), (9, 0.05), (9.5, 0.05)]  # fmt: skip
    for time_s, value in course:
        fired += [(one.time_s, one.rule.name) for one in reactor.step({"osc /a": value}, time_s)]
    assert fired == [(1.0, "high"), (7, "high"), (9, "low")]


def test_chance_and_choice_come_from_the_seed():
    text = RULES.replace("cooldown: 5s", "chance: 0.5")
    course = [n % 2 for n in range(200)]

    def play(seed: int) -> list[str]:
        reactor = Reactor(parse_rules(text.replace(", for: 1s", "")), seed)
        return [str(f) for n, v in enumerate(course) for f in reactor.step({"osc /a": float(v)}, float(n))]

    assert play(1) == play(1) != play(2)
    assert 30 < sum("cue up" in line for line in play(1)) < 70
    assert 0 < sum("-> osc" in line for line in play(1)) < 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: []", "expected 'rules:'"),
        ("rules: [{when: {class: a}, do: {cue: b}}]", "either 'above' or 'below'"),
        ("rules: [{when: {class: a, above: 0.5}, release: 0.7, do: {cue: b}}]", "must lie before it"),
        ("rules: [{when: {class: a, above: 0.5}, do: {sing: b}}]", "expected one of cue"),
        ("rules: [{when: {class: a, above: 0.5}, do: {osc: light}}]", "expected"),
    ],
)
def test_mistakes_in_rules_are_named(text, words):
    with pytest.raises(InputError, match=words):
        parse_rules(text)
