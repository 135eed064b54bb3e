"""The S3 artifact store keeps the contract against a real S3 server (versitygw)."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from artifact_store_suite import ArtifactStoreSuite, Damage, Meter
from s3_server import S3Server, start_server

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.open import open_store
from bongsu.artifacts.s3.probe import examine
from bongsu.artifacts.s3.store import S3Store
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with start_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(autouse=True)
def _credentials(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


class TestS3Store(ArtifactStoreSuite):
    @pytest.fixture
    def store(self, server: S3Server, tmp_path: Path) -> ArtifactStore:
        return open_store(f"s3://{server.bucket}/mnd/{next(_numbers)}", tmp_path / "cache")

    @pytest.fixture
    def damage(self) -> Damage:
        return S3Damage()

    @pytest.fixture
    def meter(self, store: ArtifactStore) -> Meter:
        assert isinstance(store, S3Store)
        return SentByTheClient(store)


class SentByTheClient:
    """See ``artifact_store_suite.Meter``: bodies of the requests that go out on the wire."""

    def __init__(self, store: S3Store) -> None:
        self._sent = 0
        store.client.meta.events.register("before-send.s3", self._count)

    def bytes_sent(self, store: ArtifactStore) -> int:
        return self._sent

    def _count(self, request: Any, **_: Any) -> None:
        self._sent += int(request.headers.get("Content-Length", 0))


class S3Damage:
    """See ``artifact_store_suite.Damage``."""

    def change(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        name, data = self._object(store, digest, path)
        middle = len(data) // 2
        self._store(store).write_object(name, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])

    def cut(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        name, data = self._object(store, digest, path)
        self._store(store).write_object(name, data[: len(data) // 2])

    def remove(self, store: ArtifactStore, digest: Digest, path: str) -> None:
        self._store(store).delete_object(self._object(store, digest, path)[0])

    def write_manifest(self, store: ArtifactStore, digest: Digest, data: bytes | None) -> None:
        name = f"trees/{digest}.json"
        if data is None:
            self._store(store).delete_object(name)
        else:
            self._store(store).write_object(name, data)

    def change_unfinished(self, store: ArtifactStore, key: str, path: str) -> None:
        names = self._store(store).listing(f"data/{key}")
        (name,) = [f"data/{key}/{name}" for name in names if name.endswith(f"/{path}")]
        data = self._store(store).read_object(name)
        assert data is not None
        middle = len(data) // 2
        self._store(store).write_object(name, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])

    def unfinished_parts(self, store: ArtifactStore) -> int:
        found = self._store(store).client.list_multipart_uploads(
            Bucket=self._store(store).bucket, Prefix=self._store(store).key("")
        )
        return len(found.get("Uploads", ()))

    def _object(self, store: ArtifactStore, digest: Digest, path: str) -> tuple[str, bytes]:
        name = f"{self._store(store).reader(digest).prefix}/{path}"
        data = self._store(store).read_object(name)
        assert data is not None
        return name, data

    def _store(self, store: ArtifactStore) -> S3Store:
        assert isinstance(store, S3Store)
        return store


def test_a_local_copy_that_changed_is_fetched_again(server: S3Server, tmp_path: Path) -> None:
    store = open_store(f"s3://{server.bucket}/copies", tmp_path / "cache")
    writer = store.writer("k")
    with writer.create("a") as file:
        file.write(b"right")
    digest = writer.commit().digest
    copy = store.reader(digest).local() / "a"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o400
    copy.chmod(0o600)
    copy.write_bytes(b"wrong")
    assert (store.reader(digest).local() / "a").read_bytes() == b"right"
    assert not (tmp_path / "cache" / "staging").exists()


def test_writers_of_one_key_on_two_machines_share_nothing_and_both_come_through(
    server: S3Server, tmp_path: Path
) -> None:
    uri = f"s3://{server.bucket}/machines"

    def write(number: int) -> Digest:
        writer = open_store(uri, tmp_path / f"machine-{number}").writer("inputs/k")
        for name in "abc":
            with writer.create(name) as file:
                file.write(f"{name}{number % 2}".encode() * 1000)
        return writer.commit().digest

    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(write, range(4)))
    assert digests[0] == digests[2] != digests[1] == digests[3]
    for digest in digests:
        open_store(uri, tmp_path / "reader").reader(digest).verify()


def test_a_missing_bucket_is_explained() -> None:
    with pytest.raises(BongsuError) as error:
        open_store("s3://no-such-bucket/x").put_record("a", b"1")
    assert error.value.problems[0].code.name == "artifact.no-bucket"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "artifact.credentials"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "artifact.credentials"),
        ({"AWS_PROFILE": "no-such-profile"}, "artifact.credentials"),
    ],
)
def test_wrong_credentials_are_explained(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], code: str
) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BongsuError) as error:
        open_store(f"s3://{server.bucket}/x").get_record("a")
    assert error.value.problems[0].code.name == code


def this_machines_clock() -> datetime:
    return datetime.now(UTC)


def test_a_clock_that_is_wrong_is_explained(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = S3Store.from_uri(f"s3://{server.bucket}/clock")
    assert examine(store, this_machines_clock).problems == ()
    now = botocore.auth.get_current_datetime
    for hours, found in ((0.1, ["artifact.clock"]), (2, ["artifact.clock"])):
        ahead = timedelta(hours=hours)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *a, d=ahead, **k: now(*a, **k) + d)
        clock = lambda d=ahead: this_machines_clock() + d  # noqa: E731 - this machine's, as it is wrong
        assert [problem.code.name for problem in examine(store, clock).problems] == found


def test_a_server_that_ignores_conditions_is_found_unfit(server: S3Server) -> None:
    store = S3Store.from_uri(f"s3://{server.bucket}/conditions")

    def forget_condition(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)  # what a server that does not know the header sees

    store.client.meta.events.register("before-call.s3.PutObject", forget_condition)
    assert [problem.code.name for problem in examine(store, this_machines_clock).problems] == [
        "artifact.no-conditional-writes"
    ]
    assert store.listing("probe") == {}


def test_a_dead_server_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BongsuError) as error:
        open_store("s3://bucket/x").get_record("a")
    assert error.value.problems[0].code.name == "artifact.remote-unreachable"
