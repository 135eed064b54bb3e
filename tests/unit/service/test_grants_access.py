"""Who may do what to a grant, who sees what of it, and what is recorded of those who may not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from grant_places import (
    ENGINEER,
    GPU,
    GRANT,
    MANAGER,
    STRANGER,
    gpu_stage,
    order,
    paid_plan,
    person,
    with_ministries,
)
from service_places import CAPACITY, Place, drive
from sqlalchemy import select

from bongsu.domain.grants import EntryKind
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.uses import UseClass
from bongsu.planner.accelerators import KNOWN
from bongsu.service.grants.giving import MOST_HOURS, adjust, close, give
from bongsu.service.grants.looking import list_grants, recount_grant, show_grant
from bongsu.service.grants.reclaiming import announce_reclaim, carry_out_reclaim, withdraw_reclaim
from bongsu.service.grants.showback import showback
from bongsu.service.ministries import say_owns_gpus
from bongsu.service.owner import OWNER
from bongsu.service.platform import Platform
from bongsu.service.submitting import submit
from bongsu.store.schema_audit import audit_entries

DAY = 86_400.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A server of three ministries, and a grant of MSIT for MND."""
    made = Place(tmp_path)
    made.cluster.capacity = replace(CAPACITY, gpus=16)
    with_ministries(made.platform.database, "msit", "mnd", "dapa")
    give(made.platform, MANAGER, order())
    yield made
    made.close()


def test_nobody_gives_who_owns_no_gpus_not_even_to_themselves(place: Place) -> None:
    mnd = person("yoon", Role.PROGRAMME_MANAGER, ministry="mnd")
    for receiver in ("mnd", "dapa"):
        wanted = order(id="own", giver="mnd", receiver=receiver, gpu_hours=1e6)
        assert outcome(lambda wanted=wanted: give(place.platform, mnd, wanted)) == "grants.no-gpus"
    with place.platform.read() as connection:
        query = select(audit_entries.c.tenant, audit_entries.c.outcome).where(audit_entries.c.actor == mnd.id)
        assert list(connection.execute(query)) == [("mnd", "refused")] * 2
    say_owns_gpus(place.platform, "mnd", True)
    given = give(place.platform, mnd, order(id="own", giver="mnd", receiver="mnd"))
    say_owns_gpus(place.platform, "mnd", False)
    more = outcome(lambda: adjust(place.platform, mnd, given.id, 1.0, "More"))
    less = outcome(lambda: adjust(place.platform, mnd, given.id, -1.0, "Less"))
    assert (more, less) == ("grants.no-gpus", "done"), "what was given may be taken back"


def test_who_owns_gpus_is_said_of_ministries_that_there_are_and_recorded(place: Place) -> None:
    assert outcome(lambda: say_owns_gpus(place.platform, "nowhere", True)) == "people.unknown-ministry"
    for _ in range(2):
        assert say_owns_gpus(place.platform, "dapa", True).owns_gpus
    with place.platform.read() as connection:
        query = select(audit_entries.c.entry).where(audit_entries.c.action == "ministry.gpus")
        (entry,) = connection.execute(query).scalars()
    assert json.loads(entry)["facts"] == {"owns": True}


def outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except BongsuError as error:
        return error.problems[0].code.name
    return "done"


def recorded(place: Place) -> list[tuple[str, str, str, str]]:
    """Tenant, actor, action and outcome of everything that was written down."""
    with place.platform.database.read() as connection:
        rows = connection.execute(select(audit_entries).order_by(audit_entries.c.tenant, audit_entries.c.position))
        return [(row.tenant, row.actor, row.action, json.loads(row.entry)["outcome"]) for row in rows]


READS: dict[str, Callable[[Platform, Actor], object]] = {
    "show": lambda platform, actor: show_grant(platform, actor, GRANT),
    "recount": lambda platform, actor: recount_grant(platform, actor, GRANT),
}
CHANGES: dict[str, Callable[[Platform, Actor], object]] = {
    "adjust": lambda platform, actor: adjust(platform, actor, GRANT, 1.0, "It was agreed."),
    "close": lambda platform, actor: close(platform, actor, GRANT, "It is over."),
    "announce": lambda platform, actor: announce_reclaim(platform, actor, GRANT, 1.0, "It is not used."),
    "carry out": lambda platform, actor: carry_out_reclaim(platform, actor, GRANT),
    "withdraw": lambda platform, actor: withdraw_reclaim(platform, actor, GRANT),
}
BY_HAND = {Role.PROGRAMME_MANAGER}
BLIND = {Role.OPERATOR}


