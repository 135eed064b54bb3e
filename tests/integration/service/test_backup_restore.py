"""docs/runbooks/install.md, backup.md and restore.md, followed word for word: what was there is there again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from database_places import count_rows
from live_api import sign_in
from loopback_issuer import LoopbackIssuer, running_issuer
from mlflow_server import free_port
from postgres_server import OWNER, PASSWORD, PostgresServer, running_server
from runbook_steps import Reader

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.tenants import Tenant
from bongsu.service.artifact_place import place_of, stores_at
from bongsu.store.artifacts import note_artifact
from bongsu.store.database import open_database
from bongsu.store.models import add_version
from bongsu.store.records import ModelVersionRecord
from bongsu.store.scope import Scope

ROLE_PASSWORD = "demo"
START_S, END_S = 60.0, 180.0
PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: NAME, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft administrative documents}
  stages:
    - {name: a, uses: container, with: {command: [sh, -c, "echo NAME > $BONGSU_OUTPUTS/files/a.txt"]}}
"""


class Installed:
    """A server, installed as the runbook says.

    Attributes:
        postgres: where its databases are.
        provider: who signs its people in.
        folder: for all that lies in files.
    """

    def __init__(self, postgres: PostgresServer, provider: LoopbackIssuer, folder: Path) -> None:
        self.postgres, self.provider, self.folder = postgres, provider, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.home, self.backups = folder / "home", folder / "backups"
        host, _, port = postgres.address.partition(":")
        names = {
            "/etc/bongsu": str(folder),
            "/var/lib/bongsu": str(self.home),
            "/srv/backup": str(self.backups),
            "db.example.mil:5432": postgres.address,
            "PASSWORD": ROLE_PASSWORD,
            "https://login.example.mil": provider.url,
            "127.0.0.1:9700": f"127.0.0.1:{free_port()}",
            "http://127.0.0.1:8700": self.url,
            "--subject 7f3c9a": "--subject kim",
            " --pwprompt": "",
        }
        tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        superuser = {"PGHOST": host, "PGPORT": port, "PGUSER": OWNER, "PGPASSWORD": PASSWORD}
        self.reader = Reader(folder, names, {"PATH": tools, "BONGSU_LANG": "en"})
        self.superuser = Reader(folder, names, {**self.reader.environment, **superuser})

    def install(self) -> None:
        self.superuser.follow("install.md", "databases")
        self.postgres.execute(f"ALTER ROLE bongsu PASSWORD '{ROLE_PASSWORD}'")
        settings = self.folder / "server.env"
        settings.write_text(self.reader.text("install.md", "settings"))
        settings.chmod(0o600)
        self.reader.follow("install.md", "first ministry")

    @property
    def settings(self) -> dict[str, str]:
        lines = (self.folder / "server.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @contextmanager
    def served(self, *, leads: bool = True) -> Iterator[None]:
        """As the unit of the runbook starts it."""
        environment = {**self.reader.environment, **self.settings, "BONGSU_LISTEN_PORT": str(self.port)}
        environment |= {"BONGSU_LEAD": "true" if leads else "false", "BONGSU_DRAIN": "0"}
        with (self.folder / "server.log").open("a") as log:
            command = [Path(sys.executable).with_name("bongsu"), "serve"]
            process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log)
        try:
            self._await_ready(process)
            self.reader.follow("install.md", "looks")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "server.log").read_text()[-3000:])

    def person(self, name: str) -> Reader:
        """At a machine of their own, where they are signed in."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        sign_in(folder / "settings", self.url, self.provider.token(name), "mnd")
        environment = {**self.reader.environment, "XDG_CONFIG_HOME": str(folder / "settings")}
        return Reader(folder, self.reader.names, environment)

    def ask(self, name: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.provider.token(name)}"}
        answer = httpx.get(self.url + path, headers=headers, trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self) -> dict[str, int]:
        """How many each table of the two databases has."""
        database = open_database(self.settings["BONGSU_DATABASE"])
        found = count_rows(database)
        database.close()
        address = self.settings["BONGSU_MLFLOW_DATABASE"].replace("+psycopg", "")
        with psycopg.connect(address) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                (row,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchall()  # type: ignore[arg-type]
                found[f"mlflow {table}"] = row[0]
        return found

    def files(self, folder: str) -> dict[str, bytes]:
        """What is kept of them: what killed writers left is not."""
        base = self.home / folder
        found = (path for path in base.rglob("*") if path.is_file() and "staging" not in path.parts)
        return {str(path.relative_to(base)): path.read_bytes() for path in found}


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    with running_server() as postgres, running_issuer() as provider:
        made = Installed(postgres, provider, tmp_path)
        made.install()
        yield made


def staff(site: Installed) -> None:
    operator = site.person("kim")
    for role in ("engineer", "accreditor", "auditor"):
        operator.run(f"bongsu people add mnd/{role} --name {role} --subject {role} --clearance S --reason Vetted")
        operator.run(f"bongsu people give-role mnd/{role} {role}")
    site.person("accreditor").run(
        "bongsu uses register administration --statement 'Draft administrative documents' --owner mnd/kim"
        " --evidence https://example.mil/a --dated 2026-01-01 --until 2035-12-31"
    )


def submitted(site: Installed, name: str) -> str:
    engineer = site.person("engineer")
    (engineer.folder / "pipeline.yaml").write_text(PIPELINE.replace("NAME", name))
    found: str = json.loads(engineer.run("bongsu submit pipeline.yaml --json"))["runId"]
    return found


def await_end(site: Installed, run: str) -> None:
    deadline = time.monotonic() + END_S
    while (state := site.ask("engineer", f"/v1/runs/{run}")["run"]["state"]) in ("pending", "running"):
        assert time.monotonic() < deadline, state
        time.sleep(0.3)
    assert state == "succeeded"


def register_model(site: Installed, run: str) -> None:
    """A version as that run would have left it."""
    store = stores_at(place_of(site.home, {}))(Tenant("mnd"))
    writer = store.writer("tests/model")
    with writer.create("weights.bin") as file:
        file.write(b"weights" * 1000)
    digest = writer.commit().digest
    database = open_database(site.settings["BONGSU_DATABASE"])
    with database.write(Scope.of(Tenant("mnd"))) as connection:
        note_artifact(
            connection, ArtifactRef(digest=digest, type=ArtifactType.MODEL, label=OPEN, size=7000), "axk1", 1
        )
        add_version(
            connection,
            ModelVersionRecord(
                name="axk1",
                version=1,
                digest=digest,
                label="O",
                use_class="administration",
                ministry="mnd",
                run_id=RunId(run),
                stage_id=StageId("a"),
                title="axk1",
                metrics={},
                link="",
                created_at=1.0,
            ),
        )
    database.close()


def log_to_mlflow(site: Installed) -> None:
    """With a plain client, a number and a file."""
    script = (
        "import mlflow\n"
        "mlflow.set_experiment('kept')\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_metric('loss', 0.5)\n"
        "    mlflow.log_text('kept', 'note.txt')\n"
    )
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": f"{site.url}/mlflow",
        "MLFLOW_TRACKING_TOKEN": site.provider.token("engineer"),
    }
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, capture_output=True, timeout=120)


def witnessed(site: Installed) -> None:
    """The auditor keeps a checkpoint, and a witness's signature under it."""
    auditor = site.person("auditor")
    auditor.follow("backup.md", "checkpoint")
    auditor.run(
        "bongsu audit checkpoint --since 0 -o request.txt\n"
        "bongsu audit witness request.txt --state witness.json --key witness.key --name witness.msit.example"
        ' --log-key "$(cat log.key)" -o cosigned.txt 2> witness.said\n'
        "grep -o 'witness.msit.example+.*' witness.said > witness.pub\n"
        'bongsu audit accept cosigned.txt --witness "$(cat witness.pub)"\n'
    )


