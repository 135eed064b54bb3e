"""The S3 artifact store keeps the contract against a real S3 server (versitygw)."""

from __future__ import annotations

import itertools
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
        def change(store: ArtifactStore, digest: Digest, path: str) -> None:
            assert isinstance(store, S3Store)
            key = store.key(f"{store.prefix_of(digest)}/{path}")
            data = bytearray(store.client.get_object(Bucket=store.bucket, Key=key)["Body"].read())
            data[len(data) // 2] ^= 1
            store.client.put_object(Bucket=store.bucket, Key=key, Body=bytes(data))

        return change


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
