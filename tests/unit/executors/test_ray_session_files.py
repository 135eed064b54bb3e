"""Where Ray's sessions lie, and that those of dead processes go."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from bongsu.executors.local_ray.session_files import clear_dead_sessions, session_root

NOBODY = 2**22 + 1  # above the kernel's largest pid


def session(root: Path, second: int, pid: int) -> Path:
    path = root / f"session_2026-11-25_13-00-{second:02d}_123456_{pid}"
    (path / "logs").mkdir(parents=True)
    return path


def test_sessions_of_dead_processes_go_but_for_the_newest(tmp_path: Path) -> None:
    old, older, newest = (session(tmp_path, second, NOBODY) for second in (2, 1, 3))
    mine = session(tmp_path, 0, os.getpid())
    other = tmp_path / "ray_current_cluster"
    other.write_text("127.0.0.1:6379")
    clear_dead_sessions(tmp_path)
    assert not old.exists()
    assert not older.exists()
    assert newest.exists()
    assert mine.exists()
    assert other.exists()


def test_the_directory_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        root = session_root({})
        assert root is not None
        # Ray opens its own directory to everybody; nobody gets so far.
        Path(root).chmod(0o777)
        assert stat.S_IMODE(Path(root).parent.stat().st_mode) == 0o700
        Path(root).parent.chmod(0o755)
        assert session_root({}) == root
        assert stat.S_IMODE(Path(root).parent.stat().st_mode) == 0o700


def test_a_directory_that_another_user_may_have_laid_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        (Path(short) / "elsewhere").mkdir()
        (Path(short) / f"bongsu-ray-{os.getuid()}").symlink_to(Path(short) / "elsewhere")
        assert session_root({}) == f"/tmp/bongsu-ray-{os.getuid()}/r"


def test_a_path_too_long_for_a_socket_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert session_root({}) == f"/tmp/bongsu-ray-{os.getuid()}/r"
    assert not any(deep.iterdir())


def test_a_directory_that_the_environment_names_is_rays_own_affair() -> None:
    assert session_root({"RAY_TMPDIR": "/somewhere"}) is None
