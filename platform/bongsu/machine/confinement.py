"""A program of somebody else, kept from what it has no business with (Linux): files by Landlock, sockets by seccomp.

It needs no right and no other account, so a worker can do it wherever it runs. What is begun within it stays there.
https://docs.kernel.org/userspace-api/landlock.html, https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

# linux/landlock.h; the numbers of its system calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# By version: rights on files that there are, whether TCP can be closed, whether signals and abstract sockets can.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_NEWEST_RIGHTS = (1 << 16) - 1
_TCP, _TCP_SINCE = 0b11, 4
_SCOPES, _SCOPES_SINCE = 0b11, 6
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_DEVICE = _READ_FILE | _WRITE_FILE | _IOCTL_DEV

# linux/prctl.h, linux/capability.h, linux/securebits.h
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_SET_SECUREBITS, _PR_CAPBSET_DROP = 38, 22, 28, 24
_SECCOMP_MODE_FILTER = 2
_NO_ROOT = 0b101111
"""NOROOT and NO_SETUID_FIXUP, locked, and KEEP_CAPS off, locked: being root gives no right, now or later."""
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63

# linux/seccomp.h, linux/audit.h, linux/bpf_common.h
_OTHER_TABLE = 0x40000000
"""From here on x86_64 has the same calls under other numbers."""
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4
# Lower halves of the first and the second argument.
_FIRST, _SECOND = 16, 24
_OF_TYPE = 0xF
"""Of a socket: the rest are flags."""


@dataclass(frozen=True)
class _Calls:
    """System calls of an architecture by their numbers (its table in the kernel's sources).

    Attributes:
        mark: of the architecture.
        refused: sockets and rings that would open them; keys, shared memory, semaphores and queues of the account;
            watching what others' folders get.
        modes: of files: who may do what with them, whose they are, and their times.
        attributes: extended ones.
        of_process: limits, processors and times of a process, whose id comes first.
        of_kind: priorities of a process or of more, whose id comes second after what it is the id of.
    """

    mark: int
    socketpair: int
    truncate: int
    refused: tuple[int, ...]
    modes: tuple[int, ...]
    attributes: tuple[int, ...]
    of_process: tuple[int, ...]
    of_kind: tuple[tuple[int, int], ...]


# io_uring_setup; newer calls have one number everywhere: fchmodat2, setxattrat, removexattrat, file_setattr.
_RING = 425
_NEWER_MODES, _NEWER_ATTRIBUTES = (452,), (463, 466, 469)
_CALLS = {
    "x86_64": _Calls(
        mark=0xC000003E,
        socketpair=53,
        truncate=76,
        # socket; add_key, request_key, keyctl; inotify_add_watch, fanotify_init; shmget, shmat, shmctl; semget, semop,
        # semctl, semtimedop; msgget, msgsnd, msgrcv, msgctl; mq_open, mq_unlink
        refused=(
            *(41, _RING, 248, 249, 250, 254, 300),
            *(29, 30, 31, 64, 65, 66, 220, 68, 69, 70, 71, 240, 241),
        ),
        # chmod to lchown; utime, utimes, futimesat; fchownat, fchmodat, utimensat
        modes=(90, 91, 92, 93, 94, 132, 235, 261, 260, 268, 280, *_NEWER_MODES),
        # setxattr, lsetxattr, fsetxattr; removexattr, lremovexattr, fremovexattr
        attributes=(188, 189, 190, 197, 198, 199, *_NEWER_ATTRIBUTES),
        # prlimit64; sched_setparam, sched_setscheduler, sched_setaffinity, sched_setattr
        of_process=(302, 142, 144, 203, 314),
        # setpriority, ioprio_set, with what they call a process
        of_kind=((141, 0), (251, 1)),
    ),
    "aarch64": _Calls(
        mark=0xC00000B7,
        socketpair=199,
        truncate=45,
        refused=(
            *(198, _RING, 217, 218, 219, 27, 262),
            *(194, 196, 195, 190, 193, 191, 192, 186, 189, 188, 187, 180, 181),
        ),
        # fchmod to fchown, utimensat
        modes=(52, 53, 54, 55, 88, *_NEWER_MODES),
        attributes=(5, 6, 7, 14, 15, 16, *_NEWER_ATTRIBUTES),
        of_process=(261, 118, 119, 122, 274),
        of_kind=((140, 0), (30, 1)),
    ),
}

# What programs need to run at all, as far as it is there; of /etc by name, for settings with secrets lie there as well.
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"),
    *("/etc/alternatives", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/fonts", "/etc/gai.conf"),
    *("/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d"),
    *(
        "/etc/locale.alias",
        "/etc/localtime",
        "/etc/magic",
        "/etc/mime.types",
        "/etc/nsswitch.conf",
        "/etc/os-release",
    ),
    *("/etc/passwd", "/etc/pki", "/etc/protocols", "/etc/services", "/etc/ssl", "/etc/timezone"),
    *("/sys/devices/system", "/sys/fs/cgroup", "/sys/module/nvidia"),
    # Of processes outside, what every account of the machine sees: the rest is for who might debug them.
    "/proc",
)
DEVICES = ("/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero")
_GPUS = "nvidia*"


class NoConfinement(Exception):
    """This machine's kernel cannot keep a program from anything."""


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def landlock_version() -> int:
    """What the kernel knows of Landlock; 0 where there is none."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return 0
    found: int = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    return max(0, found)


class Confinement:
    """The confines of one program. :meth:`begin` puts the process that calls it within them, for good.

    Within them a program reads and runs what the system has and what is ``readable``, writes below ``writable`` alone,
    opens no socket, and reaches no process outside with a signal (from Linux 6.12 on) or as a debugger does. Modes,
    owners and times of files stay what they are, everywhere: see :func:`_denied_calls`.
    """

    def __init__(self, ruleset: int, version: int) -> None:
        self._ruleset = ruleset
        # Made before the fork, after which as little as possible is done.
        self._libc = _libc()
        self._program = _denied_calls(version)
        self._filter = _Filter(len(self._program) // 8, self._program)

    def begin(self) -> None:
        """To be called between fork and exec. Raises OSError."""
        libc = self._libc
        if os.geteuid() == 0:
            self._be_nobody_special()
        _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _check(libc.syscall(_RESTRICT_SELF, self._ruleset, ctypes.c_uint32(0)))
        _check(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(self._filter), 0, 0))

    def _be_nobody_special(self) -> None:
        """Root without a right of root: it owns its files, and that is all."""
        libc = self._libc
        for capability in range(_LAST_CAPABILITY + 1):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                if ctypes.get_errno() == errno.EINVAL:
                    break  # there are no more
                if ctypes.get_errno() != errno.EPERM:  # who may not drop it has none of them to lose
                    _fail()
        if libc.prctl(_PR_SET_SECUREBITS, _NO_ROOT, 0, 0, 0) != 0 and ctypes.get_errno() != errno.EPERM:
            _fail()
        header = struct.pack("=II", _CAPABILITY_VERSION_3, 0)
        _check(libc.capset(header, bytes(24)))


@contextmanager
def confinement(readable: Iterable[Path], writable: Iterable[Path]) -> Iterator[Confinement]:
    """The confines of a program that is begun within the block.

    Args:
        readable: files and folders that it reads and runs, beside :data:`SYSTEM`; what is not there is passed over.
        writable: folders below which it writes, removes and makes what it likes.

    Raises:
        NoConfinement: the kernel knows no Landlock.
        OSError: one of them cannot be opened.
    """
    version = landlock_version()
    if version < 1:
        raise NoConfinement
    rights = _RIGHTS.get(version, _NEWEST_RIGHTS)
    rules = _Rules(rights, _TCP if version >= _TCP_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0)
    # A kernel refuses a structure with parts that it does not know, unless they are zero.
    ruleset: int = _libc().syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(24), ctypes.c_uint32(0))
    if ruleset < 0:
        _fail()
    try:
        for one in (*map(Path, SYSTEM), *readable):
            _allow(ruleset, one, _READ & rights)
        for one in (*map(Path, DEVICES), *Path("/dev").glob(_GPUS)):
            _allow(ruleset, one, _DEVICE & rights)
        for one in writable:
            _allow(ruleset, one, rights)
        yield Confinement(ruleset, version)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        rule = _Beneath(rights, opened)
        _check(_libc().syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0)))
    finally:
        os.close(opened)


def _denied_calls(version: int) -> bytes:
    """What Landlock has no right for. Files are cut short by name where Landlock does not see to that.

    Of pairs of sockets only streams lead nowhere: a datagram of the others goes to whoever has a name.

    Landlock lets a program change the mode of any file that its account owns, the server's keys too, and a filter sees
    no path. A refusal would end every ``cp``, ``tar`` and ``shutil.copy``, so such calls say that they did it and do
    nothing, and attributes are what this file system has none of.
    """
    calls = _CALLS[platform.machine()]
    refused = _REFUSE | errno.EACCES
    answers = dict.fromkeys((*calls.refused, *([calls.truncate] if version < 3 else [])), refused)
    answers |= dict.fromkeys(calls.modes, _REFUSE)  # with the error 0
    answers |= dict.fromkeys(calls.attributes, _REFUSE | errno.ENOTSUP)
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.mark),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if platform.machine() == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _OTHER_TABLE), (_RETURN, 0, 0, refused)]
    for number, answer in answers.items():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, answer)]
    # Of itself (0) alone: a limit of time ends a process, and others of its account would starve.
    for number in calls.of_process:
        lines += [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIRST), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, refused)]
        lines += [(_RETURN, 0, 0, _ALLOW)]
    for number, a_process in calls.of_kind:
        lines += [(_EQUAL, 0, 6, number), (_LOAD, 0, 0, _FIRST), (_EQUAL, 0, 2, a_process)]
        lines += [(_LOAD, 0, 0, _SECOND), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, refused), (_RETURN, 0, 0, _ALLOW)]
    lines += [(_EQUAL, 0, 6, calls.socketpair), (_LOAD, 0, 0, _FIRST), (_EQUAL, 0, 3, socket.AF_UNIX)]
    lines += [(_LOAD, 0, 0, _SECOND), (_AND, 0, 0, _OF_TYPE), (_EQUAL, 1, 0, socket.SOCK_STREAM)]
    lines += [(_RETURN, 0, 0, refused), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(status: int) -> None:
    if status != 0:
        _fail()


def _fail() -> NoReturn:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
