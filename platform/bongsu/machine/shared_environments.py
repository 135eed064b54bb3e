"""Virtual environments that attempts of one machine share: made once, used by several at a time, and deleted when none
has used one for long.

In their folder: ``NAME/``, with ``.ready`` in it once it is whole, whose time is that of its last use; ``NAME.lock``,
held by who makes or deletes it; ``NAME.use``, held together by all that use it, for as long as they do; ``NAME.gone``,
which is being deleted. The locks end with the processes that hold them, and their files go with the environment:
whoever gets hold of one that is gone by then takes the one that stands there now.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bongsu.machine.removing import remove_tree

_LOCK, _USE, _GONE = ".lock", ".use", ".gone"
_READY = ".ready"


@contextmanager
def environment_in_use(folder: Path, name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """An environment that stays where it is until the end of the block.

    Args:
        folder: of all of them.
        name: of this one.
        make: fills the directory that it is given, where there is none, or none that is whole.

    Raises:
        OSError: the folder cannot be written.
        Exception: what ``make`` raises; then the next one makes it anew.
    """
    ready = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as until_done:
        with _locked(folder / f"{name}{_LOCK}", fcntl.LOCK_EX):
            # Others of its user may use it too; a child of this process holds nothing.
            use = until_done.enter_context(_file(folder / f"{name}{_USE}"))
            if not (ready / _READY).exists():
                remove_tree(ready)
                make(ready)
            fcntl.flock(use, fcntl.LOCK_SH)
            (ready / _READY).touch()
        try:
            yield ready
        finally:
            with contextlib.suppress(OSError):
                (ready / _READY).touch()


def delete_unused(folder: Path, before: float) -> int:
    """Delete environments that nobody uses, or has used since; how many.

    Args:
        folder: of all of them.
        before: seconds since the epoch.
    """
    found = 0
    for lock in sorted(folder.glob(f"*{_LOCK}")):
        ready = lock.with_suffix("")
        with contextlib.suppress(
            OSError
        ):  # it is in use, or being made; or it cannot be deleted, and is tried again
            found += _set_aside(ready, lock, before)
    for gone in folder.glob(f"*{_GONE}"):
        remove_tree(gone)
    return found


def _set_aside(ready: Path, lock_path: Path, before: float) -> bool:
    """Take it away from where it is looked for, while nobody can begin to use it; deleting takes longer than anybody
    who wants it again should wait. Raises BlockingIOError if somebody has it."""
    use_path = ready.with_suffix(_USE)
    if ready.exists() and use_path.exists() and _used_at(ready) >= before:
        return False
    with _locked(lock_path, fcntl.LOCK_EX | fcntl.LOCK_NB):
        is_there = ready.exists()
        if is_there and not use_path.exists():
            # Made before uses were noted: it counts as used now.
            use_path.touch()
            os.utime(_marked(ready))
        if is_there and _used_at(ready) >= before:
            return False
        with _file(use_path) as use:
            fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_there:
                gone = ready.with_suffix(_GONE)
                remove_tree(gone)
                ready.rename(gone)
            # In this order: who is killed in between leaves the one that the next pass looks for.
            use_path.unlink()
            lock_path.unlink()
    return is_there


def _used_at(ready: Path) -> float:
    return _marked(ready).stat().st_mtime


def _marked(ready: Path) -> Path:
    """Whose time is that of its last use; of one that is not whole, that at which it was begun."""
    whole = ready / _READY
    return whole if whole.exists() else ready


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Hold the lock that stands at ``path``, ``how`` as of flock(2). Raises BlockingIOError as that does."""
    while True:
        with _file(path) as lock:
            fcntl.flock(lock, how)
            if _stands_at(path, lock):
                yield
                return


def _stands_at(path: Path, descriptor: int) -> bool:
    """False for a file that was deleted meanwhile, whether or not there is another one by now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
