"""The schema: what migrations make, that they go up and down with data in every table, and who opens at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from database_places import KINDS, count_rows
from filled_tables import fill
from postgres_server import PostgresServer
from query_plans import plans
from small_plans import plan_of, stage
from sqlalchemy import Connection, Engine, create_engine, insert, inspect, select, text
from store_places import RUN, chain, submitted, with_attempt

import bongsu.store
from bongsu.domain.ids import RunId, StageId, digest_of
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.loading import load_facts
from bongsu.store import cache, outbox, stages
from bongsu.store.cache import CacheEntry
from bongsu.store.database import HEAD_REVISION, Database, migrate, open_database
from bongsu.store.people import add_subject, subject_owner
from bongsu.store.runs import create_run
from bongsu.store.schemas import metadata
from bongsu.store.scope import Scope

MIGRATIONS = Path(bongsu.store.__file__).parent / "migrations"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database in which nothing was made yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bongsu.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    made = server.new_database(migrated=False)
    yield made
    server.drop_database(made)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Migrated from nothing."""
    opened = open_database(url)
    yield opened
    opened.close()


def differences(database: Database) -> list[object]:
    """Between the schema that is there and the one that the code uses."""
    with database.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_the_migrated_schema_is_the_one_that_the_code_uses(database: Database) -> None:
    assert differences(database) == []


def test_indexes_and_constraints_have_the_names_that_the_code_gives_them(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    if database.engine.dialect.name == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        plain = create_engine(server.new_database(migrated=False))
    metadata.create_all(plain)
    migrated, made = inspect(database.engine), inspect(plain)

    def named(rows: list[dict[str, object]]) -> set[tuple[object, str]]:
        return {(row["name"], str(row.get("column_names") or row.get("constrained_columns"))) for row in rows}

    for table in metadata.tables:
        assert named(migrated.get_indexes(table)) == named(made.get_indexes(table)), table
        assert named(migrated.get_unique_constraints(table)) == named(made.get_unique_constraints(table)), table
        assert named([migrated.get_pk_constraint(table)]) == named([made.get_pk_constraint(table)]), table
        assert named(migrated.get_foreign_keys(table)) == named(made.get_foreign_keys(table)), table
    plain.dispose()


def test_places_of_the_graph_are_compared_as_bytes(postgres: PostgresServer) -> None:
    """And as before in the older schema: by the rules of the database's language. (SQLite compares bytes anyway.)"""
    database = open_database(postgres.new_database(migrated=False))
    query = text(
        "SELECT DISTINCT coalesce(collation_name, 'default') FROM information_schema.columns"
        " WHERE table_name IN ('nodes', 'edges') AND column_name IN ('id', 'source', 'target')"
    )
    for revision, expected in (("head", ["C"]), ("0020", ["default"]), ("head", ["C"])):
        migrate(database.engine, revision)
        with database.engine.connect() as connection:
            assert list(connection.execute(query).scalars()) == expected
    database.close()


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD_REVISION


def rows_in(engine: Engine) -> dict[str, int]:
    """Of every table that is there, whatever the schema."""
    names = set(inspect(engine).get_table_names()) - {"alembic_version"}
    with engine.connect() as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}


