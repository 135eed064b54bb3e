"""What a PostgreSQL server does to whoever uses it: each has a code, says where and what, and tells no password."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from database_places import fresh_database
from postgres_server import PASSWORD, PostgresServer
from small_plans import ref_of
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from store_places import RUN, submitted

from bongsu.domain.problems import BongsuError
from bongsu.store import artifacts, postgres
from bongsu.store.database import Database, check_database, open_database, open_for_reading
from bongsu.store.runs import get_run, list_runs
from bongsu.store.taken import Taken


@pytest.fixture
def database(own_postgres: PostgresServer) -> Iterator[Database]:
    with fresh_database(own_postgres) as opened:
        yield opened


def told(caught: pytest.ExceptionInfo[BongsuError]) -> tuple[str, str]:
    """Code and text. No text, and no error behind it, holds a password."""
    chain: list[BaseException | None] = [caught.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)
    for error in filter(None, chain):
        assert not any(secret in f"{error} {error!r}" for secret in (PASSWORD, "horse", "s3cret")), error
    return caught.value.problems[0].code.name, str(caught.value)


# -- opening ---------------------------------------------------------------------------------------------------------


def wrong_password(own_postgres: PostgresServer) -> str:
    return own_postgres.url(password="s3cret")


def unknown_user(own_postgres: PostgresServer) -> str:
    return own_postgres.url(user="nobody", password="s3cret")


def unknown_database(own_postgres: PostgresServer) -> str:
    return own_postgres.url("elsewhere")


def password_behind_the_name(own_postgres: PostgresServer) -> str:
    return f"postgresql+psycopg://{own_postgres.address}/postgres?user=owner&password=s3cret"


def nobody_listens(_server: PostgresServer) -> str:
    return "postgresql+psycopg://owner:s3cret@127.0.0.1:1/bongsu"


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        (wrong_password, "run.database-refused", "password authentication failed"),
        (unknown_user, "run.database-refused", "nobody"),
        (unknown_database, "run.database-refused", "does not exist"),
        (password_behind_the_name, "run.database-refused", "password authentication failed"),
        (nobody_listens, "run.database-unreachable", "127.0.0.1:1"),
    ],
)
@pytest.mark.parametrize("opened", [open_database, check_database])
def test_a_server_that_cannot_be_entered_is_told(
    own_postgres: PostgresServer,
    opened: Callable[[str], object],
    address: Callable[[PostgresServer], str],
    code: str,
    words: str,
) -> None:
    with pytest.raises(BongsuError) as caught:
        opened(address(own_postgres))
    found, said = told(caught)
    assert found == code
    assert words in said
    assert "127.0.0.1" in said


@pytest.mark.parametrize(
    "url", ["s3cret", "postgresql+psycopg://owner:s3cret:x@host:s3cret/x", "mysql://owner:s3cret@host/x", ""]
)
def test_an_address_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(BongsuError) as caught:
        open_database(url)
    assert told(caught)[0] == "run.database-address"


def test_the_driver_need_not_be_named(own_postgres: PostgresServer) -> None:
    url = own_postgres.new_database(migrated=False)
    opened = open_database(url.replace("postgresql+psycopg", "postgresql"))
    submitted(opened)
    opened.close()
    check_database(url)
    own_postgres.drop_database(url)


# -- while it is used ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
def test_a_server_that_stops_in_the_middle_of_a_transaction_loses_it_and_no_other(
    own_postgres: PostgresServer, database: Database, how: signal.Signals
) -> None:
    submitted(database)

    def write_while_it_stops() -> None:
        with database.write() as connection:
            connection.execute(text("UPDATE runs SET version = 7"))
            own_postgres.stop(how)
            connection.execute(text("UPDATE runs SET version = 8"))

    try:
        with pytest.raises(BongsuError) as caught:
            write_while_it_stops()
        assert told(caught)[0] == "run.database-unreachable"
        with pytest.raises(BongsuError) as caught, database.read() as connection:
            list_runs(connection)
        assert told(caught)[0] == "run.database-unreachable"
    finally:
        own_postgres.start()
    with database.read() as connection:
        assert get_run(connection, RUN).version == 0


def test_connections_of_before_a_restart_are_replaced_unnoticed(
    own_postgres: PostgresServer, database: Database
) -> None:
    submitted(database)
    own_postgres.restart()
    with database.write() as connection:
        connection.execute(text("UPDATE runs SET version = 7"))
    with database.read() as connection:
        assert get_run(connection, RUN).version == 7


def test_a_session_that_somebody_ends_is_told(own_postgres: PostgresServer, database: Database) -> None:
    name = database.engine.url.database

    def write_while_it_is_ended() -> None:
        with database.write() as connection:
            connection.execute(text("UPDATE runs SET version = 7"))
            own_postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            connection.execute(text("UPDATE runs SET version = 8"))

    with pytest.raises(BongsuError) as caught:
        write_while_it_is_ended()
    assert told(caught)[0] == "run.database-unreachable"


def test_a_full_disk_is_told_as_such(own_postgres: PostgresServer) -> None:
    url = own_postgres.new_database()
    ((path,),) = own_postgres.execute("SELECT pg_relation_filepath('nodes')", url.rpartition("/")[2])
    table = own_postgres.data / path
    table.unlink()
    table.symlink_to("/dev/full")  # a device on which no byte has room
    database = open_database(url)
    with pytest.raises(BongsuError) as caught, database.write() as connection:
        connection.execute(text("INSERT INTO nodes VALUES ('a', 'artifact', 'a', 'O', '{}')"))
    code, said = told(caught)
    assert code == "run.database-full"
    assert "No space left" in said
    database.close()
    table.unlink()
    table.touch()
    own_postgres.drop_database(url)


def test_a_server_that_takes_no_writes_is_read_all_the_same(
    own_postgres: PostgresServer, database: Database
) -> None:
    submitted(database)
    own_postgres.execute(f"ALTER DATABASE {database.engine.url.database} SET default_transaction_read_only = on")
    database.engine.dispose()
    with pytest.raises(BongsuError) as caught:
        submitted(database)
    assert told(caught)[0] == "run.database-read-only"
    with database.read() as connection:
        assert get_run(connection, RUN).id == RUN


def test_who_may_only_look_is_told_what_is_not_granted(own_postgres: PostgresServer, database: Database) -> None:
    own_postgres.execute("CREATE ROLE reader LOGIN PASSWORD 's3cret'")
    name = str(database.engine.url.database)
    own_postgres.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", name)
    opened = open_database(own_postgres.url(name, "reader", "s3cret"))
    with pytest.raises(BongsuError) as caught:
        submitted(opened)
    assert told(caught)[0] == "run.database-refused"
    opened.close()
    own_postgres.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM reader", name)
    own_postgres.execute("DROP ROLE reader")


def test_a_row_that_another_holds_for_long_is_told(database: Database) -> None:
    submitted(database)
    impatient = Database(postgres.engine_of(database.engine.url, lock_timeout=50))
    with database.write() as connection:
        connection.execute(text("UPDATE runs SET version = 7"))
        with pytest.raises(BongsuError) as caught, impatient.write() as other:
            other.execute(text("UPDATE runs SET version = 8"))
    impatient.close()
    assert told(caught)[0] == "run.database-busy"


def test_more_at_once_than_there_are_connections_are_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "POOL_TIMEOUT_S", 0.05)
    small = Database(postgres.engine_of(database.engine.url, pool_size=1))
    with small.read(), small.read(), pytest.raises(BongsuError) as caught, small.read():
        pass
    small.close()
    assert told(caught)[0] == "run.database-busy"


def test_who_stops_in_the_middle_of_a_transaction_holds_its_rows_for_a_while_only(database: Database) -> None:
    submitted(database)
    slow = Database(postgres.engine_of(database.engine.url, idle_in_transaction_session_timeout=100))

    def stop_on_the_way() -> None:
        with slow.write() as connection:
            connection.execute(text("UPDATE runs SET version = 7"))
            time.sleep(0.5)
            with database.write() as other:
                other.execute(text("UPDATE runs SET version = 8"))
            connection.execute(text("UPDATE runs SET version = 9"))

    with pytest.raises(BongsuError) as caught:
        stop_on_the_way()
    slow.close()
    assert told(caught)[0] == "run.database-busy"


def test_what_is_taken_is_told_without_values(database: Database) -> None:
    submitted(database)
    with pytest.raises(Taken) as caught:
        submitted(database)
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert RUN not in str(caught.value.__cause__).partition("[SQL")[2], "values may be secrets"


# -- what is seen ----------------------------------------------------------------------------------------------------


def test_a_view_stays_as_it_was_while_others_write(database: Database) -> None:
    submitted(database)
    with database.read() as connection:
        assert get_run(connection, RUN).version == 0
        with database.write() as other:
            other.execute(text("UPDATE runs SET version = 7"))
        assert get_run(connection, RUN).version == 0
    with database.read() as connection:
        assert get_run(connection, RUN).version == 7


def test_who_only_reads_can_write_nothing(database: Database) -> None:
    with pytest.raises(BongsuError) as caught, database.read() as connection:
        connection.execute(text("UPDATE runs SET version = 7"))
    assert told(caught)[0] == "run.database-read-only"
    url = database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(BongsuError) as caught, open_for_reading(url) as connection:
        connection.execute(text("UPDATE runs SET version = 7"))
    assert told(caught)[0] == "run.database-read-only"
    submitted(database)


def test_a_text_with_a_sign_that_the_server_does_not_know_is_kept_without_it(database: Database) -> None:
    with database.write() as connection:
        artifacts.note_artifact(connection, ref_of("x"), "a\0b", 0.0)
        assert [found.title for found in artifacts.list_artifacts(connection)] == ["a\N{REPLACEMENT CHARACTER}b"]
