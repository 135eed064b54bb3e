"""Who sees which entries, and what each of them is told of those that they may not see."""

from __future__ import annotations

import pytest
from audit_places import KEYS, MND, MSIT, NOW, SECRET, Logs, auditor, event, refused, tamper
from sqlalchemy.event import listen

from bongsu.domain.audit import AuditOutcome, EntryFilter
from bongsu.domain.people import Actor, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.service.audit import exporting
from bongsu.service.audit.bundles import EntryLine, parsed
from bongsu.service.audit.checking import damage_in
from bongsu.service.audit.checkpoints import sign
from bongsu.service.audit.reading import Page, list_entries, prove_entry, show_entry
from bongsu.service.audit.verdict import Trust
from bongsu.service.audit.verifying import verify_bundle, verify_proof
from bongsu.service.local_actor import local_actor


def code_of(call: object, *args: object) -> str:
    with pytest.raises(BongsuError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value.problems[0].code.name


def positions(page: Page) -> list[int]:
    return [entry.position for entry in page.entries]


def test_pages_go_from_the_newest_to_the_first(logs: Logs) -> None:
    logs.add(*(event(n) for n in range(7)))
    first = list_entries(logs.platform, auditor(), MND, limit=3)
    assert (positions(first), first.next_before) == ([6, 5, 4], 4)
    second = list_entries(logs.platform, auditor(), MND, limit=3, before=first.next_before)
    third = list_entries(logs.platform, auditor(), MND, limit=3, before=second.next_before)
    assert (positions(second), positions(third), third.next_before) == ([3, 2, 1], [0], None)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EntryFilter(actor="mnd/kim"), [3, 2, 1, 0]),
        (EntryFilter(actor="mnd/ki"), []),
        (EntryFilter(object="run:"), [1, 0]),
        (EntryFilter(object="RUN:"), []),
        (EntryFilter(object="run:r-1"), [1]),
        (EntryFilter(object="run:%"), []),
        (EntryFilter(action="grant.give"), [3, 2]),
        (EntryFilter(action="grant."), [3, 2]),
        (EntryFilter(action="grant"), []),
        (EntryFilter(since=NOW + 1, until=NOW + 3), [2, 1]),
        (EntryFilter(outcome=AuditOutcome.REFUSED), [3, 2]),
        (EntryFilter(outcome=AuditOutcome.DONE, since=NOW + 1), [1]),
    ],
)
def test_entries_are_found_by_what_is_asked_for(logs: Logs, wanted: EntryFilter, expected: list[int]) -> None:
    logs.add(event(0), event(1), refused(2), refused(3))
    assert positions(list_entries(logs.platform, auditor(), MND, wanted)) == expected


def test_what_is_above_a_clearance_is_a_hash_and_no_answer_to_a_question(logs: Logs) -> None:
    logs.add(event(0), event(1, label=SECRET), event(2))
    low, high = auditor("S"), auditor("S/logistics")
    page = list_entries(logs.platform, low, MND)
    assert [(entry.position, entry.text is None, entry.content is None) for entry in page.entries] == [
        (2, False, False),
        (1, True, True),
        (0, False, False),
    ]
    assert len(page.entries[1].leaf) == 64
    for wanted in (EntryFilter(actor="mnd/kim"), EntryFilter(object="run:r-1"), EntryFilter(since=NOW + 1)):
        assert 1 not in positions(list_entries(logs.platform, low, MND, wanted)), wanted
        assert 1 in positions(list_entries(logs.platform, high, MND, wanted)), wanted
    assert show_entry(logs.platform, low, MND, 1).text is None
    assert show_entry(logs.platform, high, MND, 1).content == show_entry(logs.platform, high, MND, 1).content
    assert code_of(prove_entry, logs.platform, KEYS, low, MND, 1) == "audit.above-clearance"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET label = 'zzz' WHERE position = 1",
        "UPDATE audit_entries SET entry = '{' WHERE position = 1",
        "UPDATE audit_entries SET entry = '[]' WHERE position = 1",
        """UPDATE audit_entries SET entry = '{"label": "zzz"}' WHERE position = 1""",
        "UPDATE audit_checkpoints SET note = 'gone' WHERE size = 2",
        "UPDATE audit_checkpoints SET key = 'gone' WHERE size = 2",
    ],
)
def test_a_row_that_cannot_be_read_hides_no_other_of_the_log(logs: Logs, change: str) -> None:
    logs.add(event(0), event(1))
    sign(logs.platform, KEYS, MND)
    logs.add(event(2))
    sign(logs.platform, KEYS, MND)
    tamper(logs, change)
    found = {entry.position: entry for entry in list_entries(logs.platform, auditor(), MND).entries}
    assert list(found) == [2, 1, 0]
    of_entry = "audit_entries" in change
    assert (found[1].content is None) == of_entry
    assert found[0].content == show_entry(logs.platform, auditor(), MND, 0).content
    prove_entry(logs.platform, KEYS, auditor(), MND, 0)
    lines = [parsed(line.encode()) for line in logs.bundle(auditor())]
    assert [one.position for one in lines if isinstance(one, EntryLine)] == [0, 1, 2, 3]
    if not of_entry:
        assert verify_bundle(lines, "b", Trust()).holds
    assert damage_in(logs.platform, auditor(), MND)


