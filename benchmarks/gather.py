#!/usr/bin/env python3
"""Gather pictures from a server on this machine, kill the program again and again, and count.

Asked: is a picture lost, is one there twice, is the allowed rate ever exceeded? The server logs the moment of every
request; the program is killed with SIGKILL at random moments, and started again with the same command.

    python benchmarks/gather.py --pictures 2000 --kills 20 --output benchmarks/results/gather.json
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "benchmarks")]

from measure import machine  # noqa: E402

from gather_server import Server  # noqa: E402
from reverie.data.gather.layout import read_rows  # noqa: E402

CLASSES = ("arch", "bridge", "door", "fountain", "gate", "house", "lamp", "roof", "stair", "tower")


def command(server: Server, folder: Path, each: int, pause_s: float) -> list[str]:
    """Return the command line that is killed and repeated."""
    return [
        sys.executable, "-m", "reverie", "gather", "images", ", ".join(CLASSES), "--source", "commons",
        "--count", str(each),
        "--pause", str(pause_s), "--contact", "benchmark@example.org", "--endpoint", f"commons={server.url}/commons",
        "-o", str(folder / "out"),
    ]  # fmt: skip


def run(pictures: int, kills: int, pause_s: float, seed: int) -> dict[str, object]:
    """Gather with kills, and return what was counted."""
    draw = random.Random(seed)
    each = pictures // len(CLASSES)
    with tempfile.TemporaryDirectory() as place, Server(round(1.1 * each)) as server:
        folder = Path(place)
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "REVERIE_HOME": str(folder / "home")}
        began, killed = time.monotonic(), 0
        while True:
            process = subprocess.Popen(command(server, folder, each, pause_s), env=env, stderr=subprocess.DEVNULL)
            if killed < kills:
                goal = len(server.log) + draw.randint(pictures // (2 * kills), pictures // kills)
                while process.poll() is None and len(server.log) < goal:
                    time.sleep(0.005)
                time.sleep(draw.uniform(0, 2 * pause_s))
            if killed < kills and process.poll() is None:
                process.kill()
                process.wait()
                killed += 1
                print(f"kill {killed}: {len(server.log)} requests so far", file=sys.stderr)
                continue
            code = process.wait()
            break
        return {"exit_code": code, "kills": killed, "seconds": round(time.monotonic() - began, 1),
                **counted(server, folder / "out", each, pause_s)}  # fmt: skip


def counted(server: Server, out: Path, each: int, pause_s: float) -> dict[str, object]:
    """Return what the folder holds and what the server saw."""
    rows = read_rows(out / "ATTRIBUTION.csv")
    files = [path for path in out.rglob("*.jpg") if path.parent.name != "review"]
    moments = sorted(moment for moment, _, _ in server.log)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    fetched = [path for _, path, _ in server.log if path.startswith("/picture")]
    return {
        "pictures": len(rows), "lost": each * len(CLASSES) - len(rows), "files": len(files),
        "twice": len(rows) - len({row["sha256"] for row in rows}),
        "addresses_twice": len(rows) - len({row["url"] for row in rows}),
        "fetched": len(fetched), "fetched_again": len(fetched) - len(set(fetched)), "requests": len(server.log),
        "pause_s": pause_s, "least_gap_s": round(min(gaps), 4),
        "gaps_below_the_pause": sum(gap < pause_s for gap in gaps),
    }  # fmt: skip


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.02, help="least seconds between requests that is allowed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    found = run(chosen.pictures, chosen.kills, chosen.pause, chosen.seed)
    met = {
        "none lost": found["lost"] == 0, "none twice": found["twice"] == found["addresses_twice"] == 0,
        "every file in its place": found["files"] == found["pictures"],
        "no limit exceeded": found["gaps_below_the_pause"] == 0,
        "fetched again only what was under way at a kill": int(str(found["fetched_again"])) <= chosen.kills,
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    for name, value in met.items():
        print(f"{'met' if value else 'MISSED':7} {name}")
    if chosen.output is not None:
        chosen.output.write_text(json.dumps({"machine": machine(), "found": found, "met": met}, indent=1) + "\n")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