@pytest.mark.parametrize(("role", "ministry"), itertools.product(Role, ("msit", "mnd", "dapa")))
def test_each_role_of_each_ministry_may_what_the_table_says_and_nothing_else(
    place: Place, role: Role, ministry: str
) -> None:
    actor = person("someone", role, ministry=ministry, grade=Grade.CLASSIFIED)
    is_party, is_giver = ministry != "dapa", ministry == "msit"
    sees = is_party and role not in BLIND
    unseen = "grants.forbidden" if is_party else "grants.unknown"
    for name, read in READS.items():
        assert outcome(lambda read=read: read(place.platform, actor)) == ("done" if sees else unseen), name  # type: ignore[misc]
    assert [one.grant.id for one in list_grants(place.platform, actor)] == ([GRANT] if sees else [])
    for name, change in CHANGES.items():
        found = outcome(lambda change=change: change(place.platform, actor))  # type: ignore[misc]
        if is_giver and role in BY_HAND:
            assert found in ("done", "grants.notice-runs", "grants.notice-carried-out"), name
        else:
            assert found == ("grants.forbidden" if is_party else "grants.unknown"), name


def test_adjustments_come_to_no_more_than_could_be_given_at_once(place: Place) -> None:
    adjust(place.platform, MANAGER, GRANT, MOST_HOURS / 2, "More")
    with pytest.raises(BongsuError) as caught:
        adjust(place.platform, MANAGER, GRANT, MOST_HOURS / 2, "More")
    assert [one.code.name for one in caught.value.problems] == ["grants.bad-amount"]
    adjust(place.platform, MANAGER, GRANT, -MOST_HOURS / 2, "Less")
    adjust(place.platform, MANAGER, GRANT, MOST_HOURS / 2, "More again")


def test_a_service_account_gives_and_adjusts_nothing(place: Place) -> None:
    robot = replace(MANAGER, id="msit/robot", kind=ActorKind.SERVICE)
    assert outcome(lambda: give(place.platform, robot, order(id="other"))) == "access.people-decide"
    assert outcome(lambda: adjust(place.platform, robot, GRANT, 1.0, "It was agreed.")) == "access.people-decide"
    assert outcome(lambda: show_grant(place.platform, robot, GRANT)) == "done"


def test_who_gives_in_the_name_of_another_is_refused_and_writes_in_no_log_but_their_own(place: Place) -> None:
    before = recorded(place)
    assert outcome(lambda: give(place.platform, STRANGER, order(id="other"))) == "grants.forbidden"
    engineer = person("han", Role.ENGINEER, ministry="msit")
    assert outcome(lambda: give(place.platform, engineer, order(id="other"))) == "grants.forbidden"
    assert sorted(set(recorded(place)) - set(before)) == [
        ("dapa", STRANGER.id, "grant.give", "refused"),
        ("msit", "msit/han", "grant.give", "refused"),
    ]


def test_for_a_foreign_ministry_a_grant_is_told_from_none_by_nothing(place: Place) -> None:
    told = []
    for name in (GRANT, "nap-2026-xyz-01"):
        with pytest.raises(BongsuError) as caught:
            show_grant(place.platform, STRANGER, name)
        told.append(str(caught.value).replace(name, "NAME"))
    assert told[0] == told[1]
    assert showback(place.platform, STRANGER, 0.0, 4e9).rows == ()


def test_both_sides_read_in_their_own_log_what_was_done_and_refused(place: Place) -> None:
    mnd = person("choi", Role.PROGRAMME_MANAGER, ministry="mnd")
    outcome(lambda: adjust(place.platform, mnd, GRANT, 1.0, "We want more."))
    adjust(place.platform, MANAGER, GRANT, -1.0, "A slip.", "k")
    adjust(place.platform, MANAGER, GRANT, -1.0, "A slip.", "k")
    outcome(lambda: adjust(place.platform, MANAGER, GRANT, -1000.0, "All of it."))
    told = [
        ("msit/lee", "grant.give", "done"),
        ("mnd/choi", "grant.adjust", "refused"),
        ("msit/lee", "grant.adjust", "done"),
        ("msit/lee", "grant.adjust", "refused"),
    ]
    assert recorded(place) == [(tenant, *one) for tenant in ("mnd", "msit") for one in told]


