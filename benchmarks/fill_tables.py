"""Write the numbers of ``results/*.json`` into the tables of README.md, so that no number is typed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
SCRIPTS = (
    "gradient_step", "gradient_step_avx2", "ceiling", "ceiling_avx2", "threads", "tiling", "big_picture",
    "huge_picture", "directory", "live_view", "startup",
    "style_step", "style_fidelity", "style_exact", "style_memory", "student",
)  # fmt: skip
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


def live_view(results: dict[str, Any]) -> str:
    """Speed with and without the page."""
    rows: list[Row] = [
        [
            name,
            r["steps_per_s"],
            r["times_as_long"]["wall_s"],
            r["times_as_long"]["cpu_s"],
            f"{r['cpu_s']['spread']:.0%}",
        ]
        for name, r in results.items()
    ]
    return table(["", "steps/s", "wall, times", "CPU, times", "spread"], rows)


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


def style_step(results: dict[str, Any]) -> str:
    """Seconds of a step, then seconds until a distance."""
    rows: list[Row] = [
        [name, f"{t['cpu_s']['median']:.2f}", f"{t['cpu_s']['min']:.2f}", f"{t['cpu_s']['spread']:.0%}",
         results["step"]["gain"].get(name, {}).get("median", "")] for name, t in results["step"]["variants"].items()
    ]  # fmt: skip
    parts = [table(["one step, VGG-19, 512 px", "CPU s", "least", "spread", "ours is faster by"], rows)]
    for pair in results["until_distance"]:
        shown = next(iter(pair["runs"].values()))["reached_cpu_s"]
        rows = [
            [name, *("" if seconds is None else f"{seconds:.1f}" for seconds in run["reached_cpu_s"].values()),
             *run["curve"][-1]] for name, run in pair["runs"].items()
        ]  # fmt: skip
        head = [f"{pair['content']} in {pair['style']}, CPU s until", *shown, "all of it", "style", "content"]
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def style_fidelity(results: list[dict[str, Any]]) -> str:
    """Style and content distance of both by pair."""
    rows: list[Row] = []
    for r in results:
        found = r.get("dialled", {}).get("converged")
        turned = f"{pair_of(found)} at {found['strength']:.2f}: {found['outcome']}" if found else ""
        peers = (r["peer"][name] for name in ("equal_time", "converged"))
        rows.append([f"{r['content']} in {r['style']}", pair_of(r["ours"]), *map(pair_of, peers),
                     r["outcome"]["converged"], turned])  # fmt: skip
    head = ["style, content distance", "ours", "pystiche, equal time", "pystiche, 500 steps", "ours is better at",
            "ours, strength turned to the peer's content"]  # fmt: skip
    return table(head, rows)


def pair_of(found: dict[str, float]) -> str:
    """Return style and content distance."""
    return f"{found['style']:.3f}, {found['content']:.3f}"


def style_exact(results: list[dict[str, Any]]) -> str:
    """Relative errors of tiled gradients, one row per score."""
    kinds = list(dict.fromkeys(r["precision"] for r in results))
    found = {(r["network"], r["score"], r["precision"]): r for r in results}
    rows: list[Row] = []
    for network, score in dict.fromkeys((r["network"], r["score"]) for r in results):
        errors = [f"{found[network, score, kind]['gradient']:.1e}" for kind in kinds]
        rows.append(
            [f"{network} {score}", *errors, *(f"{found[network, score, k]['to_float64']:.1e}" for k in kinds[1:])]
        )
    head = ["error of the gradient in tiles", *kinds, *(f"{kind} in one piece to {kinds[0]}" for kind in kinds[1:])]
    return table(head, rows)


def style_memory(results: list[dict[str, Any]]) -> str:
    """Peaks by size."""
    return table(
        ["px", "megapixels", "allowed", "peak MB", "wall s"],
        [
            [f"{r['side_px']} x {r['side_px']}", *(r[k] for k in ("megapixels", "max_memory", "peak_mb", "wall_s"))]
            for r in results
        ],
    )


def student(results: dict[str, Any]) -> str:
    """Speed and distances of the three ways."""
    times, judged = results["cpu_s_per_picture"], results["distances"]
    rows: list[Row] = [
        [name, *(f"{1 / t['median']:.3g}" for t in found.values()),
         *(f"{sum(r[name][kind] for r in judged) / len(judged):.3f}" for kind in ("style", "content"))]
        for name, found in times.items()
    ]  # fmt: skip
    return table(["", *(f"pictures per CPU s, {side} px" for side in times["student"]), "style", "content"], rows)


def threads(results: dict[str, Any]) -> str:
    """Seconds of every way of waiting, beside no, one and two busy processes."""
    ways = list(next(iter(next(iter(results.values())).values())))
    rows: list[Row] = [
        [f"{dream}, {beside}", *(seconds[way] for way in ways)]
        for dream, found in results.items()
        for beside, seconds in found.items()
    ]
    return table(["wall s", *ways], rows)


TABLES = {
    f.__name__: f
    for f in (
        gradient_step, ceiling, tiling, big_picture, huge_picture, directory, live_view, startup, style_step,
        style_fidelity, style_exact, style_memory, student, threads,
    )
}  # fmt: skip


def section(name: str) -> str:
    """Return heading, machine, verdict and table of one script; one line where it has not been run.

    `NAME_avx2` is the same script on a machine without AVX-512.
    """
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
    filled = TABLES[name.removesuffix("_avx2")](record["results"])
    return "\n\n".join([f"### {name}", where, verdict(record), filled]) + "\n"


def verdict(record: dict[str, Any]) -> str:
    """Return a line per target of a record."""
    return "\n".join(
        f"- {'met' if t['met'] else '**not met**'}: {t['what']}: {t['measured']:g} (target {t['target']})"
        for t in record["targets"]
    )


def others() -> str:
    """Return the targets of the records that have no table here; their numbers stand in the pages of their tools."""
    parts = ["### Targets of the others\n\nTheir numbers stand in the pages of their tools."]
    for path in sorted((HERE / "results").glob("*.json")):
        record = json.loads(path.read_text())
        if path.stem not in SCRIPTS and record.get("targets"):
            parts.append(f"`{path.stem}`, {record['date']}, {record['machine']['capability']}:\n\n{verdict(record)}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Replace what stands between the two marks."""
    readme = HERE / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    body = "\n".join([*(section(name) for name in SCRIPTS), others()])
    readme.write_text(f"{before}{BEGIN}\n\n{body}\n{END}{after}")


if __name__ == "__main__":
    main()
