"""Who opens a home or a server says what its environment is; the process's own has no part in it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.executors.local_ray import executor
from bongsu.executors.local_ray.surroundings import LocalSurroundings
from bongsu.service import embedded
from bongsu.service.artifact_place import SETTING
from bongsu.service.audit.keys import LogKeys, draw_key
from bongsu.service.embedded import MASKING_VARIABLE, open_home
from bongsu.service.serving import ServerSettings, open_served

KEY = "BONGSU_TEST_AUDIT_KEY"


class Made:
    """An executor that starts nothing."""

    def __init__(self, _noted: None) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_server_obeys_its_callers_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, others = draw_key("bongsu"), draw_key("bongsu")
    monkeypatch.setenv(KEY, others.secret())
    monkeypatch.setenv(SETTING, "s3://somebody-elses")
    settings = ServerSettings(tmp_path / "home", leads=False, mlflow=False, audit_key=f"env:{KEY}")
    environment = {KEY: mine.secret()}
    with open_served(settings, environment) as served:
        assert served.plane.base.environment == environment
        assert served.plane.log_keys() == LogKeys((mine,))
        assert served.plane.base.stores(Tenant("mnd")).uri.startswith("file:")
    with pytest.raises(BongsuError, match=r"audit\.key-unreadable"), open_served(settings, {}):
        pass


def test_where_artifacts_lie_is_said_by_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    with pytest.raises(BongsuError, match=r"artifact\.not-a-bucket"):
        open_home(tmp_path, {SETTING: "nowhere"})
    monkeypatch.setenv(SETTING, "nowhere")
    open_home(tmp_path, {}).close()


def test_processes_get_the_callers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda _command, **given: started.append(given))
    surroundings: list[LocalSurroundings] = []
    monkeypatch.setattr(executor, "LocalRayExecutor", lambda around, _ray: Made(surroundings.append(around)))
    monkeypatch.setenv(MASKING_VARIABLE, "the process's")
    environment = {MASKING_VARIABLE: "the caller's", "TZ": "Asia/Seoul"}
    platform = open_home(tmp_path, environment)
    try:
        assert platform.on_leftover is not None
        platform.on_leftover()
        assert [one["env"] for one in started] == [environment]
        platform.executor()
        (around,) = surroundings
        assert (around.environment, around.variables) == (environment, {MASKING_VARIABLE: "the caller's"})
    finally:
        platform.close()


def test_use_cases_read_no_environment_of_the_process() -> None:
    """What the process has comes in where it is put together; S3's libraries have to find theirs there."""
    service = Path(embedded.__file__).parent
    readers = {
        path.relative_to(service).as_posix() for path in service.rglob("*.py") if "os.environ" in path.read_text()
    }
    assert readers == {"artifact_place.py", "delivering.py"}
