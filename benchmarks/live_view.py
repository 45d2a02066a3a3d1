"""What does the live page cost a dream?

Steps per second of the same dream: without a page; with `--show` and nobody looking; and with a page open, which
follows all events and fetches a picture every 0.3 s as the browser does, in a process of its own on the same machine.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from measure import PICTURE, arguments, environment, gain, interleaved, load_now, report, summary, table, target

SLOWER = 1.05
# A browser without its screen: one thread reads the events, the other fetches pictures.
PAGE = """
import sys, threading, time, urllib.request
address = sys.argv[1]
threading.Thread(target=lambda: [line for line in urllib.request.urlopen(address + "events")], daemon=True).start()
print("open", flush=True)
while True:
    try:
        urllib.request.urlopen(address + "picture").read()
    except urllib.error.HTTPError:
        pass
    except OSError:
        break
    time.sleep(0.3)
"""


def dreamt(critic: Any, size: int, steps: int, view: Any = None) -> None:
    """Dream once, showing every step as the command does."""
    from reverie.api import Dream
    from reverie.tools.dream.config import DreamConfig

    work = Dream(PICTURE, DreamConfig(size=size, steps=steps), critic)
    if view is not None:
        view.begin(work.run)
    for step in work:
        if view is not None:
            view.show(step, step.index / step.total, 1.0)


def watched(critic: Any, size: int, steps: int) -> None:
    """Dream once with a page open."""
    from reverie.apps.web.page import RunPage

    view = RunPage()
    page = subprocess.Popen(
        [sys.executable, "-c", PAGE, view.address], stdout=subprocess.PIPE, env=environment(), text=True
    )
    assert page.stdout is not None
    page.stdout.readline()
    try:
        dreamt(critic, size, steps, view)
    finally:
        page.terminate()
        page.wait()
        assert page.stdout is not None
        page.stdout.close()
        view.close()


def unwatched(critic: Any, size: int, steps: int) -> None:
    """Dream once with `--show` and nobody looking."""
    from reverie.apps.web.page import RunPage

    view = RunPage()
    dreamt(critic, size, steps, view)
    view.close()


def main() -> None:
    """Measure the three ways in turn."""
    load = load_now()
    options = arguments(__doc__, rounds=5, size=512, steps=10).parse_args()
    from reverie.critic.open import open_critic

    critic = open_critic()
    given = (critic, options.size, options.steps)
    count = 4 * options.steps
    times = interleaved(
        {
            "without": lambda: dreamt(*given),
            "--show, no page": lambda: unwatched(*given),
            "--show, page open": lambda: watched(*given),
        },
        options.rounds,
    )
    plain = times["without"]
    results, rows = {}, []
    for name, taken in times.items():
        # the least times: what the program itself takes, where other programs disturb a round more than a page would
        slower = {kind: round(1 / gain(plain[kind], taken[kind])["min"], 3) for kind in ("cpu_s", "wall_s")}
        wall = summary(taken["wall_s"])
        results[name] = {"wall_s": wall, "cpu_s": summary(taken["cpu_s"]), "times_as_long": slower}
        results[name]["steps_per_s"] = round(count / wall["min"], 2)
        rows.append([name, results[name]["steps_per_s"], slower["wall_s"], slower["cpu_s"], f"{wall['spread']:.0%}"])
    table(("", "steps/s", "wall, times", "cpu, times", "spread"), rows)
    verdict = [
        target(f"{name}: CPU time against without", f"< {SLOWER}", value, value < SLOWER)
        for name in ("--show, no page", "--show, page open")
        for value in [results[name]["times_as_long"]["cpu_s"]]
    ]
    settings = {"rounds": options.rounds, "size_px": options.size, "steps": count, "picture_every_s": 0.3}
    report((__doc__ or "").splitlines()[0], settings, results, verdict, options.output, load)


if __name__ == "__main__":
    main()
