"""What is asked for whosever it is, beside much that others have: found by an index, on both databases."""

from __future__ import annotations

import re
from typing import Any

from query_plans import plans
from sqlalchemy import Connection, Table, insert

from bongsu.domain.approval import ApprovalState, Binding, ProposalKind
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.store.database import Database
from bongsu.store.models import labels_of_versions
from bongsu.store.origins import Given, origins_of
from bongsu.store.proposals import proposals_in_name
from bongsu.store.receipts import label_at_givers, was_shared
from bongsu.store.schema import artifacts, dataset_versions, model_versions
from bongsu.store.schema_governance import access_permits, proposals, suspensions
from bongsu.store.scope import inside
from bongsu.store.suspensions import open_suspensions, suspensions_of


def test_what_any_ministry_may_have_is_found_by_its_bytes_and_its_name(database: Database) -> None:
    """Each is asked for before a stage begins; beside years of other things."""
    digests = [digest_of(str(number).encode()) for number in range(3000)]
    with database.write() as connection:
        facts = {"tenant": "army", "label": "O", "title": "x", "created_at": 1.0}
        rows = [{**facts, "digest": digest, "type": "model", "size": 1} for digest in digests]
        connection.execute(insert(artifacts), rows)
        named = {
            **facts,
            "use_class": "administration",
            "ministry": "army",
            "metrics": "{}",
            "link": "",
            "version": 1,
        }
        versions = [
            {**named, "name": f"m-{number}", "digest": digest, "run_id": f"r-{number}", "stage_id": "a"}
            for number, digest in enumerate(digests)
        ]
        connection.execute(insert(model_versions), versions)
        ended = {"tenant": "army", "reason": "x", "suspended_by": "x", "suspended_at": 1.0, "lifted_at": 2.0}
        held = [{**ended, "id": f"s-{number}", "name": f"m-{number}"} for number in range(3000)]
        connection.execute(insert(suspensions), held)

    def look(connection: Connection) -> None:
        origins_of(connection, "mnd", [Given("x", digests[7], ArtifactType.MODEL)])
        suspensions_of(connection, ["m-7"])
        open_suspensions(connection)

    for table in ("artifacts", "model_versions", "suspensions"):
        found = plans(database, look, f"FROM {table}")
        assert found
        # To go through an index of the few that hold is no reading of all.
        whole = re.compile(rf"SCAN {table}\b(?! USING INDEX ix_suspensions_held)|Seq Scan on {table}\b")
        assert [plan for plan in found if whole.search(plan)] == []


MANY = 3000
CARRIED_OUT = [ApprovalState.CARRIED_OUT]


def version_of(name: str, digest: Digest, **more: object) -> dict[str, object]:
    facts = {"use_class": "administration", "ministry": "army", "metrics": "{}", "link": "", "stage_id": "a"}
    where = {"tenant": "army", "label": "O", "title": "x", "created_at": 1.0, "version": 1, "run_id": f"r-{name}"}
    return {**facts, **where, "name": name, "digest": digest, **more}


def proposal_of(object_: str, at: float = 1.0) -> dict[str, object]:
    binding = Binding(
        kind=ProposalKind.PROMOTION,
        object=object_,
        target="production",
        content=digest_of(object_.encode()),
        evidence=(),
        plan_hash="",
        label="O",
        use_class="",
        evidence_ends_at=None,
    )
    bound = {"binding": binding.canonical(), "digest": binding.digest, "kind": "promotion", "label": "O"}
    said = {"tenant": "army", "reason": "x", "proposer": "x", "submitters": "[]", "needs": 2, "version": 0}
    times = {"proposed_at": at, "expires_at": 9.0, "changed_at": 2.0, "carried_out_at": 2.0}
    return {**bound, **said, **times, "id": f"p-{object_}", "object": object_, "state": "carried-out"}


def readings_of_all(found: list[str], table: Table) -> list[str]:
    whole = re.compile(rf"SCAN {table.name}\b|Seq Scan on {table.name}\b")
    return [plan for plan in found if whole.search(plan)]


def fill(database: Database, rows: dict[Table, list[dict[str, Any]]]) -> None:
    with database.write() as connection:
        for table, several in rows.items():
            connection.execute(insert(table), several)


def test_proposals_of_a_model_are_those_of_its_versions(database: Database) -> None:
    """Of no other name, whatever letters it is written with and whatever stands for any letter in a pattern."""
    names = ["a_c", "abc", "A_C", "a_c2", "a%"]
    versions = [version_of(name, digest_of(name.encode())) for name in names]
    versions.append(version_of("a_c", digest_of(b"2"), version=12, run_id="r-12"))
    rows = [proposal_of(f"model:{name}/1") for name in names]
    rows += [proposal_of("model:a_c/12", at=0.5), proposal_of("model:a_c"), proposal_of("dataset:a_c/1")]
    fill(database, {model_versions: versions, proposals: rows})
    with database.read() as connection:
        found = proposals_in_name(connection, "a_c", CARRIED_OUT)
        assert [one.binding.object for one in found] == ["model:a_c/12", "model:a_c/1"]
        assert proposals_in_name(connection, "a_c", [ApprovalState.PROPOSED]) == []
        assert proposals_in_name(connection, "a", CARRIED_OUT) == []


def test_proposals_and_labels_of_a_model_are_found_by_its_name(database: Database) -> None:
    """The gate asks for them before each stage of a run that takes a model by an alias."""
    names = [f"m-{number}" for number in range(MANY)]
    versions = [version_of(name, digest_of(name.encode())) for name in names]
    fill(database, {model_versions: versions, proposals: [proposal_of(f"model:{name}/1") for name in names]})

    def look(connection: Connection) -> None:
        assert len(proposals_in_name(connection, "m-7", CARRIED_OUT)) == 1
        assert labels_of_versions(connection, "army", "m-7") == {1: Label.parse("O")}

    for table in (proposals, model_versions):
        found = plans(database, look, f"FROM {table.name}")
        assert found
        assert readings_of_all(found, table) == []


def test_what_another_ministry_shares_is_found_by_its_bytes(database: Database) -> None:
    """Asked for of every tree that is brought in; beside years of permits and versions of others."""
    names = [f"m-{number}" for number in range(MANY)]
    digests = {name: digest_of(name.encode()) for name in names}
    tree = {"tenant": "army", "label": "O", "title": "x", "created_at": 1.0, "type": "model", "size": 1}
    of_sets = {"tenant": "army", "version": 1, "type": "documents", "label": "O", "size": 1} | {
        "origin": "x",
        "created_at": 1.0,
    }
    given = {"giver": "army", "ministry": "mnd", "purpose": "administration", "given_by": "x", "reason": "x"}
    times = {"begins_at": 1.0, "ends_at": 2.0, "given_at": 1.0}
    fill(
        database,
        {
            artifacts: [{**tree, "digest": digest} for digest in digests.values()],
            model_versions: [version_of(name, digest) for name, digest in digests.items()],
            dataset_versions: [
                {**of_sets, "name": name, "digest": digest_of(f"set {name}".encode())} for name in names
            ],
            access_permits: [{**given, **times, "id": f"s-{name}", "object": f"model:{name}/1"} for name in names],
        },
    )

    def look(connection: Connection) -> None:
        with inside(connection, Tenant("mnd")):
            assert was_shared(connection, digests["m-7"])
            assert label_at_givers(connection, digests["m-7"]) == Label.parse("O")

    found = plans(database, look, "access_permits")
    assert found
    for table in (access_permits, model_versions, dataset_versions, artifacts):
        assert readings_of_all(found, table) == []