def test_another_ministrys_log_does_not_exist(logs: Logs) -> None:
    logs.add(event(0), event(0, MSIT))
    stranger = auditor(ministry=MSIT)
    for ministry in (MND, Tenant("no-such-ministry")):
        for call in (list_entries, show_entry):
            args = (logs.platform, stranger, ministry, *((0,) if call is show_entry else ()))
            with pytest.raises(BongsuError) as caught:
                call(*args)  # type: ignore[operator]
            (problem,) = caught.value.problems
            assert problem.code.name == "audit.unknown-log"
            assert problem.what() == f"There is no audit log of {ministry} here."
    assert positions(list_entries(logs.platform, auditor(), MND)) == [0], (
        "who asks for what is not theirs leaves no trace"
    )


@pytest.mark.parametrize(
    "actor",
    [
        Actor("mnd/lee", "Lee", roles={MND: frozenset({Role.ENGINEER, Role.APPROVER, Role.OPERATOR})}),
        Actor("mnd/none", "None", roles={MND: frozenset({Role.PROGRAMME_MANAGER})}),
    ],
)
def test_a_role_that_does_not_read_logs_is_refused_and_recorded(logs: Logs, actor: Actor) -> None:
    assert code_of(list_entries, logs.platform, actor, MND) == "audit.forbidden"
    (entry,) = list_entries(logs.platform, auditor(), MND).entries
    assert entry.content is not None
    assert (entry.content["actor"], entry.content["outcome"]) == (actor.id, "refused")


def test_a_home_is_its_owners_whatever_the_labels(logs: Logs) -> None:
    home = Tenant("")
    logs.add(event(0, home, SECRET))
    assert list_entries(logs.platform, local_actor(), home).entries[0].text is not None


def test_what_is_not_there_is_said_with_what_is(logs: Logs) -> None:
    logs.add(event(0))
    assert code_of(show_entry, logs.platform, auditor(), MND, 1) == "audit.no-entry"


def test_a_proof_shows_one_entry_and_no_other(logs: Logs) -> None:
    logs.add(*(event(n) for n in range(9)))
    trust = Trust(keys=KEYS.public(MND))
    for position in (0, 3, 8):
        proof = prove_entry(logs.platform, KEYS, auditor(), MND, position)
        text = str(proof)
        assert verify_proof(text, "p", trust).holds
        assert not verify_proof(text, "p", Trust()).holds, "a proof brings no key that could be trusted"
        for wrong in (
            text.replace(f"index {position}", f"index {position + 1 if position < 8 else 0}"),
            text.replace("\nextra ", "\nextra AAAA"),
            str(proof.__class__("", proof.index, proof.proof, proof.signed)),
            str(proof.__class__(proof.entry, proof.index, proof.proof[:-1], proof.signed)),
        ):
            verdict = verify_proof(wrong, "p", trust)
            assert [problem.code.name for problem in verdict.problems] == ["audit.not-included"]
            assert verdict.proved == ()


def test_who_reads_an_export_slowly_holds_no_connection_and_has_all_of_it(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(12):
        logs.add(event(n))
        sign(logs.platform, KEYS, MND)
    whole = logs.bundle(auditor())
    monkeypatch.setattr(exporting, "_ENTRIES", 5)
    monkeypatch.setattr(exporting, "_SIZES", 4)
    held: list[object] = []
    engine = logs.database.engine
    listen(engine, "checkout", lambda connection, *_: held.append(connection))
    listen(engine, "checkin", lambda connection, *_: held.remove(connection))
    taken = []
    for line in exporting.export(logs.platform, KEYS, auditor(), MND).lines:
        assert held == []
        taken.append(line)
    # The first export is an entry of the second one, which is signed with a checkpoint of its own.
    assert [line for line in whole[1:-3] if line not in taken] == []
    assert verify_bundle([parsed(line.encode()) for line in taken], "b", Trust()).holds
