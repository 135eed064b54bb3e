"""Requests that were carried out, on each database: how long they are known, and that they are forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from store_places import NOW

from bongsu.domain.ids import digest_of
from bongsu.store.database import Database
from bongsu.store.requests import KEPT_S, RequestKey, earlier_request, note_request
from bongsu.store.schema_requests import idempotency_keys
from bongsu.store.taken import Taken

ASKED = digest_of(b"asked")


def key(name: str) -> RequestKey:
    return RequestKey("kim", name, ASKED)


def test_a_key_is_known_for_its_time_and_can_be_used_anew_afterwards(database: Database) -> None:
    with database.write() as connection:
        note_request(connection, key("k"), "r-1", NOW)
    for after_s, result in ((0, "r-1"), (KEPT_S, "r-1"), (KEPT_S + 0.01, None), (90 * KEPT_S, None)):
        with database.read() as connection:
            found = earlier_request(connection, key("k"), NOW + after_s)
        assert (found.result if found else None) == result
    with pytest.raises(Taken), database.write() as connection:
        note_request(connection, key("k"), "r-2", NOW + KEPT_S)
    with database.write() as connection:
        note_request(connection, key("k"), "r-3", NOW + KEPT_S + 1)
        found = earlier_request(connection, key("k"), NOW + KEPT_S + 1)
    assert found is not None
    assert found.result == "r-3"


def test_what_is_old_is_forgotten_with_the_next_one_of_anybody(database: Database) -> None:
    with database.write() as connection:
        for name in "abc":
            note_request(connection, key(name), name, NOW)
        note_request(connection, key("later"), "later", NOW + 10)
        note_request(connection, RequestKey("lee", "k", ASKED), "k", NOW + KEPT_S + 1)
    with database.read() as connection:
        names = connection.execute(select(idempotency_keys.c.key).order_by(idempotency_keys.c.key)).scalars().all()
    assert names == ["k", "later"]
