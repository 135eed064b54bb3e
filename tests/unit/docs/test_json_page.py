"""docs/json.md lists the keys that the commands print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from cli_documents import run_with_everything
from governed_places import ADMINISTRATION, DAY, GovernedPlace
from grant_places import GRANT, gpu_stage, order, paid_plan
from people_places import Ministries
from service_places import Place

from bongsu.cli.commands.mlflow import _print_how
from bongsu.client.contexts import Context
from bongsu.domain.codes import run as run_codes
from bongsu.domain.documents import camel, plain
from bongsu.domain.grants import Dimension
from bongsu.domain.problems import Problem
from bongsu.service.audit.checking import Checked
from bongsu.service.audit.checkpoints import Growth
from bongsu.service.audit.reading import Entry
from bongsu.service.capacity import show_capacity
from bongsu.service.documents import plan_document, run_document
from bongsu.service.governance.access_permits import AccessRequest, give_access
from bongsu.service.governance.data_permits import list_data_permits
from bongsu.service.governance.documents import proposal_document
from bongsu.service.governance.launching import Launch
from bongsu.service.governance.proposing import propose
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.service.governance.uses import list_uses
from bongsu.service.grades import grades_of
from bongsu.service.grades_kept import KeptGrades
from bongsu.service.grants import documents
from bongsu.service.grants.reserving import GrantStanding, standing_of
from bongsu.service.labels import show_label
from bongsu.service.lineage import trace
from bongsu.service.model_bundles.importing import Imported
from bongsu.service.model_bundles.showing import BundleShown
from bongsu.service.models import list_models
from bongsu.service.passwords import ShownPassword
from bongsu.service.people import show_person
from bongsu.service.people_documents import person_document
from bongsu.service.plane import PlanShown
from bongsu.service.planes.grants import GrantsHere
from bongsu.service.planes.people import Ministry
from bongsu.service.searching import search
from bongsu.service.service_accounts import SecretSummary, ShownSecret
from bongsu.service.showing import show_run
from bongsu.service.variants import variants
from bongsu.service.whoami import who_asks

PAGE = Path(__file__).parents[3] / "docs" / "json.md"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def listed(table: str) -> list[str]:
    """Keys in the first column of the table with this head."""
    text = PAGE.read_text()
    (rows,) = re.findall(rf"^\| {table} \| \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text, re.M)
    return [key for row in rows.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_the_page_lists_every_key_of_a_run_and_no_other(place: Place) -> None:
    run = run_with_everything(place)
    document = plain(run_document(show_run(place.platform, run), variants(place.platform, run)))
    for table, found in (
        ("document", document),
        ("run", document["run"]),
        ("stage", document["stages"][0]),
        ("attempt", document["stages"][0]["attempts"][0]),
        ("variant", document["variants"][0]),
        ("lineage", plain(trace(place.platform, "light@1"))),
        ("version", plain(list_models(place.platform)[0])),
        ("found", plain(search(place.platform, "light")[0])),
        ("label", plain(show_label(place.platform, "light@1"))),
        ("capacity", plain(show_capacity(place.platform))),
        ("grades", plain(KeptGrades.of(grades_of(place.platform)))),
    ):
        assert sorted(listed(table)) == sorted(found), table


def test_the_page_lists_every_key_of_ministries_and_people(place: Place) -> None:
    people = Ministries(place.platform.database, place.folder)
    shown = plain(person_document(show_person(people.platform, people.actor("mnd/op"), "mnd/op2")))
    assert sorted(listed("person")) == sorted(shown)
    for table, kind in (
        ("ministry", Ministry),
        ("held secret", SecretSummary),
        ("new secret", ShownSecret),
        ("new password", ShownPassword),
    ):
        assert sorted(listed(table)) == sorted(camel(field.name) for field in fields(kind)), table
    me = plain(who_asks(people.actor("mnd/op"), "bongsu"))
    assert sorted(listed("whoami")) == sorted(["context", "server", "home", "ministry", *me])


def test_the_page_lists_what_is_printed_of_an_audit_log() -> None:
    for table, kind in (("audit entry", Entry), ("stored log", Checked), ("growth", Growth)):
        assert sorted(listed(table)) == sorted(camel(field.name) for field in fields(kind)), table


def test_the_page_lists_every_key_of_a_problem() -> None:
    assert sorted(listed("problem")) == sorted(run_codes.UNKNOWN_RUN.at(run="r-1").as_dict())


def test_the_page_lists_what_is_printed_of_mlflow(capsys: pytest.CaptureFixture[str]) -> None:
    _print_how("there", Context(url="http://127.0.0.1:1"))
    assert sorted(listed("mlflow")) == sorted(json.loads(capsys.readouterr().out))


def test_the_page_lists_what_is_printed_of_a_bundle() -> None:
    for table, kind in (("bundle", BundleShown), ("imported", Imported)):
        assert sorted(listed(table)) == sorted(camel(field.name) for field in fields(kind)), table


def test_the_page_lists_every_key_of_a_plan_and_of_grants(place: Place) -> None:
    plan = paid_plan(gpu_stage("train"))
    shown = GrantsHere(place.platform)
    shown.give(order())
    shown.announce_reclaim(GRANT, 1.0, "Unused", None)
    with place.platform.read() as connection:
        standing = standing_of(connection, plan, place.now)
    assert isinstance(standing, GrantStanding)
    details = plain(documents.details_document(shown.grant(GRANT)))
    for table, found in (
        ("plan", plain(plan_document(PlanShown(plan, grant=standing), Problem.as_dict))),
        ("standing", plain(documents.standing_document(standing))),
        ("grant", plain(documents.summary_document(shown.grants()[0]))),
        ("grant in full", details),
        ("ledger entry", details["entries"][0]),
        ("notice", details["notice"]),
        ("showback", plain(documents.showback_document(shown.showback(None, None, tuple(Dimension))))),
    ):
        assert sorted(listed(table)) == sorted(found), table


def test_the_page_lists_every_key_of_what_is_permitted_and_approved(tmp_path: Path) -> None:
    made = GovernedPlace(tmp_path)
    made.permit_use()
    made.permit_data()
    made.register()
    platform, times = made.platform, (made.now, made.now + DAY)
    request = AccessRequest("dataset:law/1", "mnd", "army", ADMINISTRATION, *times, "They asked")
    for table, found in (
        ("use", plain(list_uses(platform, made.actor("acc"))[0])),
        ("permit of data", plain(list_data_permits(platform, made.actor("dc"))[0])),
        ("permit of access", plain(give_access(platform, made.actor("dc"), request))),
        ("proposal", plain(proposal_document(propose(platform, made.actor("lee"), made.wish())))),
        ("suspension", plain(suspend(platform, made.actor("acc"), StopRequest("mnd", "axk1", 1, "It leaks")))),
    ):
        assert sorted(listed(table)) == sorted(found), table
    assert sorted(listed("launch")) == sorted(field.name for field in fields(Launch))
    made.close()
