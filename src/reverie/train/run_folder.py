"""The folder of one training run: checkpoint, metrics as JSONL and CSV, and the settings that made it.

A finished run holds its network and no checkpoint; a run that failed before its first checkpoint leaves nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reverie.data.pack import delete_packs
from reverie.errors import InputError, OutputError, WeightsError
from reverie.weights.checkpoint import write_bytes

NETWORK = "model.safetensors"
BEGUN = ("settings.json", "metrics.jsonl", "broken.txt")  # written before the first checkpoint


class RunFolder:
    """Paths and records of a run; every file appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []

    def create(self) -> None:
        """Make the folder, if it is not there.

        Raises:
            OutputError: it cannot be made.
        """
        self._made = [p for p in (self.path, *self.path.parents) if not p.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot create the folder '{self.path}': {error.strerror or error}") from error

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def network(self) -> Path:
        return self.path / NETWORK

    @property
    def is_finished(self) -> bool:
        return self.network.is_file() and not self.checkpoint.exists()

    def check_unused(self) -> None:
        """Raise `InputError` if a run lives here already."""
        if self.checkpoint.exists():
            raise InputError(f"'{self.path}' already holds a run; continue it with --resume or choose another --output")
        if self.network.exists():
            raise InputError(f"'{self.path}' already holds a finished run; choose another --output")

    @contextmanager
    def cleared_on_failure(self) -> Iterator[None]:
        """Leave nothing behind that is of no use: decoded pictures after an error, all if there is no checkpoint."""
        try:
            yield
        except BaseException as error:
            stopped = isinstance(error, (GeneratorExit, KeyboardInterrupt, SystemExit))
            if not (stopped and self.checkpoint.exists()):
                delete_packs(self.path)
            if not (self.checkpoint.exists() or self.network.exists()):
                self._remove_begun()
            raise

    def _remove_begun(self) -> None:
        for name in BEGUN:
            (self.path / name).unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):  # not empty: somebody keeps something in it
                folder.rmdir()

    def remove(self) -> None:
        """Remove the records of a finished run whose network lies elsewhere, and the folder if it is empty then."""
        for name in BEGUN:
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.path.rmdir()

    def begin_log(self) -> None:
        """Forget the log of an earlier attempt in the same folder."""
        self.metrics.unlink(missing_ok=True)

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints of a finished run: they are several times as large as its network."""
        for path in (self.checkpoint, self.path / "best.pt"):
            path.unlink(missing_ok=True)

    def name_broken(self, names: tuple[str, ...]) -> None:
        """Write the names of unreadable pictures into ``broken.txt``, one a line."""
        if names:
            write_bytes(self.path / "broken.txt", "".join(f"{name}\n" for name in names).encode())

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(self.checkpoint, buffer.getvalue())

    def load_checkpoint(self) -> dict[str, Any]:
        """Return the last checkpoint.

        Raises:
            WeightsError: there is none, or it is broken.
        """
        if not self.checkpoint.is_file():
            raise WeightsError(f"no checkpoint to resume in '{self.path}'; start without --resume")
        try:
            return torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise WeightsError(f"the checkpoint '{self.checkpoint}' is damaged ({type(error).__name__})") from error

    def save_best(self, state: dict[str, Tensor]) -> None:
        """Keep the weights of the best epoch, for a run that may stop early."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(self.path / "best.pt", buffer.getvalue())

    def load_best_into(self, net: nn.Module) -> None:
        """Give `net` the weights of the best epoch, if any were kept."""
        path = self.path / "best.pt"
        if path.is_file():
            net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    def log(self, record: dict[str, Any]) -> None:
        """Append one record to ``metrics.jsonl``."""
        try:
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write '{self.metrics}': {error.strerror or error}") from error

    def records(self) -> list[dict[str, Any]]:
        """Return the records of ``metrics.jsonl``; a line cut short by a crash is left out."""
        if not self.metrics.is_file():
            return []
        records = []
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):
                records.append(json.loads(line))
        return records

    def truncate_log(self, step: int) -> None:
        """Drop records after `step`: a resumed run writes them again."""
        kept = [record for record in self.records() if record["step"] <= step]
        write_bytes(self.metrics, "".join(json.dumps(record) + "\n" for record in kept).encode())

    def write_csv(self) -> Path:
        """Write the epoch records of the log as one table."""
        rows = [r for r in self.records() if r.get("phase") == "epoch"]
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        target = self.path / "metrics.csv"
        write_bytes(target, text.getvalue().encode())
        return target

    def write_json(self, name: str, record: Any) -> Path:
        target = self.path / name
        write_bytes(target, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())
        return target
