"""The grades of the site: settled once for all replicas, changed only while nothing would be left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from governed_places import SECRET, STAFF, GovernedPlace
from people_places import Ministries, new
from small_plans import plan_of, stage
from sqlalchemy import update
from store_places import NOW, chain

from bongsu.domain.approval import ProposalKind
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.grades import N2SF, GradeScheme, SchemeName
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import Grade, Label
from bongsu.domain.paging import WHOLE
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.tenants import Tenant
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import ProposalRequest, propose
from bongsu.service.grades import StatedGrades, change_grades, grades_of, settle_grades
from bongsu.service.people import add_person, disable, set_clearance
from bongsu.store.artifacts import get_artifact, list_artifacts, note_artifact
from bongsu.store.database import Database, migrate
from bongsu.store.datasets import add_dataset_version, list_dataset_versions
from bongsu.store.models import list_versions
from bongsu.store.run_lists import page_of_runs
from bongsu.store.runs import create_run, list_runs
from bongsu.store.schema import runs
from bongsu.store.schema_people import people
from bongsu.store.scope import Scope

MILITARY = StatedGrades(SchemeName.MILITARY)
WITH_III = GradeScheme(SchemeName.MILITARY, Grade.SECRET_III)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Ministries:
    return Ministries(database, tmp_path)


def refusal(call: Callable[[], object]) -> Problem:
    with pytest.raises(BongsuError) as caught:
        call()
    (problem,) = caught.value.problems
    return problem


def test_what_the_first_process_says_holds_for_all_that_come_after_it(place: Ministries) -> None:
    assert grades_of(place.platform) == N2SF
    stated = StatedGrades(SchemeName.MILITARY, Grade.SECRET_III)
    assert settle_grades(place.platform, stated) == WITH_III
    assert settle_grades(place.platform, stated) == WITH_III
    assert settle_grades(place.platform, StatedGrades()) == WITH_III, "who says nothing takes what is there"
    for other in (StatedGrades(SchemeName.N2SF), StatedGrades(SchemeName.MILITARY, Grade.SENSITIVE)):
        problem = refusal(lambda other=other: settle_grades(place.platform, other))  # type: ignore[misc]
        assert problem.code.name == "label.other-grades"
        assert "O, S, III, II, I, with 대외비 under III" in problem.what()
        assert "`bongsu database grades`" in problem.fix()
    assert grades_of(place.platform) == WITH_III


def test_a_site_that_said_nothing_is_one_of_n2sf_from_then_on(place: Ministries) -> None:
    assert settle_grades(place.platform, StatedGrades()) == N2SF
    assert refusal(lambda: settle_grades(place.platform, MILITARY)).code.name == "label.other-grades"


def test_of_replicas_that_begin_at_once_with_unlike_schemes_one_kind_is_refused(place: Ministries) -> None:
    together = Barrier(6)

    def begin(number: int) -> str:
        stated = StatedGrades(SchemeName.N2SF if number % 2 else SchemeName.MILITARY)
        together.wait()
        try:
            return settle_grades(place.platform, stated).name.value
        except BongsuError as error:
            return error.problems[0].code.name

    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(begin, range(6)))
    holds = grades_of(place.platform).name.value
    assert sorted(said) == sorted([holds] * 3 + ["label.other-grades"] * 3)


def test_a_change_is_in_force_at_once_and_stands_in_the_log_of_each_ministry(place: Ministries) -> None:
    other_replica = replace(place.platform)
    settle_grades(place.platform, StatedGrades())
    assert change_grades(place.platform, StatedGrades(SchemeName.MILITARY, Grade.SECRET_III)) == WITH_III
    assert grades_of(other_replica) == WITH_III
    for ministry in ("mnd", "msit"):
        entry = place.log(ministry)[-1]
        assert (entry["action"], entry["object"], entry["actor"]) == ("site.grades", "site:grades", "system")
        assert entry["facts"] == {
            "from": {"scheme": "n2sf", "restricted": "S"},
            "to": {"scheme": "military", "restricted": "III"},
        }
    before = len(place.log("mnd"))
    change_grades(place.platform, MILITARY)
    assert len(place.log("mnd")) == before, "nothing has changed"


@pytest.mark.parametrize(
    ("stated", "grade"),
    [
        (StatedGrades(SchemeName.MILITARY, Grade.CLASSIFIED), "C"),
        (StatedGrades(SchemeName.N2SF, Grade.SECRET_III), "III"),
        (StatedGrades(None, Grade.OPEN), "O"),
    ],
)
def test_restricted_has_to_stand_under_a_grade_that_there_is(
    place: Ministries, stated: StatedGrades, grade: str
) -> None:
    for call in (settle_grades, change_grades):
        problem = refusal(lambda call=call: call(place.platform, stated))  # type: ignore[misc]
        assert (problem.code.name, problem.args["grade"]) == ("label.restricted-outside", grade)
    assert grades_of(place.platform) == N2SF


def test_people_are_cleared_for_grades_of_the_site_alone(place: Ministries) -> None:
    operator = place.actor("mnd/op")
    for clearance in ("III", "II/logistics"):
        problem = refusal(lambda c=clearance: add_person(place.platform, operator, new("mnd/kim", clearance=c)))  # type: ignore[misc]
        assert (problem.code.name, problem.field_path) == ("label.grade-outside", "clearance")
        assert problem.args["known"] == "O, S, C"
    change_grades(place.platform, MILITARY)
    add_person(place.platform, operator, new("mnd/kim", clearance="II/logistics"))
    for call in (
        lambda: add_person(place.platform, operator, new("mnd/lee", clearance="C")),
        lambda: set_clearance(place.platform, operator, "mnd/kim", Label(grade=Grade.CLASSIFIED), "Vetted"),
    ):
        assert refusal(call).args["known"] == "O, S, III, II, I"
    assert place.actor("mnd/kim").clearance == Label.parse("II/logistics")


def test_it_is_not_changed_while_somebody_is_cleared_for_what_would_be_no_grade(place: Ministries) -> None:
    operator = place.actor("mnd/op")
    for person in ("mnd/kim", "mnd/lee"):
        add_person(place.platform, operator, new(person, clearance="C"))
    add_person(place.platform, operator, new("mnd/son", clearance="C/logistics"))
    problem = refusal(lambda: change_grades(place.platform, MILITARY))
    assert problem.code.name == "label.grades-in-use"
    assert "3 accounts cleared for C" in problem.what()
    assert "`bongsu people clearance`" in problem.fix()
    assert refusal(lambda: settle_grades(place.platform, MILITARY)).code.name == "label.grades-in-use"
    assert grades_of(place.platform) == N2SF
    set_clearance(place.platform, operator, "mnd/kim", Label(grade=Grade.SENSITIVE), "The grades change")
    set_clearance(place.platform, operator, "mnd/lee", Label(grade=Grade.SENSITIVE), "The grades change")
    disable(place.platform, operator, "mnd/son")
    assert change_grades(place.platform, MILITARY).name is SchemeName.MILITARY
    set_clearance(place.platform, operator, "mnd/kim", Label(grade=Grade.SECRET_II), "Vetted")
    assert (
        "1 accounts cleared for II"
        in refusal(lambda: change_grades(place.platform, StatedGrades(SchemeName.N2SF))).what()
    )


def test_nor_while_models_data_or_runs_carry_it_and_the_way_out_leads_out(
    database: Database, tmp_path: Path
) -> None:
    place = GovernedPlace(tmp_path, database)
    clear(place, "S", STAFF)
    clear(place, "C", ("dc", "ann", "bae"))
    place.add_dataset("plans", place.tree("plans"), SECRET)
    place.register("axk1", label=SECRET, made_from=[place.tree("plans")])
    end(place, "r-000000000001", SECRET)
    under_way = plan_of(stage("a", label=SECRET)).model_copy(update={"floor": SECRET})
    with place.platform.write() as connection:
        create_run(connection, RunId("r-000000000777"), under_way, NOW)
    told = refusal(lambda: change_grades(place.platform, MILITARY)).what()
    for one in (
        "3 accounts cleared for C",
        "1 model versions of C",
        "1 versions of data sets of C",
        "1 runs under way",
    ):
        assert one in told
    # What is to be a military secret is lowered to its grade while there are people who may look at it.
    for thing, target in (("dataset:plans/1", "II"), ("model:axk1/1", "III")):
        wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, thing, target, "The grades change")
        proposal = propose(place.platform, place.actor("dc"), wish)
        for person in ("ann", "bae"):
            approve(place.platform, place.actor(person), proposal.id, proposal.binding.digest)
        carry_out(place.platform, place.actor("dc"), proposal.id)
    end(place, "r-000000000777", SECRET)
    clear(place, "S", STAFF)
    assert change_grades(place.platform, MILITARY).name is SchemeName.MILITARY
    with place.platform.read() as connection:
        assert {one.name: one.label for one in list_dataset_versions(connection)}["plans"] == "II"
        assert [one.label for one in list_versions(connection)] == ["III"]
    # Runs that are over keep their grade, and nobody of a military site is cleared for it.
    with place.platform.database.read(Scope.of(Tenant("mnd"), Label(grade=Grade.SECRET_I))) as connection:
        assert list_runs(connection, limit=None) == []


def test_a_version_that_knows_no_military_grades_gets_no_schema_with_them(place: Ministries) -> None:
    engine = place.platform.database.engine
    change_grades(place.platform, MILITARY)
    with pytest.raises(ValueError, match="military grades"):
        migrate(engine, "0018")
    assert grades_of(place.platform).name is SchemeName.MILITARY
    change_grades(place.platform, StatedGrades(SchemeName.N2SF))
    migrate(engine, "0018")
    migrate(engine)
    assert grades_of(place.platform) == N2SF


def test_a_downgrade_takes_any_spelling_and_binds_the_grade(database: Database, tmp_path: Path) -> None:
    place = GovernedPlace(tmp_path, database)
    clear(place, "S", STAFF)
    change_grades(place.platform, StatedGrades(SchemeName.MILITARY, Grade.SECRET_III))
    clear(place, "I", STAFF)
    place.add_dataset("plans", place.tree("plans"), Label(grade=Grade.SECRET_I))
    for target, bound in (("Ⅱ급/logistics", "II/logistics"), ("대외비", "III")):
        wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:plans/1", target, "It is old")
        if bound == "II/logistics":
            assert refusal(lambda wish=wish: propose(place.platform, place.actor("dc"), wish)).code.name == (  # type: ignore[misc]
                "downgrade.not-lower"
            ), "a compartment that it is not in protects more"
        else:
            assert propose(place.platform, place.actor("dc"), wish).binding.target == bound
    wish = ProposalRequest("mnd", ProposalKind.DOWNGRADE, "dataset:plans/1", "4급", "It is old")
    assert refusal(lambda: propose(place.platform, place.actor("dc"), wish)).code.name == "downgrade.bad-label"


def test_somebody_cleared_for_ii_sees_iii_and_ii_and_not_i(database: Database) -> None:
    for number, grade in enumerate(Grade):
        label = Label(grade=grade)
        plan = chain().model_copy(update={"floor": label, "parameters": {"of": grade.value}})
        digest = Digest(f"sha256-{number:064x}")
        with database.write(Scope.of(Tenant("mnd"))) as connection:
            create_run(connection, RunId(f"r-{number:012d}"), plan, NOW)
            ref = ArtifactRef(digest=digest, type=ArtifactType.MODEL, label=label, size=1)
            note_artifact(connection, ref, grade.value, NOW)
            add_dataset_version(connection, "data", ref, "file:x", NOW)
    expected = {"S": {"O", "S"}, "III": {"O", "S", "III"}, "II": {"O", "S", "III", "II"}, "C": set(Grade)}
    for clearance, seen in expected.items():
        scope = Scope.of(Tenant("mnd"), Label.parse(clearance))
        with database.read(scope) as connection:
            looks = (page_of_runs(connection, WHOLE), list_dataset_versions(connection), list_artifacts(connection))
            for found in looks:
                assert {one.label for one in found} == seen, clearance
            for number, grade in enumerate(Grade):
                known = get_artifact(connection, Digest(f"sha256-{number:064x}"))
                assert (known is not None) == (grade in seen)


def clear(place: GovernedPlace, clearance: str, accounts: Iterable[str]) -> None:
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id.in_(list(accounts))).values(clearance=clearance))


def end(place: GovernedPlace, run: str, label: Label) -> None:
    with place.platform.write() as connection:
        connection.execute(
            update(runs).where(runs.c.id == run).values(state="succeeded", finished_at=NOW, label=str(label))
        )
