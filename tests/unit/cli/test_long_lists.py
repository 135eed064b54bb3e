"""Lists at a server are shown to their end, however many pages they have."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from api_places import ApiPlace
from cli_shell import Said
from governed_places import DAY
from sqlalchemy import Table, insert

from bongsu.store.schema_governance import access_permits, dataset_permits, permitted_uses
from bongsu.store.schema_grants import grants

As = Callable[..., Said]
MANY = 1000


def rows(table: Table, now: float) -> list[dict[str, object]]:
    """As many, in a table of what holds for a time."""
    common = {"begins_at": now, "ends_at": now + DAY, "given_at": now, "reason": "As agreed", "revoked_by": ""}
    one: dict[str, object] = {
        "grants": {
            "giver": "army",
            "receiver": "mnd",
            "programme": "nap",
            "use_classes": "",
            "accelerator": "H100",
            "begins": now,
            "ends": now + DAY,
            "given_by": "army-pm",
            "created_at": now,
        },
        "permitted_uses": {
            "ministry": "mnd",
            "use_class": "administration",
            "statement": "Draft administrative documents",
            "conditions": "",
            "tier": "I",
            "owner": "lee",
            "evidence": "https://example.org",
            "evidence_at": now,
            "begins_at": now,
            "ends_at": now + DAY,
            "registered_by": "acc",
            "registered_at": now,
        },
        "dataset_permits": common
        | {
            "tenant": "mnd",
            "name": "law",
            "version": 1,
            "digest": "sha256-" + "0" * 64,
            "use_classes": '["administration"]',
            "card": "https://example.org",
            "custodian": "dc",
            "revoked_why": "",
        },
        "access_permits": common
        | {
            "object": "dataset:law/1",
            "giver": "mnd",
            "ministry": "army",
            "purpose": "administration",
            "given_by": "dc",
        },
    }[table.name]
    return [one | {"id": f"many-{number:04d}"} for number in range(MANY)]


def shown(ask: As, *command: str) -> Any:
    said = ask("lee", *command, "--json")
    assert said.status == 0, said.err
    return json.loads(said.out)


def put(place: ApiPlace, *tables: Table) -> None:
    with place.platform.write() as connection:
        for table in tables:
            connection.execute(insert(table), rows(table, place.now))


def is_all(found: list[dict[str, Any]]) -> bool:
    return [one["id"] for one in found] == [f"many-{number:04d}" for number in range(MANY)]


def test_a_thousand_grants_and_uses_are_all_shown(place: ApiPlace, ask: As) -> None:
    put(place, grants, permitted_uses)
    assert is_all(shown(ask, "grants", "list"))
    assert is_all(shown(ask, "uses", "list"))


def test_a_thousand_permits_are_all_shown(place: ApiPlace, ask: As) -> None:
    put(place, dataset_permits, access_permits)
    found = shown(ask, "permits", "list")
    assert len(found) == 2
    assert all(map(is_all, found.values()))
