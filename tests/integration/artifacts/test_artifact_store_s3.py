"""The S3 artifact store keeps the contract against a real S3 server (versitygw)."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from artifact_store_suite import ArtifactStoreSuite, Damage
from s3_server import S3Server, start_server

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.open import open_store
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


def test_a_missing_bucket_is_explained(server: S3Server) -> None:
    with pytest.raises(BongsuError) as error:
        open_store("s3://no-such-bucket/x").put_record("a", b"1")
    assert error.value.problems[0].code.name == "artifact.remote-refused"


def test_a_dead_server_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BongsuError) as error:
        open_store("s3://bucket/x").get_record("a")
    assert error.value.problems[0].code.name == "artifact.remote-unreachable"