def test_a_backup_is_restored_whole_and_the_log_is_the_one_that_was_witnessed(installed: Installed) -> None:
    site = installed
    with site.served():
        staff(site)
        done = submitted(site, "first")
        await_end(site, done)
        register_model(site, done)
        log_to_mlflow(site)
        told = site.ask("engineer", f"/v1/runs/{done}")
    with site.served(leads=False):
        waiting = submitted(site, "second")
        witnessed(site)
        site.reader.follow("backup.md", "dump")
        rows = site.rows()
        files = {name: site.files(name) for name in ("artifacts", "mlflow-files", "logs")}
        assert all(files.values()), "there is something to lose of each"
        lost = submitted(site, "third")
    shutil.rmtree(site.home)
    (backup,) = site.backups.iterdir()
    names = {"/srv/backup/20261129T010000Z": str(backup), **site.reader.names}
    reader = Reader(site.folder, names, site.reader.environment)
    reader.follow("restore.md", "whole")
    Reader(site.folder, names, site.superuser.environment).follow("restore.md", "databases")
    reader.follow("restore.md", "restore")
    reader.follow("restore.md", "files")
    said = reader.follow("restore.md", "look")
    assert "every row can be read" in said
    assert site.rows() == rows
    for name, kept in files.items():
        found = site.files(name)
        assert sorted(kept.keys() ^ found.keys()) == [], name
        assert found == kept
    with site.served():
        assert site.ask("engineer", f"/v1/runs/{done}") == told
        await_end(site, waiting)
        assert lost not in site.person("engineer").run("bongsu runs --json")
        assert "axk1" in site.person("engineer").run("bongsu models list")
        auditor = site.person("auditor")
        auditor.follow("restore.md", "verify")
        auditor.run(
            'bongsu audit verify restored.jsonl --key "$(cat log.key)" --checkpoint cosigned.txt'
            ' --witness "$(cat witness.pub)"'
        )
        assert oct((site.home / "site.key").stat().st_mode)[-3:] == "600"
