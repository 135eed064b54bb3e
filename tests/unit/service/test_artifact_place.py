"""A home keeps to the artifact store that it was begun with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from store_places import store_at

from bongsu.domain.problems import BongsuError
from bongsu.service.artifact_place import ENDPOINT, SETTING, place_of, reached
from bongsu.service.embedded import open_home
from bongsu.store.database import Database

HERE = "http://127.0.0.1:7070"


def record(home: Path, artifacts: object = "s3://data/mnd", endpoint: object = HERE) -> None:
    home.mkdir(exist_ok=True)
    (home / "artifacts.json").write_text(json.dumps({"artifacts": artifacts, "endpoint": endpoint}))


def refused(home: Path, **environment: str) -> str:
    with pytest.raises(BongsuError) as caught:
        place_of(home, environment)
    return caught.value.problems[0].code.name


def test_without_a_setting_artifacts_lie_in_the_home(tmp_path: Path) -> None:
    place = place_of(tmp_path, {ENDPOINT: HERE})
    assert (place.uri, place.endpoint, place.is_remote) == ((tmp_path / "artifacts").as_uri(), None, False)


def test_a_new_home_takes_what_is_asked_for(tmp_path: Path) -> None:
    place = place_of(tmp_path / "home", {SETTING: "s3://data/mnd/light/", ENDPOINT: f"{HERE}/"})
    assert (place.uri, place.endpoint, place.is_new) == ("s3://data/mnd/light", HERE, True)
    assert place.cache == tmp_path / "home" / "cache"


@pytest.mark.parametrize(
    "environment",
    [{}, {SETTING: "s3://data/mnd"}, {SETTING: "s3://data/mnd/", ENDPOINT: HERE}, {"AWS_ENDPOINT_URL": HERE}],
)
def test_a_home_knows_its_store_whatever_is_left_unsaid(tmp_path: Path, environment: dict[str, str]) -> None:
    record(tmp_path)
    place = place_of(tmp_path, environment)
    assert (place.uri, place.endpoint, place.is_new) == ("s3://data/mnd", HERE, False)


@pytest.mark.parametrize(
    "environment",
    [{SETTING: "s3://data/other"}, {ENDPOINT: "http://127.0.0.1:9"}, {"AWS_ENDPOINT_URL": "https://other.example"}],
)
def test_another_store_than_the_recorded_one_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    record(tmp_path)
    assert refused(tmp_path, **environment) == "run.other-store"


def test_a_home_on_amazons_servers_is_not_looked_for_on_another(tmp_path: Path) -> None:
    record(tmp_path, endpoint=None)
    assert place_of(tmp_path, {}).endpoint is None
    assert refused(tmp_path, **{ENDPOINT: HERE}) == "run.other-store"


def test_a_home_that_holds_artifacts_itself_does_not_move_to_a_bucket(tmp_path: Path) -> None:
    store_at(tmp_path).close()
    assert refused(tmp_path, **{SETTING: "s3://data/mnd"}) == "run.other-store"


@pytest.mark.parametrize(
    "address",
    [
        "/srv/artifacts",
        "file:///srv",
        "s3://",
        "s3:/data",
        "s3://Data",
        "s3://data/../x",
        "s3://data/a b",
        "s3://data/가",
    ],
)
def test_what_is_no_address_of_a_bucket_is_refused(tmp_path: Path, address: str) -> None:
    assert refused(tmp_path, **{SETTING: address}) == "artifact.not-a-bucket"


@pytest.mark.parametrize("address", ["https://me:word@store.mil", "http://token@store.mil/x", "me:word@store.mil"])
def test_an_endpoint_with_a_password_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    with pytest.raises(BongsuError) as caught:
        place_of(tmp_path, {SETTING: "s3://data/mnd", ENDPOINT: address})
    assert caught.value.problems[0].code.name.startswith("run.s3-endpoint")
    said = caught.value.problems[0].what() + caught.value.problems[0].fix()
    assert "store.mil" in said
    assert "word" not in said.replace("password", "")
    assert "token" not in said


@pytest.mark.parametrize("content", ["", "[]", '{"artifacts": "s3://data"}', '{"artifacts": 1, "endpoint": null}'])
def test_a_record_that_cannot_be_read_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "artifacts.json").write_text(content)
    assert refused(tmp_path) == "run.store-record"


def test_programs_that_are_started_find_the_server_and_the_environment_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (ENDPOINT, "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    record(tmp_path)
    with reached(place_of(tmp_path, {}), os.environ):
        assert os.environ[ENDPOINT] == HERE
    assert ENDPOINT not in os.environ
    monkeypatch.setenv("AWS_ENDPOINT_URL", HERE)
    with reached(place_of(tmp_path, {}), os.environ):
        assert ENDPOINT not in os.environ


def test_s3_is_asked_with_what_the_caller_says_and_with_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries read it from the process, which has it for as long as the store is open."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(ENDPOINT, "http://elsewhere.example")
    monkeypatch.setenv("AWS_PROFILE", "somebodys")
    record(tmp_path)
    given = {"AWS_ACCESS_KEY_ID": "mine", "PATH": "/nowhere"}
    with reached(place_of(tmp_path, given), given):
        found = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        assert os.environ["PATH"] != "/nowhere"
    assert found == {"AWS_ACCESS_KEY_ID": "mine", ENDPOINT: HERE}
    assert (os.environ["AWS_PROFILE"], os.environ[ENDPOINT]) == ("somebodys", "http://elsewhere.example")
    assert "AWS_ACCESS_KEY_ID" not in os.environ
    with reached(place_of(tmp_path / "local", {}), {}):
        assert os.environ["AWS_PROFILE"] == "somebodys", "nothing is looked for there"


def test_a_store_that_does_not_open_leaves_the_process_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (SETTING, ENDPOINT, "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    record(tmp_path / "home")
    seen: list[tuple[int, str | None]] = []
    closed: list[Database] = []
    close = Database.close

    def fail(*_given: object) -> None:
        umask = os.umask(0o077)
        seen.append((umask, os.environ.get(ENDPOINT)))
        raise OSError("no store")

    def note_close(database: Database) -> None:
        closed.append(database)
        close(database)

    monkeypatch.setattr("bongsu.artifacts.open.open_store", fail)
    monkeypatch.setattr(Database, "close", note_close)
    before = os.umask(0o022)
    try:
        with pytest.raises(OSError, match="no store"):
            open_home(tmp_path / "home", os.environ)
        assert seen == [(0o077, HERE)]
        assert (os.umask(0o022), os.environ.get(ENDPOINT)) == (0o022, None)
        assert len(closed) == 1
    finally:
        os.umask(before)
