"""What the doctor says of registered models."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_places import NOW

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import RunId, StageId
from bongsu.service.doctor import models
from bongsu.service.home import ARTIFACTS, DATABASE
from bongsu.store.database import open_database
from bongsu.store.models import add_version
from bongsu.store.records import ModelVersionRecord


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Of the one registered model."""
    store = LocalStore(tmp_path / ARTIFACTS)
    (tmp_path / "weights").write_text("weights")
    writer = store.writer("model")
    with writer.alone():
        writer.add("model.safetensors", tmp_path / "weights")
        digest = writer.commit().digest
    facts = {"label": "S", "use_class": "administration", "ministry": "mnd", "title": "nano", "link": ""}
    ids = {"run_id": RunId("r-1"), "stage_id": StageId("register")}
    record = ModelVersionRecord(
        name="nano", version=3, digest=digest, metrics={}, created_at=NOW, aliases=(), **facts, **ids
    )
    database = open_database(f"sqlite:///{tmp_path / DATABASE}")
    with database.write() as connection:
        add_version(connection, record)
    database.close()
    return store.reader(digest).local()


def test_whole_models_are_counted(tmp_path: Path, tree: Path) -> None:
    found = models.registered(tmp_path, {})
    assert (found.level, found.fact) == ("ok", "1")


@pytest.mark.parametrize("gone", [True, False])
def test_a_model_that_is_damaged_or_gone_is_named_with_its_run(tmp_path: Path, tree: Path, gone: bool) -> None:
    file = tree / "model.safetensors"
    file.chmod(0o600)
    file.write_text("half")
    if gone:
        (tmp_path / ARTIFACTS / "manifests" / f"{tree.name}.json").unlink()
    found = models.registered(tmp_path, {})
    assert (found.level, found.fact) == ("problem", "1: nano@3 (r-1)")
    assert "bongsu resume RUN" in found.fix


def test_where_nothing_has_run_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert models.registered(tmp_path, {}).level == "ok"
