"""A list of proposals says of each what is said of it alone, and asks as much for fifty as for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from governed_places import SECRET, SENSITIVE, GovernedPlace
from many_proposals import propose_each
from sqlalchemy import delete, event, update

from bongsu.domain.approval import ApprovalState, ProposalKind
from bongsu.domain.labels import OPEN
from bongsu.domain.paging import PageRequest
from bongsu.domain.people import Role
from bongsu.domain.use_register import Tier
from bongsu.service.governance.deciding import approve, reject
from bongsu.service.governance.proposing import list_proposals, show_proposal
from bongsu.service.governance.suspending import list_suspensions
from bongsu.store.schema import model_versions
from bongsu.store.schema_governance import run_submitters
from bongsu.store.submitters import note_submitter
from bongsu.store.suspensions import lift

MOST = 25
"""Statements for a list of proposals of every kind, however many there are."""


@contextmanager
def asked(place: GovernedPlace) -> Iterator[list[str]]:
    """The statements that the database is asked meanwhile."""
    found: list[str] = []

    def note(*given: Any) -> None:
        found.append(given[2])

    event.listen(place.platform.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(place.platform.database.engine, "before_cursor_execute", note)


def test_fifty_proposals_of_all_kinds_are_as_many_statements_as_five(governed: GovernedPlace) -> None:
    acc, numbers = governed.actor("acc"), {}
    for range_ in (range(2), range(2, 10)):
        propose_each(governed, range_)
        with asked(governed) as statements:
            listed = list_proposals(governed.platform, acc, wanted=PageRequest(limit=51))
        numbers[len(listed)] = len(statements)
        assert {one.binding.kind for one in listed} == set(ProposalKind)
    with asked(governed) as statements:
        assert len(list_proposals(governed.platform, acc, wanted=PageRequest(limit=1))) == 1
    assert list(numbers) == [10, 50]
    assert numbers[50] == numbers[10] <= MOST
    assert 0 < len(statements) <= numbers[50]


def test_suspensions_are_as_many_statements_however_many_there_are(governed: GovernedPlace) -> None:
    numbers = {}
    for range_ in (range(1), range(1, 4)):
        propose_each(governed, range_)
        with asked(governed) as statements:
            numbers[len(list_suspensions(governed.platform, governed.actor("acc")))] = len(statements)
    assert list(numbers) == [1, 4]
    assert numbers[4] == numbers[1]


def test_a_list_says_of_each_what_is_said_of_it_alone(governed: GovernedPlace) -> None:
    made = propose_each(governed, range(4))
    change(governed)
    acc = governed.actor("acc")
    listed = {one.id: one for one in list_proposals(governed.platform, acc)}
    assert listed == {one.id: show_proposal(governed.platform, acc, one.id) for one in made}
    by_object = {one.binding.object: one for one in listed.values()}
    assert by_object["model:promotion-1/1"].submitters == {"kim", "ann"}
    assert by_object["model:promotion-1/1"].counting == ()
    assert by_object["model:promotion-2/1"].counting == ("ann",)
    assert by_object["model:transfer-1/1"].submitters == frozenset({"kim"}), "what was known when it was proposed"
    assert by_object["model:transfer-2/1"].state is ApprovalState.REJECTED
    assert {by_object[f"model:{kind}-1/1"].needs for kind in ("promotion", "serving")} == {3}
    assert {one.needs for one in listed.values() if not one.binding.kind.lets_use} == {2}


def change(governed: GovernedPlace) -> None:
    """What proposals rest on: somebody else submits, a model is gone, another is of a higher label, the tier rises, a
    suspension is lifted, a proposal is over."""
    governed.permit_use(Tier.II)
    by_object = {one.binding.object: one for one in list_proposals(governed.platform, governed.actor("acc"))}
    with governed.platform.write() as connection:
        of = {row.name: row for row in connection.execute(model_versions.select())}
        note_submitter(connection, of["promotion-1"].run_id, "ann", governed.now)
        connection.execute(delete(model_versions).where(model_versions.c.name == "transfer-1"))
        connection.execute(delete(run_submitters).where(run_submitters.c.run_id == of["serving-2"].run_id))
        raised = update(model_versions).where(model_versions.c.name == "serving-3").values(label=str(SECRET))
        connection.execute(raised)
        lift(connection, by_object["model:stopped-1/1"].binding.target, governed.now)
    over = by_object["model:transfer-2/1"]
    reject(governed.platform, governed.actor("bae"), over.id, over.binding.digest, "They did not ask for it")
    also = by_object["model:stopped-0"]
    approve(governed.platform, governed.actor("bae"), also.id, also.binding.digest)


def test_who_is_cleared_for_less_sees_as_much_in_a_list_as_alone(governed: GovernedPlace) -> None:
    made = propose_each(governed, range(4))
    change(governed)
    everything = {one.binding.object for one in made}
    lowered = {one.binding.object for one in made if one.binding.kind is ProposalKind.DOWNGRADE}
    raised = {"model:serving-3/1"}
    for number, (clearance, unseen) in enumerate([(OPEN, lowered | raised), (SENSITIVE, raised), (SECRET, set())]):
        governed.add_person(f"reader-{number}", "mnd", Role.APPROVER, clearance)
        reader = governed.actor(f"reader-{number}")
        listed = list_proposals(governed.platform, reader)
        assert {one.binding.object for one in listed} == everything - unseen
        page = list_proposals(governed.platform, reader, wanted=PageRequest(limit=3))
        assert page == listed[:3], "what is hidden leaves no gap"
