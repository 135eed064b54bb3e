"""A command that runs beside the data of others sees its inputs and the programs of the machine, and nothing else."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage_runner import StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.machine import confinement
from bongsu_stages.runtime.container import COMMANDS, COMMANDS_READ
from bongsu_stages.runtime.leave import Leave


class Shared(Leave):
    """Of a server of several ministries, which permits everything."""

    is_asked = True


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "home" / "artifacts")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """What the worker's account can read, and nobody should who runs a command there."""
    place = tmp_path / "home" / "issuer-keys.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text("the key of the server")
    return place


def ran(store: LocalStore, script: str, *arguments: str) -> AttemptResult:
    return StageRunner(store, leave=Shared()).made(
        "container", {"command": ["sh", "-c", script, "sh", *arguments]}, {}
    )


def refused(store: LocalStore, script: str, *arguments: str) -> str:
    command = {"command": ["sh", "-c", script, "sh", *arguments]}
    outcome = StageRunner(store, leave=Shared()).run("container", command, {})
    assert isinstance(outcome, Failure), "it could"
    return str(outcome.message)


def text(store: LocalStore, result: AttemptResult, path: str) -> str:
    return store.reader(result.outputs["files"].digest).open(path).read().decode()


def test_it_reads_its_inputs_and_writes_its_outputs(store: LocalStore) -> None:
    runner = StageRunner(store, leave=Shared())
    first = runner.made("container", {"command": ["sh", "-c", 'echo 봉수 > "$BONGSU_OUTPUTS/files/word"']}, {})
    given = ("first", ArtifactType.FILES, first.outputs["files"].digest)
    script = (
        'cat "$BONGSU_INPUTS/files/0/word" "$BONGSU_CONTEXT" > "$BONGSU_OUTPUTS/files/both"; ls "$HOME" >/dev/null'
    )
    result = runner.made("container", {"command": ["sh", "-ec", script]}, {"files": [given]})
    assert text(store, result, "both").startswith("봉수\n{")


@pytest.mark.parametrize(
    "script",
    [
        'cat "$1"',
        'ls "${1%/*}"',
        'echo gone > "$1"',
        'truncate -s 0 "$1"',
        'rm "$1"',
        'ln "$1" "$BONGSU_OUTPUTS/files/linked"',
        'ln -s "$1" "$BONGSU_OUTPUTS/files/linked" && cat "$BONGSU_OUTPUTS/files/linked"',
        'cat "/proc/self/root$1"',
        'cat "/proc/$PPID/root$1"',
        'cat "/proc/$PPID/environ"',
        'cat "/proc/$PPID/maps"',
        "kill -0 $PPID",
        "cat /etc/shadow",
        "ls /root || ls /home",
        "echo x > /usr/x",
        "unshare -Ur true",
    ],
)
def test_what_is_not_its_own_it_cannot_reach(store: LocalStore, secret: Path, script: str) -> None:
    said = refused(store, script, str(secret))
    assert "ermission denied" in said or "not permitted" in said or "cross-device" in said, said
    assert secret.read_text() == "the key of the server"


def test_what_it_was_not_given_is_there_for_one_who_is_alone(store: LocalStore, secret: Path) -> None:
    command = {"command": ["sh", "-c", 'cat "$1" > "$BONGSU_OUTPUTS/files/x"', "sh", str(secret)]}
    result = StageRunner(store).made("container", command, {})
    assert text(store, result, "x") == "the key of the server"


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_it_opens_no_socket(store: LocalStore, family: str) -> None:
    script = f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)"
    said = refused(store, 'exec "$1" -c "$2"', sys.executable, script)
    assert "PermissionError" in said


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_SEQPACKET", "SOCK_DGRAM | socket.SOCK_CLOEXEC"])
def test_no_datagram_leaves_it_by_a_pair_of_sockets(store: LocalStore, tmp_path: Path, kind: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "journal"))
        journal.setblocking(False)
        script = (
            f"import socket, sys; socket.socketpair(socket.AF_UNIX, socket.{kind})[0].sendto(b'x', sys.argv[1])"
        )
        said = refused(store, 'exec "$1" -c "$2" "$3"', sys.executable, script, str(tmp_path / "journal"))
        assert "PermissionError" in said
        with pytest.raises(BlockingIOError):
            journal.recv(1)


