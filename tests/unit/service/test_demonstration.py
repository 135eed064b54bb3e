"""The ministries of ``bongsu up``: a second start finds them as their people left them, and undoes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.cli.commands.serve import say_left_out
from bongsu.domain.audit import EntryFilter
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.service import people
from bongsu.service.control_plane import ControlPlane
from bongsu.service.demonstration import seed
from bongsu.service.governance.data_permits import list_data_permits, revoke_data_permit
from bongsu.service.governance.uses import list_uses, withdraw_use
from bongsu.service.labels import raise_label
from bongsu.service.serving import ServerSettings, open_served
from bongsu.store.audit_reading import page
from bongsu.store.people import actor_of, find_person, home_of

PIPELINES = Path(__file__).parents[3] / "pipelines"
ISSUER = "http://localhost:8791/issuer"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    """Of a server whose ministries are there."""
    home = tmp_path_factory.mktemp("demonstration") / "home"
    made = ServerSettings(home=home, built_in_issuer=ISSUER, leads=False, mlflow=False)
    assert seed(made, {}, PIPELINES).passwords
    return made


@contextmanager
def at(settings: ServerSettings) -> Iterator[ControlPlane]:
    with open_served(settings, {}) as served:
        yield served.plane


def actor(plane: ControlPlane, person: str) -> Actor:
    with plane.base.read() as connection:
        found = find_person(connection, person)
    assert found is not None
    return Actor(found.id, found.name, found.kind, found.roles, found.clearance)


def test_a_second_start_changes_nothing(settings: ServerSettings) -> None:
    with at(settings) as plane:
        before = people.list_people(plane.base, actor(plane, "mnd/operator"), "mnd")
        assert [one.id for one in before if Role.APPROVER in one.roles["mnd"]] == ["mnd/approver1", "mnd/approver2"]
    assert seed(settings, {}, PIPELINES).passwords == {}
    with at(settings) as plane:
        assert people.list_people(plane.base, actor(plane, "mnd/operator"), "mnd") == before


def test_what_administration_changed_stays_and_the_server_starts(settings: ServerSettings) -> None:
    with at(settings) as plane:
        operator, accreditor = actor(plane, "mnd/operator"), actor(plane, "mnd/accreditor")
        of = {name: plane.of_member(actor(plane, f"mnd/{name}"), "mnd") for name in ("custodian", "accreditor")}
        people.set_clearance(plane.base, operator, "mnd/engineer", Label.parse("C"), "Vetted")
        people.take_role(plane.base, operator, "mnd/approver2", "mnd", Role.APPROVER)
        for permit in list_data_permits(of["custodian"], of["custodian"].actor, "mnd"):
            revoke_data_permit(of["custodian"], of["custodian"].actor, permit.id, "Looked at anew")
        raise_label(of["custodian"], "datasets:/korean-docs/1", Label.parse("S"), "Names of people in it")
        (use,) = list_uses(of["accreditor"], accreditor, "mnd")
        withdraw_use(of["accreditor"], accreditor, use.id, "Assessed anew")
        people.set_clearance(plane.base, operator, "mnd/custodian", Label.parse("O"), "Vetting ran out")
        people.disable(plane.base, operator, "mnd/accreditor")
    assert seed(settings, {}, PIPELINES).passwords == {}
    with at(settings) as plane:
        assert str(actor(plane, "mnd/engineer").clearance) == "C"
        assert actor(plane, "mnd/approver2").ministries == frozenset()
        auditor = actor(plane, "mnd/auditor")
        assert all(one.withdrawn_at for one in list_uses(plane.of_member(auditor, "mnd"), auditor, "mnd"))
        custodian = actor(plane, "mnd/custodian")
        found = list_data_permits(plane.of_member(custodian, "mnd"), custodian, "mnd")
        assert all(one.revoked_at for one in found)


def test_at_another_port_everybody_signs_in_there(settings: ServerSettings) -> None:
    moved = replace(settings, built_in_issuer="http://localhost:8792/issuer")
    assert seed(moved, {}, PIPELINES).passwords == {}
    with at(moved) as plane, plane.base.database.read() as connection:
        for person in ("mnd/operator", "army/engineer"):
            assert actor_of(connection, home_of(person), "http://localhost:8792/issuer", person) is not None
            assert actor_of(connection, home_of(person), ISSUER, person) is None
    assert seed(settings, {}, PIPELINES).passwords == {}, "and back"
    with at(settings) as plane, plane.base.database.read() as connection:
        assert actor_of(connection, "mnd", ISSUER, "mnd/operator") is not None
        told = page(connection, Tenant("mnd"), EntryFilter(action="issuer.move"), limit=10)
    assert [json.loads(one.entry)["facts"]["to"] for one in told] == [ISSUER, "http://localhost:8792/issuer"]


def test_a_server_that_runs_at_another_port_keeps_its_people(settings: ServerSettings) -> None:
    moved = replace(settings, built_in_issuer="http://localhost:8792/issuer")
    with (
        at(settings) as plane,
        plane.base.lock,
        pytest.raises(BongsuError, match=r"run\.driven-elsewhere"),
    ):
        seed(moved, {}, PIPELINES)
    with at(settings) as plane, plane.base.database.read() as connection:
        assert actor_of(connection, "mnd", ISSUER, "mnd/operator") is not None


def test_a_start_elsewhere_says_which_data_set_is_not_there_and_a_start_here_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ServerSettings(home=tmp_path / "home", built_in_issuer=ISSUER, leads=False, mlflow=False)
    (without,) = seed(made, {}).left_out
    other = tmp_path / "other" / "pipelines"
    other.mkdir(parents=True)
    (elsewhere,) = seed(made, {}, other).left_out
    assert without.name == elsewhere.name == "korean-docs"
    assert str(other) in str(elsewhere.reason)
    say_left_out(without)
    told = "The data set korean-docs is not registered: there is no folder `pipelines` here. `bongsu up` in the "
    assert capsys.readouterr().out == f"{told}repository's folder does it.\n"
    assert seed(made, {}, PIPELINES).left_out == ()
