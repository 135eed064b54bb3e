"""Who is sent to another ministry and called back: what they may be there, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from people_places import Ministries, refused
from store_places import store_at

from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, Role
from bongsu.service import people
from bongsu.service.ministries import name_operator
from bongsu.service.seconding import recall_person, send_person
from bongsu.store.people import add_role


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Ministries]:
    database = store_at(tmp_path)
    yield Ministries(database, tmp_path)
    database.close()


def test_somebody_who_was_sent_can_be_something_elsewhere_until_they_are_called_back(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    home, there = place.actor("mnd/op"), place.actor("msit/op")
    refused("unknown", lambda: people.give_role(place.platform, there, "mnd/kim", "msit", Role.AUDITOR))
    for _ in range(2):
        send_person(place.platform, home, "mnd/kim", "msit")
    assert people.show_person(place.platform, there, "mnd/kim").roles == {}
    assert [one.id for one in people.list_people(place.platform, there, "msit")] == ["mnd/kim", "msit/op"]
    made = people.give_role(place.platform, there, "mnd/kim", "msit", Role.AUDITOR)
    assert made.roles == {"msit": frozenset({Role.AUDITOR})}, "not what they are at home"
    assert place.actor("mnd/kim").ministries == {"mnd", "msit"}
    seen = people.show_person(place.platform, home, "mnd/kim")
    roles = {"mnd": frozenset({Role.ENGINEER}), "msit": frozenset({Role.AUDITOR})}
    assert (seen.roles, seen.sent_to) == (roles, {"msit"}), "who answers for somebody sees what they are anywhere"
    send_person(place.platform, home, "mnd/kim", "nowhere")
    assert people.show_person(place.platform, there, "mnd/kim").sent_to == {"msit"}, "not where else they are"
    recall_person(place.platform, home, "mnd/kim", "nowhere")
    for _ in range(2):
        recall_person(place.platform, home, "mnd/kim", "msit")
    assert place.actor("mnd/kim").ministries == {"mnd"}
    refused("unknown", lambda: people.show_person(place.platform, there, "mnd/kim"))
    recalled = [one for one in place.log("mnd") if one["action"] == "person.recall"]
    assert [one["facts"] for one in recalled] == [
        {"ministry": "nowhere"},
        {"ministry": "msit", "roles": ["auditor"]},
    ]
    assert place.log("msit")[-1]["facts"] == {"ministry": "msit", "roles": ["auditor"]}


def lent(place: Ministries) -> Actor:
    """Somebody whom MND sent to MSIT, who looks at the people of MND and manages those of MSIT."""
    place.add("mnd/aud", mnd=Role.AUDITOR)
    send_person(place.platform, place.actor("mnd/op"), "mnd/aud", "msit")
    people.give_role(place.platform, place.actor("msit/op"), "mnd/aud", "msit", Role.OPERATOR)
    return place.actor("mnd/aud")


def test_who_was_sent_pulls_nobody_of_theirs_after_them(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    auditor = lent(place)
    refused("not-sent", lambda: people.give_role(place.platform, auditor, "mnd/kim", "msit", Role.OPERATOR))
    assert place.actor("mnd/kim").ministries == {"mnd"}
    assert place.log("msit")[-1]["facts"] == {"codes": ["people.not-sent"], "rules": ["people.sent"]}
    send_person(place.platform, place.actor("mnd/op"), "mnd/kim", "msit")
    made = people.give_role(place.platform, auditor, "mnd/kim", "msit", Role.OPERATOR)
    assert made.roles["msit"] == {Role.OPERATOR}


def test_who_is_called_back_is_nothing_there_though_they_were_never_sent(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    with place.platform.database.write() as connection:  # as it could come about before it took sending
        add_role(connection, "mnd/kim", "msit", Role.OPERATOR)
    home = place.actor("mnd/op")
    assert people.show_person(place.platform, home, "mnd/kim").roles["msit"] == {Role.OPERATOR}
    recall_person(place.platform, home, "mnd/kim", "msit")
    assert place.actor("mnd/kim").ministries == {"mnd"}
    assert (place.log("mnd")[-1]["action"], place.log("msit")[-1]["action"]) == ("person.recall", "role.take")


def test_nobody_is_called_back_from_their_own_ministry(place: Ministries) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    recall_person(place.platform, place.actor("mnd/op"), "mnd/kim", "mnd")
    assert place.actor("mnd/kim").is_in("mnd") == {Role.ENGINEER}


def test_what_becomes_of_somebody_elsewhere_is_in_the_log_of_their_own_ministry(place: Ministries) -> None:
    lent(place)
    people.take_role(place.platform, place.actor("msit/op"), "mnd/aud", "msit", Role.OPERATOR, "q-3")
    there = [one for one in place.log("msit") if one["object"] == "person:mnd/aud"]
    assert [one["action"] for one in there] == ["role.give", "role.take"]
    at_home = [one for one in place.log("mnd") if one["actor"] == "msit/op"]
    told = [(one["action"], one["object"], one["facts"]) for one in at_home]
    facts = {"ministry": "msit", "role": "operator"}
    assert told == [("role.give", "person:mnd/aud", facts), ("role.take", "person:mnd/aud", facts)]
    assert at_home[-1]["request"] == "q-3"


def test_who_sends_somebody_is_not_told_whether_there_is_such_a_ministry(place: Ministries) -> None:
    place.add("mnd/kim")
    operator, said = place.actor("mnd/op"), set()
    for one in ("msit", "nowhere"):
        sent = send_person(place.platform, operator, "mnd/kim", one)
        assert sent.sent_to == {one}
        said.add(str(sent).replace(one, "there"))
        recall_person(place.platform, operator, "mnd/kim", one)
    assert len(said) == 1
    refused("ministry-form", lambda: send_person(place.platform, place.actor("mnd/op"), "mnd/kim", "No where"))
    refused("own-rights", lambda: send_person(place.platform, place.actor("mnd/op"), "mnd/op", "msit"))


def operated_by_a_guest(place: Ministries) -> None:
    """MSIT is operated by mnd/op2 alone, whom MND sent there."""
    place.add("msit/choi", msit=Role.ENGINEER)
    send_person(place.platform, place.actor("mnd/op"), "mnd/op2", "msit")
    people.give_role(place.platform, place.actor("msit/op"), "mnd/op2", "msit", Role.OPERATOR)
    people.take_role(place.platform, place.actor("mnd/op2"), "msit/op", "msit", Role.OPERATOR)


def test_a_ministry_always_gets_its_people_back_and_the_other_one_hears_that_nobody_operates_it(
    place: Ministries,
) -> None:
    operated_by_a_guest(place)
    recall_person(place.platform, place.actor("mnd/op"), "mnd/op2", "msit")
    assert place.actor("mnd/op2").ministries == {"mnd"}
    told = place.log("msit")[-1]
    facts = {"ministry": "msit", "roles": ["operator"], "lastOperator": True}
    assert (told["action"], told["actor"], told["facts"]) == ("role.take", "mnd/op", facts)
    assert "lastOperator" not in place.log("mnd")[-1]["facts"], "what the other one is left with is its own"


def test_an_account_is_ended_by_its_own_ministry_whatever_it_operates_elsewhere(place: Ministries) -> None:
    operated_by_a_guest(place)
    people.disable(place.platform, place.actor("mnd/op"), "mnd/op2")
    told = place.log("msit")[-1]
    facts = {"ministry": "msit", "roles": ["operator"], "lastOperator": True}
    assert (told["action"], told["object"], told["facts"]) == ("person.disable", "person:mnd/op2", facts)


def test_who_operates_a_ministry_alone_as_a_guest_is_not_put_out_by_it(place: Ministries) -> None:
    operated_by_a_guest(place)
    people.give_role(place.platform, place.actor("mnd/op2"), "msit/choi", "msit", Role.OPERATOR)
    choi = place.actor("msit/choi")
    people.disable(place.platform, place.actor("mnd/op2"), "msit/choi")
    refused("last-operator", lambda: people.take_role(place.platform, choi, "mnd/op2", "msit", Role.OPERATOR))


def test_whoever_installed_the_server_names_an_operator_where_none_is_left(place: Ministries) -> None:
    operated_by_a_guest(place)
    refused("has-operator", lambda: name_operator(place.platform, "msit", "msit/choi"))
    recall_person(place.platform, place.actor("mnd/op"), "mnd/op2", "msit")
    for person in ("mnd/op2", "msit/nobody"):
        refused("unknown", lambda one=person: name_operator(place.platform, "msit", one))
    refused("unknown-ministry", lambda: name_operator(place.platform, "nowhere", "nowhere/x"))
    for _ in range(2):
        assert Role.OPERATOR in name_operator(place.platform, "msit", "msit/choi").roles["msit"]
    told = [one for one in place.log("msit") if one["object"] == "person:msit/choi"][-2:]
    assert [one["actor"] for one in told if one["facts"].get("role") == "operator"] == ["system"], "once"
    made = people.give_role(place.platform, place.actor("msit/choi"), "msit/op", "msit", Role.OPERATOR)
    assert Role.OPERATOR in made.roles["msit"], "an operator as any other"


def test_what_somebody_is_elsewhere_is_not_told(place: Ministries) -> None:
    both = place.add("msit/both", msit=Role.OPERATOR)
    # As if the operators of both ministries had agreed.
    in_both = type(both)(
        both.id, both.name, both.kind, {"msit": frozenset({Role.OPERATOR}), "mnd": frozenset({Role.OPERATOR})}
    )
    place.add("mnd/kim", mnd=Role.ENGINEER)
    send_person(place.platform, place.actor("mnd/op"), "mnd/kim", "msit")
    people.give_role(place.platform, in_both, "mnd/kim", "msit", Role.ENGINEER)
    seen = people.show_person(place.platform, place.actor("msit/op"), "mnd/kim")
    assert seen.roles == {"msit": frozenset({Role.ENGINEER})}
    refused(
        "unknown-ministry",
        lambda: people.set_clearance(place.platform, place.actor("msit/op"), "mnd/kim", Label.parse("C"), "x"),
    )
