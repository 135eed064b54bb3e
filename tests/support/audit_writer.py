"""A process that adds to a log until it is killed: each entry with a row of its own in the same transaction, of which
it tells its parent once it is committed."""

from __future__ import annotations

import sys

from audit_places import MND, event

from bongsu.domain.ids import RunId
from bongsu.store.audit import append
from bongsu.store.database import open_database
from bongsu.store.history import NewEvent, append_events


def write(url: str, name: str) -> None:
    database = open_database(url)
    for number in range(1_000_000):
        with database.write() as connection:
            append_events(connection, RunId(name), 0.0, [NewEvent("note", body={"n": number})])
            append(connection, event(number, MND))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    write(*sys.argv[1:])