@pytest.mark.parametrize(
    "script",
    [
        'chmod 777 "$1"',
        'chmod 000 "$1"',
        'chmod -R 000 "$(dirname "$1")"',
        'touch -d 2001-01-01 "$1"',
        '"$2" -c "import os, sys; os.setxattr(sys.argv[1], \'user.x\', b\'1\')" "$1"',
        '"$2" -c "import os, sys; os.fchmod(os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY), 0)" "$1"',
    ],
)
def test_it_changes_nothing_about_files_of_others(store: LocalStore, secret: Path, script: str) -> None:
    def facts(place: Path) -> tuple[object, ...]:
        found = place.stat()
        return (found.st_mode, found.st_uid, found.st_mtime_ns, os.listxattr(place))

    secret.chmod(0o600)
    before = facts(secret), secret.parent.stat().st_mode
    StageRunner(store, leave=Shared()).run(
        "container", {"command": ["sh", "-c", script, "sh", str(secret), sys.executable]}, {}
    )
    assert (facts(secret), secret.parent.stat().st_mode) == before


def test_its_inputs_stay_as_readable_as_they_are(store: LocalStore) -> None:
    runner = StageRunner(store, leave=Shared())
    made = runner.made("container", {"command": ["sh", "-c", 'echo one > "$BONGSU_OUTPUTS/files/a"']}, {})
    given = ("first", ArtifactType.FILES, made.outputs["files"].digest)
    tree = store.reader(given[2]).local()
    before = [(place.stat().st_mode, place.stat().st_mtime_ns) for place in (tree, tree / "a")]
    command = """
        chmod -R 000 "$BONGSU_INPUTS/files/0/"; touch "$BONGSU_INPUTS/files/0/a" "$BONGSU_OUTPUTS/files/b"
        "$1" -c "import os, sys; os.fchmod(os.open(sys.argv[1], os.O_RDONLY), 0)" "$BONGSU_INPUTS/files/0/a"
    """
    runner.made("container", {"command": ["sh", "-c", command, "sh", sys.executable]}, {"files": [given]})
    assert [(place.stat().st_mode, place.stat().st_mtime_ns) for place in (tree, tree / "a")] == before


@pytest.mark.parametrize(
    "script",
    [
        "cp -a /etc/hosts x && cp -p x y && mkdir -m 700 d && mv x d && cat d/x y",
        "mkdir d && cp /etc/hosts d/x && tar cf t d && rm -r d && tar xf t && cat d/x",
        "\"$1\" -c \"import shutil, os; shutil.copy2('/etc/hosts', 'x'); shutil.copy('x', 'y'); os.utime('y')\"",
        '"$1" -c "import tempfile; tempfile.mkdtemp(); tempfile.NamedTemporaryFile()"',
        '"$1" -m venv --without-pip v && v/bin/python -c "import json"',
    ],
)
def test_programs_that_set_modes_and_times_run(store: LocalStore, script: str) -> None:
    result = ran(store, f'{script} > "$BONGSU_OUTPUTS/files/said"', sys.executable)
    assert "files" in result.outputs


@pytest.mark.parametrize("call", ["shmget(7, 4096, 0o600)", "semget(7, 1, 0o600)", "msgget(7, 0o600)"])
def test_it_has_no_memory_in_common_with_others(store: LocalStore, call: str) -> None:
    script = f"import ctypes, os; c = ctypes.CDLL(None, use_errno=True); c.{call}; print(ctypes.get_errno())"
    result = ran(store, '"$1" -c "$2" > "$BONGSU_OUTPUTS/files/said"', sys.executable, script)
    assert text(store, result, "said") == f"{errno.EACCES}\n"


