"""Records of every tool with entries taken away or of another type: replay, `--like` and the check whether a result is
there already end with a job or with one line."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.tool_config import settings_of
from reverie.errors import InputError
from reverie.jobs import replay
from reverie.jobs.files import Files
from reverie.jobs.job import Change, Input, Job, Made, joined, section_types
from reverie.jobs.session import Session
from reverie.jobs.up_to_date import up_to_date
from reverie.tools.registry import HIDDEN, TOOLS, find_tool

RECORDS = 750
STRANGE = [
    None, True, -1, 0, 10**400, 1.5, float("nan"), "", "x", "a:b:1", "a=b,c=d", "any", "../a", [], [1], ["x:y"], {},
    {"a": 1}, {"name": 1}, [[1]], [["x", {}]],
]  # fmt: skip


def record_of(name: str) -> dict[str, object]:
    """Return the record of a result of a tool with its usual settings."""
    tool, digest = find_tool(name), "0" * 64
    streamed = None if tool.streamed is None else Input("a.png", digest, 32, 24)
    config = joined(tool.config, {part: cls() for part, cls in section_types(tool.config).items()})
    job = Job(
        name, config, streamed, Input("embedded", digest), {"mask": Input("m.png", digest)},
        Made("0.1.0", "2.7.0", "cpu", threads=2), (Change(2, {"strength": 0.5}),), quality=92,
    )  # fmt: skip
    return json.loads(json.dumps(job.record()))


def damaged(record: dict[str, object], rng: np.random.Generator) -> None:
    """Take one entry of a record away, or give it another type, at any depth."""
    place: object = record
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else []
        key = keys[rng.integers(len(keys))]
        inner = place[key]  # type: ignore[index]
        if not (isinstance(inner, (dict, list)) and inner) or rng.random() < 0.2:
            break
        place = inner
    if rng.random() < 0.3:
        del place[key]  # type: ignore[attr-defined]
    else:
        place[key] = STRANGE[rng.integers(len(STRANGE))]  # type: ignore[index]


def outcome(made: Path, name: str) -> str:
    """Return what becomes of a record: how far it comes, or that it is one line."""
    try:
        job = replay.stored_job(made, find_tool)
    except InputError as error:
        assert "\n" not in str(error)
        return "refused"
    up_to_date(job, job, made)
    found = "like"
    for step in (
        lambda: settings_of(find_tool(name), find_tool, {}, Common(like=str(made))),
        lambda: replay.replayed(made, job, find_tool, Session(), files=Files(made)),
    ):
        try:
            step()
            found = "job"
        except InputError as error:
            assert "\n" not in str(error)
    return found


def test_only_a_job_or_one_line_comes_out_of_any_tools_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed is fixed; every tool comes many times."""
    work = SimpleNamespace(chosen=SimpleNamespace(model=None))
    monkeypatch.setattr(replay, "open_run", lambda *_, **__: SimpleNamespace(work=work))  # opens no network
    rng, outcomes = np.random.default_rng(0), Counter[str]()
    names = [*TOOLS, *HIDDEN]
    whole = {name: json.dumps(record_of(name)) for name in names}
    made = tmp_path / "made.json"
    for number in range(RECORDS):
        name = names[number % len(names)]
        record = json.loads(whole[name])
        for _ in range(rng.integers(1, 4)):
            damaged(record, rng)
        made.write_text(json.dumps({"job": record, "rows": []}))
        outcomes[outcome(made, name)] += 1
    assert sum(outcomes.values()) == RECORDS
    assert min(outcomes[kind] for kind in ("refused", "job")) > 50, outcomes
