"""How fast and how lean is a network pickle read as data?

A pickle of the size and structure of NVIDIA's FFHQ-1024 network (average of the generator and discriminator, 249 MB,
each tensor a torch file of its own) is written once. Each way of reading runs in a process of its own, so that peaks
do not mix: the generator to tensors, both to tensors, and as a naive reference Python's own reader with stand-ins for
the classes, which calls what the file names.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import tempfile
import time
from pathlib import Path

import torch
from measure import MIB, arguments, in_child, machine, peak_of, report, target

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "weights" / "foreign"))


def make(path: Path, resolution: int) -> None:
    """Write the pickle: D and G_ema of the published widths."""
    from dialects import module
    from pickle_writer import pickled

    from reverie.models.stylegan2.config import GeneratorConfig, channels_of
    from reverie.models.stylegan2.discriminator import Discriminator, matching
    from reverie.models.stylegan2.generator import Generator

    config = GeneratorConfig(channels=channels_of(resolution))
    nets = {"D": Discriminator(matching(config)), "G_ema": Generator(config)}
    states = {name: {k: v for k, v in net.state_dict().items() if "blur" not in k} for name, net in nets.items()}
    made = {name: module(state, "", lambda prefix: {}, 4) for name, state in states.items()}
    path.write_bytes(pickled(made))


def read_average(path: Path) -> int:
    """Read G_ema to tensors; return their bytes."""
    from reverie.weights.gan.nvidia import walk
    from reverie.weights.pickles.file import open_foreign

    file = open_foreign(path)
    tensors = [t.read() for t in walk(file.values.mapping(file.root)["G_ema"], file.values).tensors.values()]
    return sum(t.nbytes for t in tensors)


def read_all(path: Path) -> int:
    """Read both networks to tensors; return their bytes."""
    from reverie.weights.gan.nvidia import walk
    from reverie.weights.pickles.file import open_foreign

    file = open_foreign(path)
    entries = file.values.mapping(file.root)
    tensors = [t.read() for net in entries.values() for t in walk(net, file.values).tensors.values()]
    return sum(t.nbytes for t in tensors)


def parse_only(path: Path) -> int:
    """Read the instructions, no tensor."""
    from reverie.weights.pickles.file import open_foreign

    return open_foreign(path).report.opcodes


def _load_blob(blob: bytes) -> object:
    return torch.load(io.BytesIO(blob), weights_only=True, map_location="cpu")


class _Naive(pickle.Unpickler):
    """Python's reader with the file's classes replaced; the tensors' own functions are called."""

    def find_class(self, module: str, name: str) -> object:
        if name == "_load_from_bytes":
            return _load_blob
        if module.partition(".")[0] in ("torch", "collections", "numpy", "builtins"):
            return super().find_class(module, name)
        return dict if name == "EasyDict" else lambda *args: args


def naive(path: Path) -> int:
    """Read everything with Python's reader."""
    with path.open("rb") as file:
        return len(_Naive(file).load())


WAYS = {
    "instructions only": parse_only,
    "G_ema to tensors": read_average,
    "all to tensors": read_all,
    "Python's reader": naive,
}


def child(way: str, path: Path) -> None:
    """Run one way once and print its seconds and the peak of memory above what the imports take."""
    import reverie.weights.gan.read

    assert reverie.weights.gan.read
    torch.frombuffer(bytearray(4), dtype=torch.float32)
    value = 0
    seconds: list[float] = []

    def work() -> None:
        nonlocal value
        wall, cpu = time.perf_counter(), time.process_time()
        value = WAYS[way](path)
        seconds.extend((time.perf_counter() - wall, time.process_time() - cpu))

    memory = peak_of(work, passes=1)
    print(json.dumps({"wall_s": seconds[0], "cpu_s": seconds[1], "value": value, **memory}))


def measured(way: str, path: Path, rounds: int) -> dict[str, float]:
    """Return the least times and the largest peak of several processes."""
    runs = [in_child(__file__, "--way", way, "--file", str(path)) for _ in range(rounds)]
    peak = max(run["increase_mib"] for run in runs)
    return {
        "wall_s": round(min(run["wall_s"] for run in runs), 3), "cpu_s": round(min(run["cpu_s"] for run in runs), 3),
        "slowest_wall_s": round(max(run["wall_s"] for run in runs), 3),
        "peak_mib": round(peak, 1), "peak_of_file": round(peak * MIB / path.stat().st_size, 3),
    }  # fmt: skip


def main() -> None:
    """Measure, print, keep."""
    parser = arguments(__doc__, resolution=1024, rounds=5, way="", file="")
    args = parser.parse_args()
    if args.way:
        child(args.way, Path(args.file))
        return
    load = machine()["load_1min"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pkl"
        make(path, args.resolution)
        size = path.stat().st_size
        ways = {way: measured(way, path, args.rounds) for way in WAYS}
    whole = ways["all to tensors"]
    targets = [
        target("all tensors of the pickle", "< 2 s", whole["wall_s"], whole["wall_s"] < 2),
        target("peak memory / size of the file", "< 2.6", whole["peak_of_file"], whole["peak_of_file"] < 2.6),
    ]
    results = {"file_mib": round(size / MIB, 1), "ways": ways}
    settings = {"resolution": args.resolution, "rounds": args.rounds}
    report("How fast and how lean is a network pickle read as data?", settings, results, targets, args.output, load)


if __name__ == "__main__":
    main()
