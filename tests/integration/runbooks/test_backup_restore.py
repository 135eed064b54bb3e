"""docs/runbooks/backup.md and restore.md, followed word for word: what was there is there again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import psycopg
from database_places import count_rows
from runbook_models import register_model
from runbook_site import Site
from runbook_steps import Reader

from bongsu.store.database import open_database


def test_a_backup_is_restored_whole_and_the_log_is_the_one_that_was_witnessed(site: Site) -> None:
    done = site.submit("first", "echo first > $BONGSU_OUTPUTS/files/a.txt")
    site.await_state(done, "succeeded")
    register_model(site, done, "kept")
    log_to_mlflow(site)
    told = site.ask("engineer", f"/v1/runs/{done}")
    nobody_leads(site)
    waiting = site.submit("second", "echo second > $BONGSU_OUTPUTS/files/a.txt")
    auditor = site.person("auditor")
    auditor.follow("backup.md", "checkpoint")
    witnessed(auditor)
    site.bongsu.follow("backup.md", "dump")
    rows = rows_of(site)
    files = {name: files_of(site, name) for name in ("artifacts", "mlflow-files", "logs")}
    assert all(files.values()), "there is something to lose of each"
    lost = site.submit("third", "echo third > $BONGSU_OUTPUTS/files/a.txt")

    (backup,) = site.backups.iterdir()
    names = {**site.names, "/srv/backup/20261129T010000Z": str(backup)}
    bongsu, superuser = site.bongsu.called(names), site.superuser.called(names)
    site.root.follow("restore.md", "end")
    shutil.rmtree(site.home)
    bongsu.follow("restore.md", "whole")
    superuser.follow("restore.md", "databases")
    bongsu.follow("restore.md", "restore")
    bongsu.follow("restore.md", "files")
    assert "every row can be read" in bongsu.follow("restore.md", "look")
    assert rows_of(site) == rows
    for name, kept in files.items():
        found = files_of(site, name)
        assert sorted(kept.keys() ^ found.keys()) == [], name
        assert found == kept
    somebody_leads(site)
    site.root.follow("restore.md", "begin")
    assert site.ask("engineer", f"/v1/runs/{done}") == told
    site.await_state(waiting, "succeeded")
    engineer = site.person("engineer")
    assert lost not in engineer.run("bongsu runs --json")
    assert "kept" in engineer.run("bongsu models list")
    auditor.follow("restore.md", "verify")
    auditor.run("bongsu audit verify restored.jsonl --key log.key --checkpoint cosigned.txt --witness witness.pub")
    assert oct((site.home / "site.key").stat().st_mode)[-3:] == "600"


def nobody_leads(site: Site) -> None:
    """One replica that answers, so that nothing changes but what is asked for."""
    settings = site.folder / "etc" / "server.env"
    settings.write_text(settings.read_text() + "BONGSU_LEAD=false\n")
    first, second = site.replicas
    site.root.run(f"systemctl stop {first} {second}\nsystemctl start {first}")
    site.await_ready(site.ports[:1])


def somebody_leads(site: Site) -> None:
    settings = site.folder / "etc" / "server.env"
    settings.write_text(settings.read_text().replace("BONGSU_LEAD=false\n", ""))


def log_to_mlflow(site: Site) -> None:
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


def witnessed(auditor: Reader) -> None:
    """A witness's signature under the log, as audit.md has it."""
    auditor.run(
        "bongsu audit checkpoint --since 0 -o request.txt\n"
        "bongsu audit witness request.txt --state witness.json --key witness.key --name witness.msit.example"
        " --log-key log.key -o cosigned.txt > witness.pub\n"
        "bongsu audit accept cosigned.txt --witness witness.pub\n"
    )


def rows_of(site: Site) -> dict[str, int]:
    """How many each table of the two databases has."""
    database = open_database(site.settings["BONGSU_DATABASE"])
    found = count_rows(database)
    database.close()
    address = site.settings["BONGSU_MLFLOW_DATABASE"].replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            (row,) = connection.execute(f'SELECT count(*) FROM "{table}"').fetchall()  # type: ignore[arg-type]
            found[f"mlflow {table}"] = row[0]
    return found


def files_of(site: Site, folder: str) -> dict[str, bytes]:
    """What is kept of them: what killed writers left is not."""
    base = site.home / folder
    found = (path for path in base.rglob("*") if path.is_file() and "staging" not in path.parts)
    return {str(path.relative_to(base)): path.read_bytes() for path in found}
