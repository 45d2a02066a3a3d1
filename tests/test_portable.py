"""Windows has no fcntl, resource, termios, pwd or grp: every module imports without them, and guards what it lacks."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reverie

PACKAGE = Path(reverie.__file__).parent
POSIX_MODULES = ("fcntl", "resource", "termios", "pwd", "grp", "tty", "pty", "syslog", "posix", "crypt", "spwd")
# Names that Windows lacks, as the documentation of Python has them ("Availability: Unix").
POSIX_NAMES = {
    "os": "fork forkpty getuid geteuid getgid getegid setuid setgid getgroups getpgid getpgrp setsid setpgid killpg "
    "getloadavg nice getpriority setpriority uname chown fchown lchown chroot mkfifo mknod statvfs fstatvfs wait "
    "wait3 wait4 "
    "sched_getaffinity sched_setaffinity sched_yield sync fdatasync pipe2 openpty pread pwrite sendfile ctermid "
    "O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_NONBLOCK WNOHANG EX_OK memfd_create pidfd_open",
    "signal": "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 SIGWINCH "
    "alarm pause "
    "setitimer pthread_kill pthread_sigmask sigwait SIG_BLOCK SIG_UNBLOCK SIG_SETMASK",
    "time": "tzset clock_gettime CLOCK_MONOTONIC",
    "socket": "AF_UNIX socketpair_unix SO_REUSEPORT",
}
IMPORT_ALL = f"""
import builtins, importlib, pkgutil
whole = builtins.__import__
def guarded(name, globals=None, *rest):
    if name.partition(".")[0] in {POSIX_MODULES!r} and (globals or {{}}).get("__name__", "").startswith("reverie"):
        raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)
    return whole(name, globals, *rest)
builtins.__import__ = guarded
import reverie
names = [m.name for m in pkgutil.walk_packages(reverie.__path__, "reverie.") if not m.name.endswith("__main__")]
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "triton":  # is made for Linux alone
            raise
print(len(names))
"""


@pytest.mark.slow
def test_every_module_imports_with_the_modules_of_posix_hidden() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) > 300


def imported_at_once(path: Path) -> list[str]:
    """Modules of POSIX that a file imports at its top, outside of a `try` or `if`: there it fails on Windows."""
    text = path.read_text("utf-8")
    if not any(name in text for name in POSIX_MODULES):
        return []
    tree = ast.parse(text)
    names = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [f"{path.name} {name}" for name in names if name.partition(".")[0] in POSIX_MODULES]


def test_no_module_imports_one_of_posix_at_once(tmp_path: Path) -> None:
    assert [line for path in sorted(PACKAGE.rglob("*.py")) for line in imported_at_once(path)] == []
    (tmp_path / "bare.py").write_text("import os, fcntl\nfrom resource import getrlimit\n")
    (tmp_path / "asked.py").write_text("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None\n")
    assert imported_at_once(tmp_path / "bare.py") == ["bare.py fcntl", "bare.py resource"]
    assert imported_at_once(tmp_path / "asked.py") == []


def unguarded(path: Path) -> list[str]:
    """Names of POSIX that a file uses in a function, or at its top, where nothing asks whether they are there."""
    text = path.read_text("utf-8")
    if not any(f"{module}.{name}" in text for module, names in POSIX_NAMES.items() for name in names.split()):
        return []
    tree, found = ast.parse(text), []
    for scope in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))]:
        body = [
            node
            for child in scope.body
            if not isinstance(child, ast.ClassDef | ast.FunctionDef)
            for node in ast.walk(child)
        ]
        text = ast.unparse(scope)
        for node in body:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names = POSIX_NAMES.get(node.value.id, "").split()
                guards = "hasattr(" in text or "sys.platform" in text or "os.name" in text
                if node.attr in names and not guards:
                    found.append(f"{path.name}:{node.lineno} {node.value.id}.{node.attr}")
    return found


def test_names_that_windows_lacks_stand_only_behind_a_guard() -> None:
    assert [line for path in sorted(PACKAGE.rglob("*.py")) for line in unguarded(path)] == []


def test_the_check_finds_an_unguarded_name_and_leaves_a_guarded_one(tmp_path: Path) -> None:
    names = [name for names in POSIX_NAMES.values() for name in names.split()]
    assert len(set(names)) == len(names)
    (tmp_path / "bare.py").write_text("import os\ndef f():\n    return os.getuid()\n")
    (tmp_path / "asked.py").write_text("import os\ndef f():\n    return os.getuid() if hasattr(os, 'getuid') else 0\n")
    assert unguarded(tmp_path / "bare.py") == ["bare.py:3 os.getuid"]
    assert unguarded(tmp_path / "asked.py") == []
