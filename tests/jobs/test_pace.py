"""Slow steps are said once; between units that stand for themselves the number of threads follows the machine."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from reverie.jobs.controls import Controls
from reverie.jobs.pace import KNOWN_STEPS, Pace
from reverie.jobs.run import Run
from reverie.jobs.steps import Ready, Steps
from reverie.jobs.work import Report
from reverie.threads import Machine


class Busy(Machine):
    """A machine that says what it is told."""

    def __init__(self, most: int, busy: float = 0.0) -> None:
        super().__init__(most, mine=True)
        self.busy = busy

    def others(self) -> float:
        """Return the cores that others keep busy."""
        return self.busy


@dataclass(frozen=True)
class Config:
    seed: int = 0


def steps(pace: Pace, unit: str, seconds: list[float], weight: float = 1.0) -> list[str]:
    return [pace.step(Report(n, None, unit, weight=weight), s) for n, s in enumerate(seconds, 1)]


def test_a_step_of_three_times_the_usual_length_is_said_once() -> None:
    said = steps(Pace(2, Busy(2, 1.4)), "frames", [0.4] * KNOWN_STEPS + [1.1, 1.3, 1.3, 0.4])
    assert [bool(line) for line in said] == [False] * KNOWN_STEPS + [False, True, False, False]
    assert said[KNOWN_STEPS + 1] == "a step took 3 times as long as the ones before; other work keeps 1.4 cores busy"


def test_short_steps_and_larger_scales_are_not_said() -> None:
    assert not any(steps(Pace(2, Busy(2)), "frames", [0.01] * 9 + [0.2]))
    assert not any(steps(Pace(2, Busy(2, 0.1)), "steps", [0.4] * 9 + [4.0]))
    pace = Pace(2, Busy(2, 2.0))
    assert not any(steps(pace, "steps", [0.4] * 9)) and not any(steps(pace, "steps", [4.0], weight=10.0))


@pytest.mark.parametrize(("busy", "threads"), [(0.0, 4), (2.0, 2), (3.9, 1), (9.0, 1)])
def test_threads_follow_the_free_cores(busy: float, threads: int) -> None:
    assert Busy(4, busy).threads(4)[0] == threads
    machine = Busy(4, busy)
    machine.mine = False
    assert machine.threads(3)[0] == 3  # what the user asked for


def test_a_film_goes_on_with_other_threads_and_a_replay_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before, used = torch.get_num_threads(), []

    def frames():
        for number in range(8):
            used.append(torch.get_num_threads())
            yield Report(number + 1, 8, "frames")

    class Tool:
        live = False

        def settled(self, config: object, given: object) -> object:
            return config

    def run(controls: Controls | None, busy: float) -> Run:
        used.clear()
        made = Run(Tool(), Ready(Steps(frames(), list)), Config(), None, controls=controls)  # type: ignore[arg-type]
        made._pace = Pace(torch.get_num_threads(), Busy(before + 2, busy))
        made._pace._took.extend([1.0] * 5)
        monkeypatch.setattr("reverie.jobs.pace.LOOK_EVERY_S", 0.0)
        for progress in made:
            assert progress.done
        return made

    first = run(None, 0.0)
    seen = list(used)
    assert seen == [before] + [before + 2] * 7 and torch.get_num_threads() == before
    assert [(change.step, dict(change.values)) for change in first.changes] == [(2, {"threads": before + 2})]
    again = run(Controls(first.changes), 99.0)
    assert used == seen and again.changes == first.changes
