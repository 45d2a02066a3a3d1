"""How long from a clone to first results, by docs/start.md alone?

The commands of that page are run, section by section, in a clone in an empty folder. With ``--here`` the installed
`reverie` is used and the section on installing is left out. CPU seconds hardly depend on what else the machine does;
seconds by the clock do, so the load is reported beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "start.md"
BEGIN, END = "<!-- clock -->", "<!-- end of clock -->"
WATTS_PER_CORE = 12.0  # of a busy core with its share of memory and fans; no counter of energy could be read
BUSY = "Where the load is far above 1, other programs used the machine, and only the CPU seconds count."
NOT_ALONE = ("photo.jpg",)  # a stranger's own files, which are not here


def sections(text: str) -> dict[str, list[str]]:
    """Return the command lines of every section by its heading."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        lines = [line.strip() for line in re.findall(r"^ {4}(\S.*)$", body, re.MULTILINE)]
        found[heading] = [line for line in lines if not any(name in line for name in NOT_ALONE)]
    return {heading: lines for heading, lines in found.items() if lines}


def run(lines: list[str], folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run command lines in a folder; return seconds by the clock and of the processors."""
    clock, before = time.perf_counter(), os.times()
    for line in lines:
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return {"failed": line, "message": done.stderr[-500:]}
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall_s": round(time.perf_counter() - clock, 1), "cpu_s": round(cpu, 1), "commands": len(lines)}


def fill(record: dict[str, Any]) -> None:
    """Write the numbers into the table of the page."""
    rows = ["| section | CPU seconds | by the clock | energy, at 12 W a core |", "| --- | --- | --- | --- |"]
    for heading, found in record["results"].items():
        if "cpu_s" in found:
            joules = found["cpu_s"] * WATTS_PER_CORE
            rows.append(f"| {heading} | {found['cpu_s']:.0f} s | {found['wall_s'] / 60:.1f} min | {joules:.0f} J |")
    told = (
        f"On {record['date']}, {record['cores']} cores, {record['threads']} thread(s), load {record['load_1min']}. "
        + BUSY
    )
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text("\n".join([before + BEGIN, "", *rows, "", told, "", END + after]), "utf-8")


def main() -> int:
    """Run all sections and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--here", action="store_true", help="use this environment, install nothing")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "reverie"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        environment = os.environ | {"REVERIE_HOME": str(Path(scratch) / "cache")}
        if not options.here:
            place = Path(scratch) / "venv"
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            environment |= {"PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(place)}
            environment.pop("PYTHONPATH", None)
        for heading, lines in sections(PAGE.read_text("utf-8")).items():
            own = [line for line in lines if "git clone" not in line]
            if heading == "Install" and options.here:
                continue
            results[heading] = run(own, folder, environment)
            print(heading, results[heading], flush=True)
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    record = {
        "question": "How long from a clone to first results, by docs/start.md alone?",
        "date": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "load_1min": load,
        "python": sys.version.split()[0], "threads": os.environ.get("OMP_NUM_THREADS", "auto"), "results": results,
    }  # fmt: skip
    if options.output:
        options.output.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        fill(record)
    return any("failed" in found for found in results.values())


if __name__ == "__main__":
    sys.exit(main())