def test_the_giver_sees_what_was_used_and_not_by_which_run(place: Place) -> None:
    run = submit(replace(place.platform, actor=ENGINEER), paid_plan(gpu_stage("a", hours=4))).run
    drive(place.platform, [run.id])
    mine = show_grant(place.platform, ENGINEER, GRANT)
    theirs = show_grant(place.platform, MANAGER, GRANT)
    assert [e.gpu_ms for e in mine.entries] == [e.gpu_ms for e in theirs.entries]
    assert {e.run_id for e in mine.entries if e.kind is not EntryKind.GIVEN} == {run.id}
    assert run.id not in repr(theirs)
    assert ENGINEER.id not in repr(theirs)
    assert MANAGER.id in repr(theirs)
    logs = [(tenant, action) for tenant, _actor, action, _outcome in recorded(place) if action.startswith("grant.")]
    assert logs == [("mnd", "grant.give"), ("mnd", "grant.reserve"), ("msit", "grant.give")]


def test_within_the_receiver_a_run_above_ones_clearance_is_not_named_either(place: Place) -> None:
    secret = gpu_stage("a", hours=4, label=Label(grade=Grade.SENSITIVE))
    run = submit(replace(place.platform, actor=ENGINEER), paid_plan(secret)).run
    low = person("moon", Role.ENGINEER, ministry="mnd")
    assert run.id not in repr(show_grant(place.platform, low, GRANT))
    assert run.id in repr(show_grant(place.platform, ENGINEER, GRANT))
    assert show_grant(place.platform, low, GRANT).summary == show_grant(place.platform, ENGINEER, GRANT).summary


def test_what_is_sent_twice_is_done_once(place: Place) -> None:
    assert give(place.platform, MANAGER, order()) == give(place.platform, MANAGER, order())
    for changed in ({"gpu_hours": 101.0}, {"receiver": "dapa"}, {"accelerator": "A100-80GB"}):
        assert (
            outcome(lambda changed=changed: give(place.platform, MANAGER, order(**changed))) == "grants.name-taken"
        )  # type: ignore[misc]
    first = adjust(place.platform, MANAGER, GRANT, 5.0, "It was agreed.", "key")
    assert adjust(place.platform, MANAGER, GRANT, 5.0, "It was agreed.", "key") == first
    assert (
        outcome(lambda: adjust(place.platform, MANAGER, GRANT, 6.0, "It was agreed.", "key")) == "grants.key-reused"
    )
    assert len(show_grant(place.platform, MANAGER, GRANT).entries) == 2
    long = "k" * 5000
    adjust(place.platform, MANAGER, GRANT, 1.0, "It was agreed.", long)
    adjust(place.platform, MANAGER, GRANT, 1.0, "It was agreed.", long)
    assert len(show_grant(place.platform, MANAGER, GRANT).entries) == 3
    closed = close(place.platform, MANAGER, GRANT, "It is over.")
    place.now += 5
    assert close(place.platform, MANAGER, GRANT, "It is over.") == closed


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"id": "Nap 1"}, ["grants.bad-name"]),
        ({"id": "nap\n", "programme": "x" * 41}, ["grants.bad-name", "grants.bad-name"]),
        ({"gpu_hours": 0.0}, ["grants.bad-amount"]),
        ({"gpu_hours": float("nan")}, ["grants.bad-amount"]),
        ({"gpu_hours": float("inf")}, ["grants.bad-amount"]),
        ({"gpu_hours": -1.0, "ends": 0.0}, ["grants.bad-amount", "grants.bad-window"]),
        ({"ends": float("inf")}, ["grants.bad-window"]),
        *(({"accelerator": name}, []) for name in KNOWN),
        ({"accelerator": "RTX"}, ["grants.unknown-accelerator"]),
        ({"receiver": "navy"}, ["grants.no-such-ministry"]),
        ({"use_classes": frozenset(UseClass)}, []),
    ],
)
def test_an_order_is_told_everything_that_is_wrong_with_it(
    place: Place, changes: dict[str, object], codes: list[str]
) -> None:
    wanted = order(**{"id": "other", **changes})
    with pytest.raises(BongsuError) if codes else nullcontext() as caught:
        give(place.platform, MANAGER, wanted)
    assert [problem.code.name for problem in caught.value.problems] == codes if caught else codes == []


def test_nothing_is_booked_without_a_reason_or_an_amount(place: Place) -> None:
    for hours, reason, code in (
        (1.0, " ", "no-reason"),
        (0.0, "Why", "bad-amount"),
        (float("nan"), "Why", "bad-amount"),
    ):
        found = outcome(lambda hours=hours, reason=reason: adjust(place.platform, MANAGER, GRANT, hours, reason))  # type: ignore[misc]
        assert found == f"grants.{code}"
    assert outcome(lambda: close(place.platform, MANAGER, GRANT, "")) == "grants.no-reason"


