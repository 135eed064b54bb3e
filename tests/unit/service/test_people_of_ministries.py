"""Who may add people and say what they are, that nobody raises themselves, and that every attempt is in the log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from people_places import ISSUER, MND, MSIT, Ministries, new, refused
from store_places import store_at

from bongsu.domain.labels import Label
from bongsu.domain.people import ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.service import ministries, people
from bongsu.service.ministries import NewMinistry
from bongsu.service.people import NewPerson
from bongsu.store.people import actor_of, holders_of


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Ministries]:
    database = store_at(tmp_path)
    yield Ministries(database, tmp_path)
    database.close()


def who(place: Ministries, person: str) -> object:
    with place.platform.database.read() as connection:
        return actor_of(connection, person.partition("/")[0], ISSUER, f"sub-{person}")


def test_a_token_s_subject_is_whoever_was_added_with_it(place: Ministries) -> None:
    kim = place.add("mnd/kim", mnd=Role.ENGINEER)
    assert who(place, "mnd/kim") == kim
    assert kim.ministries == {"mnd"}
    with place.platform.database.read() as connection:
        assert actor_of(connection, "mnd", ISSUER, "sub-mnd/KIM") is None
        assert actor_of(connection, "mnd", "https://other.example", "sub-mnd/kim") is None


def test_a_role_is_given_and_taken_and_each_is_in_the_log(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    operator = place.actor("mnd/op")
    people.give_role(place.platform, operator, "mnd/kim", "mnd", Role.APPROVER, "q-1")
    people.take_role(place.platform, operator, "mnd/kim", "mnd", Role.ENGINEER, "q-2")
    assert place.actor("mnd/kim").is_in("mnd") == {Role.APPROVER}
    last = [
        (one["action"], one["object"], one["actor"], one["request"], one["facts"]) for one in place.log("mnd")[-2:]
    ]
    assert last == [
        ("role.give", "person:mnd/kim", "mnd/op", "q-1", {"ministry": "mnd", "role": "approver"}),
        ("role.take", "person:mnd/kim", "mnd/op", "q-2", {"ministry": "mnd", "role": "engineer"}),
    ]


def test_asking_twice_is_asking_once(place: Ministries) -> None:
    operator = place.actor("mnd/op")
    before = len(place.log("mnd"))
    for _ in range(2):
        people.add_person(place.platform, operator, new("mnd/kim", clearance="O"))
    for _ in range(2):
        people.give_role(place.platform, operator, "mnd/kim", "mnd", Role.ENGINEER)
    for _ in range(2):
        people.take_role(place.platform, operator, "mnd/kim", "mnd", Role.ENGINEER)
    for _ in range(2):
        people.set_clearance(place.platform, operator, "mnd/kim", Label.parse("S"), "vetted")
    for _ in range(2):
        people.disable(place.platform, operator, "mnd/kim")
    actions = [one["action"] for one in place.log("mnd")[before:]]
    assert actions == ["person.add", "role.give", "role.take", "clearance.set", "person.disable"]
    for _ in range(2):
        ministries.register_ministry(place.platform, operator, MSIT, new("msit/op"))
    assert [one["action"] for one in place.log("msit")] == ["ministry.register"]
    for _ in range(2):
        refused("founded", lambda: ministries.found_platform(place.platform, MND, new("mnd/op")))


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
def test_only_operators_manage_people(place: Ministries, role: Role) -> None:
    place.add("mnd/kim")
    lee = place.add("mnd/lee", mnd=role)
    calls: list[Callable[[], object]] = [
        lambda: people.add_person(place.platform, lee, new("mnd/park")),
        lambda: people.give_role(place.platform, lee, "mnd/kim", "mnd", Role.ENGINEER),
    ]
    for call in calls:
        refused("not-allowed", call)
        assert place.log("mnd")[-1]["outcome"] == "refused"
        assert place.log("mnd")[-1]["facts"] == {"codes": ["people.not-allowed"], "rules": ["access.permission"]}


def test_a_service_account_manages_nobody_whatever_its_roles(place: Ministries) -> None:
    bot = place.add("mnd/bot", ActorKind.SERVICE, mnd=Role.ENGINEER)
    forced = type(bot)(bot.id, bot.name, bot.kind, {"mnd": frozenset(Role)}, bot.clearance)
    refused("access.people-decide", lambda: people.add_person(place.platform, forced, new("mnd/kim")))
    refused(
        "access.people-decide", lambda: ministries.register_ministry(place.platform, forced, MSIT, new("msit/op"))
    )


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.APPROVER, Role.ACCREDITOR])
def test_a_service_account_has_no_role_that_decides(place: Ministries, role: Role) -> None:
    place.add("mnd/bot", ActorKind.SERVICE)
    refused("service-role", lambda: people.give_role(place.platform, place.actor("mnd/op"), "mnd/bot", "mnd", role))


def test_nobody_changes_what_they_are_themselves(place: Ministries) -> None:
    me = place.actor("mnd/op")
    calls: list[Callable[[], object]] = [
        lambda: people.give_role(place.platform, me, me.id, "mnd", Role.APPROVER),
        lambda: people.take_role(place.platform, me, me.id, "mnd", Role.OPERATOR),
        lambda: people.set_clearance(place.platform, me, me.id, Label.parse("C"), "I say so"),
        lambda: people.disable(place.platform, me, me.id),
    ]
    for call in calls:
        refused("own-rights", call)
        assert place.log("mnd")[-1]["outcome"] == "refused"
    assert place.actor("mnd/op") == me


def test_another_ministry_s_people_do_not_exist(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    stranger = place.actor("msit/op")
    for person in ("mnd/kim", "mnd/nobody"):
        calls: list[Callable[[], object]] = [
            lambda person=person: people.give_role(place.platform, stranger, person, "msit", Role.ENGINEER),
            lambda person=person: people.set_clearance(place.platform, stranger, person, Label.parse("C"), "x"),
            lambda person=person: people.disable(place.platform, stranger, person),
            lambda person=person: people.show_person(place.platform, stranger, person),
        ]
        for call in calls:
            refused("unknown", call)
    for ministry in ("mnd", "nowhere"):
        refused(
            "unknown-ministry", lambda ministry=ministry: people.list_people(place.platform, stranger, ministry)
        )
        refused(
            "unknown-ministry",
            lambda ministry=ministry: people.give_role(place.platform, stranger, "msit/op", ministry, Role.AUDITOR),
        )
    texts = set()
    for person in ("mnd/kim", "mnd/nobody"):
        with pytest.raises(BongsuError) as caught:
            people.disable(place.platform, stranger, person)
        texts.add(str(caught.value).replace(f"account {person}", "X"))
    assert len(texts) == 1


def test_whoever_tries_it_where_they_are_nothing_is_in_their_own_ministry_s_log(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    stranger, before = place.actor("msit/op"), place.log("mnd")
    calls: list[tuple[str, Callable[[], object]]] = [
        ("person.disable", lambda: people.disable(place.platform, stranger, "mnd/kim")),
        ("clearance.set", lambda: people.set_clearance(place.platform, stranger, "mnd/kim", Label.parse("C"), "x")),
        ("person.add", lambda: people.add_person(place.platform, stranger, new("mnd/new"))),
        ("role.give", lambda: people.give_role(place.platform, stranger, "mnd/kim", "mnd", Role.AUDITOR)),
        ("ministry.close", lambda: ministries.close_ministry(place.platform, stranger, "mnd")),
        ("person.disable", lambda: people.disable(place.platform, stranger, "nowhere/op")),
    ]
    for action, call in calls:
        with pytest.raises(BongsuError):
            call()
        entry = place.log("msit")[-1]
        assert (entry["action"], entry["actor"], entry["outcome"]) == (action, "msit/op", "refused")
    assert place.log("mnd") == before, "nobody's log is written by those who are nothing there"
    assert place.log("nowhere") == []


def test_the_last_operator_stays(place: Ministries) -> None:
    first, second = place.actor("mnd/op"), place.actor("mnd/op2")
    people.take_role(place.platform, first, "mnd/op2", "mnd", Role.OPERATOR)
    # One that still acts with what it was a moment ago.
    refused("last-operator", lambda: people.take_role(place.platform, second, "mnd/op", "mnd", Role.OPERATOR))
    refused("last-operator", lambda: people.disable(place.platform, second, "mnd/op"))
    assert who(place, "mnd/op") is not None


def test_a_disabled_operator_and_a_service_do_not_count_as_the_last(place: Ministries) -> None:
    third = place.add("mnd/op3", mnd=Role.OPERATOR)
    people.disable(place.platform, place.actor("mnd/op"), "mnd/op3")
    people.disable(place.platform, place.actor("mnd/op"), "mnd/op2")
    refused("last-operator", lambda: people.take_role(place.platform, third, "mnd/op", "mnd", Role.OPERATOR))


def test_two_operators_who_remove_each_other_at_once_leave_one(place: Ministries) -> None:
    first, second = place.actor("mnd/op"), place.actor("mnd/op2")
    together = threading.Barrier(2)

    def remove(actor_and_other: tuple[object, str]) -> bool:
        actor, other = actor_and_other
        together.wait()
        try:
            people.disable(place.platform, actor, other)  # type: ignore[arg-type]
        except BongsuError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(remove, [(first, "mnd/op2"), (second, "mnd/op")]))
    assert sorted(done) == [False, True]
    with place.platform.database.read() as connection:
        assert len(holders_of(connection, "mnd", Role.OPERATOR)) == 1


def test_who_is_disabled_is_nobody_at_once_and_for_good(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    operator = place.actor("mnd/op")
    people.disable(place.platform, operator, "mnd/kim")
    assert who(place, "mnd/kim") is None
    refused("disabled", lambda: people.give_role(place.platform, operator, "mnd/kim", "mnd", Role.AUDITOR))
    refused(
        "disabled", lambda: people.set_clearance(place.platform, operator, "mnd/kim", Label.parse("S"), "vetted")
    )
    refused("exists", lambda: people.add_person(place.platform, operator, new("mnd/kim")))


def test_a_clearance_is_set_with_a_reason(place: Ministries) -> None:
    place.add("mnd/kim")
    operator = place.actor("mnd/op")
    people.set_clearance(place.platform, operator, "mnd/kim", Label.parse("S/logistics"), "vetting 2026-17")
    assert place.actor("mnd/kim").clearance == Label.parse("S/logistics")
    assert place.log("mnd")[-1]["facts"] == {"from": "O", "to": "S/logistics", "reason": "vetting 2026-17"}
    for reason in ("", "  ", "a\u200bb", "x" * 501, "a\nb"):
        refused(
            "text-form",
            lambda reason=reason: people.set_clearance(
                place.platform, operator, "mnd/kim", Label.parse("C"), reason
            ),
        )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"id": "kim"}, "id-form"),
        ({"id": "mnd/Kim"}, "id-form"),
        ({"id": "mnd/kim/x"}, "id-form"),
        ({"id": "mnd/" + "k" * 64}, "id-form"),
        ({"id": "mnd/k\u0131m"}, "id-form"),
        ({"name": ""}, "text-form"),
        ({"name": "a\u202eb"}, "text-form"),
        ({"subject": ""}, "text-form"),
        ({"subject": "s" * 256}, "text-form"),
        ({"issuer": "i" * 501}, "text-form"),
        ({"subject": "sub-mnd/op"}, "subject-taken"),
        ({"id": "nowhere/kim"}, "unknown-ministry"),
        ({"id": "msit/kim"}, "unknown-ministry"),
        ({"id": "mnd/op2"}, "exists"),
    ],
)
def test_a_person_who_cannot_be_added_is_told_why(place: Ministries, changed: dict[str, str], code: str) -> None:
    given = {"id": "mnd/kim", "name": "김철수", "issuer": ISSUER, "subject": "kim"} | changed
    refused(code, lambda: people.add_person(place.platform, place.actor("mnd/op"), NewPerson(**given)))


def test_ids_that_cannot_be_are_nobody_s(place: Ministries) -> None:
    operator = place.actor("mnd/op")
    for person in ("", "x" * 10_000, "mnd/a\u0000", "mnd", "../mnd/op"):
        refused("unknown", lambda person=person: people.disable(place.platform, operator, person))


def test_people_are_listed_for_those_who_may_look(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    listed = people.list_people(place.platform, place.actor("mnd/op"), "mnd")
    assert [one.id for one in listed] == ["mnd/kim", "mnd/op", "mnd/op2"]
    kim = place.actor("mnd/kim")
    refused("not-allowed", lambda: people.list_people(place.platform, kim, "mnd"))


def test_a_further_ministry_comes_with_an_operator_of_its_own(place: Ministries) -> None:
    assert place.actor("msit/op").is_in("msit") == {Role.OPERATOR}
    assert place.actor("mnd/op").is_in("msit") == frozenset()
    assert [one.name for one in ministries.list_ministries(place.platform, place.actor("mnd/op"))] == ["mnd"]


@pytest.mark.parametrize(
    ("ministry", "operator", "code"),
    [
        (NewMinistry("DAPA", "방위사업청", "DAPA"), new("dapa/op"), "ministry-form"),
        (NewMinistry("dapa", "", "DAPA"), new("dapa/op"), "text-form"),
        (NewMinistry("dapa", "방위사업청", "DAPA"), new("mnd/op9"), "id-form"),
        (NewMinistry("dapa", "방위사업청", "DAPA"), new("dapa/bot", ActorKind.SERVICE), "service-role"),
        (NewMinistry("msit", "다른 이름", "Another"), new("msit/op"), "ministry-exists"),
        (NewMinistry("msit", MSIT.title_ko, MSIT.title_en), new("msit/op9"), "ministry-exists"),
    ],
)
def test_a_ministry_that_cannot_be_is_told_why(
    place: Ministries, ministry: NewMinistry, operator: NewPerson, code: str
) -> None:
    refused(code, lambda: ministries.register_ministry(place.platform, place.actor("mnd/op"), ministry, operator))


def test_in_a_ministry_that_left_nobody_is_anything(place: Ministries) -> None:
    place.add("msit/lee", msit=Role.ENGINEER)
    ministries.close_ministry(place.platform, place.actor("msit/op"), "msit")
    found = who(place, "msit/lee")
    assert found is not None
    assert not found.ministries  # type: ignore[attr-defined]
    refused("unknown-ministry", lambda: people.list_people(place.platform, place.actor("msit/op"), "msit"))
    assert place.log("msit")[-1]["action"] == "ministry.close"
    refused("last-ministry", lambda: ministries.close_ministry(place.platform, place.actor("mnd/op"), "mnd"))