def test_every_migration_goes_down_and_up_again_with_rows_in_every_table(database: Database) -> None:
    submitted(database)
    with_attempt(database)
    with database.read() as connection:
        before = load_facts(connection, RUN)
    revisions = [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for older in revisions[1:]:  # newest first
        with database.write() as connection:
            fill(connection)
        full = count_rows(database)
        assert all(full.values())
        migrate(database.engine, older)
        kept = rows_in(database.engine)
        assert kept == {name: full[name] for name in kept}, f"what {older} knows of is there"
        migrate(database.engine)
        assert differences(database) == [], f"down to {older} and up again"
        assert {name: count_rows(database)[name] for name in kept} == kept
        with database.read() as connection:
            # The rows of every table make a ministry, too.
            after = load_facts(connection, RUN)
        assert after == before, f"down to {older} and up again"
    migrate(database.engine, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate(database.engine)
    submitted(database)


def test_a_subject_that_two_ministries_have_goes_down_for_neither(database: Database) -> None:
    """Under the older schema one of them would sign in as the other one."""
    migrate(database.engine, "0017")
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO people VALUES ('mnd/kim', 'x', 'person', 'O', 1.0, NULL)"))
        connection.execute(text("INSERT INTO people VALUES ('msit/lee', 'x', 'person', 'O', 1.0, NULL)"))
        connection.execute(text("INSERT INTO subjects VALUES ('https://a.example', 's', 'mnd/kim')"))
    migrate(database.engine)
    with database.write() as connection:
        assert subject_owner(connection, "mnd", "https://a.example", "s") == "mnd/kim"
        add_subject(connection, "https://a.example", "s", "msit/lee")
    with pytest.raises(ValueError, match=r"s at https://a\.example"):
        migrate(database.engine, "0017")
    assert differences(database) == []
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM subjects WHERE ministry = 'msit'"))
    migrate(database.engine, "0017")
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT person FROM subjects")).scalar_one() == "mnd/kim"


def test_opening_again_keeps_what_is_there(database: Database, url: str) -> None:
    submitted(database)
    database.close()
    again = open_database(url)
    with again.read() as connection:
        assert load_facts(connection, RUN).run.id == RUN
    again.close()


def test_a_database_of_a_newer_bongsu_is_left_alone(database: Database, url: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BongsuError) as caught:
        open_database(url)
    assert caught.value.problems[0].code.name == "run.newer-database"


def test_no_tables_are_made_where_there_must_have_been_some(url: str) -> None:
    with pytest.raises(BongsuError) as caught:
        open_database(url, may_be_new=lambda: False)
    assert caught.value.problems[0].code.name == "run.database-lost"


def test_of_processes_that_open_a_new_database_at_once_one_migrates(url: str) -> None:
    code = f"from bongsu.store.database import open_database; open_database({url!r})"
    # Nothing of the parent's environment is needed.
    processes = [subprocess.Popen([sys.executable, "-c", code], env={}, stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error.decode()
    opened = open_database(url)
    assert differences(opened) == []
    with opened.engine.connect() as connection:
        assert connection.execute(select(text("count(*) from alembic_version"))).scalar_one() == 1
    opened.close()


def test_rows_of_ministries_keep_a_schema_that_tells_them_apart(database: Database) -> None:
    with database.write(Scope.of(Tenant("mnd"))) as connection:
        create_run(connection, RUN, chain(), 1.0)
    with pytest.raises(ValueError, match="rows of ministries"):
        migrate(database.engine, "0005")
    assert differences(database) == [], "all of it or nothing"
    with database.read(Scope.of(Tenant("mnd"))) as connection:
        assert load_facts(connection, RUN).run.tenant == "mnd"


TYPES = {
    "run-opened": False,
    "stage-finished": False,
    "run-closed": False,
    "version-registered": False,
    "alias-changed": False,
    "label-changed": True,
    "run-relabelled": True,
    "of-later": True,
}


def test_items_that_wait_say_from_now_on_whether_they_are_about_labels(database: Database) -> None:
    """Those that cannot be read are told by how they begin; of what an older process writes meanwhile, it is true."""
    put = text("INSERT INTO outbox (run_id, body, tries, done, error) VALUES ('r-1', :body, 0, :done, '')")
    look = text("SELECT body, about_labels FROM outbox ORDER BY id")
    bodies = {f'{{"type":"{type_}","rest': is_about for type_, is_about in TYPES.items()} | {"no JSON": True}
    for _twice in range(2):
        migrate(database.engine, "0022")
        with database.engine.begin() as connection:
            connection.execute(text("DELETE FROM outbox"))
            connection.execute(put, [{"body": body, "done": len(body) % 2 == 0} for body in bodies])
        migrate(database.engine)
        with database.engine.connect() as connection:
            assert [(row.body, bool(row.about_labels)) for row in connection.execute(look)] == [*bodies.items()]
    with database.engine.begin() as connection:
        connection.execute(put, {"body": '{"type":"run-closed"}', "done": False})
        assert bool(connection.execute(look).all()[-1].about_labels)
    assert differences(database) == []


def test_cached_work_says_from_now_on_which_run_did_it(database: Database) -> None:
    """The last whose stage ended well under the key, in the pipeline of the entry; nobody, where there is none."""
    other = RunId("r-000000000002")
    submitted(database)
    submitted(database, other, plan_of(stage("a"), name="other"))
    with database.write() as connection:
        for run in (RUN, other):
            stages.set_outcome(connection, run, StageId("a"), stages.StageOutcome({}, cache_key=digest_of(b"k")))
        connection.execute(text("UPDATE stages SET state = 'succeeded', finished_at = 1.0 WHERE stage_id = 'a'"))
        for name, key in (("sample", b"k"), ("gone", b"l")):
            entry = CacheEntry(digest_of(key), name, other, "a", {}, {}, {}, 1.0, 1.0)
            cache.remember(connection, entry)
    migrate(database.engine, "0023")
    migrate(database.engine)
    with database.engine.connect() as connection:
        found = connection.execute(text("SELECT pipeline, run_id FROM cache_entries ORDER BY pipeline")).all()
    assert [tuple(row) for row in found] == [("gone", None), ("sample", RUN)]


def test_items_about_labels_are_found_without_looking_at_others(database: Database) -> None:
    with database.write() as connection:
        rows = [{"run_id": f"r-{number}", "body": "x" * 200, "about_labels": False} for number in range(20_000)]
        connection.execute(insert(outbox.outbox), rows)

    def look(connection: Connection) -> None:
        assert outbox.waiting_labels(connection) == []

    (plan,) = plans(database, look, "FROM outbox")
    assert "ix_outbox_about_labels_done_id" in plan


def test_votes_that_counted_are_those_that_the_log_names(database: Database) -> None:
    """And nobody knows of what was never carried out, or of what no log says."""
    propose = text(
        "INSERT INTO proposals (id, tenant, kind, object, label, binding, digest, reason, proposer, submitters, needs,"
        " state, note, proposed_at, expires_at, changed_at, version) VALUES (:id, 'mnd', 'promotion', 'model:axk1/1',"
        " 'O', '{}', 'sha256:0', '', 'lee', '[]', 2, :state, '', 1.0, 2.0, 1.0, 0)"
    )
    vote = text(
        "INSERT INTO votes (proposal, person, choice, digest, reason, voted_at)"
        " VALUES (:proposal, :person, 'approve', 'sha256:0', '', 1.0)"
    )
    note = text(
        "INSERT INTO audit_entries (tenant, position, at, actor, action, object, label, outcome, entry)"
        " VALUES ('mnd', :position, 1.0, 'lee', 'approval.carry-out', :object, 'O', :outcome, :entry)"
    )
    states = {"a-done": "carried-out", "a-open": "approved", "a-silent": "carried-out"}
    for _twice in range(2):
        migrate(database.engine, "0025")
        with database.engine.begin() as connection:
            if not connection.execute(text("SELECT id FROM proposals")).all():
                connection.execute(propose, [{"id": one, "state": state} for one, state in states.items()])
                who = ("ann", "bae", "cho")
                connection.execute(vote, [{"proposal": one, "person": person} for one in states for person in who])
                for position, (outcome, facts) in enumerate(
                    (
                        ("refused", '"codes":[]'),
                        ("done", '"state":"needs-review"'),
                        ("done", '"approvers":["bae","cho"]'),
                    )
                ):
                    entry = f'{{"object":"approval:a-done","facts":{{{facts}}}}}'
                    row = {"position": position, "object": "approval:a-done", "outcome": outcome, "entry": entry}
                    connection.execute(note, row)
        migrate(database.engine)
        with database.engine.connect() as connection:
            rows = connection.execute(
                text("SELECT proposal, person, counted FROM votes ORDER BY proposal, person")
            ).all()
        counted = {
            (row.proposal, row.person): row.counted if row.counted is None else bool(row.counted) for row in rows
        }
        done = {("a-done", "ann"): False, ("a-done", "bae"): True, ("a-done", "cho"): True}
        assert counted == {(one, person): None for one in states for person in ("ann", "bae", "cho")} | done
    assert differences(database) == []


def test_suspensions_get_the_label_that_the_log_says_they_had(database: Database) -> None:
    """And none if it says nothing of them, as of those that an older process writes meanwhile."""
    put = text(
        "INSERT INTO suspensions (id, tenant, name, reason, suspended_by, suspended_at)"
        " VALUES (:id, 'mnd', 'axk1', 'why', 'acc', 1.0)"
    )
    note = text(
        "INSERT INTO audit_entries (tenant, position, at, actor, action, object, label, outcome, entry)"
        " VALUES ('mnd', :position, 1.0, 'acc', 'model.suspend', 'model:axk1', :label, :outcome, :entry)"
    )
    for _twice in range(2):
        migrate(database.engine, "0024")
        with database.engine.begin() as connection:
            if not connection.execute(text("SELECT id FROM suspensions")).all():
                connection.execute(put, [{"id": one} for one in ("s-open", "s-secret", "s-unknown")])
                for position, (one, label) in enumerate((("s-open", "O"), ("s-secret", "C/blue"))):
                    entry = {"entry": f'{{"facts":{{"suspension":"{one}"}}}}', "position": position}
                    connection.execute(note, {**entry, "label": label, "outcome": "done"})
                refused = {"entry": '{"facts":{"codes":[]}}', "position": 2, "label": "O", "outcome": "refused"}
                connection.execute(note, refused)
        migrate(database.engine)
        with database.engine.connect() as connection:
            found = connection.execute(text("SELECT id, label FROM suspensions ORDER BY id")).all()
        assert [tuple(row) for row in found] == [("s-open", "O"), ("s-secret", "C/blue"), ("s-unknown", None)]
    with database.engine.begin() as connection:
        connection.execute(put, {"id": "s-older"})
    assert differences(database) == []
