"""Where a job stands, kept on disk every few seconds, so that its next worker goes on rather than begins again.

For works that stand in one process's memory, such as a dream; films and trainings keep their own folders.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.queue.trail import write_whole

if TYPE_CHECKING:
    from reverie.jobs.run import Run

NAME = "state.safetensors"
EVERY_S = 5.0
REST = 100  # and so many times as long as the last state took to write: at most a hundredth of the time
KEY = "reverie_job_state"


class KeptState:
    """The state file of one job.

    Args:
        folder: of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._due = folder / NAME, time.monotonic() + EVERY_S

    def keep(self, run: Run) -> None:
        """Write where the run stands, if it is time and the run can be gone on with."""
        began = time.monotonic()
        if began < self._due:
            return
        state = run.standing()
        if state is not None:
            from safetensors.torch import save

            about = json.dumps(dict(state.about) | _made())
            ready = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
            write_whole(self._path, save(ready, {KEY: about}))
        now = time.monotonic()
        self._due = now + max(EVERY_S, REST * (now - began))

    def resume(self, run: Run) -> str:
        """Let a run go on from the state, if there is one; return a line that says so, or why not."""
        if not self._path.exists():
            return ""
        from safetensors import SafetensorError, safe_open

        from reverie.jobs.work import State

        try:
            with safe_open(str(self._path), "pt") as file:
                about = json.loads((file.metadata() or {}).get(KEY, "null"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            if {name: about[name] for name in _made()} != _made():
                raise InputError("another version wrote it")
            run.go_on(State(tensors, about))
        except (SafetensorError, InputError, OSError, ValueError, KeyError, TypeError) as error:
            return f"begins again: its state cannot be used ({str(error)[:80]})"
        return f"goes on after step {about['run']['steps']}, where its worker ended"

    def clear(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)


def _made() -> dict[str, str]:
    """Return what must be the same for the same bytes."""
    import torch

    import reverie

    return {"version": reverie.__version__, "torch": torch.__version__}
