"""`python -m reverie`, and the `reverie` command: a door that is quiet even while the rest is still being imported."""

import _thread
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_AFTER_S = 0.05


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        sys.unraisablehook = _interrupt_again
        from reverie.apps.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        exec("")  # or CPython, which notes a Ctrl-C within `exec`, as imports use it, would end by the signal
        sys.stderr.write("reverie: stopped by Ctrl-C\n")
        return 130


def _interrupt_again(unraisable: "UnraisableHookArgs") -> None:
    """Repeat a Ctrl-C that came in a finalizer or a weak reference's callback, where Python cannot raise it."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Thread(target=_interrupt_soon, daemon=True).start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_soon() -> None:
    time.sleep(AGAIN_AFTER_S)
    main_thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)  # wakes it, too, where it waits
    else:
        _thread.interrupt_main()


if __name__ == "__main__":
    sys.exit(main())
