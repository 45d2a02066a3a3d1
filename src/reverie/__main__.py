"""`python -m reverie`, and the `reverie` command: a door that is quiet even while the rest is still being imported."""

import _thread
import os
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
    _open_closed()
    try:
        sys.unraisablehook = _interrupt_again
        from reverie.jobs.interrupts import cause, install

        install()
        from reverie.apps.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        by = cause() if "cause" in locals() else "Ctrl-C"  # it may come while `cause` itself is imported
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        exec("")  # or CPython, which notes a Ctrl-C within `exec`, as imports use it, would end by the signal
        sys.stderr.write(f"reverie: stopped by {by}\n")
        return 130


def _open_closed() -> None:
    """Give closed standard streams a place: else the next file that is opened would be taken for one of them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))


def _interrupt_again(unraisable: "UnraisableHookArgs") -> None:
    """Repeat a Ctrl-C that came in a finalizer or a weak reference's callback, where Python cannot raise it."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Thread(target=_interrupt_soon, daemon=True).start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_soon() -> None:
    time.sleep(AGAIN_AFTER_S)
    rearm = getattr(signal.getsignal(signal.SIGINT), "rearm", None)
    if rearm is not None:
        rearm()
    main_thread = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGINT)  # wakes it, too, where it waits
    else:
        _thread.interrupt_main()


if __name__ == "__main__":
    sys.exit(main())
