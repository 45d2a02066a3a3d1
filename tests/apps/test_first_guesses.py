"""What people of other programs type first: it works, or one line names the right option.

Nothing else happens silently. The wishes stand in `tests/first_guesses.yaml`; every try of a wish is run in this
process, in a folder of small files.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from cli_case import Run
from PIL import Image

from reverie.models.stylegan2.generator import Generator

WISHES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parents[1] / "first_guesses.yaml").read_text("utf-8"))
BALL = "v 0 0 1\nv 1 0 -1\nv -1 1 -1\nv -1 -1 -1\nf 1 2 3\nf 1 3 4\nf 1 4 2\nf 2 4 3\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a newcomer's may be: photos, two paintings, masks, a short film, a mesh, a dream made before."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "holiday").mkdir()
    names = ("photo.jpg", "art.jpg", "art2.jpg", *(f"holiday/{letter}.jpg" for letter in "abcde"))
    for number, name in enumerate(names):
        _scene(number).save(folder / name)
    Image.fromarray(np.tri(80, 96, dtype=np.uint8) * 255).save(folder / "mask.png")
    cut = np.dstack([np.asarray(_scene(1)), np.tri(80, 96, dtype=np.uint8) * 255])
    Image.fromarray(cut).save(folder / "cutout.png")
    frames = [_scene(k) for k in range(6)]
    frames[0].save(folder / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    (folder / "ball.obj").write_text(BALL)
    return folder


def _scene(number: int) -> Image.Image:
    y, x = np.mgrid[0:80, 0:96]
    waves = [np.sin(x / (5 + number)), np.cos(y / (9 - number)), np.sin((x + y) / (4 + 2 * number))]
    return Image.fromarray((np.stack(waves, -1) * 90 + 128).astype(np.uint8))


@pytest.fixture
def typed(desk: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(desk)
    monkeypatch.setattr(Generator, "center", lambda self, _=None: self.mapping.w_avg)  # no picture is looked at
    monkeypatch.setattr("reverie.tools.latent.model.MANY", 4)
    if not (desk / "made.png").exists():
        assert run("dream", "photo.jpg", "--steps", 1, "--octaves", 1, "-o", "made.png")[0] == 0
    return run


def verdict(run: Run, wish: dict[str, Any], attempt: str | dict[str, Any]) -> tuple[str, str]:
    """Return what became of a try ("does", "says", "refused", "silent" or "broken"), and what was printed."""
    own = {"line": attempt} if isinstance(attempt, str) else attempt
    wanted = {key: own.get(key, wish.get(key)) for key in ("does", "prints", "says", "run", "quick", "never")}
    words = shlex.split(own["line"]) + shlex.split(wanted["quick"] or "") + ([] if wanted["run"] else ["--dry-run"])
    code, out, err = run(*words)
    shown = f"$ reverie {own['line']}\n[{code}] {(out if code == 0 else '')[:400]}{err[:600]}"
    if any(word in out + err for word in wanted["never"] or ()) or "unexpected " in err or "Traceback" in err:
        return "broken", shown
    if code == 0:
        return ("does" if _does(wanted, out + err, out) else "silent"), shown
    if code != 2 or err.count("\n") != 1:
        return "broken", shown
    return ("says" if any(text in _advice(err) for text in wanted["says"] or ()) else "refused"), shown


def _advice(line: str) -> str:
    """Return what a line names as right: not what was typed, and of names that are spelled alike the first alone."""
    line = re.sub(r"no (option|command) called '[^']*'", "", line.partition("; see 'reverie")[0])
    head, nearest, names = line.partition("nearest: ")
    return head + nearest + (names.partition(",")[0] if "--" in names else names)


def _does(wanted: dict[str, Any], text: str, out: str) -> bool:
    if wanted["prints"] is not None:
        return re.search(wanted["prints"], text) is not None
    if wanted["does"] is None:
        return False
    decided = json.loads(out)
    return all(value in _values(decided, key) for key, value in wanted["does"].items())


def _values(tree: object, key: str) -> list[object]:
    """Return all that is called so, wherever it stands."""
    if isinstance(tree, list):
        return [found for item in tree for found in _values(item, key)]
    if not isinstance(tree, dict):
        return []
    own = [tree[key]] if key in tree else []
    return own + [found for item in tree.values() for found in _values(item, key)]


def asked(wish: dict[str, Any]) -> Any:
    marks = [getattr(pytest.mark, name) for name in ("real", "slow") if name in wish]
    return pytest.param(wish, id=wish["wish"].replace(" ", "_"), marks=marks)


@pytest.mark.parametrize("wish", [asked(wish) for wish in WISHES])
def test_first_guess(wish: dict[str, Any], typed: Run) -> None:
    found = [verdict(typed, wish, attempt) for attempt in wish["tries"]]
    wrong = [f"{name}: {shown}" for name, shown in found if name in ("silent", "broken")]
    assert not wrong, "\n".join(wrong)
    if "open" not in wish:  # the reason why it is not fulfilled yet
        assert all(name in ("does", "says") for name, _ in found), "\n".join(f"{n}: {s}" for n, s in found)


def test_most_wishes_are_fulfilled() -> None:
    assert len(WISHES) >= 80
    assert sum("open" not in wish for wish in WISHES) >= 0.875 * len(WISHES)  # 70 of 80