def test_a_reclaim_waits_for_its_notice_and_leaves_what_is_set_aside(place: Place) -> None:
    platform = place.platform
    assert outcome(lambda: carry_out_reclaim(platform, MANAGER, GRANT)) == "grants.no-notice"
    assert (
        outcome(lambda: announce_reclaim(platform, MANAGER, GRANT, 90.0, "Unused.", 6.9))
        == "grants.notice-too-short"
    )
    notice = announce_reclaim(platform, MANAGER, GRANT, 90.0, "Unused.")
    assert announce_reclaim(platform, MANAGER, GRANT, 90.0, "Unused.") == notice
    assert outcome(lambda: announce_reclaim(platform, MANAGER, GRANT, 91.0, "Unused.")) == "grants.notice-stands"
    assert show_grant(platform, ENGINEER, GRANT).notice == notice
    place.now += 7 * DAY - 1
    assert outcome(lambda: carry_out_reclaim(platform, MANAGER, GRANT)) == "grants.notice-runs"
    submit(replace(platform, actor=ENGINEER), paid_plan(gpu_stage("a", hours=30)))
    place.now += 1
    taken = carry_out_reclaim(platform, MANAGER, GRANT)
    assert taken.gpu_ms == 70 * 3_600_000, "30 are set aside"
    assert carry_out_reclaim(platform, MANAGER, GRANT) == taken
    summary = show_grant(platform, MANAGER, GRANT).summary
    assert (summary.given, summary.reserved, summary.available) == (30 * 3_600_000, 30 * 3_600_000, 0)


def test_a_notice_that_is_withdrawn_takes_nothing_and_a_grant_that_is_over_needs_none(place: Place) -> None:
    announce_reclaim(place.platform, MANAGER, GRANT, 10.0, "Unused.")
    withdrawn = withdraw_reclaim(place.platform, MANAGER, GRANT)
    place.now += 7 * DAY
    assert withdraw_reclaim(place.platform, MANAGER, GRANT) == withdrawn
    assert outcome(lambda: carry_out_reclaim(place.platform, MANAGER, GRANT)) == "grants.no-notice"
    close(place.platform, MANAGER, GRANT, "It is over.")
    announce_reclaim(place.platform, MANAGER, GRANT, 10.0, "Unused.")
    assert carry_out_reclaim(place.platform, MANAGER, GRANT).gpu_ms == 10 * 3_600_000


def test_a_reclaim_that_was_withdrawn_is_not_told_as_an_earlier_one_that_was_carried_out(place: Place) -> None:
    platform = place.platform
    assert outcome(lambda: withdraw_reclaim(platform, MANAGER, GRANT)) == "grants.no-notice"
    announce_reclaim(platform, MANAGER, GRANT, 10.0, "Unused.")
    place.now += 7 * DAY
    taken = carry_out_reclaim(platform, MANAGER, GRANT)
    assert outcome(lambda: withdraw_reclaim(platform, MANAGER, GRANT)) == "grants.notice-carried-out"
    assert carry_out_reclaim(platform, MANAGER, GRANT) == taken
    announce_reclaim(platform, MANAGER, GRANT, 20.0, "Unused.")
    withdraw_reclaim(platform, MANAGER, GRANT)
    assert outcome(lambda: carry_out_reclaim(platform, MANAGER, GRANT)) == "grants.no-notice"


def test_an_announcement_that_is_sent_again_announces_nothing_more(place: Place) -> None:
    platform = place.platform
    notice = announce_reclaim(platform, MANAGER, GRANT, 10.0, "Unused.", key="k")
    withdrawn = withdraw_reclaim(platform, MANAGER, GRANT)
    assert announce_reclaim(platform, MANAGER, GRANT, 10.0, "Unused.", key="k") == withdrawn
    assert show_grant(platform, MANAGER, GRANT).notice is None
    other = outcome(lambda: announce_reclaim(platform, MANAGER, GRANT, 11.0, "Unused.", key="k"))
    assert other == "api.key-used-otherwise"
    again = announce_reclaim(platform, MANAGER, GRANT, 10.0, "Unused.", key="another")
    assert again.number == notice.number + 1


def test_the_owner_of_a_home_is_on_both_sides_of_every_grant(tmp_path: Path) -> None:
    home = Place(tmp_path)
    give(home.platform, OWNER, order(accelerator=GPU))
    adjust(home.platform, OWNER, GRANT, 1.0, "It was agreed.")
    secret = gpu_stage("a", hours=4, label=Label(grade=Grade.CLASSIFIED))
    run = submit(home.platform, paid_plan(secret)).run
    assert run.id in repr(show_grant(home.platform, OWNER, GRANT))
    assert {row[0] for row in recorded(home)} == {""}
    home.close()
