"""What whoever keeps a server does at its home: ``keys`` and ``database``."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from cli_shell import Shell

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN
from bongsu.domain.tenants import Tenant
from bongsu.service.artifact_place import place_of, stores_at
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import HEAD_REVISION, open_database
from bongsu.store.scope import Scope


def listed(shell: Shell, use: str = "attempts") -> list[dict[str, object]]:
    found = json.loads(shell("keys", "list", use, "--json").out)
    assert isinstance(found, list)
    return found


def test_keys_are_listed_only_where_there_are_some(shell: Shell, tmp_path: Path) -> None:
    assert listed(shell) == []
    assert not (tmp_path / "home").exists()


def test_a_key_is_rotated_and_the_one_before_withdrawn(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (first,) = json.loads(shell("keys", "rotate", "issuer", "--json").out)[:1]
    after = listed(shell, "issuer")
    assert after[0]["id"] == first["id"]
    assert after[0]["retiredAt"] is not None
    assert after[-1]["retiredAt"] is None
    assert shell("keys", "withdraw", "issuer", str(first["id"])).status == 0
    assert [one["id"] for one in listed(shell, "issuer")] == [after[-1]["id"]]
    said = shell("keys", "withdraw", "issuer", str(after[-1]["id"]))
    assert said.status == 3
    assert "[identity.last-key]" in said.error


def test_what_is_printed_of_a_key_is_never_the_key(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    said = shell("keys", "rotate", "attempts")
    secret = json.loads((tmp_path / "home" / "attempt-keys.json").read_text())["keys"][-1]["key"]["d"]
    assert secret not in said.out + said.error
    assert said.out.strip().endswith("signs")


def test_a_schema_goes_down_only_when_whoever_asks_says_what_that_loses(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    assert shell("database", "migrate").status == 0
    refused = shell("database", "migrate", "--to", "0011")
    assert (refused.status, "[run.schema-down]" in refused.error) == (2, True)
    assert (
        shell("database", "show", "--json").out
        == json.dumps({"found": HEAD_REVISION, "known": HEAD_REVISION}, indent=2) + "\n"
    )
    assert shell("database", "migrate", "--to", "0011", "--lose-newer").status == 0
    assert json.loads(shell("database", "show", "--json").out)["found"] == "0011"
    assert shell("database", "migrate").status == 0
    assert shell("database", "check").status == 0


def test_a_schema_that_nobody_knows_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    said = shell("database", "migrate", "--to", "9999")
    assert said.status == 2
    assert "[run.schema-unknown]" in said.error
    assert not (tmp_path / "home" / "bongsu.db").exists()


def test_damage_in_a_ministrys_artifact_is_found_by_its_bytes(shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    digest = tree_of("mnd", home)
    assert shell("database", "check").status == 0
    (file,) = (path for path in home.rglob("law.txt"))
    file.chmod(0o600)
    file.write_text("laW")
    assert shell("database", "check", "--sizes-only").status == 0
    said = shell("database", "check")
    assert said.status == 8
    assert "0 of 1" in said.out
    assert "[artifact.corrupt]" in said.error
    shutil.rmtree(home / "artifacts")
    said = shell("database", "check", "--json")
    assert said.status == 8
    (problem,) = json.loads(said.out)["problems"]
    assert (problem["code"], digest in problem["message"]) == ("artifact.missing", True)


def test_a_row_of_a_ministry_that_cannot_be_read_is_found(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    tree_of("mnd", tmp_path / "home")
    with sqlite3.connect(tmp_path / "home" / "bongsu.db") as connection:
        connection.execute("UPDATE artifacts SET label = 'nothing'")
    said = shell("database", "check")
    assert said.status == 8
    assert "[run.database-damaged]" in said.error


def tree_of(ministry: str, home: Path) -> Digest:
    """One small artifact of a ministry, in the store and in the database."""
    store = stores_at(place_of(home, {}))(Tenant(ministry))
    writer = store.writer("law")
    with writer.alone():
        with writer.create("law.txt") as file:
            file.write(b"law")
        digest = writer.commit().digest
    database = open_database(f"sqlite:///{home / 'bongsu.db'}")
    with database.write(Scope.of(Tenant(ministry))) as connection:
        note_artifact(
            connection, ArtifactRef(digest=digest, type=ArtifactType.DOCUMENTS, size=3, label=OPEN), "law", 1.0
        )
    database.close()
    return digest


def test_the_doctor_of_a_servers_home_looks_at_its_database_and_asks_for_none_in_the_home(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    tree_of("mnd", home)
    (home / "logs" / "r-000000000001").mkdir(parents=True)
    (home / "bongsu.db").rename(tmp_path / "elsewhere.db")
    assert shell("doctor").status == 7, "there are artifacts, and no database"
    monkeypatch.setenv("BONGSU_DATABASE", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    found = {one["subject"]: one for one in json.loads(shell("doctor", "--json").out)}
    assert found["Database of runs"]["level"] == "ok"
    assert "Database of MLflow" not in found
    monkeypatch.setenv("BONGSU_DATABASE", "postgresql+psycopg://bongsu:secret@127.0.0.1:1/bongsu")
    said = shell("doctor")
    assert said.status == 7
    assert "secret" not in said.out
    assert "run.database-unreachable" in said.out
