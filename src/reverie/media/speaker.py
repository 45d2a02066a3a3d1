"""The sound device of this machine, through PortAudio."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from reverie.errors import InputError
from reverie.media.native_output import native_lines_dropped

MISSING = "sound needs sounddevice and PortAudio: pip install 'reverie[live]', and apt install libportaudio2"


class Speaker:
    """Plays what a function makes until it is closed.

    Args:
        make: asked, in a thread of PortAudio, for so many samples ``[N, 2]`` float32 in [-1, 1].
        rate_hz: of them.
        device: part of a device's name; "" for the usual one.

    Raises:
        InputError: sounddevice, PortAudio or a device is missing.
    """

    def __init__(self, make: Callable[[int], np.ndarray], rate_hz: int, device: str = "") -> None:
        try:
            with native_lines_dropped():
                import sounddevice
        except (ImportError, OSError) as error:
            raise InputError(MISSING) from error

        def fill(out: np.ndarray, count: int, time: Any, status: Any) -> None:
            out[:] = make(count)

        try:
            with native_lines_dropped():
                self._stream = sounddevice.OutputStream(
                    rate_hz, blocksize=0, device=device or None, channels=2, dtype="float32", callback=fill
                )
                self._stream.start()
        except Exception as error:  # PortAudio's own kinds
            raise InputError(f"there is no sound device here ({' '.join(str(error).split())[:100]})") from error

    def close(self) -> None:
        """Fall silent."""
        self._stream.close()