@pytest.mark.parametrize(
    ("own", "others"),
    [
        ("resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))", "resource.prlimit(P, resource.RLIMIT_CPU, (1, 1))"),
        ("os.setpriority(os.PRIO_PROCESS, 0, 19)", "os.setpriority(os.PRIO_PROCESS, P, 19)"),
        ("os.nice(1)", "os.setpriority(os.PRIO_USER, 0, 19)"),
        ("os.sched_setaffinity(0, os.sched_getaffinity(0))", "os.sched_setaffinity(P, os.sched_getaffinity(0))"),
        ("os.sched_setscheduler(0, os.SCHED_BATCH, z)", "os.sched_setscheduler(P, os.SCHED_IDLE, z)"),
    ],
)
def test_it_holds_up_no_process_of_its_account(store: LocalStore, own: str, others: str) -> None:
    script = f"import os, resource; P, z = os.getppid(), os.sched_param(0); {own}; print('own'); {others}"
    said = refused(store, 'exec "$1" -c "$2"', sys.executable, script)
    assert "own" in said
    assert "PermissionError" in said


@pytest.mark.parametrize(
    "script",
    [
        'mv "$BONGSU_OUTPUTS" x && ln -s "$1" "$BONGSU_OUTPUTS"',
        'rm -r "$BONGSU_OUTPUTS" && ln -s "$1" "$BONGSU_OUTPUTS"',
        'rm -r "$BONGSU_OUTPUTS/files" && ln -s "$1/files" "$BONGSU_OUTPUTS/files"',
        'ln -s "$1/files/word" "$BONGSU_OUTPUTS/files/word"',
        'ln -s "$1/metrics.json" "$BONGSU_OUTPUTS/metrics.json"',
        'rm -r "$BONGSU_OUTPUTS" && echo > "$BONGSU_OUTPUTS"',
        'rm -r "$BONGSU_OUTPUTS"',
        'cd / && mv "$HOME" "$HOME-x"; rm -r "$BONGSU_OUTPUTS" && ln -s "$1" "$BONGSU_OUTPUTS"',
    ],
)
def test_what_others_made_does_not_become_its_output(store: LocalStore, tmp_path: Path, script: str) -> None:
    """The worker reads what the command wrote, and has other rights than the command."""
    others = tmp_path / "home" / "others"
    (others / "files").mkdir(parents=True)
    (others / "files" / "word").write_text("the secret of the army")
    (others / "metrics.json").write_text('{"army": 42}')
    refused(store, script, str(others))


@pytest.fixture
def listener() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


def test_a_python_runs_with_its_packages_and_its_pairs_of_sockets(store: LocalStore) -> None:
    script = "import socket, pydantic, bongsu_stages; socket.socketpair(); print('done')"
    result = ran(store, '"$1" -c "$2" > "$BONGSU_OUTPUTS/files/said"', sys.executable, script)
    assert text(store, result, "said") == "done\n"


def test_a_port_of_the_machine_is_closed_to_it(store: LocalStore, listener: str) -> None:
    refused(store, 'exec bash -c "exec 3<>/dev/tcp/127.0.0.1/$1"', listener)


def test_what_it_starts_is_kept_from_the_same(store: LocalStore, secret: Path) -> None:
    said = refused(store, '( setsid sh -c "cat \\"$1\\"" ) 2>&1; exit 1', str(secret))
    assert "ermission denied" in said


def test_root_has_no_right_of_root_in_it(store: LocalStore) -> None:
    result = ran(store, 'grep CapEff /proc/self/status > "$BONGSU_OUTPUTS/files/caps"')
    assert int(text(store, result, "caps").split()[1], 16) == 0


def test_an_operator_lets_commands_read_tools(
    store: LocalStore, tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "say").write_text("#!/bin/sh\necho said\n")
    (tools / "say").chmod(0o755)
    refused(store, '"$1"', str(tools / "say"))
    monkeypatch.setenv(COMMANDS_READ, os.pathsep.join(["", "relative", str(tmp_path / "gone"), str(tools)]))
    result = ran(store, '"$1" > "$BONGSU_OUTPUTS/files/said"', str(tools / "say"))
    assert text(store, result, "said") == "said\n"
    assert "ermission denied" in refused(store, 'cat "$1"', str(secret))


def test_where_the_kernel_cannot_confine_it_nothing_is_run(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confinement, "landlock_version", lambda: 0)
    script = 'echo ran > "$1"; echo ran > "$BONGSU_OUTPUTS/files/said"'
    said = refused(store, script, str(tmp_path / "ran"))
    assert "cannot keep a command from the files of others" in said
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv(COMMANDS, "open")
    ran(store, script, str(tmp_path / "ran"))
    assert (tmp_path / "ran").exists()
