"""Write the numbers of ``results/*.json`` into the tables of README.md, so that no number is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
SCRIPTS = ("gradient_step", "ceiling", "tiling", "big_picture", "huge_picture", "directory", "startup")
Row = list[Any]


def table(head: Row, rows: list[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)


def gradient_step(results: dict[str, Any]) -> str:
    """CPU time, gain and memory of every variant."""
    rows: list[Row] = []
    for network, found in results.items():
        one, memory = found["one_thread"], found["memory"]["variants"]
        for name, times in one["variants"].items():
            cpu, gained = times["cpu_s"], one["gain"].get(name)
            rows.append([
                f"{network} {found['layer']}", name, f"{cpu['median']:.3f}", f"{cpu['min']:.3f}",
                f"{cpu['spread']:.0%}", f"{gained['median']:.2f}" if gained else "",
                f"{memory[name]['process_peak_mib']:.0f}", f"{memory[name]['peak_mib']:.0f}",
                cosines(found["cosine_to_fp32"].get(name, "reference")),
            ])  # fmt: skip
    return table(
        ["", "variant", "CPU s", "least", "spread", "ours is faster by", "process peak MiB", "peak in the pass MiB",
         "cosine to fp32"], rows,
    )  # fmt: skip


def cosines(found: Any) -> str:
    """Return one cosine, or ours by picture."""
    return ", ".join(f"{k}: {v:.3f}" for k, v in found.items()) if isinstance(found, dict) else str(found)


def ceiling(results: list[dict[str, Any]]) -> str:
    """Rate of the pass and the best rate seen."""
    return table(
        ["", "precision", "G multiply-adds", "CPU s", "G/s", "ceiling G/s", "ceiling", "share"],
        [[f"{r['network']} {r['layer']}", r["precision"], f"{r['multiply_adds'] / 1e9:.1f}",
          r["pass_cpu_s"]["median"], r["pass_gmac_per_s"], r["ceiling_gmac_per_s"], r["ceiling"], f"{r['share']:.0%}"]
         for r in results],
    )  # fmt: skip


def tiling(results: dict[str, Any]) -> str:
    """Errors by halo, then memory."""
    errors, memory = results["errors"], results["memory"]
    fixed = [f"halo {h['halo_px']}" for h in errors[0]["halos"][1:]] if errors else []
    first = table(
        ["error, in brackets near the seam", "chosen halo", "at it", *fixed],
        [[f"{e['network']} {e['layer']} {e['precision']}", e["halos"][0]["halo_px"],
          *(f"{h['total']:.4f} ({h['band']:.4f})" + ("\\*" if h["windows_cover_all"] else "") for h in e["halos"])]
         for e in errors],
    )  # fmt: skip
    second = table(
        ["memory of a pass", "measured bytes per px", "estimate", "ratio"],
        [[f"{m['network']} {m['layer']} {m['precision']}", m["measured_bytes_per_px"], m["estimate_bytes_per_px"],
          m["ratio"]] for m in memory],
    )  # fmt: skip
    return f"{first}\n\n\\* the windows of all tiles cover the whole width: nothing is cut off\n\n{second}"


def big_picture(result: dict[str, Any]) -> str:
    """Peak and plan."""
    plan = result["plan"]
    return table(
        ["peak MB", "tile px", "halo px", "tiles", "s per step", "wall s"],
        [[result["peak_mb"], plan["tile_px"], plan["halo_px"], plan["tiles"], result["s_per_step"], result["wall_s"]]],
    )


def huge_picture(results: dict[str, Any]) -> str:
    """Peaks and plans by size."""
    rows: list[Row] = []
    for name, found in results.items():
        plan = found["plan"]
        planned = [plan[k] for k in ("memory_mb", "on_disk_mb", "tile_px", "halo_px", "tiles")]
        rows.append([name, found["peak_mb"], *planned, found["dreaming_s"], found["wall_s"]])
    return table(["", "peak MB", "planned MB", "on disk MB", "tile px", "halo px", "tiles", "steps s", "wall s"], rows)


def directory(results: dict[str, Any]) -> str:
    """Seconds of every variant, round by round."""
    rows: list[Row] = []
    for name, wall in results["wall_s"].items():
        cpu, load = results["cpu_s"][name], results["load"][name]
        rows.append([name, *(", ".join(f"{v:g}" for v in values) for values in (wall, cpu, load))])
    return table(["", "wall s, round by round", "CPU s", "load after it"], rows)


def startup(result: dict[str, Any]) -> str:
    """Times of new processes."""
    rows: list[Row] = [
        [
            name,
            result[name]["wall_s"]["median"],
            result[name]["cpu_s"]["median"],
            f"{result[name]['wall_s']['spread']:.0%}",
        ]
        for name in ("import torch", "reverie --help", "small dream")
    ]
    first = result["first step"]
    rows += [
        [text, first[key]["median"], "", f"{first[key]['spread']:.0%}"]
        for text, key in (("first step begins", "to_step_begun_s"), ("first step done", "to_step_done_s"))
    ]
    return table(["from the start of the process", "wall s", "CPU s", "spread"], rows)


TABLES = {f.__name__: f for f in (gradient_step, ceiling, tiling, big_picture, huge_picture, directory, startup)}


def section(name: str) -> str:
    """Return heading, machine, verdict and table of one script; one line where it has not been run."""
    path = HERE / "results" / f"{name}.json"
    if not path.exists():
        return f"### {name}\n\nNot measured yet.\n"
    record = json.loads(path.read_text())
    machine, versions = record["machine"], record["versions"]
    where = (
        f"Measured on {record['date']}: {machine['processor']}, {machine['cores']} cores, {machine['capability']}"
        f"{''.join(', ' + unit for unit in machine['bf16_units'])}, {machine['memory_gib']} GiB; load at the start "
        f"{machine['load_1min']}; python {versions['python']}, torch {versions['torch']}."
    )
    verdict = [
        f"- {'met' if t['met'] else '**not met**'}: {t['what']}: {t['measured']:g} (target {t['target']})"
        for t in record["targets"]
    ]
    return "\n\n".join([f"### {name}", where, "\n".join(verdict), TABLES[name](record["results"])]) + "\n"


def main() -> None:
    """Replace what stands between the two marks."""
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    body = "\n".join(section(name) for name in SCRIPTS)
    readme.write_text(f"{before}{BEGIN}\n\n{body}\n{END}{after}")


if __name__ == "__main__":
    main()
