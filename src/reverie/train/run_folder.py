"""The folder of one training run: checkpoint, metrics as JSONL and CSV, and the settings that made it.

One training at a time writes into it, and no file in it that is not of a training is replaced or removed. A finished
run holds its network and no checkpoint; a run that failed before its first checkpoint leaves nothing.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reverie.data.pack import delete_packs
from reverie.errors import InputError, OutputError, WeightsError
from reverie.train.interrupt import deferred_interrupt
from reverie.weights.atomic import write_bytes
from reverie.weights.checkpoint import is_described
from reverie.weights.in_folder import NETWORK

SETTINGS, LOG, BROKEN, TABLE = "settings.json", "metrics.jsonl", "broken.txt", "metrics.csv"
CHECKPOINT, BEST = "checkpoint.pt", "best.pt"
WRITTEN = (SETTINGS, LOG, TABLE, BROKEN)
MARK = "reverie"  # the entry of settings.json that says whose it is: the version that wrote it


class RunFolder:
    """Paths and records of a run; every file appears whole or not at all.

    Args:
        path: the folder.
        kept: the records stay when the run is finished; else they go, and the folder with them.
    """

    def __init__(self, path: Path, *, kept: bool = True) -> None:
        self.path, self.kept = path, kept
        self._made: list[Path] = []
        self._begun: set[str] = set()

    @property
    def checkpoint(self) -> Path:
        return self.path / CHECKPOINT

    @property
    def network(self) -> Path:
        return self.path / NETWORK

    @property
    def metrics(self) -> Path:
        return self.path / LOG

    # -- beginning and end ------------------------------------------------------------------------------------

    @contextmanager
    def claimed(self, *, alone: bool = True) -> Iterator[None]:
        """Make the folder and keep other trainings out of it; leave nothing of no use behind after a failure.

        Args:
            alone: False for the further processes of one training, which write nothing.

        Raises:
            InputError: another training writes into it, or it holds files of others that have our names.
            OutputError: it cannot be made.
        """
        self.create()
        try:
            with _locked(self.path) if alone else _nothing():
                if alone:
                    self._check_own()
                    self._sweep()
                with self._cleared_on_failure():
                    yield
        finally:
            self._remove_empty()

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

    def _check_own(self) -> None:
        if self.checkpoint.exists() or self._is_marked() or (self.network.is_file() and is_described(self.network)):
            return
        foreign = next((name for name in WRITTEN if (self.path / name).exists()), None)
        if foreign is not None:
            raise InputError(
                f"'{self.path / foreign}' was not made by a training and would be replaced; choose another --output"
            )

    def _is_marked(self) -> bool:
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads((self.path / SETTINGS).read_text(encoding="utf-8"))
            return isinstance(found, dict) and MARK in found
        return False

    def _sweep(self) -> None:
        """Remove what a killed training left half written."""
        for name in (*WRITTEN, CHECKPOINT, BEST, NETWORK):
            for path in self.path.glob(f".{name}.*.part"):
                path.unlink(missing_ok=True)

    @contextmanager
    def _cleared_on_failure(self) -> Iterator[None]:
        """Leave nothing behind that is of no use: decoded pictures after an error, all if there is no checkpoint."""
        try:
            yield
        except BaseException as error:
            stopped = isinstance(error, (GeneratorExit, KeyboardInterrupt, SystemExit))
            if not (stopped and self.checkpoint.exists()):
                delete_packs(self.path)
            if not (self.checkpoint.exists() or self.network.exists()):
                for name in self._begun:
                    (self.path / name).unlink(missing_ok=True)
            raise

    def _remove_empty(self) -> None:
        for folder in self._made:
            with suppress(OSError):  # not empty: somebody keeps something in it
                folder.rmdir()

    def finish(self) -> None:
        """Remove what only an unfinished run needs, once its network is written; all, if nothing is to be kept."""
        delete_packs(self.path)
        for name in (CHECKPOINT, BEST):  # several times as large as the network
            (self.path / name).unlink(missing_ok=True)
        if self.kept:
            return
        for name in WRITTEN if self._is_marked() else ():
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / "tensorboard", ignore_errors=True)
        with suppress(OSError):  # not empty, or gone
            self.path.rmdir()

    # -- settings and checkpoints -----------------------------------------------------------------------------

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write ``settings.json``, which also says that the folder is ours."""
        from reverie.version import __version__

        text = json.dumps({MARK: __version__, **settings}, indent=2, ensure_ascii=False)
        self._write(SETTINGS, (text + "\n").encode())

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Write the checkpoint in the place of the one before."""
        self._write(CHECKPOINT, _saved(state))

    def load_checkpoint(self) -> dict[str, Any]:
        """Return the last checkpoint; it has ``config`` and ``data_digest``, of the right kinds.

        Raises:
            WeightsError: there is none, or it is broken.
        """
        if not self.checkpoint.is_file():
            raise WeightsError(f"no checkpoint to resume in '{self.path}'; start without --resume")
        try:
            saved = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise WeightsError(f"the checkpoint '{self.checkpoint}' is damaged ({type(error).__name__})") from error
        if not isinstance(saved, dict) or not isinstance(saved.get("config"), dict):
            raise WeightsError(f"'{self.checkpoint}' is no checkpoint of a training of ours")
        if not isinstance(saved.get("data_digest"), str):
            raise WeightsError(f"the checkpoint '{self.checkpoint}' does not say what it learned from")
        return saved

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Turn whatever a checkpoint of another training, or a damaged one, causes in the block into one line.

        Raises:
            WeightsError: its entries are missing, of another kind, or of another shape.
        """
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise WeightsError(
                f"the checkpoint '{self.checkpoint}' does not fit this training ({type(error).__name__}: {reason})"
            ) from error

    def save_best(self, state: dict[str, Tensor]) -> None:
        """Keep the weights of the best epoch, for a run that may stop early."""
        self._write(BEST, _saved(state))

    def load_best_into(self, net: nn.Module) -> None:
        """Give `net` the weights of the best epoch, if any were kept."""
        path = self.path / BEST
        if path.is_file():
            net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    # -- records ----------------------------------------------------------------------------------------------

    def name_broken(self, names: tuple[str, ...]) -> None:
        """Write the names of unreadable pictures into ``broken.txt``, one a line."""
        if names:
            self._write(BROKEN, "".join(f"{name}\n" for name in names).encode())

    def begin_log(self) -> None:
        """Forget the log of an earlier attempt in the same folder."""
        self.metrics.unlink(missing_ok=True)

    def log(self, record: dict[str, Any]) -> None:
        """Append one record to ``metrics.jsonl``."""
        self._note(LOG)
        try:
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write '{self.metrics}': {error.strerror or error}") from error

    def records(self) -> list[dict[str, Any]]:
        """Return the records of ``metrics.jsonl``; a line cut short by a crash, or of another kind, is left out."""
        if not self.metrics.is_file():
            return []
        records = []
        for line in self.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict) and type(found.get("step")) is int:
                    records.append(found)
        return records

    def truncate_log(self, step: int) -> None:
        """Drop records after `step`: a resumed run writes them again."""
        if not self.metrics.exists():
            return
        kept = [record for record in self.records() if record["step"] <= step]
        self._write(LOG, "".join(json.dumps(record) + "\n" for record in kept).encode())

    def write_csv(self) -> Path:
        """Write the epoch records of the log as one table."""
        rows = [r for r in self.records() if r.get("phase") == "epoch"]
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return self._write(TABLE, text.getvalue().encode())

    def _write(self, name: str, blob: bytes) -> Path:
        """Write one file; a Ctrl-C meanwhile waits, so that nothing half written stays."""
        self._note(name)
        with deferred_interrupt():
            write_bytes(self.path / name, blob)
        return self.path / name

    def _note(self, name: str) -> None:
        if not (self.path / name).exists():
            self._begun.add(name)


def _saved(state: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone; nothing where the system cannot lock folders (Windows, some networks).

    Raises:
        InputError: another process, or another training of this one, holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"another training is writing into '{folder}'; wait for its end, or choose another --output"
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
